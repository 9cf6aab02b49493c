"""The shapes of imports and agreements on the wire."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.kernel.figures import ExactDecimal, carried, rounded
from app.kernel.lines import Line, Many
from app.reports.agreement import REASONS, Agreement, Reason, State
from app.reports.imports import Import, Outcome, RecordedImport

MOST_IMPORTS: Final = 2000
"""Of one request."""


class ImportsBody(Line):
    """Imports that are recorded together, or not at all."""

    imports: Annotated[Many[Import], Field(min_length=1, max_length=MOST_IMPORTS)]


class _ImportMembers(BaseModel):
    """What is said of every import: `from_month` is null of a period of one month."""

    model_config = ConfigDict(populate_by_name=True)

    import_: str = Field(alias="import")
    measure: str
    source: str
    address: str | None
    published_on: str
    from_month: str | None
    month: str
    organisation: str | None
    commissioner: str | None
    site: str
    category: str
    basis: Literal["provider", "commissioner"]
    numerator: ExactDecimal | None
    denominator: ExactDecimal | None
    value: ExactDecimal | None
    unit: str | None
    lower: ExactDecimal | None
    upper: ExactDecimal | None
    status: Literal["provisional", "final"]


class ImportOutcomeView(_ImportMembers):
    """An import as it stands now, and what recording it did."""

    outcome: Outcome


class ImportOutcomesView(BaseModel):
    """What recording did, import by import in the order in which they were sent."""

    added: int
    superseding: int
    unchanged: int
    imports: list[ImportOutcomeView]


class ImportView(_ImportMembers):
    """An import as it stood, since when and recorded by whom."""

    recorded_at: str
    recorded_by: str
    recorded_on_behalf_of: str | None


class ImportVersionView(ImportView):
    """One version of an import; `closed_at` is when it was superseded or withdrawn, null while it stands."""

    closed_at: str | None
    closed_by: str | None
    closed_on_behalf_of: str | None


class ImportsView(BaseModel):
    """A page of imports, and the moment that was judged at."""

    as_of: str
    imports: list[ImportView]
    next: str | None


class ImportHistoryView(BaseModel):
    """Every version of an import, the first one first."""

    versions: list[ImportVersionView]


class AgreementView(BaseModel):
    """An import beside the accepted figures of the same measure, basis, place and period.

    Differences are what was returned less what was imported, null where the two are not compared: `reason` and `detail` say why. `returned_…` are null
    where nothing may stand beside the import. `subcontracts` names those that the figures of an organisation are of.
    """

    model_config = ConfigDict(populate_by_name=True)

    measure: str
    measure_version: int
    basis: Literal["provider", "commissioner"]
    month: str
    from_month: str | None
    site: str
    commissioner: str
    organisation: str
    subcontracts: str | None
    category: str
    import_: str = Field(alias="import")
    source: str
    source_published_on: str
    imported_numerator: ExactDecimal | None
    imported_denominator: ExactDecimal | None
    imported_value: ExactDecimal | None
    returned_numerator: ExactDecimal | None
    returned_denominator: ExactDecimal | None
    returned_value: ExactDecimal | None
    numerator_difference: ExactDecimal | None
    denominator_difference: ExactDecimal | None
    excludes: str | None
    state: State
    reason: Reason | None
    detail: str | None


class AgreementsView(BaseModel):
    """A page of what agrees and what does not, and the moment that was judged at."""

    as_of: str
    tolerance: ExactDecimal
    agreement: list[AgreementView]
    next: str | None


def line_view(line: Import) -> dict[str, Any]:
    return {"import": line.name, **line.model_dump(), "published_on": line.published_on.isoformat()}


def import_view(recorded: RecordedImport) -> dict[str, Any]:
    return {**line_view(recorded.line), "recorded_at": recorded.recorded_at, "recorded_by": recorded.recorded_by}


def version_view(recorded: RecordedImport) -> dict[str, Any]:
    return {**import_view(recorded), "closed_at": recorded.closed_at, "closed_by": recorded.closed_by}


def agreement_view(found: Agreement) -> dict[str, Any]:
    line, returned, imported = found.line, found.returned, found.imported_value
    return {
        "measure": line.measure,
        "measure_version": found.measure.version,
        "basis": line.basis,
        "month": line.month,
        "from_month": line.from_month,
        "site": line.site,
        "commissioner": line.commissioner or "all",
        "organisation": line.organisation or "all",
        "subcontracts": " ".join(found.subcontracts) or None,
        "category": line.category,
        "import": line.name,
        "source": line.source,
        "source_published_on": line.published_on.isoformat(),
        "imported_numerator": line.numerator,
        "imported_denominator": line.denominator,
        "imported_value": None if imported is None else carried(rounded(imported)),
        "returned_numerator": returned.numerator if returned else None,
        "returned_denominator": returned.denominator if returned else None,
        "returned_value": carried(rounded(returned.value)) if returned and returned.value is not None else None,
        "numerator_difference": found.numerator_difference,
        "denominator_difference": found.denominator_difference,
        "excludes": found.excludes,
        "state": found.state,
        "reason": found.reason,
        "detail": None if found.reason is None else REASONS[found.reason],
    }
