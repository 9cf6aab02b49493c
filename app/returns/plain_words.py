"""A return in plain words: when it is due and what is to be done, what each cell means, and what was stated of it before."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import months_of_period, rule_words
from app.calendar.domain import Collection, DeadlineRule
from app.calendar.expected import CellKey, ReturnKey
from app.kernel.codes import ALL
from app.kernel.figures import plain, rounded
from app.kernel.moments import LONDON
from app.kernel.months import MONTH_NAMES, Month, month_words
from app.measures.domain import Measure, counts
from app.returns.domain import Deadlines, Status
from app.returns.expectation import ExpectedReturn, carried_of
from app.returns.submission import Cell

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOW_FINE: Final = {"integer": "in whole numbers", "half_unit": "in whole numbers and halves (2.5)", "decimal": "in numbers with decimals"}
MEAN_PLACES: Final = 2
LOOKED_BACK: Final = 12
"""The months before a return's own that its guide looks back on."""

DenominatorCarried = Literal["always", "never", "either"]
ToDo = Literal["overdue", "open", "reopened", "queried", "unsigned", "frozen", "upcoming"]
"""What is to be done about a return: to send it (again), to answer, to sign, to ask for it to be reopened, or to expect it."""


class Stood(NamedTuple):
    """Where a return stood; `came_since`: a revision came after the reopening that is in force until `reopened_until`.

    `answer_by` is when the answer is due that is due first, where a question about it waits for one.
    """

    status: Status = Status.EXPECTED
    is_signed: bool = False
    reopened_until: datetime | None = None
    came_since: bool = False
    answer_by: date | None = None


def period_words(collection: Collection, month: Month) -> str:
    """The months that a return is about: `October 2026`, `July to September 2026`, `November 2025 to October 2026`."""
    months = months_of_period(month, collection.every)
    if len(months) == 1:
        return month_words(month)
    first = month_words(months[0])
    return f"{first.removesuffix(f' {month.year}')} to {month_words(month)}"


def instant_words(instant: datetime) -> str:
    """`17:00 on Friday 13 November 2026, London time`."""
    local = instant.astimezone(LONDON)
    return f"{local:%H:%M} on {_day_words(local)}, London time"


def _day_words(day: date) -> str:
    return f"{_DAYS[day.weekday()]} {day.day} {MONTH_NAMES[day.month - 1]} {day.year}"


def deadline_words(rule: DeadlineRule, month: Month, instant: datetime) -> str:
    """A deadline as the instant that it is, and the rule that it comes from."""
    return f"{instant_words(instant)} (working day {rule.working_day} after the end of {month_words(month.plus(rule.months_later))})"


def days_left(instant: datetime, moment: datetime) -> int:
    """Days of London's calendar from a moment to an instant: 0 on the day itself, below zero after it."""
    return _days_until(instant.astimezone(LONDON).date(), moment)


def _days_until(day: date, moment: datetime) -> int:
    return (day - moment.astimezone(LONDON).date()).days


