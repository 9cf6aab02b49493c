"""What subcontracts returned beside what was published of the same: the same measure, basis, place and period, or why they are not compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from app.calendar.contract import Contract
from app.kernel.codes import ALL
from app.measures.domain import Measure
from app.reports.aggregation import RowValue, add, evaluate
from app.reports.coverage import together
from app.reports.imports import Import, slice_of, value_of
from app.reports.results import RowResult

State = Literal["agrees", "differs", "not_compared"]
Reason = Literal["basis_differs", "no_such_row", "period_differs", "value_only", "not_returned", "incomplete", "other_figures"]

REASONS: Final[Mapping[Reason, str]] = {
    "basis_differs": "The import is on another basis than the measure: the two are never set beside each other.",
    "no_such_row": "No row of a report is about the import's place.",
    "period_differs": "The import is about other months than the return.",
    "value_only": "The import is a published value without its counts.",
    "not_returned": "No figure of the place is accepted.",
    "incomplete": "Not everybody who owes a figure of the place is in it.",
    "other_figures": "What was returned has no figures of the import's kind.",
}
"""Why an import is not compared; the first of these that holds."""

Results = Mapping[tuple[str, str, str, str, str], RowResult]
"""A slice's results by measure, site, commissioner, subcontract and category."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """An import, what was returned about the same (None where nothing may stand beside it), and whether they agree."""

    line: Import
    measure: Measure
    slice_: str | None
    subcontracts: tuple[str, ...]
    returned: RowValue | None
    excludes: str | None
    state: State
    reason: Reason | None

    @property
    def imported_value(self) -> Fraction | None:
        return value_of(self.line, self.measure)

    @property
    def numerator_difference(self) -> Decimal | None:
        return _difference(self.returned.numerator, self.line.numerator) if self.returned and self.state != "not_compared" else None

    @property
    def denominator_difference(self) -> Decimal | None:
        return _difference(self.returned.denominator, self.line.denominator) if self.returned and self.state != "not_compared" else None


def agreement(contract: Contract, line: Import, measure: Measure, results: Results, *, tolerance: Decimal) -> Agreement:
    """Set an import of a returned measure beside the accepted figures of its month; counts agree within the tolerance."""
    slice_ = slice_of(line.place)
    held = [each.reference for each in contract.subcontracts if each.organisation == line.organisation]
    found = [
        (subcontract, result)
        for subcontract in (held if line.organisation else [ALL])
        if (result := results.get((line.measure, line.site, line.commissioner or ALL, subcontract, line.category))) is not None
    ]
    if line.basis != measure.basis:
        return Agreement(line, measure, slice_, (), None, None, "not_compared", "basis_differs")
    if not found:
        return Agreement(line, measure, slice_, tuple(held), None, None, "not_compared", "no_such_row")
    rows = [result for _, result in found]
    coverage = together([result.coverage for result in rows])
    of_category = line.category != ALL
    returned = evaluate(measure, add(result.figures for result in rows), of_category=of_category, subcontracts=len(coverage.subcontracts))
    reason = _why_not(line, rows, returned, is_whole=coverage.included == coverage.expected)
    state: State = "not_compared" if reason else "agrees" if _agree(line, returned, tolerance) else "differs"
    excludes = ", ".join(missing.text(with_month=False) for missing in coverage.missing) or None
    return Agreement(line, measure, slice_, tuple(code for code, _ in found if code != ALL), returned, excludes, state, reason)


def _why_not(line: Import, rows: Sequence[RowResult], returned: RowValue, *, is_whole: bool) -> Reason | None:
    if {result.months for result in rows} != {line.months}:
        return "period_differs"
    if line.value is not None:
        return "value_only"
    if returned.numerator is None:
        return "other_figures" if returned.reason else "not_returned"
    if not is_whole:
        return "incomplete"
    return "other_figures" if (returned.denominator is None) != (line.denominator is None) else None


def _agree(line: Import, returned: RowValue, tolerance: Decimal) -> bool:
    pairs = ((returned.numerator, line.numerator), (returned.denominator, line.denominator))
    return all(abs(_difference(*pair) or Decimal(0)) <= tolerance for pair in pairs)


def _difference(returned: Decimal | None, imported: Decimal | None) -> Decimal | None:
    """What was returned less what was imported."""
    return None if returned is None or imported is None else returned - imported
