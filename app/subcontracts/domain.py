"""What a subcontract is: the agreement between the prime and one organisation under one programme."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field

from app.kernel.codes import Code
from app.kernel.lines import Day, Line, Many, Name, NewCode, Number, Pence, Words
from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.pathways.domain import Sector, Setting

SubcontractStatus = Literal["heads_of_terms", "agreed", "signed", "live", "suspended", "notice", "terminated", "expired"]

MOVES: Final[Mapping[SubcontractStatus, frozenset[SubcontractStatus]]] = {
    "heads_of_terms": frozenset({"agreed", "signed", "terminated"}),
    "agreed": frozenset({"heads_of_terms", "signed", "terminated"}),
    "signed": frozenset({"live", "notice", "terminated", "expired"}),
    "live": frozenset({"suspended", "notice", "terminated", "expired"}),
    "suspended": frozenset({"live", "notice", "terminated", "expired"}),
    "notice": frozenset({"live", "suspended", "terminated", "expired"}),
    "terminated": frozenset(),
    "expired": frozenset(),
}
"""What may follow each status."""

UNSIGNED: Final = frozenset[SubcontractStatus]({"heads_of_terms", "agreed"})
"""Whoever delivers in these delivers without a signed subcontract: shown, not excused."""
ENDED: Final = frozenset[SubcontractStatus]({"terminated", "expired"})
NOT_DELIVERING: Final = ENDED | {"suspended"}

_DAY: Final = timedelta(days=1)

AssuranceItem = Literal["signature", "insurance", "dspt", "cqc", "ico", "data_sharing_agreement", "guarantee"]


class Contact(Line):
    """A person to ring; staff identities are the only personal data held."""

    role: Name
    name: Name | None = None
    email: Name | None = None
    phone: Number | None = None


class StatusStep(Line):
    """From a day on, the subcontract is in a status; `from_day` is the first day in it."""

    status: SubcontractStatus
    from_day: Day
    reason: Words | None = None


class Extension(Line):
    """The term goes on to a later day, as approved under a reference."""

    ends_on: Day
    approved_ref: Name | None = None


class ValueOfYear(Line):
    """What the subcontract is worth in one contract year, as it was agreed at first."""

    contract_year: Annotated[int, Field(ge=1, le=100)]
    value_pence: Pence


class CommissionerApproval(Line):
    """The commissioner agreed to a material subcontract."""

    approved_on: Day
    reference: Name | None = None


class Assurance(Line):
    """A paper that a subcontract needs: since when it is held, and until when, both days included.

    A line without reference and days says only whether the item is `required`; None leaves that to the sector.
    """

    item: AssuranceItem
    reference: Name | None = None
    held_from: Day | None = None
    expires_on: Day | None = None
    required: bool | None = None

    @property
    def is_held(self) -> bool:
        return (self.reference, self.held_from, self.expires_on) != (None, None, None)


class Variation(Line):
    """A numbered change of the agreement from a day on, with what it adds to (or takes from) its value."""

    number: Annotated[int, Field(ge=1, le=10_000)]
    effective_on: Day
    what: Annotated[Words, Field(min_length=1)]
    value_change_pence: Annotated[int, Field(ge=-(10**15), le=10**15)] = 0


class Subcontract(Line):
    """Reporting hangs on the subcontract, never on the organisation. `settings` None: any.

    `status` is the status as it is stated now; what happened when is the `status_history`, whose steps decide wherever there is one.
    """

    reference: NewCode
    organisation: Code
    sector: Sector
    settings: Many[Setting] | None = None
    starts_on: Day
    ends_on: Day
    annual_value_pence: Pence | None = None
    status: SubcontractStatus | None = None
    contacts: Many[Contact] = ()
    status_history: Annotated[Many[StatusStep], Field(max_length=200)] = ()
    extension: Extension | None = None
    value_by_year: Annotated[Many[ValueOfYear], Field(max_length=100)] = ()
    material: bool = False
    commissioner_approval: CommissionerApproval | None = None
    assurance: Annotated[Many[Assurance], Field(max_length=500)] = ()
    variations: Annotated[Many[Variation], Field(max_length=500)] = ()

    @property
    def last_day(self) -> date:
        """The last day of the term, extended where it was."""
        return self.extension.ends_on if self.extension else self.ends_on

    @property
    def first_month(self) -> Month:
        return Month.of(self.starts_on)

    @property
    def last_month(self) -> Month:
        return Month.of(self.last_day)


class Span(NamedTuple):
    """From one day to another, both included."""

    first: date
    last: date

    def meets(self, month: Month) -> bool:
        """Whether a day of the month is in it."""
        return Month.of(self.first) <= month <= Month.of(self.last)

    def holds(self, month: Month) -> bool:
        """Whether every day of the month is in it."""
        return self.meets(month) and self.first <= month.first_day and month.last_day <= self.last


def status_on(subcontract: Subcontract, day: date) -> SubcontractStatus | None:
    """The status on a day; without a history the one stated, which has no day."""
    if not subcontract.status_history:
        return subcontract.status
    return next((step.status for step in reversed(subcontract.status_history) if step.from_day <= day), None)


def live_spans(subcontract: Subcontract) -> tuple[Span, ...]:
    """The days of the term on which the subcontract delivers: all but those of suspension and after its end.

    A status without a history has no day, so it takes none away.
    """
    if not subcontract.status_history:
        return (Span(subcontract.starts_on, subcontract.last_day),)
    return tuple(_spans(subcontract, frozenset(MOVES) - NOT_DELIVERING))


def unsigned_spans(subcontract: Subcontract) -> tuple[Span, ...]:
    """The days of the term on which it is not signed."""
    if not subcontract.status_history:
        return (Span(subcontract.starts_on, subcontract.last_day),) if subcontract.status in UNSIGNED else ()
    return tuple(_spans(subcontract, UNSIGNED))


def _spans(subcontract: Subcontract, wanted: Collection[SubcontractStatus]) -> list[Span]:
    """The days of the term in these statuses, as few spans as can be."""
    found: list[Span] = []
    following = [*(step.from_day for step in subcontract.status_history[1:]), None]
    for number, (step, until) in enumerate(zip(subcontract.status_history, following, strict=True)):
        first = max(step.from_day, subcontract.starts_on) if number else subcontract.starts_on
        if step.status not in wanted or (until is not None and until <= first) or first > subcontract.last_day:
            continue
        last = subcontract.last_day if until is None else min(until - _DAY, subcontract.last_day)
        if found and found[-1].last + _DAY == first:
            found[-1] = Span(found[-1].first, last)
        else:
            found.append(Span(first, last))
    return found


def ends_for_good(subcontract: Subcontract) -> bool:
    """Whether nothing can follow its last live day: not so while a suspension is open at the end of the term."""
    return status_on(subcontract, subcontract.last_day) != "suspended" or not subcontract.status_history


def signed_in(subcontract: Subcontract, month: Month) -> bool:
    """Whether no day of a month in its term is without a signature; true where no status is stated."""
    return not any(span.meets(month) for span in unsigned_spans(subcontract))


def original_value_pence(subcontract: Subcontract) -> int | None:
    """What the whole subcontract was worth at first: its years added up, or the annual value over a term of whole years; else None."""
    if subcontract.value_by_year:
        return sum(year.value_pence for year in subcontract.value_by_year)
    if subcontract.annual_value_pence is None or subcontract.ends_on == date.max:
        return None
    following = subcontract.ends_on + _DAY
    years = following.year - subcontract.starts_on.year
    whole = years > 0 and (following.month, following.day) == (subcontract.starts_on.month, subcontract.starts_on.day)
    return subcontract.annual_value_pence * years if whole else None


def cumulative(subcontract: Subcontract) -> Iterator[tuple[Variation, int]]:
    """Each variation in the order in which they take effect, with the change of value in pence up to and including it."""
    change = 0
    for variation in sorted(subcontract.variations, key=lambda variation: (variation.effective_on, variation.number)):
        change += variation.value_change_pence
        yield variation, change


def faults_of(subcontract: Subcontract) -> Iterator[Fault]:
    """Everything that is wrong between the members of a subcontract; pointers begin at its line."""
    if subcontract.ends_on < subcontract.starts_on:
        yield Fault("reversed", "The subcontract ends before it starts.", _END_LATER, pointer="/ends_on")
    if subcontract.extension and subcontract.extension.ends_on <= subcontract.ends_on:
        detail = "An extension ends after the term that it extends."
        yield Fault("reversed", detail, "Name a day after ends_on.", pointer="/extension/ends_on")
    yield from _steps(subcontract)
    for number, line in enumerate(subcontract.assurance):
        if line.held_from is not None and line.expires_on is not None and line.expires_on < line.held_from:
            yield Fault("reversed", "It expires before it is held.", _END_LATER, pointer=f"/assurance/{number}/expires_on")
    keys = {
        "value_by_year": [year.contract_year for year in subcontract.value_by_year],
        "variations": [variation.number for variation in subcontract.variations],
    }
    for member, numbers in keys.items():
        for each, number in enumerate(numbers):
            if number in numbers[:each]:
                detail = f"This line has the same number as /{member}/{numbers.index(number)}."
                yield Fault("duplicate", detail, "Keep one of the two.", pointer=f"/{member}/{each}")


_END_LATER: Final = "Let it end no earlier than it begins."


def _steps(subcontract: Subcontract) -> Iterator[Fault]:
    steps = subcontract.status_history
    if not steps:
        return
    if steps[0].from_day > subcontract.starts_on:
        detail = "The history begins after the subcontract does, which leaves days without a status."
        yield Fault("status_start", detail, "Let its first step begin on or before starts_on.", pointer="/status_history/0/from_day")
    for number, (step, following) in enumerate(pairwise(steps), start=1):
        at = f"/status_history/{number}"
        if following.from_day < step.from_day:
            yield Fault("status_order", "This step begins before the one above it.", "Write the steps in order.", pointer=f"{at}/from_day")
        if following.status not in MOVES[step.status]:
            allowed = ", ".join(sorted(MOVES[step.status])) or "nothing"
            detail = f"{following.status} does not follow {step.status}."
            yield Fault("status_move", detail, f"After {step.status} may come: {allowed}.", pointer=f"{at}/status")
    for number, step in enumerate(steps):
        if step.status == "expired" and step.from_day <= subcontract.last_day:
            detail = "It expires before its term has ended."
            yield Fault("status_expired", detail, "Call it terminated, or let the term end earlier.", pointer=f"/status_history/{number}")
    if subcontract.status is not None and subcontract.status not in {step.status for step in steps}:
        detail = f"The status {subcontract.status} is no step of the history."
        yield Fault("status_differs", detail, "Add the step with its day, or correct or leave out the status.", pointer="/status")
