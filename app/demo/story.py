"""What happens in the demonstration's months: who sends which return when, and what goes wrong once each."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import LONDON
from app.calendar.expected import ReturnKey, expected_returns
from app.calendar.working_days import ENGLAND
from app.demo.document import MONTHS
from app.kernel.months import Month


class Deed(StrEnum):
    """What is done in an act."""

    SEND = "send"
    SEND_WITH_GAP = "send_with_gap"
    CORRECT = "correct"
    ACCEPT = "accept"
    SIGN = "sign"
    IMPORT = "import"
    DRAFT = "draft"
    CHECK = "check"
    PUBLISH = "publish"


PUBLISHING: Final = frozenset({Deed.DRAFT, Deed.CHECK, Deed.PUBLISH})


class Act(NamedTuple):
    """One thing that somebody does at a moment, about one return, or about the report of its month."""

    at: datetime
    deed: Deed
    key: ReturnKey
    number: int = 1


GAP_MEASURE: Final = "E-RESPU"
GAP_REASON: Final = "system_change"

# Each happens once: (collection, subcontract, month of the story counted from nought).
_LATE: Final = frozenset({("cwt", "SC-RL4", 8), ("hospice", "SC-H9902", 4)})
_MISSING: Final = ("hospice", "SC-H9903", MONTHS - 1)
_WITH_GAP: Final = ("community", "SC-RRE", 7)
CORRECTED_SUBCONTRACT: Final = "SC-RJE"
_CORRECTED: Final = ("cwt", CORRECTED_SUBCONTRACT, 2)

# An approver signs what a hospice sent in these months.
_SIGNED: Final = frozenset(("hospice", "SC-H9903", number) for number in range(MONTHS - 4, MONTHS - 1))
# What is published nationally of whose month: of the first it is what the return was corrected to, of the second it is another figure.
_IMPORTED: Final = frozenset({_CORRECTED, ("cwt", "SC-RL4", 5)})

# Working days after the month's end. No month has fewer than eighteen, so the last month's acts lie before today's month.
_SENT: Final = {"cwt": 16, "hospice": 7, "community": 8}
_SENT_LATE: Final = {"cwt": 29, "hospice": 13}
_DAYS_TO_ACCEPTANCE: Final = 2
_IMPORTED_AFTER: Final = 32
_CORRECTED_AFTER: Final = 33

# The month that is corrected is published before and after: on these working days after its end.
_PUBLISHED: Final = {2: (30, 37)}
_AFTERNOON: Final = {Deed.DRAFT: 30, Deed.CHECK: 35, Deed.PUBLISH: 40}


def acts(contract: Contract, first: Month, *, until: datetime) -> list[Act]:
    """The whole story in the order in which it happened: twelve months, and what of the month after them has been sent by now."""
    return sorted(act for number in range(MONTHS + 1) for act in _of_month(contract, first, number) if act.at < until)


def _of_month(contract: Contract, first: Month, number: int) -> Iterator[Act]:
    month = first.plus(number)
    for position, key in enumerate(expected_returns(contract, month)):
        which = (key.collection, key.subcontract, number)
        if which == _MISSING:
            continue
        day = _SENT_LATE[key.collection] if which in _LATE else _SENT[key.collection]
        deed = Deed.SEND_WITH_GAP if which == _WITH_GAP else Deed.SEND
        yield Act(_moment(month, day, position), deed, key)
        if not contract.collection[key.collection].auto_accept:
            yield Act(_moment(month, day + _DAYS_TO_ACCEPTANCE, position), Deed.ACCEPT, key)
        if which in _SIGNED:
            yield Act(_moment(month, day + _DAYS_TO_ACCEPTANCE, position), Deed.SIGN, key)
        if which in _IMPORTED:
            yield Act(_moment(month, _IMPORTED_AFTER, position), Deed.IMPORT, key)
        if which == _CORRECTED:
            yield Act(_moment(month, _CORRECTED_AFTER, position), Deed.CORRECT, key)
            yield Act(_moment(month, _CORRECTED_AFTER + _DAYS_TO_ACCEPTANCE, position), Deed.ACCEPT, key)
    for time_of, day in enumerate(_PUBLISHED.get(number, ()), start=1):
        for deed, position in _AFTERNOON.items():
            yield Act(_moment(month, day, position), deed, ReturnKey("", "", month), time_of)


def _moment(month: Month, working_day: int, position: int) -> datetime:
    """In the morning of a working day, each return at its own minute."""
    return datetime.combine(ENGLAND.nth_after(month, working_day), time(9), tzinfo=LONDON) + timedelta(minutes=11 * position)


def beginning(first: Month) -> datetime:
    """When the programme's document is brought into force: the month before it begins."""
    return datetime.combine(ENGLAND.nth_after(first.plus(-2), 5), time(9), tzinfo=LONDON)
