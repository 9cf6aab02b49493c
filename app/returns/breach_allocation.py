"""Who answers for a patient of the 62-day standard that was handed on: the shares of the party that referred and of the one that treated.

A patient is one, whole, however often it is handed on: the shares' denominators add up to one, and their numerators to one if it was
treated in time, else to none.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid
from app.returns.breach_table import TABLES, Split, Table, table_in

Part = Literal["referring", "treating", "both"]


class Held(NamedTuple):
    """The days for which a party had the patient, less what may be left out of the count."""

    party: str
    days: int


@dataclass(frozen=True, slots=True)
class Case:
    """One treated patient: who had it for how long, in order; the last treated it. `accountable` referred it, where several might have."""

    held: tuple[Held, ...]
    accountable: str | None = None

    @property
    def treating(self) -> str:
        return self.held[-1].party

    @property
    def earlier(self) -> frozenset[str]:
        """The parties that had the patient before the transfer to the one that treated it."""
        return frozenset(held.party for held in self.held[:-1])

    @property
    def referring(self) -> str | None:
        """The party that referred; None where that cannot be told, or is said to be one that did not have the patient."""
        candidates = self.earlier or {self.treating}
        if self.accountable is not None:
            return self.accountable if self.accountable in candidates else None
        return next(iter(candidates)) if len(candidates) == 1 else None


class Share(NamedTuple):
    """What a party gets of a patient, and as which part it gets it."""

    party: str
    part: Part
    numerator: Decimal
    denominator: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """How a patient is shared. `scenario` is None, and so are the days around the transfer, where nobody else is accountable."""

    scenario: int | None
    rule: str
    days: int
    days_before_transfer: int | None
    days_after_transfer: int | None
    treated_in_time: bool
    shares: tuple[Share, ...]


def allocate(case: Case, table: Table) -> Allocation:
    """How a case is shared by a table. `case.referring` must be known: no patient is shared by a guess."""
    referring, treating = case.referring, case.treating
    assert referring is not None
    after = case.held[-1].days
    days = sum(held.days for held in case.held)
    in_time = days <= table.most_days
    if referring == treating:
        whole = Share(treating, "both", Decimal(in_time), Decimal(1))
        return Allocation(None, "Referred and treated by one party: the patient is wholly its own.", days, None, None, in_time, (whole,))
    before = days - after
    found = table.by_kept[before <= table.most_days_before_transfer, after <= table.most_days_after_transfer, in_time]
    shares = (Share(referring, "referring", *found.referring), Share(treating, "treating", *found.treating))
    return Allocation(found.number, found.rule, days, before, after, in_time, shares)


def totals(allocations: Iterable[Allocation]) -> dict[str, Split]:
    """What each party gets of all of them together, by party."""
    found: dict[str, list[Share]] = defaultdict(list)
    for allocation in allocations:
        for share in allocation.shares:
            found[share.party].append(share)
    return {
        party: Split(sum((share.numerator for share in shares), Decimal(0)), sum((share.denominator for share in shares), Decimal(0)))
        for party, shares in sorted(found.items())
    }


@dataclass(frozen=True, slots=True)
class Calculation:
    """How some cases are shared, by which table, and what each party gets of them together."""

    table: Table
    allocations: tuple[Allocation, ...]

    @property
    def totals(self) -> dict[str, Split]:
        return totals(self.allocations)


def calculate(cases: Sequence[Case], month: Month, shape: Sequence[Fault] = ()) -> Calculation:
    """How patients treated in a month are shared. Invalid, with every fault (those of its `shape` too), where no table covers it or it is
    not known who referred.
    """
    table = table_in(month)
    faults = list(shape)
    if table is None:
        fix = f"Name a month from {TABLES[0].from_month} on."
        faults.append(Fault("no_table", "There is no table for treatments in this month.", fix, pointer="/month"))
    for number, case in enumerate(cases):
        if case.referring is None:
            faults.append(_fault_of(case, number))
    if faults or table is None:
        raise Invalid("The patients cannot be shared; see errors.", faults=faults)
    return Calculation(table, tuple(allocate(case, table) for case in cases))


def _fault_of(case: Case, number: int) -> Fault:
    if case.accountable is None:
        detail = "Several parties had the patient before the one that treated it, and it is not said which of them is accountable."
        return Fault("accountable_missing", detail, "Name the party that referred.", pointer=f"/cases/{number}/accountable")
    detail = "This party did not have the patient before the one that treated it."
    return Fault("accountable_unknown", detail, "Name one that did.", pointer=f"/cases/{number}/accountable")
