"""Statistics written again from their sources, for a test that doubts the service's own: decimals of sixty places, and no word of its code."""

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

Z = Decimal("1.959963984540054")
PLACES = 60
Values = Sequence[Fraction | None]


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def to_six(value: Fraction | Decimal) -> Decimal:
    """To six places, half to even."""
    with localcontext(prec=PLACES):
        exact = decimal(value) if isinstance(value, Fraction) else value
        return exact.quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)


def wilson(events: Fraction, total: Fraction) -> tuple[Decimal, Decimal]:
    """(2O + z² ∓ z·√(z² + 4Oq)) / (2(n + z²)) with q = 1 - O/n."""
    with localcontext(prec=PLACES):
        counted, out_of = decimal(events), decimal(total)
        root = (Z * Z + 4 * counted * (1 - counted / out_of)).sqrt()
        lower, upper = ((2 * counted + Z * Z + sign * Z * root) / (2 * (out_of + Z * Z)) for sign in (-1, 1))
        return to_six(max(lower, Decimal(0)) if events else Decimal(0)), to_six(upper if events != total else Decimal(1))


def byar(events: int) -> tuple[Decimal, Decimal]:
    """x·(1 - 1/(9x) - z/(3√x))³ and (x + 1)·(1 - 1/(9(x + 1)) + z/(3√(x + 1)))³."""
    with localcontext(prec=PLACES):
        x, y = Decimal(events), Decimal(events + 1)
        lower = x * (1 - 1 / (9 * x) - Z / (3 * x.sqrt())) ** 3
        return to_six(lower), to_six(y * (1 - 1 / (9 * y) + Z / (3 * y.sqrt())) ** 3)


def poisson(events: int) -> tuple[Decimal, Decimal]:
    """The means of which so many or more, and so many or fewer, have a chance of 2.5%."""
    with localcontext(prec=PLACES):
        lower = _mean(events - 1, Decimal("0.975")) if events else Decimal(0)
        return to_six(lower), to_six(_mean(events, Decimal("0.025")))


def _mean(most: int, chance: Decimal) -> Decimal:
    low, high = Decimal(0), Decimal(100)
    for _ in range(120):
        mean = (low + high) / 2
        fewer = (-mean).exp() * sum((mean**k / math.factorial(k) for k in range(most + 1)), Decimal(0))
        low, high = (mean, high) if fewer > chance else (low, mean)
    return low


def limits(values: Values, *, screened: bool) -> tuple[Fraction, Fraction] | None:
    """The mean of the points, and 2.66 of the mean moving range; None of too few."""
    present = [value for value in values if value is not None]
    ranges = [abs(later - earlier) for earlier, later in pairwise(values) if earlier is not None and later is not None]
    if len(present) < 12 or len(ranges) < 6:
        return None
    if screened:
        most = Fraction("3.267") * sum(ranges) / len(ranges)
        ranges = [each for each in ranges if each < most] or ranges
    return sum(present, Fraction(0)) / len(present), Fraction("2.66") * sum(ranges, Fraction(0)) / len(ranges)


def signal(values: Values, mean: Fraction, spread: Fraction) -> str:
    """The first rule that makes the last point special."""
    last = values[-1]
    assert last is not None
    if abs(last - mean) > spread:
        return "outside_limits"
    seven = values[-7:]
    steps = {(later > earlier) - (later < earlier) if None not in (earlier, later) else 0 for earlier, later in pairwise(seven)}  # type: ignore[operator]  # where they are compared neither is None
    if len(seven) == 7 and len(steps) == 1 and 0 not in steps:
        return "trend"
    sides = [0 if value is None else (value > mean) - (value < mean) for value in values]
    near = [value is not None and spread * 2 / 3 < abs(value - mean) <= spread for value in values]
    if near[-1] and len(values) >= 3 and sum(near[-3:]) >= 2 and abs(sum(sides[-3:])) == 3:
        return "two_of_three"
    return "shift" if len(sides) >= 7 and abs(sum(sides[-7:])) == 7 else "none"


def process_control(
    series: Sequence[dict[str, Any]], control: dict[str, Any] | None, *, direction: str | None, target: Fraction | None
) -> dict[str, Any]:
    """What the series says of its last point."""
    asked = control or {"screened": True, "fixed_after": 24}
    values = [None if point["exact"] is None else Fraction(point["exact"]) for point in series]
    positions = [position for position, value in enumerate(values) if value is not None][: asked["fixed_after"]]
    first = series[: positions[-1] + 1] if len(positions) == asked["fixed_after"] else series
    counted = [Fraction(point["denominator"]) for point in first if point["denominator"] is not None]
    tiny = bool(counted) and sum(counted) < 5 * len(counted)
    found = None if tiny else limits(values[: len(first)], screened=asked["screened"])
    special, variation, assurance = "none", None, "too_few_points"
    if found is not None:
        mean, spread = found
        if values[-1] is not None:
            special = signal(values, mean, spread)
            before = values[-2] if len(values) > 1 else None
            high = values[-1] > (before if special == "trend" and before is not None else mean)
            better = {"higher": high, "lower": not high}.get(direction or "")
            words = {True: "improvement", False: "concern", None: "neither_high" if high else "neither_low"}
            variation = "common_cause" if special == "none" else words[better]
        if target is None or direction not in {"higher", "lower"}:
            assurance = "no_target"
        elif abs(target - mean) <= spread:
            assurance = "hit_and_miss"
        else:
            assurance = "consistently_failing" if (target > mean) == (direction == "higher") else "consistently_hitting"
    return {
        "spc_mean": None if found is None else to_six(found[0]),
        "spc_lower": None if found is None else to_six(found[0] - found[1]),
        "spc_upper": None if found is None else to_six(found[0] + found[1]),
        "spc_from": series[0]["month"] if series else None,
        "spc_points": sum(value is not None for value in values),
        "spc_variation": variation,
        "spc_signal": special,
        "spc_assurance": assurance,
    }
