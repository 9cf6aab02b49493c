"""Settlements over HTTP: declared, approved and approved by finance; true-ups, and what would be."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from app.kernel.moments import moment_text
from app.kernel.refusals import AsOfInFuture
from app.settlement import run_actions
from app.settlement.api import LISTING, RULES, ContractYear, OfYear, ProgrammeCode
from app.settlement.runs import (
    CannotSettle,
    NoRules,
    NothingToTrueUp,
    NotLive,
    NotSettled,
    Overtaken,
    RunKey,
    SameHand,
    SettledAlready,
    WrongStep,
)
from app.settlement.schemas import (
    DeclarationBody,
    ReasonBody,
    RunSummariesView,
    RunView,
    SimulationBody,
    SimulationView,
    run_view,
    simulation_view,
    summary_view,
)
from app.settlement.simulate_actions import simulate
from app.web.lent import with_lenders
from app.web.moments import AsOf
from app.web.pages import PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

_MOST_VALUES: Final = 1_000_000
"""Of a simulation: a run's own inputs may be sent back, and say of each month and measure what every return said."""

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["settlement"])

AT: Final = "2029-08-06T09:00:00.000000Z"
SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NODE: Final[dict[str, Any]] = {"name": "settlement", "value": "0", "unit": "pence", "formula": "sum", "parts": [], "source": None}
SUMMARY: Final[dict[str, Any]] = {
    "contract_year": 3,
    "run": 1,
    "number": 0,
    "kind": "final",
    "mode": "shadow",
    "state": "declared",
    "stands": False,
    "rules_version": 1,
    "method_version": "1",
    "reason": "The third year is complete.",
    "causes": [],
    "publications": [36],
    "amounts": {"integrator": {"fixed_fee": 6_526_500_000}, "commissioner.all": {"fixed_fee": -6_526_500_000}},
    "content_sha256": SHA256,
    "acts": [{"act": "declared", "at": AT, "by": "k3v9", "on_behalf_of": None, "reason": None}],
}
RUN: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "settlement": SUMMARY,
    "rules": RULES,
    "inputs": {"figures": []},
    "result": {"mode": "shadow", "payable": False, "total_pence": 6_526_500_000, "explanation": NODE},
    "true_ups": [],
    "disputes": [],
}

RunNumber = Annotated[int, Path(description="The number of the run in its contract year.", ge=1, le=1_000_000, examples=[1])]
TrueUpNumber = Annotated[int, Path(description="The number of the true-up of its run.", ge=1, le=1_000_000, examples=[1])]
_PASSING: Final = refusals(*WRITING, WrongStep, SameHand, SettledAlready, Overtaken) | json_answer(RunView, RUN)


@router.get(
    "/settlements",
    response_class=Response,
    responses=LISTING
    | json_answer(RunSummariesView, {"programme": "p", "as_of": AT, "settlements": [SUMMARY], "next": None}, description="A page of runs"),
)
def list_settlements(unit: Unit, programme: ProgrammeCode, as_of: AsOf, page: PageOf, *, contract_year: OfYear = None) -> Response:
    """List the runs of contract years and their true-ups, with what each adds and who passed it."""
    moment, found = run_actions.list_runs(
        unit.session,
        programme,
        contract_year=contract_year,
        after=page.after_as(int, int, int),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda each: (*each.key, each.number))
    views = [summary_view(each) for each in rows]
    return unit.read(
        with_lenders(unit, {"programme": programme, "as_of": moment_text(moment), "settlements": views, "next": following}), headers=link
    )


