"""What is not in order with a subcontract on a day: papers missing, lapsed or about to lapse, no signature, no approval."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, get_args

from app.calendar.contract import Contract
from app.kernel.months import Month
from app.pathways.domain import Sector
from app.subcontracts.domain import ENDED, UNSIGNED, Assurance, AssuranceItem, Subcontract, SubcontractStatus, status_on, unsigned_spans

WINDOW: Final = timedelta(days=90)
"""How long beforehand a lapse, and the start of a subcontract, is looked at."""

_EVERYONE: Final = frozenset[AssuranceItem]({"signature", "insurance", "dspt", "ico", "data_sharing_agreement"})
REQUIRED: Final[Mapping[Sector, frozenset[AssuranceItem]]] = {
    "acute": _EVERYONE | {"cqc"},
    "community": _EVERYONE | {"cqc"},
    "mental_health": _EVERYONE | {"cqc"},
    "hospice": _EVERYONE | {"cqc"},
    "primary_care": _EVERYONE | {"cqc"},
    # A charity that gives no regulated care needs no registration; a line with `required: true` asks for it.
    "voluntary": _EVERYONE,
    # Companies without the NHS behind them: a parent's or a bank's guarantee.
    "independent": _EVERYONE | {"cqc", "guarantee"},
}
"""The items that a subcontract of each sector needs, unless its own lines say otherwise."""

FindingKind = Literal["missing", "lapsed", "lapsing", "delivering_unsigned", "not_approved", "undated_status"]


class Finding(NamedTuple):
    """One thing that is not in order.

    `expires_on` is the last day that a paper holds, of a lapsed or lapsing one; `since` the first day of delivering unsigned.
    """

    subcontract: str
    finding: FindingKind
    item: AssuranceItem | None = None
    reference: str | None = None
    expires_on: date | None = None
    since: date | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.subcontract, self.finding, self.item or ""


def findings(contract: Contract, on: date) -> list[Finding]:
    """Everything that is not in order on a day, in the order of its key: of subcontracts that have not ended and have begun, or will soon."""
    found: list[Finding] = []
    assigned = {facts[0].subcontract for facts in contract.lines.values() if facts[0].in_month(Month.of(on))}
    for agreement in contract.subcontracts:
        if agreement.starts_on - on <= WINDOW and on <= agreement.last_day:
            found.extend(_findings(agreement, on, assigned=agreement.reference in assigned))
    return sorted(found, key=lambda finding: finding.key)


def _findings(agreement: Subcontract, on: date, *, assigned: bool) -> Iterator[Finding]:
    reference, status = agreement.reference, status_on(agreement, on)
    if not agreement.status_history and status in _NEEDS_A_DAY:
        yield Finding(reference, "undated_status")
    if status in ENDED:
        return
    span = next((span for span in unsigned_spans(agreement) if span.first <= on <= span.last), None)
    if status in UNSIGNED and assigned and span is not None:
        yield Finding(reference, "delivering_unsigned", since=span.first)
    approval = agreement.commissioner_approval
    if agreement.material and (approval is None or approval.approved_on > on):
        yield Finding(reference, "not_approved")
    for item in get_args(AssuranceItem):
        lines = [line for line in agreement.assurance if line.item == item]
        finding = _paper(agreement, item, lines, on)
        if finding is not None:
            yield finding


_NEEDS_A_DAY: Final = ENDED | frozenset[SubcontractStatus]({"suspended"})


def _paper(agreement: Subcontract, item: AssuranceItem, lines: Sequence[Assurance], on: date) -> Finding | None:
    """What is wrong with one item. An item that nobody requires is looked at where it is held, unless it is said not to be required."""
    stated = {line.required for line in lines}
    required = True in stated or (False not in stated and item in REQUIRED[agreement.sector])
    held = sorted((line for line in lines if line.is_held), key=_begins)
    if not required and (False in stated or not held):
        return None
    until: date | None = None
    for line in held:
        # A renewal that begins at the latest the day after goes on from the one before.
        if _begins(line) <= (on if until is None else _following(until)) and _ends(line) >= on:
            until = max(until or on, _ends(line))
    if until is not None:
        lapses = until != date.max and until - on <= WINDOW
        return Finding(agreement.reference, "lapsing", item, _paper_until(held, until), until) if lapses else None
    past = max((_ends(line) for line in held if _ends(line) < on), default=None)
    if past is not None:
        return Finding(agreement.reference, "lapsed", item, _paper_until(held, past), past)
    return Finding(agreement.reference, "missing", item) if required else None


def _begins(line: Assurance) -> date:
    return line.held_from or date.min


def _ends(line: Assurance) -> date:
    """The last day it holds; the last of all days where it does not expire."""
    return line.expires_on or date.max


def _following(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)


def _paper_until(held: Sequence[Assurance], last: date) -> str | None:
    return next(line.reference for line in held if _ends(line) == last)
