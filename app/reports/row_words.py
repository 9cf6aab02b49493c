"""A row in plain words: its figures as people write them, its place, its period, and why it has no value."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from app.disclosure.rounding import ROUNDED
from app.kernel.codes import ALL
from app.kernel.figures import plain
from app.kernel.months import Month, month_words

Row = Mapping[str, Any]
"""A row of a report, live or published: figures exact, never floats."""

PLACES: Final = 1
MOST_PLACES: Final = 6
"""A value is kept to six places."""

WITHHELD: Final = "withheld"

_NAMED: Final = ("commissioner", "site", "pathway", "segment", "subcontract", "category")
_MISSING: Final = {
    "not_due": "not due yet",
    "late": "nothing was received by the deadline",
    "not_accepted": "received and not accepted yet",
    "not_collected": "not collected",
    "not_applicable": "not applicable",
    "denominator_zero": "nobody to count",
    "not_poolable": "figures that cannot be added together",
    "open_band": "it lies in a band without an upper bound",
    "not_published_yet": "not published yet",
}
_QUARTER: Final = 3
_SPANS: Final = {"year_to_date": "year to date", "contract_year_to_date": "contract year to date", "rolling_12": "rolling 12 months"}


def is_percent(row: Row) -> bool:
    return bool(row["unit"] == "percent")


def places_for(row: Row, *beside: Decimal | None) -> int:
    """As many decimals as keep a value apart from what it is shown beside: 84.96% is never shown as the 85% that it misses."""
    value = row["value"]
    for places in range(PLACES, MOST_PLACES):
        if all(other is None or other == value or _scaled(row, other, places) != _scaled(row, value, places) for other in beside):
            return places
    return MOST_PLACES


def places_of_step(row: Row, other: Decimal, *beside: Decimal | None) -> int:
    """As many decimals as make a value, another and what lies between them come out as a reader would work it out: never up 0, or 75.5 to 76.7, up 1.3."""
    value = Decimal(row["value"])
    for places in range(places_for(row, other, *beside), MOST_PLACES):
        if _scaled(row, value, places) - _scaled(row, other, places) == _scaled(row, value - other, places):
            return places
    return MOST_PLACES


def _scaled(row: Row, figure: Decimal | int, places: int) -> Decimal:
    shown = Decimal(figure) * 100 if is_percent(row) else Decimal(figure)
    return shown.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def is_counted(row: Row) -> bool:
    """Whether a value is a count: it is exact, and shown as it is."""
    return row["statistic"] in {"count", "stock"}


def bare_words(row: Row, figure: Decimal | int, *, places: int = PLACES) -> str:
    """A figure without its unit: `77.6%`, `77.0%`, `2.5`. None and all are said as `0%` and `100%`, and nothing that only rounds to them is."""
    if is_percent(row):
        return f"{plain(Decimal(figure) * 100) if figure in {0, 1} else _scaled(row, figure, places):,f}%"
    return f"{_scaled(row, figure, places):,f}"


def with_unit(row: Row, said: str) -> str:
    return said if row["unit"] in {"percent", "count", None} else f"{said} {row['unit']}"


def asked_words(row: Row, figure: Decimal | int) -> str:
    """What is asked of a figure, as it was written: `85%`, `2.5 days`."""
    asked = Decimal(figure) * 100 if is_percent(row) else Decimal(figure)
    return with_unit(row, f"{plain(asked):,f}{'%' if is_percent(row) else ''}")


def difference_words(row: Row, figure: Decimal | int, *, places: int = PLACES) -> str:
    """How far two figures are apart: `1.5 percentage points`, `0.4 days`, `12`."""
    distance = abs(Decimal(figure))
    if is_percent(row):
        return f"{_scaled(row, distance, places):,f} percentage points"
    return with_unit(row, f"{plain(distance):,f}" if is_counted(row) else bare_words(row, distance, places=places))


def value_words(row: Row, *, places: int = PLACES, unit: bool = True) -> str:
    """A value with what it is out of, `77.6% (412 of 531)`, or why there is none."""
    if row["value"] is None:
        reason = missing_words(row)
        return reason if reason == WITHHELD else "no value" if reason is None else f"no value ({reason})"
    said = f"{plain(Decimal(row['value'])):,f}" if is_counted(row) else bare_words(row, row["value"], places=places)
    return (with_unit(row, said) if unit else said) + made_of_words(row)


def made_of_words(row: Row) -> str:
    """What a value is worked out of, ` (412 of 531)`; empty where it is not a quotient. A mean's values are not out of those who gave them."""
    if row["value"] is None or row["numerator"] is None or row["denominator"] is None:
        return ""
    between = "over" if row["statistic"] == "mean" else "of"
    return f" ({plain(Decimal(row['numerator'])):,f} {between} {plain(Decimal(row['denominator'])):,f})"


def missing_words(row: Row) -> str | None:
    """Why a row has no value; None where it has one, or nothing is said."""
    if row["value"] is not None:
        return None
    return WITHHELD if row["suppression"] not in {None, *ROUNDED} else _MISSING.get(row["missing_reason"], row["missing_reason"])


def share_words(share: Decimal | int | None) -> str:
    """A share of one, such as coverage."""
    return "not known" if share is None else bare_words({"unit": "percent"}, share)


def limits_words(row: Row, lower: str = "lower", upper: str = "upper") -> str:
    return with_unit(row, f"{bare_words(row, row[lower])} to {bare_words(row, row[upper])}")


def months_words(row: Row) -> str | None:
    """How many of a row's months hold figures, `3 of 12`; None of a single month, and where it is not known."""
    first, last = (Month.of(date.fromisoformat(row[name])) for name in ("period_start", "period_end"))
    held = row.get("months_held")
    return None if first == last or held is None else f"{held} of {last.ordinal - first.ordinal + 1}"


def place_words(row: Row) -> str:
    """Whom a row is about: `Stoke on Trent, Lung`; empty for the whole programme."""
    named = (
        (place, row["organisation_name" if place == "subcontract" else f"{place}_name" if place != "category" else place])
        for place in _NAMED
    )
    return ", ".join(str(name) for place, name in named if row[place] != ALL)


def span_words(row: Row) -> str:
    """The months that a row is about: `October 2026`, `April to October 2026 (year to date)`."""
    first, last = (Month.of(date.fromisoformat(row[name])) for name in ("period_start", "period_end"))
    said = month_words(last)
    if first != last:
        said = f"{month_words(first).removesuffix(f' {last.year}')} to {said}"
    if row["period"] == "quarter" and last.ordinal - first.ordinal < _QUARTER - 1:
        return f"{said} (quarter to date)"
    return f"{said} ({_SPANS[row['period']]})" if row["period"] in _SPANS else said
