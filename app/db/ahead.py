"""Statements that nobody waits for: sent at once, and answered together with the next one that is waited for, or with the commit.

Each wait costs as much as a hundred cells, and whoever waits with a lock in hand keeps all others waiting. So what a transaction only
writes goes ahead, as PostgreSQL's pipeline mode has it: carried out in order, each seeing what those before it did. A failure of any of
them is raised by whatever is waited for next, and nothing after it is carried out; a commit waits for all of them and for itself.
"""

import contextlib
from collections.abc import Generator
from typing import Any, Final

import psycopg
import sqlalchemy
from psycopg import waiting
from sqlalchemy import Engine, event

AHEAD: Final = {"ahead": True}
"""The execution options of a statement that goes ahead: it gives no rows, and how many it touched is not known."""


_WRITES: Final = 4
"""So many writes of one step are tried at once; whoever has more to send asks the system when it can."""


class Connection(psycopg.Connection[Any]):
    """A connection that may have statements on their way: from a transaction's first to its end it is in pipeline mode."""

    _pipeline_of_ours: contextlib.AbstractContextManager[psycopg.Pipeline] | None = None
    _way: psycopg.Pipeline

    @property
    def is_sending(self) -> bool:
        return self._pipeline_of_ours is not None

    def begin_sending(self) -> None:
        """What is executed from now on is sent and not waited for."""
        if self._pipeline_of_ours is None:
            pipeline = self.pipeline()
            self._way = pipeline.__enter__()
            self._pipeline_of_ours = pipeline

    def wait_for_sent(self) -> None:
        """Wait for everything that was sent; the first failure of it is raised."""
        if self.is_sending:
            self._way.sync()

    def end_sending(self) -> None:
        """The same; what is executed from now on is waited for by itself."""
        if self._pipeline_of_ours is not None:
            pipeline, self._pipeline_of_ours = self._pipeline_of_ours, None
            pipeline.__exit__(None, None, None)

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **named: Any) -> Any:
        """As psycopg does it, but what is to be written while nobody waits is written before the system is asked whether it can be.

        It nearly always can. Each question gives another thread Python's lock, and whoever holds a lock in the database waits to have it back.
        """
        if not self.pgconn.pipeline_status:
            return super().wait(gen, *arguments, **named)
        try:
            return super().wait(_writing_first(self.pgconn, gen), *arguments, **named)
        except psycopg.Error:
            # What was sent after what failed is taken for prepared by psycopg, and never was.
            self._prepared.clear()
            raise

    def begin(self) -> None:
        """Begin a transaction, without waiting for it as psycopg would."""
        if not self.autocommit:
            # Whoever asked for a level of isolation gave it back to psycopg.
            self.autocommit = True
        self.begin_sending()
        self.execute("BEGIN READ ONLY" if self.read_only else "BEGIN", prepare=False)

    def commit(self) -> None:
        if self.is_sending:
            self.execute("COMMIT", prepare=False)
            self.end_sending()
        # Nothing where that has ended the transaction.
        super().commit()

    def rollback(self) -> None:
        # What failed is undone all the same.
        with contextlib.suppress(psycopg.Error):
            self.end_sending()
        # By psycopg, which then also lets the server forget what it no longer takes for prepared.
        super().rollback()

    def close(self) -> None:
        super().close()
        with contextlib.suppress(psycopg.Error):
            self.end_sending()


def _writing_first(server: psycopg.pq.abc.PGconn, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """The same steps of a conversation, with the first few writes not asked about.

    And never waiting for an answer to what is not all sent yet: psycopg does not look whether a last statement of megabytes went out whole.
    """
    try:
        wanted = next(gen)
        for _ in range(_WRITES):
            if wanted != waiting.Wait.RW:
                break
            wanted = gen.send(waiting.Ready.W)
        while True:
            unsent = wanted == waiting.Wait.R and server.flush()
            ready = yield waiting.Wait.RW if unsent else wanted
            if unsent and not ready & waiting.Ready.R:
                continue
            wanted = gen.send(waiting.Ready.R if unsent else ready)
    except StopIteration as end:
        return end.value


def send_ahead(engine: Engine) -> None:
    """Let statements of this engine go ahead. Of an engine without, each is waited for."""
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "do_execute", _execute)
    event.listen(engine, "do_execute_no_params", _wait_first)
    event.listen(engine, "do_executemany", _wait_first)
    event.listen(engine, "reset", _leave_nothing)


def _connect(_dialect: object, _record: object, arguments: Any, named: Any) -> Connection:
    return Connection.connect(*arguments, autocommit=True, **named)


def _begin(connection: sqlalchemy.Connection) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, Connection)
    # A transaction of another kind than usual is begun by psycopg, which was told of it.
    if connection.get_execution_options().get("isolation_level") is None:
        driver.begin()


def _execute(cursor: psycopg.Cursor[Any], statement: Any, parameters: Any, context: Any) -> bool:
    """Send a statement, and wait for it and all that was sent before unless it goes ahead; False leaves it to SQLAlchemy."""
    connection = cursor.connection
    assert isinstance(connection, Connection)
    ahead = context.execution_options.get("ahead")
    if ahead:
        connection.begin_sending()
    elif isinstance(cursor, psycopg.ServerCursor):
        connection.end_sending()
    if not connection.is_sending:
        return False
    cursor.execute(statement, parameters)
    if not ahead:
        connection.wait_for_sent()
    return True


def _wait_first(cursor: psycopg.Cursor[Any], *_: object) -> None:
    assert isinstance(cursor.connection, Connection)
    cursor.connection.end_sending()


def _leave_nothing(connection: Connection | None, *_: object) -> None:
    """A commit that failed with what was sent before it is one that PostgreSQL never saw: the transaction is still open.

    Where the server has gone away since, nothing is left; the connection's next user notices (`app/db/engine.py`).
    """
    if connection is not None and connection.info.transaction_status in {
        psycopg.pq.TransactionStatus.INTRANS,
        psycopg.pq.TransactionStatus.INERROR,
    }:
        with contextlib.suppress(psycopg.Error):
            connection.rollback()
