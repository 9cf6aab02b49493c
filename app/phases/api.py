"""The gates of phases over HTTP: what each criterion comes to, what two people decide on it, and the baselines that were agreed."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from app.access.domain import SamePerson
from app.kernel.refusals import AsOfInFuture
from app.phases import actions
from app.phases.actions import EvidenceDiffers, NothingProposed, WrongPhase
from app.phases.schemas import (
    ApprovalBody,
    BaselinesBody,
    BaselinesView,
    DecisionBody,
    DecisionsView,
    DecisionView,
    GateView,
    WithdrawalBody,
    baselines_view,
    decision_view,
    decisions_view,
    gate_digests,
    gate_view,
)
from app.web.lent import with_lenders
from app.web.moments import AsOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/phases/{phase}", tags=["phases"])

_AT: Final = "2028-04-03T09:00:00.000000Z"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
GATE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "phase": 1,
    "phase_name": "Foundation",
    "as_of": _AT,
    "contract_recorded_at": "2026-06-01T09:00:00.000000Z",
    "next_phase": 2,
    "planned_month": "2028-07",
    "undecided_month": None,
    "met": False,
    "criteria": [
        {
            "criterion": "timeliness",
            "threshold": 0.95,
            "months": 3,
            "measures": "all",
            "from_month": "2027-12",
            "to_month": "2028-02",
            "numerator": 33,
            "denominator": 36,
            "value": 0.916667,
            "met": False,
            "why": None,
            "failing": [
                {"subcontract": "SC-H9901", "measure": None, "numerator": 0, "denominator": 3, "value": 0, "since": "2027-12"},
            ],
        }
    ],
    "evidence_sha256": _SHA256,
}
PROPOSAL: Final[dict[str, Any]] = {
    "decision": "move_on_with_conditions",
    "from_month": "2028-07",
    "reason": "One return is late; the hospice has had its system since March.",
    "conditions": ["SC-H9901 is on time for April and May."],
    "evidence_as_of": _AT,
    "evidence_sha256": _SHA256,
}
DECISION: Final[dict[str, Any]] = {
    "phase": 1,
    "number": 1,
    "state": "proposed",
    "decision": "move_on_with_conditions",
    "from_month": "2028-07",
    "to_phase": 2,
    "reason": PROPOSAL["reason"],
    "conditions": PROPOSAL["conditions"],
    "evidence_as_of": _AT,
    "evidence_sha256": _SHA256,
    "proposed_at": "2028-04-03T09:30:00.000000Z",
    "proposed_by": "k3v9",
    "proposed_on_behalf_of": None,
    "approved_at": None,
    "approved_by": None,
    "approved_on_behalf_of": None,
    "overtaken_by": None,
}
DECISIONS: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "phase": 1,
    "planned_month": "2028-07",
    "undecided_month": None,
    "decisions": [DECISION],
}
APPROVED: Final[dict[str, Any]] = {**DECISION, "state": "approved", "approved_at": "2028-04-03T14:00:00.000000Z", "approved_by": "p7x2"}
_AGREED: Final[dict[str, Any]] = {"commissioner": "QNC", "agreed_on": "2028-03-20", "document_sha256": _SHA256}
BASELINES: Final[dict[str, Any]] = {"programme": "staffs-cancer", "phase": 1, "baselines": [{"measure": "CWT-62", **_AGREED}]}

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
PhaseNumber = Annotated[int, Path(description="The phase that is left.", ge=1, le=100, examples=[1])]


@router.get("/gate", responses=refusals(AsOfInFuture) | json_answer(GateView, GATE))
def get_phase_gate(unit: Unit, programme: ProgrammeCode, phase: PhaseNumber, as_of: AsOf) -> Response:
    """Read what must be reached to leave a phase, and how far it is.

    Each criterion with its exact share over the months that it looks at, the threshold, who is below it and since when. A decision cites
    its `as_of` and `evidence_sha256` as its evidence.
    """
    return unit.read(gate_view(actions.read_gate(unit.session, programme, phase, actor=unit.actor, as_of=as_of, now=unit.now)))


@router.get("/decision", responses=refusals(AsOfInFuture) | json_answer(DecisionsView, DECISIONS))
def get_phase_decision(unit: Unit, programme: ProgrammeCode, phase: PhaseNumber, as_of: AsOf) -> Response:
    """Read what is decided and proposed of a phase, and whether the month in which it was planned to be left passed undecided."""
    found = actions.read_decisions(unit.session, programme, phase, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(with_lenders(unit, decisions_view(found)))


@router.post(
    "/decision",
    status_code=201,
    responses=refusals(*WRITING, AsOfInFuture, EvidenceDiffers, WrongPhase) | json_answer(DecisionView, DECISION, status=201),
    openapi_extra=json_body(DecisionBody, PROPOSAL),
)
def propose_phase_decision(unit: Unit, programme: ProgrammeCode, phase: PhaseNumber) -> Response:
    """Propose to move on from a phase, to stay in it, or to move on with conditions; another person approves it.

    It takes the place of a proposal that waits.
    """
    proposal = unit.json_as(DecisionBody).proposal()
    made = actions.propose(unit.session, programme, phase, proposal, digests=gate_digests, actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, decision_view(made)), status=201, location=f"/v1/programmes/{programme}/phases/{phase}/decision")


@router.post(
    "/decision/approval",
    responses=refusals(*WRITING, NothingProposed, SamePerson, WrongPhase) | json_answer(DecisionView, APPROVED),
    openapi_extra=json_body(ApprovalBody, {"number": 1}),
)
def approve_phase_decision(unit: Unit, programme: ProgrammeCode, phase: PhaseNumber) -> Response:
    """Approve what another person proposed of a phase: the months from then on are in the phase that it says."""
    asked = unit.json_as(ApprovalBody)
    return unit.answer(
        with_lenders(unit, decision_view(actions.approve(unit.session, programme, phase, asked.number, actor=unit.actor, now=unit.now)))
    )


@router.get("/baselines", responses=refusals(AsOfInFuture) | json_answer(BaselinesView, BASELINES))
def get_baselines(unit: Unit, programme: ProgrammeCode, phase: PhaseNumber, as_of: AsOf) -> Response:
    """Read which measures' baselines are agreed for leaving a phase."""
    lines = actions.read_baselines(unit.session, programme, phase, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(baselines_view(programme, phase, lines))


@router.post(
    "/baselines",
    status_code=201,
    responses=refusals(*WRITING) | json_answer(BaselinesView, BASELINES, status=201),
    openapi_extra=json_body(BaselinesBody, {"measures": ["CWT-62"], **_AGREED}),
)
def agree_baselines(unit: Unit, programme: ProgrammeCode, phase: PhaseNumber) -> Response:
    """Record that the programme and a commissioner agreed the baselines of some measures, by the digest of the document they signed.

    The answer lists all that are agreed. One that is recorded again replaces what was said before.
    """
    body = unit.json_as(BaselinesBody)
    lines = actions.agree_baselines(
        unit.session,
        programme,
        phase,
        measures=body.measures,
        commissioner=body.commissioner,
        agreed_on=body.agreed_on,
        document_sha256=body.document_sha256,
        actor=unit.actor,
        now=unit.now,
    )
    view, location = baselines_view(programme, phase, lines), f"/v1/programmes/{programme}/phases/{phase}/baselines"
    return unit.answer(view, status=201, location=location)


@router.post(
    "/baselines/withdrawal",
    responses=refusals(*WRITING) | json_answer(BaselinesView, {"programme": "staffs-cancer", "phase": 1, "baselines": []}),
    openapi_extra=json_body(WithdrawalBody, {"measures": ["CWT-62"], "reason": "The baseline was drawn from the wrong year."}),
)
def withdraw_baselines(unit: Unit, programme: ProgrammeCode, phase: PhaseNumber) -> Response:
    """Record that the baselines of some measures are agreed no more, and why; the answer lists those that still are.

    Earlier answers, and decisions that cite them, stay as they were.
    """
    body = unit.json_as(WithdrawalBody)
    lines = actions.withdraw_baselines(
        unit.session, programme, phase, measures=body.measures, reason=body.reason, actor=unit.actor, now=unit.now
    )
    return unit.answer(baselines_view(programme, phase, lines))
