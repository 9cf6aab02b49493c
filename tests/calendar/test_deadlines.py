"""Working days and deadlines against published timetables, and their edges over clock changes."""

from datetime import UTC, date, datetime

import pytest

from app.calendar.deadlines import deadline, ends_period, is_working_day, last_passed, working_day_after
from app.calendar.domain import Collection, DeadlineRule
from app.kernel.months import Month

# CSDS close on the 10th working day; RTT on the 13th and 18th; CWT upload, edits and reports on the 23rd to 25th (2018 timetable).
TIMETABLES = [
    ("2024-02", 10, "2024-03-14"),
    ("2024-03", 10, "2024-04-15"),
    ("2024-04", 10, "2024-05-15"),
    ("2025-12", 10, "2026-01-15"),
    ("2026-03", 10, "2026-04-16"),
    ("2026-10", 10, "2026-11-13"),
    ("2026-03", 13, "2026-04-21"),
    ("2026-03", 18, "2026-04-28"),
    ("2018-05", 23, "2018-07-03"),
    ("2018-05", 24, "2018-07-04"),
    ("2018-05", 25, "2018-07-05"),
    ("2018-08", 23, "2018-10-03"),
    ("2018-08", 25, "2018-10-05"),
]


@pytest.mark.parametrize(("month", "number", "day"), TIMETABLES)
def test_the_nth_working_day_is_that_of_the_published_timetable(month: str, number: int, day: str) -> None:
    assert working_day_after(Month.parse(month), number) == date.fromisoformat(day)


def test_bank_holidays_and_weekends_are_no_working_days() -> None:
    assert not is_working_day(date(2026, 4, 3))  # Good Friday
    assert not is_working_day(date(2026, 4, 6))  # Easter Monday
    assert not is_working_day(date(2022, 9, 19))  # proclaimed
    assert not is_working_day(date(2026, 11, 14))
    assert is_working_day(date(2026, 11, 13))


@pytest.mark.parametrize(
    ("month", "instant"),
    [
        ("2026-10", datetime(2026, 11, 13, 17, tzinfo=UTC)),  # winter time
        ("2026-03", datetime(2026, 4, 16, 16, tzinfo=UTC)),  # summer time
    ],
)
def test_a_deadline_is_an_hour_in_london(month: str, instant: datetime) -> None:
    assert deadline(DeadlineRule(working_day=10), Month.parse(month)) == instant


def test_months_later_counts_from_the_end_of_a_later_month() -> None:
    rule = DeadlineRule(working_day=10, months_later=1)
    assert deadline(rule, Month.parse("2026-09")) == datetime(2026, 11, 13, 17, tzinfo=UTC)


def test_periods_end_in_their_last_month() -> None:
    july = 7
    ends = {
        every: [n for n in range(1, 13) if ends_period(Month(2026 * 12 + n - 1), every, year_begins=july)]
        for every in ("month", "quarter", "half_year", "year")
    }
    assert ends == {"month": list(range(1, 13)), "quarter": [3, 6, 9, 12], "half_year": [6, 12], "year": [6]}


def test_the_last_passed_deadline_is_just_before_the_clock() -> None:
    collection = Collection.model_validate({"code": "c", "name": "C", "measures": ["m"], "due": {"working_day": 10}})
    first, last = Month.parse("2026-07"), Month.parse("2030-06")
    due = datetime(2026, 11, 13, 17, tzinfo=UTC)
    assert last_passed((collection,), first=first, last=last, now=due) == deadline(collection.due, Month.parse("2026-09"))
    assert last_passed((collection,), first=first, last=last, now=due.replace(microsecond=1)) == due
    assert last_passed((collection,), first=first, last=last, now=datetime(2026, 7, 1, tzinfo=UTC)) is None
    assert last_passed((), first=first, last=last, now=due) is None
