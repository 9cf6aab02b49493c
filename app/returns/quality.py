"""The quality of what was returned: exact shares of what was owed, and the index that weighs them.

Each share keeps its numerator and denominator, and shares of several returns are added before they are divided. A return that is not yet due is not
judged. What a return states is what its accepted revision states or, until there is one, its latest: a subcontract's quality does not wait for
the integrator. Coverage by volume counts accepted revisions only, as the consolidated figures do.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Final, Literal, NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import working_days_late
from app.calendar.expected import CellKey, ReturnKey, duties_of_return, expected_cells
from app.calendar.volumes import return_volume
from app.calendar.working_days import WorkingDays
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.programmes.reporting import QualityWeights

LONGEST_LATE: Final = 10
"""Working days after which a late return is as untimely as none."""


class Share(NamedTuple):
    """How much of how much. A numerator or denominator that is not known is None."""

    numerator: Fraction | None
    denominator: Fraction | None

    @property
    def value(self) -> Fraction | None:
        """The exact ratio; None where one is not known, or nothing was asked."""
        return None if self.numerator is None or not self.denominator else self.numerator / self.denominator

    def plus(self, other: "Share") -> "Share":
        """Both together; what is not known of one is not known of both."""
        sums = (None if one is None or two is None else one + two for one, two in zip(self, other, strict=True))
        return Share(*sums)


NOTHING: Final = Share(Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class FirstRevision:
    """The first good revision of a return: when it came, its cells with a value by measure, and those of them that only warned."""

    received_at: datetime
    populated: Mapping[str, int]
    unexplained: frozenset[CellKey]


@dataclass(frozen=True, slots=True)
class OwedReturn:
    """A return that has fallen due, as the record held it at a moment.

    `accepted` says whether its figures count; `lacking` are its owed cells without a value in what it states, `not_applicable` those of
    which it was stated that nothing is owed; `revised` is, of each measure that it states, how far the figures went from the first
    revision to the one that is judged: 0 for not at all, 1 for as far as the figures are large, or farther.
    """

    key: ReturnKey
    due: datetime
    accepted: bool
    first: FirstRevision | None = None
    lacking: frozenset[CellKey] = frozenset()
    not_applicable: frozenset[CellKey] = frozenset()
    revised: Mapping[str, Fraction] = field(default_factory=dict)

    def asked(self, cells: Iterable[CellKey]) -> list[CellKey]:
        """Those of some expected cells that are owed."""
        return [cell for cell in cells if cell not in self.not_applicable]


def share(numerator: Decimal | Fraction | int, denominator: Decimal | Fraction | int) -> Share:
    return Share(Fraction(numerator), Fraction(denominator))


def completeness(owed: OwedReturn, cells: Iterable[CellKey]) -> Share:
    """Cells with a value (zero is one) of those owed."""
    asked = owed.asked(cells)
    return share(sum(cell not in owed.lacking for cell in asked), len(asked))


def validity(owed: OwedReturn, measures: Collection[str] | None = None) -> Share:
    """Cells of the first revision that nothing was odd about, or that came with an explanation, of those with a value."""
    if owed.first is None:
        return NOTHING
    populated = sum(count for code, count in owed.first.populated.items() if measures is None or code in measures)
    odd = sum(measures is None or cell.measure in measures for cell in owed.first.unexplained)
    return share(populated - odd, populated)


def is_on_time(owed: OwedReturn) -> bool:
    """Whether the first good revision came by the due instant."""
    return owed.first is not None and owed.first.received_at <= owed.due


def timeliness(owed: OwedReturn, days: WorkingDays) -> Share:
    """One for a first good revision by the due instant, a tenth less for each working day late, nothing for a missing one."""
    if owed.first is None or is_on_time(owed):
        return share(is_on_time(owed), 1)
    return share(max(Fraction(0), 1 - Fraction(working_days_late(owed.due, owed.first.received_at, days), LONGEST_LATE)), 1)


def stability(owed: OwedReturn) -> Share:
    """One for each measure whose figures stayed, less how far they went, of the measures stated."""
    return share(sum((1 - size for size in owed.revised.values()), Fraction(0)), len(owed.revised))


def revision_size(before: Mapping[CellKey, Sequence[Decimal]], after: Mapping[CellKey, Sequence[Decimal]]) -> Fraction:
    """How far the figures of a measure went, in all its cells, relative to what they are now; at most 1.

    Cell by cell: what was moved from one place to another was revised, although the total stayed.
    """
    moved = Fraction(0)
    for cell in before.keys() | after.keys():
        one, two = before.get(cell, ()), after.get(cell, ())
        figures = zip((*one, *(Decimal(0) for _ in two[len(one) :])), (*two, *(Decimal(0) for _ in one[len(two) :])), strict=True)
        moved += sum((abs(Fraction(final) - Fraction(first)) for first, final in figures), Fraction(0))
    final_total = sum((Fraction(figure) for figures in after.values() for figure in figures), Fraction(0))
    return min(Fraction(1), moved / max(final_total, Fraction(1)))


Combination = tuple[str, str, str]
"""A pathway, a segment of it, and a measure that is collected there."""


def combinations(contract: Contract, key: ReturnKey) -> Mapping[Combination, frozenset[CellKey]]:
    """The assigned segments and measures that a return answers for, each with the cells that it is answered in."""

    def work_out() -> Mapping[Combination, frozenset[CellKey]]:
        found: dict[Combination, set[CellKey]] = {}
        for duty in duties_of_return(contract, key):
            where = (duty.assignment.pathway, duty.assignment.segment, duty.measure.code)
            found.setdefault(where, set()).update(duty.cells())
        return {where: frozenset(cells) for where, cells in found.items()}

    return contract.worked_out.kept("combinations", key, work_out)


def coverage(contract: Contract, owed: OwedReturn, *, pathway: str | None = None) -> Share:
    """Assigned segments and measures of which anything was reported, of those owed; with `pathway`, of its segments."""
    found = combinations(contract, owed.key)
    asked = [cells - owed.not_applicable for (own, _, _), cells in found.items() if pathway in {None, own}]
    asked = [cells for cells in asked if cells]
    return share(sum(not cells <= owed.lacking for cells in asked), len(asked))


def covered_volume(
    contract: Contract,
    owed: OwedReturn,
    cells: Iterable[CellKey],
    measures: Collection[str] | None = None,
    *,
    pathway: str | None = None,
) -> Share:
    """The expected volume behind a return if it has a value in every owed cell of an accepted revision, of the volume behind it."""
    asked = owed.asked(cells)
    if not asked:
        return NOTHING
    volume = return_volume(contract, owed.key, measures=measures, pathway=pathway)
    if volume is None:
        return Share(None, None)
    return share(volume if owed.accepted and owed.lacking.isdisjoint(asked) else 0, volume)


MissingReason = Literal["not_due", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Quality:
    """What the returns of a subcontract (or of all) for a month come to."""

    month: Month
    subcontract: str
    returns_expected: int = 0
    returns_due: int = 0
    returns_received: int = 0
    returns_on_time: int = 0
    completeness: Share = NOTHING
    validity: Share = NOTHING
    timeliness: Share = NOTHING
    stability: Share = NOTHING
    coverage: Share = NOTHING
    volume: Share = NOTHING

    def index(self, weights: QualityWeights) -> Fraction | None:
        """The data quality index, 0 to 100; None where nothing is judged. A share of nothing adds nothing to it."""
        if self.coverage.value is None:
            return None
        weighed = (Fraction(getattr(weights, name)) * (getattr(self, name).value or 0) for name in QualityWeights.model_fields)
        return 100 * self.coverage.value * sum(weighed, Fraction(0))

    @property
    def missing_reason(self) -> MissingReason | None:
        """Why there is no index."""
        if self.coverage.value is not None:
            return None
        return "not_applicable" if self.returns_due else "not_due"


def pathways_of(contract: Contract, key: ReturnKey) -> list[str]:
    """The pathways that a return answers for, whether or not its measures are split by them."""
    return sorted({pathway for pathway, _, _ in combinations(contract, key)})


def quality_of_pathway(contract: Contract, owed: OwedReturn, pathway: str) -> Quality:
    """What one return that has fallen due comes to for one of its pathways: the cells that its segments are answered in, shared ones too."""
    cells = frozenset[CellKey]().union(*(cells for (own, _, _), cells in combinations(contract, owed.key).items() if own == pathway))
    return Quality(
        month=owed.key.month,
        subcontract=owed.key.subcontract,
        returns_expected=1,
        returns_due=1,
        returns_received=int(owed.first is not None),
        returns_on_time=int(is_on_time(owed)),
        completeness=completeness(owed, cells),
        coverage=coverage(contract, owed, pathway=pathway),
        volume=covered_volume(contract, owed, cells, pathway=pathway),
    )


_COUNTS: Final = ("returns_expected", "returns_due", "returns_received", "returns_on_time")
_SHARES: Final = ("completeness", "validity", "timeliness", "stability", "coverage", "volume")


def quality_of(contract: Contract, owed: OwedReturn) -> Quality:
    """What one return that has fallen due comes to."""
    cells = expected_cells(contract, owed.key)
    return Quality(
        month=owed.key.month,
        subcontract=owed.key.subcontract,
        returns_expected=1,
        returns_due=1,
        returns_received=int(owed.first is not None),
        returns_on_time=int(is_on_time(owed)),
        completeness=completeness(owed, cells),
        validity=validity(owed),
        timeliness=timeliness(owed, contract.days),
        stability=stability(owed),
        coverage=coverage(contract, owed),
        volume=covered_volume(contract, owed, cells),
    )


def together(parts: Iterable[Quality], *, month: Month, subcontract: str = ALL) -> Quality:
    """Several of one month together: counts and shares are added."""

    def add(one: Quality, two: Quality) -> Quality:
        counts = {name: getattr(one, name) + getattr(two, name) for name in _COUNTS}
        shares = {name: getattr(one, name).plus(getattr(two, name)) for name in _SHARES}
        return Quality(month, subcontract, **counts, **shares)

    return reduce(add, parts, Quality(month, subcontract))
