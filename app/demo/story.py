"""What happens in the demonstration's months: who sends which return when, and what goes wrong once each."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_returns
from app.calendar.working_days import ENGLAND
from app.demo.document import MONTHS, SHADOW_MONTHS, TREATS
from app.kernel.moments import LONDON
from app.kernel.months import Month


class Deed(StrEnum):
    """What is done in an act."""

    SEND = "send"
    SEND_WITH_GAP = "send_with_gap"
    SEND_SHORT = "send_short"
    CORRECT = "correct"
    ACCEPT = "accept"
    SIGN = "sign"
    ANSWER = "answer"
    IMPORT = "import"
    DRAFT = "draft"
    CHECK = "check"
    PUBLISH = "publish"
    PROPOSE_TERMS = "propose_terms"
    AGREE_TERMS = "agree_terms"
    STATE_COSTS = "state_costs"
    AGREE_COSTS = "agree_costs"
    DECLARE = "declare"
    APPROVE = "approve"
    APPROVE_FOR_FINANCE = "approve_for_finance"


SENDING: Final = frozenset({Deed.SEND, Deed.SEND_WITH_GAP, Deed.SEND_SHORT})
PUBLISHING: Final = frozenset({Deed.DRAFT, Deed.CHECK, Deed.PUBLISH})
SETTLING: Final = (
    Deed.PROPOSE_TERMS,
    Deed.AGREE_TERMS,
    Deed.STATE_COSTS,
    Deed.AGREE_COSTS,
    Deed.DECLARE,
    Deed.APPROVE,
    Deed.APPROVE_FOR_FINANCE,
)
"""How a contract year is settled, in this order: two people agree on its terms and its costs, three pass what it comes to. All but the terms are done again
to true it up, and say why."""


class Act(NamedTuple):
    """One thing that somebody does at a moment, about one return, about the report of its month, or about the contract year that begins in it."""

    at: datetime
    deed: Deed
    key: ReturnKey
    why: str = ""


GAP_MEASURE: Final = "E-RESPU"
GAP_REASON: Final = "system_change"

# Each happens once: (collection, subcontract, month of the story counted from nought).
_LATE: Final = frozenset({("cwt", "SC-RL4", 8), ("hospice", "SC-H9902", 4)})
_MISSING: Final = ("hospice", "SC-H9903", MONTHS - 1)
CORRECTED_SUBCONTRACT: Final = "SC-RJE"
_CORRECTED: Final = ("cwt", CORRECTED_SUBCONTRACT, 0)
# In the last month the trust that treats counts fewer lung patients than another says that it sent: both are asked, and the other has answered.
SHORT: Final = ("LUNG-IN", "SC-RL4", 3)
_ODD: Final = {("community", "SC-RRE", 7): Deed.SEND_WITH_GAP, ("cwt", TREATS, MONTHS - 1): Deed.SEND_SHORT}
_ANSWERED: Final = ("cwt", SHORT[1], MONTHS - 1)

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


class _On(NamedTuple):
    """A working day after a month's end, or after the end of a later one."""

    months_later: int
    working_day: int


# What is published of whose month, and why: the one that is corrected before and after, and both of the first contract year once they are frozen.
_FROZEN: Final = _On(6, 20)
_PUBLISHED: Final = {
    0: {_On(0, 30): "The month's returns are in.", _FROZEN: "A treatment that was counted late had been in time; the month is final."},
    1: {_FROZEN: "The month is final."},
}
# In the afternoon, each act at its own minute.
_AFTERNOON: Final = {Deed.DRAFT: 30, Deed.CHECK: 35, Deed.PUBLISH: 40}
_ANSWERED_AT: Final = 25


def acts(contract: Contract, first: Month, *, until: datetime) -> list[Act]:
    """The whole story in the order in which it happened: twelve months, and what of the month after them has been sent by now."""
    told = (*_of_first_year(first), *(act for number in range(MONTHS + 1) for act in _of_month(contract, first, number)))
    return sorted(act for act in told if act.at < until)


def _of_first_year(first: Month) -> Iterator[Act]:
    """Its terms are agreed as it begins; it is settled once its last month is published for good, and trued up for a cost that came later."""
    terms, settled = SETTLING[:2], SETTLING[2:]
    begins, ends = _On(-1, 5), _On(SHADOW_MONTHS - 1 + _FROZEN.months_later, _FROZEN.working_day + 1)
    later = _On(ends.months_later + 1, 10)
    for on, deeds, why in ((begins, terms, ""), (ends, settled, ""), (later, settled, "An invoice came after the year was settled.")):
        for position, deed in enumerate(deeds):
            yield Act(_moment(first, on, position), deed, ReturnKey("", "", first), why)


def _of_month(contract: Contract, first: Month, number: int) -> Iterator[Act]:
    month = first.plus(number)
    for position, key in enumerate(expected_returns(contract, month)):
        which = (key.collection, key.subcontract, number)
        if which == _MISSING:
            continue
        day = _SENT_LATE[key.collection] if which in _LATE else _SENT[key.collection]
        yield Act(_moment(month, day, position), _ODD.get(which, Deed.SEND), key)
        if not contract.collection[key.collection].auto_accept:
            yield Act(_moment(month, day + _DAYS_TO_ACCEPTANCE, position), Deed.ACCEPT, key)
        if which in _SIGNED:
            yield Act(_moment(month, day + _DAYS_TO_ACCEPTANCE, position), Deed.SIGN, key)
        if which == _ANSWERED:
            yield Act(_moment(month, day + _DAYS_TO_ACCEPTANCE, _ANSWERED_AT), Deed.ANSWER, key)
        if which in _IMPORTED:
            yield Act(_moment(month, _IMPORTED_AFTER, position), Deed.IMPORT, key)
        if which == _CORRECTED:
            yield Act(_moment(month, _CORRECTED_AFTER, position), Deed.CORRECT, key)
            yield Act(_moment(month, _CORRECTED_AFTER + _DAYS_TO_ACCEPTANCE, position), Deed.ACCEPT, key)
    for on, why in _PUBLISHED.get(number, {}).items():
        for deed, position in _AFTERNOON.items():
            yield Act(_moment(month, on, position), deed, ReturnKey("", "", month), why)


def _moment(month: Month, day: int | _On, position: int) -> datetime:
    """In the morning of a working day, each return at its own minute."""
    on = day if isinstance(day, _On) else _On(0, day)
    worked = ENGLAND.nth_after(month.plus(on.months_later), on.working_day)
    return datetime.combine(worked, time(9), tzinfo=LONDON) + timedelta(minutes=11 * position)


def beginning(first: Month) -> datetime:
    """When the programme's document is brought into force: the month before it begins."""
    return datetime.combine(ENGLAND.nth_after(first.plus(-2), 5), time(9), tzinfo=LONDON)
