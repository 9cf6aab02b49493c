"""The engine: a pool of connections that carry figures exactly and give up in bounded time."""

import json
import select
from decimal import Decimal
from typing import Any, Final

import psycopg
from psycopg import pq
from sqlalchemy import URL, Engine, QueuePool, create_engine, event, exc, make_url

from app.db.ahead import send_ahead
from app.kernel.canonical import json_bytes
from app.settings import CannotStart, Settings

_DRIVER: Final = "postgresql+psycopg"

_GONE_SECONDS: Final = 60
"""A host that answers nothing for so long is gone, and its connection ended: the system's own patience is a quarter of an hour, or two hours."""
_ALIVE: Final = {"keepalives_idle": _GONE_SECONDS // 2, "keepalives_interval": _GONE_SECONDS // 6, "keepalives_count": 3}

IN_BINARY: Final = {"in_binary": True}
"""The execution options of a statement whose rows come in binary form: bytes by the megabyte are read five times as fast as when they come as text."""


def driver_url(url: str) -> URL:
    """The address for our driver, however PostgreSQL's own addresses spell the scheme."""
    try:
        return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername=_DRIVER)
    except (exc.ArgumentError, ValueError):
        raise CannotStart(
            "The database's address cannot be read: write postgresql://role:password@host:5432/database, with special characters as %XX."
        ) from None


def make_engine(url: str, settings: Settings) -> Engine:
    """An engine whose statements, waits for locks and idle transactions end in bounded time; JSON keeps every digit."""
    address = driver_url(url)
    options = {
        "statement_timeout": f"{settings.statement_timeout_seconds}s",
        "lock_timeout": f"{settings.lock_timeout_seconds}s",
        "idle_in_transaction_session_timeout": f"{settings.idle_transaction_timeout_seconds}s",
        "timezone": "UTC",
        # So that PostgreSQL notices a service that is gone, whose transaction would hold its locks meanwhile.
        "tcp_user_timeout": f"{_GONE_SECONDS}s",
        **{f"tcp_{name}": value for name, value in _ALIVE.items()},
    }
    given = address.query.get("options")
    ours = " ".join(f"-c {name}={value}" for name, value in options.items())
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_wait_seconds,
        connect_args={
            "options": f"{ours} {given}" if isinstance(given, str) else ours,
            "connect_timeout": 10,
            # And the service a PostgreSQL that is gone.
            "tcp_user_timeout": 1000 * _GONE_SECONDS,
            **_ALIVE,
            "application_name": "mainstem",
        },
        json_serializer=json_bytes,
        json_deserializer=_read_json,
    )
    event.listen(engine, "checkout", _refuse_dead)
    event.listen(engine, "do_execute", _choose_form)
    send_ahead(engine)
    return engine


def _read_json(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def _choose_form(cursor: psycopg.Cursor[Any], _statement: Any, _parameters: Any, context: Any) -> bool:
    """False: SQLAlchemy executes it."""
    if context.execution_options.get("in_binary"):
        cursor.format = pq.Format.BINARY
    return False


def _refuse_dead(connection: Any, record: object, proxy: object) -> None:
    """Notice a server that went away without asking it anything: its farewell, or the end of the stream, is waiting to be read."""
    broken = connection.pgconn.status != pq.ConnStatus.OK
    if not broken:
        watch = select.poll()
        watch.register(connection.fileno(), select.POLLIN)
        broken = bool(watch.poll(0))
    if broken:
        raise exc.InvalidatePoolError
