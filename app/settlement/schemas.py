"""The shapes of settlement on the wire, and answers as plain values of them."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.kernel.codes import ALL, Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, Name
from app.kernel.moments import moment_text
from app.kernel.refusals import Fault
from app.reports.head_schemas import Number
from app.settlement.changes import NO_CHANGES, Changes
from app.settlement.computation import Settlement
from app.settlement.domain import SettlementRules
from app.settlement.explanation import written
from app.settlement.inputs import Inputs
from app.settlement.results import result_of
from app.settlement.runs import (
    Act,
    Agreement,
    InputKey,
    InputKind,
    RulesState,
    RulesVersion,
    RunKind,
    RunSummary,
    Settled,
    StatedInput,
)
from app.settlement.simulate_actions import Simulated
from app.settlement.statement_schemas import DisputedLineView, Reason, dispute_view
from app.settlement.what_if import Sweep

Year = Annotated[int, Field(ge=1, le=100)]


class RulesBody(Line):
    """The rules of a contract year, and why they are proposed."""

    rules: SettlementRules
    reason: Reason


class InputBody(Line):
    """A cost in pence, or a factor of the rules by its code; where it is from."""

    contract_year: Year
    kind: InputKind
    code: Code = ALL
    value: Annotated[ExactDecimal, Field(gt=0, le=10**15)]
    source: Name

    @property
    def key(self) -> InputKey:
        return InputKey(self.contract_year, self.kind, self.code)


class DeclarationBody(Line):
    """Which contract year is settled: provisionally, as far as is published, or finally."""

    contract_year: Year
    kind: RunKind
    reason: Reason


class ReasonBody(Line):
    """Why."""

    reason: Reason


class SimulationBody(Line):
    """A contract year, and what is to be otherwise. `rules` and `inputs` left out are the year's own, as they stand."""

    contract_year: Year
    rules: SettlementRules | None = None
    inputs: Inputs | None = None
    changes: Changes = NO_CHANGES
    sweep: Sweep | None = None


class NoteView(BaseModel):
    """What is allowed and looks like a mistake, with its place and what it would take to put it right."""

    code: str
    pointer: str | None
    detail: str
    fix: str


class RulesVersionView(BaseModel):
    """One version of a contract year's rules, and by whom it was proposed and approved; `notes` say what of it looks like a mistake.

    `in_force`: the year is settled by it, as it is the last that was approved. A run says its `rules_version`.
    """

    contract_year: int
    version: int
    state: RulesState
    rules: dict[str, Any]
    rules_sha256: str
    reason: str
    proposed_at: str
    proposed_by: str
    proposed_on_behalf_of: str | None
    approved_at: str | None
    approved_by: str | None
    approved_on_behalf_of: str | None
    superseded_at: str | None
    superseded_by: str | None
    superseded_on_behalf_of: str | None
    in_force: bool
    notes: list[NoteView]


class RulesVersionsView(BaseModel):
    """A page of every version that was proposed, as they stood at `as_of`."""

    programme: str
    as_of: str
    rules: list[RulesVersionView]
    next: str | None


class StatedInputView(BaseModel):
    """A cost or factor, and by whom it was stated and approved.

    `in_force`: a final settlement reads it, as of its kind and code it is the one stated last of those approved, whichever was approved last. A
    provisional one reads the one stated last, approved or not. Which it was stands in the run's inputs (`number`).
    """

    contract_year: int
    kind: InputKind
    code: str
    number: int
    state: Agreement
    value: Number
    source: str
    stated_at: str
    stated_by: str
    stated_on_behalf_of: str | None
    approved_at: str | None
    approved_by: str | None
    approved_on_behalf_of: str | None
    in_force: bool


class StatedInputsView(BaseModel):
    """A page of what was stated up to `as_of`."""

    programme: str
    as_of: str
    inputs: list[StatedInputView]
    next: str | None


class RunActView(BaseModel):
    act: Act
    at: str
    by: str
    on_behalf_of: str | None
    reason: str | None


class RunSummaryView(BaseModel):
    """A run, or (`number` above 0) a true-up of one. `stands`: all three have passed it. Amounts are pence by party and element."""

    contract_year: int
    run: int
    number: int
    kind: RunKind
    mode: Literal["off", "shadow", "live"]
    state: Act
    stands: bool
    rules_version: int
    method_version: str
    reason: str
    causes: list[str]
    publications: list[int]
    amounts: dict[str, dict[str, int]]
    content_sha256: str
    acts: list[RunActView]


class RunSummariesView(BaseModel):
    """A page of runs and true-ups, as they stood at `as_of`."""

    programme: str
    as_of: str
    settlements: list[RunSummaryView]
    next: str | None


