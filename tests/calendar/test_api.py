"""Proclaimed days and deadlines over HTTP: who may change the calendar, what moves, and what never does."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.calendar.deadlines import deadline
from app.calendar.domain import DeadlineRule
from app.calendar.schemas import DayChangeView, DaysView, DeadlinesView
from app.calendar.working_days import ENGLAND, WorkingDays
from app.kernel.moments import LONDON, TICK, moment_text
from app.kernel.months import Month
from tests.make import document
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.http import Web, serving

NEW = {"If-None-Match": "*"}
PROGRAMME = "/v1/programmes/test-cancer"
DEADLINES = f"{PROGRAMME}/deadlines"
MOURNING = {"worked": False, "name": "A day of national mourning", "why": "Proclaimed this morning."}
# Keys are made, and last, by the machine's clock: what is tried lies just ahead of it.
START = datetime.now(UTC) + timedelta(minutes=1)
MONTH = Month.of(START.date()).plus(1)
RULE = DeadlineRule(working_day=10)
DUE = deadline(RULE, MONTH, ENGLAND)
DAY = ENGLAND.nth_after(MONTH, 3)
WITHOUT = WorkingDays(proclaimed=frozenset({DAY}))
SATURDAY = next(day for day in (MONTH.last_day + timedelta(days=number) for number in range(1, 8)) if day.weekday() == 5)
DAYS = "/v1/calendar/days"
ADDRESS = f"{DAYS}/{DAY}"


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def web(database: Database, clock: Clock) -> Iterator[Web]:
    with serving(database, clock=clock) as web:
        for code in ("test-cancer", "test-other"):
            body = document(programme={**document()["programme"], "code": code})
            made = web.put(f"/v1/programmes/{code}/configuration", body, key=web.key("administrator"), headers=NEW)
            assert made.status_code == 201, made.text
        yield web


def put(web: Web, day: date, *, key: str | None = None, query: str = "", headers: dict[str, str] = NEW, **changes: Any) -> httpx.Response:
    return web.put(f"{DAYS}/{day}{query}", {**MOURNING, **changes}, key=key or web.key("administrator"), headers=headers)


def moved(answer: httpx.Response) -> list[tuple[str, ...]]:
    names = ("programme", "collection", "month", "kind", "before", "after")
    return [tuple(row[name] for name in names) for row in answer.json()["deadlines_moved"]]


def due(web: Web, programme: str = "test-cancer", **asked: str) -> str:
    query = "".join(f"&{name}={value}" for name, value in asked.items())
    address = f"/v1/programmes/{programme}/deadlines?from={MONTH}&to={MONTH}&collection=hospice{query}"
    answer = web.get(address, key=web.key("administrator"))
    assert answer.status_code == 200, answer.text
    instant: str = answer.json()["deadlines"][0]["due"]["instant"]
    return instant


def test_a_proclaimed_day_moves_what_comes_after_it_in_every_programme(web: Web) -> None:
    answer = put(web, DAY)
    assert (answer.status_code, answer.headers["Location"]) == (201, ADDRESS)
    DayChangeView.model_validate_json(answer.content)
    rules = {
        ("hospice", "due"): RULE,
        ("cwt", "due"): DeadlineRule(working_day=27),
        ("cwt", "close"): DeadlineRule(working_day=10, months_later=1),
        ("cwt", "freeze"): DeadlineRule(working_day=18, months_later=2),
    }
    expected = {
        (programme, collection, str(month), kind, moment_text(before), moment_text(after))
        for programme in ("test-cancer", "test-other")
        for (collection, kind), rule in rules.items()
        for month in Month.parse("2026-07").through(Month.parse("2036-06"))
        for before, after in [(deadline(rule, month, ENGLAND), deadline(rule, month, WITHOUT))]
        if before != after
    }
    assert set(moved(answer)) == expected
    assert {row[3] for row in expected} == {"due", "close", "freeze"}
    assert due(web) == due(web, "test-other") == moment_text(deadline(RULE, MONTH, WITHOUT))
    assert due(web, as_of=moment_text(START)) == moment_text(DUE)


def test_days_are_listed_with_why_page_by_page(web: Web) -> None:
    year = MONTH.last_day.year + 1
    put(web, date(year, 12, 24))
    put(web, SATURDAY, worked=True, name="A Saturday that is worked")
    key = web.key("commissioner", programme="test-cancer", commissioner="05W")
    answer = web.get(f"{DAYS}?from={year}-12-23&to={year}-12-25", key=key)
    DaysView.model_validate_json(answer.content)
    assert [(row["day"][8:], row["why"], row["name"]) for row in answer.json()["days"]][1:] == [
        ("24", "proclaimed", "A day of national mourning"),
        ("25", "weekend" if date(year, 12, 25).weekday() > 4 else "bank_holiday", "Christmas Day"),
    ]
    assert [row["worked"] for row in answer.json()["days"]][1:] == [False, False]
    sunday = SATURDAY + timedelta(days=1)
    told = web.get(f"{DAYS}?from={SATURDAY}&to={sunday}", key=key).json()["days"]
    assert [(row["worked"], row["why"]) for row in told] == [(True, "proclaimed"), (False, "weekend")]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = web.get(f"{DAYS}?limit=100{cursor and f'&cursor={cursor}'}", key=key).json()
        found += [row["day"] for row in page["days"]]
        cursor = page["next"]
    first = START.astimezone(LONDON).date()
    assert found == [(first + timedelta(days=number)).isoformat() for number in range(366)]
    assert web.get(f"{DAYS}?from=2027-01-02&to=2027-01-01", key=key).status_code == 422
    assert web.get(f"{DAYS}?from=2199-12-30", key=key).status_code == 200
    assert web.get(f"{DAYS}?cursor=x", key=key).status_code == 422
    before = web.get(f"{DAYS}?from={SATURDAY}&to={SATURDAY}&as_of={moment_text(START)}", key=key).json()
    assert before["days"][0]["why"] == "weekend"
    assert web.get(f"{DAYS}?as_of={moment_text(START + timedelta(1))}", key=key).status_code == 422


def test_a_day_is_read_changed_and_taken_back_by_who_has_seen_it(web: Web, database: Database) -> None:
    key = web.key("administrator")
    assert web.get(ADDRESS, key=key).status_code == 404
    assert put(web, DAY, headers={}).status_code == 428
    made = put(web, DAY)
    read = web.get(ADDRESS, key=key)
    assert (read.headers["ETag"], read.json()) == (made.headers["ETag"], made.json()["calendar_day"])
    for headers, status in (({}, 428), (NEW, 412), ({"If-Match": '"x"'}, 412)):
        assert put(web, DAY, name="Other", headers=headers).status_code == status
        if headers != NEW:
            assert web.request("DELETE", f"{ADDRESS}?why=Wrong", key=key, headers=headers).status_code == status
    same = put(web, DAY, headers={"If-Match": read.headers["ETag"]})
    assert (same.status_code, same.json()) == (200, {"calendar_day": read.json(), "deadlines_moved": []})
    renamed = put(web, DAY, name="Mourning", headers={"If-Match": read.headers["ETag"]})
    assert (renamed.status_code, renamed.json()["calendar_day"]["name"], moved(renamed)) == (200, "Mourning", [])
    back = web.request("DELETE", f"{ADDRESS}?why=Wrong", key=key, headers={"If-Match": renamed.headers["ETag"]})
    assert (back.status_code, len(moved(back))) == (200, len(moved(made)))
    assert due(web) == moment_text(DUE)
    assert web.get(ADDRESS, key=key).status_code == 404
    with database.superuser_engine.connect() as connection:
        query = "SELECT programme, action, details->>'deadlines_moved', details->>'why' FROM events WHERE action LIKE 'calendar_day.%'"
        events = connection.execute(text(f"{query} ORDER BY recorded_at, programme")).all()
    each = str(len(moved(made)) // 2)
    assert [tuple(row) for row in events[:3]] == [
        ("*", "calendar_day.proclaimed", str(len(moved(made))), MOURNING["why"]),
        ("test-cancer", "calendar_day.proclaimed", each, None),
        ("test-other", "calendar_day.proclaimed", each, None),
    ]
    assert [row[1] for row in events[3::3]] == ["calendar_day.changed", "calendar_day.withdrawn"]


def test_a_dry_run_tells_and_changes_nothing(web: Web) -> None:
    tried = put(web, DAY, query="?dry_run=true", headers={})
    assert (tried.status_code, due(web)) == (200, moment_text(DUE))
    assert moved(put(web, DAY)) == moved(tried)
    assert due(web) == moment_text(deadline(RULE, MONTH, WITHOUT))
    assert web.request("DELETE", f"{ADDRESS}?why=W&dry_run=true", key=web.key("administrator")).status_code == 200
    assert web.get(ADDRESS, key=web.key("administrator")).status_code == 200


def test_a_deadline_that_has_passed_never_moves(web: Web, clock: Clock) -> None:
    clock.now = DUE + TICK
    refused = put(web, DAY)
    assert (refused.status_code, refused.json()["code"]) == (409, "deadline_passed")
    assert f"due of hospice for {MONTH} in test-cancer is {moment_text(DUE)}" in refused.text
    assert web.get(ADDRESS, key=web.key("administrator")).status_code == 404
    # What comes after it moves only what has not passed; what the calendar says already moves nothing.
    later = put(web, ENGLAND.nth_after(MONTH, 11))
    assert later.status_code == 201
    assert min(row[4] for row in moved(later)) > moment_text(clock.now)
    repeated = put(web, DAY, worked=True)
    assert (repeated.status_code, moved(repeated)) == (201, [])


def test_a_day_that_has_begun_stays_worked_or_not(web: Web, clock: Clock) -> None:
    """No deadline moves, and by how many working days something came late would."""
    day = ENGLAND.nth_after(MONTH, 12)
    clock.now = datetime.combine(day, datetime.min.time(), tzinfo=LONDON).astimezone(UTC)
    refused = put(web, day)
    assert (refused.status_code, refused.json()["code"]) == (409, "deadline_passed")
    assert "day_begun" in [fault["code"] for fault in refused.json()["errors"]]
    clock.now -= TICK
    assert put(web, day).status_code == 201


def test_a_deadline_is_not_moved_to_before_now(web: Web, clock: Clock) -> None:
    """A Saturday that is worked would let a deadline ahead be one that has passed."""
    clock.now = deadline(DeadlineRule(working_day=9), MONTH, ENGLAND) + TICK
    refused = put(web, SATURDAY, worked=True)
    assert refused.status_code == 409
    assert f"due of hospice for {MONTH} in test-cancer is {moment_text(DUE)}" in refused.text
    clock.now = START
    assert put(web, SATURDAY, worked=True).status_code == 201


@pytest.mark.parametrize(
    ("role", "scope", "read", "changed"),
    [
        ("administrator", {}, 200, 201),
        ("administrator", {"programme": "test-cancer"}, 200, 403),
        ("contract_manager", {"programme": "test-cancer"}, 200, 403),
        ("auditor", {}, 200, 403),
        ("preparer", {"programme": "test-cancer", "subcontract": "SC-RJE"}, 200, 403),
        ("commissioner_lead", {"programme": "test-cancer", "commissioner": "05W"}, 200, 403),
    ],
)
def test_only_an_administrator_of_all_programmes_changes_the_calendar(
    web: Web, role: str, scope: dict[str, str], read: int, changed: int
) -> None:
    key = web.key(role, **scope)
    assert web.get("/v1/calendar/days", key=key).status_code == read
    assert put(web, DAY, key=key).status_code == changed
    other = ENGLAND.nth_after(MONTH, 4)
    made = put(web, other)
    status = web.request("DELETE", f"{DAYS}/{other}?why=W", key=key, headers={"If-Match": made.headers["ETag"]}).status_code
    assert status == (200 if changed == 201 else 403)


def test_deadlines_tell_rule_and_instant_and_a_sector_its_own(web: Web) -> None:
    answer = web.get(f"{DEADLINES}?from=2026-10&to=2026-10", key=web.key("analyst", programme="test-cancer"))
    DeadlinesView.model_validate_json(answer.content)
    cwt, hospice = answer.json()["deadlines"]
    assert hospice["due"] == {
        "rule": "working day 10 after the end of 2026-10, 17:00 in London",
        "working_day": 10,
        "at": "17:00",
        "months_later": 0,
        "instant": "2026-11-13T17:00:00.000000Z",
    }
    assert (hospice["close"], hospice["freeze"], cwt["freeze"]["months_later"]) == (None, None, 2)
    for subcontract, collection in (("SC-RJE", "cwt"), ("SC-H9901", "hospice")):
        key = web.key("preparer", programme="test-cancer", subcontract=subcontract)
        told = web.get(f"{DEADLINES}?from=2026-10&to=2026-10", key=key).json()["deadlines"]
        assert collection in [row["collection"] for row in told]
    assert web.get(f"{DEADLINES}?collection=none", key=web.key("administrator")).status_code == 404
    assert web.get(DEADLINES, key=web.key("commissioner", programme="test-cancer", commissioner="05W")).status_code == 403
    assert web.get("/v1/programmes/none/deadlines", key=web.key("administrator")).status_code == 404
    found: list[tuple[str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = web.get(f"{DEADLINES}?limit=150{cursor and f'&cursor={cursor}'}", key=web.key("administrator")).json()
        found += [(row["month"], row["collection"]) for row in page["deadlines"]]
        cursor = page["next"]
    assert found == sorted(set(found))
    assert len(found) == 240


def test_a_programme_set_up_later_reads_what_was_proclaimed(web: Web, clock: Clock) -> None:
    put(web, DAY)
    clock.now -= timedelta(minutes=1)  # another machine's clock
    body = document(programme={**document()["programme"], "code": "test-late"})
    assert web.put("/v1/programmes/test-late/configuration", body, key=web.key("administrator"), headers=NEW).status_code == 201
    assert due(web, "test-late") == moment_text(deadline(RULE, MONTH, WITHOUT))
