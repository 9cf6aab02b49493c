"""Clients and the digests of their keys."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    RowMapping,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.access.domain import Client, Role, Scope, StoredKey
from app.db.rows import code_column, metadata, moment_column
from app.kernel.refusals import NotFound

clients = Table(
    "clients",
    metadata,
    code_column("id"),
    Column("name", Text, nullable=False),
    code_column("role"),
    code_column("programme"),
    code_column("subcontract", nullable=True),
    code_column("commissioner", nullable=True),
    moment_column("created_at"),
    code_column("created_by"),
    moment_column("revoked_at", nullable=True),
    code_column("revoked_by", nullable=True),
    PrimaryKeyConstraint("id"),
    CheckConstraint(f"role IN ({', '.join(repr(str(role)) for role in Role)})", name="clients_role"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="clients_revoked_pair"),
)

client_keys = Table(
    "client_keys",
    metadata,
    code_column("id"),
    code_column("client"),
    Column("sha256", Text, nullable=False),
    moment_column("created_at"),
    code_column("created_by"),
    moment_column("expires_at"),
    moment_column("revoked_at", nullable=True),
    code_column("revoked_by", nullable=True),
    moment_column("last_used_at", nullable=True),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["client"], ["clients.id"], name="client_keys_client"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="client_keys_revoked_pair"),
    CheckConstraint("expires_at > created_at", name="client_keys_expire_later"),
)
Index("client_keys_of_client", client_keys.c.client)


def client_of(row: RowMapping) -> Client:
    """The client that a row of the table is."""
    scope = Scope(row["programme"], row["subcontract"], row["commissioner"])
    return Client(row["id"], row["name"], Role(row["role"]), scope, row["revoked_at"])


def _key(row: RowMapping) -> StoredKey:
    return StoredKey(**{name: row[name] for name in ("id", "sha256", "expires_at", "revoked_at", "last_used_at")})


def add_client(session: Session, client: Client, *, at: datetime, by: str) -> None:
    values: dict[str, Any] = {"id": client.id, "name": client.name, "role": client.role.value, "created_at": at, "created_by": by}
    scope = client.scope
    values |= {"programme": scope.programme, "subcontract": scope.subcontract, "commissioner": scope.commissioner}
    session.execute(insert(clients).values(values))


def add_key(session: Session, key: StoredKey, *, client: str, at: datetime, by: str) -> None:
    values = {"id": key.id, "client": client, "sha256": key.sha256, "created_at": at, "created_by": by, "expires_at": key.expires_at}
    session.execute(insert(client_keys).values(values))


# Made once: to make it costs more than to run it.
_FIND: Final = (
    select(clients, *(column.label(f"key_{column.name}") for column in client_keys.c))
    .join(client_keys, client_keys.c.client == clients.c.id)
    .where(client_keys.c.id == bindparam("key"))
)


def find_by_key(session: Session, key_id: str) -> tuple[Client, StoredKey] | None:
    """The client that a key names, with the key as stored; None where there is none."""
    row = session.execute(_FIND, {"key": key_id}).mappings().one_or_none()
    if row is None:
        return None
    key = StoredKey(**{name: row[f"key_{name}"] for name in ("id", "sha256", "expires_at", "revoked_at", "last_used_at")})
    return client_of(row), key


def lock_client(session: Session, client: str) -> Client:
    """The client, held until this transaction ends."""
    row = session.execute(select(clients).where(clients.c.id == client).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such client.")
    return client_of(row)


def keys_of(session: Session, client: str) -> list[StoredKey]:
    query = select(client_keys).where(client_keys.c.client == client).order_by(client_keys.c.created_at, client_keys.c.id)
    return [_key(row) for row in session.execute(query).mappings()]


def client_of_key(session: Session, key_id: str) -> str:
    """The client that a key belongs to."""
    client: str | None = session.execute(select(client_keys.c.client).where(client_keys.c.id == key_id)).scalar_one_or_none()
    if client is None:
        raise NotFound("There is no such key.")
    return client


def revoke_client(session: Session, client: str, *, at: datetime, by: str) -> None:
    """End a client and every key it has."""
    session.execute(update(clients).where(clients.c.id == client, clients.c.revoked_at.is_(None)).values(revoked_at=at, revoked_by=by))
    query = update(client_keys).where(client_keys.c.client == client, client_keys.c.revoked_at.is_(None))
    session.execute(query.values(revoked_at=at, revoked_by=by))


def revoke_key(session: Session, key_id: str, *, at: datetime, by: str) -> None:
    query = update(client_keys).where(client_keys.c.id == key_id, client_keys.c.revoked_at.is_(None))
    session.execute(query.values(revoked_at=at, revoked_by=by))


def note_use(session: Session, key_id: str, *, now: datetime) -> None:
    session.execute(update(client_keys).where(client_keys.c.id == key_id).values(last_used_at=now))


def find_client(session: Session, client: str) -> Client | None:
    row = session.execute(select(clients).where(clients.c.id == client)).mappings().one_or_none()
    return None if row is None else client_of(row)


def list_clients(session: Session, *, after: str | None = None, limit: int | None = None) -> list[Client]:
    """The clients after one, by their ids."""
    query = select(clients).order_by(clients.c.id).limit(limit)
    return [client_of(row) for row in session.execute(query if after is None else query.where(clients.c.id > after)).mappings()]
