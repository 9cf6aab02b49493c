"""The ledger: one row per programme that orders everything recorded in it.

Lock order, everywhere: returns by key (advisory), then the installation's row `*`, then the programme's row, last.
Whoever writes to a programme locks its row last, so recorded order is commit order and `as_of` needs no lock of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table, Text, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db.ahead import AHEAD
from app.db.rows import code_column, metadata, moment_column
from app.kernel.actors import EVERY, Actor
from app.kernel.events import FIRST_HASH
from app.kernel.moments import TICK
from app.kernel.refusals import AsOfInFuture, Fault, NotFound

REFUSED: Final = "*refused"
"""The chain of acts that were refused: one of its own, so that no refusal moves the moment at which anything is read."""
NO_PROGRAMMES: Final = (EVERY, REFUSED)
"""The rows of the ledger that are no programme's."""

ledger = Table(
    "ledger",
    metadata,
    code_column("programme"),
    moment_column("last_recorded_at"),
    Column("last_event_sequence", BigInteger, nullable=False),
    Column("last_event_sha256", Text, nullable=False),
    PrimaryKeyConstraint("programme"),
)

contract_changes = Table(
    "contract_changes",
    metadata,
    code_column("programme"),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint("programme", "recorded_at"),
)
"""The moments at which a programme's contract changed: between two of them it is one unchanging value."""


# Statements of every submission are made once: to make one costs as much as to run it.
_PROGRAMME: Final = bindparam("of_programme", type_=Text(collation="C"))
CHANGED: Final = select(func.max(contract_changes.c.recorded_at)).where(contract_changes.c.programme == _PROGRAMME)
"""The last moment at which the contract `of_programme` changed."""
_CHANGED_AS_OF: Final = CHANGED.where(contract_changes.c.recorded_at <= bindparam("as_of"))
_HOLD: Final = (
    select(ledger)
    .where(ledger.c.programme.in_([_PROGRAMME, bindparam("also", type_=Text(collation="C"))]))
    .order_by(ledger.c.programme)
    .with_for_update()
)
_LOCK_LEDGER: Final = select(ledger.c.programme).where(ledger.c.programme == _PROGRAMME).with_for_update().execution_options(**AHEAD)
_LOCKED: Final = select(ledger, CHANGED.scalar_subquery().label("contract_changed")).where(ledger.c.programme == _PROGRAMME)
_RECORD_AT: Final = (
    update(ledger).where(ledger.c.programme == _PROGRAMME).values(last_recorded_at=bindparam("at")).execution_options(**AHEAD)
)
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))").execution_options(**AHEAD)


@dataclass(slots=True)
class Recording:
    """The right to record in a chain for the rest of this transaction, and the moment everything gets.

    `contract_changed` is the last change of the contract before it; until the transaction ends there is no other but its own.
    """

    chain: str
    at: datetime
    actor: Actor
    sequence: int
    sha256: str
    contract_changed: datetime | None

    @property
    def by(self) -> str:
        return self.actor.client


def open_ledger(session: Session, programme: str, *, now: datetime) -> None:
    """Give a new programme (or the installation, `*`) its ledger row; nothing happens where it has one."""
    session.execute(
        insert(ledger)
        .values(
            programme=programme,
            last_recorded_at=now - TICK,
            last_event_sequence=0,
            last_event_sha256=FIRST_HASH,
        )
        .on_conflict_do_nothing()
    )


def last_recorded(session: Session, programme: str, *, wait: bool = False) -> datetime:
    """The last moment recorded in a programme; with `wait`, once whoever is recording now has ended.

    NotFound where there is no such programme for this tenant.
    """
    query = select(ledger.c.last_recorded_at).where(ledger.c.programme == programme)
    moment: datetime | None = session.execute(query.with_for_update(read=True) if wait else query).scalar_one_or_none()
    if moment is None:
        raise NotFound("There is no programme of that code here, or it is not yours.")
    return moment


def last_event(session: Session, programme: str) -> str:
    """The digest of the last event in a programme's chain."""
    digest: str = session.execute(select(ledger.c.last_event_sha256).where(ledger.c.programme == programme)).scalar_one()
    return digest


def judged_at(session: Session, programme: str, asked: datetime, *, now: datetime) -> datetime:
    """The moment that a read of a programme (or of what all share, `*`) is judged at where it asks for one. AsOfInFuture, NotFound.

    One beyond the last recorded moment waits for whoever is recording now, so that the same question never has two answers.
    """
    last = last_recorded(session, programme)
    if asked > max(now, last):
        fault = Fault(
            "as_of_in_future",
            "as_of lies after the service's clock.",
            "Ask for a moment that has passed (a day has, once it is over), or leave as_of out.",
        )
        raise AsOfInFuture("Nothing can be read at a moment that has not come.", faults=[fault])
    if asked > last:
        last_recorded(session, programme, wait=True)
    return asked


def contract_changed(session: Session, programme: str, *, as_of: datetime | None = None) -> datetime | None:
    """The last moment (up to `as_of`) at which a programme's contract changed; None where there was no contract yet."""
    values = {"of_programme": programme, "as_of": as_of}
    moment: datetime | None = session.execute(CHANGED if as_of is None else _CHANGED_AS_OF, values).scalar_one()
    return moment


def hold_ledger(session: Session, programme: str, *, installation: bool = False) -> None:
    """Lock the programme's ledger row (after the installation's, where asked) until this transaction ends.

    Until then nobody else records, so what is read from here on is what will be recorded upon.
    """
    also = EVERY if installation else programme
    rows = session.execute(_HOLD, {"of_programme": programme, "also": also}).all()
    if len(rows) != len({programme, also}):
        raise NotFound("There is no programme of that code here, or it is not yours.")


def begin_recording(session: Session, programme: str, *, actor: Actor, now: datetime, contract: bool = False) -> Recording:
    """Lock the programme's ledger row, last of all locks, and take the moment that this transaction records at.

    `recorded_at` is the later of the clock and one microsecond after the last. With `contract`, the contract changes.

    The clock is read again under the lock where the session carries one: who waited for the lock must not record before a moment
    that a reader, who waited for whoever held it, has already been given an answer for.
    """
    session.execute(_LOCK_LEDGER, {"of_programme": programme})
    # A statement of its own after the lock, so that it sees whatever whoever held the lock before did to the ledger and the contract.
    last = session.execute(_LOCKED, {"of_programme": programme}).one_or_none()
    if last is None:
        raise NotFound("There is no programme of that code here, or it is not yours.")
    clock: Callable[[], datetime] | None = session.info.get("clock")
    at = max(now, clock() if clock else now, last.last_recorded_at + TICK)
    session.execute(_RECORD_AT, {"of_programme": programme, "at": at})
    if contract:
        session.execute(insert(contract_changes).values(programme=programme, recorded_at=at, recorded_by=actor.client))
    return Recording(
        chain=programme,
        at=at,
        actor=actor,
        sequence=last.last_event_sequence,
        sha256=last.last_event_sha256,
        contract_changed=last.contract_changed,
    )


def lock_key(session: Session, *parts: str) -> None:
    """Hold the lock that a key stands for (a return, before it has a row) until this transaction ends."""
    session.execute(_LOCK, {"key": "\x1f".join(parts)})
