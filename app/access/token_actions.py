"""Exchanging a signed assertion for a token, and bringing a client's public keys to a set. The caller owns the transaction."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access import store, token_store
from app.access.actions import actor_of, begin, note
from app.access.assertions import InvalidClient, check_assertion, claimed_client
from app.access.domain import ClientRevoked, Permission, StoredKey, require
from app.access.key_sets import PublicKey, read_key_set
from app.access.keys import new_token
from app.db import audit
from app.db.ledger import begin_recording, open_ledger
from app.kernel.actors import EVERY, Actor

TOKEN_LIFETIME: Final = timedelta(minutes=10)


def exchange(session: Session, assertion: str, *, client_id: str | None, audiences: Collection[str], request_id: str, now: datetime) -> str:
    """A token for a client that proves itself with its private key; InvalidClient for everybody else. Runs as `INSTALLATION`.

    An assertion is used up by the token that it gave. The event stands in the installation's chain: in the programme's it would move the
    moment that reads there are judged at.
    """
    claimed = claimed_client(assertion)
    if client_id is not None and client_id != claimed:
        raise InvalidClient("client_id, where it is given, is what iss says.")
    client = store.find_client(session, claimed)
    keys = token_store.public_keys(session, claimed)
    proof = check_assertion(assertion, keys, audiences=audiences, now=now)
    if client is None:
        raise InvalidClient("The client has been revoked.")
    actor = actor_of(client, request_id=request_id)
    if client.revoked_at is not None:
        raise InvalidClient("The client has been revoked.").of(actor)
    if not token_store.use_assertion(session, client.id, proof.jti_sha256, expires_at=proof.expires_at, now=now):
        raise InvalidClient("This assertion was used before: make a new one, with another jti, each time.")
    token = new_token()
    stored = StoredKey(token.id, token.sha256, now + TOKEN_LIFETIME, revoked_at=None, last_used_at=None)
    token_store.add_token(session, stored, client=client.id, thumbprint=proof.key.thumbprint, now=now)
    open_ledger(session, EVERY, now=now)
    recording = begin_recording(session, EVERY, actor=actor, now=now)
    audit.record(
        session, recording, "client.token_given", subject={"client": client.id}, details={"token": token.id, "key": proof.key.thumbprint}
    )
    return token.text


def put_public_keys(
    session: Session,
    client_id: str,
    key_set: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    expect: Callable[[tuple[PublicKey, ...]], None],
) -> tuple[PublicKey, ...]:
    """Bring a client's public keys to a set: to rotate, put both, sign with the new one, then put the new one alone.

    `expect` is given what stands, once nobody else can change it, and refuses where that is not what the caller saw. A token dies with the key
    that it was given for.
    """
    require(actor, Permission.CLIENT_MANAGE)
    client = store.lock_client(session, client_id)
    held = token_store.public_keys(session, client_id)
    expect(held)
    keys = read_key_set(key_set)
    if client.revoked_at is not None:
        raise ClientRevoked("The client has been revoked: make a new one.")
    if keys != held:
        recording = begin(session, client, actor=actor, now=now)
        token_store.replace_public_keys(session, client_id, keys, at=recording.at, by=recording.by)
        thumbprints = [[key.thumbprint for key in each] for each in (held, keys)]
        note(session, recording, "client.public_keys_put", client, {"keys": thumbprints[1]}, before=thumbprints[0], after=thumbprints[1])
    return keys
