"""What is missing: who owes a row, who is in it, how much of the expected volume that is, and why the rest is not there.

*Expected* are the subcontracts that owe a cell of the measure in the slice; a stated `not_applicable` is not owed. *Included* are those with a `value`
in every cell that they owe there in an accepted revision; one with some is summed, not included, and named. Coverage is the included share of the
expected volume, and unknown unless the volume of every expected one is known in that slice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal, NamedTuple

from app.calendar.contract import Contract
from app.calendar.expected import CellKey, Duty, ReturnKey, duties_of_return, expected_cells
from app.calendar.volumes import line_volume, sum_known
from app.kernel.codes import ALL
from app.reports.slices import Place, RowKey, Slice

Reason = Literal["late", "not_accepted", "not_collected", "not_due", "not_applicable"]
CoverageTest = Literal["complete", "incomplete", "unknown"]

PRECEDENCE: Final[tuple[Reason, ...]] = ("late", "not_accepted", "not_collected", "not_due", "not_applicable")
"""Why a row without any value has none: the first of these that holds for a cell owed there. So `not_due` only where nothing worse is
known, and `not_applicable` only where nothing is owed. A row with a value states its own reasons (`denominator_zero`, `not_poolable`, `open_band`)."""


class Missing(NamedTuple):
    """A subcontract that is not, or not wholly, in a row."""

    subcontract: str
    month: str
    reason: Reason
    some: bool

    def text(self, *, with_month: bool) -> str:
        """`SC-H9901 late`, `SC-RJE some not_collected`; over several months, `SC-H9901 2026-09 late`."""
        parts = [self.subcontract, *([self.month] if with_month else []), *(["some"] if self.some else []), self.reason]
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who owes a row and who is in it. Volumes are None where one is not known; `subcontracts` names two at most."""

    expected: int = 0
    included: int = 0
    volume_expected: Decimal | None = Decimal(0)
    volume_included: Decimal | None = Decimal(0)
    missing: tuple[Missing, ...] = ()
    reasons: frozenset[Reason] = frozenset()
    subcontracts: tuple[str, ...] = ()

    @property
    def share(self) -> Fraction | None:
        """The included share of the expected volume; None where it is not known, or nobody expected anything."""
        if self.expected == 0 or not self.volume_expected or self.volume_included is None:
            return None
        return Fraction(self.volume_included) / Fraction(self.volume_expected)

    def reaches(self, threshold: Decimal | None) -> CoverageTest | None:
        """Whether the share reaches a threshold; None without one, or where nobody owes anything.

        Where everybody is included it does, whatever their volumes are; where one is missing and a volume is not known, nobody can say.
        """
        if threshold is None or self.expected == 0:
            return None
        if self.included == self.expected:
            return "complete"
        if self.share is None:
            return "unknown"
        return "complete" if self.share >= Fraction(threshold) else "incomplete"

    @property
    def reason(self) -> Reason | None:
        """Why a row without any value has none."""
        return next((reason for reason in PRECEDENCE if reason in self.reasons), None)


@dataclass(slots=True)
class ExpectedCells:
    """What one subcontract owes in one row: how many cells, in which return, and the volume behind them where it is known."""

    collection: str
    cells: int = 0
    volume: Decimal | None = None


class Owed(dict[str, ExpectedCells]):
    """By subcontract, what is owed in one row. What is worked out of it stays: it is complete before it is asked."""

    @cached_property
    def returns(self) -> frozenset[tuple[str, str]]:
        return frozenset((duty.collection, subcontract) for subcontract, duty in self.items())

    @cached_property
    def collections(self) -> frozenset[str]:
        return frozenset(duty.collection for duty in self.values())

    @cached_property
    def volume(self) -> Decimal | None:
        return sum_known(duty.volume for duty in self.values())

    @cached_property
    def first(self) -> tuple[str, ...]:
        """Two of the subcontracts at most."""
        return tuple(sorted(self)[:2])


NOTHING_OWED: Final = Owed()

Book = Mapping[RowKey, Owed]
"""By row, what is owed."""


def places_of(contract: Contract, key: ReturnKey) -> Iterator[Place]:
    """Where the cells of a return stand."""
    for cell in expected_cells(contract, key):
        yield Place(cell.measure, cell.pathway, cell.segment, cell.site, cell.commissioner, key.subcontract)


