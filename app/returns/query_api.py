"""Queries over HTTP: asking about a return, answering, closing, and the analyst's list of all that is asked."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.calendar.as_of import AsOfInFuture
from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.returns import query_actions
from app.returns.api import OWN, KeyOf, ProgrammeCode
from app.returns.domain import ReturnFrozen, WrongStatus
from app.returns.queries import Place, QueryAct, QueryClosed, QueryState, WantedQueries, is_place, place_of
from app.returns.query_actions import Said
from app.returns.query_schemas import (
    UNREAD,
    AnswerBody,
    ClosingBody,
    FollowUpBody,
    QueriesView,
    QueryBody,
    QueryDetailView,
    query_detail_view,
    query_rows,
)
from app.web.lent import with_lenders
from app.web.moments import AsOf
from app.web.pages import BadCursor, Page, PageOf, bad_cursor
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit, UnitOfWork

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["queries"])

_QUERIES: Final = "/returns/{collection}/{subcontract}/{month}/queries"
_QUERY: Final = f"{_QUERIES}/{{query}}"
_AT: Final = "2026-12-09T10:02:11.400000Z"

QUESTION: Final[dict[str, Any]] = {
    "text": "Twice as many as in September: is this October alone?",
    "revision": 1,
    "cells": [{"measure": "CWT-31", "site": "lung"}],
    "due_on": "2026-12-16",
}
QUERY: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "collection": "cwt",
    "subcontract": "SC-RJE",
    "month": "2026-10",
    "query": 1,
    "state": "open",
    "origin": "review",
    "revision": 1,
    "cells": [{"pathway": "lung", "segment": "treatment", "measure": "CWT-31", "site": "lung", "commissioner": "05W", "category": "all"}],
    "text": QUESTION["text"],
    "due_on": "2026-12-16",
    "overdue": False,
    "asked_at": _AT,
    "asked_by": "c_9m1p",
    "asked_on_behalf_of": None,
    "links": {"self": f"{OWN}/queries/1", "return": OWN, "revision": f"{OWN}/revisions/1"},
}
_ASKED: Final = {"act": "asked", "party": "integrator", "text": QUESTION["text"], "at": _AT, "by": "c_9m1p", "on_behalf_of": None}
_ANSWER: Final = {"text": "It is: the second theatre opened on the 5th."}
_ANSWERED: Final = {
    "act": "answered",
    "party": "subcontract",
    **_ANSWER,
    "at": "2026-12-10T08:30:00.000000Z",
    "by": "c_4f2k",
    "on_behalf_of": None,
}
QUERY_DETAIL: Final[dict[str, Any]] = {**QUERY, "as_of": _AT, "thread": [_ASKED]}
ANSWERED: Final[dict[str, Any]] = {**QUERY, "state": "answered", "as_of": None, "thread": [_ASKED, _ANSWERED]}
FOLLOW_UP: Final = {"text": "And in November?", "due_on": "2026-12-18"}
CLOSING: Final = {"outcome": "settled", "text": "Thank you."}

QueryNumber = Annotated[int, Path(description="The query's number within its return, from 1.", ge=1, le=2**31 - 1, examples=[1])]
StateWanted = Annotated[QueryState | None, Query(description="Only queries in this state.")]
OpenWanted = Annotated[bool | None, Query(alias="open", description="Only those that wait for their answer (or only the others).")]
OverdueWanted = Annotated[bool | None, Query(description="Only those whose answer is overdue (or only the others).")]
_LISTING: Final = refusals(Forbidden, NotFound, Invalid, AsOfInFuture, BadCursor) | json_answer(
    QueriesView, {"as_of": _AT, "queries": [QUERY], "next": None}, description="A page of queries"
)
_SAYING: Final = refusals(Forbidden, NotFound, Invalid, QueryClosed, *WRITING)


@router.post(
    _QUERIES,
    status_code=201,
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, ReturnFrozen, WrongStatus, *WRITING)
    | json_answer(QueryDetailView, QUERY_DETAIL, status=201, description="Asked"),
    openapi_extra=json_body(QueryBody, QUESTION),
)
def ask_query(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """Ask about cells of a return's revision, or about the whole of it.

    The return is queried from now on; its last accepted revision stays the current figure. The answer is due in five working days
    unless `due_on` says otherwise.
    """
    body, faults = unit.json_partly(QueryBody, text="?", cells=[UNREAD])
    asked = query_actions.ask(unit.session, programme, key, body.question(), faults, actor=unit.actor, now=unit.now)
    view = with_lenders(unit, query_detail_view(asked))
    return unit.answer(view, status=201, location=view["links"]["self"])


@router.get(_QUERIES, response_class=Response, responses=_LISTING)
def list_queries_of_return(
    unit: Unit,
    programme: ProgrammeCode,
    key: KeyOf,
    as_of: AsOf,
    page: PageOf,
    *,
    is_open: OpenWanted = None,
    overdue: OverdueWanted = None,
) -> Response:
    """List what is asked about a return, the first due first."""
    wanted = WantedQueries(is_open=is_open, overdue=overdue, **key._asdict())
    return _listed(unit, programme, wanted, as_of, page)


@router.get("/queries", response_class=Response, responses=_LISTING)
def list_queries(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    state: StateWanted = None,
    is_open: OpenWanted = None,
    overdue: OverdueWanted = None,
    collection: Annotated[str | None, Query(description="One collection.", max_length=64)] = None,
    subcontract: Annotated[str | None, Query(description="One subcontract.", max_length=64)] = None,
    month: Annotated[Month | None, Query(description="The month of the returns.", examples=["2026-10"])] = None,
) -> Response:
    """List what is asked about returns of a programme, the first due first; a subcontract's client sees what it is asked."""
    return _listed(unit, programme, WantedQueries(state, is_open, overdue, collection, subcontract, month), as_of, page)


