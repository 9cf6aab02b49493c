"""Managing clients over HTTP: making them, rotating and revoking their keys, and the public keys that they sign with."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.access.domain import ClientRevoked, TooManyKeys
from app.access.key_sets import PublicKey
from app.configuration import client_actions as actions
from app.configuration.client_schemas import (
    CLIENT,
    CLIENTS,
    KEY_SET,
    MADE,
    NEW,
    ClientsView,
    ClientView,
    KeySetView,
    MadeView,
    NewClientBody,
    NewKeyBody,
    client_view,
    key_set_view,
)
from app.kernel.canonical import json_bytes
from app.web.etags import PreconditionRequired, Stale, tag_of
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/clients", tags=["clients"])

ClientId = Annotated[str, Path(description="The client's id.", examples=["c4f2k9"])]
KeyId = Annotated[str, Path(description="The key's id: the part of it after ms_live_.", examples=["k3v9r2"])]


@router.get("", responses=refusals(BadCursor) | json_answer(ClientsView, CLIENTS))
def list_clients(unit: Unit, page: PageOf) -> Response:
    """List the clients within the caller's reach, with when their keys end and were last used."""
    after = str(page.after[0]) if page.after else None
    found = actions.read_clients(unit.session, after, limit=page.limit + 1, actor=unit.actor)
    rows, following, link = page.cut(found, key=lambda managed: (managed.client.id,))
    return unit.read({"clients": [client_view(managed) for managed in rows], "next": following}, headers=link)


@router.post(
    "",
    status_code=201,
    responses=refusals(*WRITING) | json_answer(MadeView, MADE, status=201),
    openapi_extra=json_body(NewClientBody, NEW),
)
def make_client(unit: Unit) -> Response:
    """Make a client; its key is shown this once, and never again: not to a request that is replayed either."""
    new = unit.json_as(NewClientBody).client()
    made, key = actions.register_client(unit.session, new, actor=unit.actor, now=unit.now)
    payload = {**client_view(made), "key": None}
    return unit.answer(payload, status=201, location=f"/v1/clients/{made.client.id}", shown_once={"key": key})


@router.get("/{client}", responses=refusals() | json_answer(ClientView, CLIENT))
def get_client(unit: Unit, client: ClientId) -> Response:
    """Read a client."""
    return unit.read(client_view(actions.read_client(unit.session, client, actor=unit.actor)))


@router.post("/{client}/revocation", responses=refusals(*WRITING) | json_answer(ClientView, CLIENT))
def revoke_client(unit: Unit, client: ClientId) -> Response:
    """End a client with all its keys and tokens; within a second none of them is accepted."""
    return unit.answer(client_view(actions.revoke(unit.session, client, None, actor=unit.actor, now=unit.now)))


@router.post(
    "/{client}/keys",
    status_code=201,
    responses=refusals(*WRITING, ClientRevoked, TooManyKeys) | json_answer(MadeView, MADE, status=201),
    openapi_extra=json_body(NewKeyBody, {"key_lifetime_days": 90}, required=False),
)
def add_key(unit: Unit, client: ClientId) -> Response:
    """Give a client its second key, shown this once, so that it can change over; the first goes on until it is revoked.

    The body may say how many days it lives, at most 400, which it does without one.
    """
    new = unit.json_as(NewKeyBody) if unit.body.strip() else NewKeyBody()
    lifetime = timedelta(days=new.key_lifetime_days)
    managed, key = actions.add_key(unit.session, client, actor=unit.actor, now=unit.now, lifetime=lifetime)
    payload = {**client_view(managed), "key": None}
    return unit.answer(payload, status=201, location=f"/v1/clients/{client}", shown_once={"key": key})


@router.post("/{client}/keys/{client_key}/revocation", responses=refusals(*WRITING) | json_answer(ClientView, CLIENT))
def revoke_key(unit: Unit, client: ClientId, client_key: KeyId) -> Response:
    """End one key of a client; within a second it is not accepted any more."""
    return unit.answer(client_view(actions.revoke(unit.session, client, client_key, actor=unit.actor, now=unit.now)))


@router.get("/{client}/public-keys", responses=refusals() | json_answer(KeySetView, KEY_SET))
def get_public_keys(unit: Unit, client: ClientId) -> Response:
    """Read the public keys that a client signs with."""
    return unit.read(_content(tuple(actions.read_client(unit.session, client, actor=unit.actor).public_keys)))


@router.put(
    "/{client}/public-keys",
    responses=refusals(*WRITING, ClientRevoked, PreconditionRequired, Stale) | json_answer(KeySetView, KEY_SET),
    openapi_extra=json_body(KeySetView, KEY_SET),
)
def put_public_keys(unit: Unit, client: ClientId) -> Response:
    """Bring a client's public keys to a set. To rotate without a pause: put both, sign with the new one, put the new one alone.

    Each key names its one algorithm: RS512, PS256, ES256 or EdDSA. A token dies with the key that it was given for.
    """
    key_set = unit.json()
    keys = actions.put_public_keys(
        unit.session,
        client,
        key_set if isinstance(key_set, dict) else {},
        actor=unit.actor,
        now=unit.now,
        expect=lambda held: unit.precondition.check(tag_of(_content(held))),
    )
    content = _content(tuple(keys))
    return unit.answer(content, etag=tag_of(content))


def _content(keys: tuple[PublicKey, ...]) -> bytes:
    return json_bytes(key_set_view(keys))
