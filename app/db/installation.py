"""What all programmes share: read as it stood at a moment, and changed so that every programme's contract changes with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Text, func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from app.db.ledger import Recording, begin_recording, contract_changes, last_recorded, ledger
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY, Actor
from app.kernel.moments import TICK
from app.kernel.refusals import AsOfInFuture, Fault


def judged_at(session: Session, asked: datetime | None, *, now: datetime) -> datetime | None:
    """The moment that a read of what is shared is judged at; None is what is in force. AsOfInFuture for one that has not come."""
    if asked is None:
        return None
    last = last_recorded(session, EVERY)
    if asked > max(now, last):
        fault = Fault("as_of_in_future", "as_of lies after the service's clock.", "Ask for a moment that has passed, or leave as_of out.")
        raise AsOfInFuture("Nothing can be read at a moment that has not come.", faults=[fault])
    if asked > last:
        # Once whoever is recording now has ended: the same question never has two answers.
        last_recorded(session, EVERY, wait=True)
    return asked


def begin_changing_all(session: Session, *, actor: Actor, now: datetime) -> Recording:
    """A recording in the installation's chain that every programme's contract is changed by, at one moment later than any of theirs.

    The installation's ledger row is held already; every programme's is from here on.
    """
    held = select(ledger.c.last_recorded_at).where(ledger.c.programme != EVERY).order_by(ledger.c.programme).with_for_update()
    last = max(session.execute(held).scalars(), default=None)
    recording = begin_recording(session, EVERY, actor=actor, now=now if last is None else max(now, last + TICK))
    session.execute(update(ledger).where(ledger.c.programme != EVERY).values(last_recorded_at=recording.at))
    known = select(contract_changes.c.programme).distinct().where(contract_changes.c.programme != EVERY)
    recorded = known.add_columns(literal(recording.at, contract_changes.c.recorded_at.type), literal(recording.by, Text))
    session.execute(insert(contract_changes).from_select(["programme", "recorded_at", "recorded_by"], recorded))
    return recording


def programmes_known(session: Session) -> list[str]:
    """Every programme that has a contract, by its code."""
    codes = contract_changes.c.programme
    return list(session.execute(select(codes).where(codes != EVERY).distinct().order_by(codes)).scalars())


def recording_in(session: Session, programme: str, recording: Recording) -> Recording:
    """The same act in the chain of one of the programmes whose ledger rows `begin_changing_all` holds."""
    sequence, sha256 = session.execute(
        select(ledger.c.last_event_sequence, ledger.c.last_event_sha256).where(ledger.c.programme == programme)
    ).one()
    return Recording(
        chain=programme, at=recording.at, actor=recording.actor, contract_changed=recording.at, sequence=sequence, sha256=sha256
    )


@contextmanager
def narrowed(session: Session, programme: str) -> Iterator[None]:
    """For a while, within the transaction, only one of the programmes: for whoever acts in all of them."""
    tenant: Tenant = session.info["tenant"]
    if tenant.programme != EVERY:
        raise RuntimeError("only a tenant of every programme is narrowed to one")
    setting = text("SELECT set_config('mainstem.programme', :programme, true)")
    session.execute(setting, {"programme": programme})
    yield
    # Where it failed inside, the transaction ends, and the setting with it.
    session.execute(setting, {"programme": EVERY})


def last_of(session: Session, *moments: object) -> datetime | None:
    """The latest of some columns of moments, over all their rows."""
    halves = [select(func.max(moment)).scalar_subquery() for moment in moments]
    last: datetime | None = session.execute(select(func.greatest(*halves))).scalar_one()
    return last
