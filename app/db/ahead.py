"""Statements that nobody waits for: sent at once, and answered together with the next one that is waited for, or with the commit.

Each wait costs as much as a hundred cells, and whoever waits with a lock in hand keeps all others waiting. So what a transaction only
writes goes ahead, as PostgreSQL's pipeline mode has it: carried out in order, each seeing what those before it did. A failure of any of
them is raised by whatever is waited for next, and nothing after it is carried out; a commit waits for all of them and for itself.
"""

import contextlib
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, event

AHEAD: Final = {"ahead": True}
"""The execution options of a statement that goes ahead: it gives no rows, and how many it touched is not known."""


class Connection(psycopg.Connection[Any]):
    """A connection that may have statements on their way."""

    _pipeline_of_ours: contextlib.AbstractContextManager[Any] | None = None

    @property
    def has_sent(self) -> bool:
        return self._pipeline_of_ours is not None

    def begin_sending(self) -> None:
        """What is executed from now on is sent and not waited for."""
        if self._pipeline_of_ours is None:
            self._pipeline_of_ours = self.pipeline()
            self._pipeline_of_ours.__enter__()

    def wait_for_sent(self) -> None:
        """Wait for everything that was sent; the first failure of it is raised."""
        if self._pipeline_of_ours is not None:
            pipeline, self._pipeline_of_ours = self._pipeline_of_ours, None
            pipeline.__exit__(None, None, None)

    def commit(self) -> None:
        if self.has_sent:
            self.execute("COMMIT", prepare=False)
            self.wait_for_sent()
        # Nothing where that has ended the transaction.
        super().commit()

    def rollback(self) -> None:
        # What failed is undone all the same.
        with contextlib.suppress(psycopg.Error):
            self.wait_for_sent()
        super().rollback()


def send_ahead(engine: Engine) -> None:
    """Let statements of this engine go ahead. Of an engine without, each is waited for."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "do_execute", _execute)
    event.listen(engine, "do_execute_no_params", _wait_first)
    event.listen(engine, "do_executemany", _wait_first)
    event.listen(engine, "checkin", _leave_nothing)


def _connect(_dialect: object, _record: object, arguments: Any, named: Any) -> Connection:
    return Connection.connect(*arguments, **named)


def _execute(cursor: psycopg.Cursor[Any], statement: Any, parameters: Any, context: Any) -> bool:
    """Send a statement, and wait for it and all that was sent before unless it goes ahead; False leaves it to SQLAlchemy."""
    connection = cursor.connection
    assert isinstance(connection, Connection)
    if context.execution_options.get("ahead"):
        connection.begin_sending()
        cursor.execute(statement, parameters)
        return True
    if not connection.has_sent:
        return False
    cursor.execute(statement, parameters)
    connection.wait_for_sent()
    return True


def _wait_first(cursor: psycopg.Cursor[Any], *_: object) -> None:
    assert isinstance(cursor.connection, Connection)
    cursor.connection.wait_for_sent()


def _leave_nothing(connection: Connection | None, _record: object) -> None:
    """A commit that failed with what was sent before it is one that PostgreSQL never saw: the transaction is still open.

    Where the server has gone away since, nothing is left; the connection's next user notices (`app/db/engine.py`).
    """
    if connection is not None and connection.info.transaction_status in {
        psycopg.pq.TransactionStatus.INTRANS,
        psycopg.pq.TransactionStatus.INERROR,
    }:
        with contextlib.suppress(psycopg.Error):
            connection.rollback()
