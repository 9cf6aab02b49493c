"""The steps of reading a report: who asks, its rows as they were stored before or are computed and kept now, and what is behind one of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.canonical import json_bytes
from app.kernel.codes import ALL, UNKNOWN
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid
from app.measures.domain import Measure
from app.reports import envelope, store
from app.reports.absence import note_of_nothing, notes_of_term
from app.reports.domain import FunnelQuery, ReportQuery
from app.reports.funnel import Funnel, funnel
from app.reports.imported import import_rows, notes_of_provisional
from app.reports.public import NAMING_SUBCONTRACTS, preview
from app.reports.reading import Reading
from app.reports.results import METHOD_VERSION
from app.reports.row_actions import ReportRows
from app.returns.read_actions import judged_at


def find_report(session: Session, programme: str, query: ReportQuery, *, actor: Actor, now: datetime) -> tuple[bytes, bool]:
    """The live report as bytes, and whether results were stored on the way.

    The same bytes for the same question, `as_of` and method, for ever.
    """
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = judged_at(session, programme, asked=query.as_of, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    _check_filters(contract, query)
    report = ReportRows(session, contract, query, as_of)
    own = report.figures[query.month]
    head = report.head()
    if query.restated:
        head["succession"] = "restated"
    notes = envelope.notes_of(contract, report.months)
    if query.submitted:
        head["include"] = "submitted"
        notes.append(envelope.note_of_submitted(_not_accepted(session, programme, report.months, as_of=as_of)))
    if own.returns.final:
        notes += notes_of_provisional(
            row for slice_ in query.slices for row in import_rows(own.inputs, slice_, "month") if _is_asked_for(query, row)
        )
    rows, computed = report.rows()
    if query.public:
        head["rendition"] = "public"
        rows, told = preview(contract, query.month, rows, restated=query.restated)
        notes = [*told, *(note for note in notes if note["code"] not in NAMING_SUBCONTRACTS)]
    parts = [_part(query, part) for part in rows.values()]
    notes += _notes_of_absence(contract, query, parts)
    links = {} if query.public else {"queries": f"{_queries(programme)}?month={query.month}"}
    return envelope.document(head, parts, notes, links=links), computed or own.computed


def find_trend(session: Session, programme: str, query: ReportQuery, *, actor: Actor, now: datetime) -> tuple[bytes, bool]:
    """The rows of many months' reports together as bytes, and whether results were stored on the way."""
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = judged_at(session, programme, asked=query.as_of, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    _check_filters(contract, query)
    report = ReportRows(session, contract, query, as_of)
    head = {
        "programme": programme,
        "from_month": query.months[0],
        "month": query.month,
        "as_of": as_of,
        "method_version": METHOD_VERSION,
        "inputs_sha256": report.sha256,
        "succession": "restated" if query.restated else "as_reported",
        "include": "submitted" if query.submitted else "accepted",
    }
    notes = envelope.notes_of(contract, query.months)
    if query.submitted:
        notes.append(envelope.note_of_submitted(_not_accepted(session, programme, query.months, as_of=as_of)))
    rows, computed = report.rows()
    parts = [_part(query, part) for part in rows.values()]
    notes += _notes_of_absence(contract, query, parts)
    return envelope.document(head, parts, notes, links={"queries": _queries(programme)}, named="trend"), computed


def _queries(programme: str) -> str:
    """Where what commissioners asked about published rows is read, with the answers."""
    return f"/v1/programmes/{programme}/row-queries"


def queries_link(programme: str, month: Month) -> str:
    """What a table or workbook, which has no place for links, names in `Link`: the same as a table."""
    return f'<{_queries(programme)}?month={month}&format=csv>; rel="related"; title="queries"'


def _notes_of_absence(contract: Contract, query: ReportQuery, parts: Sequence[bytes]) -> list[dict[str, Any]]:
    """Why there is nothing, or nothing of some months."""
    notes = notes_of_term(contract, query.months)
    if not notes and all(part == b"[]" for part in parts):
        places = {"measure": query.measures, "commissioner": query.commissioners, "site": query.sites}
        notes.append(note_of_nothing(query.slices, query.periods, places))
    return notes


def _not_accepted(session: Session, programme: str, months: Sequence[Month], *, as_of: datetime) -> list[tuple[ReturnKey, int | None]]:
    """The revisions that count in a report with `submitted` and in no other."""
    accepted = store.recorded(session, programme, months, as_of=as_of)
    latest = store.recorded(session, programme, months, as_of=as_of, submitted=True)
    return [(key, held.revision) for key, held in sorted(latest.items()) if held.revision != accepted[key].revision]


@dataclass(frozen=True, slots=True)
class FunnelRead:
    """The funnel of a measure's subcontracts in a period, with the rows that its points are read from."""

    as_of: datetime
    inputs_sha256: str
    rows: Mapping[str, dict[str, Any]]
    funnel: Funnel


def find_funnel(session: Session, programme: str, query: FunnelQuery, *, actor: Actor, now: datetime) -> tuple[FunnelRead, bool]:
    """Whether subcontracts differ by more than chance, and whether results were stored on the way. The integrator reads every one by name.

    Invalid where the measure is no proportion: a funnel is of nothing else.
    """
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = judged_at(session, programme, asked=query.as_of, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    require_proportion(contract, query.measure, query.month)
    report = ReportRows(session, contract, ReportQuery(query.month, as_of, slices=("subcontract",), periods=(query.period,)), as_of)
    rows, computed = report.rows()
    found = json.loads(rows[query.month, "subcontract", query.period], parse_float=Decimal, parse_int=Decimal)
    by_subcontract = {row["subcontract"]: row for row in found if row["measure"] == query.measure and row["value"] is not None}
    figures = {code: (row["numerator"], row["denominator"]) for code, row in by_subcontract.items()}
    return FunnelRead(as_of, report.sha256, by_subcontract, funnel(figures)), computed


def require_proportion(contract: Contract, code: str, month: Month) -> Measure:
    """The measure of a funnel. Invalid where the programme has no proportion of this code in the month."""
    measure = contract.measure(code, month)
    if measure is None or not measure.proportion or measure.aggregation != "ratio_sum":
        known = sorted(each.code for each in contract.measures if each.proportion and each.aggregation == "ratio_sum")
        fix = f"Use any of {', '.join(known)}." if known else "Let the programme have one."
        fault = Fault("unknown_value", "No proportion of this name is in force in the month.", fix, pointer="/query/measure")
        raise Invalid("A parameter names what the programme does not have; see errors.", faults=[fault])
    return measure


def _part(query: ReportQuery, stored: bytes) -> bytes:
    """Those rows of a slice and period that are asked for, as a JSON array: as they are stored where all are."""
    if not query.is_filtered:
        return stored
    return json_bytes([row for row in json.loads(stored, parse_float=Decimal) if _is_asked_for(query, row)])


def _is_asked_for(query: ReportQuery, row: Mapping[str, Any]) -> bool:
    return (
        (not query.measures or row["measure"] in query.measures)
        and (not query.commissioners or row["commissioner"] in query.commissioners)
        and (not query.sites or row["site"] in query.sites)
    )


def _check_filters(contract: Contract, query: ReportQuery) -> None:
    """Pass where all that is asked can be read, and the programme has all that it names; Invalid with every fault otherwise."""
    faults = list(query.faults)
    reading = Reading(contract, query.month, restated=query.restated)
    commissioners = {code for own in contract.commissioner for code in (own, reading.commissioner(own), *reading.above(own))}
    for parameter, asked, known in (
        ("measure", query.measures, {measure.code for measure in contract.measures}),
        ("commissioner", query.commissioners, {*commissioners, ALL, UNKNOWN}),
        ("site", query.sites, {*contract.site, ALL, UNKNOWN}),
    ):
        if asked - known:
            fix = f"Use any of {', '.join(sorted(known))}."
            faults.append(
                Fault("unknown_value", f"A {parameter} of this name is not in the programme.", fix, pointer=f"/query/{parameter}")
            )
    if faults:
        raise Invalid("A parameter is not what it must be; see errors.", faults=faults)
