"""The table of signing keys: their public halves, for ever."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, Table, Text, insert, select, update
from sqlalchemy.orm import Session

from app.db.ledger import Recording
from app.db.rows import code_column, metadata, moment_column

SIGNING_KEYS: Final = Table(
    "signing_keys",
    metadata,
    code_column("key_id"),
    # The 32 bytes of an Ed25519 key as base64url, as a JWK writes them.
    Column("public_key", Text, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    moment_column("retired_at", nullable=True),
    code_column("retired_by", nullable=True),
    PrimaryKeyConstraint("key_id"),
    CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name="signing_keys_retired_pair"),
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What everybody may know of a signing key; a retired one signs no more, and what it signed stays proven."""

    key_id: str
    public_key: str
    recorded_at: datetime
    retired_at: datetime | None


def signing_keys(session: Session) -> list[PublicKey]:
    """Every key there ever was, the newest first."""
    columns = SIGNING_KEYS.c
    query = select(columns.key_id, columns.public_key, columns.recorded_at, columns.retired_at)
    return [PublicKey(*row) for row in session.execute(query.order_by(columns.recorded_at.desc(), columns.key_id))]


def add_key(session: Session, recording: Recording, key_id: str, public_key: str) -> None:
    values = {"key_id": key_id, "public_key": public_key, "recorded_at": recording.at, "recorded_by": recording.by}
    session.execute(insert(SIGNING_KEYS).values(values))


def retire_others(session: Session, recording: Recording, key_id: str) -> None:
    """Retire every key that still signs but this one."""
    columns = SIGNING_KEYS.c
    query = update(SIGNING_KEYS).where(columns.key_id != key_id, columns.retired_at.is_(None))
    session.execute(query.values(retired_at=recording.at, retired_by=recording.by))