def _listed(unit: UnitOfWork, programme: str, wanted: WantedQueries, as_of: datetime | None, page: Page) -> Response:
    found = query_actions.list_queries(
        unit.session,
        programme,
        wanted,
        after=_place(page),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found.queries, place_of)
    shown = query_rows(replace(found, queries=tuple(rows)))
    return unit.read(with_lenders(unit, {"as_of": found.as_of, "queries": shown, "next": following}), headers=link)


def _place(page: Page) -> Place | None:
    """The place that the cursor names; BadCursor where it is one of another list, or of none."""
    match page.after:
        case None:
            return None
        case (str(day), str(collection), str(subcontract), int(month), int(number)) if is_place(day, month, number):
            return day, collection, subcontract, month, number
    raise bad_cursor()


@router.get(
    _QUERY,
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture) | json_answer(QueryDetailView, ANSWERED, description="The query"),
)
def read_query(unit: Unit, programme: ProgrammeCode, key: KeyOf, query: QueryNumber, as_of: AsOf) -> Response:
    """Read a query with its thread."""
    found = query_actions.read_query(unit.session, programme, key, query, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(with_lenders(unit, query_detail_view(found)))


def _said(unit: UnitOfWork, programme: str, key: ReturnKey, query: int, said: Said) -> Response:
    return unit.answer(
        with_lenders(unit, query_detail_view(query_actions.say(unit.session, programme, key, query, said, actor=unit.actor, now=unit.now)))
    )


@router.post(
    f"{_QUERY}/answer",
    response_class=Response,
    responses=_SAYING | json_answer(QueryDetailView, ANSWERED, description="Answered"),
    openapi_extra=json_body(AnswerBody, _ANSWER),
)
def answer_query(unit: Unit, programme: ProgrammeCode, key: KeyOf, query: QueryNumber) -> Response:
    """Answer a query, or add to the answer, on behalf of the subcontractor that is asked."""
    return _said(unit, programme, key, query, Said(QueryAct.ANSWERED, unit.json_as(AnswerBody).text))


@router.post(
    f"{_QUERY}/follow-up",
    response_class=Response,
    responses=_SAYING | json_answer(QueryDetailView, QUERY_DETAIL, description="Asked further"),
    openapi_extra=json_body(FollowUpBody, FOLLOW_UP),
)
def follow_query_up(unit: Unit, programme: ProgrammeCode, key: KeyOf, query: QueryNumber) -> Response:
    """Ask further in a query's thread: it waits for an answer again.

    After an answer there are five working days for the next one, unless `due_on` says otherwise.
    """
    body, faults = unit.json_partly(FollowUpBody, text="?")
    return _said(unit, programme, key, query, Said(QueryAct.ASKED, body.text, body.due_on, tuple(faults)))


@router.post(
    f"{_QUERY}/closing",
    response_class=Response,
    responses=_SAYING | json_answer(QueryDetailView, {**ANSWERED, "state": "closed"}, description="Closed"),
    openapi_extra=json_body(ClosingBody, CLOSING),
)
def close_query(unit: Unit, programme: ProgrammeCode, key: KeyOf, query: QueryNumber) -> Response:
    """Close a query: its answer is taken, or it is withdrawn. The return stays where it stands until it is accepted or sent again."""
    return _said(unit, programme, key, query, unit.json_as(ClosingBody).said())
