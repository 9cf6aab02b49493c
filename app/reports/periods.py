"""The periods of a report: which months each is made of, and how months' results become a period's."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from app.calendar.contract import Contract
from app.kernel.months import Month
from app.measures.domain import Measure
from app.reports.aggregation import add
from app.reports.coverage import together
from app.reports.results import RowResult
from app.reports.slices import PARENTS, RowKey

PERIODS: Final = ("month", "quarter", "year_to_date", "contract_year_to_date", "rolling_12")

_APRIL: Final = 4


def months_of(period: str, month: Month, contract: Contract) -> tuple[Month, ...]:
    """The months of a period of a report: it ends with the report's month, so the quarter is the calendar quarter up to it.

    Financial years begin in April, contract years in the month that the programme says.
    """
    match period:
        case "quarter":
            first = month.plus(-((month.number - 1) % 3))
        case "year_to_date":
            first = month.plus(-((month.number - _APRIL) % 12))
        case "contract_year_to_date":
            first = month.plus(-((month.number - contract.programme.contract_year_month) % 12))
        case "rolling_12":
            first = month.plus(-11)
        case _:
            first = month
    return tuple(first.through(month))


def is_whole(period: str, month: Month) -> bool:
    """Whether a period is complete with the report's month; a quarter in progress is not judged."""
    return period != "quarter" or month.number % 3 == 0


def pool(contract: Contract, month: Month, by_month: Mapping[Month, tuple[RowResult, ...]]) -> tuple[RowResult, ...]:
    """A period's results out of its months', in the order of their keys.

    A stock is never added over months: its last month's census stands for the period, and is missing where that month's is. A key
    that is reported in one month and computed from its children in another is as reported. A result has the version None where the version of any
    month is not the one in force in the report's: what is counted changed, so nothing is pooled.
    """
    held: dict[RowKey, dict[Month, RowResult]] = defaultdict(dict)
    in_force: dict[str, int] = {}
    final: dict[str, bool] = {}
    for of_month, results in sorted(by_month.items()):
        for result in results:
            measure = contract.measure(result.key.measure, month)
            if measure is not None and (of_month == month or not _is_stock(measure)):
                held[result.key][of_month] = result
                in_force[measure.code] = measure.version
                final[result.key.measure] = final.get(result.key.measure, True) and result.final
    own = {_unscoped(key) for key in held if not _is_parent(key)}
    return tuple(
        RowResult(
            key=key,
            version=in_force[key.measure] if {part.version for part in parts.values()} == {in_force[key.measure]} else None,
            months=max(part.months for part in parts.values()),
            held=_held(parts, min(by_month)),
            final=final[key.measure],
            figures=add(part.figures for part in parts.values()),
            coverage=together([part.coverage for part in parts.values()]),
        )
        for key, parts in sorted(held.items())
        if not (_is_parent(key) and _unscoped(key) in own)
    )


def _held(parts: Mapping[Month, RowResult], first: Month) -> int:
    """How many months of a period have figures in it: those of a return of several months count as far as they lie in the period."""
    about = (max(first, month.plus(1 - part.months)).through(month) for month, part in parts.items() if part.figures.numerator is not None)
    return len({month for months in about for month in months})


def _is_stock(measure: Measure) -> bool:
    return measure.aggregation == "stock_last"


def _is_parent(key: RowKey) -> bool:
    return key.site_scope in PARENTS or key.commissioner_scope in PARENTS


def _unscoped(key: RowKey) -> RowKey:
    return key._replace(site_scope="exact", commissioner_scope="exact")
