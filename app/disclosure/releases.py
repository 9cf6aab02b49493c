"""All that the public has of a month, as points and relations between them: this publication beside those that it takes the place of."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, combinations
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from app.disclosure.relations import Above, Figures, Line, Points, Row
from app.disclosure.rounding import NEAREST, Counts, Showing, by_itself
from app.disclosure.windows import Block, Shared, Told, blocks_of
from app.kernel.codes import ALL

if TYPE_CHECKING:
    from app.disclosure.bounds import Flags
    from app.disclosure.withholding import Shown

Relation = Literal["places", "crossings", "windows", "versions"]
RELATIONS: Final[frozenset[Relation]] = frozenset({"places", "crossings", "windows", "versions"})
"""What is looked at: totals and parts, what crosses in two places, windows of months, what moved from version to version."""

_FINEST: Final = 10**6
"""Units of a count with more decimals than halves."""

Lines = list[tuple[Line, int]]


class _Unit(NamedTuple):
    """How a measure is counted in whole numbers: units of one, and of the finest step that it takes; whether it is a proportion."""

    scale: int
    step: int
    proportion: bool


class Public(NamedTuple):
    """How a row is shown: what of it, and the counts of which it is shown as the sum."""

    showing: Showing
    parts: Sequence[Counts]


class Released:
    """What the public had before of one publication: its rows as they are, and as they were shown. Keeps only what relations need.

    Of many that are held at once, what is alike is kept once in `shared`.
    """

    def __init__(self, rows: Sequence[Row], disclosed: Sequence[Row], *, shared: Shared | None = None) -> None:
        exact = {
            (row["measure"], row["slice"])
            for row, told in zip(rows, disclosed, strict=True)
            for name in ("numerator", "denominator")
            if told[name] is not None and told[name] % NEAREST
        }

        def told(number: int, _: Counts) -> Showing | None:
            row = disclosed[number]
            if (row["measure"], row["slice"]) in exact:
                return None
            why = row["suppression"] if row["suppression"] in {"small_count", "complement", "derived"} else None
            return Showing(row["numerator"] is not None, row["denominator"] is not None, why)

        self.month: Final = _month(rows)
        self.blocks: Final[Sequence[Block]] = blocks_of(rows, told, shared=shared)[0]


def together(
    rows: Sequence[Row], is_small: Sequence[bool], *, before: Sequence[Released], above: Above, relations: Collection[Relation]
) -> list[Public | None]:
    """How each row is shown so that nothing hidden can be worked out; None is one that is shown as it is. `is_small`: whose small counts are hidden."""

    def judge(number: int, counts: Counts) -> Showing | None:
        row = rows[number]
        numerator = row["numerator"] if row["statistic"] == "mean" else counts.numerator
        return by_itself({**row, "numerator": numerator, "denominator": counts.denominator}) if is_small[number] else None

    month = _month(rows)
    found = [Public(by_itself(row), [_all(row)]) if small else None for row, small in zip(rows, is_small, strict=True)]
    if not relations:
        return found
    blocks, made_of = blocks_of(rows, judge)
    told = Told()
    earlier = [(release.month, told.add(release.month, release.blocks)) for release in before]
    versions = [version for of, version in earlier if of == month]
    windows = told.own(month, blocks)
    own = [number for number, block in enumerate(blocks) if (block.line.measure, block.line.window) in windows]
    showing = _protected([blocks[number] for number in own], versions, above=above, relations=relations)
    public: dict[int, tuple[Showing, Sequence[Counts]]] = {
        number: (each or Showing(), [blocks[number].counts]) for number, each in zip(own, showing, strict=True)
    }
    for at, numbers in made_of.items():
        if is_small[at] and ("windows" in relations or len(numbers) == 1):
            for number in numbers:
                if number not in public:
                    public[number] = told.sum_of(blocks[number])
            found[at] = _sum(rows[at], [public[number] for number in numbers])
    return found


def _all(row: Row) -> Counts:
    return Counts(row["numerator"], row["denominator"])


def _sum(row: Row, blocks: Sequence[tuple[Showing, Sequence[Counts]]]) -> Public:
    numerator, denominator = (all(each) for each in zip(*((shown.numerator, shown.denominator) for shown, _ in blocks), strict=True))
    # What measures add up to is no count, and never shown.
    numerator = numerator and row["statistic"] != "mean"
    showing = blocks[0][0] if len(blocks) == 1 else Showing(numerator, denominator, None if numerator and denominator else "derived")
    return Public(showing, [part for _, parts in blocks for part in parts])


def _month(rows: Sequence[Row]) -> str:
    """The month of a publication: what was imported may stand at an earlier one."""
    return max((str(row["month"]) for row in rows), default="")


def _protected(
    blocks: Sequence[Block], versions: Sequence[Sequence[Block]], *, above: Above, relations: Collection[Relation]
) -> list[Showing | None]:
    """What is shown of each block, so that no hidden count can be worked out from blocks and their earlier versions."""
    small = {block.line.measure[0] for block in blocks if block.showing is not None}
    # Arrays are loaded when something is to be hidden: 12 MB and a tenth of the start, for a service that may never be asked to publish.
    from app.disclosure.withholding import withhold

    now = [block for block in blocks if block.line.measure[0] in small]
    earlier = [[block for block in version if block.line.measure[0] in small] for version in versions]
    units = _units(chain(now, *earlier))
    points = Points()
    told = [(of, _lines(points, of, units)) for of in (*earlier, now)]
    if "places" in relations:
        for _, lines in told:
            points.relate_places(lines, above)
    if "crossings" in relations:
        for _, lines in told:
            points.relate_crossings(lines)
    if "versions" in relations:
        for (_, older), (_, newer) in combinations(told, 2):
            points.relate_versions(newer, older, above)
    shown = _shown(points, told, units)
    withhold(points, shown)
    point_of = {block.place: point for block, (_, point) in zip(now, told[-1][1], strict=True)}
    return [_less(block, shown.now[point_of[block.place]]) if block.place in point_of else block.showing for block in blocks]


def _less(block: Block, told: "Flags") -> Showing | None:
    if block.showing is None:
        return None
    numerator, denominator, reason = (bool(part) for part in told)
    counts = block.counts
    return block.showing.only(
        numerator=numerator or counts.numerator is None, denominator=denominator or counts.denominator is None, reason=reason
    )


def _units(every: Iterable[Block]) -> dict[str, _Unit]:
    found: dict[str, _Unit] = {}
    for block in every:
        measure = block.line.measure[0]
        unit = found.get(measure, _Unit(2, 2, proportion=True))
        for count in block.counts:
            if count is not None and unit.scale == 2 and count % 1:
                unit = unit._replace(step=1) if not count * 2 % 1 else _Unit(_FINEST, 1, unit.proportion)
        if unit.proportion and not block.proportion:
            unit = unit._replace(proportion=False)
        found[measure] = unit
    return found


def _lines(points: Points, every: Iterable[Block], units: Mapping[str, _Unit]) -> Lines:
    found = []
    for block in every:
        scale = units[block.line.measure[0]].scale
        line = block.line._replace(figures=Figures(*(None if count is None else int(count * scale) for count in block.counts)))
        found.append((line, points.point(line)))
    return found


def _shown(points: Points, told: Sequence[tuple[Sequence[Block], Lines]], units: Mapping[str, _Unit]) -> "Shown":
    """What is known of each point; the last that is told is what is told now."""
    import numpy as np

    from app.disclosure.withholding import Shown

    size = len(points.figures)
    figures = np.array([[figure or 0 for figure in each] for each in points.figures], dtype=np.int64).reshape(size, 2)
    has = np.array([[figure is not None for figure in each] for each in points.figures], dtype=np.bool_).reshape(size, 2)
    of_measure = [units[measure] for measure in points.measures]
    proportion = np.array([unit.proportion for unit in of_measure], dtype=np.bool_)
    shown = Shown(
        counts=np.column_stack((figures, figures[:, 1] - figures[:, 0])),
        has=np.column_stack((has, has.all(axis=1) & proportion)),
        moved=np.array(points.moved, dtype=np.bool_),
        scale=np.array([unit.scale for unit in of_measure], dtype=np.int64),
        step=np.array([unit.step for unit in of_measure], dtype=np.int64),
        exact=np.zeros(size, dtype=np.bool_),
        earlier=np.zeros((size, 3), dtype=np.bool_),
        now=np.zeros((size, 3), dtype=np.bool_),
        rank=np.zeros(size, dtype=np.int64),
    )
    for number, (blocks, lines) in enumerate(told, start=1):
        when = shown.now if number == len(told) else shown.earlier
        for block, (line, point) in zip(blocks, lines, strict=True):
            showing = block.showing or Showing()
            when[point] |= (showing.numerator, showing.denominator, showing.why in {"small_count", "complement"})
            shown.exact[point] |= block.showing is None
            shown.rank[point] = sum(place != ALL for place in line.places)
    shown.earlier[:, :2] &= has
    shown.now[:, :2] &= has
    return shown
