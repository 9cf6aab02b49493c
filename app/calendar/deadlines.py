"""The instants that deadlines fall on, and the months that a collection's period has."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from app.calendar.domain import Collection, DeadlineRule, Frequency
from app.calendar.working_days import WorkingDays
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.programmes.domain import Programme


def deadline(rule: DeadlineRule, month: Month, days: WorkingDays) -> datetime:
    """The instant that a rule sets for a return's month: on time at it, late just after it."""
    day = days.nth_after(month.plus(rule.months_later), rule.working_day)
    hour, minute = rule.at.split(":")
    return datetime.combine(day, time(int(hour), int(minute)), tzinfo=LONDON)


def working_days_late(due: datetime, received: datetime, days: WorkingDays) -> int:
    """The working days begun after the due day until the day of receipt: none by the due instant, at least one just after it."""
    if received <= due:
        return 0
    day, last, late = due.astimezone(LONDON).date(), received.astimezone(LONDON).date(), 0
    while day < last:
        day += timedelta(days=1)
        late += days.is_worked(day)
    return max(1, late)


_MONTHS_OF: Final[dict[Frequency, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


def ends_period(month: Month, every: Frequency, *, year_begins: int) -> bool:
    """Whether a month is the last of a collection's period; years begin in the month of the contract year."""
    length = _MONTHS_OF[every]
    begins = 1 if every == "quarter" else year_begins
    return (month.number - begins + 1) % length == 0


def months_of_period(month: Month, every: Frequency) -> tuple[Month, ...]:
    """The months of the period that a return's month ends."""
    return tuple(month.plus(-back) for back in reversed(range(_MONTHS_OF[every])))


def return_months(collection: Collection, term: Programme, *, until: Month | None = None) -> Iterator[Month]:
    """The months of a collection's returns, the last one first: those that end a period which holds a month of the programme's term.

    The last of them may lie after the term; `until` leaves later ones out.
    """
    last = term.last_month.ordinal + _MONTHS_OF[collection.every] - 1
    for month in reversed(range(term.first_month.ordinal, min(last, last if until is None else until.ordinal) + 1)):
        if ends_period(Month(month), collection.every, year_begins=term.contract_year_month):
            yield Month(month)


def rule_words(rule: DeadlineRule, month: Month) -> str:
    """A deadline's rule for a return's month, as people say it."""
    return f"working day {rule.working_day} after the end of {month.plus(rule.months_later)}, {rule.at} in London"


DeadlineKind = Literal["due", "close", "freeze"]


def rules_of(collection: Collection, month: Month) -> dict[DeadlineKind, DeadlineRule]:
    """The deadlines that a collection has for the return of a month: what it does not have never comes."""
    stated = collection.deadlines_in(month)
    rules: dict[DeadlineKind, DeadlineRule | None] = {"due": stated.due, "close": stated.close, "freeze": stated.freeze}
    return {kind: rule for kind, rule in rules.items() if rule is not None}


_KINDS: Final[tuple[DeadlineKind, ...]] = ("due", "close", "freeze")


class MovedDeadline(NamedTuple):
    """A deadline that falls on another instant under another calendar."""

    collection: str
    month: Month
    kind: DeadlineKind
    before: datetime
    after: datetime


_FARTHEST: Final = timedelta(days=500)
"""Beyond the 250th working day: no rule counts as far."""


def moved_by(
    day: date, before: WorkingDays, after: WorkingDays, collections: Iterable[Collection], *, term: Programme
) -> Iterator[MovedDeadline]:
    """The deadlines of a programme's returns that move when one day becomes worked, or is no longer."""
    for collection in collections:
        for month in reversed(list(return_months(collection, term))):
            for kind, rule in rules_of(collection, month).items():
                if timedelta(0) < day - month.plus(rule.months_later).last_day < _FARTHEST:
                    instants = deadline(rule, month, before), deadline(rule, month, after)
                    if instants[0] != instants[1]:
                        yield MovedDeadline(collection.code, month, kind, *instants)


def last_passed(collections: Iterable[Collection], days: WorkingDays, *, term: Programme, now: datetime) -> datetime | None:
    """The last deadline of any return that has passed: just before `now`, or None."""
    return max((moment for collection in collections for moment in _last_of_each_rule(collection, days, term=term, now=now)), default=None)


def _last_of_each_rule(collection: Collection, days: WorkingDays, *, term: Programme, now: datetime) -> Iterator[datetime]:
    """The last passed deadline of each rule: an earlier rule's last month may fall due after a later one's first."""
    stated = (collection, *collection.deadlines_from)
    waits = {(id(each), kind) for each in stated for kind in _KINDS if getattr(each, kind) is not None}
    for month in return_months(collection, term, until=Month.of(now.astimezone(LONDON).date())):
        in_force = collection.deadlines_in(month)
        for kind, rule in rules_of(collection, month).items():
            if (id(in_force), kind) in waits and (moment := deadline(rule, month, days)) < now:
                waits.remove((id(in_force), kind))
                yield moment
        if not waits:
            return
