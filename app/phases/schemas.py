"""The shapes in which gates, decisions and baselines are answered and sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, PlainSerializer, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from app.kernel.canonical import json_bytes, sha256
from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal, rounded
from app.kernel.lines import Day, Line, Many, MomentText, no_patient
from app.kernel.moments import moment_text, parse_moment
from app.kernel.months import Month
from app.phases.actions import Decisions, GateRead, Proposal
from app.phases.domain import Baseline, Failing, Result, Why, overtaken_by
from app.programmes.domain import Criterion, DecisionKind, PhaseDecision

Moment = Annotated[
    datetime, PlainSerializer(moment_text, return_type=str, when_used="json"), WithJsonSchema({"type": "string", "format": "date-time"})
]
Sha256 = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(no_patient)]


class DecisionBody(Line):
    """Whether the phase is left and from which month on, why, under which conditions, and the gate's answer that this is based on."""

    decision: DecisionKind
    from_month: Month
    reason: Text
    conditions: Annotated[Many[Text], Field(max_length=50)] = ()
    evidence_as_of: MomentText
    evidence_sha256: Sha256

    @model_validator(mode="after")
    def _conditions_of(self) -> "DecisionBody":
        if (self.decision == "move_on_with_conditions") != bool(self.conditions):
            raise PydanticCustomError("conditions", "conditions belong to move_on_with_conditions, which has at least one")
        return self

    def proposal(self) -> Proposal:
        moment = parse_moment(self.evidence_as_of)
        return Proposal(self.decision, self.from_month, self.reason, self.conditions, moment, self.evidence_sha256)


class ApprovalBody(Line):
    """The number of the decision that is approved: the one that was read, and no other that took its place."""

    number: Annotated[int, Field(ge=1)]


class BaselinesBody(Line):
    """Measures whose baselines the programme and a commissioner agreed on a day, and the digest of the document they signed."""

    measures: Annotated[Many[Code], Field(min_length=1, max_length=2000)]
    commissioner: Code
    agreed_on: Day
    document_sha256: Sha256

    @model_validator(mode="after")
    def _once_each(self) -> "BaselinesBody":
        if len(set(self.measures)) < len(self.measures):
            raise PydanticCustomError("repeated", "a measure stands twice in this list")
        return self


class WithdrawalBody(Line):
    """Measures whose baselines are agreed no more, and why."""

    measures: Annotated[Many[Code], Field(min_length=1, max_length=2000)]
    reason: Text

    @model_validator(mode="after")
    def _once_each(self) -> "WithdrawalBody":
        if len(set(self.measures)) < len(self.measures):
            raise PydanticCustomError("repeated", "a measure stands twice in this list")
        return self


class FailingView(BaseModel):
    """Who is below the threshold, and since which month (at the earliest the first one looked at); or a measure without a baseline."""

    subcontract: str | None
    measure: str | None
    numerator: ExactDecimal | None
    denominator: ExactDecimal | None
    value: ExactDecimal | None
    since: Month | None


class CriterionView(BaseModel):
    """A criterion: what it counts, its exact share, and whether that is met. `why` says what keeps it from being judged."""

    criterion: Criterion
    threshold: ExactDecimal
    months: int | None
    measures: list[str] | Literal["all"]
    from_month: Month | None
    to_month: Month | None
    numerator: ExactDecimal | None
    denominator: ExactDecimal | None
    value: ExactDecimal | None
    met: bool
    why: Why | None
    failing: list[FailingView]


class GateView(BaseModel):
    """A phase's gate as it stood. `met` is null where the phase has none; `undecided_month` is the planned month that passed undecided."""

    programme: str
    phase: int
    phase_name: str
    as_of: Moment
    contract_recorded_at: Moment
    next_phase: int | None
    planned_month: Month | None
    undecided_month: Month | None
    met: bool | None
    criteria: list[CriterionView]
    evidence_sha256: Annotated[
        str, Field(description="The SHA-256 of this answer without this member: what a decision cites, with `as_of`.")
    ]


