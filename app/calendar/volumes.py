"""The patients behind what is owed: the expected volume of assignments, where it is known."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from app.calendar.contract import Contract
from app.calendar.deadlines import months_of_period
from app.calendar.expected import Duty, ReturnKey, duties_of_month
from app.kernel.months import Month


def return_volume(
    contract: Contract, key: ReturnKey, *, measures: Collection[str] | None = None, pathway: str | None = None
) -> Decimal | None:
    """The patients behind a whole return: those of every line that it answers for, in every month, whatever measures it asks for.

    With `measures`, those of the lines that make it ask for any of these; with `pathway`, those of its lines.
    """
    lines: dict[str, dict[tuple[str, str, Month], Duty]] = defaultdict(dict)
    for month in months_of_period(key.month, contract.collection[key.collection].every):
        for duty in duties_of_month(contract, key.subcontract, month):
            asked = (measures is None or duty.measure.code in measures) and pathway in {None, duty.assignment.pathway}
            if duty.collection.code == key.collection and asked:
                lines[duty.assignment.line][duty.assignment.site, duty.assignment.commissioner, month] = duty
    return sum_known(line_volume(list(duties.values()), whole=True) for duties in lines.values())


def line_volume(duties: Sequence[Duty], *, whole: bool) -> Decimal | None:
    """The patients behind duties of one line: known where these are the whole line, or where the line gives them by place."""
    total = duties[0].assignment.line_volume
    if total is None:
        return sum_known([duty.assignment.volume for duty in duties])
    months = max(Counter((duty.assignment.site, duty.assignment.commissioner) for duty in duties).values())
    return total * months if whole else None


def sum_known(volumes: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, which is not known where a part is not."""
    known = Decimal(0)
    for volume in volumes:
        if volume is None:
            return None
        known += volume
    return known
