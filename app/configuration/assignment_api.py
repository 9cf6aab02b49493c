"""Assignments over HTTP: reading them, ending, moving and splitting one, and proposing their volumes."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import RootModel

from app.assignments.domain import AssignmentLine, line_of
from app.assignments.moves import Ending, Move, NotWithinAssignment, Split
from app.calendar.as_of import AsOfInFuture
from app.configuration import assignment_actions as actions
from app.configuration.actions import ConfigurationInvalid, InUse
from app.configuration.assignment_schemas import (
    AssignmentHistoryView,
    AssignmentsView,
    AssignmentView,
    ChangedAssignmentView,
    LineDifference,
    ProposalsView,
    VolumesWanted,
    assignment_view,
    changed_view,
    line_difference,
    proposal_view,
    version_view,
)
from app.configuration.nouns_schemas import DIFFERENCE
from app.configuration.volumes import YEAR
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.web.etags import PreconditionRequired, Stale, tag_of
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import PUTTING, WRITING, dry_run_answer, json_answer, json_body, refusals
from app.web.work import OutcomeUnknown, Unit

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
LINE: Final = {member: value for member, value in ASSIGNMENT.items() if member not in {"assignment", "unsigned"}}
HISTORY: Final[dict[str, Any]] = {
    "versions": [
        {
            "line": LINE,
            "recorded_at": "2026-07-01T09:00:00.000000Z",
            "recorded_by": "k3v9",
            "closed_at": "2028-03-20T09:00:00.000000Z",
            "closed_by": "k3v9",
            "preceded_by": [],
            "followed_by": ["c01d77a9be35f210"],
        }
    ],
    "next": None,
}


_DIFFERENCE: Final[dict[str, Any]] = {**DIFFERENCE, "assignment": ASSIGNMENT["assignment"]}


_LINE_OR_DIFFERENCE: Final = dry_run_answer(RootModel[AssignmentView | LineDifference], ASSIGNMENT, _DIFFERENCE)
DryRun = Annotated[bool, Query(description="Answer with what would change and what that would do, and change nothing.")]
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
    found = actions.list_assignments(
        unit.session,
        programme,
        actions.Wanted(subcontract, pathway, segment, site, commissioner, month),
        after=page.after_as(str, str, str, int, str),
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


@router.get(
    "/assignments/{assignment}/history",
    response_class=Response,
    responses=refusals(BadCursor) | json_answer(AssignmentHistoryView, HISTORY, description="A page of versions, the first one first"),
)
def list_assignment_history(unit: Unit, programme: str, assignment: AssignmentName, page: PageOf) -> Response:
    """Read when a line stood, and which lines stood at its places just before and just after: a line that changes gets another name."""
    found = list(enumerate(actions.read_line_history(unit.session, programme, assignment, actor=unit.actor)))
    last = page.after[0] if page.after else -1
    first = last + 1 if isinstance(last, int) and last >= 0 else 0
    rows, following, link = page.cut(found[first : first + page.limit + 1], key=lambda row: (row[0],))
    return unit.read({"versions": [version_view(version) for _, version in rows], "next": following}, headers=link)


@router.post(
    "/assignments",
    status_code=201,
    response_class=Response,
    responses=refusals(ConfigurationInvalid, InUse, *WRITING)
    | json_answer(AssignmentView, ASSIGNMENT, status=201, description="Created")
    | json_answer(LineDifference, _DIFFERENCE, description="Of a dry run, what would change and what would follow"),
    openapi_extra=json_body(AssignmentLine, LINE),
)
def add_assignment(unit: Unit, programme: str, *, dry_run: DryRun = False) -> Response:
    """Add a line of assignments to the contract, under the document's own rules; the answer says by which name."""
    line = unit.json_as(AssignmentLine)
    added = actions.add_assignment(unit.session, programme, line, actor=unit.actor, now=unit.now, dry_run=dry_run)
    (named,) = added.lines
    if dry_run:
        return unit.read(line_difference(programme, added.applied, named))
    return unit.answer(assignment_view(named), status=201, location=_address(programme, named.name))


@router.put(
    "/assignments/{assignment}",
    response_class=Response,
    responses=refusals(ConfigurationInvalid, InUse, *PUTTING) | _LINE_OR_DIFFERENCE,
    openapi_extra=json_body(AssignmentLine, LINE),
)
def put_assignment(unit: Unit, programme: str, assignment: AssignmentName, *, dry_run: DryRun = False) -> Response:
    """Put a line in the place of another: the one that is there takes `If-Match`, a dry run does not.

    A line is named by what it says, so the answer names the new one, and `Location` is its address; the old name is in the history.
    """
    line = unit.json_as(AssignmentLine)
    put = actions.put_assignment(
        unit.session, programme, assignment, line, actor=unit.actor, now=unit.now, expect=_expected(unit, dry_run=dry_run), dry_run=dry_run
    )
    (named,) = put.lines
    if dry_run:
        return unit.read(line_difference(programme, put.applied, named))
    content = _content(named)
    return unit.answer(content, etag=tag_of(content), location=_address(programme, named.name))


@router.delete(
    "/assignments/{assignment}",
    response_class=Response,
    responses=refusals(ConfigurationInvalid, InUse, PreconditionRequired, Stale, OutcomeUnknown) | _LINE_OR_DIFFERENCE,
)
def delete_assignment(unit: Unit, programme: str, assignment: AssignmentName, *, dry_run: DryRun = False) -> Response:
    """Withdraw a line of assignments: it stays in the history. Refused where a revision depends on it: end it by its months instead."""
    gone = actions.withdraw_assignment(
        unit.session, programme, assignment, actor=unit.actor, now=unit.now, expect=_expected(unit, dry_run=dry_run), dry_run=dry_run
    )
    assert gone.before is not None, "what is not there is not found"
    return unit.read(line_difference(programme, gone.applied, None)) if dry_run else unit.answer(_content(gone.before))


def _address(programme: str, name: str) -> str:
    return f"/v1/programmes/{programme}/assignments/{name}"


def _content(named: actions.NamedLine) -> bytes:
    return json_bytes(assignment_view(named))


def _expected(unit: Unit, *, dry_run: bool) -> actions.Expect:
    def expect(current: actions.NamedLine) -> None:
        if not dry_run:
            unit.precondition.check(tag_of(_content(current)))

    return expect


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
