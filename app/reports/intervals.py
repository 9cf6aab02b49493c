"""How sure a proportion is: the Wilson score interval, in exact arithmetic, rounded once.

Source: Wilson (1927), as the Office for Health Improvement and Disparities computes proportions (PHEindicatormethods,
`phe_proportion`): with O of n and q = 1 - O/n, the limits are (2O + z² ∓ z·√(z² + 4Oq)) / (2(n + z²)). Halves are taken as they are.
"""

from decimal import Decimal
from fractions import Fraction
from math import isqrt
from typing import Final, NamedTuple

from app.kernel.figures import rounded

Z_95: Final = Fraction("1.959963984540054")
Z_998: Final = Fraction("3.090232306167813")
"""The standard normal quantiles of two-sided 95% and 99.8% limits."""

_DIGITS: Final = 40


class Interval(NamedTuple):
    """Limits around a value."""

    lower: Decimal
    upper: Decimal


def wilson(numerator: Decimal, denominator: Decimal, *, z: Fraction = Z_95, places: int = 6) -> Interval:
    """The limits of a proportion, half to even; the denominator is above zero and not below the numerator."""
    events, trials = Fraction(numerator), Fraction(denominator)
    if not 0 <= events <= trials or trials == 0:
        raise ValueError("a proportion has 0 <= numerator <= denominator, and a denominator above zero")
    square = z * z
    spread = _root(square * (square + 4 * events * (1 - events / trials)))
    middle, width = 2 * events + square, 2 * (trials + square)
    return Interval(rounded((middle - spread) / width, places), rounded((middle + spread) / width, places))


def holds(numerator: Decimal, denominator: Decimal, proportion: Fraction, *, z: Fraction = Z_95) -> bool:
    """Whether the unrounded limits hold a proportion: the score test, (O - np)² <= z²·np(1 - p), needs no root."""
    events, trials = Fraction(numerator), Fraction(denominator)
    return (events - trials * proportion) ** 2 <= z * z * trials * proportion * (1 - proportion)


def _root(square: Fraction) -> Fraction:
    """The square root to 40 digits; exact where there is an exact one, so that limits of none and of all are exactly 0 and 1."""
    product = square.numerator * square.denominator
    whole = isqrt(product)
    if whole * whole == product:
        return Fraction(whole, square.denominator)
    scale = 10**_DIGITS
    return Fraction(isqrt(product * scale * scale), square.denominator * scale)
