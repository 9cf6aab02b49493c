"""Public keys of clients, the assertions that were used, and the digests of the tokens that were given for them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, Text, and_, delete, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from app.access.domain import Client, StoredKey
from app.access.key_sets import PublicKey
from app.access.store import HOLDS_ANY, client_of, clients
from app.db.rows import code_column, metadata, moment_column

client_public_keys = Table(
    "client_public_keys",
    metadata,
    code_column("client"),
    Column("kid", Text(collation="C"), nullable=False),
    code_column("thumbprint"),
    code_column("algorithm"),
    Column("members", JSONB, nullable=False),
    moment_column("created_at"),
    code_column("created_by"),
    moment_column("revoked_at", nullable=True),
    code_column("revoked_by", nullable=True),
    PrimaryKeyConstraint("client", "kid", "created_at"),
    ForeignKeyConstraint(["client"], ["clients.id"], name="client_public_keys_client"),
    CheckConstraint("algorithm IN ('RS512', 'PS256', 'ES256', 'EdDSA')", name="client_public_keys_algorithm"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="client_public_keys_revoked_pair"),
)
_LIVE = client_public_keys.c.revoked_at.is_(None)
Index("client_public_keys_live", client_public_keys.c.client, client_public_keys.c.kid, unique=True, postgresql_where=_LIVE)

client_assertions = Table(
    "client_assertions",
    metadata,
    code_column("client"),
    code_column("jti_sha256"),
    moment_column("expires_at"),
    PrimaryKeyConstraint("client", "jti_sha256"),
    ForeignKeyConstraint(["client"], ["clients.id"], name="client_assertions_client"),
)
"""An assertion is good once: the second finds the first here, for as long as it could be good at all."""

client_tokens = Table(
    "client_tokens",
    metadata,
    code_column("id"),
    code_column("client"),
    Column("sha256", Text, nullable=False),
    code_column("thumbprint"),
    moment_column("expires_at"),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["client"], ["clients.id"], name="client_tokens_client"),
)
Index("client_tokens_of_client", client_tokens.c.client, client_tokens.c.expires_at)


def public_keys(session: Session, client: str) -> tuple[PublicKey, ...]:
    """The keys that a client signs with now, by their names."""
    columns = client_public_keys.c
    query = select(columns.kid, columns.algorithm, columns.members).where(columns.client == client, _LIVE).order_by(columns.kid)
    return tuple(PublicKey(row.kid, row.algorithm, row.members) for row in session.execute(query))


def replace_public_keys(session: Session, client: str, keys: Iterable[PublicKey], *, at: datetime, by: str) -> None:
    """Bring the client's set to these: those that stay are not touched, so that nobody who uses one notices."""
    columns, held, wanted = (
        client_public_keys.c,
        {key.thumbprint for key in public_keys(session, client)},
        {key.thumbprint: key for key in keys},
    )
    gone = held - wanted.keys()
    ended = update(client_public_keys).where(columns.client == client, _LIVE, columns.thumbprint.in_(gone))
    session.execute(ended.values(revoked_at=at, revoked_by=by))
    # Their tokens for good: a key may come back.
    session.execute(delete(client_tokens).where(client_tokens.c.client == client, client_tokens.c.thumbprint.in_(gone)))
    for thumbprint in sorted(wanted.keys() - held):
        key = wanted[thumbprint]
        values: dict[str, Any] = {"client": client, "kid": key.kid, "thumbprint": thumbprint, "algorithm": key.algorithm}
        session.execute(insert(client_public_keys).values(**values, members=dict(key.members), created_at=at, created_by=by))


def use_assertion(session: Session, client: str, jti_sha256: str, *, expires_at: datetime, now: datetime) -> bool:
    """Whether this is the assertion's first use; of two at once the second waits for the first. What has expired is forgotten in passing."""
    columns = client_assertions.c
    session.execute(delete(client_assertions).where(columns.client == client, columns.expires_at <= now))
    statement = insert(client_assertions).values(client=client, jti_sha256=jti_sha256, expires_at=expires_at).on_conflict_do_nothing()
    return session.execute(statement.returning(columns.client)).one_or_none() is not None


def add_token(session: Session, token: StoredKey, *, client: str, thumbprint: str, now: datetime) -> None:
    """Keep the digest of a token; the client's tokens that have expired are forgotten in passing."""
    columns = client_tokens.c
    session.execute(delete(client_tokens).where(columns.client == client, columns.expires_at <= now))
    values = {"id": token.id, "client": client, "sha256": token.sha256, "thumbprint": thumbprint}
    session.execute(insert(client_tokens).values(**values, expires_at=token.expires_at))


def find_by_token(session: Session, token_id: str) -> tuple[Client, StoredKey, bool] | None:
    """The client that a token was given to, the token as stored, and whether anything was ever delegated to it; None where there is none, or its key is the client's no longer."""
    columns = client_tokens.c
    held = and_(client_public_keys.c.client == columns.client, client_public_keys.c.thumbprint == columns.thumbprint, _LIVE)
    query = select(clients, HOLDS_ANY, columns.sha256.label("token_sha256"), columns.expires_at.label("token_expires_at")).join_from(
        clients, client_tokens, columns.client == clients.c.id
    )
    row = session.execute(query.join(client_public_keys, held).where(columns.id == token_id)).mappings().one_or_none()
    if row is None:
        return None
    stored = StoredKey(token_id, row["token_sha256"], row["token_expires_at"], revoked_at=None, last_used_at=None)
    return client_of(row), stored, row["holds_any"]
