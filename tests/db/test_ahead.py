"""What goes ahead is carried out in its order or not at all, and whoever waits next is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import exc, text
from sqlalchemy.orm import Session

from app.db.ahead import AHEAD
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY
from tests.support.databases import Database

PROGRAMME = "ahead"
MOMENT = datetime(2026, 11, 2, 9, tzinfo=UTC)
TENANT = Tenant(programme=PROGRAMME, subcontract=EVERY)
_ADD = text("INSERT INTO contract_changes (programme, recorded_at, recorded_by) VALUES (:programme, :at, 'test')").execution_options(
    **AHEAD
)
_COUNT = text("SELECT count(*) FROM contract_changes")


@pytest.fixture
def programme(database: Database) -> Database:
    with database.superuser_engine.begin() as connection:
        connection.execute(
            text("INSERT INTO ledger VALUES (:programme, :at, 0, :sha256)"), {"programme": PROGRAMME, "at": MOMENT, "sha256": "0" * 64}
        )
    return database


def _send(session: Session, *minutes: int | None) -> None:
    """One row for each minute; none can be added for None, which says no moment."""
    for minute in minutes:
        session.execute(_ADD, {"programme": PROGRAMME, "at": None if minute is None else MOMENT + timedelta(minutes=minute)})


def _kept(database: Database) -> Any:
    with open_session(database.engine, TENANT) as session:
        return session.execute(_COUNT).scalar_one()


def test_what_is_waited_for_sees_what_went_before_it(programme: Database) -> None:
    with open_session(programme.engine, TENANT) as session:
        _send(session, *range(12))
        assert session.execute(_COUNT).scalar_one() == 12
        _send(session, 12)
        session.commit()
        assert session.execute(_COUNT).scalar_one() == 13
    assert _kept(programme) == 13


def test_a_commit_waits_for_what_was_sent_and_says_what_failed(programme: Database) -> None:
    # The server may have answered already when the last one is sent: then that one says so.
    with open_session(programme.engine, TENANT) as session, pytest.raises(exc.IntegrityError):
        _send(session, 1, None, 2)
        session.commit()
    assert _kept(programme) == 0


def test_the_next_statement_says_what_failed(programme: Database) -> None:
    with open_session(programme.engine, TENANT) as session:
        _send(session, 1, None)
        with pytest.raises(exc.IntegrityError):
            session.execute(_COUNT)
        session.rollback()
        _send(session, 1)
        session.commit()
    assert _kept(programme) == 1


def test_what_is_rolled_back_says_nothing(programme: Database) -> None:
    with open_session(programme.engine, TENANT) as session:
        _send(session, 1, None)
    assert _kept(programme) == 0


def test_many_rows_at_once_wait_for_what_was_sent(programme: Database) -> None:
    with open_session(programme.engine, TENANT) as session:
        _send(session, 1)
        rows = [{"programme": PROGRAMME, "at": MOMENT + timedelta(minutes=minute)} for minute in (2, 3)]
        session.execute(text("INSERT INTO contract_changes VALUES (:programme, :at, 'test')"), rows)
        assert session.execute(_COUNT).scalar_one() == 3


def test_a_transaction_may_be_of_another_kind(programme: Database) -> None:
    kind = text("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
    with open_session(programme.engine, TENANT) as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        assert tuple(session.execute(kind).one()) == ("repeatable read", "on")
        connection = session.connection().connection.driver_connection
    with open_session(programme.engine, TENANT) as session:
        _send(session, 1)
        assert session.connection().connection.driver_connection is connection
        assert tuple(session.execute(kind).one()) == ("read committed", "off")
        session.commit()
    assert _kept(programme) == 1
    with programme.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        assert connection.execute(text("SELECT pg_current_xact_id_if_assigned() IS NULL AND statement_timestamp() = now()")).scalar_one()
    assert _kept(programme) == 1


def test_a_transaction_that_is_to_change_nothing_can_change_nothing(programme: Database) -> None:
    with open_session(programme.engine, TENANT) as session:
        session.connection(execution_options={"postgresql_readonly": True})
        with pytest.raises(exc.InternalError, match="read-only"):
            session.execute(_ADD, {"programme": PROGRAMME, "at": MOMENT})
            session.commit()
    with open_session(programme.engine, TENANT) as session:
        _send(session, 1)
        session.commit()
    assert _kept(programme) == 1


def test_a_server_that_goes_away_during_the_commit_is_noticed(programme: Database) -> None:
    with open_session(programme.engine, TENANT) as session:
        own = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        _send(session, 1)
        with programme.superuser_engine.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:own, 5000)"), {"own": own})
        with pytest.raises(exc.DBAPIError) as raised:
            session.commit()
        assert raised.value.connection_invalidated
    assert _kept(programme) == 0


def test_a_server_that_goes_away_after_a_commit_that_failed_leaves_nothing(programme: Database) -> None:
    with open_session(programme.engine, TENANT) as session:
        number = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        _send(session, None)
        with pytest.raises(exc.IntegrityError):
            session.commit()
        with programme.superuser_engine.connect() as administrator:
            ended = text("SELECT pg_terminate_backend(:number, 10000)")
            assert administrator.execute(ended, {"number": number}).scalar_one()
    assert _kept(programme) == 0


def test_megabytes_that_go_ahead_are_all_sent_before_anybody_waits(database: Database) -> None:
    longer_than_any_buffer = "x" * 8_000_000
    with open_session(database.engine, TENANT) as session:
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5s'"))
        session.execute(text("SELECT length(:text)").execution_options(**AHEAD), {"text": longer_than_any_buffer})
        assert session.execute(text("SELECT length(:text)"), {"text": longer_than_any_buffer}).scalar_one() == len(longer_than_any_buffer)


@pytest.mark.parametrize("within_savepoint", [False, True])
def test_what_was_never_prepared_for_a_failure_before_it_is_prepared_again(programme: Database, *, within_savepoint: bool) -> None:
    # The driver prepares a statement when it is executed for the sixth time, and takes it for prepared once it is sent.
    with open_session(programme.engine, TENANT) as session:
        session.execute(text("SELECT 1"))
    with open_session(programme.engine, TENANT) as session:
        own = session.connection().connection.driver_connection
        for _ in range(5):
            session.execute(_COUNT)
        nested = session.begin_nested() if within_savepoint else session
        _send(session, None)
        with pytest.raises(exc.IntegrityError):
            session.execute(_COUNT)
        nested.rollback()
        session.commit()
    with open_session(programme.engine, TENANT) as session:
        assert session.connection().connection.driver_connection is own
        for _ in range(7):
            assert session.execute(_COUNT).scalar_one() == 0
