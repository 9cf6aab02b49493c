"""Doubting what was stored: every stored result and row is computed again from raw cells, and what differs is named.

A digest cannot be turned back into its inputs, so each stored part says by which question it was first asked for: as of which moment, and how the months
were read at it. At that moment the record holds the same inputs for ever; that they have the same digest is checked first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.canonical import json_bytes, sha256
from app.kernel.months import Month
from app.kernel.shelf import Shelf
from app.reports import audit_store
from app.reports.audit_store import LastAudit, Stored
from app.reports.domain import ReportQuery
from app.reports.figure_audit import FiguresAudit, Mismatch, differences, summed
from app.reports.imported import import_rows
from app.reports.month_actions import HEAD, cells_without_value, head_of, month_inputs
from app.reports.periods import pool
from app.reports.results import METHOD_VERSION, MonthInputs, RowResult, slice_results, to_json
from app.reports.row_actions import ReportRows
from app.reports.rows import Rows
from app.reports.series import History, points_of
from app.reports.store import Question

_MOST_RESULTS = 400
"""Slices of months that are kept while their neighbours' series are recomputed."""


def audit_figures(
    session: Session, programme: str, *, month: Month | None, actor: Actor, now: datetime, progress: Callable[[str], None]
) -> FiguresAudit:
    """Compute everything that is stored of a programme (or of one month) again, and keep what was found."""
    require(actor, Permission.METRICS_READ, programme=programme)
    auditor = _Auditor(session, programme)
    months = audit_store.months_stored(session, programme) if month is None else [month]
    for each in months:
        progress(f"the figures of {programme} for {each}")
        for stored in audit_store.results_stored(session, programme, each):
            auditor.judge(each, stored, auditor.results_again)
        for stored in audit_store.rows_stored(session, programme, each):
            auditor.judge(each, stored, auditor.rows_again)
    found = auditor.found
    audit_store.record(
        session,
        programme,
        at=now,
        by=actor.client,
        months=None if month is None else (month, month),
        checked=found.checked,
        mismatched=len(found.mismatches),
        untraceable=found.untraceable,
    )
    return found


def last_audits(session: Session) -> list[LastAudit]:
    """The last audit of each programme within reach."""
    return audit_store.last_audits(session)


@dataclass
class _Auditor:
    """Computes as though nothing had ever been stored; what it computed itself it keeps for a while."""

    session: Session
    programme: str
    checked: int = 0
    untraceable: int = 0
    of_other_methods: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    kept: Shelf = field(default_factory=lambda: Shelf(_MOST_RESULTS))

    @property
    def found(self) -> FiguresAudit:
        return FiguresAudit(self.checked, self.untraceable, self.of_other_methods, tuple(self.mismatches))

    def judge(self, month: Month, stored: Stored, again: Callable[[Month, Stored, Question], tuple[str, Any]]) -> None:
        """Compare one stored part with what its inputs give now."""
        if stored.method_version != METHOD_VERSION:
            self.of_other_methods += 1
            return
        if stored.question is None:
            self.untraceable += 1
            return
        self.checked += 1
        digest, recomputed = again(month, stored, stored.question)
        content = json_bytes(recomputed)
        found: Iterator[tuple[str, str | None, str | None]] = iter(())
        if digest != stored.inputs_sha256:
            found = iter([("inputs", stored.inputs_sha256, digest)])
        elif content != stored.content:
            found = differences(stored.content, content)
        elif sha256(content) != stored.sha256:
            found = iter([("digest", stored.sha256, sha256(content))])
        told = [Mismatch(month, stored.slice, stored.period, *each) for each in found]
        if not told and content != stored.content:
            told = [Mismatch(month, stored.slice, stored.period, "bytes", stored.sha256, sha256(content))]
        self.mismatches += told

    def results_again(self, month: Month, stored: Stored, asked: Question) -> tuple[str, Any]:
        """The digest of the inputs of a month, and its results in a slice (or its head) as they are stored."""
        inputs = self._inputs(self._contract(asked), month, asked)
        if stored.slice == HEAD:
            return inputs.sha256, head_of(inputs, cells_without_value(self.session, inputs))
        return inputs.sha256, to_json(self._results(inputs, stored.slice))

    def rows_again(self, month: Month, stored: Stored, asked: Question) -> tuple[str, Any]:
        """The digest of the inputs of a report, and its rows in a slice and period as they are stored."""
        contract, restated = self._contract(asked), asked.restated_in is not None
        # Rows of a trend that is restated stand under the organisations of its last month.
        query = ReportQuery(month, None, periods=(stored.period,), restated=restated, submitted=asked.submitted)
        as_of = asked.as_of
        assert as_of is not None, "a question names its moment"
        report = self.kept.kept(
            "reports",
            (month, stored.period, asked),
            lambda: ReportRows(self.session, contract, query, as_of, restated_in=asked.restated_in),
        )
        behind = report.months_behind(month, stored.period)
        by_month = {each: self._results(self._inputs(contract, each, asked), stored.slice) for each in behind}
        results = by_month[month] if stored.period == "month" else pool(contract, month, by_month)
        history = self._history(contract, asked, report, month, stored)
        inputs = self._inputs(contract, month, asked)
        rows = Rows(inputs.reading, month, stored.slice, stored.period, behind, history=history)
        return report.sha256, [*rows.write(results), *import_rows(inputs, stored.slice, stored.period)]

    def _history(self, contract: Contract, asked: Question, report: ReportRows, month: Month, stored: Stored) -> History:
        history, period = report.histories, stored.period
        found = {}
        for end in history.ends(month, period):
            behind = history.behind(end, period)
            results = {each: self._results(self._inputs(contract, each, asked), stored.slice) for each in behind}
            found[end] = points_of(contract, end, pool(contract, end, results)) if behind else {}
        return found

    def _contract(self, asked: Question) -> Contract:
        return load_contract(self.session, self.programme, as_of=asked.as_of)

    def _inputs(self, contract: Contract, month: Month, asked: Question) -> MonthInputs:
        assert asked.as_of is not None, "a question names its moment"
        (inputs,) = month_inputs(
            self.session, contract, [month], as_of=asked.as_of, restated_in=asked.restated_in, submitted=asked.submitted
        )
        return inputs

    def _results(self, inputs: MonthInputs, slice_: str) -> tuple[RowResult, ...]:
        return self.kept.kept("results", (inputs.sha256, slice_), lambda: self._computed(inputs, slice_))

    def _computed(self, inputs: MonthInputs, slice_: str) -> tuple[RowResult, ...]:
        revisions = tuple(status.revision_id for status in inputs.accepted if status.revision_id is not None)
        cells = self.kept.kept("cells", revisions, lambda: audit_store.cells(self.session, self.programme, revisions), most=2)
        without = self.kept.kept("without", inputs.sha256, lambda: cells_without_value(self.session, inputs), most=24)
        banded = [measure.code for measure in inputs.contract.measures if measure.aggregation == "banded"]
        return slice_results(inputs, slice_, summed(cells, slice_, banded=banded), without)
