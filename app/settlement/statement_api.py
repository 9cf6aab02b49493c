"""Statements of settlements over HTTP, and the disputes of their lines: each party its own, the integrator all."""

import json
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from app.access.domain import SamePerson
from app.kernel.moments import moment_text
from app.kernel.refusals import AsOfInFuture
from app.reports.export_csv import CSV_TYPE
from app.reports.export_workbook import XLSX_TYPE
from app.settlement import dispute_actions, statement_actions
from app.settlement.api import LISTING, ContractYear, OfYear, ProgrammeCode
from app.settlement.run_api import AT, NODE, RUN, SHA256, RunNumber
from app.settlement.runs import NotSettled, RunKey
from app.settlement.schemas import RunView, run_view
from app.settlement.statement_files import csv_of, workbook_of
from app.settlement.statement_schemas import (
    AnswerBody,
    DisputeBody,
    DisputedLinesView,
    DisputedLineView,
    OwnDisputeBody,
    StatementSummariesView,
    StatementView,
    dispute_view,
    statement_view,
)
from app.settlement.statements import file_stem
from app.settlement.true_up import Dispute
from app.web.etags import strong
from app.web.lent import with_lenders
from app.web.moments import AsOf
from app.web.negotiation import NotAcceptable, also_as, format_of
from app.web.pages import PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["settlement"])

FORMATS: Final = {"json": "application/json", "csv": CSV_TYPE, "xlsx": XLSX_TYPE}
STATEMENT: Final[dict[str, Any]] = {
    "statement": {
        "programme": "staffs-cancer",
        "contract_year": 3,
        "run": 1,
        "notice": "SHADOW: for comparison only. Nothing is payable by this statement.",
    },
    "states": [],
    "summary": {"true_up": 0, "quality": "0.6351"},
    "lines": [],
    "totals": [],
    "disputes": [],
    "measures": [],
    "vat": [],
    "figures": [],
    "true_ups": [],
    "explanation": NODE,
}
ISSUED: Final[dict[str, Any]] = {
    "contract_year": 3,
    "run": 1,
    "party": "subcontract.SC-RJE",
    "version": 1,
    "sha256": SHA256,
    "issued_at": AT,
}
OWN: Final[dict[str, Any]] = {"element": "gain", "reason": "The transfer of May is counted twice."}
DISPUTED: Final[dict[str, Any]] = {"party": "subcontract.SC-RJE", **OWN}
ANSWER: Final[dict[str, Any]] = {
    "party": "subcontract.SC-RJE",
    "element": "gain",
    "answer": "May's transfers are looked at with the trust.",
}
LINE: Final[dict[str, Any]] = {
    "contract_year": 3,
    "run": 1,
    **DISPUTED,
    "number": 1,
    "by_party": True,
    "opened_at": AT,
    "opened_by": "k3v9",
    "opened_on_behalf_of": None,
    "answer": None,
    "answered_at": None,
    "answered_by": None,
    "answered_on_behalf_of": None,
    "resolution": None,
    "resolved_at": None,
    "resolved_by": None,
    "resolved_on_behalf_of": None,
}

PartyAsked = Annotated[
    str | None,
    Query(
        description="For the integrator: whose statement (`subcontract.SC-RJE`, `commissioner.05W`, `integrator`); for all: `public`.",
        max_length=80,
    ),
]
FormatOf = Annotated[str, Depends(format_of(FORMATS))]


@router.get(
    "/settlement-statements",
    response_class=Response,
    responses=LISTING
    | json_answer(
        StatementSummariesView,
        {"programme": "p", "as_of": AT, "statements": [ISSUED], "next": None},
        description="A page of statements",
    ),
)
def list_settlement_statements(unit: Unit, programme: ProgrammeCode, as_of: AsOf, page: PageOf) -> Response:
    """List the settlement statements that the caller may read."""
    moment, found = statement_actions.list_statements(
        unit.session,
        programme,
        after=page.after_as(int, int, str, str),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda each: each[:4])
    views = [statement_view(each) for each in rows]
    return unit.read({"programme": programme, "as_of": moment_text(moment), "statements": views, "next": following}, headers=link)


