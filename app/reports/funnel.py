"""Whether places differ by more than chance does: the funnel around what they reach together.

Source: the funnel plot of the Office for Health Improvement and Disparities for proportions, which inverts Wilson's interval and is algebraically
p ∓ z·√(p(1 - p)/n), cut off at none and all, where p is all numerators over all denominators and n the denominator of a place. Outside the 99.8% limits
is worth a review. Of five places or fewer nothing is judged. Nothing is said of over-dispersion: limits are those of chance alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final, Literal

from app.reports.intervals import Z_95, Interval

Z_998: Final = Fraction("3.090232306167813")
"""The standard normal quantile of two-sided 99.8% limits."""

FEWEST_PLACES: Final = 6
_DIGITS: Final = 50

Position = Literal["above_998", "above_95", "within", "below_95", "below_998"]


@dataclass(frozen=True, slots=True)
class FunnelPoint:
    """One place in the funnel; `position` None where there are too few to judge."""

    name: str
    numerator: Decimal
    denominator: Decimal
    value: Fraction
    limits_95: Interval
    limits_998: Interval
    position: Position | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """What all places reach together, and each of them, the smallest first."""

    centre: Fraction | None
    judged: bool
    points: tuple[FunnelPoint, ...]


def funnel(figures: Mapping[str, tuple[Decimal, Decimal]]) -> Funnel:
    """The funnel of places by their numerators and denominators; those with none in the denominator have no point in it."""
    counted = {name: each for name, each in figures.items() if each[1] > 0}
    numerator, denominator = (sum((Fraction(each[side]) for each in counted.values()), Fraction(0)) for side in (0, 1))
    if denominator == 0:
        return Funnel(None, False, ())
    centre, judged = numerator / denominator, len(counted) >= FEWEST_PLACES
    smallest_first = sorted(counted.items(), key=lambda item: (item[1][1], item[0]))
    return Funnel(centre, judged, tuple(_point(name, *each, centre=centre, judged=judged) for name, each in smallest_first))


def _point(name: str, numerator: Decimal, denominator: Decimal, *, centre: Fraction, judged: bool) -> FunnelPoint:
    value = Fraction(numerator) / Fraction(denominator)
    return FunnelPoint(
        name,
        numerator,
        denominator,
        value,
        funnel_limits(centre, denominator, z=Z_95),
        funnel_limits(centre, denominator, z=Z_998),
        position_of(value, centre, denominator) if judged else None,
    )


def funnel_limits(centre: Fraction, denominator: Decimal, *, z: Fraction, places: int = 6) -> Interval:
    """The limits around what all reach together, at one denominator, half to even."""
    if not 0 <= centre <= 1 or denominator <= 0:
        raise ValueError("a funnel stands around a proportion, at a denominator above zero")
    squared = z**2 * centre * (1 - centre) / Fraction(denominator)
    with localcontext(prec=_DIGITS):
        middle, spread = _decimal(centre), _decimal(squared).sqrt()
        step = Decimal(1).scaleb(-places)
        return Interval(max(middle - spread, Decimal(0)).quantize(step), min(middle + spread, Decimal(1)).quantize(step))


def position_of(value: Fraction, centre: Fraction, denominator: Decimal) -> Position:
    """On which side of which unrounded limits a place is: (v - p)²·n > z²·p(1 - p) needs no root."""
    distance, chance = (value - centre) ** 2 * Fraction(denominator), centre * (1 - centre)
    above = value > centre
    if distance > Z_998**2 * chance:
        return "above_998" if above else "below_998"
    if distance > Z_95**2 * chance:
        return "above_95" if above else "below_95"
    return "within"


def _decimal(ratio: Fraction) -> Decimal:
    return Decimal(ratio.numerator) / Decimal(ratio.denominator)
