"""The record of who did what, when and why: append-only, one hash chain per programme and one for the installation."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table, Text, bindparam, insert, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.ahead import AHEAD
from app.db.ledger import Recording, ledger
from app.db.rows import code_column, metadata, moment_column
from app.kernel.canonical import digest

events = Table(
    "events",
    metadata,
    code_column("programme"),
    Column("sequence", BigInteger, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    Column("client_name", Text, nullable=False),
    code_column("role"),
    code_column("action"),
    Column("subject", JSONB, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("request_id", Text),
    Column("previous_sha256", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("programme", "sequence"),
)


# One statement: the event, and the end of the chain that it now is.
_RECORD: Final = (
    update(ledger)
    .where(ledger.c.programme == bindparam("chain", type_=events.c.programme.type))
    .values(last_event_sequence=bindparam("event_sequence"), last_event_sha256=bindparam("event_sha256"))
    .add_cte(insert(events).values({column.name: bindparam(f"event_{column.name}", type_=column.type) for column in events.c}).cte("event"))
    .execution_options(**AHEAD)
)


def event_digest(event: dict[str, Any]) -> str:
    """The digest of an event: everything it says, its predecessor's digest included."""
    return digest({name: value for name, value in event.items() if name != "sha256"})


def record(
    session: Session, recording: Recording, action: str, *, subject: dict[str, str | int], details: dict[str, Any] | None = None
) -> None:
    """Append an event to the recording's chain, in the transaction of the act itself.

    `subject` names the thing by its keys; `details` holds ids, counts and digests, never figures. Its only free text is `why`, the reason
    given for a change of what all programmes share, which was looked through for patients' identifiers.
    """
    recorded_at: datetime = recording.at
    event: dict[str, Any] = {
        "programme": recording.chain,
        "sequence": recording.sequence + 1,
        "recorded_at": recorded_at,
        "recorded_by": recording.by,
        "client_name": recording.actor.name,
        "role": recording.actor.role,
        "action": action,
        "subject": subject,
        "details": details or {},
        "request_id": recording.actor.request_id,
        "previous_sha256": recording.sha256,
    }
    event["sha256"] = event_digest(event)
    session.execute(_RECORD, {"chain": recording.chain, **{f"event_{name}": value for name, value in event.items()}})
    recording.sequence, recording.sha256 = event["sequence"], event["sha256"]