class RunView(BaseModel):
    """A run whole: what it was computed by and on, what it comes to with its explanation, its true-ups, and the lines in dispute."""

    programme: str
    settlement: RunSummaryView
    rules: dict[str, Any]
    inputs: dict[str, Any]
    result: dict[str, Any]
    true_ups: list[RunSummaryView]
    disputes: list[DisputedLineView]


class MovedNodeView(BaseModel):
    """A node of the explanation that comes to something else; null where it is on one side only."""

    name: str
    unit: str
    before: str | None
    after: str | None


class SweptView(BaseModel):
    """The settlement at one value of the parameter: what the provider's side is paid, the quality, and each party's pence."""

    value: Number
    total_pence: int
    quality: str
    parties: dict[str, int]


class SimulationView(BaseModel):
    """What would be, beside what is, and what of the rules looks like a mistake. Nothing of it is kept, or payable.

    `rules_version` is which of the year's own rules were taken: those in force, else those proposed; null where rules were sent.
    """

    rules_version: int | None

    before: dict[str, Any]
    after: dict[str, Any]
    difference_pence: dict[str, int]
    moved: list[MovedNodeView]
    sweep: list[SweptView]
    notes: list[NoteView]


def rules_view(made: RulesVersion) -> dict[str, Any]:
    approved = made.state == "approved"
    return {
        "contract_year": made.contract_year,
        "version": made.version,
        "state": made.state,
        "rules": made.rules.model_dump(),
        "rules_sha256": made.rules_sha256,
        "reason": made.reason,
        "proposed_at": moment_text(made.proposed_at),
        "proposed_by": made.proposed_by,
        "approved_at": moment_text(made.recorded_at) if approved else None,
        "approved_by": made.recorded_by if approved else None,
        "superseded_at": None if made.superseded_at is None else moment_text(made.superseded_at),
        "superseded_by": made.superseded_by,
        "in_force": made.in_force,
        "notes": _notes(made.notes),
    }


def _notes(notes: Iterable[Fault]) -> list[dict[str, Any]]:
    return [{"code": each.code, "pointer": each.pointer, "detail": each.detail, "fix": each.fix} for each in notes]


def input_view(made: StatedInput) -> dict[str, Any]:
    approved = made.state == "approved"
    members = {name: getattr(made, name) for name in ("contract_year", "kind", "code", "number", "state", "value", "source")}
    stated = {"stated_at": moment_text(made.stated_at), "stated_by": made.stated_by}
    approval = {"approved_at": moment_text(made.recorded_at) if approved else None, "approved_by": made.recorded_by if approved else None}
    return members | stated | approval | {"in_force": made.in_force}


def summary_view(run: RunSummary) -> dict[str, Any]:
    names = (
        "contract_year",
        "run",
        "number",
        "kind",
        "mode",
        "state",
        "stands",
        "rules_version",
        "method_version",
        "reason",
        "amounts",
        "content_sha256",
    )
    members = {name: getattr(run, name) for name in names}
    acts = [{"act": each.act, "at": moment_text(each.recorded_at), "by": each.recorded_by, "reason": each.reason} for each in run.acts]
    return members | {"causes": list(run.causes), "publications": list(run.publications), "acts": acts}


def run_view(programme: str, found: Settled) -> dict[str, Any]:
    true_ups, disputes = [summary_view(each) for each in found.true_ups], [dispute_view(each) for each in found.disputes]
    return {"programme": programme, "settlement": summary_view(found.run), **found.run.content, "true_ups": true_ups, "disputes": disputes}


def simulation_view(found: Simulated) -> dict[str, Any]:
    answer = found.what_if
    values = found.asked.values if found.asked is not None else ()
    return {
        "rules_version": found.rules_version,
        # It goes as far as is published, in phases that need not pay, and nothing of it is kept: none of it is payable.
        "before": result_of(found.rules, found.inputs, answer.before, final=False),
        "after": result_of(answer.rules, answer.inputs, answer.after, final=False),
        "difference_pence": answer.difference_pence,
        "moved": [{"name": each.name, "unit": each.unit, "before": each.before, "after": each.after} for each in answer.moved],
        "sweep": list(_swept(zip(values, found.swept, strict=True))),
        "notes": _notes(found.notes),
    }


def _swept(found: Iterable[tuple[Any, Settlement]]) -> Iterable[dict[str, Any]]:
    for value, settlement in found:
        yield {
            "value": value,
            "total_pence": settlement.total_pence,
            "quality": written(settlement.quality.value.value),
            "parties": {line.party.name: line.total_pence for line in settlement.lines},
        }