@router.post(
    "/settlements",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING, NoRules, NotLive, SettledAlready, CannotSettle) | json_answer(RunView, RUN, status=201),
    openapi_extra=json_body(DeclarationBody, {"contract_year": 3, "kind": "final", "reason": SUMMARY["reason"]}),
)
def declare_settlement(unit: Unit, programme: ProgrammeCode) -> Response:
    """Compute a contract year by its approved rules on what is published, and declare it. Two further people pass it."""
    body = unit.json_as(DeclarationBody)
    made = run_actions.declare(unit.session, programme, body.contract_year, body.kind, reason=body.reason, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/settlements/{body.contract_year}/{made.run.run}"
    return unit.answer(with_lenders(unit, run_view(programme, made)), status=201, location=location)


@router.post(
    "/settlements:simulate",
    response_class=Response,
    responses=refusals(*WRITING, NoRules, CannotSettle)
    | json_answer(
        SimulationView,
        {
            "rules_version": 2,
            "before": RUN["result"],
            "after": RUN["result"],
            "difference_pence": {"integrator": 0},
            "moved": [],
            "sweep": [],
            "notes": [],
        },
    ),
    openapi_extra=json_body(
        SimulationBody,
        {
            "contract_year": 3,
            "changes": {"measures": [{"measure": "CWT-62", "target": 0.80}], "missing_subcontracts": ["SC-RJE"]},
            "sweep": {"of": "gain_share", "member": "share", "values": [0.4, 0.5, 0.6]},
        },
    ),
)
def simulate_settlement(unit: Unit, programme: ProgrammeCode) -> Response:
    """Ask what a contract year would come to with other targets, weights, shares, costs or figures, a late return, or one missing.

    Answers with both settlements, each with its explanation, and every node that moved; a parameter can be swept. Nothing is kept.
    """
    body = unit.json_as(SimulationBody, most_values=_MOST_VALUES)
    found = simulate(
        unit.session,
        programme,
        body.contract_year,
        rules=body.rules,
        inputs=body.inputs,
        changes=body.changes,
        asked=body.sweep,
        actor=unit.actor,
        now=unit.now,
    )
    return unit.read(simulation_view(found))


@router.get("/settlements/{contract_year}/{run}", response_class=Response, responses=refusals(AsOfInFuture) | json_answer(RunView, RUN))
def get_settlement(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber, as_of: AsOf) -> Response:
    """Read a run whole: rules, inputs, result and explanation, its true-ups and the lines in dispute."""
    key = RunKey(contract_year, run)
    return unit.read(
        with_lenders(
            unit, run_view(programme, run_actions.read_run(unit.session, programme, key, actor=unit.actor, as_of=as_of, now=unit.now))
        )
    )


@router.post("/settlements/{contract_year}/{run}/approval", response_class=Response, responses=_PASSING)
def approve_settlement(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Approve a run that another person declared."""
    key = RunKey(contract_year, run)
    return unit.answer(
        with_lenders(
            unit, run_view(programme, run_actions.pass_on(unit.session, programme, key, 0, "approved", actor=unit.actor, now=unit.now))
        )
    )


@router.post("/settlements/{contract_year}/{run}/finance-approval", response_class=Response, responses=_PASSING)
def approve_settlement_for_finance(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Approve an approved run for finance, as a third person: from then on it stands, and every party has its statement."""
    key = RunKey(contract_year, run)
    made = run_actions.pass_on(unit.session, programme, key, 0, "finance_approved", actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, run_view(programme, made)))


@router.post(
    "/settlements/{contract_year}/{run}/withdrawal",
    response_class=Response,
    responses=refusals(*WRITING, WrongStep) | json_answer(RunView, RUN),
    openapi_extra=json_body(ReasonBody, {"reason": "The cost of December was stated too late."}),
)
def withdraw_settlement(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Withdraw a run that not all three have passed: it counts for nothing from then on, and another may be declared."""
    body, key = unit.json_as(ReasonBody), RunKey(contract_year, run)
    return unit.answer(
        with_lenders(
            unit,
            run_view(programme, run_actions.withdraw(unit.session, programme, key, 0, reason=body.reason, actor=unit.actor, now=unit.now)),
        )
    )


@router.post(
    "/settlements/{contract_year}/{run}/true-ups",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING, NotSettled, WrongStep, NothingToTrueUp, CannotSettle) | json_answer(RunView, RUN, status=201),
    openapi_extra=json_body(ReasonBody, {"reason": "The corrected return of May is published."}),
)
def declare_true_up(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Compute a settled year again on what is published now, and declare what that adds, with its causes. What was settled stays as it is."""
    reason = unit.json_as(ReasonBody).reason
    made = run_actions.declare_true_up(unit.session, programme, RunKey(contract_year, run), reason=reason, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/settlements/{contract_year}/{run}"
    return unit.answer(with_lenders(unit, run_view(programme, made)), status=201, location=location)


@router.get(
    "/settlements/{contract_year}/{run}/true-ups/{true_up}",
    response_class=Response,
    responses=refusals(AsOfInFuture) | json_answer(RunView, RUN),
)
def get_true_up(
    unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber, true_up: TrueUpNumber, *, as_of: AsOf
) -> Response:
    """Read a true-up whole: what it was computed on, and the result and explanation of the whole year since."""
    key = RunKey(contract_year, run)
    found = run_actions.read_true_up(unit.session, programme, key, true_up, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(with_lenders(unit, run_view(programme, found)))


@router.post("/settlements/{contract_year}/{run}/true-ups/{true_up}/approval", response_class=Response, responses=_PASSING)
def approve_true_up(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber, true_up: TrueUpNumber) -> Response:
    """Approve a true-up that another person declared."""
    key = RunKey(contract_year, run)
    made = run_actions.pass_on(unit.session, programme, key, true_up, "approved", actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, run_view(programme, made)))


@router.post("/settlements/{contract_year}/{run}/true-ups/{true_up}/finance-approval", response_class=Response, responses=_PASSING)
def approve_true_up_for_finance(
    unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber, true_up: TrueUpNumber
) -> Response:
    """Approve an approved true-up for finance, as a third person: from then on it stands in every statement."""
    key = RunKey(contract_year, run)
    made = run_actions.pass_on(unit.session, programme, key, true_up, "finance_approved", actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, run_view(programme, made)))


@router.post(
    "/settlements/{contract_year}/{run}/true-ups/{true_up}/withdrawal",
    response_class=Response,
    responses=refusals(*WRITING, WrongStep) | json_answer(RunView, RUN),
    openapi_extra=json_body(ReasonBody, {"reason": "The correction was itself corrected."}),
)
def withdraw_true_up(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber, true_up: TrueUpNumber) -> Response:
    """Withdraw a true-up that not all three have passed: it adds nothing, and another may be declared."""
    body, key = unit.json_as(ReasonBody), RunKey(contract_year, run)
    made = run_actions.withdraw(unit.session, programme, key, true_up, reason=body.reason, actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, run_view(programme, made)))
