"""Reviewing returns: allow, load, decide, save, audit."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import begin_recording
from app.kernel.actors import Actor
from app.returns import domain, store
from app.returns.actions import lock, subject_of
from app.returns.domain import Act, ReturnState, deadlines_of
from app.returns.read_actions import ReturnRead, owed, read_at, told


def accept(session: Session, programme: str, key: ReturnKey, *, actor: Actor, now: datetime, revision: int | None = None) -> ReturnRead:
    """Make the latest revision the return's current figures; with `revision`, only if it is that one.

    NotFound, WrongStatus, NotLatest, ReturnFrozen, SignOffMissing.
    """
    require(actor, Permission.RETURN_ACCEPT, programme=programme, subcontract=key.subcontract)
    lock(session, programme, key)
    # With the ledger held, neither the return nor the contract can change any more.
    recording = begin_recording(session, programme, actor=actor, now=now)
    contract = load_contract(session, programme)
    owed(contract, key)
    before = store.received(session, programme, key)
    collection = contract.collection[key.collection]
    deadlines = deadlines_of(collection, key.month, contract.days)
    after = domain.accept(before.state if before else ReturnState(), key, collection, deadlines, at=recording.at, revision=revision)
    store.move(session, programme, key, after, before=before, act=Act.ACCEPTED, recording=recording)
    audit.record(session, recording, "return.accepted", subject=subject_of(key, after.latest_revision), details={"automatic": False})
    return read_at(session, programme, contract, key, recording.at, as_of=told(actor, None, recording.at))
