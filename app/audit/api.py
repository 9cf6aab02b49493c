"""The record over HTTP: to whoever audits, and to each party its own part."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.audit import actions
from app.audit import checkpoint_actions as checkpoints
from app.audit.domain import Place, Wanted
from app.audit.schemas import CHECKPOINTS, EVENTS, CheckpointsView, EventsView, event_view
from app.kernel.moments import moment_text, parse_moment
from app.kernel.refusals import refuse_reversed
from app.web.moments import moment_parameter
from app.web.pages import BadCursor, Page, PageOf, bad_cursor
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/audit", tags=["audit"])


def _wanted(
    first: Annotated[datetime | None, Depends(moment_parameter("from", "Events recorded at or after this moment."))],
    last: Annotated[datetime | None, Depends(moment_parameter("to", "Events recorded at or before this moment."))],
    *,
    client: Annotated[str | None, Query(max_length=64, description="The client that acted, by its id.")] = None,
    role: Annotated[str | None, Query(max_length=64, description="The role in which it acted.")] = None,
    action: Annotated[str | None, Query(max_length=64, description="What was done.", examples=["return.accepted"])] = None,
    request_id: Annotated[str | None, Query(max_length=64, description="The request that it was done by.")] = None,
    refused: Annotated[bool | None, Query(description="Only acts that were refused, or only those that were done.")] = None,
    programme: Annotated[str | None, Query(max_length=64, description="The programme that it is about.")] = None,
    subcontract: Annotated[str | None, Query(max_length=64, description="The subcontract that it is about.")] = None,
    commissioner: Annotated[str | None, Query(max_length=64, description="The commissioner that it is about.")] = None,
    collection: Annotated[str | None, Query(max_length=64, description="The collection that it is about.")] = None,
    month: Annotated[str | None, Query(max_length=64, description="The month that it is about.", examples=["2026-10"])] = None,
) -> Wanted:
    refuse_reversed(first, last)
    parts = {"programme": programme, "subcontract": subcontract, "commissioner": commissioner, "collection": collection, "month": month}
    about = {name: code for name, code in parts.items() if code is not None}
    return Wanted(first, last, client=client, role=role, action=action, request_id=request_id, refused=refused, subject=about)


@router.get("", response_class=Response, responses=refusals(BadCursor) | json_answer(EventsView, EVENTS))
def list_events(unit: Unit, page: PageOf, wanted: Annotated[Wanted, Depends(_wanted)]) -> Response:
    """Read who did what, and what was refused: all within an auditor's or administrator's reach, and to each party its own part."""
    found = actions.read_events(unit.session, wanted, after=_place(page), limit=page.limit + 1, actor=unit.actor)
    rows, following, link = page.cut(found, key=lambda each: (moment_text(each[1][0]), each[1][1]))
    return unit.read({"events": [event_view(event) for event, _ in rows], "next": following}, headers=link)


@router.get("/checkpoints", response_class=Response, responses=refusals(BadCursor) | json_answer(CheckpointsView, CHECKPOINTS))
def list_checkpoints(unit: Unit, page: PageOf) -> Response:
    """Read the checkpoints of every chain within an auditor's or administrator's reach: where each stood at a moment, as it was signed."""
    found = checkpoints.read_checkpoints(unit.session, after=page.after_as(str, int), limit=page.limit + 1, actor=unit.actor)
    rows, following, link = page.cut(found, key=lambda each: (each["chain"], int(each["sequence"])))
    return unit.read({"checkpoints": rows, "next": following}, headers=link)


def _place(page: Page) -> Place | None:
    after = page.after_as(str, int)
    if after is None:
        return None
    try:
        return parse_moment(after[0]), after[1]
    except ValueError:
        raise bad_cursor() from None
