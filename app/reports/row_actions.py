"""The rows of reports: stored ones where their inputs were asked for before, the others written and stored now."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.kernel.canonical import digest, json_bytes
from app.kernel.months import Month
from app.reports import envelope, store
from app.reports.domain import ReportQuery
from app.reports.imported import import_rows
from app.reports.month_actions import HEAD, MonthFigures, find_results, months_figures
from app.reports.periods import months_of, pool
from app.reports.results import METHOD_VERSION, RowResult
from app.reports.rows import Rows
from app.reports.series import STEPS
from app.reports.series_actions import Histories

_MOST_ACTS: Final = 24

Part = tuple[Month, str, str]
"""The rows of a month's report in one slice and one period."""


class ReportRows:
    """What a query asks for: the inputs of its reports' months and of their series, and the rows."""

    def __init__(
        self, session: Session, contract: Contract, query: ReportQuery, as_of: datetime, *, restated_in: Month | None = None
    ) -> None:
        self._session, self._contract, self._query, self._as_of = session, contract, query, as_of
        if query.restated and restated_in is None:
            restated_in = query.month
        self._asked = store.Question(as_of, restated_in, query.submitted)
        self._of_period = {(month, period): months_of(period, month, contract) for month in query.months for period in query.periods}
        self.months = sorted({*query.months, *(month for months in self._of_period.values() for month in months)})
        # Of one moment there is one answer for ever.
        before = self.months[-1].plus(1)
        acts = contract.worked_out.kept(
            "acts", (before, as_of), lambda: store.last_acts(session, contract.programme.code, before=before, as_of=as_of), most=_MOST_ACTS
        )
        self.figures = months_figures(
            session, contract, self.months, [], as_of=as_of, restated_in=restated_in, submitted=query.submitted, acts=acts
        )
        self._digests: dict[tuple[Month, tuple[str, ...]], str] = {}
        self.histories = Histories(
            session, contract, query.month, as_of=as_of, restated_in=restated_in, submitted=query.submitted, acts=acts
        )

    def head(self) -> dict[str, Any]:
        """What a live report says of itself."""
        month = self._query.month
        own = self.figures[month]
        find_results(self._session, self._contract, {month: own}, [HEAD])
        return envelope.head(self._contract, month, own.returns, as_of=self._as_of, inputs_sha256=self.sha256)

    @property
    def history(self) -> Mapping[Month, str]:
        """By earlier month, the digest of what was accepted for the series of these rows."""
        return self.histories.digests

    def months_behind(self, month: Month, period: str) -> tuple[Month, ...]:
        """The months that the rows of a period are pooled from."""
        return self._of_period[month, period]

    @cached_property
    def sha256(self) -> str:
        """The digest of all that the rows are computed from."""
        periods = self._query.periods
        of_month = {str(month): self._inputs_sha256(month, *periods) for month in self._query.months}
        return digest(of_month) if len(of_month) > 1 else of_month[str(self._query.month)]

    def _inputs_sha256(self, month: Month, *periods: str) -> str:
        """The same of a month's rows of these periods: the periods' own months, and what was accepted for those of their series."""
        if (month, periods) not in self._digests:
            months = {month, *(each for period in periods for each in self._of_period[month, period])}
            digests = {str(each): self.figures[each].inputs_sha256 for each in sorted(months)}
            history = None if STEPS.keys().isdisjoint(periods) else self.histories.sha256(before=month)
            found = next(iter(digests.values())) if len(digests) == 1 else digest(digests)
            self._digests[month, periods] = found if history is None else digest([found, history])
        return self._digests[month, periods]

    def rows(self, *some: str) -> tuple[dict[Part, bytes], bool]:
        """Every part as a JSON array, in the order of months, slices and periods, and whether any had to be written.

        Of all slices, or only of some: then nothing that was read for them is held on to.
        """
        programme, query = self._contract.programme.code, self._query
        periods, slices = query.periods, some or query.slices
        digests = {(month, period): self._inputs_sha256(month, period) for month in query.months for period in periods}
        parts = [(month, slice_, period) for month in query.months for slice_ in slices for period in periods]
        stored = store.stored_rows(self._session, programme, set(digests.values()), slices, periods)
        at = {(month, slice_, period): (digests[month, period], slice_, period) for month, slice_, period in parts}
        lacking = [part for part in parts if at[part] not in stored]
        written = self._write(lacking, digests) if lacking else {}
        for held in self.figures.values():
            held.forget(some)
        return {part: written[part] if part in written else stored[at[part]] for part in parts}, bool(lacking)

    def _write(self, parts: list[Part], digests: Mapping[tuple[Month, str], str]) -> dict[Part, bytes]:
        months = {each for month, _, period in parts for each in self._of_period[month, period]}
        slices = {slice_ for _, slice_, _ in parts}
        find_results(self._session, self._contract, {month: self.figures[month] for month in sorted(months)}, slices)
        written = {part: json_bytes(self._rows_of(*part)) for part in parts}
        for month in {month for month, _, _ in parts}:
            store.store_rows(
                self._session,
                self._contract.programme.code,
                month,
                method_version=METHOD_VERSION,
                asked=self._asked,
                digests={period: found for (of_month, period), found in digests.items() if of_month == month},
                rows={part[1:]: rows for part, rows in written.items() if part[0] == month},
            )
        return written

    def _rows_of(self, month: Month, slice_: str, period: str) -> list[dict[str, Any]]:
        months = self._of_period[month, period]
        results = results_of(self._contract, month, slice_, period, {each: self.figures[each] for each in months})
        inputs = self.figures[month].inputs
        rows = Rows(inputs.reading, month, slice_, period, months, history=self.histories.of(month, slice_, period))
        return [*rows.write(results), *import_rows(inputs, slice_, period)]


def results_of(contract: Contract, month: Month, slice_: str, period: str, figures: Mapping[Month, MonthFigures]) -> tuple[RowResult, ...]:
    """A month's own results, or those of the period that ends with it."""
    if period == "month":
        return figures[month].of(slice_)
    return pool(contract, month, {each: held.of(slice_) for each, held in figures.items()})
