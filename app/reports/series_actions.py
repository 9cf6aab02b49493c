"""Reading the series that a report's rows stand in: what was accepted for earlier months, and the points that it makes."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Final

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.kernel.canonical import digest
from app.kernel.months import Month
from app.reports import store
from app.reports.month_actions import months_figures
from app.reports.periods import is_whole, months_of, pool
from app.reports.series import STEPS, History, Places, Points, points_of
from app.reports.slices import SLICES

_MOST_POINTS: Final = 10 * (12 + 4) * len(SLICES)
"""Points by period and slice that are kept: ten years of months and quarters in every slice. Where a report asks for more than are kept, the first are
put away before the last are there, and each is read anew for every report."""

_MOST_CHAINS: Final = 8
_MOST_SETS: Final = 4 * len(SLICES)
"""Sets of places that periods share: of each slice the one that stands in nearly all of its months, and those that are new."""
_NO_POINTS: Final = Points({}, ())


def _chain(accepted: Sequence[tuple[str, str]]) -> list[str]:
    """Of each month the digest of all that was accepted up to it. Each holds the one before it, so that many months' are worked out in one go."""
    return list(accumulate(accepted, lambda before, link: digest([before, *link]), initial=""))[1:]


class Histories:
    """The earlier months that the series of a month's report, and of the reports before it, are made of; points are read when they are asked for.

    `digests` has, by month, what exactly was accepted of it: with the contract, that is all a point depends on. `computed` says whether results were
    stored on the way.
    """

    def __init__(
        self,
        session: Session,
        contract: Contract,
        month: Month,
        *,
        as_of: datetime,
        restated_in: Month | None,
        submitted: bool,
        acts: Mapping[Month, datetime] | None = None,
    ) -> None:
        self._session = session
        self._contract = contract
        self._as_of = as_of
        self._restated_in = restated_in
        self._submitted = submitted
        if acts is None:
            acts = store.last_acts(session, contract.programme.code, before=month, as_of=as_of)
        self.digests: Final[Mapping[Month, str]] = self._accepted({each: moment for each, moment in acts.items() if each < month})
        self._months = sorted(self.digests)
        accepted = tuple((str(each), self.digests[each]) for each in self._months)
        self._chain = contract.worked_out.kept("chains", accepted, lambda: _chain(accepted), most=_MOST_CHAINS)
        self.computed = False

    def _accepted(self, acts: Mapping[Month, datetime]) -> dict[Month, str]:
        """Nothing is read again of a month in which nobody did anything since it was read last."""
        shelf = self._contract.worked_out
        found = {}
        for month, moment in acts.items():
            accepted = shelf.kept("accepted", (month, moment, self._submitted), partial(self._digest, month))
            if accepted is not None:
                found[month] = accepted
        return found

    def _digest(self, month: Month) -> str | None:
        programme = self._contract.programme.code
        recorded = store.recorded(self._session, programme, [month], as_of=self._as_of, submitted=self._submitted)
        accepted = sorted([*key[:2], held.content_sha256] for key, held in recorded.items() if held.content_sha256 is not None)
        return digest(accepted) if accepted else None

    def sha256(self, *, before: Month) -> str | None:
        """The digest of all that was accepted of the months before one; None where nothing was."""
        position = bisect_left(self._months, before)
        return self._chain[position - 1] if position else None

    def ends(self, month: Month, period: str) -> list[Month]:
        """The months that every period of this kind ends with before the one that ends with a month."""
        step = STEPS.get(period)
        if step is None or not self.digests or not is_whole(period, month):
            return []
        first = self._months[0]
        whole_from = min(first, self._contract.programme.first_month)
        ends = (Month(ordinal) for ordinal in range(month.ordinal - step, first.ordinal - 1, -step))
        return [end for end in ends if end.plus(1 - step) >= whole_from]

    def behind(self, end: Month, period: str) -> list[Month]:
        """The months of a period of which anything was accepted."""
        return [month for month in months_of(period, end, self._contract) if month in self.digests]

    def of(self, month: Month, slice_: str, period: str) -> History:
        """The points of every period of this kind before the one that ends with a month, in a slice."""
        return {end: self._points(end, slice_, period) for end in self.ends(month, period)}

    def _points(self, end: Month, slice_: str, period: str) -> Points:
        months = self.behind(end, period)
        key = (period, slice_, self._restated_in, end, tuple(self.digests[month] for month in months))
        return (
            self._contract.worked_out.kept("points", key, lambda: self._read(end, slice_, months), most=_MOST_POINTS)
            if months
            else _NO_POINTS
        )

    def _read(self, end: Month, slice_: str, months: list[Month]) -> Points:
        figures = months_figures(
            self._session,
            self._contract,
            months,
            [slice_],
            as_of=self._as_of,
            restated_in=self._restated_in,
            submitted=self._submitted,
        )
        self.computed |= any(held.computed for held in figures.values())
        results = {month: figures[month].of(slice_) for month in months}
        points = points_of(self._contract, end, pool(self._contract, end, results))
        # Places are kept once for all months that have the same: they take more room than what was reached there.
        places = tuple(points)
        at: dict[Places, int] = self._contract.worked_out.kept(
            "places", places, lambda: {each: number for number, each in enumerate(places)}, most=_MOST_SETS
        )
        return Points(at, tuple(points.values()))
