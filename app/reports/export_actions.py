"""The steps of drawing a workbook from a live report: the report itself, the definitions of its measures, and its rows of the months before."""

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from sqlalchemy.orm import Session

from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.codes import ALL
from app.kernel.moments import parse_moment
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid
from app.reports import store
from app.reports.actions import find_report
from app.reports.domain import ReportQuery
from app.reports.export_themes import remembered
from app.reports.export_workbook import MOST_ROWS, Behind, workbook_of
from app.reports.row_words import Row

MOST_MONTHS: Final = 24
"""The months of a chart over time, the report's own included."""


class TooManyRows(Invalid):
    """A workbook of so many rows would serve nobody."""

    code: ClassVar[str] = "too_many_rows"
    title: ClassVar[str] = "Too many rows for a workbook"


def refuse_too_many(report: dict[str, Any]) -> None:
    """Pass where a workbook holds all rows of a report."""
    if len(report["observations"]) > MOST_ROWS:
        fix = "Ask for fewer slices, periods or measures, or for CSV, which has no limit."
        fault = Fault("too_many_rows", f"A workbook has at most {MOST_ROWS} rows.", fix, pointer="/query")
        raise TooManyRows("The report has too many rows for a workbook; see errors.", faults=[fault])


def find_workbook(session: Session, programme: str, query: ReportQuery, *, actor: Actor, now: datetime) -> tuple[bytes, bool]:
    """The live report as a workbook, and whether results were stored on the way."""
    content, computed = find_report(session, programme, query, actor=actor, now=now)
    report = json.loads(content, parse_float=Decimal)
    refuse_too_many(report)
    as_of = parse_moment(report["report"]["as_of"])
    earlier: list[Row] = []
    if ALL in query.slices and "month" in query.periods and not query.public:
        before = Month.parse(report["report"]["month"])
        acted = sorted(store.last_acts(session, programme, before=before, as_of=as_of))
        for month in acted[1 - MOST_MONTHS :]:
            asked = replace(query, month=month, slices=(ALL,), periods=("month",), as_of=as_of)
            found, stored = find_report(session, programme, asked, actor=actor, now=now)
            earlier += map(remembered, json.loads(found, parse_float=Decimal)["observations"])
            computed |= stored
    contract = load_contract(session, programme, as_of=as_of)
    return workbook_of(report, Behind(contract.programme.name, contract.measures, earlier)), computed
