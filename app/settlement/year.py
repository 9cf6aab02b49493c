"""Which months a contract year has, and on which periods of them it is judged: no period counts that reaches into another contract year."""

from typing import Final, NamedTuple

from app.calendar.contract import Contract
from app.kernel.months import Month
from app.programmes.domain import JudgedOn, PaymentMode
from app.reports.periods import is_whole, months_of

SEVERAL: Final = frozenset({"month", "quarter"})
"""The periods of which a contract year has several; of every other it has the one that ends with it."""
_QUARTER: Final = 3


class Judged(NamedTuple):
    """What a period judges of a contract year: each span is its first and last month.

    `counted` are the periods whose months in the programme's term all lie in the year; `outside` lie partly in another, and count in neither.
    `unjudged` are the year's months that lie in none of these: the end of the programme cuts their quarter off, or the period begins after them.
    """

    counted: tuple[tuple[Month, Month], ...] = ()
    outside: tuple[tuple[Month, Month], ...] = ()
    unjudged: tuple[Month, ...] = ()
    begun_before: tuple[Month, Month] | None = None
    """The quarter among those counted that begins before the programme does, so that fewer of its months are there."""

    @property
    def ends(self) -> tuple[Month, ...]:
        """The months that the periods which count end in."""
        return tuple(last for _, last in self.counted)


def months_of_year(contract: Contract, contract_year: int) -> tuple[Month, ...]:
    """The months of a contract year that lie in the programme's term."""
    term = contract.programme
    return tuple(month for month in term.first_month.through(term.last_month) if term.contract_year_of(month) == contract_year)


def payments_of_year(contract: Contract, contract_year: int) -> list[tuple[Month, PaymentMode | None]]:
    """How the phase of each month of a contract year pays, as it was decided so far; None where a programme has no phases."""
    payments = {phase.number: phase.payment for phase in contract.phases}
    phases = ((month, contract.phase_in(month)) for month in months_of_year(contract, contract_year))
    return [(month, None if phase is None else payments.get(phase)) for month, phase in phases]


def judged(contract: Contract, contract_year: int, period: JudgedOn) -> Judged:
    """On which periods a contract year is judged. Quarters are those of the calendar, as they are published."""
    year, term = months_of_year(contract, contract_year), contract.programme
    if not year:
        return Judged()
    last = year[-1].plus(_QUARTER - 1) if period == "quarter" else year[-1]
    ends = [month for month in year[0].through(last) if is_whole(period, month)] if period in SEVERAL else [last]
    spans = [(months_of(period, end, contract)[0], end) for end in ends if end <= term.last_month]
    counted = tuple(span for span in spans if max(span[0], term.first_month) >= year[0] and span[1] <= year[-1])
    held = {month for first, end in spans for month in first.through(end)}
    outside = tuple(span for span in spans if span not in counted)
    begun = next((span for span in counted if period == "quarter" and span[0] < term.first_month), None)
    return Judged(counted, outside, tuple(month for month in year if month not in held), begun)
