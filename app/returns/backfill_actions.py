"""Backfilling: many returns of a request, each received or refused by itself, and begun again where it was broken off."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.db import audit
from app.db.ledger import begin_recording, lock_key
from app.kernel.actors import Actor
from app.kernel.canonical import digest
from app.kernel.refusals import NotFound, Refusal
from app.returns import backfill_store as store
from app.returns.actions import Receipt, submit
from app.returns.backfill import Entry, Named, Outcome, Result
from app.returns.backfill_store import Backfill

NONE_SUCH: Final = "There is no such backfill here, or it is not yours."
LISTED: Final = 50


def name_of(actor: Actor, idempotency_key: str) -> str:
    """What a backfill is called: the same for the same client and key."""
    return f"b_{digest([actor.client, idempotency_key])[:20]}"


def begin(
    session: Session, programme: str, name: str, *, body_sha256: str, media_type: str, entries: int, actor: Actor, now: datetime
) -> Backfill | None:
    """Begin a backfill, or go on with one: None where its name stands for another body."""
    require(actor, Permission.RETURN_SUBMIT, programme=programme)
    lock_key(session, programme, "backfill", name)
    found = store.find(session, programme, name)
    if found is not None:
        return found if found.body_sha256 == body_sha256 else None
    recording = begin_recording(session, programme, actor=actor, now=now)
    made = Backfill(name, body_sha256, media_type, entries, recording.at, recording.by, results={})
    store.add(session, programme, made, sender=actor.subcontract or "")
    details = {"entries": entries, "body_sha256": body_sha256, "media_type": media_type}
    audit.record(session, recording, "backfill.begun", subject={"backfill": name}, details=details, after=body_sha256)
    return made


def done(session: Session, programme: str, name: str) -> set[int]:
    """The positions of the entries that are done, so that going on need not read them."""
    return store.done(session, programme, name)


def take(session: Session, programme: str, name: str, entry: Entry, *, actor: Actor, now: datetime) -> None:
    """Receive one entry as its return's next revision, or refuse it: by itself, once, with its result beside it."""
    lock_key(session, programme, "backfill", name)
    if store.is_done(session, programme, name, entry.position):
        return
    named = Named()
    try:
        named, body = entry.read()
        with session.begin_nested():
            receipt = submit(session, programme, named.key, body, sent=entry.content, media_type=entry.media_type, actor=actor, now=now)
        state = receipt.state
        result = Result(entry.position, *named.key, _outcome(receipt), state.status.value, state.latest_revision, None, None, ())
    except Refusal as refusal:
        errors = entry.placed(refusal.faults)
        result = Result(entry.position, *named[:3], "refused", None, None, refusal.code, refusal.detail, errors)
    store.add_result(session, programme, name, result, sender=actor.subcontract or "", at=now, by=actor.client)


def _outcome(receipt: Receipt) -> Outcome:
    if receipt.duplicate_of is not None:
        return "duplicate"
    return "received_with_warnings" if receipt.submission.is_warned else "received"


def read(session: Session, programme: str, name: str, *, actor: Actor) -> Backfill:
    """How far a backfill has come. NotFound where there is none, or it is not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme)
    found = store.find(session, programme, name)
    if found is None:
        raise NotFound(NONE_SUCH)
    return found


def own(session: Session, programme: str, *, actor: Actor) -> list[Backfill]:
    """The actor's last backfills, the last one first."""
    require(actor, Permission.RETURN_READ, programme=programme)
    return [read(session, programme, name, actor=actor) for name in store.latest(session, programme, client=actor.client, most=LISTED)]


def results(session: Session, programme: str, name: str, *, outcome: str | None, after: int, limit: int, actor: Actor) -> list[Result]:
    """What became of the entries, in their order."""
    read(session, programme, name, actor=actor)
    return store.results(session, programme, name, outcome=outcome, after=after, limit=limit)
