"""The series that a row of a month or quarter stands in, and what process control says of it: the row's own verdict of chance over time.

A series is of one place: every earlier month (or whole quarter) in which it had a value, up to the row's own. What came later never changes what a
row says. It begins with its first value, or anew where a rebase is named. A return of several months stands in the month that ends them, so
its series goes by as many months.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from app.calendar.contract import Contract
from app.kernel.codes import ALL
from app.kernel.figures import carried, rounded
from app.kernel.months import Month
from app.measures.domain import Measure
from app.programmes.domain import USUAL_CONTROL, Requirement
from app.reports.aggregation import RowValue, evaluate
from app.reports.process_control import RUN, Limits, assurance, baseline, limits_of, signals, variation
from app.reports.results import RowResult
from app.reports.slices import RowKey
from app.reports.targets import is_for

STEPS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3}
"""The periods that do not overlap, and their months: no other has a series."""

FEWEST_COUNTED: Final = 5
"""Shares of fewer than this, on average, jump too far for limits to mean anything."""

NOTHING: Final[Mapping[str, Any]] = dict.fromkeys(
    ("spc_mean", "spc_lower", "spc_upper", "spc_from", "spc_points", "spc_variation", "spc_signal", "spc_assurance")
)
"""What a row without a series says."""

Places = tuple[str, ...]


class Point(NamedTuple):
    """What a place reached in a period: its exact value as a quotient, out of how many, and how many months a return of it is about."""

    dividend: int
    divisor: int
    denominator: Decimal | None
    months: int

    @property
    def value(self) -> Fraction:
        return Fraction(self.dividend, self.divisor)


class Points:
    """The points of a period by place, as numbers side by side: an eighth of what the same takes as objects, for years of months are held.

    `at` is where each place stands in `points`; periods with the same places share it.
    """

    __slots__ = ("_at", "_denominators", "_dividends", "_divisors", "_months")

    def __init__(self, at: Mapping[Places, int], points: Sequence[Point]) -> None:
        self._at = at
        self._dividends = _side_by_side([point.dividend for point in points])
        self._divisors = _side_by_side([point.divisor for point in points])
        self._denominators = _decimals([point.denominator for point in points])
        self._months = bytes(point.months for point in points)

    def get(self, places: Places) -> Point | None:
        """The point of a place; None where it has none."""
        position = self._at.get(places)
        if position is None:
            return None
        denominator = self._denominators[position]
        if isinstance(denominator, int):
            denominator = None if denominator == _NONE else Decimal(denominator)
        return Point(self._dividends[position], self._divisors[position], denominator, self._months[position])


_NONE: Final = -1


def _side_by_side(numbers: list[int]) -> Sequence[int]:
    for small in ("i", "q"):
        with suppress(OverflowError):
            return array(small, numbers)
    return tuple(numbers)


def _decimals(figures: list[Decimal | None]) -> Sequence[int | Decimal | None]:
    """Figures as whole numbers, where all of them are (and _NONE for none); themselves where one is not."""
    if all(figure is None or (figure >= 0 and not figure % 1) for figure in figures):
        return _side_by_side([_NONE if figure is None else int(figure) for figure in figures])
    return tuple(figures)


History = Mapping[Month, Mapping[Places, Point] | Points]
"""Points by the month that their period ends with, and by place."""


def places_of(key: RowKey) -> Places:
    """What a place is in every period: whether it was reported or computed from its children may change."""
    return key[:7]


def value_of(measure: Measure, result: RowResult) -> RowValue:
    """The exact value of a result, or why there is none although figures were stated."""
    if result.version is None:
        return RowValue(None, None, None, "not_poolable")
    return evaluate(measure, result.figures, of_category=result.key.category != ALL, subcontracts=len(result.coverage.subcontracts))


def points_of(contract: Contract, month: Month, results: Iterable[RowResult]) -> dict[Places, Point]:
    """The points of a period that ends with a month: of every place that has a value."""
    found: dict[Places, Point] = {}
    for result in results:
        measure = contract.measure(result.key.measure, month)
        value = value_of(measure, result) if measure is not None else None
        if value is not None and value.value is not None:
            found[places_of(result.key)] = Point(*value.value.as_integer_ratio(), value.denominator, result.months)
    return found


class Series(NamedTuple):
    """The points of one place in their order, None where a period is a gap; the first is never one."""

    months: tuple[Month, ...]
    points: tuple[Point | None, ...]


def series_of(history: History, result: RowResult, month: Month, *, step: int, requirement: Requirement | None) -> Series:
    """The series that a result of a month stands in, from its first value or its last rebase on."""
    step, places = max(step, result.months), places_of(result.key)
    begins = _rebased(requirement, result.key, month.plus(1 - step))
    months, points = [], []
    for ordinal in range(month.ordinal, min(history, default=month).ordinal - 1, -step):
        of_month = Month(ordinal)
        if begins is not None and of_month.plus(1 - step) < begins:
            break
        of_places = history.get(of_month)
        point = None if of_places is None else of_places.get(places)
        months.append(of_month)
        points.append(point if point is not None and max(point.months, step) == step else None)
    while points and points[-1] is None:
        del months[-1], points[-1]
    return Series(tuple(reversed(months)), tuple(reversed(points)))


def _rebased(requirement: Requirement | None, key: RowKey, last: Month) -> Month | None:
    """The month of the last rebase that is for a row and begins no later than its own period."""
    rebases = requirement.process_control.rebases if requirement and requirement.process_control else ()
    row = {"commissioner": key.commissioner, "subcontract": key.subcontract, "site": key.site}
    return max((each.from_month for each in rebases if each.from_month <= last and is_for(each.for_, row)), default=None)


def told(series: Series, *, requirement: Requirement | None, direction: str | None, target: Decimal | None) -> dict[str, Any]:
    """What process control says of the last point of a series: its row's `spc` members."""
    control = (requirement.process_control if requirement else None) or USUAL_CONTROL
    first = baseline(series.points, fixed_after=control.fixed_after)
    limits = None if _tiny(first) else limits_of(_values(first), screened=control.screened)
    signal, varies = "none", None
    if limits is not None and series.points[-1] is not None:
        last = _values(series.points[-RUN:])
        signal = signals(last, limits)[-1]
        varies = variation(signal, upwards=_upwards(last, signal, limits), direction=direction)
    return {
        "spc_mean": _shown(limits.mean if limits else None),
        "spc_lower": _shown(limits.lower if limits else None),
        "spc_upper": _shown(limits.upper if limits else None),
        "spc_from": str(series.months[0]) if series.months else None,
        "spc_points": sum(point is not None for point in series.points),
        "spc_variation": varies,
        "spc_signal": signal,
        "spc_assurance": assurance(limits, None if target is None else Fraction(target), direction=direction),
    }


def _values(points: Iterable[Point | None]) -> list[Fraction | None]:
    return [None if point is None else point.value for point in points]


def _upwards(values: list[Fraction | None], signal: str, limits: Limits) -> bool:
    """Whether a special point is high: a trend by where it goes, any other by its side of the mean."""
    last, before = values[-1], values[-2] if len(values) > 1 else None
    assert last is not None, "a special point has a value"
    return last > (before if signal == "trend" and before is not None else limits.mean)


def _tiny(points: Iterable[Point | None]) -> bool:
    counted = [point.denominator for point in points if point is not None and point.denominator is not None]
    return bool(counted) and sum(counted, Decimal(0)) < FEWEST_COUNTED * len(counted)


def _shown(value: Fraction | None) -> Decimal | None:
    return None if value is None else carried(rounded(value))
