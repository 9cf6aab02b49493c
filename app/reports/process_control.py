"""Whether a series varies more than chance does: the XmR chart with the four rules of NHS England's "Making Data Count".

Source: NHSRplotthedots (`ptd_spc_standard`, `ptd_calculate_point_type`, `ptd_calculate_assurance_type`), after Wheeler. With the mean of the
points and the mean of their moving ranges |y_i - y_(i-1)|: limits are mean ∓ 2.66 x moving range, near limits two thirds of the way to them.
Screening leaves out moving ranges of 3.267 times their mean or more, once. A point is special where it is outside the limits; one of seven that
rise or fall throughout; one of two in three that are near a limit inside it, all three on one side of the mean; or one of seven on one side of it.

Limits rest on the first points of a series (24, unless it is said otherwise) and stay as they are then. A month without a value is a gap: it has
no moving range, and no run goes across it. Under twelve points, or where gaps leave hardly any moving range, there are no limits.
All arithmetic is exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import Final, Literal, TypeVar

T = TypeVar("T")
Signal = Literal["none", "outside_limits", "shift", "trend", "two_of_three"]
Variation = Literal["common_cause", "improvement", "concern", "neither_high", "neither_low"]
Assurance = Literal["consistently_hitting", "hit_and_miss", "consistently_failing", "no_target", "too_few_points"]
Values = Sequence[Fraction | None]
"""The points of a series in their order, None where a month has no value."""

FIXED_AFTER: Final = 24
FEWEST_POINTS: Final = 12
FEWEST_RANGES: Final = 6
RUN: Final = 7
SPREAD: Final = Fraction("2.66")
SCREEN: Final = Fraction("3.267")


@dataclass(frozen=True)
class Limits:
    """What a process does by chance alone: around its mean, as far as 2.66 times its mean moving range."""

    mean: Fraction
    moving_range: Fraction

    @cached_property
    def lower(self) -> Fraction:
        return self.mean - SPREAD * self.moving_range

    @cached_property
    def upper(self) -> Fraction:
        return self.mean + SPREAD * self.moving_range

    @cached_property
    def near_lower(self) -> Fraction:
        return self.mean - SPREAD * self.moving_range * 2 / 3

    @cached_property
    def near_upper(self) -> Fraction:
        return self.mean + SPREAD * self.moving_range * 2 / 3


def limits_of(values: Values, *, screened: bool = True) -> Limits | None:
    """The limits that these points have; None where they are too few, or their gaps leave too few moving ranges."""
    present = [value for value in values if value is not None]
    # Over one denominator, all that follows is whole numbers.
    scale = lcm(*(value.denominator for value in present))
    whole = [None if value is None else value.numerator * (scale // value.denominator) for value in values]
    ranges = [abs(later - earlier) for earlier, later in pairwise(whole) if earlier is not None and later is not None]
    if len(present) < FEWEST_POINTS or len(ranges) < FEWEST_RANGES:
        return None
    mean = Fraction(sum(each for each in whole if each is not None), scale * len(present))
    if screened:
        # Where none moves at all, nothing is left out.
        most = SCREEN.numerator * sum(ranges)
        ranges = [each for each in ranges if each * SCREEN.denominator * len(ranges) < most] or ranges
    return Limits(mean, Fraction(sum(ranges), scale * len(ranges)))


def baseline(values: Sequence[T | None], *, fixed_after: int = FIXED_AFTER) -> Sequence[T | None]:
    """The points that limits rest on: the first so many, with the gaps between them."""
    counted = 0
    for number, value in enumerate(values):
        counted += value is not None
        if counted == fixed_after:
            return values[: number + 1]
    return values


def signals(values: Values, limits: Limits) -> list[Signal]:
    """Of each point the first rule that makes it special, as the published tool orders them; `none` where chance explains it."""
    sides = sides_of(values, limits)
    outside = [value is not None and not limits.lower <= value <= limits.upper for value in values]
    near = [
        value is not None and not out and not limits.near_lower <= value <= limits.near_upper
        for value, out in zip(values, outside, strict=True)
    ]
    trends, pairs, shifts = trend(values), two_of_three(near, sides), shift(sides)
    found: list[Signal] = []
    for number in range(len(values)):
        if outside[number]:
            found.append("outside_limits")
        elif trends[number]:
            found.append("trend")
        elif near[number] and pairs[number]:
            found.append("two_of_three")
        else:
            found.append("shift" if shifts[number] else "none")
    return found


def sides_of(values: Values, limits: Limits) -> list[int]:
    """On which side of the mean each point is: 1, -1, or 0 where it is on it or there is none."""
    return [0 if value is None else (value > limits.mean) - (value < limits.mean) for value in values]


def shift(sides: Sequence[int]) -> list[bool]:
    """Which points are of seven in a row on one side of the mean; one on the mean breaks the run."""
    return _in_windows(len(sides), RUN, lambda first: sides[first] != 0 and len(set(sides[first : first + RUN])) == 1)


def trend(values: Values) -> list[int]:
    """Which points are of seven in a row that rise (1) or fall (-1) throughout; where one ends a rise and begins a fall, what it begins counts."""
    found = [0] * len(values)
    for first in range(len(values) - RUN + 1):
        steps = {
            0 if earlier is None or later is None else (later > earlier) - (later < earlier)
            for earlier, later in pairwise(values[first : first + RUN])
        }
        if len(steps) == 1 and 0 not in steps:
            found[first : first + RUN] = [steps.pop()] * RUN
    return found


def two_of_three(near: Sequence[bool], sides: Sequence[int]) -> list[bool]:
    """Which points are of three in a row on one side of the mean, of which at least two are near a limit."""
    return _in_windows(len(near), 3, lambda first: sum(near[first : first + 3]) >= 2 and abs(sum(sides[first : first + 3])) == 3)


def _in_windows(points: int, width: int, special: Callable[[int], bool]) -> list[bool]:
    """Which points lie in a window of this width that is special."""
    found = [False] * points
    for first in range(points - width + 1):
        if special(first):
            found[first : first + width] = [True] * width
    return found


def variation(signal: Signal, *, upwards: bool, direction: str | None) -> Variation:
    """What a special point means: for the better or not; where no direction is better, whether it is high or low."""
    if signal == "none":
        return "common_cause"
    if direction not in {"higher", "lower"}:
        return "neither_high" if upwards else "neither_low"
    return "improvement" if upwards == (direction == "higher") else "concern"


def assurance(limits: Limits | None, target: Fraction | None, *, direction: str | None) -> Assurance:
    """Whether the process, as it is, will hit its target: always, sometimes or never, by where the target lies between the limits."""
    if limits is None:
        return "too_few_points"
    if target is None or direction not in {"higher", "lower"}:
        return "no_target"
    if limits.lower <= target <= limits.upper:
        return "hit_and_miss"
    return "consistently_failing" if (target > limits.upper) == (direction == "higher") else "consistently_hitting"
