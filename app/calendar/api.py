"""Working days and deadlines over HTTP: what is worked, what was proclaimed, and when returns are due, closed and frozen."""

from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.calendar import actions
from app.calendar.actions import DeadlinePassed, Proclaimed
from app.calendar.domain import CalendarDay
from app.calendar.schemas import (
    CalendarDayBody,
    CalendarDayView,
    DayChangeView,
    DaysView,
    DeadlinesView,
    Why,
    calendar_day_view,
    change_view,
    day_view,
    schedule_views,
)
from app.kernel.canonical import json_bytes
from app.kernel.lines import Day
from app.kernel.months import Month
from app.kernel.refusals import AsOfInFuture
from app.web.etags import PreconditionRequired, Stale, tag_of
from app.web.moments import AsOf
from app.web.pages import BadCursor, Page, PageOf, bad_cursor
from app.web.reference import PUTTING, json_answer, json_body, refusals
from app.web.work import OutcomeUnknown, Unit

router = APIRouter(prefix="/v1", tags=["calendar"])

_DAY: Final = "/calendar/days/{day}"
_PROCLAIMED: Final[dict[str, Any]] = {
    "day": "2026-11-05",
    "worked": False,
    "name": "A day of national mourning",
    "recorded_at": "2026-10-01T09:00:00.000000Z",
}
DAYS: Final[dict[str, Any]] = {
    "days": [
        {"day": "2026-11-05", "worked": False, "why": "proclaimed", "name": "A day of national mourning"},
        {"day": "2026-11-06", "worked": True, "why": "weekday", "name": None},
    ],
    "next": None,
}
CHANGE: Final[dict[str, Any]] = {
    "calendar_day": _PROCLAIMED,
    "deadlines_moved": [
        {
            "programme": "staffs-cancer",
            "collection": "hospice",
            "month": "2026-10",
            "kind": "due",
            "before": "2026-11-13T17:00:00.000000Z",
            "after": "2026-11-16T17:00:00.000000Z",
        }
    ],
}
BODY: Final[dict[str, Any]] = {"worked": False, "name": "A day of national mourning", "why": "Proclaimed on 1 October."}
_DUE: Final[dict[str, Any]] = {
    "rule": "working day 10 after the end of 2026-10, 17:00 in London",
    "working_day": 10,
    "at": "17:00",
    "months_later": 0,
    "instant": "2026-11-13T17:00:00.000000Z",
}
DEADLINES: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "deadlines": [
        {
            "collection": "hospice",
            "collection_name": "Hospice activity",
            "month": "2026-10",
            "every": "month",
            "due": _DUE,
            "close": None,
            "freeze": None,
        }
    ],
    "next": None,
}

TheDay = Annotated[Day, Path(description="A day.", examples=["2026-11-05"])]
DryRun = Annotated[bool, Query(description="Answer with what would move, and change nothing.")]


@router.get("/calendar/days", responses=refusals(BadCursor, AsOfInFuture) | json_answer(DaysView, DAYS, description="A page of days"))
def list_calendar_days(
    unit: Unit,
    page: PageOf,
    as_of: AsOf,
    *,
    from_: Annotated[
        Day | None,
        Query(
            alias="from",
            description="The first day; left out, that of `as_of`, or of what was last recorded for all programmes.",
            examples=["2026-11-01"],
        ),
    ] = None,
    to: Annotated[Day | None, Query(description="The last day; left out, a year later.", examples=["2026-11-30"])] = None,
) -> Response:
    """List days: which are worked, and why the others are not: weekend, bank holiday of England, or proclaimed."""
    found = actions.read_days(unit.session, first=from_, last=to, actor=unit.actor, as_of=as_of, now=unit.now)
    first = _following(page, found.first)
    count = min((found.last - first).days, page.limit) + 1
    days = [first + timedelta(days=number) for number in range(count)]
    rows, following, link = page.cut(days, key=lambda day: (day.isoformat(),))
    return unit.read({"days": [day_view(found, day) for day in rows], "next": following}, headers=link)


