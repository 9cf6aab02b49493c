"""Figures of a return taken together by place and category, for rules to compare."""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from app.calendar.expected import CellKey
from app.measures.domain import Measure
from app.measures.rules import Level, Part
from app.returns.submission import Cell

Group = tuple[str, ...]
"""The codes of the levels by which figures are kept apart."""

LEVELS: Final[tuple[Level, ...]] = ("pathway", "segment", "site", "commissioner", "category")

_ZERO: Final = Decimal(0)


class Sum(NamedTuple):
    """The figures of a group; None where one of its cells was not collected or does not carry it."""

    numerator: Decimal | None
    denominator: Decimal | None

    def part(self, part: Part) -> Decimal | None:
        return self.numerator if part == "numerator" else self.denominator

    @property
    def value(self) -> Fraction | None:
        """The rate; None where nobody is below the line."""
        if self.numerator is None or not self.denominator:
            return None
        return Fraction(self.numerator) / Fraction(self.denominator)


def group_of(key: Sequence[object], levels: Iterable[Level]) -> Group:
    return tuple(str(key[CellKey._fields.index(level)]) for level in levels)


def sums(cells: Iterable[Cell], levels: Sequence[Level], categories: Collection[str] = ()) -> dict[Group, Sum]:
    """The sums of the cells (of these categories, where any are named) by group. What does not apply adds nothing, and alone makes none."""
    found: dict[Group, Sum] = {}
    at = [CellKey._fields.index(level) for level in levels]
    for cell in cells:
        if cell.state == "not_applicable" or (categories and cell.category not in categories):
            continue
        group = tuple([str(cell[number]) for number in at])
        before = found.get(group, Sum(_ZERO, _ZERO))
        found[group] = Sum(_and(before.numerator, cell.numerator), _and(before.denominator, cell.denominator))
    return found


def _and(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def levels_of(measure: Measure) -> tuple[Level, ...]:
    """Everything by which a measure's figures are kept apart."""
    return tuple(level for level in LEVELS if level in measure.split_by or (level == "category" and measure.breakdown is not None))


def levels_shared(measures: Sequence[Measure], *, whole: bool) -> tuple[Level, ...]:
    """Everything by which the figures of all these measures are kept apart; by category only where `whole` breakdowns are compared."""
    first = measures[0]
    shared = [level for level in levels_of(first) if all(level in levels_of(other) for other in measures)]
    if any(other.site_map != first.site_map for other in measures):
        shared = [level for level in shared if level != "site"]
    if not whole or any(other.category_codes != first.category_codes for other in measures):
        shared = [level for level in shared if level != "category"]
    return tuple(shared)
