"""Clients over HTTP: made, rotated, revoked, seen by whoever manages them and nobody else; and tokens for what they sign."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text

from app.access.token_api import ASSERTION_TYPE, FORM
from tests.access.signing import Pair, claims, pair, part
from tests.make import document
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.http import Web, serving

ADDRESS = "http://mainstem.test/oauth/token"


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(datetime(2026, 11, 13, 17, 0, tzinfo=UTC))


@pytest.fixture(scope="module")
def web(module_database: Database, clock: Clock) -> Iterator[Web]:
    with serving(module_database, clock=clock) as web:
        for programme in ("p", "other"):
            body = document()
            body["programme"] = {**body["programme"], "code": programme}
            headers = {"If-None-Match": "*"}
            put = web.put(f"/v1/programmes/{programme}/configuration", body, key=web.key("administrator"), headers=headers)
            assert put.status_code == 201, put.text
        yield web


def make(web: Web, key: str, **members: Any) -> httpx.Response:
    return web.post("/v1/clients", {"name": "A client", "role": "analyst", "programme": "p", **members}, key=key)


def made(web: Web, key: str, **members: Any) -> dict[str, Any]:
    answer = make(web, key, **members)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def works(web: Web, key: str) -> bool:
    return web.get("/v1/me", key=key).status_code == 200


def forget(web: Web) -> None:
    """Half a second has passed: what is remembered of callers is no longer believed."""
    web.app.state.service.callers._remembered.clear()  # noqa: SLF001 - a test waits for no clock, and nothing that is served forgets


def signing(web: Web, *pairs: Pair) -> str:
    """The id of a client that has these public keys and no key."""
    client: str = made(web, web.key("administrator"), with_key=False)["id"]
    put = web.put(
        f"/v1/clients/{client}/public-keys",
        {"keys": [each.jwk for each in pairs]},
        key=web.key("administrator"),
        headers={"If-Match": "*"},
    )
    assert put.status_code == 200, put.text
    return client


def ask(web: Web, assertion: str, **members: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **members}
    return web.request("POST", "/oauth/token", content=urlencode(form).encode(), headers={"Content-Type": FORM})


def test_a_client_is_made_with_a_key_that_is_shown_once(web: Web) -> None:
    administrator = web.key("administrator")
    body = {"name": "A client", "role": "analyst", "programme": "p"}
    first = web.post("/v1/clients", body, key=administrator, headers={"Idempotency-Key": "one"})
    again = web.post("/v1/clients", body, key=administrator, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert again.json() == {**first.json(), "key": None}
    read = web.get(first.headers["location"], key=administrator)
    assert works(web, first.json()["key"])
    assert read.json() == {name: value for name, value in first.json().items() if name != "key"}
    with web.database.superuser_engine.connect() as connection:
        kept = connection.execute(text("SELECT string_agg(body::text, '') FROM idempotency_keys")).scalar_one()
    assert first.json()["key"].encode().hex() not in kept


def test_a_key_is_rotated_without_a_pause(web: Web, clock: Clock) -> None:
    administrator = web.key("administrator")
    first = made(web, administrator)
    path = f"/v1/clients/{first['id']}"
    second = web.post(f"{path}/keys", key=administrator)
    assert second.status_code == 201
    assert works(web, first["key"])
    assert works(web, second.json()["key"])
    assert (web.post(f"{path}/keys", key=administrator)).json()["code"] == "too_many_keys"
    old = first["keys"][0]["id"]
    ended = web.post(f"{path}/keys/{old}/revocation", key=administrator)
    assert [key["revoked_at"] is not None for key in ended.json()["keys"] if key["id"] == old] == [True]
    forget(web)
    assert not works(web, first["key"])
    assert works(web, second.json()["key"])
    web.post(f"{path}/revocation", key=administrator)
    forget(web)
    assert not works(web, second.json()["key"])
    assert web.post(f"{path}/keys", key=administrator).json()["code"] == "client_revoked"
    short = made(web, administrator, key_lifetime_days=1)
    wrong = web.post(f"/v1/clients/{short['id']}/keys", {"key_lifetime_days": 401}, key=administrator)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/key_lifetime_days")
    longer = web.post(f"/v1/clients/{short['id']}/keys", {"key_lifetime_days": 2}, key=administrator).json()["key"]
    clock.now += timedelta(days=1, seconds=1)
    assert not works(web, short["key"])
    assert works(web, longer)
    clock.now += timedelta(days=1)
    forget(web)
    assert not works(web, longer)


def test_whoever_manages_one_programme_sees_nobody_of_another(web: Web) -> None:
    everyone = web.key("administrator")
    of_p, of_other = web.key("administrator", programme="p"), web.key("administrator", programme="other")
    mine, theirs = made(web, of_p), made(web, of_other, programme="other")
    seen = {client["id"]: client["programme"] for client in web.get("/v1/clients?limit=200", key=of_p).json()["clients"]}
    assert mine["id"] in seen
    assert set(seen.values()) == {"p"}
    paths = [
        ("GET", ""),
        ("POST", "/revocation"),
        ("POST", "/keys"),
        ("POST", f"/keys/{theirs['keys'][0]['id']}/revocation"),
        ("GET", "/public-keys"),
        ("PUT", "/public-keys"),
    ]
    for method, rest in paths:
        answers = [
            web.request(method, f"/v1/clients/{client}{rest}", key=of_p, json={"keys": []} if method == "PUT" else None)
            for client in (theirs["id"], "nobody")
        ]
        said = [{**answer.json(), "instance": ""} for answer in answers]
        assert answers[0].status_code == 404, (method, rest)
        assert said[0] == said[1], (method, rest)
    assert works(web, theirs["key"])
    # A key of another's client is not found under one's own.
    crossed = web.post(f"/v1/clients/{mine['id']}/keys/{theirs['keys'][0]['id']}/revocation", key=of_p)
    assert crossed.status_code == 404
    assert make(web, of_p, programme="other").status_code == 403
    assert make(web, of_p, role="auditor", programme=None).status_code == 403
    assert {client["programme"] for client in web.get("/v1/clients?limit=200", key=everyone).json()["clients"]} >= {None, "p", "other"}


@pytest.mark.parametrize("role", ["contract_manager", "analyst", "finance"])
def test_nobody_else_manages_clients(web: Web, role: str) -> None:
    assert make(web, web.key(role, programme="p")).status_code == 403
    assert web.get("/v1/clients", key=web.key(role, programme="p")).status_code == 403
    assert web.get("/v1/clients", key=web.key("auditor", programme="p")).status_code == 200
    assert make(web, web.key("auditor", programme="p")).status_code == 403


def test_a_scope_that_is_not_there_is_refused(web: Web) -> None:
    for key in (web.key("administrator"), web.key("administrator", programme="p")):
        answer = make(web, key, role="preparer", subcontract="SC-NOBODY")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/subcontract")
    assert make(web, web.key("administrator"), programme="nowhere").status_code == 404
    several = make(web, web.key("administrator"), role="analyst", subcontract="x", name="A", key_lifetime_days=0, more=1)
    assert several.status_code == 422


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "ES256", "EdDSA"])
def test_a_signature_is_exchanged_for_a_token_of_ten_minutes(web: Web, clock: Clock, algorithm: str) -> None:
    own = pair(algorithm)
    client = signing(web, own)
    assertion = own.assertion(claims(client, clock.now, aud=ADDRESS))
    given = ask(web, assertion, client_id=client, scope="ignored")
    assert given.status_code == 200, given.text
    assert (given.json()["token_type"], given.json()["expires_in"]) == ("Bearer", 600)
    assert given.headers["cache-control"] == "no-store"
    token = given.json()["access_token"]
    me = web.get("/v1/me", key=token)
    assert (me.json()["client"], me.json()["role"]) == (client, "analyst")
    with web.database.superuser_engine.connect() as connection:
        stored = str(connection.execute(text("SELECT * FROM client_tokens")).all())
        stored += str(connection.execute(text("SELECT * FROM events")).all())
    assert token not in stored
    again = ask(web, assertion)
    assert (again.status_code, again.json()["error"], again.json()["code"]) == (401, "invalid_client", "invalid_client")
    forget(web)
    clock.now += timedelta(minutes=10)
    assert not works(web, token)


def test_public_keys_are_rotated_without_a_pause_and_a_token_dies_with_its_key(web: Web, clock: Clock) -> None:
    old, new, administrator = pair("EdDSA", "old"), pair("ES256", "new"), web.key("administrator")
    client = signing(web, old)
    path = f"/v1/clients/{client}/public-keys"

    def token(by: Pair, name: str) -> str | None:
        given: str | None = ask(web, by.assertion(claims(client, clock.now, aud=ADDRESS, jti=name))).json().get("access_token")
        return given

    first = token(old, "1")
    assert first is not None
    assert token(new, "2") is None
    read = web.get(path, key=administrator)
    assert web.put(path, {"keys": []}, key=administrator).status_code == 428
    assert web.put(path, {"keys": []}, key=administrator, headers={"If-Match": '"stale"'}).status_code == 412
    both = web.put(path, {"keys": [old.jwk, new.jwk]}, key=administrator, headers={"If-Match": read.headers["etag"]})
    assert both.status_code == 200
    assert web.get(path, key=administrator).headers["etag"] == both.headers["etag"]
    second = token(new, "3")
    assert second is not None
    assert works(web, first)
    alone = web.put(path, {"keys": [new.jwk]}, key=administrator, headers={"If-Match": both.headers["etag"]})
    assert alone.status_code == 200
    forget(web)
    assert not works(web, first)
    assert works(web, second)
    assert token(old, "4") is None
    # What died stays dead when its key comes back.
    assert web.put(path, {"keys": [old.jwk, new.jwk]}, key=administrator, headers={"If-Match": "*"}).status_code == 200
    forget(web)
    assert not works(web, first)
    assert works(web, second)
    private = {**new.jwk, "d": "AAAA"}
    refused = web.put(path, {"keys": [private]}, key=administrator, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "private_key")
    assert "AAAA" not in refused.text
    web.post(f"/v1/clients/{client}/revocation", key=administrator)
    forget(web)
    assert not works(web, second)
    assert token(new, "5") is None


def test_two_clients_may_have_one_key_and_each_acts_as_itself(web: Web, clock: Clock) -> None:
    own, administrator = pair("EdDSA"), web.key("administrator")
    one, other = signing(web, own), signing(web, own)
    given = {client: ask(web, own.assertion(claims(client, clock.now, aud=ADDRESS))).json()["access_token"] for client in (one, other)}
    assert {client: web.get("/v1/me", key=token).json()["client"] for client, token in given.items()} == {one: one, other: other}
    # The assertion of one under the name of the other is neither's.
    crossed = own.assertion(claims(one, clock.now, aud=ADDRESS, sub=other, jti="crossed"))
    assert ask(web, crossed).status_code == 401
    assert web.put(f"/v1/clients/{one}/public-keys", {"keys": []}, key=administrator, headers={"If-Match": "*"}).status_code == 200
    forget(web)
    assert not works(web, given[one])
    assert works(web, given[other])


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"", FORM, 400, "invalid_request"),
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"grant_type=client_credentials", FORM, 400, "invalid_request"),
        (b"grant_type=password&client_assertion_type=x&client_assertion=x", FORM, 400, "unsupported_grant_type"),
        (b"grant_type=client_credentials&client_assertion_type=x&client_assertion=x", FORM, 400, "invalid_request"),
        (b"grant_type=client_credentials&grant_type=x&client_assertion_type=x&client_assertion=x", FORM, 400, "invalid_request"),
        (b"grant_type=%ff&client_assertion_type=x&client_assertion=x", FORM, 400, "invalid_request"),
        (b"x" * 20_000, FORM, 413, "too_large"),
    ],
)
def test_what_is_no_request_for_a_token(web: Web, content: bytes, media_type: str, status: int, code: str) -> None:
    answer = web.request("POST", "/oauth/token", content=content, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_assertion_for_whoever_the_host_header_names_is_refused(web: Web, clock: Clock) -> None:
    own = pair("EdDSA")
    client = signing(web, own)
    assertion = own.assertion(claims(client, clock.now, aud="http://elsewhere.example/oauth/token"))
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    headers = {"Content-Type": FORM, "Host": "elsewhere.example", "X-Forwarded-Host": "elsewhere.example"}
    answer = web.request("POST", "/oauth/token", content=urlencode(form).encode(), headers=headers)
    assert answer.status_code == 401
    stranger = ask(web, own.assertion(claims("nobody", clock.now, aud=ADDRESS)))
    assert {**stranger.json(), "instance": ""}["code"] == "invalid_client"


@pytest.mark.parametrize("issuer", ["a\0", "\ud800", "", "x" * 100, "../a", "café", "all\n"])
def test_what_cannot_be_the_id_of_a_client_is_none(web: Web, issuer: str) -> None:
    said = f"{part({'alg': 'RS512', 'kid': 'k1'})}.{part({'iss': issuer, 'sub': issuer})}.{part(bytes(8))}"
    answer = ask(web, said)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_client")
