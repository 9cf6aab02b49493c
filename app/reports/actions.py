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
from app.kernel.canonical import digest, json_bytes
from app.kernel.codes import ALL, UNKNOWN
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, NotFound
from app.measures.domain import Measure
from app.reports import envelope, store
from app.reports.domain import FunnelQuery, ReportQuery, SourceQuery
from app.reports.funnel import Funnel, funnel
from app.reports.imported import import_rows, import_sources
from app.reports.month_actions import HEAD, MonthFigures, cells_without_value, find_results, months_figures
from app.reports.periods import months_of, pool
from app.reports.public import preview
from app.reports.reading import Reading
from app.reports.results import METHOD_VERSION, MonthInputs, RowResult, owed_in
from app.reports.rows import Rows
from app.reports.series import STEPS
from app.reports.series_actions import Histories
from app.reports.slices import RowKey
from app.reports.sources import MonthSources, sources
from app.returns.read_actions import judged_at


def find_report(session: Session, programme: str, query: ReportQuery, *, actor: Actor, now: datetime) -> tuple[bytes, bool]:
    """The live report as bytes, and whether results were stored on the way.

    The same bytes for the same question, `as_of` and method, for ever.
    """
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = judged_at(session, programme, asked=query.as_of, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    _check_filters(contract, query)
    report = MonthReport(session, contract, query, as_of)
    own = report.figures[query.month]
    head = report.head()
    if query.restated:
        head["succession"] = "restated"
    notes = envelope.notes_of(contract, report.months)
    if query.submitted:
        head["include"] = "submitted"
        notes.append(envelope.note_of_submitted(_not_accepted(session, programme, report.months, as_of=as_of)))
    rows, computed = report.rows()
    if query.public:
        head["rendition"] = "public"
        rows, told = preview(contract, query.month, rows, restated=query.restated)
        notes = [*told, *notes]
    parts = [_part(query, rows[slice_, period]) for slice_ in query.slices for period in query.periods]
    return envelope.document(head, parts, notes), computed or own.computed


class MonthReport:
    """The inputs of a report's months and of their series, and its rows: stored ones, or those written now and stored."""

    def __init__(self, session: Session, contract: Contract, query: ReportQuery, as_of: datetime) -> None:
        self._session, self._contract, self._query, self._as_of = session, contract, query, as_of
        restated_in = query.month if query.restated else None
        self._of_period = {period: months_of(period, query.month, contract) for period in query.periods}
        self.months = sorted({query.month, *(month for months in self._of_period.values() for month in months)})
        self.figures = months_figures(session, contract, self.months, [], as_of=as_of, restated_in=restated_in, submitted=query.submitted)
        self._histories = Histories(session, contract, query.month, as_of=as_of, restated_in=restated_in, submitted=query.submitted)

    def head(self) -> dict[str, Any]:
        """What a live report says of itself."""
        own, month, digests = self.figures[self._query.month], self._query.month, self.inputs_sha256(*self._query.periods)
        find_results(self._session, self._contract, {month: own}, [HEAD])
        return envelope.head(self._contract, month, own.returns, as_of=self._as_of, inputs_sha256=digests)

    @property
    def history(self) -> Mapping[Month, str]:
        """By earlier month, the digest of what was accepted for the series of these rows."""
        return self._histories.digests

    def inputs_sha256(self, *periods: str) -> str:
        """The digest of all that rows of these periods are computed from: their own months, and what was accepted for those of their series."""
        months = {self._query.month, *(month for period in periods for month in self._of_period[period])}
        digests = {str(month): self.figures[month].inputs_sha256 for month in sorted(months)}
        history = {str(month): of_month for month, of_month in self._histories.digests.items()}
        if history and not STEPS.keys().isdisjoint(periods):
            return digest({"months": digests, "history": history})
        return next(iter(digests.values())) if len(digests) == 1 else digest(digests)

    def rows(self, *some: str) -> tuple[dict[tuple[str, str], bytes], bool]:
        """The rows by slice and period (of all periods, or only of some), each a JSON array, and whether any had to be written."""
        session, contract, query = self._session, self._contract, self._query
        periods = some or query.periods
        digests = {period: self.inputs_sha256(period) for period in periods}
        found = store.stored_rows(session, contract.programme.code, digests, query.slices)
        lacking = [(slice_, period) for slice_ in query.slices for period in periods if (slice_, period) not in found]
        if lacking:
            months = {month for _, period in lacking for month in self._of_period[period]}
            lacking_slices = {slice_ for slice_, _ in lacking}
            find_results(session, contract, {month: self.figures[month] for month in sorted(months)}, lacking_slices)
            written = {(slice_, period): json_bytes(self._written(slice_, period)) for slice_, period in lacking}
            store.store_rows(session, contract.programme.code, query.month, method_version=METHOD_VERSION, digests=digests, rows=written)
            found |= written
        return found, bool(lacking)

    def _written(self, slice_: str, period: str) -> list[dict[str, Any]]:
        month, months = self._query.month, self._of_period[period]
        results = _results(self._contract, month, slice_, period, {each: self.figures[each] for each in months})
        inputs = self.figures[month].inputs
        rows = Rows(inputs.reading, month, slice_, period, months, history=self._histories.of(slice_, period))
        return [*rows.write(results), *import_rows(inputs, slice_, period)]


def _results(contract: Contract, month: Month, slice_: str, period: str, figures: Mapping[Month, MonthFigures]) -> tuple[RowResult, ...]:
    """A month's own results, or those of the period that ends with it."""
    if period == "month":
        return figures[month].of(slice_)
    return pool(contract, month, {each: held.of(slice_) for each, held in figures.items()})


def _not_accepted(session: Session, programme: str, months: Sequence[Month], *, as_of: datetime) -> list[tuple[ReturnKey, int | None]]:
    """The revisions that count in a report with `submitted` and in no other."""
    accepted = store.recorded(session, programme, months, as_of=as_of)
    latest = store.recorded(session, programme, months, as_of=as_of, submitted=True)
    return [(key, held.revision) for key, held in sorted(latest.items()) if held.revision != accepted[key].revision]


def find_sources(session: Session, programme: str, query: SourceQuery, *, actor: Actor, now: datetime) -> tuple[dict[str, Any], bool]:
    """What is behind one row, and whether results were stored on the way. NotFound where the report has no such row."""
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = judged_at(session, programme, asked=query.as_of, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    months = months_of(query.period, query.month, contract)
    restated_in = query.month if query.restated else None
    figures = months_figures(session, contract, months, [query.slice_], as_of=as_of, restated_in=restated_in, submitted=query.submitted)
    digests = {str(month): figures[month].inputs_sha256 for month in months}
    computed = any(month.computed for month in figures.values())
    imported = import_sources(figures[query.month].inputs, query)
    if imported is not None:
        return {"as_of": as_of, "inputs_sha256": digests, **imported}, computed
    results = _results(contract, query.month, query.slice_, query.period, figures)
    result = next((result for result in results if query.names(result.key)), None)
    if result is None:
        raise NotFound("The report has no such row.")
    histories = Histories(session, contract, query.month, as_of=as_of, restated_in=restated_in, submitted=query.submitted)
    history = histories.of(query.slice_, query.period)
    rows = Rows(figures[query.month].inputs.reading, query.month, query.slice_, query.period, months, history=history)
    measure = contract.measure(query.measure, query.month)
    of_last_only = measure is not None and measure.aggregation == "stock_last"
    parts = [_month_sources(session, figures[month].inputs, query, result.key) for month in (months[-1:] if of_last_only else months)]
    told = sources(contract, rows.row(result), result, parts, rows.series(result))
    return {"as_of": as_of, "inputs_sha256": digests, **told}, computed or histories.computed


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
    report = MonthReport(session, contract, ReportQuery(query.month, as_of, ("subcontract",), (query.period,)), as_of)
    rows, computed = report.rows()
    found = json.loads(rows["subcontract", query.period], parse_float=Decimal, parse_int=Decimal)
    by_subcontract = {row["subcontract"]: row for row in found if row["measure"] == query.measure and row["value"] is not None}
    figures = {code: (row["numerator"], row["denominator"]) for code, row in by_subcontract.items()}
    return FunnelRead(as_of, report.inputs_sha256(query.period), by_subcontract, funnel(figures)), computed


def require_proportion(contract: Contract, code: str, month: Month) -> Measure:
    """The measure of a funnel. Invalid where the programme has no proportion of this code in the month."""
    measure = contract.measure(code, month)
    if measure is None or not measure.proportion or measure.aggregation != "ratio_sum":
        known = sorted(each.code for each in contract.measures if each.proportion and each.aggregation == "ratio_sum")
        fix = f"Use any of {', '.join(known)}." if known else "Let the programme have one."
        fault = Fault("unknown_value", "No proportion of this name is in force in the month.", fix, pointer="/query/measure")
        raise Invalid("A parameter names what the programme does not have; see errors.", faults=[fault])
    return measure


def _month_sources(session: Session, inputs: MonthInputs, query: SourceQuery, key: RowKey) -> MonthSources:
    revisions = [status.revision_id for status in inputs.accepted if status.revision_id is not None]
    cells = store.cells(session, inputs.contract.programme.code, revisions, measure=query.measure)
    rows, book = owed_in(inputs, query.slice_, [cell.place for cell in cells if cell.state == "value"])
    return MonthSources(inputs, rows, book.get(key, {}), cells, cells_without_value(session, inputs))


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
