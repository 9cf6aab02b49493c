"""Clients and the digests of their keys."""

from datetime import datetime, timedelta
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
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.access.domain import Client, Delegation, Permission, Role, Scope, StoredKey
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


delegations = Table(
    "delegations",
    metadata,
    code_column("programme"),
    code_column("id"),
    code_column("permission"),
    moment_column("granted_at"),
    code_column("granted_by"),
    code_column("delegate"),
    # Of whose party both are, as their scopes say: who sees it.
    code_column("subcontract", nullable=True),
    code_column("commissioner", nullable=True),
    moment_column("expires_at"),
    moment_column("revoked_at", nullable=True),
    code_column("revoked_by", nullable=True),
    PrimaryKeyConstraint("programme", "id"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="delegations_revoked_pair"),
    CheckConstraint("expires_at > granted_at", name="delegations_expire_later"),
    CheckConstraint("granted_by <> delegate", name="delegations_another"),
)
Index("delegations_of_delegate", delegations.c.delegate)
Index("delegations_of_lender", delegations.c.granted_by)


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


HOLDS_ANY: Final = exists().where(delegations.c.delegate == clients.c.id).label("holds_any")
"""Whether anything was ever delegated to a client: asked with its key, so that only who was lent something costs a query more."""

# Made once: to make it costs more than to run it.
_FIND: Final = (
    select(clients, HOLDS_ANY, *(column.label(f"key_{column.name}") for column in client_keys.c))
    .join(client_keys, client_keys.c.client == clients.c.id)
    .where(client_keys.c.id == bindparam("key"))
)


def find_by_key(session: Session, key_id: str) -> tuple[Client, StoredKey, bool] | None:
    """The client that a key names, the key as stored, and whether anything was ever delegated to it; None where there is none."""
    row = session.execute(_FIND, {"key": key_id}).mappings().one_or_none()
    if row is None:
        return None
    key = StoredKey(**{name: row[f"key_{name}"] for name in ("id", "sha256", "expires_at", "revoked_at", "last_used_at")})
    return client_of(row), key, row["holds_any"]


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


def add_delegation(session: Session, programme: str, granted: Delegation) -> None:
    scope = granted.scope
    values: dict[str, Any] = {
        "programme": programme,
        "id": granted.id,
        "permission": granted.permission.value,
        "granted_at": granted.granted_at,
        "granted_by": granted.granted_by,
        "delegate": granted.delegate,
        "subcontract": scope.subcontract,
        "commissioner": scope.commissioner,
        "expires_at": granted.expires_at,
    }
    session.execute(insert(delegations).values(values))


def list_delegations(session: Session, programme: str, *, after: str | None = None, limit: int | None = None) -> list[Delegation]:
    """The delegations that the tenant sees, live and ended, after one by their ids."""
    query = select(delegations).where(delegations.c.programme == programme).order_by(delegations.c.id).limit(limit)
    rows = session.execute(query if after is None else query.where(delegations.c.id > after)).mappings()
    return [_delegation(row) for row in rows]


def find_delegation(session: Session, programme: str, delegation: str) -> Delegation:
    query = select(delegations).where(delegations.c.programme == programme, delegations.c.id == delegation)
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such delegation here, or it is not yours.")
    return _delegation(row)


def _delegation(row: RowMapping) -> Delegation:
    scope = Scope(row["programme"], row["subcontract"], row["commissioner"])
    said = {name: row[name] for name in ("id", "granted_at", "granted_by", "delegate", "expires_at", "revoked_at", "revoked_by")}
    return Delegation(permission=Permission(row["permission"]), scope=scope, **said)


def end_delegation(session: Session, programme: str, delegation: str, *, at: datetime, by: str) -> None:
    _end(session, and_(delegations.c.programme == programme, delegations.c.id == delegation), at=at, by=by)


def end_delegations_of(session: Session, client: str, *, at: datetime, by: str) -> int:
    """End whatever a client lent or was lent; how many that were."""
    return _end(session, or_(delegations.c.granted_by == client, delegations.c.delegate == client), at=at, by=by)


def _end(session: Session, which: Any, *, at: datetime, by: str) -> int:
    live = and_(which, delegations.c.revoked_at.is_(None), delegations.c.expires_at > at)
    statement = update(delegations).where(live).values(revoked_at=at, revoked_by=by)
    return len(session.execute(statement.returning(delegations.c.id)).all())


def lent_to(session: Session, client: str, *, now: datetime) -> tuple[tuple[str, str], ...]:
    """The permissions that a client is lent at a moment, each with who lends it."""
    columns = delegations.c
    live = and_(columns.delegate == client, columns.expires_at > now, columns.revoked_at.is_(None))
    lent = columns.permission, columns.granted_by
    return tuple((permission, lender) for permission, lender in session.execute(select(*lent).where(live).distinct().order_by(*lent)))


def lenders_to(session: Session, programme: str, client: str, *, at: datetime, grace: timedelta) -> set[str]:
    """Whoever lent a client anything at a moment, or up to `grace` before: for so long a service may not have noticed that it ended."""
    columns = delegations.c
    ended = func.least(columns.expires_at, columns.revoked_at)
    query = select(columns.granted_by).where(columns.programme == programme, columns.delegate == client)
    return set(session.execute(query.where(columns.granted_at <= at, ended > at - grace)).scalars())
