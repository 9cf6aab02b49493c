"""The instants that deadlines fall on, and the months that a collection's period has."""

from collections.abc import Iterator
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from app.calendar.domain import Collection, DeadlineRule, Frequency
from app.calendar.working_days import WorkingDays
from app.kernel.months import Month

LONDON: Final = ZoneInfo("Europe/London")


def deadline(rule: DeadlineRule, month: Month, days: WorkingDays) -> datetime:
    """The instant that a rule sets for a return's month: on time at it, late just after it."""
    day = days.nth_after(month.plus(rule.months_later), rule.working_day)
    hour, minute = rule.at.split(":")
    return datetime.combine(day, time(int(hour), int(minute)), tzinfo=LONDON)


_MONTHS_OF: Final[dict[Frequency, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


def ends_period(month: Month, every: Frequency, *, year_begins: int) -> bool:
    """Whether a month is the last of a collection's period; years begin in the month of the contract year."""
    length = _MONTHS_OF[every]
    begins = 1 if every == "quarter" else year_begins
    return (month.number - begins + 1) % length == 0


def months_of_period(month: Month, every: Frequency) -> tuple[Month, ...]:
    """The months of the period that a return's month ends."""
    return tuple(month.plus(-back) for back in reversed(range(_MONTHS_OF[every])))


def _rules(collection: Collection) -> Iterator[DeadlineRule]:
    yield collection.due
    yield from (rule for rule in (collection.close, collection.freeze) if rule is not None)


def last_passed(collections: tuple[Collection, ...], days: WorkingDays, *, first: Month, last: Month, now: datetime) -> datetime | None:
    """The last deadline of any collection that has passed: just before `now`, or None."""
    passed = (_last_of(rule, days, first=first, last=last, now=now) for collection in collections for rule in _rules(collection))
    return max((moment for moment in passed if moment is not None), default=None)


def _last_of(rule: DeadlineRule, days: WorkingDays, *, first: Month, last: Month, now: datetime) -> datetime | None:
    month = min(last, Month.of(now.astimezone(LONDON).date()))
    while month >= first:
        moment = deadline(rule, month, days)
        if moment < now:
            return moment
        month = month.plus(-1)
    return None
