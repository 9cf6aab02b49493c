"""How sure a small count is: the exact limits of a Poisson count.

Source: Garwood (1936), which the Office for Health Improvement and Disparities asks for where fewer than ten events are counted: of x events,
lower = χ²(2x; t)/2 and upper = χ²(2x + 2; 1 - t)/2, with the chance t on each side. The same limits are the means of which x or more, and x or
fewer, events have the chance t; they are found by halving, as no closed form has them.
"""

from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

from app.reports.intervals import Interval

FEWEST_FOR_BYAR: Final = 10
"""Counts from here on have Byar's limits."""

TAIL_95: Final = Decimal("0.025")
"""The chance that is left on each side of two-sided 95% limits."""

_DIGITS: Final = 50
_HALVINGS: Final = 150


@lru_cache(maxsize=64)
def exact_count(count: Decimal, *, tail: Decimal = TAIL_95, places: int = 6) -> Interval:
    """The limits of a count of events, half to even; of none the lower one is none."""
    if count < 0 or count != count.to_integral_value():
        raise ValueError("a count of events is whole, and not below zero")
    events, step = int(count), Decimal(1).scaleb(-places)
    with localcontext(prec=_DIGITS):
        lower = _mean(events - 1, 1 - tail) if events else Decimal(0)
        return Interval(lower.quantize(step), _mean(events, tail).quantize(step))


def _mean(most: int, chance: Decimal) -> Decimal:
    """The mean of which `most` events or fewer have this chance: the chance falls as the mean grows."""
    below, above = Decimal(0), Decimal(most + 1)
    while _chance(most, above) > chance:
        above *= 2
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        if _chance(most, middle) > chance:
            below = middle
        else:
            above = middle
    return (below + above) / 2


def _chance(most: int, mean: Decimal) -> Decimal:
    """The chance of `most` events or fewer where `mean` are expected."""
    term = total = Decimal(1)
    for events in range(1, most + 1):
        term = term * mean / events
        total += term
    return total * (-mean).exp()
