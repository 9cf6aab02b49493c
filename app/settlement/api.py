"""Rules and inputs of contract years over HTTP: stated by one person, approved by another."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.access.domain import SamePerson
from app.kernel.codes import ALL
from app.kernel.moments import moment_text
from app.kernel.refusals import AsOfInFuture
from app.settlement import actions
from app.settlement.runs import CannotSettle, InputKey, InputKind, NotWaiting, SettledAlready
from app.settlement.schemas import (
    InputBody,
    RulesBody,
    RulesVersionsView,
    RulesVersionView,
    StatedInputsView,
    StatedInputView,
    input_view,
    rules_view,
)
from app.web.lent import with_lenders
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["settlement"])

_AT: Final = "2029-07-30T09:00:00.000000Z"
RULES: Final[dict[str, Any]] = {
    "contract_year": 3,
    "title": "Outcomes, gain and loss share",
    "mode": "shadow",
    "annual_value_pence": 6_870_000_000,
    "at_risk_share": 0.05,
    "measures": [
        {"measure": "CWT-62", "weight": 0.6, "floor": 0.70, "target": 0.85},
        {"measure": "CWT-FDS", "weight": 0.4, "floor": 0.70, "target": 0.80},
    ],
    "gain_share": {
        "share": 0.5,
        "deadband": 0.01,
        "least_loss_rate": 0.40,
        "most_loss_rate": 0.75,
        "gain_cap": 0.05,
        "loss_cap": 0.03,
    },
    "gate": {"completeness": 0.95},
    "allocation": {
        "subcontracts": [
            {"subcontract": "SC-RJE", "gain": 0.55, "loss": 0.55},
            {"subcontract": "SC-H9901", "gain": 0.08, "protected": True},
        ]
    },
}
PROPOSED: Final[dict[str, Any]] = {
    "contract_year": 3,
    "version": 1,
    "state": "proposed",
    "rules": RULES,
    "rules_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "reason": "As agreed in the contract's third year.",
    "proposed_at": _AT,
    "proposed_by": "k3v9",
    "proposed_on_behalf_of": None,
    "approved_at": None,
    "approved_by": None,
    "approved_on_behalf_of": None,
    "superseded_at": None,
    "superseded_by": None,
    "superseded_on_behalf_of": None,
    "in_force": False,
    "notes": [],
}
APPROVED: Final[dict[str, Any]] = {**PROPOSED, "state": "approved", "in_force": True, "approved_at": _AT, "approved_by": "p7x2"}
COST: Final[dict[str, Any]] = {"contract_year": 3, "kind": "actual_cost", "value": 6_620_000_000, "source": "Ledger, month 12"}
STATED: Final[dict[str, Any]] = {
    **COST,
    "code": ALL,
    "number": 1,
    "state": "proposed",
    "stated_at": _AT,
    "stated_by": "k3v9",
    "stated_on_behalf_of": None,
    "approved_at": None,
    "approved_by": None,
    "approved_on_behalf_of": None,
    "in_force": False,
}

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
ContractYear = Annotated[int, Path(description="The contract year; 1 is the one that the programme starts in.", ge=1, le=100, examples=[3])]
Number = Annotated[int, Path(ge=1, le=1_000_000, examples=[1])]
LISTING: Final = refusals(AsOfInFuture, BadCursor)
OfYear = Annotated[int | None, Query(description="Only those of this contract year.", ge=1, le=100)]


@router.get(
    "/settlement-rules",
    response_class=Response,
    responses=LISTING
    | json_answer(RulesVersionsView, {"programme": "p", "as_of": _AT, "rules": [APPROVED], "next": None}, description="A page of rules"),
)
def list_settlement_rules(unit: Unit, programme: ProgrammeCode, as_of: AsOf, page: PageOf, *, contract_year: OfYear = None) -> Response:
    """List every version of settlement rules that was proposed: a contract year is settled by its last approved one.

    A proposal that another took the place of is `superseded`: it can be read, and never approved.
    """
    moment, found = actions.read_rules(
        unit.session,
        programme,
        contract_year=contract_year,
        after=page.after_as(int, int),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda each: (each.contract_year, each.version))
    return unit.read(
        with_lenders(
            unit, {"programme": programme, "as_of": moment_text(moment), "rules": [rules_view(each) for each in rows], "next": following}
        ),
        headers=link,
    )


@router.post(
    "/settlement-rules",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING, SettledAlready) | json_answer(RulesVersionView, PROPOSED, status=201),
    openapi_extra=json_body(RulesBody, {"rules": RULES, "reason": PROPOSED["reason"]}),
)
def propose_settlement_rules(unit: Unit, programme: ProgrammeCode) -> Response:
    """Propose the rules of a contract year; another person approves them. They take the place of a proposal that waits."""
    body = unit.json_as(RulesBody)
    made = actions.propose_rules(unit.session, programme, body.rules, reason=body.reason, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/settlement-rules/{made.contract_year}/{made.version}"
    return unit.answer(with_lenders(unit, rules_view(made)), status=201, location=location)


@router.get(
    "/settlement-rules/{contract_year}/{version}",
    response_class=Response,
    responses=refusals(AsOfInFuture) | json_answer(RulesVersionView, APPROVED),
)
def get_settlement_rules(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, version: Number, as_of: AsOf) -> Response:
    """Read one version of a contract year's rules: proposed, approved or superseded."""
    found = actions.one_version(unit.session, programme, contract_year, version, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(with_lenders(unit, rules_view(found)))


@router.post(
    "/settlement-rules/{contract_year}/{version}/approval",
    response_class=Response,
    responses=refusals(*WRITING, NotWaiting, SamePerson, SettledAlready, CannotSettle) | json_answer(RulesVersionView, APPROVED),
)
def approve_settlement_rules(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, version: Number) -> Response:
    """Approve the rules that another person proposed: from then on they are frozen, and the year is settled by them."""
    return unit.answer(
        with_lenders(
            unit, rules_view(actions.approve_rules(unit.session, programme, contract_year, version, actor=unit.actor, now=unit.now))
        )
    )


@router.get(
    "/settlement-inputs",
    response_class=Response,
    responses=LISTING
    | json_answer(StatedInputsView, {"programme": "p", "as_of": _AT, "inputs": [STATED], "next": None}, description="A page of inputs"),
)
def list_settlement_inputs(unit: Unit, programme: ProgrammeCode, as_of: AsOf, page: PageOf, *, contract_year: OfYear = None) -> Response:
    """List the costs and factors that were stated, with who stated and who approved each."""
    moment, found = actions.read_stated(
        unit.session,
        programme,
        contract_year=contract_year,
        after=page.after_as(int, str, str, int),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda each: (*each.key, each.number))
    return unit.read(
        with_lenders(
            unit, {"programme": programme, "as_of": moment_text(moment), "inputs": [input_view(each) for each in rows], "next": following}
        ),
        headers=link,
    )


@router.post(
    "/settlement-inputs",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING) | json_answer(StatedInputView, STATED, status=201),
    openapi_extra=json_body(InputBody, COST),
)
def state_settlement_input(unit: Unit, programme: ProgrammeCode) -> Response:
    """State what a contract year was expected to cost or did, in pence, or the value of a factor; another person approves it."""
    body = unit.json_as(InputBody)
    made = actions.state_input(unit.session, programme, body.key, body.value, source=body.source, actor=unit.actor, now=unit.now)
    return unit.answer(
        with_lenders(unit, input_view(made)),
        status=201,
        location=f"/v1/programmes/{programme}/settlement-inputs?contract_year={made.contract_year}",
    )


@router.post(
    "/settlement-inputs/{contract_year}/{kind}/{stated}/approval",
    response_class=Response,
    responses=refusals(*WRITING, NotWaiting, SamePerson)
    | json_answer(StatedInputView, {**STATED, "state": "approved", "approved_at": _AT, "approved_by": "p7x2", "in_force": True}),
)
def approve_settlement_input(
    unit: Unit,
    programme: ProgrammeCode,
    contract_year: ContractYear,
    kind: InputKind,
    stated: Number,
    *,
    code: Annotated[str, Query(description="The factor's code.", max_length=64)] = ALL,
) -> Response:
    """Approve the cost or factor that another person stated: a final settlement reads nothing else."""
    made = actions.approve_input(unit.session, programme, InputKey(contract_year, kind, code), stated, actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, input_view(made)))
