"""A row in plain words: its figures as people write them, its place, its period, and why it has no value."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from app.kernel.codes import ALL
from app.kernel.figures import plain
from app.kernel.months import Month
from app.returns.plain_words import month_words

Row = Mapping[str, Any]
"""A row of a report, live or published: figures exact, never floats."""

PLACES: Final = 1
MOST_PLACES: Final = 4
"""A share to six places is a percentage to four."""

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


def _scaled(row: Row, figure: Decimal | int, places: int) -> Decimal:
    shown = Decimal(figure) * 100 if is_percent(row) else Decimal(figure)
    return shown.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def figure_words(row: Row, figure: Decimal | int, *, places: int = PLACES) -> str:
    """A figure in its row's unit: `77.6%`, `2.5 days`, `1,204`."""
    shown = plain(_scaled(row, figure, places))
    unit = row["unit"]
    if unit == "percent":
        return f"{shown:,f}%"
    return f"{shown:,f}" if unit in {None, "count"} else f"{shown:,f} {unit}"


def difference_words(row: Row, figure: Decimal | int, *, places: int = PLACES) -> str:
    """How far two figures are apart: `1.5 percentage points`, `0.4 days`, `12`."""
    distance = abs(Decimal(figure))
    if not is_percent(row):
        return figure_words(row, distance, places=places)
    shown = plain(_scaled(row, distance, places))
    return f"{shown:,f} percentage point{'' if shown == 1 else 's'}"


def value_words(row: Row, *beside: Decimal | None) -> str:
    """A value with what it is out of, `77.6% (412 of 531)`, or why there is none."""
    if row["value"] is None:
        reason = missing_words(row)
        return reason if reason == WITHHELD else "no value" if reason is None else f"no value ({reason})"
    said = figure_words(row, row["value"], places=places_for(row, *beside))
    if row["numerator"] is None or row["denominator"] is None:
        return said
    return f"{said} ({plain(Decimal(row['numerator'])):,f} of {plain(Decimal(row['denominator'])):,f})"


def missing_words(row: Row) -> str | None:
    """Why a row has no value; None where it has one, or nothing is said."""
    if row["value"] is not None:
        return None
    return WITHHELD if row["suppression"] is not None else _MISSING.get(row["missing_reason"], row["missing_reason"])


def share_words(share: Decimal | int | None) -> str:
    """A share of one, such as coverage."""
    return "not known" if share is None else f"{plain(_scaled({'unit': 'percent'}, share, PLACES)):f}%"


def limits_words(row: Row, lower: str = "lower", upper: str = "upper") -> str:
    return f"{figure_words(row, row[lower])} to {figure_words(row, row[upper])}"


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
    return f"{said} ({_SPANS[row['period']]})" if row["period"] in _SPANS else said
