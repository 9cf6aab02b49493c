"""Queries about published rows over HTTP: a commissioner's lead asks, the integrator answers, and both see it beside the row."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from app.kernel.months import Month
from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.publications import row_query_actions as actions
from app.publications.domain import audiences_of
from app.publications.row_queries import QueryName, WantedRowQueries
from app.publications.row_query_actions import RowQueryRead
from app.publications.row_query_schemas import (
    RowMessageLine,
    RowQueriesView,
    RowQueryBody,
    RowQueryView,
    row_query_view,
)
from app.reports.export_csv import CSV_TYPE, csv_parts
from app.returns.queries import QueryAct, QueryClosed
from app.returns.query_actions import Said
from app.returns.query_schemas import AnswerBody, ClosingBody, FollowUpBody
from app.web.lent import with_lenders
from app.web.negotiation import NotAcceptable, also_as, format_of
from app.web.pages import BadCursor, Page, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit, UnitOfWork

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["queries"])

_QUERIES: Final = "/publications/{sequence}/queries"
_QUERY: Final = f"{_QUERIES}/{{query}}"
_ROW: Final = {"slice": "commissioner", "measure": "CWT-62", "commissioner": "05W"}
_QUESTION: Final[dict[str, Any]] = {"row": _ROW, "text": "Nine fewer than in September: was a list cancelled?", "due_on": "2026-12-18"}
_PUBLICATION: Final = "/v1/programmes/staffs-cancer/publications/3"
_ASKED: Final = {
    "act": "asked",
    "party": "commissioner",
    "text": _QUESTION["text"],
    "at": "2026-12-10T08:30:00.000000Z",
    "by": "c_7h3d",
    "on_behalf_of": None,
}
_EXAMPLE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "query": "05W-1",
    "commissioner": "05W",
    "sequence": 3,
    "month": "2026-10",
    "state": "open",
    "row": {**dict.fromkeys(("site", "pathway", "segment", "subcontract", "category"), "all"), "period": "month", **_ROW},
    "text": _QUESTION["text"],
    "due_on": _QUESTION["due_on"],
    "asked_at": _ASKED["at"],
    "asked_by": _ASKED["by"],
    "asked_on_behalf_of": None,
    "thread": [_ASKED],
    "links": {"self": f"{_PUBLICATION}/queries/05W-1", "publication": _PUBLICATION},
}
_ANSWER: Final = {"text": "It was: one list on the 14th. The patients were treated on the 3rd."}
_ANSWERED: Final[dict[str, Any]] = {
    **_EXAMPLE,
    "state": "answered",
    "thread": [
        _ASKED,
        {"act": "answered", "party": "integrator", **_ANSWER, "at": "2026-12-11T09:00:00.000000Z", "by": "c_9m1p", "on_behalf_of": None},
    ],
}
_FOLLOW_UP: Final = {"text": "And in November?", "due_on": "2026-12-20"}
_CLOSING: Final = {"outcome": "settled", "text": "Thank you."}

Sequence = Annotated[int, Path(description="The publication's number in its programme.", ge=1, le=2**31 - 1, examples=[3])]
QueryCode = Annotated[str, Path(description="The query: who asks, and its number.", max_length=80, examples=["05W-1"])]
OpenWanted = Annotated[bool | None, Query(alias="open", description="Only those that wait for their answer (or only the others).")]
RowPart = Annotated[str | None, Query(description="Only queries about rows with this key.", max_length=64)]
COLUMNS: Final = tuple(RowMessageLine.model_fields)
FormatOf = Annotated[str, Depends(format_of({"json": "application/json", "csv": CSV_TYPE}))]
_LISTING: Final = also_as(
    refusals(Forbidden, NotFound, Invalid, BadCursor, NotAcceptable)
    | json_answer(
        RowQueriesView, {"queries": [_EXAMPLE], "next": None}, description="A page of queries; everything that was said as a table"
    ),
    {CSV_TYPE: {"schema": {"type": "string"}, "example": ",".join(COLUMNS)}},
)
_SAYING: Final = refusals(Forbidden, NotFound, Invalid, QueryClosed, *WRITING)


@router.post(
    _QUERIES,
    status_code=201,
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, *WRITING) | json_answer(RowQueryView, _EXAMPLE, status=201, description="Asked"),
    openapi_extra=json_body(RowQueryBody, _QUESTION),
)
def ask_row_query(unit: Unit, programme: str, sequence: Sequence) -> Response:
    """Ask the integrator about a row of a publication.

    The answer is due in five working days unless `due_on` says otherwise. What was published stays as it is.
    """
    body, faults = unit.json_partly(RowQueryBody, text="?")
    asked = body.asked(faults)
    view = with_lenders(
        unit, row_query_view(programme, actions.ask(unit.session, programme, sequence, asked, actor=unit.actor, now=unit.now))
    )
    return unit.answer(view, status=201, location=view["links"]["self"])


@router.get(_QUERIES, response_class=Response, responses=_LISTING)
def list_row_queries(
    unit: Unit,
    programme: str,
    sequence: Sequence,
    page: PageOf,
    *,
    is_open: OpenWanted = None,
    slice_: Annotated[str | None, Query(alias="slice", description="Only queries about rows of this slice.", max_length=64)] = None,
    measure: RowPart = None,
    period: RowPart = None,
    commissioner: RowPart = None,
    site: RowPart = None,
    pathway: RowPart = None,
    segment: RowPart = None,
    subcontract: RowPart = None,
    category: RowPart = None,
    format_: FormatOf,
) -> Response:
    """List what is asked about rows of a publication's month, each with its answer: one row's where its keys are named.

    As CSV, a line for everything that was said, and without `limit` all of them in one answer.
    """
    of_month = actions.publication_month(unit.session, programme, sequence, actor=unit.actor, audiences=audiences_of(unit.actor))
    keys = {
        "slice": None if slice_ is None else slice_.replace(" ", "+"),
        "measure": measure,
        "period": period,
        "commissioner": commissioner,
        "site": site,
        "pathway": pathway,
        "segment": segment,
        "subcontract": subcontract,
        "category": category,
    }
    row = {name: code for name, code in keys.items() if code is not None}
    return _listed(unit, programme, WantedRowQueries(of_month.months, is_open, row), page, format_)


@router.get("/row-queries", response_class=Response, responses=_LISTING)
def list_all_row_queries(
    unit: Unit,
    programme: str,
    page: PageOf,
    *,
    is_open: OpenWanted = None,
    month: Annotated[Month | None, Query(description="Only about rows of this month.", examples=["2026-10"])] = None,
    format_: FormatOf,
) -> Response:
    """List what is asked about published rows of a programme; a commissioner sees what it asked itself.

    As CSV, a line for everything that was said, and without `limit` all of them in one answer.
    """
    return _listed(unit, programme, WantedRowQueries(None if month is None else (month,), is_open), page, format_)


def _listed(unit: UnitOfWork, programme: str, wanted: WantedRowQueries, page: Page, format_: str) -> Response:
    whole = format_ == "csv" and not {"limit", "cursor"} & {name for name, _ in page.query}
    limit = None if whole else page.limit + 1
    found = actions.list_queries(unit.session, programme, wanted, after=page.after_as(int, str, int), limit=limit, actor=unit.actor)
    rows, following, link = (found, None, {}) if whole else page.cut(found, _place_of)
    if format_ == "csv":
        lines = with_lenders(unit, {"lines": [line for each in rows for line in each.lines]})["lines"]
        content = b"".join(csv_parts(lines, columns=COLUMNS))
        named = {"Content-Disposition": f'attachment; filename="{programme} queries.csv"'}
        return unit.read(content, headers={**link, **named}, media_type=CSV_TYPE)
    return unit.read(with_lenders(unit, {"queries": [row_query_view(programme, each) for each in rows], "next": following}), headers=link)


def _place_of(read: RowQueryRead) -> tuple[str | int, ...]:
    name = read.query.name
    return name.sequence, name.commissioner, name.number


@router.get(
    _QUERY,
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid) | json_answer(RowQueryView, _ANSWERED, description="The query"),
)
def read_row_query(unit: Unit, programme: str, sequence: Sequence, query: QueryCode) -> Response:
    """Read a query about a row with its thread."""
    found = actions.read_query(unit.session, programme, QueryName.parse(sequence, query), actor=unit.actor)
    return unit.read(with_lenders(unit, row_query_view(programme, found)))


def _said(unit: UnitOfWork, programme: str, name: QueryName | None, said: Said) -> Response:
    return unit.answer(
        with_lenders(unit, row_query_view(programme, actions.say(unit.session, programme, name, said, actor=unit.actor, now=unit.now)))
    )


@router.post(
    f"{_QUERY}/answer",
    response_class=Response,
    responses=_SAYING | json_answer(RowQueryView, _ANSWERED, description="Answered"),
    openapi_extra=json_body(AnswerBody, _ANSWER),
)
def answer_row_query(unit: Unit, programme: str, sequence: Sequence, query: QueryCode) -> Response:
    """Answer a query about a row, or add to the answer, on behalf of the integrator."""
    return _said(unit, programme, QueryName.parse(sequence, query), Said(QueryAct.ANSWERED, unit.json_as(AnswerBody).text))


@router.post(
    f"{_QUERY}/follow-up",
    response_class=Response,
    responses=_SAYING | json_answer(RowQueryView, _EXAMPLE, description="Asked further"),
    openapi_extra=json_body(FollowUpBody, _FOLLOW_UP),
)
def follow_row_query_up(unit: Unit, programme: str, sequence: Sequence, query: QueryCode) -> Response:
    """Ask further in a query's thread: it waits for an answer again."""
    body, faults = unit.json_partly(FollowUpBody, text="?")
    return _said(unit, programme, QueryName.parse(sequence, query), Said(QueryAct.ASKED, body.text, body.due_on, tuple(faults)))


@router.post(
    f"{_QUERY}/closing",
    response_class=Response,
    responses=_SAYING | json_answer(RowQueryView, {**_ANSWERED, "state": "closed"}, description="Closed"),
    openapi_extra=json_body(ClosingBody, _CLOSING),
)
def close_row_query(unit: Unit, programme: str, sequence: Sequence, query: QueryCode) -> Response:
    """Close a query about a row: its answer is taken, or it is withdrawn."""
    return _said(unit, programme, QueryName.parse(sequence, query), unit.json_as(ClosingBody).said())
