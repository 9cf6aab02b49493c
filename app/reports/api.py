"""Reading reports over HTTP: a month's consolidated report, what is behind one of its rows, and where subcontracts stand in a funnel."""

import json
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from app.calendar.as_of import AsOfInFuture
from app.reports import actions
from app.reports.domain import ReportQuery
from app.reports.example_schemas import FUNNEL, REPORT, SOURCES, TREND
from app.reports.export_actions import TooManyRows, find_workbook
from app.reports.export_csv import CSV_TYPE, csv_of
from app.reports.export_workbook import XLSX_TYPE
from app.reports.json_schema import described_by
from app.reports.members import MEMBERS
from app.reports.schemas import (
    Commissioners,
    FunnelPeriodOf,
    FunnelView,
    IncludeOf,
    Measures,
    Part,
    PeriodOf,
    Periods,
    RenditionOf,
    ReportView,
    Sites,
    SliceOf,
    Slices,
    SourcesView,
    SuccessionOf,
    TrendView,
    funnel_answer,
    funnel_query,
    report_query,
    source_query,
    trend_query,
)
from app.reports.source_actions import find_sources
from app.web.moments import AsOf
from app.web.negotiation import NotAcceptable, also_as, format_of
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/reports", tags=["reports"])

FORMATS: Final = {"json": "application/json", "csv": CSV_TYPE, "xlsx": XLSX_TYPE}
FormatOf = Annotated[str, Depends(format_of(FORMATS))]
FILES: Final[dict[str, dict[str, Any]]] = {
    CSV_TYPE: {"schema": {"type": "string"}, "example": ",".join(MEMBERS)},
    XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}},
}
"""The answers besides JSON, by their media types."""


@router.get(
    "/{month}",
    response_class=Response,
    responses=also_as(refusals(AsOfInFuture, NotAcceptable, TooManyRows) | json_answer(ReportView, REPORT), FILES),
)
def get_report(
    unit: Unit,
    programme: str,
    month: str,
    as_of: AsOf,
    *,
    slice_: Slices = None,
    commissioner: Commissioners = None,
    site: Sites = None,
    measure: Measures = None,
    period: Periods = None,
    succession: SuccessionOf = "as_reported",
    include: IncludeOf = None,
    rendition: RenditionOf = None,
    format_: FormatOf,
) -> Response:
    """Read a month's consolidated report: every place that is expected or reported, as of a moment; also as a table or a workbook."""
    query = report_query(
        month,
        as_of=as_of,
        slices=slice_,
        periods=period,
        measures=measure,
        commissioners=commissioner,
        sites=site,
        succession=succession,
        include=include,
        rendition=rendition,
    )
    find = find_workbook if format_ == "xlsx" else actions.find_report
    content, computed = find(unit.session, programme, query, actor=unit.actor, now=unit.now)
    if format_ == "csv":
        content = csv_of(json.loads(content, parse_float=Decimal))
    return unit.read(content, headers=_named(programme, query, format_), media_type=FORMATS[format_], keep=computed)


def _named(programme: str, query: ReportQuery, format_: str) -> dict[str, str]:
    """What a file is called where it is kept, and what the JSON is described by; codes hold nothing that a file name cannot."""
    if format_ == "json":
        return {"Link": described_by("report")}
    public = " public" if query.public else ""
    named = {"Content-Disposition": f'attachment; filename="{programme} {query.month}{public}.{format_}"'}
    return named if query.public else {**named, "Link": actions.queries_link(programme, query.month)}


@router.get("/{month}/trend", responses=refusals(AsOfInFuture) | json_answer(TrendView, TREND))
def get_trend(
    unit: Unit,
    programme: str,
    month: str,
    as_of: AsOf,
    *,
    months: Annotated[int, Query(description="How many months, the last of them the one in the path.", ge=1, le=120)] = 24,
    slice_: SliceOf = "all",
    measure: Measures = None,
    commissioner: Commissioners = None,
    site: Sites = None,
    succession: SuccessionOf = "as_reported",
    include: IncludeOf = None,
) -> Response:
    """Read the rows of one slice of many months' reports together, as of one moment: a trend of everything, or of some measures."""
    query = trend_query(
        month,
        months=months,
        as_of=as_of,
        slice_=slice_,
        measures=measure,
        commissioners=commissioner,
        sites=site,
        succession=succession,
        include=include,
    )
    content, computed = actions.find_trend(unit.session, programme, query, actor=unit.actor, now=unit.now)
    return unit.read(content, keep=computed)


@router.get("/{month}/sources", responses=refusals(AsOfInFuture) | json_answer(SourcesView, SOURCES))
def get_sources(
    unit: Unit,
    programme: str,
    month: str,
    as_of: AsOf,
    *,
    measure: Annotated[str, Query(description="The row's measure.", max_length=64)],
    slice_: SliceOf = "all",
    period: PeriodOf = "month",
    commissioner: Part = "all",
    site: Part = "all",
    pathway: Part = "all",
    segment: Part = "all",
    subcontract: Part = "all",
    category: Part = "all",
    succession: SuccessionOf = "as_reported",
    include: IncludeOf = None,
) -> Response:
    """Read the cells, revisions and contract lines behind one row, named by the row's own keys."""
    query = source_query(
        month,
        measure=measure,
        as_of=as_of,
        slice_=slice_,
        period=period,
        commissioner=commissioner,
        site=site,
        pathway=pathway,
        segment=segment,
        subcontract=subcontract,
        category=category,
        succession=succession,
        include=include,
    )
    found, computed = find_sources(unit.session, programme, query, actor=unit.actor, now=unit.now)
    return unit.read(found, keep=computed)


@router.get("/{month}/funnel", responses=refusals(AsOfInFuture) | json_answer(FunnelView, FUNNEL))
def get_funnel(
    unit: Unit,
    programme: str,
    month: str,
    as_of: AsOf,
    *,
    measure: Annotated[str, Query(description="The measure, a proportion.", max_length=64)],
    period: FunnelPeriodOf = "month",
) -> Response:
    """Read where subcontracts stand in the funnel of a measure: whether they differ by more than chance does."""
    query = funnel_query(month, measure=measure, as_of=as_of, period=period)
    found, computed = actions.find_funnel(unit.session, programme, query, actor=unit.actor, now=unit.now)
    return unit.read(funnel_answer(programme, query, found), keep=computed)
