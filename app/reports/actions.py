"""The steps of reading a report: who asks, what the record held, what was computed before, what is computed and kept now."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_cells, expected_returns
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.canonical import digest, json_bytes, sha256
from app.kernel.codes import ALL, UNKNOWN
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, NotFound
from app.reports import envelope, import_store, store
from app.reports.domain import ReportQuery, SourceQuery
from app.reports.imported import import_rows, import_sources, only_imported
from app.reports.imports import NOTHING_IMPORTED, Standing, standing
from app.reports.periods import months_of, pool
from app.reports.reading import Reading
from app.reports.results import (
    METHOD_VERSION,
    CellWithoutValue,
    MonthInputs,
    MonthReturns,
    RowResult,
    from_json,
    inputs_digest,
    month_returns,
    owed_in,
    slice_results,
    status_of,
    to_json,
)
from app.reports.rows import Rows
from app.reports.slices import RowKey
from app.reports.sources import MonthSources, sources
from app.returns.expectation import expected_return

HEAD: Final = "returns"
"""Stands among the slices of a month for what its report's head says."""


@dataclass(slots=True)
class MonthFigures:
    """A month's inputs and their digest, and its results by slice; `computed` are those that were not stored before."""

    inputs: MonthInputs
    inputs_sha256: str
    results: dict[str, store.StoredResult]
    computed: bool = False

    def of(self, slice_: str) -> tuple[RowResult, ...]:
        return from_json(json.loads(self.results[slice_].figures))

    @property
    def returns(self) -> MonthReturns:
        expected, included, coverage, final = json.loads(self.results[HEAD].figures, parse_float=Decimal, parse_int=Decimal)
        return MonthReturns(int(expected), int(included), coverage, final)


