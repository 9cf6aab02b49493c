"""Who may call: clients of the programmes that whoever manages them reaches, checked against the contract."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.access import actions as access
from app.access import store, token_actions, token_store
from app.access.domain import Client, Permission, StoredKey, require
from app.access.key_sets import PublicKey
from app.configuration.scope_actions import scope_is_there
from app.db.installation import manage_clients
from app.kernel.actors import Actor
from app.kernel.refusals import NotFound


@dataclass(frozen=True, slots=True)
class Managed:
    """A client with its keys, live and ended, and the public keys that it signs with."""

    client: Client
    keys: Sequence[StoredKey]
    public_keys: Sequence[PublicKey]


def register_client(session: Session, new: access.NewClient, *, actor: Actor, now: datetime) -> tuple[Managed, str | None]:
    """A new client whose scope is there, and its key. Invalid names all that is wrong with it."""
    require(actor, Permission.CLIENT_MANAGE)
    manage_clients(session)
    client, key = access.register_client(session, new, actor=actor, now=now)
    if new.programme is not None and not scope_is_there(session, new.programme, subcontract=new.subcontract, commissioner=new.commissioner):
        raise NotFound("There is no programme of that code here, or it is not yours.")
    return _managed(session, client), key


def read_clients(session: Session, after: str | None, *, limit: int, actor: Actor) -> list[Managed]:
    """The clients after one, by their ids."""
    require(actor, Permission.CLIENT_READ)
    manage_clients(session)
    return [_managed(session, client) for client in store.list_clients(session, after=after, limit=limit)]


def read_client(session: Session, client_id: str, *, actor: Actor) -> Managed:
    require(actor, Permission.CLIENT_READ)
    manage_clients(session)
    client = store.find_client(session, client_id)
    if client is None:
        raise NotFound("There is no such client.")
    return _managed(session, client)


def add_key(session: Session, client_id: str, *, actor: Actor, now: datetime, lifetime: timedelta) -> tuple[Managed, str]:
    """A second key, so that the client can change over without an interruption."""
    require(actor, Permission.CLIENT_MANAGE)
    manage_clients(session)
    key = access.add_key(session, client_id, actor=actor, now=now, lifetime=lifetime)
    return read_client(session, client_id, actor=actor), key


def revoke(session: Session, client_id: str, key_id: str | None, *, actor: Actor, now: datetime) -> Managed:
    """End one key of a client, or (without one) the client itself with everything it has."""
    require(actor, Permission.CLIENT_MANAGE)
    manage_clients(session)
    if key_id is None:
        access.revoke_client(session, client_id, actor=actor, now=now)
    elif store.client_of_key(session, key_id) != client_id:
        raise NotFound("There is no such key.")
    else:
        access.revoke_key(session, key_id, actor=actor, now=now)
    return read_client(session, client_id, actor=actor)


def put_public_keys(
    session: Session,
    client_id: str,
    key_set: dict[str, Any],
    *,
    actor: Actor,
    now: datetime,
    expect: Callable[[tuple[PublicKey, ...]], None],
) -> Sequence[PublicKey]:
    require(actor, Permission.CLIENT_MANAGE)
    manage_clients(session)
    return token_actions.put_public_keys(session, client_id, key_set, actor=actor, now=now, expect=expect)


def _managed(session: Session, client: Client) -> Managed:
    return Managed(client, store.keys_of(session, client.id), token_store.public_keys(session, client.id))
