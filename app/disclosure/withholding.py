"""What else is hidden so that no small count can be told from the rest: the reader is played with all that the public has, until it learns too little.

A hidden count is safe while what adds up leaves it at least `SPREAD` wide. Where it does not, less is told of what tells of it, and the reader
begins again: first not even that a count is a small one (seven parts of a small total are one each), then the least important count that is shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.disclosure.bounds import UNBOUNDED, Flags, Numbers, Sums
from app.disclosure.relations import Points
from app.disclosure.rounding import NEAREST, SMALLEST, SPREAD

_MOST_ROUNDS: Final = 200
_NUMERATOR, _DENOMINATOR, _REST = 0, 1, 2

REASON: Final = 2
"""Stands beside numerator and denominator in what is told: that a small count is one."""


@dataclass(slots=True)
class Shown:
    """What is known of each point. `counts` are numerator, denominator and rest (the difference, of a proportion), in units of `scale`.

    `earlier` and `now` say of numerator and denominator whether they were shown before and are shown in this publication, and last whether it is
    told of small ones that they are; `exact` are shown unrounded; `rank` is how little a point's rows matter.
    """

    counts: Numbers
    has: Flags
    moved: Flags
    scale: Numbers
    step: Numbers
    exact: Flags
    earlier: Flags
    now: Flags
    rank: Numbers


class _Reader:
    """What the public can work out, and what that rests on."""

    def __init__(self, points: Points, shown: Shown) -> None:
        self.shown, self.sums = shown, sums_over(points, shown)
        self.protected, self.order = _protected(shown), _order(shown)
        self.least, self.most = first_bounds(shown)
        self.lowest, self.highest = self.sums.narrowed(self.least, self.most)
        self._look()

    def _look(self) -> None:
        counts, low, high = self.sums.told(self.lowest, self.highest)
        raised = (low == self.lowest[counts]) & (low > self.least[counts])
        lowered = (high == self.highest[counts]) & (high < self.most[counts])
        self.telling: Flags = raised | lowered

    def told(self) -> Numbers:
        """The hidden counts that are told too closely."""
        wanted = SPREAD * self.shown.scale[self.protected // 3]
        return self.protected[(self.highest - self.lowest)[self.protected] < wanted]

    def again(self, points: Numbers) -> None:
        """Read again after less is told of these points: only what rested on them is open again."""
        open_again = self.sums.reached((points[:, None] * 3 + np.arange(3)).ravel(), self.telling)
        open_again = np.pad(open_again, (0, len(self.lowest) - len(open_again)))
        self.least, self.most = first_bounds(self.shown)
        lowest, highest = np.where(open_again, self.least, self.lowest), np.where(open_again, self.most, self.highest)
        self.lowest, self.highest = self.sums.narrowed(lowest, highest, np.flatnonzero(open_again))
        self._look()


def withhold(points: Points, shown: Shown) -> None:
    """Hide in `shown.now` what must be hidden."""
    reader = _Reader(points, shown)
    given_up: set[int] = set()
    for _ in range(_MOST_ROUNDS):
        told = [count for count in reader.told().tolist() if count not in given_up]
        if not told:
            return
        hides = may_hide(shown)
        chosen, without = _choose(reader, told, hides)
        given_up |= without
        for count in chosen:
            point, part = divmod(count, 3)
            shown.now[point, part if hides[count] else REASON] = False
        if chosen:
            reader.again(np.array(sorted({count // 3 for count in chosen}), dtype=np.int64))


def sums_over(points: Points, shown: Shown) -> Sums:
    """Every relation that is true of numerators, denominators and rests; and of each point that the three of it are one sum."""
    unique = list(dict.fromkeys(tuple(sorted(relation)) for relation in (*points.relations, *points.crossings)))
    unknown = len({tuple(sorted(relation)) for relation in points.crossings})
    is_known = np.arange(len(unique)) < len(unique) - unknown
    lengths = np.array([len(relation) for relation in unique], dtype=np.int64)
    terms = np.array([term for relation in unique for term in relation], dtype=np.int64).reshape(-1, 2)
    counts, signs, sizes = [], [], []
    if unique:
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        sum_of = np.repeat(np.arange(len(lengths)), lengths)
        for part in (_NUMERATOR, _DENOMINATOR, _REST):
            total = np.add.reduceat(shown.counts[terms[:, 0], part] * terms[:, 1], starts)
            there = np.logical_and.reduceat(shown.has[terms[:, 0], part], starts)
            holds = there & ((total == 0) | ~is_known)
            kept = holds[sum_of]
            counts.append(terms[kept, 0] * 3 + part)
            signs.append(terms[kept, 1])
            sizes.append(lengths[holds])
    whole = np.flatnonzero(shown.has[:, _REST])
    counts.append((whole[:, None] * 3 + np.array([_DENOMINATOR, _NUMERATOR, _REST])).ravel())
    signs.append(np.tile(np.array([1, -1, -1]), len(whole)))
    sizes.append(np.full(len(whole), 3))
    return Sums(*(np.concatenate(each).astype(np.int64) for each in (counts, signs, sizes)))


def first_bounds(shown: Shown) -> tuple[Numbers, Numbers]:
    """What each count's own row tells: what is shown to within its rounding, of a small count that it is one, of any other that it is not negative."""
    counts, scale, step = shown.counts, shown.scale[:, None], shown.step[:, None]
    visible = np.zeros_like(shown.has)
    visible[:, :_REST] = (shown.earlier | shown.now)[:, :REASON]
    visible[:, _REST] = visible[:, _NUMERATOR] & visible[:, _DENOMINATOR]
    small, smallest = is_small(shown), SMALLEST * scale
    # Every scale is even or a power of ten, so that half a rounding step is whole.
    units = NEAREST * scale
    nearest = (counts + units // 2) // units * units
    least = np.where(counts == 0, 0, np.maximum(-(-(nearest - units // 2) // step) * step, smallest))
    most = np.where(counts == 0, 0, (nearest + units // 2 - 1) // step * step)
    # The rest of a proportion is not shown, but it is known to be none, or not small.
    rest = np.zeros_like(shown.has)
    rest[:, _REST] = True
    most = np.where(rest & (counts > 0), UNBOUNDED, most)
    least = np.where(rest & (counts > 0), smallest, least)
    told_small = small & (shown.earlier | shown.now)[:, [REASON]] & ~(rest & small[:, [_NUMERATOR]])
    least = np.where(visible, least, np.where(told_small, step, 0))
    most = np.where(visible, most, np.where(told_small, smallest - step, UNBOUNDED))
    published = shown.exact[:, None] & visible
    least, most = np.where(published, counts, least), np.where(published, counts, most)
    least = np.where(shown.moved[:, None], -UNBOUNDED, least)
    most = np.where(shown.moved[:, None], UNBOUNDED, most)
    return least.ravel(), most.ravel()


def is_small(shown: Shown) -> Flags:
    found: Flags = shown.has & (shown.counts > 0) & (shown.counts < SMALLEST * shown.scale[:, None]) & ~shown.moved[:, None]
    return found


def _protected(shown: Shown) -> Numbers:
    """The small counts that the public never had."""
    seen = np.zeros_like(shown.has)
    seen[:, :_REST] = (shown.earlier | shown.now)[:, :REASON]
    seen[:, _REST] = seen[:, _NUMERATOR] & seen[:, _DENOMINATOR]
    return np.flatnonzero((is_small(shown) & ~shown.exact[:, None] & ~seen).ravel())


def _order(shown: Shown) -> Numbers:
    """In which order counts are hidden: those of rows that matter least, and the smallest of these, first."""
    order = np.empty(shown.counts.size, dtype=np.int64)
    numbers = np.lexsort((np.arange(shown.counts.size), shown.counts.ravel(), -np.repeat(shown.rank, 3)))
    order[numbers] = np.arange(shown.counts.size)
    return order


def _choose(reader: _Reader, told: Iterable[int], hides: Flags) -> tuple[set[int], set[int]]:
    """Of what to tell less for counts that are told too closely, and for which of them nothing can be done."""
    telling = _Telling(reader)
    less = may_keep_reason(reader.shown) | hides
    zero = (reader.shown.counts == 0).ravel()
    chosen: set[int] = set()
    without: set[int] = set()
    for count in told:
        found = _nearest(count, telling, less)
        if not found:
            without.add(count)
        elif chosen.isdisjoint(found):
            chosen.add(min(found, key=lambda each: (bool(hides[each]), bool(zero[each]), int(reader.order[each]))))
    return chosen, without


class _Telling:
    """Of each count that sums tell more of than its row, the other counts of each of these sums."""

    def __init__(self, reader: _Reader) -> None:
        self._sums = sums = reader.sums
        terms = np.flatnonzero(reader.telling)
        self._terms = terms[np.argsort(sums.counts[terms], kind="stable")]
        self._counts = sums.counts[self._terms]
        self._others: dict[int, list[int]] = {}

    def others(self, count: int) -> list[int]:
        found = self._others.get(count)
        if found is None:
            first, end = np.searchsorted(self._counts, (count, count + 1))
            sums = (self._sums.beside(int(term)).tolist() for term in self._terms[first:end])
            found = self._others[count] = [other for beside in sums for other in beside if other != count]
        return found


def may_hide(shown: Shown) -> Flags:
    """Shown now, never before, and rounded."""
    may = np.zeros_like(shown.has)
    may[:, :_REST] = (shown.now & ~shown.earlier)[:, :REASON] & ~shown.exact[:, None]
    flat: Flags = may.ravel()
    return flat


def may_keep_reason(shown: Shown) -> Flags:
    """Hidden now because it is small, which the public was never told."""
    told = (shown.now & ~shown.earlier)[:, [REASON]]
    hidden = np.ones_like(shown.has)
    hidden[:, :_REST] = ~(shown.earlier | shown.now)[:, :REASON]
    flat: Flags = (is_small(shown) & told & hidden).ravel()
    return flat


def _nearest(count: int, telling: _Telling, less: Flags) -> list[int]:
    """The counts of which less can be told in the sums that tell of a count; or in those that tell of what tells of it, and so on."""
    seen, edge = {count}, [count]
    while edge:
        others = dict.fromkeys(other for each in edge for other in telling.others(each) if other not in seen)
        # That a rest is none, or not small, is known where both of what it is the rest of are shown.
        parts = (other - less_by for other in others for less_by in ((0, 1, 2) if other % 3 == _REST else (0,)))
        found = [part for part in dict.fromkeys(parts) if less[part]]
        if found:
            return found
        seen |= others.keys()
        edge = list(others)
    return []
