"""The form of a return: which of its cells it prints, under which columns, and what stands on each line, however it is written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from app.calendar.expected import CellKey
from app.kernel.codes import ALL
from app.measures.domain import Measure
from app.returns.domain import Deadlines
from app.returns.expectation import ExpectedReturn
from app.returns.plain_words import Earlier, denominator_carried, names_of
from app.returns.submission import Cell

Written = str | Decimal | None

FEW: Final = 40
"""So many cells are printed all, whatever was stated before."""
_SPARE: Final = 20

PLACES_FOR_PEOPLE: Final = ("measure", "category", "site", "commissioner", "pathway", "segment")
"""In the order in which a person tells lines apart."""
MEANS: Final = ("numerator_means", "denominator_means")
TO_FILL_IN: Final = ("numerator", "denominator", "state", "reason", "explanation_code", "explanation")
LOOKING_BACK: Final = (
    "last_month_numerator",
    "last_month_denominator",
    "mean_12_months_numerator",
    "mean_12_months_denominator",
    "mean_12_months_of",
)

# What a spreadsheet takes for the beginning of a formula, also behind spaces; and what no XML may hold.
_FORMULA: Final = re.compile(r"\s*[=+\-@]|[\t\r]")
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def tame(text: str) -> str:
    """A text that no spreadsheet runs as a formula: one that looks like it is marked as text, as a person would by an apostrophe."""
    text = _UNWRITABLE.sub("", text)
    return f"'{text}" if _FORMULA.match(text) else text


@dataclass(frozen=True)
class Template:
    """A form to fill in. Its lines are printed cells; `spare` lines after them take other cells of the return."""

    expected: ExpectedReturn
    deadlines: Deadlines
    earlier: Mapping[CellKey, Earlier]
    lines: tuple[CellKey, ...]

    @property
    def spare(self) -> int:
        return min(_SPARE, len(self.expected.cells) - len(self.lines))

    @property
    def may_leave_to_zero(self) -> bool:
        """Whether "all others are zero" can be right: a census is never left to it."""
        return any(measure.aggregation != "stock_last" for measure in self.expected.measures.values())

    @property
    def measures(self) -> list[Measure]:
        return _measures(self.expected)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The places that tell this return's cells apart, and the measure."""
        varying = {place for cell in self.expected.cells for place, code in zip(CellKey._fields, cell, strict=True) if code != ALL}
        return tuple(place for place in PLACES_FOR_PEOPLE if place in varying)

    def written(self, cell: CellKey) -> dict[str, Written]:
        """What is printed on a line, by column; nothing under the columns to fill in."""
        measure, names, earlier = self.expected.measures[cell.measure], names_of(self.expected, cell), self.earlier[cell]
        denominator = "" if denominator_carried(measure) == "never" else measure.denominator or ""
        line: dict[str, Written] = {f"{place}_name": tame(getattr(names, place)) for place in PLACES_FOR_PEOPLE}
        line |= {"numerator_means": tame(measure.numerator or ""), "denominator_means": tame(denominator)}
        line |= {"last_month_numerator": _last(earlier.last), "last_month_denominator": earlier.last and earlier.last.denominator}
        line |= {"mean_12_months_numerator": earlier.mean_numerator, "mean_12_months_denominator": earlier.mean_denominator}
        line["mean_12_months_of"] = Decimal(earlier.mean_of) if earlier.mean_of else None
        return line | cell._asdict()


def _last(cell: Cell | None) -> Written:
    return None if cell is None else cell.numerator if cell.state == "value" else cell.state


def template_of(expected: ExpectedReturn, deadlines: Deadlines, earlier: Mapping[CellKey, Earlier]) -> Template:
    """The form of a return: all cells where they are few or nothing was stated before, else those that were not plainly zero.

    A census is always printed, and so is at least one line of every measure: the rest states no zero of a measure without one.
    """
    cells = expected.cells
    if len(cells) > FEW and any(each.mean_of or each.last for each in earlier.values()):
        cells = tuple(cell for cell in cells if _is_printed(expected, cell, earlier[cell]))
        cells += tuple(keys[0] for keys in expected.cells_of.values() if set(cells).isdisjoint(keys))
    order = {measure.code: number for number, measure in enumerate(_measures(expected))}
    lines = sorted(
        cells, key=lambda cell: (order[cell.measure], cell.site, cell.commissioner, cell.pathway, cell.segment, _band(expected, cell))
    )
    return Template(expected, deadlines, earlier, tuple(lines))


def _measures(expected: ExpectedReturn) -> list[Measure]:
    """In the order in which the contract's schedule names them."""
    collection = expected.contract.collection[expected.key.collection]
    return [expected.measures[use.code] for use in collection.measures if use.code in expected.measures]


def _is_printed(expected: ExpectedReturn, cell: CellKey, earlier: Earlier) -> bool:
    # What was not collected last time is no zero either: somebody has to say what it is now.
    uncounted = earlier.last is not None and earlier.last.state != "value"
    return earlier.was_above_zero or uncounted or expected.measures[cell.measure].aggregation == "stock_last"


def _band(expected: ExpectedReturn, cell: CellKey) -> int:
    """Categories stand in the order of their breakdown: bands from the shortest to the longest."""
    return expected.measures[cell.measure].category_codes.index(cell.category)