class DecisionView(BaseModel):
    """A decision on a phase: who proposed it and who approved it (null while it waits), and the evidence that it cites.

    `overtaken_by`: the number of a later decision on the phase, from no later a month, that was approved in its place; null while it holds.
    """

    phase: int
    number: int
    state: Literal["proposed", "approved"]
    decision: DecisionKind
    from_month: Month
    to_phase: int
    reason: str
    conditions: list[str]
    evidence_as_of: Moment
    evidence_sha256: str
    proposed_at: Moment
    proposed_by: str
    proposed_on_behalf_of: str | None
    approved_at: Moment | None
    approved_by: str | None
    approved_on_behalf_of: str | None
    overtaken_by: int | None


class DecisionsView(BaseModel):
    """What is decided and proposed of a phase, by number; `undecided_month` is the planned month that passed undecided."""

    programme: str
    phase: int
    planned_month: Month | None
    undecided_month: Month | None
    decisions: list[DecisionView]


class BaselineView(BaseModel):
    measure: str
    commissioner: str
    agreed_on: Day
    document_sha256: str


class BaselinesView(BaseModel):
    """The baselines that are agreed, by measure."""

    programme: str
    phase: int
    baselines: list[BaselineView]


def gate_view(gate: GateRead) -> dict[str, Any]:
    """The gate's answer, and the digest of it that a decision cites."""
    said = _gate(gate)
    return {**said, "evidence_sha256": sha256(json_bytes(said))}


def gate_digests(gate: GateRead) -> frozenset[str]:
    """What a decision may cite: the digest that the answer names, or that of the whole answer, its ETag."""
    answer = gate_view(gate)
    return frozenset({answer["evidence_sha256"], sha256(json_bytes(answer))})


def _gate(gate: GateRead) -> dict[str, Any]:
    following = gate.following
    return {
        "programme": gate.contract.programme.code,
        "phase": gate.phase.number,
        "phase_name": gate.phase.name,
        "as_of": gate.as_of,
        "contract_recorded_at": gate.contract.recorded_at,
        "next_phase": following.number if following else None,
        "planned_month": following.from_month if following else None,
        "undecided_month": gate.undecided,
        "met": all(result.is_met for result in gate.results) if gate.results else None,
        "criteria": [_criterion(result) for result in gate.results],
    }


def _criterion(result: Result) -> dict[str, Any]:
    criterion, value = result.criterion, result.value
    return {
        "criterion": criterion.criterion,
        "threshold": criterion.threshold,
        "months": criterion.months,
        "measures": "all" if criterion.measures is None else list(criterion.measures),
        "from_month": result.months[0] if result.months else None,
        "to_month": result.months[-1] if result.months else None,
        "numerator": result.numerator,
        "denominator": result.denominator,
        "value": None if value is None else rounded(value),
        "met": result.is_met,
        "why": result.why,
        "failing": [_failing(each) for each in result.failing],
    }


def _failing(each: Failing) -> dict[str, Any]:
    return {
        "subcontract": each.subcontract,
        "measure": each.measure,
        "numerator": each.numerator,
        "denominator": each.denominator,
        "value": None if each.value is None else rounded(each.value),
        "since": each.since,
    }


def decision_view(made: PhaseDecision, among: Sequence[PhaseDecision] = ()) -> dict[str, Any]:
    approved = made.state == "approved"
    return {
        "phase": made.phase,
        "number": made.number,
        "state": made.state,
        "decision": made.decision,
        "from_month": made.from_month,
        "to_phase": made.to_phase,
        "reason": made.reason,
        "conditions": list(made.conditions),
        "evidence_as_of": made.evidence_as_of,
        "evidence_sha256": made.evidence_sha256,
        "proposed_at": made.proposed_at,
        "proposed_by": made.proposed_by,
        "approved_at": made.recorded_at if approved else None,
        "approved_by": made.recorded_by if approved else None,
        "overtaken_by": overtaken_by(made, among),
    }


def decisions_view(found: Decisions) -> dict[str, Any]:
    return {
        "programme": found.contract.programme.code,
        "phase": found.phase.number,
        "planned_month": found.planned,
        "undecided_month": found.undecided,
        "decisions": [decision_view(made, found.decisions) for made in found.decisions],
    }


def baselines_view(programme: str, phase: int, lines: tuple[Baseline, ...]) -> dict[str, Any]:
    return {
        "programme": programme,
        "phase": phase,
        "baselines": [line.model_dump(mode="json", exclude={"phase"}) for line in lines],
    }
