"""Signing where chains stand, and giving the record away for others to check."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.audit import checkpoint_store as store
from app.audit import verify_store
from app.audit.chains import Head
from app.audit.domain import reach_of
from app.audit.exports import chain_line, event_line, key_lines, signed_line
from app.audit.proofs import checkpoint_body
from app.audit.verify_actions import signing_keys
from app.kernel.actors import Actor
from app.kernel.canonical import canonical_bytes
from app.kernel.events import FIRST_HASH
from app.publications.key_actions import SigningKey


def make_checkpoint(session: Session, chain: str, *, key: SigningKey, actor: Actor, now: datetime) -> bytes | None:
    """What is signed of where a chain stands: anew, or before where nothing came since; None where nothing was recorded yet."""
    head = verify_store.head(session, chain)
    if head is None or not head.sequence:
        return None
    statement = store.statement_at(session, chain, head.sequence)
    if statement is None:
        body = checkpoint_body(chain, head, at=now, key_id=key.key_id)
        statement = canonical_bytes({**body, "signature": key.sign(canonical_bytes(body))})
        store.add_checkpoint(session, chain, head, statement, key_id=key.key_id, at=now, by=actor.client)
    return statement


def read_checkpoints(session: Session, *, after: tuple[str, int] | None, limit: int, actor: Actor) -> list[dict[str, Any]]:
    """The checkpoints within the reach of whoever audits, chain by chain, from after one on."""
    require(actor, Permission.AUDIT_READ)
    return store.checkpoints_after(session, reach_of(actor), after=after, limit=limit)


def chain_lines(session: Session, chain: str) -> Iterator[bytes]:
    """What an export tells of a chain: where it ends, what was signed of it, and its events, in one steady look at the database."""
    verify_store.steady(session)
    head = verify_store.head(session, chain)
    yield chain_line(chain, head or Head(0, FIRST_HASH))
    yield from key_lines(signing_keys(session))
    for row in verify_store.checkpoints(session, chain):
        yield signed_line("checkpoint", row["statement"])
    for row in verify_store.publications(session, chain):
        yield signed_line("manifest", row["manifest"])
    for event in verify_store.events_of(session, chain):
        yield event_line(event)