def _days_words(days: int) -> str:
    if days in {-1, 0, 1}:
        return ("today", "tomorrow", "yesterday")[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def to_do(stood: Stood, deadlines: Deadlines, collection: Collection, month: Month, moment: datetime) -> ToDo | None:
    """What its subcontract has to do about a return; None where it is done, or out of its hands."""
    if stood.reopened_until is not None and not stood.came_since:
        return "reopened"
    is_frozen = deadlines.is_frozen(moment) and stood.reopened_until is None
    if stood.status is not Status.EXPECTED:
        if is_frozen:
            return None
        if stood.answer_by is not None:
            return "queried"
        if stood.status is Status.ACCEPTED:
            return None
        return "unsigned" if collection.sign_off == "required" and not stood.is_signed else None
    if is_frozen:
        return "frozen"
    if moment > deadlines.due:
        return "overdue"
    is_over = moment.astimezone(LONDON).date() > month.last_day
    return "open" if is_over else "upcoming"


def to_do_words(contract: Contract, key: ReturnKey, deadlines: Deadlines, state: ToDo, *, stood: Stood, moment: datetime) -> str:
    """The same as a sentence to whoever sends it."""
    collection = contract.collection[key.collection]
    what = f"{collection.name} for {period_words(collection, key.month)}"
    when = f"{instant_words(deadlines.due)}, {_days_words(days_left(deadlines.due, moment))}"
    if state == "frozen":
        return f"{what} was due at {when}. Nothing was received before its figures were fixed: ask for it to be reopened."
    if state == "reopened" and stood.reopened_until is not None:
        return f"{what} is reopened until {instant_words(stood.reopened_until)}: send it by then."
    if state == "unsigned":
        return f"{what} was received, and waits for its sign-off by somebody other than who sent it."
    if state == "overdue":
        return f"{what} was due at {when}. It is late, and still welcome: send it as soon as you can."
    if state == "queried" and stood.answer_by is not None:
        answer_by = f"{_day_words(stood.answer_by)}, {_days_words(_days_until(stood.answer_by, moment))}"
        return f"{what} was received, and there is a question about it: answer it by {answer_by}, or send the return again."
    if state == "upcoming":
        return f"{what} will be due at {when}. It can be counted once {month_words(key.month)} has ended."
    return f"{what} is due at {when}."


def when_due(contract: Contract, key: ReturnKey, deadlines: Deadlines) -> tuple[str, str]:
    """The rule by which a return is due, and its instant in words."""
    rule = contract.collection[key.collection].deadlines_in(key.month).due
    return rule_words(rule, key.month), deadline_words(rule, key.month, deadlines.due)


class Names(NamedTuple):
    """A cell's places and category by their names; `all` where it is not split."""

    pathway: str
    segment: str
    measure: str
    site: str
    commissioner: str
    category: str


def names_of(expected: ExpectedReturn, cell: CellKey) -> Names:
    contract, measure = expected.contract, expected.measures[cell.measure]
    pathway = contract.pathway.get(cell.pathway)
    segments = (name for (_, code), name in contract.segment.items() if code == cell.segment)
    segment = contract.segment.get((cell.pathway, cell.segment)) or next(segments, None)
    site, commissioner = contract.site.get(cell.site), contract.commissioner.get(cell.commissioner)
    categories = {each.code: each.name or each.code for each in measure.breakdown.categories} if measure.breakdown else {}
    return Names(
        pathway=pathway.name if pathway else cell.pathway,
        segment=segment.name if segment else cell.segment,
        measure=measure.name,
        site=site.name if site else cell.site,
        commissioner=commissioner.name if commissioner else cell.commissioner,
        category=categories.get(cell.category, ALL),
    )


def denominator_carried(measure: Measure) -> DenominatorCarried:
    """Whether a value of a measure carries a denominator."""
    if measure.aggregation == "distinct_risk":
        return "either"
    return "always" if measure.has_denominator else "never"


def counted_words(measure: Measure) -> str:
    """How finely a measure is counted, and what a value of it carries."""
    kinds = carried_of(measure)
    above, below = _HOW_FINE[kinds.numerator], _HOW_FINE[kinds.denominator]
    if measure.aggregation == "banded":
        return f"One count for each band, {above}."
    if measure.aggregation == "stock_last":
        return f"One count at the last midnight of the period, {above}; it is always stated, zero included."
    if measure.aggregation == "mean_weighted":
        return f"The sum of all values, {above}, over how many gave one, {below}."
    if denominator_carried(measure) == "never":
        return f"One count, {above}."
    within = "; the first is part of the second" if measure.proportion else ""
    both = "Two counts" if measure.has_denominator else "One count, or two (the same way in every line)"
    return f"{both}, {above}{within}."


class Earlier(NamedTuple):
    """What was stated of a cell before: in the return before this one, and on average over those of the last twelve months with a value."""

    last: Cell | None = None
    mean_numerator: Decimal | None = None
    mean_denominator: Decimal | None = None
    mean_of: int = 0
    was_above_zero: bool = False
    """Whether any figure of the last twelve months was."""


def months_before(month: Month) -> tuple[Month, ...]:
    return tuple(month.plus(-back) for back in range(1, LOOKED_BACK + 1))


def month_of_last(expected: ExpectedReturn) -> Month:
    """The month of the return before this one."""
    return expected.key.month.plus(-len(months_of_period(expected.key.month, expected.contract.collection[expected.key.collection].every)))


def earlier_of(expected: ExpectedReturn, stated: Mapping[Month, Mapping[CellKey, Cell]]) -> dict[CellKey, Earlier]:
    """What was stated before of each expected cell; of months in which its measure counted something else, nothing is said."""
    found: dict[CellKey, Earlier] = {}
    last = month_of_last(expected)
    for code, measure in expected.measures.items():
        months = [
            month for month in months_before(expected.key.month) if month in stated and _counted_alike(expected.contract, measure, month)
        ]
        for key in expected.cells_of[code]:
            cells = {month: stated[month][key] for month in months if key in stated[month]}
            found[key] = _earlier(cells, cells.get(last))
    return found


def _counted_alike(contract: Contract, measure: Measure, month: Month) -> bool:
    then = contract.measure(measure.code, month)
    return then is not None and (then is measure or counts(then) == counts(measure))


def _earlier(cells: Mapping[Month, Cell], last: Cell | None) -> Earlier:
    values = [cell for cell in cells.values() if cell.state == "value"]
    numerators = [cell.numerator for cell in values if cell.numerator is not None]
    denominators = [cell.denominator for cell in values if cell.denominator is not None]
    return Earlier(
        last=last,
        mean_numerator=_mean(numerators),
        mean_denominator=_mean(denominators) if len(denominators) == len(numerators) else None,
        mean_of=len(numerators),
        was_above_zero=any((*numerators, *denominators)),
    )


def _mean(figures: list[Decimal]) -> Decimal | None:
    """Exact until it is rounded; nothing where nobody gave a figure."""
    return plain(rounded(sum(map(Fraction, figures), Fraction(0)) / len(figures), MEAN_PLACES)) if figures else None
