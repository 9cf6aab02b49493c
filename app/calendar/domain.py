"""What a collection is: measures returned together, how often, due, closed and frozen when; and what is proclaimed of a day."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.kernel.lines import Day, Line, Many, Name, NewCode
from app.kernel.months import Month
from app.measures.rules import CollectionRule
from app.pathways.domain import Use

Frequency = Literal["month", "quarter", "half_year", "year"]


class DeadlineRule(Line):
    """The nth working day after the end of the return's month plus some months, at an hour in London."""

    working_day: Annotated[int, Field(ge=1, le=250)]
    at: Annotated[str, StringConstraints(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "17:00"
    months_later: Annotated[int, Field(ge=0, le=36)] = 0


class DeadlineRules(Line):
    """The deadlines of a collection's returns of a month and all later ones, until the next that say otherwise."""

    from_month: Month
    due: DeadlineRule
    close: DeadlineRule | None = None
    freeze: DeadlineRule | None = None


def _by_month(value: tuple[DeadlineRules, ...]) -> tuple[DeadlineRules, ...]:
    if len({each.from_month for each in value}) < len(value):
        raise PydanticCustomError("repeated", "a month stands twice in this list")
    return tuple(sorted(value, key=lambda each: each.from_month))


class Collection(Line):
    """A row of the contract's reporting schedule. `deadlines_from` says from which months its deadlines are others."""

    code: NewCode
    name: Name
    measures: Annotated[Many[Use], Field(min_length=1)]
    every: Frequency = "month"
    due: DeadlineRule
    close: DeadlineRule | None = None
    freeze: DeadlineRule | None = None
    deadlines_from: Annotated[Many[DeadlineRules], Field(max_length=100), AfterValidator(_by_month)] = ()
    sign_off: Literal["none", "optional", "required"] = "none"
    auto_accept: bool = False
    rules: Annotated[Many[CollectionRule], Field(max_length=50)] = ()

    def deadlines_in(self, month: Month) -> "Collection | DeadlineRules":
        """What says when the return of a month is due, closed and frozen."""
        return next((each for each in reversed(self.deadlines_from) if each.from_month <= month), self)


class CalendarDay(Line):
    """What was proclaimed of a day, for all programmes: worked or not, whatever weekday or bank holiday it is."""

    day: Day
    worked: bool
    name: Name
