"""The moment that a read is judged at: never one that somebody is still recording before."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.calendar.as_of import resolve
from app.configuration.actions import apply_configuration
from app.db import facts
from app.db.ledger import begin_recording
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY, MACHINE
from app.kernel.moments import TICK
from app.kernel.refusals import Invalid
from app.programmes.domain import Phase
from app.programmes.store import PHASES, phases
from tests.make import document, exact
from tests.support.databases import Database

WHOLE = Tenant(programme="test-cancer", subcontract=EVERY, commissioner=EVERY)
SET_UP = datetime(2026, 7, 1, 9, tzinfo=UTC)
DUE = datetime(2026, 8, 14, 16, tzinfo=UTC)
"""The tenth working day after July, 17:00 in London: the hospice's first deadline."""


@pytest.fixture
def programme(database: Database) -> Database:
    with open_session(database.engine, WHOLE) as session:
        apply_configuration(session, "test-cancer", exact(document()), actor=MACHINE, now=SET_UP, expect=lambda _current: None)
        session.commit()
    return database


def resolved(database: Database, *, now: datetime, asked: datetime | None = None) -> datetime:
    with open_session(database.engine, WHOLE) as session:
        return resolve(session, "test-cancer", asked=asked, now=now)


def test_left_out_it_is_the_last_record_or_just_after_the_last_deadline(programme: Database) -> None:
    assert resolved(programme, now=DUE - timedelta(hours=1)) == SET_UP
    assert resolved(programme, now=DUE) == SET_UP
    assert resolved(programme, now=DUE + TICK) == DUE + TICK
    assert resolved(programme, now=DUE + timedelta(days=2)) == DUE + TICK


def test_asked_for_it_is_that_moment_but_none_to_come(programme: Database) -> None:
    for asked in (SET_UP - timedelta(days=9), SET_UP, DUE):
        assert resolved(programme, now=DUE, asked=asked) == asked
    with pytest.raises(Invalid) as refused:
        resolved(programme, now=DUE, asked=DUE + TICK)
    assert refused.value.code == "as_of_in_future"


def is_waiting(database: Database) -> bool:
    with database.superuser_engine.connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND wait_event_type = 'Lock'"
        return bool(connection.execute(text(query), {"name": database.name}).scalar_one())


@pytest.mark.parametrize("asked", [DUE + timedelta(days=1), None], ids=["asked", "just after a deadline"])
def test_a_reader_beyond_the_last_record_waits_for_whoever_is_recording(programme: Database, asked: datetime | None) -> None:
    def read() -> tuple[datetime, int]:
        with open_session(programme.engine, WHOLE) as session:
            moment = resolve(session, "test-cancer", asked=asked, now=DUE + timedelta(days=1))
            return moment, len(phases(session, "test-cancer", as_of=moment))

    with ThreadPoolExecutor(1) as pool, open_session(programme.engine, WHOLE) as writer:
        recording = begin_recording(writer, "test-cancer", actor=MACHINE, now=DUE - timedelta(hours=1))
        facts.add(writer, PHASES, recording, facts.rows_of(PHASES, [Phase(number=2, name="Transformation")]), programme="test-cancer")
        reader: Future[tuple[datetime, int]] = pool.submit(read)
        deadline = time.monotonic() + 5
        while not is_waiting(programme) and not reader.done() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not reader.done(), "the reader answered while somebody was recording before its moment"
        writer.commit()
        moment, seen = reader.result(timeout=10)
    assert (moment, seen) == (asked or DUE + TICK, 2)
