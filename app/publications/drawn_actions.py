"""Drawing something from a rendition: some of its rows, a table, or a workbook. What is drawn is not signed, and names what it was drawn from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from app.calendar.store import load_contract
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.publications.actions import read_bytes, read_notice
from app.publications.domain import Found
from app.publications.notices import IDENTITY, SHOWN
from app.publications.observation_actions import rows_of_months
from app.publications.observations import Filter, ObservationQuery, Source, rows_of
from app.publications.renditions import inflated
from app.reports.export_actions import MOST_MONTHS, refuse_too_many
from app.reports.export_csv import csv_of, csv_parts
from app.reports.export_queries import Line, key_of
from app.reports.export_themes import remembered, widest_slice
from app.reports.export_workbook import Behind, workbook_of

_BEFORE_ROWS: Final = b'"observations":['
_AFTER_ROWS: Final = b'],"report":'
_SIDES: Final = ("before", "after")
_OF_NOTICE: Final = {"report_month": "month", "sequence": "sequence", "supersedes": "supersedes"}
NOTICE_COLUMNS: Final = (
    *_OF_NOTICE,
    *IDENTITY,
    "change",
    *(f"{side}_{name}" for name in SHOWN for side in _SIDES),
    "why",
    "sentence",
)
"""Of a change notice as a table: a row's two sides beside each other."""


def draw(
    session: Session, programme: str, found: Found, query: ObservationQuery, format_: str, *, queries: Sequence[Line] | None = None
) -> bytes:
    """Those rows of a rendition that are asked for, in a format; a workbook has what is asked about them too, for whom that is to know."""
    report = _taken_apart(inflated(read_bytes(session, programme, found)), query, source_of(found))
    if format_ == "json":
        return json_bytes(report)
    if format_ == "csv":
        return csv_of(report)
    refuse_too_many(report)
    behind = _behind(session, programme, found, query, report)
    return workbook_of(
        report,
        replace(behind, queries=None if queries is None else _about(queries, report), moved=_moved(session, programme, found, report)),
    )


def draw_notice(session: Session, programme: str, found: Found) -> bytes:
    """A change notice as a table: a line for each row that reads otherwise, with its figures on both sides."""
    notice = json.loads(inflated(read_notice(session, programme, found)), parse_float=Decimal)
    about = {column: notice[name] for column, name in _OF_NOTICE.items()}
    return b"".join(csv_parts((about | _line(entry) for entry in notice["differences"]), columns=NOTICE_COLUMNS))


def _line(entry: Mapping[str, Any]) -> dict[str, Any]:
    sides = {f"{side}_{name}": value for side in _SIDES for name, value in (entry[side] or {}).items()}
    return {**entry, **sides, "why": "; ".join(_cause(why) for why in entry["why"]) or None}


def _cause(why: Mapping[str, Any]) -> str:
    """A cause by its codes: `revised cwt SC-RJE 2026-10 revision 2`."""
    revision = None if why["revision"] is None else f"revision {why['revision']}"
    return " ".join(part for part in (why["kind"], why["collection"], why["subcontract"], why["month"], revision) if part)


def _about(queries: Sequence[Line], report: dict[str, Any]) -> list[Line]:
    """Those about rows that are in the report."""
    there = {key_of(row) for row in report["observations"]}
    return [line for line in queries if key_of(line) in there]


def _moved(session: Session, programme: str, found: Found, report: dict[str, Any]) -> list[Line] | None:
    """What of the change notice is about rows of the report, and rows that it no longer has; None where it took no other's place."""
    if found.standing.supersedes is None:
        return None
    notice = json.loads(inflated(read_notice(session, programme, found)), parse_float=Decimal)
    there = {key_of(row) for row in report["observations"]}
    parts = {(row["slice"], row["period"], row["measure"]) for row in report["observations"]}
    return [
        each
        for each in notice["differences"]
        if key_of(each) in there or (each["after"] is None and (each["slice"], each["period"], each["measure"]) in parts)
    ]


def source_of(found: Found) -> Source:
    """A publication as something that rows are read from."""
    standing = found.standing
    return Source(standing.month, found.audience, standing.sequence, standing.status, standing.published_at, standing.sha256)


def _taken_apart(content: bytes, query: ObservationQuery, source: Source) -> dict[str, Any]:
    """The rendition without its signature, which is of all its rows; only the rows that are asked for are read as values."""
    first, last = content.index(_BEFORE_ROWS) + len(_BEFORE_ROWS), content.rindex(_AFTER_ROWS)
    filter_ = Filter(query)
    wanted = [row for row in rows_of(content[first - 1 : last + 1]) if filter_.takes(row, source)]
    around = json.loads(content[:first] + content[last:], parse_float=Decimal)
    rows = json.loads(b"[%s]" % b",".join(wanted), parse_float=Decimal)
    members = {"schema_version": around["schema_version"], "report": around["report"], "observations": rows}
    notes = around["notes"] if rows else [*around["notes"], query.note_of_nothing]
    return {**members, "notes": notes, "links": around["links"]}


def _behind(session: Session, programme: str, found: Found, query: ObservationQuery, report: dict[str, Any]) -> Behind:
    """What a workbook shows besides: definitions as they were, and the rows at the head of the months before as they stood published then."""
    as_of: datetime = found.standing.as_of
    contract = load_contract(session, programme, as_of=as_of)
    month: Month = found.standing.month
    before = ObservationQuery(
        month.plus(1 - MOST_MONTHS), month.plus(-1), (widest_slice(report["observations"]),), ("month",), query.measure
    )
    earlier = rows_of_months(session, programme, before, found.audience, pinned=found.standing.sequence)
    rows = [remembered(json.loads(row, parse_float=Decimal)) for row in earlier]
    return Behind(contract.programme.name, contract.measures, rows, found.standing.superseded_by, found.standing.sha256)
