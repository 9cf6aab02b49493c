"""How sure a proportion is: the Wilson score interval, in exact arithmetic, rounded once.

Source: Wilson (1927), as the Office for Health Improvement and Disparities computes proportions (PHEindicatormethods,
`phe_proportion`): with O of n and q = 1 - O/n, the limits are (2O + z² ∓ z·√(z² + 4Oq)) / (2(n + z²)). Halves are taken as they are.
"""

from decimal import Decimal
from fractions import Fraction
from math import isqrt
from typing import Final, NamedTuple

Z_95: Final = Fraction("1.959963984540054")
"""The standard normal quantile of two-sided 95% limits."""

_DIGITS: Final = 40


class Interval(NamedTuple):
    """Limits around a value."""

    lower: Decimal
    upper: Decimal


def wilson(numerator: Decimal, denominator: Decimal, *, z: Fraction = Z_95, places: int = 6) -> Interval:
    """The limits of a proportion, half to even; the denominator is above zero and not below the numerator.

    In whole numbers throughout: with O = a/s, n = b/s and z = y/d, the root is (y/d²)·√(p/q), where p = y²sb + 4a(b - a)d² and q = sb.
    """
    a, b, s = _over_one_scale(numerator, denominator)
    if not 0 <= a <= b or b == 0:
        raise ValueError("a proportion has 0 <= numerator <= denominator, and a denominator above zero")
    y, d = z.as_integer_ratio()
    p, q = y * y * s * b + 4 * a * (b - a) * d * d, s * b
    root = isqrt(p * q)
    scale = 1 if root * root == p * q else 10**_DIGITS
    # Where the root is whole the limits are exact: of none 0, of all 1.
    root = root if scale == 1 else isqrt(p * q * scale * scale)
    middle, spread = (2 * a * d * d + y * y * s) * q * scale, y * s * root
    width = 2 * (b * d * d + y * y * s) * q * scale
    return Interval(_divided(middle - spread, width, places), _divided(middle + spread, width, places))


def holds(numerator: Decimal, denominator: Decimal, proportion: Fraction, *, z: Fraction = Z_95) -> bool:
    """Whether the unrounded limits hold a proportion: the score test, (O - np)² <= z²·np(1 - p), needs no root."""
    a, b, s = _over_one_scale(numerator, denominator)
    y, d = z.as_integer_ratio()
    over, under = proportion.as_integer_ratio()
    return int((a * under - b * over) * d) ** 2 <= y * y * b * s * over * (under - over)


def _over_one_scale(numerator: Decimal, denominator: Decimal) -> tuple[int, int, int]:
    """Whole numbers a, b and s so that the figures are a/s and b/s."""
    (a, a_under), (b, b_under) = numerator.as_integer_ratio(), denominator.as_integer_ratio()
    return a * b_under, b * a_under, a_under * b_under


def _divided(over: int, under: int, places: int) -> Decimal:
    """A quotient to so many places, half to even."""
    whole, rest = divmod(over * 10**places, under)
    if 2 * rest > under or (2 * rest == under and whole % 2):
        whole += 1
    return Decimal(whole).scaleb(-places)
