"""What sums tell of their parts: the bounds of whole numbers that stand in sums with each other, narrowed until nothing narrows any more.

Exact: whole numbers in arrays, never floats. A sum is a list of terms, each a number and its sign, that add up to nothing.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

UNBOUNDED: Final = 1 << 48
"""Stands for no bound: far above any figure, far enough below the largest whole number to be added up ten thousand times."""

_MOST_SWEEPS: Final = 200
"""Bounds that narrow by a step a sweep go on for long and tell little more."""


class Sums:
    """Sums over numbered counts. `counts` and `signs` are their terms, those of one sum beside each other; `lengths` is how many each has."""

    def __init__(self, counts: Numbers, signs: Numbers, lengths: Numbers) -> None:
        self.counts = counts
        self._added = signs > 0
        self._lengths = lengths
        self._starts = np.cumsum(lengths) - lengths
        self._sum = np.repeat(np.arange(len(lengths)), lengths)
        # The terms of each count, one count after the other.
        self._order = np.argsort(counts, kind="stable")
        self._uses = np.bincount(counts) if len(counts) else np.zeros(0, dtype=np.int64)
        self._first_use = np.cumsum(self._uses) - self._uses

    def narrowed(self, lowest: Numbers, highest: Numbers, moved: Numbers | None = None) -> tuple[Numbers, Numbers]:
        """The bounds of every count, as far as sums and the bounds of the others tell.

        Where only some bounds `moved` since nothing narrowed any more, only what these tell is looked at.
        """
        lowest, highest = lowest.copy(), highest.copy()
        sums = np.arange(len(self._lengths)) if moved is None else self.sums_with(moved)
        for _ in range(_MOST_SWEEPS):
            if not len(sums):
                break
            counts, low, high = self.told(lowest, highest, sums)
            narrower = (low > lowest[counts]) | (high < highest[counts])
            counts, low, high = counts[narrower], low[narrower], high[narrower]
            np.maximum.at(lowest, counts, low)
            np.minimum.at(highest, counts, high)
            sums = self.sums_with(_distinct(counts, len(lowest)))
        return lowest, highest

    def told(self, lowest: Numbers, highest: Numbers, sums: Numbers | None = None) -> tuple[Numbers, Numbers, Numbers]:
        """What each sum alone tells of the count of each of its terms: the counts, and the least and the most that each may be."""
        if sums is None or len(sums) == len(self._lengths):
            terms, lengths = np.arange(len(self.counts)), self._lengths
        else:
            terms, lengths = self.terms_of(sums), self._lengths[sums]
        counts, added = self.counts[terms], self._added[terms]
        low, high = lowest[counts], highest[counts]
        least, most = np.where(added, low, -high), np.where(added, high, -low)
        starts = np.cumsum(lengths) - lengths
        others_least = np.repeat(np.add.reduceat(least, starts), lengths) - least
        others_most = np.repeat(np.add.reduceat(most, starts), lengths) - most
        low = np.where(added, -others_most, others_least)
        high = np.where(added, -others_least, others_most)
        half = UNBOUNDED // 2
        return counts, np.where(low < -half, -UNBOUNDED, low), np.where(high > half, UNBOUNDED, high)

    def terms_of(self, sums: Numbers) -> Numbers:
        return _ranges(self._starts[sums], self._lengths[sums])

    def sums_with(self, counts: Numbers) -> Numbers:
        """The sums in which any of these counts stands."""
        counts = counts[counts < len(self._uses)]
        return _distinct(self._sum[self._order[_ranges(self._first_use[counts], self._uses[counts])]], len(self._lengths))

    def beside(self, term: int) -> Numbers:
        """The counts of the sum that a term stands in, its own among them."""
        number = self._sum[term]
        return self.counts[self._starts[number] : self._starts[number] + self._lengths[number]]

    def reached(self, counts: Numbers, telling: Flags) -> Flags:
        """What rests on these counts, one way or another: `telling` says of each term whether its sum tells as much of its count as is known."""
        size = max(int(counts.max(initial=0)) + 1, len(self._uses))
        found = np.zeros(size, dtype=np.bool_)
        found[counts] = True
        while len(counts):
            terms = self.terms_of(self.sums_with(counts))
            counts = _distinct(self.counts[terms[telling[terms]]], size)
            counts = counts[~found[counts]]
            found[counts] = True
        return found


def _ranges(starts: Numbers, lengths: Numbers) -> Numbers:
    """The numbers of several ranges, one after the other."""
    ends = np.cumsum(lengths)
    found: Numbers = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
    return found


def _distinct(numbers: Numbers, below: int) -> Numbers:
    """Each of the numbers once, in order. What is below them is few enough to be looked through faster than `np.unique` sorts."""
    found = np.zeros(below, dtype=np.bool_)
    found[numbers] = True
    return np.flatnonzero(found)
