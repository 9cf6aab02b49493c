"""The service as it is run, in a process that kills at named points, and into which a fault can be planted: nothing of either is in the service.

`python -m tests.faults.launcher` reads what to `do` from standard input, one JSON object a line: `begin` a life of the service (its process number is
the answer, a line on standard output), have it `kill` somebody at a point (whom it kills is said before), `wait` for its end (its exit code). Each life
is a fork of one process that has imported the service, so it begins at once. When standard input ends they end, so that nothing outlives the harness.
"""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TextIO

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, SessionTransaction

from app.cli.operators import serve
from app.db import session as sessions
from app.db.session import TenantSession, open_session
from app.web import idempotency

Victim = Literal["service", "backend", "postmaster"]

STATEMENTS: Final = {
    "key_claimed": "INSERT INTO idempotency_keys",
    "revision_added": "INSERT INTO revisions",
    "cells_added": "INSERT INTO cells",
    "moved": "INSERT INTO returns",
    "event_recorded": "INSERT INTO events",
    "answer_kept": "UPDATE idempotency_keys",
}
"""Named points after a statement of a submission."""

POINTS: Final = (*STATEMENTS, "committing", "committed")
"""`committing` is while PostgreSQL writes the commit, `committed` between its end and the answer."""


@dataclass(slots=True)
class Order:
    """Kill somebody at the n-th passing of a point, so many milliseconds after it."""

    point: str
    passing: int
    victim: Victim
    delay_ms: float


class Points:
    """Sees a submission pass its points, and carries out the order that was given."""

    def __init__(self, data: Path, tell: Callable[[str], None]) -> None:
        self._data = data
        self._tell = tell
        self._order: Order | None = None
        self._lock = threading.Lock()
        self._here = threading.local()
        event.listen(Engine, "connect", _remember_backend)
        event.listen(Engine, "after_cursor_execute", self._after_statement)
        event.listen(Engine, "commit", self._before_commit)
        event.listen(Engine, "rollback", self._after_rollback)
        event.listen(TenantSession, "after_commit", self._after_commit)

    def arm(self, order: Order) -> None:
        with self._lock:
            self._order = order

    def _after_statement(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        for point, beginning in STATEMENTS.items():
            if beginning in statement and not connection.invalidated:
                self._pass(point, connection.info["backend"])
                # Only a transaction that holds a revision is one of a submission.
                connection.info["submits"] = connection.info.get("submits", False) or point == "revision_added"

    def _before_commit(self, connection: Connection) -> None:
        submits = not connection.invalidated and connection.info.pop("submits", False)
        self._here.backend = connection.info["backend"] if submits else None
        if submits:
            self._pass("committing", self._here.backend)

    def _after_rollback(self, connection: Connection) -> None:
        if not connection.invalidated:
            connection.info.pop("submits", None)

    def _after_commit(self, _session: Session) -> None:
        backend, self._here.backend = getattr(self._here, "backend", None), None
        if backend is not None:
            self._pass("committed", backend)

    def _pass(self, point: str, backend: int) -> None:
        with self._lock:
            order = self._order
            if order is None or order.point != point:
                return
            order.passing -= 1
            if order.passing > 0:
                return
            self._order = None
        if order.delay_ms:
            # The work goes on meanwhile: the kill falls into whatever comes next.
            threading.Timer(order.delay_ms / 1000, self._kill, (order, backend)).start()
        else:
            self._kill(order, backend)

    def _kill(self, order: Order, backend: int) -> None:
        if order.victim == "service":
            self._tell(order.victim)
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            os.kill(backend if order.victim == "backend" else postmaster(self._data), signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError):
            # Dead already, and its client does not know yet: the next one that passes.
            self.arm(replace(order, passing=1))
        else:
            self._tell(order.victim)


def postmaster(data: Path) -> int:
    """The process number of the embedded server; ProcessLookupError where it is not running: its number may be another's by now."""
    folder = data / "postgres-18"
    number = int((folder / "postmaster.pid").read_text().split()[0])
    works_in = Path(f"/proc/{number}/cwd")
    if Path("/proc/self/cwd").exists() and not (works_in.exists() and works_in.samefile(folder)):
        raise ProcessLookupError(number)
    return number


def _remember_backend(connection: Any, record: Any) -> None:
    """Asked of a connection that broke it would be an error."""
    record.info["backend"] = connection.info.backend_pid


class _CommitsLater(TenantSession):
    """A request's session that is committed a moment after the answer was given."""

    def commit(self) -> None:
        if self.info["clock"] is None:
            super().commit()
        else:
            self.info["later"] = True

    def close(self) -> None:
        if self.info.pop("later", False):
            threading.Timer(0.02, self._end).start()
        else:
            super().close()

    def _end(self) -> None:
        super().commit()
        super().close()


def _commit_after_the_answer() -> None:
    sessions.TenantSession = _CommitsLater  # type: ignore[misc]  # putting another class there is the fault that is planted


def _synchronous_commit_off() -> None:
    def switch_off(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    # Behind the back of the check at the start, which looks at what a new connection has.
    event.listen(TenantSession, "after_begin", switch_off)


def _idempotency_of_its_own() -> None:
    def apart(step: Callable[..., Any]) -> Callable[..., Any]:
        def in_a_transaction_of_its_own(session: Session, *arguments: Any, **named: Any) -> Any:
            engine = session.get_bind()
            assert isinstance(engine, Engine)
            with open_session(engine, session.info["tenant"]) as own:
                done = step(own, *arguments, **named)
                own.commit()
                return done

        return in_a_transaction_of_its_own

    idempotency.claim = apart(idempotency.claim)
    idempotency.keep = apart(idempotency.keep)


PLANTS: Final[dict[str, Callable[[], None]]] = {
    "commit_after_the_answer": _commit_after_the_answer,
    "synchronous_commit_off": _synchronous_commit_off,
    "idempotency_of_its_own": _idempotency_of_its_own,
}
"""Faults that a service must not have, so that the harness can be seen to notice them."""


def main() -> None:
    # What the service itself prints goes into its log; standard output is for the harness.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    life = orders = 0
    for line in sys.stdin:
        said = json.loads(line)
        match said.pop("do"):
            case "begin":
                reader, orders = os.pipe()
                life = os.fork()
                if life == 0:
                    os.close(orders)
                    _live(**said, orders=os.fdopen(reader), told=told)
                    return
                os.close(reader)
                print(life, file=told, flush=True)
            case "kill":
                # Whoever is dead already has nothing to obey.
                with contextlib.suppress(BrokenPipeError):
                    os.write(orders, f"{json.dumps(said)}\n".encode())
            case "wait":
                _, status = os.waitpid(life, 0)
                os.close(orders)
                print(os.waitstatus_to_exitcode(status), file=told, flush=True)


def _live(*, port: int, plant: str | None, orders: TextIO, told: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    points = Points(Path(os.environ["MAINSTEM_DATA"]), lambda victim: print(victim, file=told, flush=True))
    if plant is not None:
        PLANTS[plant]()
    threading.Thread(target=_obey, args=(points, orders), daemon=True).start()
    serve(port=port)


def _obey(points: Points, orders: TextIO) -> None:
    for line in orders:
        points.arm(Order(**json.loads(line)))
    os._exit(0)


if __name__ == "__main__":
    main()
