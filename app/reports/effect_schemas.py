"""The shapes in which it is told what a revision does to a report."""

from pydantic import BaseModel

from app.kernel.figures import ExactDecimal
from app.returns.review_schemas import DifferencesView
from app.returns.schemas import ReceiptView


class MovedRowView(BaseModel):
    """A row of the month's report that reads otherwise; a side on which there is no such row is null."""

    slice: str
    measure: str
    commissioner: str
    site: str
    pathway: str
    segment: str
    subcontract: str
    category: str
    numerator_before: ExactDecimal | None
    numerator_after: ExactDecimal | None
    denominator_before: ExactDecimal | None
    denominator_after: ExactDecimal | None
    value_before: ExactDecimal | None
    value_after: ExactDecimal | None
    coverage_before: ExactDecimal | None
    coverage_after: ExactDecimal | None
    contract_test_before: str | None
    contract_test_after: str | None
    missing_reason_before: str | None
    missing_reason_after: str | None


class SubmittedView(ReceiptView):
    """A receipt; of a dry run with its effect on the report, once it is accepted. Null where it was submitted indeed."""

    effect: list[MovedRowView] | None


class ComparedView(DifferencesView):
    """What a revision states differently, and what accepting it in place of the other does to the report."""

    effect: list[MovedRowView]
