"""Which counts add up to which others: rows over their places, windows over their months, and one version of a publication over another.

A point is what a series (a measure in a place) has in a window of months; the same in every publication that says the same of it. Relations
are between points, each with a sign, and add up to nothing, for numerator and denominator alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, Final, NamedTuple

from app.kernel.codes import ALL
from app.kernel.months import Month

PLACES: Final = ("commissioner", "site", "pathway", "segment", "subcontract", "category")
_COMPUTED: Final = frozenset({"parent", "whole", "part"})
_YEAR: Final = 12

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

    def plus(self, other: "Figures") -> "Figures":
        return Figures(*(two if one is None else one if two is None else one + two for one, two in zip(self, other, strict=True)))


NOTHING: Final = Figures(None, None)


class Line(NamedTuple):
    """A row as it enters relations."""

    measure: Series
    places: Places
    computed: tuple[bool, bool]
    period: str
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
        row["period"],
        (first, last),
        Figures(None, None),
    )


@dataclass(slots=True)
class Points:
    """The points of all publications, each once, and the relations between them.

    `figures` are the true ones; `kind` is 0 for a point that a row is about, 1 for a window that none is, 2 for a difference of versions.
    """

    figures: list[Figures] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    relations: list[list[Term]] = field(default_factory=list)
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)
    _windows: dict[Series, dict[Window, list[int]]] = field(default_factory=lambda: defaultdict(dict))

    def point(self, line: Line) -> int:
        series = (line.measure, line.places)
        found = self._point(series, line.window, line.figures, kind=0)
        held = self._windows[series].setdefault(line.window, [])
        if found in held:
            held.remove(found)
        # The last one told comes last.
        held.append(found)
        return found

    def _point(self, series: Series, window: Window | None, figures: Figures, *, kind: int) -> int:
        key = (series, window, figures)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.figures)
            self.figures.append(figures)
            self.measures.append(series[0][0])
            self.kind.append(kind)
        return found

    def relate_places(self, lines: Sequence[tuple[Line, int]], above: Above) -> None:
        """Rows of one publication: a total and its parts, a parent and its children."""
        for total, parts in sums_of(lines, above):
            self.relations.append([(total, 1), *((part, -1) for part in parts)])

    def relate_versions(self, lines: Sequence[tuple[Line, int]], earlier: Sequence[tuple[Line, int]], above: Above) -> None:
        """What moved between two versions of a publication: only that, since who reads both knows that the rest did not."""
        before = {(line.measure, line.places, line.period): (line, point) for line, point in earlier}
        now = {(line.measure, line.places, line.period): point for line, point in lines}
        moved: dict[int, list[Term]] = {}
        every = list(lines)
        for key, (line, old) in before.items():
            new = now.get(key)
            if new is None:
                moved[old] = [(old, -1)]
                every.append((line, old))
            elif new != old:
                series = (line.measure, line.places)
                change = self._point(series, None, self.figures[new].less(self.figures[old]), kind=2)
                self.relations.append([(new, 1), (old, -1), (change, -1)])
                moved[new] = [(change, 1)]
            else:
                moved[new] = []
        for total, parts in sums_of(every, above):
            terms = [term for part in parts for term in moved.get(part, [(part, 1)])]
            self.relations.append([*moved.get(total, [(total, 1)]), *((point, -sign) for point, sign in terms)])

    def relate_last_months(self, lines: Sequence[tuple[Line, int]], above: Above) -> None:
        """The last two, three … eleven months of a publication, which no row is about: differences of windows that are, in every place alike."""
        last = max((line.window[1] for line, _ in lines), default=0)
        of_series = {(line.measure, line.places): line for line, _ in lines if line.window[1] == last and line.figures is not None}
        held: dict[Series, tuple[int | None, Figures]] = {}
        for first in range(last, last - _YEAR + 1, -1):
            spans = []
            for series, line in of_series.items():
                windows = self._windows[series]
                month = windows.get((first, first), [None])[-1]
                shorter, told = held.get(series, (None, NOTHING))
                figures = told if month is None else told.plus(self.figures[month])
                span = windows.get((first, last), [None])[-1]
                if span is None or self.figures[span] != figures:
                    span = self._point(series, (first, last), figures, kind=1) if any(figures) else None
                self._relate_span(windows, (first, last), span, [part for part in (month, shorter) if part is not None])
                held[series] = (span, figures)
                if span is not None:
                    spans.append((line._replace(period="last", window=(first, last), figures=figures), span))
            self.relate_places(spans, above)

    def _relate_span(self, windows: Mapping[Window, list[int]], window: Window, span: int | None, parts: Sequence[int]) -> None:
        """A span as its first month and the rest, and as what a longer window has beyond its beginning."""
        first, last = window
        terms = [] if span is None else [(span, -1)]
        if span is not None and parts != [span]:
            self.relations.append([(span, 1), *((part, -1) for part in parts)])
        for beginning in {begins for begins, ends in windows if ends == last and begins < first}:
            for whole in windows[beginning, last]:
                for before in windows.get((beginning, first - 1), []):
                    self.relations.append([(whole, 1), (before, -1), *terms])

    def relate_windows(self) -> None:
        """A longer window and shorter ones within it, in every series."""
        for series, windows in list(self._windows.items()):
            if len(windows) > 1:
                self._relate_steps(windows)
                self._relate_starts(series, windows)
                self._relate_rolling(series, windows)
                self._relate_months(series, windows)

    def _relate_steps(self, windows: Mapping[Window, list[int]]) -> None:
        by_start: dict[int, list[Window]] = defaultdict(list)
        for window in windows:
            by_start[window[0]].append(window)
        for beginning in by_start.values():
            for longer in beginning:
                for shorter in beginning:
                    rest = windows.get((shorter[1] + 1, longer[1])) if shorter[1] < longer[1] else None
                    if rest:
                        self._relate_any(windows[longer], windows[shorter], rest)

    def _relate_any(self, longer: Iterable[int], *parts: Iterable[int]) -> None:
        """The versions that fit each other."""
        one, two = parts
        for whole in longer:
            for first in one:
                for second in two:
                    if self.figures[whole].less(self.figures[first]) == self.figures[second]:
                        self.relations.append([(whole, 1), (first, -1), (second, -1)])

    def _relate_starts(self, series: Series, windows: Mapping[Window, list[int]]) -> None:
        """Windows that end together: the months between their starts are the same whenever they end."""
        by_end: dict[int, list[Window]] = defaultdict(list)
        for window in windows:
            by_end[window[1]].append(window)
        for ending in by_end.values():
            ending.sort()
            for longer, shorter in pairwise(ending):
                between = (longer[0], shorter[0] - 1)
                if between not in windows:
                    self._relate_through(series, between, windows[longer], windows[shorter])

    def _relate_through(self, series: Series, between: Window, longer: Iterable[int], shorter: Iterable[int]) -> None:
        for whole in longer:
            for part in shorter:
                figures = self.figures[whole].less(self.figures[part])
                if not any(figures):
                    self.relations.append([(whole, 1), (part, -1)])
                elif _is_count(figures):
                    rest = self._point(series, between, figures, kind=1)
                    self.relations.append([(whole, 1), (part, -1), (rest, -1)])

    def _relate_rolling(self, series: Series, windows: Mapping[Window, list[int]]) -> None:
        """Consecutive windows of a year: eleven months are in both."""
        for first, last in list(windows):
            if last - first == _YEAR - 1 and (first - 1, last - 1) in windows:
                shared, month, gone = (first, last - 1), windows.get((last, last)), windows.get((first - 1, first - 1))
                if month and gone and shared not in windows:
                    self._relate_through(series, shared, windows[first, last], month)
                    self._relate_through(series, shared, windows[first - 1, last - 1], gone)

    def _relate_months(self, series: Series, windows: Mapping[Window, list[int]]) -> None:
        """A window and all of its months, each as it was last told; what is not told of a month stays open."""
        for (first, last), whole in windows.items():
            if first == last:
                continue
            months = [held[-1] for month in range(first, last + 1) if (held := windows.get((month, month)))]
            if not months:
                continue
            for point in whole:
                rest = self.figures[point]
                for month in months:
                    rest = rest.less(self.figures[month])
                terms = [(point, 1), *((month, -1) for month in months)]
                if not _is_count(rest):
                    continue
                if any(rest):
                    terms.append((self._point(series, (first, -last), rest, kind=1), -1))
                self.relations.append(terms)


def _is_count(figures: Figures) -> bool:
    return all(figure is None or figure >= 0 for figure in figures)


def sums_of(lines: Sequence[tuple[Line, int]], above: Above) -> Iterator[tuple[int, list[int]]]:
    """The points of totals and of what they are the sums of, in each period of one publication.

    Where places have parents, a total is the sum of its finest places, and of its widest ones; and a parent is the sum of what is below it.
    """
    held = {(line.measure, line.period, line.places): (line, point) for line, point in lines}
    # By period too: the first month of a quarter is the same point in both.
    parts: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    wide: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for line, point in lines:
        for at, place in enumerate(line.places):
            if place == ALL:
                continue
            computed = at < 2 and line.computed[at]
            parents = []
            for parent in above.get(PLACES[at], {}).get(place, ()) if at < 2 else ():
                found = held.get((line.measure, line.period, _with(line.places, at, parent)))
                if found is not None and found[0].computed[at]:
                    parents.append(found[1])
            total = held.get((line.measure, line.period, _with(line.places, at, ALL)))
            if total is not None and not computed:
                parts[total[1], line.period, PLACES[at]].append(point)
            if total is not None and not parents:
                wide[total[1], line.period, PLACES[at]].append(point)
            for parent_point in parents if not computed else ():
                parts[parent_point, line.period, f"{PLACES[at]} below"].append(point)
    for key, of_total in chain(parts.items(), ((key, found) for key, found in wide.items() if found != parts.get(key))):
        yield key[0], of_total


def _with(places: Places, at: int, place: str) -> Places:
    return (*places[:at], place, *places[at + 1 :])
