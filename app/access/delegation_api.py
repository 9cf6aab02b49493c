"""Delegations over HTTP: lending a permission to a colleague until a moment, reading what is lent, and ending it."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.access import delegation_actions as actions
from app.access.delegation_schemas import (
    DELEGATION,
    DELEGATIONS,
    NEW,
    REVOKED,
    DelegationBody,
    DelegationsView,
    DelegationView,
    delegation_view,
)
from app.access.domain import ClientRevoked
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/delegations", tags=["clients"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
DelegationId = Annotated[str, Path(description="The delegation's id.", examples=["d9m1"])]


@router.get("", responses=refusals(BadCursor) | json_answer(DelegationsView, DELEGATIONS))
def list_delegations(unit: Unit, programme: ProgrammeCode, page: PageOf) -> Response:
    """List what is and was delegated in the caller's party; the integrator sees every party's."""
    after = page.after_as(str)
    found = actions.read_delegations(unit.session, programme, after and after[0], limit=page.limit + 1, actor=unit.actor)
    rows, following, link = page.cut(found, key=lambda each: (each.id,))
    return unit.read({"delegations": [delegation_view(each, now=unit.now) for each in rows], "next": following}, headers=link)


@router.post(
    "",
    status_code=201,
    responses=refusals(*WRITING, ClientRevoked) | json_answer(DelegationView, DELEGATION, status=201),
    openapi_extra=json_body(DelegationBody, NEW),
)
def grant_delegation(unit: Unit, programme: ProgrammeCode) -> Response:
    """Lend a permission of one's own to another client of one's party until a moment, at most 90 days ahead.

    What it is used for says on whose behalf. Where a rule asks for another person, both count as one.
    """
    new = unit.json_as(DelegationBody).new()
    granted = actions.delegate(unit.session, programme, new, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/delegations/{granted.id}"
    return unit.answer(delegation_view(granted, now=unit.now), status=201, location=location)


@router.get("/{delegation}", responses=refusals() | json_answer(DelegationView, DELEGATION))
def get_delegation(unit: Unit, programme: ProgrammeCode, delegation: DelegationId) -> Response:
    """Read a delegation."""
    found = actions.read_delegation(unit.session, programme, delegation, actor=unit.actor)
    return unit.read(delegation_view(found, now=unit.now))


@router.post("/{delegation}/revocation", responses=refusals(*WRITING) | json_answer(DelegationView, REVOKED))
def revoke_delegation(unit: Unit, programme: ProgrammeCode, delegation: DelegationId) -> Response:
    """End a delegation, as who granted it, who holds it, or an administrator; within a second it is not accepted any more."""
    ended = actions.revoke_delegation(unit.session, programme, delegation, actor=unit.actor, now=unit.now)
    return unit.answer(delegation_view(ended, now=unit.now))