def find_report(session: Session, programme: str, query: ReportQuery, *, actor: Actor, now: datetime) -> tuple[bytes, bool]:
    """The live report as bytes, and whether results were stored on the way.

    The same bytes for the same question, `as_of` and method, for ever.
    """
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = resolve(session, programme, asked=query.as_of, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    _check_filters(contract, query)
    months_by_period = {period: months_of(period, query.month, contract) for period in query.periods}
    months = sorted({query.month, *(month for months in months_by_period.values() for month in months)})
    restated_in = query.month if query.restated else None
    figures = months_figures(
        session, contract, months, (*query.slices, HEAD), as_of=as_of, restated_in=restated_in, submitted=query.submitted
    )
    parts = [
        _part(contract, query, slice_=slice_, period=period, months=months_by_period[period], figures=figures)
        for slice_ in query.slices
        for period in query.periods
    ]
    own = figures[query.month]
    digests = {str(month): figures[month].inputs_sha256 for month in months}
    head = envelope.head(
        contract, query.month, own.returns, as_of=as_of, inputs_sha256=own.inputs_sha256 if len(months) == 1 else digest(digests)
    )
    if query.restated:
        head["succession"] = "restated"
    notes = envelope.notes_of(contract, months)
    if query.submitted:
        head["include"] = "submitted"
        notes.append(envelope.note_of_submitted(_not_accepted(session, programme, months, as_of=as_of)))
    return envelope.document(head, parts, notes), any(month.computed for month in figures.values())


def _not_accepted(session: Session, programme: str, months: Sequence[Month], *, as_of: datetime) -> list[tuple[ReturnKey, int | None]]:
    """The revisions that count in a report with `submitted` and in no other."""
    accepted = store.recorded(session, programme, months, as_of=as_of)
    latest = store.recorded(session, programme, months, as_of=as_of, submitted=True)
    return [(key, held.revision) for key, held in sorted(latest.items()) if held.revision != accepted[key].revision]


def find_sources(session: Session, programme: str, query: SourceQuery, *, actor: Actor, now: datetime) -> tuple[dict[str, Any], bool]:
    """What is behind one row, and whether results were stored on the way. NotFound where the report has no such row."""
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = resolve(session, programme, asked=query.as_of, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    months = months_of(query.period, query.month, contract)
    restated_in = query.month if query.restated else None
    figures = months_figures(session, contract, months, [query.slice_], as_of=as_of, restated_in=restated_in, submitted=query.submitted)
    digests = {str(month): figures[month].inputs_sha256 for month in months}
    computed = any(month.computed for month in figures.values())
    imported = import_sources(figures[query.month].inputs, query)
    if imported is not None:
        return {"as_of": as_of, "inputs_sha256": digests, **imported}, computed
    results = pool(contract, query.month, {month: figures[month].of(query.slice_) for month in months})
    result = next((result for result in results if query.names(result.key)), None)
    if result is None:
        raise NotFound("The report has no such row.")
    row = Rows(figures[query.month].inputs.reading, query.month, query.slice_, query.period, months).row(result)
    measure = contract.measure(query.measure, query.month)
    of_last_only = measure is not None and measure.aggregation == "stock_last"
    parts = [_month_sources(session, figures[month].inputs, query, result.key) for month in (months[-1:] if of_last_only else months)]
    told = sources(contract, row, result, parts)
    return {"as_of": as_of, "inputs_sha256": digests, **told}, computed


def _month_sources(session: Session, inputs: MonthInputs, query: SourceQuery, key: RowKey) -> MonthSources:
    revisions = [status.revision_id for status in inputs.accepted if status.revision_id is not None]
    cells = store.cells(session, inputs.contract.programme.code, revisions, measure=query.measure)
    rows, book = owed_in(inputs, query.slice_, [cell.place for cell in cells if cell.state == "value"])
    return MonthSources(inputs, rows, book.get(key, {}), cells, cells_without_value(session, inputs))


def _part(
    contract: Contract, query: ReportQuery, *, slice_: str, period: str, months: Sequence[Month], figures: Mapping[Month, MonthFigures]
) -> bytes:
    """The rows of one slice and period, as a JSON array; a month's own are given as they are stored."""
    if period == "month":
        stored = figures[query.month].results[slice_].rows
        if not query.is_filtered:
            return stored
        rows = json.loads(stored, parse_float=Decimal)
    else:
        inputs = figures[query.month].inputs
        pooled = pool(contract, query.month, {month: figures[month].of(slice_) for month in months})
        rows = [*Rows(inputs.reading, query.month, slice_, period, months).write(pooled), *import_rows(inputs, slice_, period)]
    return json_bytes([row for row in rows if _is_asked_for(query, row)])


def _is_asked_for(query: ReportQuery, row: Mapping[str, Any]) -> bool:
    return (
        (not query.measures or row["measure"] in query.measures)
        and (not query.commissioners or row["commissioner"] in query.commissioners)
        and (not query.sites or row["site"] in query.sites)
    )


def _check_filters(contract: Contract, query: ReportQuery) -> None:
    faults: list[Fault] = []
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
        raise Invalid("A parameter names what the programme does not have; see errors.", faults=faults)


def months_figures(
    session: Session,
    contract: Contract,
    months: Sequence[Month],
    slices: Iterable[str],
    *,
    as_of: datetime,
    restated_in: Month | None = None,
    submitted: bool = False,
) -> dict[Month, MonthFigures]:
    """The results of months: stored ones where their digest was asked for before, the others computed and stored now."""
    programme, wanted = contract.programme.code, sorted(set(slices))
    figures = {
        inputs.month: MonthFigures(inputs, inputs_digest(inputs), {})
        for inputs in month_inputs(session, contract, months, as_of=as_of, restated_in=restated_in, submitted=submitted)
    }
    stored = store.stored_results(session, programme, [month.inputs_sha256 for month in figures.values()], wanted)
    for month, held in figures.items():
        held.results = {slice_: stored[held.inputs_sha256, slice_] for slice_ in wanted if (held.inputs_sha256, slice_) in stored}
        lacking = [slice_ for slice_ in wanted if slice_ not in held.results]
        if lacking:
            computed = compute(session, held.inputs, lacking)
            store.store_results(
                session, programme, month, inputs_sha256=held.inputs_sha256, method_version=METHOD_VERSION, results=computed
            )
            held.results |= computed
            held.computed = True
    return figures


def month_inputs(
    session: Session,
    contract: Contract,
    months: Sequence[Month],
    *,
    as_of: datetime,
    restated_in: Month | None = None,
    submitted: bool = False,
) -> list[MonthInputs]:
    """What each month's figures are computed from: every return that is owed or accepted (with `submitted`, received), as it stood."""
    recorded = store.recorded(session, contract.programme.code, months, as_of=as_of, submitted=submitted)
    imports = _imports_standing(session, contract, months, as_of=as_of)
    found = []
    for month in months:
        expected = set(expected_returns(contract, month))
        accepted = {key for key, held in recorded.items() if key.month == month and held.revision_id is not None}
        statuses = [
            status_of(contract, key, recorded.get(key), expected=key in expected, as_of=as_of) for key in sorted(expected | accepted)
        ]
        found.append(MonthInputs(contract, month, statuses, restated_in, imports[month]))
    return found


def _imports_standing(session: Session, contract: Contract, months: Sequence[Month], *, as_of: datetime) -> dict[Month, Standing]:
    """The imports that stand in each month; between two changes of imports and contract they are worked out once."""
    programme, measures = contract.programme.code, only_imported(contract)
    changed = import_store.last_changed(session, programme, as_of=as_of) if measures else None
    if changed is None:
        return dict.fromkeys(months, NOTHING_IMPORTED)
    shelf = contract.worked_out

    def stands_in(month: Month) -> Standing:
        imports = shelf.kept("published", changed, lambda: import_store.published(session, programme, measures, as_of=changed), most=4)
        return standing(imports, month)

    return {month: shelf.kept("imports", (changed, month), partial(stands_in, month)) for month in months}


def compute(session: Session, inputs: MonthInputs, slices: Sequence[str]) -> dict[str, store.StoredResult]:
    """The results of a month by slice, from its cells: sums by PostgreSQL, the few cells without a value apart."""
    programme = inputs.contract.programme.code
    revisions = [status.revision_id for status in inputs.accepted if status.revision_id is not None]
    without = cells_without_value(session, inputs)
    banded = [measure.code for measure in inputs.contract.measures if measure.aggregation == "banded"]
    found: dict[str, store.StoredResult] = {}
    for slice_ in slices:
        if slice_ == HEAD:
            returns = month_returns(inputs, without)
            found[slice_] = _stored([returns.expected, returns.included, returns.coverage, returns.final], [])
            continue
        sums = store.sums(session, programme, revisions, slice_=slice_, banded=banded)
        results = slice_results(inputs, slice_, sums, without)
        rows = Rows(inputs.reading, inputs.month, slice_, "month", [inputs.month])
        found[slice_] = _stored(to_json(results), [*rows.write(results), *import_rows(inputs, slice_, "month")])
    return found


def _stored(figures: Any, rows: Any) -> store.StoredResult:
    figures_bytes, rows_bytes = json_bytes(figures), json_bytes(rows)
    return store.StoredResult(figures_bytes, rows_bytes, sha256(figures_bytes + b"\n" + rows_bytes))


def cells_without_value(session: Session, inputs: MonthInputs) -> list[CellWithoutValue]:
    """The owed cells of accepted revisions that carry no value.

    A revision that was validated against other cells than are owed now (the contract changed since) is compared cell by cell: what it does not
    state was not received, which is late or not yet due.
    """
    contract, programme = inputs.contract, inputs.contract.programme.code
    owed = [status for status in inputs.accepted if status.expected]
    of_subcontract = {(status.key.subcontract, cell) for status in owed for cell in expected_cells(contract, status.key)}
    revisions = [status.revision_id for status in owed if status.revision_id is not None]
    found = [lack for lack in store.without_value(session, programme, revisions) if (lack.subcontract, lack.cell) in of_subcontract]
    changed = {}
    for status in owed:
        expectation = expected_return(contract, status.key)
        if expectation is not None and status.revision_id is not None and status.expected_sha256 != expectation.sha256:
            changed[status.revision_id] = status
    stated = store.stated(session, programme, list(changed)) if changed else {}
    for revision_id, status in changed.items():
        absent = (cell for cell in expected_cells(contract, status.key) if cell not in stated[revision_id])
        found.extend(CellWithoutValue(status.key.subcontract, cell, "late" if status.overdue else "not_due") for cell in absent)
    return found
