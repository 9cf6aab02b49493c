"""Assignments over HTTP: reading them, ending, moving and splitting one, and proposing their volumes."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.assignments.domain import line_of
from app.assignments.moves import Ending, Move, NotWithinAssignment, Split
from app.calendar.as_of import AsOfInFuture
from app.configuration import assignment_actions as actions
from app.configuration.actions import ConfigurationInvalid, InUse
from app.configuration.assignment_schemas import (
    AssignmentsView,
    AssignmentView,
    ChangedAssignmentView,
    ProposalsView,
    VolumesWanted,
    assignment_view,
    changed_view,
    proposal_view,
)
from app.configuration.volumes import YEAR
from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["assignments"])

AssignmentName = Annotated[
    str, Path(description="The assignment's name: the first digits of its line's digest.", examples=["5f0c8e21ab94d3e7"])
]

ASSIGNMENT: Final[dict[str, Any]] = {
    "assignment": "5f0c8e21ab94d3e7",
    "subcontract": "SC-RJE",
    "pathway": "lung",
    "segment": "treatment",
    "sites": ["lung"],
    "commissioners": "all",
    "from_month": "2026-07",
    "to_month": "2028-03",
    "share": 60,
    "expected_volume": 50,
    "reported_by": None,
    "waiver": None,
    "unsigned": [{"from_month": "2026-07", "to_month": "2026-08"}],
}
_AFTER: Final = {**ASSIGNMENT, "assignment": "c01d77a9be35f210", "from_month": "2028-04", "to_month": None, "unsigned": []}
CHANGED: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "replaced": "0be4c1d2f3a49586",
    "assignments": [ASSIGNMENT, {**_AFTER, "subcontract": "SC-RL4"}],
}
_SPLIT: Final = {"from_month": "2028-04", "parts": [{"subcontract": "SC-RJE", "share": 60}, {"subcontract": "SC-RL4", "share": 40}]}
_VOLUMES: Final = {"measure": "CWT-62", "from_month": "2027-07"}
PROPOSALS: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    **_VOLUMES,
    "to_month": "2028-06",
    "assignments": [
        {
            **{
                name: ASSIGNMENT[name]
                for name in ("assignment", "subcontract", "reported_by", "pathway", "segment", "sites", "commissioners")
            },
            "expected_volume": 50,
            "proposed_volume": 46,
            "months": [{"month": "2027-07", "of_month": "2026-07", "volume": 46}],
            "reason": None,
        }
    ],
}
_READING: Final = refusals(AsOfInFuture)
_CHANGING: Final = refusals(NotWithinAssignment, ConfigurationInvalid, InUse, *WRITING) | json_answer(
    ChangedAssignmentView, CHANGED, description="Changed: the lines that stand in its place"
)


@router.get(
    "/assignments",
    response_class=Response,
    responses=refusals(AsOfInFuture, BadCursor)
    | json_answer(
        AssignmentsView, {"programme": "staffs-cancer", "assignments": [ASSIGNMENT], "next": None}, description="A page of assignments"
    ),
)
def list_assignments(
    unit: Unit,
    programme: str,
    as_of: AsOf,
    page: PageOf,
    *,
    subcontract: Annotated[str | None, Query(description="Those that this subcontract delivers.", max_length=64)] = None,
    pathway: Annotated[str | None, Query(description="Those of one pathway.", max_length=64)] = None,
    segment: Annotated[str | None, Query(description="Those of one segment.", max_length=64)] = None,
    site: Annotated[str | None, Query(description="Those that hold this site.", max_length=64)] = None,
    commissioner: Annotated[str | None, Query(description="Those that hold this commissioner.", max_length=64)] = None,
    month: Annotated[Month | None, Query(description="Those that hold in this month.", examples=["2026-10"])] = None,
) -> Response:
    """List who delivers which segment, line by line."""
    if page.after is not None and list(map(type, page.after)) != [str, str, str, int, str]:
        fault = Fault("cursor", "This cursor is not of this list.", "Take it from `next` of the page before.", pointer="/query/cursor")
        raise BadCursor("The cursor is not one that this list gave.", faults=[fault])
    found = actions.list_assignments(
        unit.session,
        programme,
        actions.Wanted(subcontract, pathway, segment, site, commissioner, month),
        after=page.after,  # type: ignore[arg-type]  # its parts were looked at above
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda named: named.key)
    return unit.read({"programme": programme, "assignments": [assignment_view(row) for row in rows], "next": following}, headers=link)


@router.get(
    "/assignments/{assignment}",
    response_class=Response,
    responses=_READING | json_answer(AssignmentView, ASSIGNMENT, description="The assignment"),
)
def read_assignment(unit: Unit, programme: str, assignment: AssignmentName, as_of: AsOf) -> Response:
    """Read one assignment."""
    return unit.read(
        assignment_view(actions.read_assignment(unit.session, programme, assignment, actor=unit.actor, as_of=as_of, now=unit.now))
    )


@router.post(
    "/assignments/{assignment}/ending",
    response_class=Response,
    responses=_CHANGING,
    openapi_extra=json_body(Ending, {"to_month": "2028-03"}),
)
def end_assignment(unit: Unit, programme: str, assignment: AssignmentName) -> Response:
    """Let an assignment end in an earlier month. What was reported of later months forbids it."""
    ending = unit.json_as(Ending)
    lines = actions.end_assignment(unit.session, programme, assignment, ending, actor=unit.actor, now=unit.now)
    return unit.answer(changed_view(programme, assignment, lines))


@router.post(
    "/assignments/{assignment}/move",
    response_class=Response,
    responses=_CHANGING,
    openapi_extra=json_body(Move, {"from_month": "2028-04", "subcontract": "SC-RL4"}),
)
def move_assignment(unit: Unit, programme: str, assignment: AssignmentName) -> Response:
    """Hand an assignment over to another subcontract from a month on, with its share and volume."""
    move = unit.json_as(Move)
    lines = actions.move_assignment(unit.session, programme, assignment, move, actor=unit.actor, now=unit.now)
    return unit.answer(changed_view(programme, assignment, lines))


@router.post("/assignments/{assignment}/split", response_class=Response, responses=_CHANGING, openapi_extra=json_body(Split, _SPLIT))
def split_assignment(unit: Unit, programme: str, assignment: AssignmentName) -> Response:
    """Hand an assignment over to several subcontracts from a month on, each its share; the one that had it may be among them."""
    into = unit.json_as(Split)
    lines = actions.split_assignment(unit.session, programme, assignment, into, actor=unit.actor, now=unit.now)
    return unit.answer(changed_view(programme, assignment, lines))


@router.post(
    "/expected-volumes:propose",
    response_class=Response,
    responses=refusals(*WRITING) | json_answer(ProposalsView, PROPOSALS, description="The volumes; nothing was stored"),
    openapi_extra=json_body(VolumesWanted, _VOLUMES),
)
def propose_expected_volumes(unit: Unit, programme: str) -> Response:
    """Offer the figures that were accepted a year before as the expected volumes of each line: patients by month.

    Of a ratio its denominators, of a count its numerators. A line whose cells hold other lines' patients too is offered none.
    """
    wanted = unit.json_as(VolumesWanted)
    found = actions.propose_volumes(
        unit.session, programme, wanted.measure, wanted.from_month, subcontract=wanted.subcontract, actor=unit.actor, now=unit.now
    )
    rows = [proposal_view(proposal, line_of(proposal.facts)) for proposal in found]
    last = wanted.from_month.plus(YEAR - 1)
    head = {"programme": programme, "measure": wanted.measure, "from_month": str(wanted.from_month), "to_month": str(last)}
    return unit.read({**head, "assignments": rows})