def _following(page: Page, first: date) -> date:
    """The first day of a page: of a cursor, the day after the last one shown."""
    if page.after is None:
        return first
    try:
        (after,) = page.after
        return date.fromisoformat(str(after)) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise bad_cursor() from None


@router.get(_DAY, responses=refusals() | json_answer(CalendarDayView, _PROCLAIMED))
def get_calendar_day(unit: Unit, day: TheDay) -> Response:
    """Read what is proclaimed of a day, for all programmes."""
    return unit.read(_content(actions.read_day(unit.session, day, actor=unit.actor)))


def _content(proclaimed: Proclaimed) -> bytes:
    return json_bytes(calendar_day_view(proclaimed))


@router.put(
    _DAY,
    responses=refusals(DeadlinePassed, *PUTTING)
    | json_answer(DayChangeView, CHANGE)
    | json_answer(DayChangeView, CHANGE, status=201, description="Created"),
    openapi_extra=json_body(CalendarDayBody, BODY),
)
def put_calendar_day(unit: Unit, day: TheDay, *, dry_run: DryRun = False) -> Response:
    """Proclaim that a day is worked, or that it is not, for all programmes, and say why.

    Only an administrator of all programmes does. The answer names every deadline that moves; one that has passed never does,
    and the day is refused where one would. A new one takes `If-None-Match: *`, one that is there `If-Match`.
    """
    body = unit.json_as(CalendarDayBody)

    def expect(current: Proclaimed | None) -> None:
        if not dry_run:
            unit.precondition.check(None if current is None else tag_of(_content(current)))

    line = CalendarDay(day=day, worked=body.worked, name=body.name)
    change = actions.proclaim(unit.session, line, why=body.why, actor=unit.actor, now=unit.now, expect=expect)
    if dry_run:
        return unit.read(change_view(change))
    location = f"/v1/calendar/days/{day}" if change.created else None
    status = 201 if change.created else 200
    return unit.answer(change_view(change), status=status, etag=tag_of(_content(change.proclaimed)), location=location)


@router.delete(_DAY, responses=refusals(DeadlinePassed, PreconditionRequired, Stale, OutcomeUnknown) | json_answer(DayChangeView, CHANGE))
def delete_calendar_day(
    unit: Unit,
    day: TheDay,
    *,
    why: Annotated[Why, Query(description="Why it is taken back.", examples=["The wrong day was named."])],
    dry_run: DryRun = False,
) -> Response:
    """Take back what was proclaimed of a day; earlier answers stay as they were."""

    def expect(current: Proclaimed) -> None:
        if not dry_run:
            unit.precondition.check(tag_of(_content(current)))

    change = actions.withdraw(unit.session, day, why=why, actor=unit.actor, now=unit.now, expect=expect)
    return unit.read(change_view(change)) if dry_run else unit.answer(change_view(change))


@router.get(
    "/programmes/{programme}/deadlines",
    responses=refusals(BadCursor, AsOfInFuture) | json_answer(DeadlinesView, DEADLINES, description="A page of deadlines"),
)
def list_deadlines(
    unit: Unit,
    programme: Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])],
    page: PageOf,
    as_of: AsOf,
    *,
    from_: Annotated[Month | None, Query(alias="from", description="The first month; left out, the programme's.")] = None,
    to: Annotated[Month | None, Query(description="The last month; left out, the programme's.")] = None,
    collection: Annotated[str | None, Query(description="Only those of this collection.", max_length=64)] = None,
) -> Response:
    """List when returns are due, closed and frozen, by month and collection: the rule, and the instant that it is.

    A subcontractor's client reads the collections that are asked of its sector.
    """
    found = actions.read_schedule(
        unit.session, programme, first=from_, last=to, collection=collection, actor=unit.actor, as_of=as_of, now=unit.now
    )
    after = page.after_as(str, str)
    rest = [row for row in found.rows if after is None or (str(row[0]), row[1].code) > after]
    rows, following, link = page.cut(rest[: page.limit + 1], key=lambda row: (str(row[0]), row[1].code))
    return unit.read({"programme": programme, "deadlines": schedule_views(found, rows), "next": following}, headers=link)
