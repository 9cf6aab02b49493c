"""How figures are pooled: each measure by its own rule, ratios last, from summed counts.

Counts are added exactly; a percentage, mean or percentile is never added to another. The rule belongs to the measure:

- `ratio_sum`, `mean_weighted`: the sum of numerators over the sum of denominators.
- `count_sum`: the sum. `stock_last`: the sum of one census over subcontracts, never over months.
- `banded`: bands are added, then a median or percentile is found by linear interpolation within the band that holds it.
- `distinct_risk`: not across subcontracts, because several may count the same person.
- `import_only`: never.

Source: pooling by summed counts is how NHS England makes its published totals; the interpolation within bands is how it estimates medians and
percentiles of waiting times from weekly bands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from app.measures.domain import Measure

Statistic = Literal["ratio", "count", "stock", "mean", "median", "p90", "index"]

_SHARES: Final = {"median": Fraction(1, 2), "p90": Fraction(9, 10)}


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures added up; None where nothing was stated. `bands` has the numerator by category, of banded measures only.

    `mixed` figures have a denominator in one part and none in another: their sums belong to nothing.
    """

    numerator: Decimal | None = None
    denominator: Decimal | None = None
    bands: Mapping[str, Decimal] = field(default_factory=dict)
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class RowValue:
    """What a row says of its figures: the exact value, or why there is none although figures were stated."""

    numerator: Decimal | None
    denominator: Decimal | None
    value: Fraction | None
    reason: str | None = None


def add(figures: Iterable[Figures]) -> Figures:
    """The exact sum; what was not stated adds nothing, and stays unstated where nobody stated it."""
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    bands: dict[str, Decimal] = {}
    with_denominator, mixed = set[bool](), False
    for total in figures:
        mixed |= total.mixed
        if total.numerator is not None:
            with_denominator.add(total.denominator is not None)
            numerator = total.numerator if numerator is None else numerator + total.numerator
        if total.denominator is not None:
            denominator = total.denominator if denominator is None else denominator + total.denominator
        for code, count in total.bands.items():
            bands[code] = bands.get(code, Decimal(0)) + count
    return Figures(numerator, denominator, bands, mixed or len(with_denominator) > 1)


def statistic(measure: Measure, *, of_category: bool, denominator: Decimal | None = None) -> Statistic:
    """What a row's value is. One band of a banded measure is a count: it has no median.

    Where the measure leaves it open (`distinct_risk`), a row that has a denominator is a ratio.
    """
    match measure.aggregation:
        case "ratio_sum":
            return "ratio"
        case "mean_weighted":
            return "mean"
        case "count_sum":
            return "count"
        case "stock_last":
            return "stock"
        case "banded":
            return "count" if of_category else measure.statistic or "median"
        case "distinct_risk":
            return "ratio" if measure.proportion or measure.denominator is not None or denominator is not None else "count"
        case "import_only":
            return "index"


def evaluate(measure: Measure, total: Figures, *, of_category: bool, subcontracts: int) -> RowValue:
    """The value of stated figures that `subcontracts` subcontracts owe or reported."""
    if total.numerator is None:
        return RowValue(None, None, None)
    is_ratio = statistic(measure, of_category=of_category, denominator=total.denominator) in {"ratio", "mean"}
    # A ratio without its denominator is not the count of its numerator, nor a count with one a ratio.
    if total.mixed or is_ratio == (total.denominator is None) or (measure.aggregation == "distinct_risk" and subcontracts > 1):
        return RowValue(None, None, None, "not_poolable")
    if measure.aggregation == "banded" and not of_category:
        value, reason = _percentile(measure, total)
        return RowValue(total.numerator, None, value, reason)
    if total.denominator is not None:
        if total.denominator == 0:
            return RowValue(total.numerator, total.denominator, None, "denominator_zero")
        return RowValue(total.numerator, total.denominator, Fraction(total.numerator) / Fraction(total.denominator))
    return RowValue(total.numerator, None, Fraction(total.numerator))


def _percentile(measure: Measure, total: Figures) -> tuple[Fraction | None, str | None]:
    """The point below which the wanted share of all counted lies; a band reaches from the bound below it, exclusive, to its own, inclusive.

    Null in an open band, which has no upper bound to interpolate to, and where nothing was counted.
    """
    count = sum((Fraction(counted) for counted in total.bands.values()), Fraction(0))
    if count == 0 or measure.breakdown is None:
        return None, "denominator_zero"
    wanted = count * _SHARES[measure.statistic or "median"]
    closed = sorted((category.upper, category.code) for category in measure.breakdown.categories if category.upper is not None)
    below, lower = Fraction(0), Fraction(0)
    for bound, code in closed:
        inside, upper = Fraction(total.bands.get(code, Decimal(0))), Fraction(bound)
        if inside and below + inside >= wanted:
            return lower + (upper - lower) * (wanted - below) / inside, None
        below, lower = below + inside, upper
    return None, "open_band"
