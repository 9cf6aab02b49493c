"""Settlements over HTTP: declared, approved and approved by finance; true-ups, disputes, statements, and what would be."""

import json
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from app.access.domain import SamePerson
from app.kernel.moments import moment_text
from app.reports.export_csv import CSV_TYPE
from app.reports.export_workbook import XLSX_TYPE
from app.settlement import run_actions, statement_actions
from app.settlement.api import RULES, ContractYear, OfYear, ProgrammeCode
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
    DisputeBody,
    ReasonBody,
    RunSummariesView,
    RunView,
    SimulationBody,
    SimulationView,
    StatementSummariesView,
    StatementView,
    run_view,
    simulation_view,
    summary_view,
)
from app.settlement.simulate_actions import simulate
from app.settlement.statement_files import csv_of, workbook_of
from app.settlement.statements import file_stem
from app.settlement.true_up import Dispute
from app.web.etags import strong
from app.web.lent import with_lenders
from app.web.negotiation import NotAcceptable, also_as, format_of
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["settlement"])

FORMATS: Final = {"json": "application/json", "csv": CSV_TYPE, "xlsx": XLSX_TYPE}
_AT: Final = "2029-08-06T09:00:00.000000Z"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_NODE: Final[dict[str, Any]] = {"name": "settlement", "value": "0", "unit": "pence", "formula": "sum", "parts": [], "source": None}
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
    "content_sha256": _SHA256,
    "acts": [{"act": "declared", "at": _AT, "by": "k3v9", "on_behalf_of": None, "reason": None}],
}
RUN: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "settlement": SUMMARY,
    "rules": RULES,
    "inputs": {"figures": []},
    "result": {"mode": "shadow", "payable": False, "total_pence": 6_526_500_000, "explanation": _NODE},
    "true_ups": [],
    "disputes": [],
}
STATEMENT: Final[dict[str, Any]] = {
    "statement": {
        "programme": "staffs-cancer",
        "contract_year": 3,
        "run": 1,
        "notice": "SHADOW: for comparison only. Nothing is payable by this statement.",
    },
    "summary": {"quality": "0.6351"},
    "lines": [],
    "totals": [],
    "disputes": [],
    "measures": [],
    "vat": [],
    "true_ups": [],
    "explanation": _NODE,
}
DISPUTED: Final[dict[str, Any]] = {"party": "subcontract.SC-RJE", "element": "gain", "reason": "The transfer of May is counted twice."}

RunNumber = Annotated[int, Path(description="The number of the run in its contract year.", ge=1, le=1_000_000, examples=[1])]
TrueUpNumber = Annotated[int, Path(description="The number of the true-up of its run.", ge=1, le=1_000_000, examples=[1])]
PartyAsked = Annotated[
    str | None,
    Query(
        description="For the integrator: whose statement (`subcontract.SC-RJE`, `commissioner.05W`, `integrator`); for all: `public`.",
        max_length=80,
    ),
]
FormatOf = Annotated[str, Depends(format_of(FORMATS))]
_PASSING: Final = refusals(*WRITING, WrongStep, SameHand, SettledAlready, Overtaken) | json_answer(RunView, RUN)


@router.get(
    "/settlements",
    response_class=Response,
    responses=refusals() | json_answer(RunSummariesView, {"programme": "p", "settlements": [SUMMARY]}),
)
def list_settlements(unit: Unit, programme: ProgrammeCode, *, contract_year: OfYear = None) -> Response:
    """List the runs of contract years and their true-ups, with what each adds and who passed it."""
    found = run_actions.list_runs(unit.session, programme, contract_year=contract_year, actor=unit.actor)
    return unit.read(with_lenders(unit, {"programme": programme, "settlements": [summary_view(each) for each in found]}))


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
        SimulationView, {"before": RUN["result"], "after": RUN["result"], "difference_pence": {"integrator": 0}, "moved": [], "sweep": []}
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
    body = unit.json_as(SimulationBody)
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


