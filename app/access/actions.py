"""Making and ending clients and keys, and finding out who is calling. The caller owns the transaction.

Each act runs as `INSTALLATION` (the tenant of the machine's operator) and writes its event in its own transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access import store, token_store
from app.access.domain import KEY_LIFETIME, MOST_LIVE_KEYS, Client, ClientRevoked, Permission, StoredKey, TooManyKeys, require, scope_of
from app.access.keys import Key, new_id, new_key, parse_key
from app.db import audit
from app.db.ledger import Recording, begin_recording, open_ledger
from app.kernel.actors import EVERY, Actor
from app.kernel.refusals import Fault, Forbidden, Invalid, NotFound, Unauthenticated

NOTED_AGAIN_AFTER: Final = timedelta(minutes=1)
"""When a key was last used is kept to the minute: not every request need write."""


def create_client(
    session: Session,
    *,
    name: str,
    role: str,
    programme: str | None = None,
    subcontract: str | None = None,
    commissioner: str | None = None,
    actor: Actor,
    now: datetime,
    lifetime: timedelta = KEY_LIFETIME,
) -> tuple[str, str]:
    """A new client; its id and its key, which is shown this once. The programme need not exist yet."""
    named = NewClient(name, role, programme, subcontract, commissioner, lifetime)
    client, key = register_client(session, named, actor=actor, now=now)
    assert key is not None, "a client is given a key unless it says that it signs"
    return client.id, key


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client that is to be: what people call it, its role and reach, and how long its first key lives (None: it has no key, it signs)."""

    name: str
    role: str
    programme: str | None = None
    subcontract: str | None = None
    commissioner: str | None = None
    key_lifetime: timedelta | None = KEY_LIFETIME


def register_client(session: Session, new: NewClient, *, actor: Actor, now: datetime) -> tuple[Client, str | None]:
    """A new client and its key, which is shown this once. Nobody makes one that reaches further than they do."""
    require(actor, Permission.CLIENT_MANAGE)
    if not new.name.strip() or len(new.name) > 200 or not new.name.isprintable():
        raise Invalid(
            "A client's name is a line of 1 to 200 characters.",
            faults=[Fault("name", "The name is not one.", "Write a line.", pointer="/name")],
        )
    known, scope = scope_of(new.role, programme=new.programme, subcontract=new.subcontract, commissioner=new.commissioner)
    if actor.programme not in {EVERY, scope.programme}:
        raise Forbidden(f"A client made here reaches the programme {actor.programme} and no other.")
    client = Client(new_id(), new.name.strip(), known, scope, revoked_at=None)
    recording = begin(session, client, actor=actor, now=now)
    store.add_client(session, client, at=recording.at, by=recording.by)
    key = None if new.key_lifetime is None else _give_key(session, client.id, recording, new.key_lifetime)
    details = {"role": known.value, "programme": scope.programme, "subcontract": scope.subcontract, "commissioner": scope.commissioner}
    note(session, recording, "client.created", client, {**details, "key": None if key is None else key.id}, after=client)
    return client, None if key is None else key.text


def add_key(session: Session, client_id: str, *, actor: Actor, now: datetime, lifetime: timedelta = KEY_LIFETIME) -> str:
    """A second key for a client, so that it can change over; the first goes on until it is revoked."""
    require(actor, Permission.CLIENT_MANAGE)
    client = store.lock_client(session, client_id)
    if client.revoked_at is not None:
        raise ClientRevoked("The client has been revoked: make a new one.")
    if sum(key.is_live(now) for key in store.keys_of(session, client_id)) >= MOST_LIVE_KEYS:
        raise TooManyKeys("The client has two live keys: revoke one first.")
    recording = begin(session, client, actor=actor, now=now)
    key = _give_key(session, client_id, recording, lifetime)
    note(session, recording, "client.key_added", client, {"key": key.id})
    return key.text


def revoke_client(session: Session, client_id: str, *, actor: Actor, now: datetime) -> None:
    """End a client and all its keys; nothing happens where that has been done."""
    require(actor, Permission.CLIENT_MANAGE)
    client = store.lock_client(session, client_id)
    if client.revoked_at is None:
        recording = begin(session, client, actor=actor, now=now)
        store.revoke_client(session, client_id, at=recording.at, by=recording.by)
        ended = store.end_delegations_of(session, client_id, at=recording.at, by=recording.by)
        note(
            session,
            recording,
            "client.revoked",
            client,
            {"delegations": ended} if ended else {},
            before=client,
            after=replace(client, revoked_at=recording.at),
        )


def revoke_key(session: Session, key_id: str, *, actor: Actor, now: datetime) -> None:
    """End one key; nothing happens where that has been done."""
    require(actor, Permission.CLIENT_MANAGE)
    client = store.lock_client(session, store.client_of_key(session, key_id))
    if any(key.id == key_id and key.revoked_at is None for key in store.keys_of(session, client.id)):
        recording = begin(session, client, actor=actor, now=now)
        store.revoke_key(session, key_id, at=recording.at, by=recording.by)
        note(session, recording, "client.key_revoked", client, {"key": key_id})


def authenticate(session: Session, text: str | None, *, now: datetime) -> Actor:
    """Who holds this key or token; Unauthenticated where nobody does (any more). A mistyped key costs no query."""
    key = parse_key(text) if text is not None else None
    found = None if key is None else token_store.find_by_token(session, key.id) if key.is_token else store.find_by_key(session, key.id)
    if key is None or found is None or not key.is_the_one(found[1].sha256):
        raise _unknown()
    client, stored, holds_any = found
    actor = actor_of(client)
    if not stored.is_live(now) or client.revoked_at is not None:
        raise _unknown().of(actor)
    if not key.is_token and (stored.last_used_at is None or now - stored.last_used_at >= NOTED_AGAIN_AFTER):
        store.note_use(session, stored.id, now=now)
    return replace(actor, delegated=store.lent_to(session, client.id, now=now)) if holds_any else actor


def actor_of(client: Client, *, request_id: str | None = None) -> Actor:
    scope = client.scope
    return Actor(client.id, client.name, client.role.value, scope.programme, scope.subcontract, scope.commissioner, request_id)


def _unknown() -> Unauthenticated:
    return Unauthenticated("Send a valid key as `Authorization: Bearer ms_live_…`, or a token from /oauth/token.")


def begin(session: Session, client: Client, *, actor: Actor, now: datetime) -> Recording:
    """Record in the chain of the client's programme, or the installation's for one that spans programmes or comes before its programme."""
    if client.scope.programme != EVERY:
        try:
            return begin_recording(session, client.scope.programme, actor=actor, now=now)
        except NotFound:
            # Clients may be made before their programme, by whoever reaches every one.
            if actor.programme != EVERY:
                raise
    open_ledger(session, EVERY, now=now)
    return begin_recording(session, EVERY, actor=actor, now=now)


def _give_key(session: Session, client_id: str, recording: Recording, lifetime: timedelta) -> Key:
    key = new_key()
    stored = StoredKey(key.id, key.sha256, recording.at + lifetime, revoked_at=None, last_used_at=None)
    store.add_key(session, stored, client=client_id, at=recording.at, by=recording.by)
    return key


def note(
    session: Session, recording: Recording, action: str, client: Client, details: dict[str, Any], *, before: Any = None, after: Any = None
) -> None:
    """Write the event of an act on a client, which is about the party that it works for."""
    reach = {"subcontract": client.scope.subcontract, "commissioner": client.scope.commissioner}
    party = {name: code for name, code in reach.items() if code not in {None, EVERY}}
    audit.record(session, recording, action, subject={"client": client.id, **party}, details=details, before=before, after=after)
