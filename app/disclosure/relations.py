"""Which counts add up to which others: rows over their places, and one version of a publication over another.

A point is what a series (a measure in a place) has in a window of months; the same in every version that says the same of it. Relations
are between points, each with a sign, and add up to nothing, for numerator and denominator alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

from app.kernel.codes import ALL
from app.kernel.months import Month

PLACES: Final = ("commissioner", "site", "pathway", "segment", "subcontract", "category")
_CROSSED: Final = (("commissioner", "site", "subcontract"), ("category", "site", "subcontract"))
"""Places that are published two by two, each beside each: together they tell of what is in all three."""

_COMPUTED: Final = frozenset({"parent", "whole", "part"})

Row = Mapping[str, Any]
Above = Mapping[str, Mapping[str, Sequence[str]]]
Series = tuple[Any, ...]
Places = tuple[str, ...]
Window = tuple[int, int]
Term = tuple[int, int]


class Figures(NamedTuple):
    """A numerator and a denominator in whole units; None where there is none."""

    numerator: int | None
    denominator: int | None

    def less(self, other: "Figures") -> "Figures":
        return Figures(*(None if one is None or two is None else one - two for one, two in zip(self, other, strict=True)))


class Line(NamedTuple):
    """A row as it enters relations."""

    measure: Series
    places: Places
    computed: tuple[bool, bool]
    window: Window
    figures: Figures


def line_of(row: Row) -> Line:
    """A row's line, its figures left out. A census is of its last month, whatever the period."""
    last = Month.parse(row["period_end"][:7]).ordinal
    first = last if row["statistic"] == "stock" else Month.parse(row["period_start"][:7]).ordinal
    return Line(
        (row["measure"], row["measure_version"], row["basis"], row["source"]),
        tuple(row[place] for place in PLACES),
        (row["commissioner_scope"] in _COMPUTED, row["site_scope"] in _COMPUTED),
        (first, last),
        Figures(None, None),
    )