@router.get("/settlements/{contract_year}/{run}", response_class=Response, responses=refusals() | json_answer(RunView, RUN))
def get_settlement(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Read a run whole: rules, inputs, result and explanation, its true-ups and the lines in dispute."""
    return unit.read(
        with_lenders(unit, run_view(programme, run_actions.read_run(unit.session, programme, RunKey(contract_year, run), actor=unit.actor)))
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
    "/settlements/{contract_year}/{run}/true-ups/{true_up}", response_class=Response, responses=refusals() | json_answer(RunView, RUN)
)
def get_true_up(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber, true_up: TrueUpNumber) -> Response:
    """Read a true-up whole: what it was computed on, and the result and explanation of the whole year since."""
    return unit.read(
        with_lenders(
            unit,
            run_view(programme, run_actions.read_true_up(unit.session, programme, RunKey(contract_year, run), true_up, actor=unit.actor)),
        )
    )


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


@router.post(
    "/settlements/{contract_year}/{run}/disputes",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING, NotSettled) | json_answer(RunView, RUN, status=201),
    openapi_extra=json_body(DisputeBody, DISPUTED),
)
def open_dispute(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Record that a party disputes a line: it is held in suspense, shown, and not payable."""
    body, key = unit.json_as(DisputeBody), RunKey(contract_year, run)
    line = Dispute(body.party, body.element)
    made = run_actions.dispute(unit.session, programme, key, line, reason=body.reason, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/settlements/{contract_year}/{run}"
    return unit.answer(with_lenders(unit, run_view(programme, made)), status=201, location=location)


@router.post(
    "/settlements/{contract_year}/{run}/disputes/resolution",
    response_class=Response,
    responses=refusals(*WRITING, NotSettled, SamePerson) | json_answer(RunView, RUN),
    openapi_extra=json_body(DisputeBody, DISPUTED),
)
def resolve_dispute(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Record that a dispute is resolved: the line is payable as it stands, and what is to be otherwise is trued up."""
    body, key = unit.json_as(DisputeBody), RunKey(contract_year, run)
    line = Dispute(body.party, body.element)
    return unit.answer(
        with_lenders(
            unit,
            run_view(
                programme, run_actions.resolve(unit.session, programme, key, line, reason=body.reason, actor=unit.actor, now=unit.now)
            ),
        )
    )


@router.get(
    "/settlement-statements",
    response_class=Response,
    responses=refusals()
    | json_answer(
        StatementSummariesView,
        {"programme": "p", "statements": [{"contract_year": 3, "run": 1, "version": 1, "sha256": _SHA256, "issued_at": _AT}]},
    ),
)
def list_settlement_statements(unit: Unit, programme: ProgrammeCode) -> Response:
    """List the settlement statements that the caller may read."""
    found = statement_actions.list_statements(unit.session, programme, actor=unit.actor)
    names = ("contract_year", "run", "version", "sha256")
    statements = [{**dict(zip(names, row, strict=False)), "issued_at": moment_text(row[4])} for row in found]
    return unit.read({"programme": programme, "statements": statements})


@router.get(
    "/settlements/{contract_year}/{run}/statement",
    response_class=Response,
    responses=also_as(
        refusals(NotAcceptable) | json_answer(StatementView, STATEMENT),
        {CSV_TYPE: {"schema": {"type": "string"}}, XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    ),
)
def get_settlement_statement(
    unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber, format_: FormatOf, *, party: PartyAsked = None
) -> Response:
    """Read the caller's statement of a run: its own lines, how they came about, what was trued up and what is in suspense.

    As JSON, a table or a workbook. One that nothing is payable by says so in every row, on every sheet, and in its file's name.
    """
    key = RunKey(contract_year, run)
    content, digest, issued_at = statement_actions.read_statement(unit.session, programme, key, party=party, actor=unit.actor)
    statement = json.loads(content, parse_float=Decimal)
    name = f"{file_stem(statement['statement'], statement['statement']['party'])}.{format_}"
    headers = {"Content-Disposition": f'{"inline" if format_ == "json" else "attachment"}; filename="{name}"', "X-Statement-SHA256": digest}
    if format_ == "csv":
        content = csv_of(statement)
    elif format_ == "xlsx":
        content = workbook_of(statement, made_at=moment_text(issued_at))
    return unit.read(
        content, etag=strong(digest if format_ == "json" else f"{digest}-{format_}"), headers=headers, media_type=FORMATS[format_]
    )
