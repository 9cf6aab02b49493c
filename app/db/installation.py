"""What all programmes share: read as it stood at a moment, and changed so that every programme's contract changes with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Text, insert, literal, select, text, update
from sqlalchemy.orm import Session

from app.db import ledger as ledgers
from app.db.ledger import NO_PROGRAMMES, Recording, begin_recording, contract_changes, last_recorded, ledger
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY, Actor
from app.kernel.moments import TICK


def judged_at(session: Session, asked: datetime | None, *, now: datetime) -> datetime | None:
    """The moment that a read of what is shared is judged at; None is what is in force. AsOfInFuture for one that has not come."""
    return None if asked is None else ledgers.judged_at(session, EVERY, asked, now=now)


def after_shared(session: Session, now: datetime) -> datetime:
    """The clock, or the first moment after all that was recorded of what is shared: a contract comes after what it reads there.

    The installation's ledger row is held already.
    """
    return max(now, last_recorded(session, EVERY) + TICK)


def advance(session: Session, recording: Recording) -> None:
    """Let what is shared be recorded up to a programme's moment, taken `after_shared`: the programme added to it."""
    session.execute(update(ledger).where(ledger.c.programme == EVERY).values(last_recorded_at=recording.at))


def begin_changing_all(session: Session, *, actor: Actor, now: datetime) -> Recording:
    """A recording in the installation's chain that every programme's contract is changed by, at one moment later than any of theirs.

    The installation's ledger row is held already; every programme's is from here on.
    """
    held = select(ledger.c.last_recorded_at).where(ledger.c.programme.not_in(NO_PROGRAMMES)).order_by(ledger.c.programme).with_for_update()
    last = max(session.execute(held).scalars(), default=None)
    recording = begin_recording(session, EVERY, actor=actor, now=now if last is None else max(now, last + TICK))
    session.execute(update(ledger).where(ledger.c.programme.not_in(NO_PROGRAMMES)).values(last_recorded_at=recording.at))
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
    if tenant.programme == programme:
        yield
        return
    if tenant.programme != EVERY:
        raise RuntimeError("only a tenant of every programme is narrowed to another than its own")
    setting = text("SELECT set_config('mainstem.programme', :programme, true)")
    session.execute(setting, {"programme": programme})
    yield
    # Where it failed inside, the transaction ends, and the setting with it.
    session.execute(setting, {"programme": EVERY})


@contextmanager
def seeing_clients(session: Session) -> Iterator[None]:
    """For a while, within the transaction, see every client of the programme: for a yes or no about one that was named, which tells nothing else of it."""
    setting = text("SELECT set_config('mainstem.client', :client, true), set_config('mainstem.subcontract', :subcontract, true)")
    tenant: Tenant = session.info["tenant"]
    session.execute(setting, {"client": EVERY, "subcontract": EVERY})
    yield
    # Where it failed inside, the transaction ends, and the setting with it.
    session.execute(setting, {"client": tenant.client, "subcontract": tenant.subcontract})


def manage_clients(session: Session) -> None:
    """For the rest of the transaction, see every client of the programmes that the tenant reaches: for whoever manages or audits them."""
    session.execute(text("SELECT set_config('mainstem.client', :client, true)"), {"client": EVERY})
