"""The themes of a report: its rows by the kind of measure, which of them stand at the head, and which are drawn beside each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from app.kernel.codes import ALL
from app.kernel.months import Month
from app.reports.periods import PERIODS
from app.reports.row_words import Row
from app.reports.slices import PARENTS, SLICES

THEMES: Final = {
    "service_standard": "Service standards",
    "outcome": "Outcomes",
    "experience": "Experience",
    "activity": "Activity",
    "data_quality": "Data quality",
    None: "Other measures",
}
"""The sheets by the kind of measure, in their order."""

MOST_BARS: Final = 16
FEWEST_BARS: Final = 2
_DRAWN: Final = ("commissioner", "site", "subcontract", "pathway", "segment", "category")
_SLICES: Final = {slice_: number for number, slice_ in enumerate(SLICES)}
_PLACES: Final = ("commissioner", "site", "pathway", "segment", "subcontract", "category")
_REMEMBERED: Final = (
    *("measure", *_PLACES, "month", "period", "period_start", "period_end"),
    *("status", "unit", "value", "target", "spc_variation"),
)


@dataclass(frozen=True)
class Theme:
    """The rows of one kind of measure: those at its head, and all others."""

    name: str
    head: Sequence[Row]
    others: Sequence[Row]

    @cached_property
    def parts(self) -> Mapping[tuple[str, str], Sequence[Row]]:
        """The month's other rows by measure and slice."""
        held: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.others:
            if row["period"] == "month":
                held[row["measure"], row["slice"]].append(row)
        return held


def themes_of(rows: Iterable[Row]) -> list[Theme]:
    """Every theme that has rows. At the head stand those of the widest slice that the report has: `all`, where it is in it."""
    rows = sorted(rows, key=_order)
    widest = widest_slice(rows)
    held: dict[str | None, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in rows:
        held[row["kind"]][row["slice"] != widest].append(row)
    return [Theme(name, *held[kind]) for kind, name in THEMES.items() if kind in held]


def widest_slice(rows: Iterable[Row]) -> str:
    """The slice that names the fewest places, of those that there are."""
    there = {row["slice"] for row in rows}
    return next((slice_ for slice_ in SLICES if slice_ in there), ALL)


def _order(row: Row) -> tuple[object, ...]:
    places = (row[place] for place in _PLACES)
    return (row["measure"], _SLICES[row["slice"]], PERIODS.index(row["period"]), *((code != "all", code) for code in places))


def place_of(row: Row) -> tuple[str, ...]:
    """What a series of months is of: one measure in one place."""
    return (row["measure"], *(row[place] for place in _PLACES))


def remembered(row: Row) -> Row:
    """Of a row of an earlier month, what is drawn and said of it: two years of whole rows would be most of what a workbook takes."""
    return {name: row[name] for name in _REMEMBERED}


def drawn(theme: Theme) -> list[Row]:
    """The rows at the head of which charts are drawn: one of a measure, and of a month."""
    months = [row for row in theme.head if row["period"] == "month"]
    counted: dict[str, int] = defaultdict(int)
    for row in months:
        counted[row["measure"]] += 1
    return [row for row in months if counted[row["measure"]] == 1]


def beside(theme: Theme, row: Row) -> list[Row]:
    """The rows that are drawn beside each other under one at the head: of the first slice that parts it, without those that are sums of others."""
    for slice_ in _DRAWN:
        found = [
            other
            for other in theme.parts.get((row["measure"], slice_), ())
            if other["value"] is not None and not {other["site_scope"], other["commissioner_scope"]} & PARENTS
        ]
        if FEWEST_BARS <= len(found) <= MOST_BARS:
            return found
    return []


def compared(theme: Theme, row: Row) -> list[Row]:
    """The subcontracts of a proportion, for a funnel: those with somebody counted."""
    rows = theme.parts.get((row["measure"], "subcontract"), ())
    return [other for other in rows if other["interval"] == "wilson_95" and other["denominator"]]


def series_of(row: Row, earlier: Mapping[tuple[str, ...], Mapping[str, Row]]) -> list[tuple[str, Row | None]]:
    """The months up to a row's own with the row of each, None where there is none; empty where nothing came before, or none ever had a value."""
    before = {month: held for month, held in earlier.get(place_of(row), {}).items() if month < row["month"]}
    if not before or all(each["value"] is None for each in (row, *before.values())):
        return []
    first, last = Month.parse(min(before)), Month.parse(row["month"])
    return [(str(month), row if month == last else before.get(str(month))) for month in first.through(last)]
