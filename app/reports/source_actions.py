"""What is behind the rows of a report: read once for a slice and period, and told for whichever of its rows."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.months import Month
from app.kernel.refusals import NotFound
from app.reports import store
from app.reports.domain import SourceQuery
from app.reports.imported import import_sources
from app.reports.month_actions import cells_without_value, months_figures
from app.reports.periods import months_of
from app.reports.results import CellWithoutValue, owed_in
from app.reports.row_actions import results_of
from app.reports.rows import Rows
from app.reports.series_actions import Histories
from app.reports.sources import MonthSources, sources
from app.returns.read_actions import judged_at


def find_sources(session: Session, programme: str, query: SourceQuery, *, actor: Actor, now: datetime) -> tuple[dict[str, Any], bool]:
    """What is behind one row, and whether results were stored on the way. NotFound where the report has no such row."""
    require(actor, Permission.REPORT_READ, programme=programme)
    as_of = judged_at(session, programme, asked=query.as_of, now=now)
    behind = RowSources(session, load_contract(session, programme, as_of=as_of), query, as_of)
    return behind.of(query), behind.computed


class RowSources:
    """What is behind the rows of the slice and period that a query names."""

    def __init__(self, session: Session, contract: Contract, query: SourceQuery, as_of: datetime) -> None:
        self._session, self._contract, self._slice, self._as_of = session, contract, query.slice_, as_of
        self._month, self._months = query.month, months_of(query.period, query.month, contract)
        restated_in = query.month if query.restated else None
        asked: dict[str, Any] = {"as_of": as_of, "restated_in": restated_in, "submitted": query.submitted}
        self._figures = months_figures(session, contract, self._months, [query.slice_], **asked)
        self._histories = Histories(session, contract, query.month, **asked)
        history = self._histories.of(query.month, query.slice_, query.period)
        self._inputs = self._figures[query.month].inputs
        self._rows = Rows(self._inputs.reading, query.month, query.slice_, query.period, self._months, history=history)
        self._results = results_of(contract, query.month, query.slice_, query.period, self._figures)
        self._sources = cache(self._read)
        self._lacking: dict[Month, list[CellWithoutValue]] = {}

    @property
    def computed(self) -> bool:
        """Whether results were stored on the way."""
        return self._histories.computed or any(held.computed for held in self._figures.values())

    def of(self, query: SourceQuery) -> dict[str, Any]:
        """What is behind one of the rows. NotFound where there is no such one."""
        head = {"as_of": self._as_of, "inputs_sha256": {str(month): self._figures[month].inputs_sha256 for month in self._months}}
        imported = import_sources(self._inputs, query)
        if imported is not None:
            return {**head, **imported}
        result = next((result for result in self._results if query.names(result.key)), None)
        if result is None:
            raise NotFound("The report has no such row.")
        measure = self._contract.measure(query.measure, self._month)
        of_last_only = measure is not None and measure.aggregation == "stock_last"
        parts = [self._sources(month, query.measure) for month in (self._months[-1:] if of_last_only else self._months)]
        told = sources(self._inputs.reading, self._rows.row(result), result, parts, self._rows.series(result))
        return {**head, **told}

    def _read(self, month: Month, measure: str) -> MonthSources:
        inputs = self._figures[month].inputs
        revisions = [status.revision_id for status in inputs.accepted if status.revision_id is not None]
        cells = store.cells(self._session, self._contract.programme.code, revisions, measure=measure)
        rows, book = owed_in(inputs, self._slice, [cell.place for cell in cells if cell.state == "value"])
        return MonthSources(inputs, rows, book, cells, self._without_value(month))

    def _without_value(self, month: Month) -> list[CellWithoutValue]:
        if month not in self._lacking:
            self._lacking[month] = cells_without_value(self._session, self._figures[month].inputs)
        return self._lacking[month]