@dataclass(slots=True)
class Points:
    """The points of all versions, each once, and the relations between them.

    `figures` are the true ones; `moved` marks those that are a difference of versions, and that no row is about. `crossings` are relations with
    points of which not even this program knows the figures: what is in three places, of which rows say two at a time.
    """

    figures: list[Figures] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    moved: list[bool] = field(default_factory=list)
    relations: list[list[Term]] = field(default_factory=list)
    crossings: list[list[Term]] = field(default_factory=list)
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def point(self, line: Line) -> int:
        return self._point(line, line.figures, moved=False)

    def _point(self, line: Line, figures: Figures, *, moved: bool) -> int:
        key = (line.measure, line.places, line.window, figures, moved)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.figures)
            self.figures.append(figures)
            self.measures.append(line.measure[0])
            self.moved.append(moved)
        return found

    def relate_places(self, lines: Sequence[tuple[Line, int]], above: Above) -> None:
        """Rows of one publication: a total and its parts, a parent and its children."""
        for total, parts in sums_of(lines, above):
            self.relations.append([(total, 1), *((part, -1) for part in parts)])

    def relate_crossings(self, lines: Sequence[tuple[Line, int]]) -> None:
        """Rows of two places as sums over a third: where B and C have only breast, breast of B and C is all of B and C."""
        for at in (tuple(PLACES.index(place) for place in places) for places in _CROSSED):
            tables: dict[tuple[Series, Window], list[dict[tuple[str, str], int]]] = defaultdict(lambda: [{}, {}, {}])
            for line, point in lines:
                named = tuple(number for number, place in enumerate(line.places) if place != ALL)
                if len(named) == 2 and set(named) <= set(at) and not any(line.computed) and any(self.figures[point]):
                    (left,) = set(at) - set(named)
                    first, second = (line.places[number] for number in at if number != left)
                    tables[line.measure, line.window][at.index(left)][first, second] = point
            for (measure, window), pairs in tables.items():
                if len({self._all(pair.values()) for pair in pairs}) == 1:
                    self._relate_crossed(measure, window, pairs)

    def _all(self, points: Iterable[int]) -> Figures:
        held = [self.figures[point] for point in points]
        return Figures(*(sum(figure or 0 for figure in part) for part in zip(*held, strict=True))) if held else Figures(0, 0)

    def _relate_crossed(self, measure: Series, window: Window, pairs: Sequence[Mapping[tuple[str, str], int]]) -> None:
        """Each row as the sum of what is in its two places and any third; what two unchanged rows cross in is unchanged."""
        sums: dict[int, list[Term]] = defaultdict(list)
        of_last: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for (second, last), point in pairs[0].items():
            of_last[last].append((second, point))
        for (first, last), of_first in pairs[1].items():
            for second, of_second in of_last[last]:
                across = pairs[2].get((first, second))
                if across is not None:
                    key = Line((*measure, of_first, of_second), (), (False, False), window, Figures(0, 0))
                    crossed = self._point(key, Figures(*(None if figure is None else 0 for figure in self.figures[across])), moved=False)
                    for point in (of_first, of_second, across):
                        sums[point].append((crossed, -1))
        self.crossings += ([(point, 1), *terms] for point, terms in sums.items())

    def relate_versions(self, lines: Sequence[tuple[Line, int]], earlier: Sequence[tuple[Line, int]], above: Above) -> None:
        """What moved between two versions of a publication: only that, since who reads both knows that the rest did not."""
        before = {(line.measure, line.places, line.window): (line, point) for line, point in earlier}
        now = {(line.measure, line.places, line.window): point for line, point in lines}
        moved: dict[int, list[Term]] = {}
        every = list(lines)
        for key, (line, old) in before.items():
            new = now.get(key)
            if new is None:
                moved[old] = [(old, -1)]
                every.append((line, old))
            elif new != old:
                change = self._point(line, self.figures[new].less(self.figures[old]), moved=True)
                self.relations.append([(new, 1), (old, -1), (change, -1)])
                moved[new] = [(change, 1)]
            else:
                moved[new] = []
        for total, parts in sums_of(every, above):
            terms = [term for part in parts for term in moved.get(part, [(part, 1)])]
            if told := [*moved.get(total, [(total, 1)]), *((point, -sign) for point, sign in terms)]:
                self.relations.append(told)


def sums_of(lines: Sequence[tuple[Line, int]], above: Above) -> Iterator[tuple[int, list[int]]]:
    """The points of totals and of what they are the sums of, in each window of one publication.

    Where places have parents, a total is the sum of its finest places, and of its widest ones; and a parent is the sum of what is below it.
    """
    held = {(line.measure, line.window, line.places): (line, point) for line, point in lines}
    parts: dict[tuple[int, str], list[int]] = defaultdict(list)
    wide: dict[tuple[int, str], list[int]] = defaultdict(list)
    for line, point in lines:
        for at, place in enumerate(line.places):
            if place == ALL:
                continue
            computed = at < 2 and line.computed[at]
            parents = []
            for parent in above.get(PLACES[at], {}).get(place, ()) if at < 2 else ():
                found = held.get((line.measure, line.window, _with(line.places, at, parent)))
                if found is not None and found[0].computed[at]:
                    parents.append(found[1])
            total = held.get((line.measure, line.window, _with(line.places, at, ALL)))
            if total is not None and not computed:
                parts[total[1], PLACES[at]].append(point)
            if total is not None and not parents:
                wide[total[1], PLACES[at]].append(point)
            for parent_point in parents if not computed else ():
                parts[parent_point, f"{PLACES[at]} below"].append(point)
    for key, of_total in chain(parts.items(), ((key, found) for key, found in wide.items() if found != parts.get(key))):
        yield key[0], of_total


def _with(places: Places, at: int, place: str) -> Places:
    return (*places[:at], place, *places[at + 1 :])
