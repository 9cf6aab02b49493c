"""Windows of months as sums of their months: what the public is shown of a window is what it was shown of its months, so no window tells anything.

The windows of a series that end together lie within each other. A block is what one has beyond the next shorter: the last month, the months of its
quarter before it, and so on. One whose months the public was told is shown as the sum of what it was told of them. One of which it has nothing,
because it came before the first publication, is a figure of its own, protected as a month is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from app.disclosure.relations import Line, Row, Series, Window, line_of
from app.disclosure.rounding import Counts, Showing, is_proportion

Judge = Callable[[int, Counts], Showing | None]
Kind = TypeVar("Kind")
Shared = dict[Any, Any]
Place = tuple[Series, Series, Window]


class Block(NamedTuple):
    """What a series has in a window of months; `showing` is None where it is shown as it is."""

    line: Line
    counts: Counts
    showing: Showing | None
    proportion: bool

    @property
    def place(self) -> Place:
        return self.line.measure, self.line.places, self.line.window


def blocks_of(rows: Sequence[Row], judge: Judge, *, shared: Shared | None = None) -> tuple[list[Block], dict[int, tuple[int, ...]]]:
    """The blocks of rows that have counts, each once, the last month first; and by the number of a row, of which blocks it is the sum.

    `judge` says how the counts of a block are shown that is part of the row of a number, and of no shorter one's.
    """
    numbered = [(line_of(row), number) for number, row in enumerate(rows) if row["numerator"] is not None]
    # Those of a series that end together, the shortest first.
    numbered.sort(key=lambda each: (each[0].measure, each[0].places, each[0].window[1], -each[0].window[0]))
    blocks: list[Block] = []
    made_of: dict[int, tuple[int, ...]] = {}
    for _, ending in groupby(numbered, key=lambda each: (each[0].measure, each[0].places, each[0].window[1])):
        so_far: tuple[int, ...] = ()
        shorter: tuple[Line, Counts] | None = None
        for line, number in ending:
            if shorter is None or line.window != shorter[0].window:
                row = rows[number]
                counts = counts_of(row)
                own, rest = line, counts
                if shorter is not None:
                    own, rest = line._replace(window=(line.window[0], shorter[0].window[0] - 1)), counts.less(shorter[1])
                so_far = (*so_far, len(blocks))
                block = Block(own, rest, judge(number, rest), is_proportion(row))
                blocks.append(block if shared is None else _sharing(block, shared))
                shorter = line, counts
            made_of[number] = so_far
    return blocks, made_of


def _sharing(block: Block, shared: Shared) -> Block:
    def same(value: Kind) -> Kind:
        # By type too: a window of months equals the counts of as many.
        kept: Kind = shared.setdefault((type(value), value), value)
        return kept

    line, counts, showing, proportion = block
    kept = Line(same(line.measure), same(line.places), same(line.computed), same(line.window), same(line.figures))
    return Block(kept, same(counts), same(showing), proportion)


def counts_of(row: Row) -> Counts:
    """Denominators of means are counts, their numerators none."""
    return Counts(None if row["statistic"] == "mean" else row["numerator"], row["denominator"])


@dataclass(slots=True)
class Told:
    """What the public was told of blocks that are figures of their own: in which months' publications, and how it was told last."""

    _months: dict[Series, dict[Window, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    _last: dict[Place, Block] = field(default_factory=dict)

    def add(self, month: str, blocks: Sequence[Block]) -> list[Block]:
        """Those blocks of a publication that are figures of their own."""
        own = self.own(month, blocks)
        found = [block for block in blocks if (block.line.measure, block.line.window) in own]
        for block in found:
            self._months[block.line.measure].setdefault(block.line.window, set()).add(month)
            self._last[block.place] = block
        return found

    def own(self, month: str, blocks: Iterable[Block]) -> set[tuple[Series, Window]]:
        """By measure, the windows of a publication's blocks that are no sums of what was told, alike in all places."""
        found: set[tuple[Series, Window]] = set()
        windows = {(block.line.measure, block.line.window) for block in blocks}
        last = {measure: window[1] for measure, window in sorted(windows, key=lambda each: each[1][1])}
        for measure, window in sorted(windows, key=lambda each: (each[1][1] - each[1][0], *each)):
            told = self._months.get(measure, {})
            if window in told:
                is_own = told[window] == {month}
            else:
                beside = [*told, *(other for of, other in found if of == measure)]
                others = [other for other, months in told.items() if months != {month}]
                # What is told of a month later on would tell of the rest of a window that was told before.
                is_late = bool(others) and (window != (last[measure], last[measure]) or window < min(others))
                is_own = not is_late and not any(other[0] <= window[1] and window[0] <= other[1] for other in beside)
            if is_own:
                found.add((measure, window))
        return found

    def sum_of(self, block: Block) -> tuple[Showing, list[Counts]]:
        """A block as the sum of what was told: what of it is shown, and the counts that it is the sum of."""
        first, last = block.line.window
        held = [
            self._last.get((*block.place[:2], window))
            for window in self._months.get(block.line.measure, {})
            if first <= window[0] and window[1] <= last
        ]
        parts = [each for each in held if each is not None]
        numerator, denominator = (
            block.counts[at] is None
            or (all(_is_shown(part, at) for part in parts) and block.counts[at] == sum(part.counts[at] or 0 for part in parts))
            for at in (0, 1)
        )
        return Showing(numerator, denominator, None if numerator and denominator else "derived"), [part.counts for part in parts]


def _is_shown(block: Block, at: int) -> bool:
    return block.showing is None or (block.showing.numerator, block.showing.denominator)[at]
