"""The record of who did what, when and why: append-only, one hash chain per programme and one for the installation."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, any_, bindparam, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.ahead import AHEAD
from app.db.ledger import Recording, ledger
from app.db.rows import code_column, metadata, moment_column
from app.kernel.events import event_digest, state_digest

events = Table(
    "events",
    metadata,
    code_column("programme"),
    Column("sequence", BigInteger, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    Column("client_name", Text, nullable=False),
    code_column("role"),
    # How far the client reached: a party reads what its own clients did. Null in events from before it was kept.
    code_column("client_programme", nullable=True),
    code_column("client_subcontract", nullable=True),
    code_column("client_commissioner", nullable=True),
    code_column("action"),
    Column("subject", JSONB, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("request_id", Text),
    Column("previous_sha256", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("programme", "sequence"),
)
"""Append-only, by grant and by a trigger that stops the owner too."""
Index("events_by_moment", events.c.recorded_at, events.c.programme, events.c.sequence)

# One statement: the event, and the end of the chain that it now is.
_RECORD: Final = (
    update(ledger)
    .where(ledger.c.programme == bindparam("chain", type_=events.c.programme.type))
    .values(last_event_sequence=bindparam("event_sequence"), last_event_sha256=bindparam("event_sha256"))
    .add_cte(insert(events).values({column.name: bindparam(f"event_{column.name}", type_=column.type) for column in events.c}).cte("event"))
    .execution_options(**AHEAD)
)


def record(
    session: Session,
    recording: Recording,
    action: str,
    *,
    subject: Mapping[str, str | int],
    details: Mapping[str, Any] | None = None,
    before: Any = None,
    after: Any = None,
    why: str | None = None,
) -> None:
    """Append an event to the recording's chain, in the transaction of the act itself.

    `subject` names the thing by its keys; `before` and `after` are what it was and is, or a digest of that (a text), and kept as digests. `details` holds ids, counts and digests, never figures. Its
    only free text is `why`, the reason that was given, which was looked through for patients' identifiers.
    """
    actor = recording.actor
    stated = {"before_sha256": _digest(before), "after_sha256": _digest(after), "why": why, "on_behalf_of": actor.acts_for}
    event: dict[str, Any] = {
        "programme": recording.chain,
        "sequence": recording.sequence + 1,
        "recorded_at": recording.at,
        "recorded_by": recording.by,
        "client_name": actor.name,
        "role": actor.role,
        "client_programme": actor.programme,
        "client_subcontract": actor.subcontract,
        "client_commissioner": actor.commissioner,
        "action": action,
        "subject": dict(subject),
        "details": {**(details or {}), **{name: value for name, value in stated.items() if value is not None}},
        "request_id": actor.request_id,
        "previous_sha256": recording.sha256,
    }
    event["sha256"] = event_digest(event)
    session.execute(_RECORD, {"chain": recording.chain, **{f"event_{name}": value for name, value in event.items()}})
    recording.sequence, recording.sha256 = event["sequence"], event["sha256"]


def _digest(thing: Any) -> str | None:
    return thing if thing is None or isinstance(thing, str) else state_digest(thing)


def lenders(session: Session, programme: str, moments: Collection[datetime]) -> dict[datetime, str]:
    """Who lent the permissions that were used at each of these moments; a moment at which nothing lent was used is not there."""
    if not moments:
        return {}
    lender = events.c.details["on_behalf_of"].astext.label("lender")
    # One parameter, however many they are: a whole listing has more of them than a statement may have parameters.
    at_any = events.c.recorded_at == any_(literal(list(moments), ARRAY(events.c.recorded_at.type)))
    query = select(events.c.recorded_at, lender).where(events.c.programme == programme, at_any, lender.is_not(None))
    return {row.recorded_at: row.lender for row in session.execute(query.order_by(events.c.sequence))}