@router.get(
    "/settlements/{contract_year}/{run}/statement",
    response_class=Response,
    responses=also_as(
        refusals(NotAcceptable, AsOfInFuture) | json_answer(StatementView, STATEMENT),
        {CSV_TYPE: {"schema": {"type": "string"}}, XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    ),
)
def get_settlement_statement(
    unit: Unit,
    programme: ProgrammeCode,
    contract_year: ContractYear,
    run: RunNumber,
    format_: FormatOf,
    *,
    as_of: AsOf,
    party: PartyAsked = None,
) -> Response:
    """Read the caller's statement of a run: its own lines, how they came about, what was trued up and what is in suspense.

    As JSON, a table or a workbook. One that nothing is payable by says so in every row, on every sheet, and in its file's name.
    """
    key = RunKey(contract_year, run)
    found = statement_actions.read_statement(unit.session, programme, key, party=party, actor=unit.actor, as_of=as_of, now=unit.now)
    content, digest = found.content, found.summary.content_sha256
    statement = json.loads(content, parse_float=Decimal)
    name = f"{file_stem(statement['statement'], statement['statement']['party'])}.{format_}"
    headers = {"Content-Disposition": f'{"inline" if format_ == "json" else "attachment"}; filename="{name}"', "X-Statement-SHA256": digest}
    if format_ == "csv":
        content = csv_of(statement)
    elif format_ == "xlsx":
        content = workbook_of(statement, made_at=moment_text(found.summary.issued_at))
    return unit.read(
        content, etag=strong(digest if format_ == "json" else f"{digest}-{format_}"), headers=headers, media_type=FORMATS[format_]
    )


@router.post(
    "/settlements/{contract_year}/{run}/statement/disputes",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING, NotSettled) | json_answer(DisputedLineView, LINE, status=201),
    openapi_extra=json_body(OwnDisputeBody, OWN),
)
def dispute_own_line(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Dispute a line of the caller's own statement: it is held in suspense, shown, and not payable until the dispute is resolved."""
    body, key = unit.json_as(OwnDisputeBody), RunKey(contract_year, run)
    made = dispute_actions.dispute_own(unit.session, programme, key, body.element, reason=body.reason, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/settlement-disputes?contract_year={contract_year}"
    return unit.answer(with_lenders(unit, dispute_view(made)), status=201, location=location)


@router.get(
    "/settlement-disputes",
    response_class=Response,
    responses=LISTING
    | json_answer(
        DisputedLinesView, {"programme": "p", "as_of": AT, "disputes": [LINE], "next": None}, description="A page of disputed lines"
    ),
)
def list_settlement_disputes(unit: Unit, programme: ProgrammeCode, as_of: AsOf, page: PageOf, *, contract_year: OfYear = None) -> Response:
    """List every dispute of a line, with what was answered and how it was resolved: a party reads its own, the integrator all."""
    moment, found = dispute_actions.list_disputes(
        unit.session,
        programme,
        contract_year=contract_year,
        after=page.after_as(int, int, str, str, int),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda each: (*each.key, each.party, each.element, each.number))
    views = [dispute_view(each) for each in rows]
    return unit.read(
        with_lenders(unit, {"programme": programme, "as_of": moment_text(moment), "disputes": views, "next": following}), headers=link
    )


@router.post(
    "/settlements/{contract_year}/{run}/disputes",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING, NotSettled) | json_answer(RunView, RUN, status=201),
    openapi_extra=json_body(DisputeBody, DISPUTED),
)
def open_dispute(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Record for a party that it disputes a line: it is held in suspense, shown, and not payable."""
    body, key = unit.json_as(DisputeBody), RunKey(contract_year, run)
    line = Dispute(body.party, body.element)
    made = dispute_actions.dispute(unit.session, programme, key, line, reason=body.reason, actor=unit.actor, now=unit.now)
    location = f"/v1/programmes/{programme}/settlements/{contract_year}/{run}"
    return unit.answer(with_lenders(unit, run_view(programme, made)), status=201, location=location)


@router.post(
    "/settlements/{contract_year}/{run}/disputes/answer",
    response_class=Response,
    responses=refusals(*WRITING, NotSettled, SamePerson) | json_answer(RunView, RUN),
    openapi_extra=json_body(AnswerBody, ANSWER),
)
def answer_dispute(unit: Unit, programme: ProgrammeCode, contract_year: ContractYear, run: RunNumber) -> Response:
    """Answer a dispute, which stays open: the party reads it in its statement. A later answer takes the place of one before."""
    body, key = unit.json_as(AnswerBody), RunKey(contract_year, run)
    line = Dispute(body.party, body.element)
    made = dispute_actions.answer(unit.session, programme, key, line, text=body.answer, actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, run_view(programme, made)))


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
    made = dispute_actions.resolve_dispute(unit.session, programme, key, line, reason=body.reason, actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, run_view(programme, made)))
