"""Working days and deadlines against published timetables, and their edges over clock changes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import holidays
import pytest

from app.calendar.deadlines import deadline, ends_period, last_passed, moved_by, return_months, working_days_late
from app.calendar.domain import Collection, DeadlineRule
from app.calendar.working_days import ENGLAND, WorkingDays, bank_holidays
from app.kernel.canonical import sha256
from app.kernel.moments import TICK
from app.kernel.months import Month
from app.programmes.domain import Programme
from app.returns.domain import Deadlines

# CSDS close on the 10th working day; RTT on the 13th and 18th; CWT upload, edits and reports on the 23rd to 25th (2018 timetable).
TIMETABLES = [
    ("2018-05", 23, "2018-07-03"),
    ("2018-05", 24, "2018-07-04"),
    ("2018-05", 25, "2018-07-05"),
    ("2018-06", 23, "2018-08-01"),
    ("2018-06", 24, "2018-08-02"),
    ("2018-06", 25, "2018-08-03"),
    ("2018-07", 23, "2018-09-03"),
    ("2018-07", 24, "2018-09-04"),
    ("2018-07", 25, "2018-09-05"),
    ("2018-08", 23, "2018-10-03"),
    ("2018-08", 24, "2018-10-04"),
    ("2018-08", 25, "2018-10-05"),
    ("2018-09", 23, "2018-10-31"),
    ("2018-09", 24, "2018-11-01"),
    ("2018-09", 25, "2018-11-02"),
    ("2024-02", 10, "2024-03-14"),
    ("2024-03", 10, "2024-04-15"),
    ("2024-03", 13, "2024-04-18"),
    ("2024-03", 18, "2024-04-25"),
    ("2024-03", 25, "2024-05-07"),
    ("2024-04", 10, "2024-05-15"),
    ("2024-12", 10, "2025-01-15"),
    ("2024-12", 13, "2025-01-20"),
    ("2024-12", 18, "2025-01-27"),
    ("2024-12", 25, "2025-02-05"),
    ("2025-03", 10, "2025-04-14"),
    ("2025-03", 13, "2025-04-17"),
    ("2025-03", 18, "2025-04-28"),
    ("2025-03", 25, "2025-05-08"),
    ("2025-12", 10, "2026-01-15"),
    ("2025-12", 13, "2026-01-20"),
    ("2025-12", 18, "2026-01-27"),
    ("2025-12", 25, "2026-02-05"),
    ("2026-03", 10, "2026-04-16"),
    ("2026-03", 13, "2026-04-21"),
    ("2026-03", 18, "2026-04-28"),
    ("2026-03", 25, "2026-05-08"),
    ("2026-10", 10, "2026-11-13"),
]


@pytest.mark.parametrize(("month", "number", "day"), TIMETABLES)
def test_the_nth_working_day_is_that_of_the_published_timetable(month: str, number: int, day: str) -> None:
    assert ENGLAND.nth_after(Month.parse(month), number) == date.fromisoformat(day)


def test_bank_holidays_and_weekends_are_no_working_days() -> None:
    assert not ENGLAND.is_worked(date(2026, 4, 3))  # Good Friday
    assert not ENGLAND.is_worked(date(2026, 4, 6))  # Easter Monday
    assert not ENGLAND.is_worked(date(2022, 9, 19))  # proclaimed
    assert not ENGLAND.is_worked(date(2026, 11, 14))
    assert ENGLAND.is_worked(date(2026, 11, 13))


@pytest.mark.parametrize(
    ("month", "instant"),
    [
        ("2026-10", datetime(2026, 11, 13, 17, tzinfo=UTC)),  # winter time
        ("2026-03", datetime(2026, 4, 16, 16, tzinfo=UTC)),  # summer time
    ],
)
def test_a_deadline_is_an_hour_in_london(month: str, instant: datetime) -> None:
    assert deadline(DeadlineRule(working_day=10), Month.parse(month), ENGLAND) == instant


@pytest.mark.parametrize(
    ("month", "day", "offset"),
    [("2026-02", "2026-03-27", 0), ("2026-02", "2026-03-30", 1), ("2026-09", "2026-10-23", 1), ("2026-09", "2026-10-26", 0)],
)
def test_the_last_second_is_in_time_on_either_side_of_a_clock_change(month: str, day: str, offset: int) -> None:
    """The clocks went forward on 29 March and back on 25 October 2026, both Sundays."""
    number = next(number for number in range(1, 40) if ENGLAND.nth_after(Month.parse(month), number) == date.fromisoformat(day))
    for at in ("00:00", "01:30", "17:00", "23:59"):
        instant = deadline(DeadlineRule(working_day=number, at=at), Month.parse(month), ENGLAND)
        hour, minute = map(int, at.split(":"))
        assert instant == datetime.fromisoformat(day).replace(hour=hour, minute=minute, tzinfo=UTC) - timedelta(hours=offset)
        on_time = Deadlines(due=instant, close=instant, freeze=instant)
        for moment, late in ((instant - timedelta(seconds=1), False), (instant, False), (instant + TICK, True)):
            assert (on_time.timeliness(moment) == "late", on_time.is_closed(moment), on_time.is_frozen(moment)) == (late, late, late)


@pytest.mark.parametrize(("sunday", "at", "instant"), [("2026-03-29", "01:30", "01:30"), ("2026-10-25", "01:30", "00:30")])
def test_an_hour_that_the_clock_skips_or_has_twice_is_one_instant(sunday: str, at: str, instant: str) -> None:
    """On a Sunday that is worked: the skipped hour is as long after midnight as it says, of two the first counts."""
    day = date.fromisoformat(sunday)
    days = WorkingDays(worked=frozenset({day}))
    month = Month.of(day).plus(-1)
    number = next(number for number in range(1, 40) if days.nth_after(month, number) == day)
    found = deadline(DeadlineRule(working_day=number, at=at), month, days)
    assert found.astimezone(UTC) == datetime.fromisoformat(f"{sunday}T{instant}:00+00:00")


def test_months_later_counts_from_the_end_of_a_later_month() -> None:
    rule = DeadlineRule(working_day=10, months_later=1)
    assert deadline(rule, Month.parse("2026-09"), ENGLAND) == datetime(2026, 11, 13, 17, tzinfo=UTC)


def test_periods_end_in_their_last_month() -> None:
    july = 7
    ends = {
        every: [n for n in range(1, 13) if ends_period(Month(2026 * 12 + n - 1), every, year_begins=july)]
        for every in ("month", "quarter", "half_year", "year")
    }
    assert ends == {"month": list(range(1, 13)), "quarter": [3, 6, 9, 12], "half_year": [6, 12], "year": [6]}


def collection(**changes: Any) -> Collection:
    return Collection.model_validate({"code": "c", "name": "C", "measures": ["m"], "due": {"working_day": 10}, **changes})


def term(starts_on: str, ends_on: str) -> Programme:
    stated = {"code": "p", "name": "P", "prime": "X", "starts_on": starts_on, "ends_on": ends_on}
    return Programme.model_validate(stated)


def test_the_last_passed_deadline_is_just_before_the_clock() -> None:
    line, years = collection(), term("2026-07-01", "2030-06-30")
    due = datetime(2026, 11, 13, 17, tzinfo=UTC)
    assert last_passed((line,), ENGLAND, term=years, now=due) == deadline(line.due, Month.parse("2026-09"), ENGLAND)
    assert last_passed((line,), ENGLAND, term=years, now=due.replace(microsecond=1)) == due
    assert last_passed((line,), ENGLAND, term=years, now=datetime(2026, 7, 1, tzinfo=UTC)) is None
    assert last_passed((), ENGLAND, term=years, now=due) is None


@pytest.mark.parametrize(
    ("every", "months"),
    [
        ("month", ["2026-08", "2026-09", "2026-10"]),
        ("quarter", ["2026-09", "2026-12"]),
        ("half_year", ["2027-01"]),
        ("year", ["2027-07"]),
    ],
)
def test_the_last_period_may_end_after_the_term(every: str, months: list[str]) -> None:
    """Its deadline passes and moves like every other, and a month that ends no period has none."""
    line, years = collection(every=every), term("2026-08-01", "2026-10-31")
    assert [str(month) for month in return_months(line, years)] == months[::-1]
    assert [str(month) for month in return_months(line, years, until=Month.parse("2026-11"))] == [
        each for each in months[::-1] if each < "2026-12"
    ]
    dues = [deadline(line.due, Month.parse(month), ENGLAND) for month in months]
    for passed, due in zip([None, *dues], dues, strict=False):
        assert last_passed((line,), ENGLAND, term=years, now=due) == passed
    assert last_passed((line,), ENGLAND, term=years, now=datetime(2040, 1, 1, tzinfo=UTC)) == dues[-1]
    day = dues[-1].date()
    moved = moved_by(day, ENGLAND, WorkingDays(proclaimed=frozenset({day})), [line], term=years)
    assert [(str(each.month), each.before) for each in moved] == [(months[-1], dues[-1])]


def test_a_proclaimed_day_moves_what_comes_after_it() -> None:
    proclaimed = WorkingDays(proclaimed=frozenset({date(2026, 11, 5)}))
    assert proclaimed.nth_after(Month.parse("2026-10"), 10) == date(2026, 11, 16)
    assert proclaimed.nth_after(Month.parse("2026-10"), 3) == date(2026, 11, 4)
    worked = WorkingDays(worked=frozenset({date(2026, 11, 7)}))
    assert worked.nth_after(Month.parse("2026-10"), 10) == date(2026, 11, 12)


def test_the_library_knows_the_holidays_that_deadlines_were_given_by() -> None:
    """A release of the library that moves a day would move deadlines without a record: proclaim the day in the override table instead."""
    known = {year: sorted(day for day in bank_holidays(year) if day.weekday() < 5) for year in range(2014, 2037)}
    extra = {2022: 10, 2023: 9}
    assert {year: len(days) for year, days in known.items()} == {year: extra.get(year, 8) for year in known}
    text = " ".join(day.isoformat() for days in known.values() for day in days)
    assert sha256(text.encode()) == "2570c02258262689de4c5fd5e6e0c6b4e812e062da5e86d6dfc6c99a1c00cf71"


@pytest.mark.parametrize(
    ("received", "late"),
    [
        (datetime(2026, 11, 13, 17, tzinfo=UTC), 0),
        (datetime(2026, 11, 13, 17, 0, 0, 1, tzinfo=UTC), 1),
        (datetime(2026, 11, 15, 12, tzinfo=UTC), 1),
        (datetime(2026, 11, 16, 9, tzinfo=UTC), 1),
        (datetime(2026, 11, 17, 9, tzinfo=UTC), 2),
        (datetime(2026, 12, 29, 9, tzinfo=UTC), 30),
    ],
)
def test_the_working_days_that_something_is_late(received: datetime, late: int) -> None:
    assert working_days_late(datetime(2026, 11, 13, 17, tzinfo=UTC), received, ENGLAND) == late


def test_bank_holidays_are_those_of_the_librarys_front_door() -> None:
    for year in range(2000, 2060):
        assert bank_holidays(year) == frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))
