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

_MOST_SWEEPS: Final = 60
"""Bounds that narrow by a step a sweep go on for long and tell little more."""


class Sums:
    """Sums over numbered counts. `counts` and `signs` are their terms, those of one sum beside each other; `starts` is where each sum begins."""

    def __init__(self, counts: Numbers, signs: Numbers, starts: Numbers) -> None:
        self.counts, self.signs, self.starts = counts, signs, starts
        self._sum = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(counts))))
        self._added = signs > 0
        self._order = np.argsort(counts, kind="stable")
        in_order = counts[self._order]
        self._first = np.flatnonzero(np.diff(in_order, prepend=-1))
        self._held = in_order[self._first]

    def narrowed(self, lowest: Numbers, highest: Numbers) -> tuple[Numbers, Numbers]:
        """The bounds of every count, as far as sums and the bounds of the others tell."""
        lowest, highest = lowest.copy(), highest.copy()
        for _ in range(_MOST_SWEEPS if len(self.counts) else 0):
            low, high = self.told(lowest, highest)
            low = np.maximum.reduceat(low[self._order], self._first)
            high = np.minimum.reduceat(high[self._order], self._first)
            raised, lowered = low > lowest[self._held], high < highest[self._held]
            if not raised.any() and not lowered.any():
                break
            lowest[self._held[raised]] = low[raised]
            highest[self._held[lowered]] = high[lowered]
        return lowest, highest

    def told(self, lowest: Numbers, highest: Numbers) -> tuple[Numbers, Numbers]:
        """What each sum alone tells of the count of each of its terms."""
        low, high = lowest[self.counts], highest[self.counts]
        least = np.where(self._added, low, -high)
        most = np.where(self._added, high, -low)
        others_least = np.add.reduceat(least, self.starts)[self._sum] - least
        others_most = np.add.reduceat(most, self.starts)[self._sum] - most
        low = np.where(self._added, -others_most, others_least)
        high = np.where(self._added, -others_least, others_most)
        half = UNBOUNDED // 2
        return np.where(low < -half, -UNBOUNDED, low), np.where(high > half, UNBOUNDED, high)

    def beside(self, term: int) -> Numbers:
        """The counts of the sum that a term stands in, its own among them."""
        number = self._sum[term]
        last = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.counts)
        return self.counts[self.starts[number] : last]
