"""All that the public has, as points and relations between them: this publication beside every one before."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Final, Literal, NamedTuple

import numpy as np

from app.disclosure.relations import Above, Figures, Line, Points, Row, line_of
from app.disclosure.rounding import NEAREST, Showing, is_proportion
from app.disclosure.withholding import Shown, withhold
from app.kernel.codes import ALL

PERIODS: Final = ("month", "rolling_12", "year_to_date", "quarter", "contract_year_to_date")
"""The periods of a report, those that are read most first."""

Relation = Literal["places", "windows", "versions"]
RELATIONS: Final[frozenset[Relation]] = frozenset({"places", "windows", "versions"})
"""What is looked at: totals and parts, windows of months, what moved from version to version."""

_FINEST: Final = 10**6
"""Units of a count with more decimals than halves."""


class Held(NamedTuple):
    """What relations need of a row, and what of it was or is shown; `exact` is shown as it is."""

    measure: str
    line: Line
    numerator: Decimal | None
    denominator: Decimal | None
    showing: Showing
    exact: bool
    proportion: bool


class _Unit(NamedTuple):
    """How a measure is counted in whole numbers: units of one, and of the finest step that it takes; whether it is a proportion."""

    scale: int
    step: int
    proportion: bool


class Released:
    """What the public had before of one publication: its rows as they are, and as they were shown. Keeps only what relations need."""

    def __init__(self, rows: Sequence[Row], disclosed: Sequence[Row]) -> None:
        exact = {
            (row["measure"], row["slice"])
            for row, told in zip(rows, disclosed, strict=True)
            for name in ("numerator", "denominator")
            if told[name] is not None and told[name] % NEAREST
        }
        self.month: Final = _month(rows)
        self.held: Final = [
            _held(
                row,
                Showing(told["numerator"] is not None, told["denominator"] is not None, told["suppression"]),
                exact=(row["measure"], row["slice"]) in exact,
            )
            for row, told in zip(rows, disclosed, strict=True)
            if row["numerator"] is not None
        ]


def _held(row: Row, showing: Showing, *, exact: bool) -> Held:
    """Denominators of means are counts, their numerators none."""
    numerator = None if row["statistic"] == "mean" else row["numerator"]
    return Held(row["measure"], line_of(row), numerator, row["denominator"], showing, exact, is_proportion(row))


def together(
    rows: Sequence[Row], showing: Sequence[Showing | None], *, before: Sequence[Released], above: Above, relations: Collection[Relation]
) -> list[Showing | None]:
    """What each row shows once nothing hidden can be worked out from all of them; None is a row that is shown as it is."""
    numbered = [number for number, row in enumerate(rows) if row["numerator"] is not None]
    now = [_held(rows[number], showing[number] or Showing(), exact=showing[number] is None) for number in numbered]
    small = {held.measure for held in now if not held.exact}
    now_of = [held for held in now if held.measure in small]
    earlier = [[held for held in release.held if held.measure in small] for release in before]
    if not now_of:
        return list(showing)
    units = _units(chain(now_of, *earlier))
    points = Points()
    lines_before = [_lines(points, held, units) for held in earlier]
    lines_now = _lines(points, now_of, units)
    if "places" in relations:
        for lines in (lines_now, *lines_before):
            points.relate_places(lines, above)
    if "versions" in relations:
        for release, lines in zip(before, lines_before, strict=True):
            if release.month == _month(rows):
                points.relate_versions(lines_now, lines, above)
    if "windows" in relations:
        points.relate_windows()
        points.relate_last_months(lines_now, above)
    shown = _shown(points, [*zip(earlier, lines_before, strict=True)], (now_of, lines_now), units)
    withhold(points, shown)
    point_of = {id(held): point for held, (_, point) in zip(now_of, lines_now, strict=True)}
    found = list(showing)
    for number, held in zip(numbered, now, strict=True):
        each = found[number]
        if each is not None and id(held) in point_of:
            numerator, denominator, reason = (bool(part) for part in shown.now[point_of[id(held)]])
            found[number] = each.only(
                numerator=numerator or rows[number]["statistic"] == "mean",
                denominator=denominator or rows[number]["denominator"] is None,
                reason=reason,
            )
    return found


def _month(rows: Sequence[Row]) -> str:
    """The month of a publication: what was imported may stand at an earlier one."""
    return max((str(row["month"]) for row in rows), default="")


def _units(every: Iterable[Held]) -> dict[str, _Unit]:
    found: dict[str, _Unit] = {}
    for held in every:
        unit = found.get(held.measure, _Unit(2, 2, proportion=True))
        for figure in (held.numerator, held.denominator):
            if figure is not None and unit.scale == 2 and figure % 1:
                unit = unit._replace(step=1) if not figure * 2 % 1 else _Unit(_FINEST, 1, unit.proportion)
        if unit.proportion and not held.proportion:
            unit = unit._replace(proportion=False)
        found[held.measure] = unit
    return found


def _lines(points: Points, every: Sequence[Held], units: Mapping[str, _Unit]) -> list[tuple[Line, int]]:
    found = []
    for held in every:
        scale = units[held.measure].scale
        figures = Figures(*(None if each is None else int(each * scale) for each in (held.numerator, held.denominator)))
        line = held.line._replace(figures=figures)
        found.append((line, points.point(line)))
    return found


Lines = tuple[Sequence[Held], Sequence[tuple[Line, int]]]


def _shown(points: Points, earlier: Sequence[Lines], now: Lines, units: Mapping[str, _Unit]) -> Shown:
    size = len(points.figures)
    figures = np.array([[figure or 0 for figure in each] for each in points.figures], dtype=np.int64).reshape(size, 2)
    has = np.array([[figure is not None for figure in each] for each in points.figures], dtype=np.bool_).reshape(size, 2)
    of_measure = [units[measure] for measure in points.measures]
    proportion = np.array([unit.proportion for unit in of_measure], dtype=np.bool_)
    shown = Shown(
        counts=np.column_stack((figures, figures[:, 1] - figures[:, 0])),
        has=np.column_stack((has, has.all(axis=1) & proportion)),
        kind=np.array(points.kind, dtype=np.int64),
        scale=np.array([unit.scale for unit in of_measure], dtype=np.int64),
        step=np.array([unit.step for unit in of_measure], dtype=np.int64),
        exact=np.zeros(size, dtype=np.bool_),
        earlier=np.zeros((size, 3), dtype=np.bool_),
        now=np.zeros((size, 3), dtype=np.bool_),
        rank=np.zeros(size, dtype=np.int64),
    )
    for held_of, lines in earlier:
        for held, (_, point) in zip(held_of, lines, strict=True):
            shown.earlier[point] |= _told(held.showing)
            shown.exact[point] |= held.exact
    for held, (line, point) in zip(*now, strict=True):
        shown.now[point] |= _told(held.showing)
        shown.exact[point] |= held.exact
        rank = _rank(line)
        shown.rank[point] = min(rank, shown.rank[point] or rank)
    shown.earlier[:, :2] &= has
    shown.now[:, :2] &= has
    return shown


def _told(showing: Showing) -> tuple[bool, bool, bool]:
    return showing.numerator, showing.denominator, showing.why in {"small_count", "complement"}


def _rank(line: Line) -> int:
    """The finer a row's place, and the longer ago its window began, the less it matters; never 0."""
    return 1 + len(PERIODS) * sum(place != ALL for place in line.places) + PERIODS.index(line.period)
