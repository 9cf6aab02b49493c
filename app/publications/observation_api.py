"""Published months as one flat table over HTTP, page by page as JSON or whole as a stream of CSV: what dashboards read."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response

from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.publications import observation_actions as actions
from app.publications.observation_actions import Table, rows_from
from app.publications.observation_schemas import (
    FirstMonth,
    LastMonth,
    ObservationsView,
    PublishedRowView,
    RenditionOf,
    RowsAsked,
    Subcontracts,
    observation_query,
    table_answer,
)
from app.publications.observations import Position, tag_of
from app.publications.row_query_actions import is_told_of_queries, queries_beside
from app.publications.row_query_schemas import queries_link, row_query_view
from app.reports.example_schemas import DIGEST, ROW
from app.reports.export_csv import CSV_TYPE, csv_parts
from app.reports.members import MEMBERS
from app.web.lent import with_lenders
from app.web.negotiation import NotAcceptable, also_as, format_of
from app.web.pages import BadCursor, Page, bad_cursor, pages
from app.web.reference import json_answer, refusals
from app.web.work import Unit, UnitOfWork

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["observations"])

MOST_ROWS: Final = 5_000
COLUMNS: Final = tuple(PublishedRowView.model_fields)
FORMATS: Final = {"json": "application/json", "csv": CSV_TYPE}
FormatOf = Annotated[str, Depends(format_of(FORMATS))]
PageOfRows = Annotated[Page, Depends(pages(largest=MOST_ROWS, usual=MOST_ROWS))]
SubcontractCode = Annotated[str, Path(description="The subcontract's reference.", max_length=64, examples=["SC-RJE"])]
_OBSERVATIONS: Final[dict[str, Any]] = {
    "schema_version": "1.0",
    "programme": "staffs-cancer",
    "audience": "commissioner",
    "audience_code": "05W",
    "sequence": 3,
    "publications": [
        {
            "month": "2026-10",
            "sequence": 3,
            "audience_code": "05W",
            "status": "provisional",
            "published_at": "2026-12-09T10:02:11.400000Z",
            "sha256": DIGEST,
        }
    ],
    "observations": [{**ROW, "report_month": "2026-10", "sequence": 3}],
    "queries": [],
    "notes": [],
    "links": {},
    "next": None,
}
_ANSWERS: Final = also_as(
    refusals(Forbidden, NotFound, Invalid, BadCursor, NotAcceptable)
    | json_answer(ObservationsView, _OBSERVATIONS, description="A page of rows; all of them as a table"),
    {CSV_TYPE: {"schema": {"type": "string"}, "example": ",".join(COLUMNS)}},
)


@router.get("/observations", response_class=Response, responses=_ANSWERS)
def list_observations(
    unit: Unit,
    programme: str,
    page: PageOfRows,
    asked: RowsAsked,
    *,
    first: FirstMonth = None,
    last: LastMonth = None,
    subcontract: Subcontracts = None,
    rendition: RenditionOf = None,
    format_: FormatOf,
) -> Response:
    """Read the latest publication of each month as one flat table, as far as it is the caller's to read.

    Pages stay those of the table as it stood at the first one. As CSV, without `limit`, every row comes in one answer.
    """
    query = observation_query(asked, first=first, last=last, subcontract=subcontract, rendition=rendition)
    after = _position(page)
    table = actions.find_table(unit.session, programme, query, actor=unit.actor, after=after)
    return _answered(unit, table, page, after, format_)


@router.get("/subcontracts/{subcontract}/observations", response_class=Response, responses=_ANSWERS)
def list_subcontract_observations(
    unit: Unit,
    programme: str,
    subcontract: SubcontractCode,
    page: PageOfRows,
    asked: RowsAsked,
    *,
    first: FirstMonth = None,
    last: LastMonth = None,
    format_: FormatOf,
) -> Response:
    """Read what was published of one subcontract, month by month, as one flat table."""
    query = observation_query(asked, first=first, last=last)
    after = _position(page)
    table = actions.find_table_of(unit.session, programme, subcontract, query, actor=unit.actor, after=after)
    return _answered(unit, table, page, after, format_)


def _position(page: Page) -> Position | None:
    """Where the cursor says that a page goes on; BadCursor where no page ended there."""
    after = page.after_as(*[int] * len(Position._fields))
    if after is not None and min(after) < 0:
        raise bad_cursor()
    return after and Position(*after)


def _answered(unit: UnitOfWork, table: Table, page: Page, after: Position | None, format_: str) -> Response:
    named = {name for name, _ in page.query}
    if format_ == "csv" and not {"limit", "cursor"} & named:
        return _whole(unit, table)
    told = format_ != "csv" and is_told_of_queries(unit.actor, public=table.query.public)
    queries = queries_beside(unit.session, table.programme, table.sources, actor=unit.actor) if told else []
    said = [[each.query.name, len(each.thread)] for each in queries]
    tag = tag_of(table.query, table.renditions, format_, after, page.limit, page.path, table.programme, said)
    unchanged = unit.unchanged(tag)
    if unchanged is not None:
        return unchanged
    session = unit.session
    found = list(islice(rows_from(lambda: nullcontext(session), table, tuple(MEMBERS), after), page.limit + 1))
    rows, following, link = page.cut(found, lambda each: each[0])
    if format_ == "csv":
        return unit.read(b"".join(_table(iter(rows))), etag=tag, headers=_also_queries(unit, table, link), media_type=CSV_TYPE)
    shown = [row for _, row in rows]
    beside = with_lenders(unit, {"queries": [row_query_view(table.programme, each) for each in queries if each.query.is_about(shown)]})[
        "queries"
    ]
    return unit.read(table_answer(table, shown, beside, following=following, is_first=after is None), etag=tag, headers=link)


def _whole(unit: UnitOfWork, table: Table) -> Response:
    """Every row as CSV, read while it is sent."""
    name = f'attachment; filename="{table.programme} observations.csv"'
    tag = tag_of(table.query, table.renditions, "csv", None, None, table.programme)
    rows = rows_from(unit.more_sessions, table, tuple(MEMBERS), None)
    headers = _also_queries(unit, table, {"Content-Disposition": name})
    return unit.stream(lambda: _table(rows), etag=tag, media_type=CSV_TYPE, headers=headers)


def _also_queries(unit: UnitOfWork, table: Table, headers: dict[str, str]) -> dict[str, str]:
    """The headers of a table, with where what is asked about its rows is read, for whom that is to know."""
    if not is_told_of_queries(unit.actor, public=table.query.public):
        return headers
    return {**headers, "Link": ", ".join([*([headers["Link"]] if "Link" in headers else []), queries_link(table.programme)])}


def _table(rows: Iterator[tuple[Position, bytes]]) -> Iterator[bytes]:
    return csv_parts((json.loads(row, parse_float=Decimal) for _, row in rows), columns=COLUMNS)
