"""How sure a count is from ten on: Byar's approximation of the exact Poisson limits.

Source: Breslow and Day (1987), as the Office for Health Improvement and Disparities computes counts and rates (PHEindicatormethods, `phe_rate`):
of x events, lower = x·(1 - 1/(9x) - z/(3√x))³ and upper = (x + 1)·(1 - 1/(9(x + 1)) + z/(3√(x + 1)))³. Under ten the exact limits stand
in its place (`exact_counts`). It is about events that are counted whole: halves have no such limits.
"""

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

from app.reports.intervals import Z_95, Interval

_DIGITS: Final = 50


def byar(count: Decimal, *, z: Fraction = Z_95, places: int = 6) -> Interval:
    """The limits of a count of events, half to even; where the approximation falls below none, none is the lower one."""
    if count < 0 or count != count.to_integral_value():
        raise ValueError("a count of events is whole, and not below zero")
    with localcontext(prec=_DIGITS):
        quantile = Decimal(z.numerator) / Decimal(z.denominator)
        lower = count * _root(count, -quantile) ** 3 if count else Decimal(0)
        upper = (count + 1) * _root(count + 1, quantile) ** 3
        step = Decimal(1).scaleb(-places)
        return Interval(max(lower, Decimal(0)).quantize(step), upper.quantize(step))


def _root(events: Decimal, quantile: Decimal) -> Decimal:
    """What is cubed: 1 - 1/(9x) + z/(3√x)."""
    return 1 - 1 / (9 * events) + quantile / (3 * events.sqrt())
