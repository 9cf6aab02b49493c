"""Process-control limits of a series: how far a further figure may lie from those before it and still be nothing unusual."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

_WIDTH: Final = Fraction(266, 100)
"""3 / 1.128: three standard deviations, estimated from the mean moving range of two."""


class Limits(NamedTuple):
    """The mean of the points, the natural process limits around it, and how many points there are."""

    mean: Fraction
    lower: Fraction
    upper: Fraction
    points: int

    def hold(self, figure: Fraction) -> bool:
        return self.lower <= figure <= self.upper


def limits(points: Sequence[Fraction | None]) -> Limits | None:
    """The limits of an XmR chart: mean ± 2.66 mean moving range, as NHS England's "Making Data Count" draws them; unscreened, and exact.

    `points` are consecutive months in their order, None where one has no figure: a gap, over which no range moves. None where no two
    months stand beside each other.
    """
    known = [point for point in points if point is not None]
    ranges = [abs(later - earlier) for earlier, later in pairwise(points) if earlier is not None and later is not None]
    if not ranges:
        return None
    mean = sum(known, Fraction(0)) / len(known)
    reach = _WIDTH * sum(ranges, Fraction(0)) / len(ranges)
    return Limits(mean, mean - reach, mean + reach, len(known))
