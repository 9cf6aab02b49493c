"""Versions of measures that take two people over HTTP: one proposes what a version says, another approves it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from app.access.domain import SamePerson
from app.calendar.actions import DeadlinePassed
from app.configuration import proposal_actions as actions
from app.configuration.actions import ConfigurationInvalid, InUse
from app.configuration.proposal_actions import ProposalOutdated
from app.configuration.proposal_schemas import (
    APPROVED,
    NEW,
    PROPOSAL,
    PROPOSALS,
    MeasureApprovalBody,
    MeasureProposalBody,
    MeasureProposalsView,
    MeasureProposalView,
    proposal_view,
)
from app.measures.faults import VersionKey
from app.phases.actions import NothingProposed
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["measures"])

_VERSION: Final = "/measures/{measure}/versions/{version}/proposal"
_BROUGHT: Final = (ConfigurationInvalid, InUse, DeadlinePassed)

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]


def _key(
    measure: Annotated[str, Path(description="The measure's code.", examples=["CWT-62"])],
    version: Annotated[int, Path(description="The version's number.", ge=1, le=2**31 - 1, examples=[1])],
) -> VersionKey:
    return measure, version


KeyOf = Annotated[VersionKey, Depends(_key)]


@router.get("/measure-proposals", responses=refusals(BadCursor) | json_answer(MeasureProposalsView, PROPOSALS))
def list_measure_proposals(
    unit: Unit,
    programme: ProgrammeCode,
    page: PageOf,
    *,
    waiting: Annotated[bool, Query(description="Only those that wait for approval.")] = False,
) -> Response:
    """List what is proposed of versions of measures, and what was approved."""
    after = page.after_as(str, int, int)
    found = actions.read_proposals(unit.session, programme, after, waiting=waiting, limit=page.limit + 1, actor=unit.actor)
    rows, following, link = page.cut(found, key=lambda each: (each.measure, each.version, each.number))
    return unit.read({"proposals": [proposal_view(programme, each) for each in rows], "next": following}, headers=link)


@router.get(_VERSION, responses=refusals() | json_answer(MeasureProposalView, PROPOSAL))
def get_measure_proposal(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """Read the last proposal of a version of a measure."""
    return unit.read(proposal_view(programme, actions.read_proposal(unit.session, programme, key, actor=unit.actor)))


@router.post(
    _VERSION,
    status_code=201,
    responses=refusals(*WRITING, *_BROUGHT) | json_answer(MeasureProposalView, PROPOSAL, status=201),
    openapi_extra=json_body(MeasureProposalBody, NEW),
)
def propose_measure(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """Propose what a version of a measure says, or that it is withdrawn; another person approves it.

    It is refused for whatever the document would be refused for with it, and takes the place of a proposal that waits. What would follow is
    answered by the dry run of `PUT …/measures/{measure}/versions/{version}`. A programme whose `measures_need_approval` changes what its
    measures say in no other way; in any other it may be done like this.
    """
    new = unit.json_as(MeasureProposalBody).new()
    made = actions.propose(unit.session, programme, key, new, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/measures/{key[0]}/versions/{key[1]}/proposal"
    return unit.answer(proposal_view(programme, made), status=201, location=location)


@router.post(
    f"{_VERSION}/approval",
    responses=refusals(*WRITING, *_BROUGHT, NothingProposed, SamePerson, ProposalOutdated) | json_answer(MeasureProposalView, APPROVED),
    openapi_extra=json_body(MeasureApprovalBody, {"number": 1}),
)
def approve_measure(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """Bring into force what another person proposed of a version of a measure, by the number that was read."""
    asked = unit.json_as(MeasureApprovalBody)
    approved = actions.approve(unit.session, programme, key, asked.number, actor=unit.actor, now=unit.now)
    return unit.answer(proposal_view(programme, approved))