def book(contract: Contract, slicing: Slice, returns: Iterable[ReturnKey]) -> Book:
    """What is owed in each row of a slice by these returns. A function of the contract alone."""
    rows: dict[RowKey, Owed] = defaultdict(Owed)
    for key in returns:
        by_category = "category" in slicing.named
        categories = (cell.category if by_category else ALL for cell in expected_cells(contract, key))
        for (place, category), cells in Counter(zip(places_of(contract, key), categories, strict=True)).items():
            for row in slicing.keys(place, category):
                rows[row].setdefault(key.subcontract, ExpectedCells(key.collection)).cells += cells
        for row, volume in _volumes(contract, slicing, key).items():
            rows[row][key.subcontract].volume = volume
    return rows


def _volumes(contract: Contract, slicing: Slice, key: ReturnKey) -> dict[RowKey, Decimal | None]:
    """The patients behind each row of a return. A line's volume is known where the whole line is, or by place where it is given so.

    Within one category it is never known.
    """
    duties = duties_of_return(contract, key)
    whole = Counter((duty.measure.code, duty.assignment.line) for duty in duties)
    held: dict[RowKey, dict[str, list[Duty]]] = defaultdict(lambda: defaultdict(list))
    for duty in duties:
        place = Place(duty.measure.code, duty.pathway, duty.segment, duty.site, duty.commissioner, key.subcontract)
        for row in slicing.keys(place, ALL) if "category" not in slicing.named else ():
            held[row][duty.assignment.line].append(duty)
    return {
        row: sum_known([line_volume(part, whole=len(part) == whole[row.measure, line]) for line, part in lines.items()])
        for row, lines in held.items()
    }


Gaps = Mapping[RowKey, Mapping[str, Mapping[Reason, int]]]
"""By row and subcontract, how many owed cells of an accepted revision carry no value, and why."""


def gaps(slicing: Slice, cells: Iterable[tuple[str, CellKey, Reason]]) -> Gaps:
    """Place the owed cells without a value, each with its subcontract, in the rows that they are part of."""
    found: dict[RowKey, dict[str, dict[Reason, int]]] = defaultdict(dict)
    for subcontract, cell, reason in cells:
        place = Place(cell.measure, cell.pathway, cell.segment, cell.site, cell.commissioner, subcontract)
        for row in slicing.keys(place, cell.category):
            counts = found[row].setdefault(subcontract, {})
            counts[reason] = counts.get(reason, 0) + 1
    return found


def cover(
    owed: Owed,
    *,
    month: str,
    gaps: Mapping[str, Mapping[Reason, int]],
    absent: Mapping[tuple[str, str], Reason],
    reporters: Iterable[str] = (),
) -> Coverage:
    """The coverage of one row in one month. `absent` are the returns (collection, subcontract) that have no accepted revision, and why."""
    named = tuple(sorted({*owed.first, *reporters})[:2])
    if not gaps and owed.returns.isdisjoint(absent):
        return Coverage(len(owed), len(owed), owed.volume, owed.volume, subcontracts=named)
    expected = included = 0
    volume_expected: Decimal | None = Decimal(0)
    volume_included: Decimal | None = Decimal(0)
    missing: list[Missing] = []
    reasons: set[Reason] = set()
    for subcontract, duty in owed.items():
        reason = absent.get((duty.collection, subcontract))
        lacking: Mapping[Reason, int] = {reason: duty.cells} if reason else gaps.get(subcontract, {})
        reasons.update(lacking)
        if lacking.get("not_applicable", 0) >= duty.cells:
            continue
        expected += 1
        volume_expected = sum_known([volume_expected, duty.volume])
        worst = next((reason for reason in PRECEDENCE[:-1] if reason in lacking), None)
        if worst is None:
            included += 1
            volume_included = sum_known([volume_included, duty.volume])
        else:
            missing.append(Missing(subcontract, month, worst, some=sum(lacking.values()) < duty.cells))
    return Coverage(expected, included, volume_expected, volume_included, tuple(sorted(missing)), frozenset(reasons), named)


def together(parts: Sequence[Coverage]) -> Coverage:
    """The coverage of several months: counts and volumes added, everything missing named with its month."""
    if len(parts) == 1:
        return parts[0]
    return Coverage(
        expected=sum(part.expected for part in parts),
        included=sum(part.included for part in parts),
        volume_expected=sum_known(part.volume_expected for part in parts),
        volume_included=sum_known(part.volume_included for part in parts),
        missing=tuple(missing for part in parts for missing in part.missing),
        reasons=frozenset().union(*(part.reasons for part in parts)),
        subcontracts=tuple(sorted({code for part in parts for code in part.subcontracts})[:2]),
    )
