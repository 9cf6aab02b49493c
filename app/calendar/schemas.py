"""The shapes in which days and deadlines are answered and changed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, PlainSerializer, StringConstraints, WithJsonSchema

from app.calendar.actions import DayChange, Days, Proclaimed, Schedule
from app.calendar.deadlines import DeadlineKind, deadline, rule_words, rules_of
from app.calendar.domain import Collection, DeadlineRule, Frequency
from app.calendar.working_days import Why as WhyWorked
from app.calendar.working_days import WorkingDays, reason_of
from app.kernel.lines import Line, Name, no_patient
from app.kernel.moments import moment_text
from app.kernel.months import Month

Why = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(no_patient)]
"""The reason for a change of what all programmes share; kept in the record."""

Moment = Annotated[
    datetime, PlainSerializer(moment_text, return_type=str, when_used="json"), WithJsonSchema({"type": "string", "format": "date-time"})
]


class CalendarDayBody(Line):
    """Whether a day is worked whatever the calendar says of it, by which name, and why this is stated."""

    worked: bool
    name: Name
    why: Why


class DayView(BaseModel):
    """Whether a day is worked, why, and the name of the bank holiday or of what was proclaimed."""

    day: date
    worked: bool
    why: WhyWorked
    name: str | None


class DaysView(BaseModel):
    days: list[DayView]
    next: str | None


class CalendarDayView(BaseModel):
    """What is proclaimed of a day, and since when."""

    day: date
    worked: bool
    name: str
    recorded_at: Moment


class MovedView(BaseModel):
    """A deadline that moved, in which programme, from when to when."""

    programme: str
    collection: str
    month: Month
    kind: DeadlineKind
    before: Moment
    after: Moment


class DayChangeView(BaseModel):
    """What is (or was) proclaimed of the day, and every deadline that moved."""

    calendar_day: CalendarDayView
    deadlines_moved: list[MovedView]


class RuleView(BaseModel):
    """A deadline: its rule, as words and as the contract states it, and the instant that this is."""

    rule: str
    working_day: int
    at: str
    months_later: int
    instant: Moment


class DeadlinesOfReturnView(BaseModel):
    """When the returns of a collection for a month are due, closed and frozen; null where that never comes."""

    collection: str
    collection_name: str
    month: Month
    every: Frequency
    due: RuleView
    close: RuleView | None
    freeze: RuleView | None


class DeadlinesView(BaseModel):
    programme: str
    deadlines: list[DeadlinesOfReturnView]
    next: str | None


def day_view(found: Days, day: date) -> dict[str, Any]:
    why, name = reason_of(day, found.proclaimed.get(day))
    return {"day": day.isoformat(), "worked": found.days.is_worked(day), "why": why, "name": name}


def calendar_day_view(proclaimed: Proclaimed) -> dict[str, Any]:
    return {**proclaimed.line.model_dump(mode="json"), "recorded_at": proclaimed.recorded_at}


def change_view(change: DayChange) -> dict[str, Any]:
    moved = [{"programme": programme, **each._asdict()} for programme, each in change.moved]
    return {"calendar_day": calendar_day_view(change.proclaimed), "deadlines_moved": moved}


def schedule_views(schedule: Schedule, rows: Sequence[tuple[Month, Collection]]) -> list[dict[str, Any]]:
    return [_of_return(collection, month, schedule.contract.days) for month, collection in rows]


def _of_return(collection: Collection, month: Month, days: WorkingDays) -> dict[str, Any]:
    rules = rules_of(collection, month)
    return {
        "collection": collection.code,
        "collection_name": collection.name,
        "month": month,
        "every": collection.every,
        "due": _rule(rules["due"], month, days),
        "close": _rule(rules.get("close"), month, days),
        "freeze": _rule(rules.get("freeze"), month, days),
    }


def _rule(rule: DeadlineRule | None, month: Month, days: WorkingDays) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {"rule": rule_words(rule, month), **rule.model_dump(mode="json"), "instant": deadline(rule, month, days)}
