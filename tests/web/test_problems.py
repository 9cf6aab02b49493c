"""Every refusal is problem+json, says everything at once, and repeats nothing that was sent."""

import importlib
import json
from typing import Any

import httpx
import pytest

from app.access.domain import ClientRevoked
from app.kernel.refusals import Kind, Refusal
from app.main import OPERATORS
from app.web.problems import STATUS, every_refusal, problem
from tests.house.tree import sources
from tests.support.http import Web

BOATS = "/v1/programmes/p/boats"


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert list(problem) == ["type", "title", "status", "detail", "instance", "code", "errors"]
    assert problem["type"] == f"/docs/problems#{code}"
    assert problem["instance"] == f"urn:mainstem:request:{answer.headers['x-request-id']}"
    for error in problem["errors"]:
        assert {"code", "detail", "fix"} <= error.keys()
        assert None not in error.values()
    return problem


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/nowhere", f"{BOATS}/a/b/c", f"{BOATS}/", "/livez/", "/docs/assets/nothing.js", "/%00", "/v1/../etc/passwd"]
)
def test_unknown_addresses(web: Web, manager: str, path: str) -> None:
    for key in (None, manager):
        problem_of(web.get(path, key=key), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/livez", "GET, HEAD"),
        (BOATS, "GET, HEAD, POST"),
        (f"{BOATS}/x", "GET, HEAD, PUT"),
        (f"{BOATS}/x/defects", "POST"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
def test_methods_that_an_address_does_not_take(web: Web, path: str, allow: str) -> None:
    answer = web.request("DELETE", path)
    problem_of(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allow


def test_a_stranger_is_told_how_to_come_in(web: Web) -> None:
    for header in (None, "", "Bearer", "Bearer x", "Basic eDp5", "Bearer ms_live_a_b", "Bearer %FF"):
        answer = web.post(f"{BOATS}?dry_run=nonsense", {"not": "read"}, headers={"Authorization": header} if header is not None else None)
        problem_of(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_parameter_that_an_operation_does_not_know_is_refused(web: Web, manager: str) -> None:
    problem = problem_of(web.get(f"{BOATS}?include=submitted&as-of=x&limit=1&9434765919=y", key=manager), 422, "unknown_parameter")
    assert [error.get("pointer") for error in problem["errors"]] == ["/query/include", "/query/as-of", "/query"]
    assert {error["fix"] for error in problem["errors"]} == {"Leave it out, or use any of as_of, cursor, limit."}
    assert "9434765919" not in str(problem)
    problem = problem_of(web.get(f"{BOATS}/x?as_of=2026-10-01T00:00:00Z", key=manager), 422, "unknown_parameter")
    assert problem["errors"][0]["fix"] == "Leave it out: this operation takes no parameters."
    kept = web.post(f"{BOATS}?dryrun=true", {"code": "unasked", "name": "X"}, key=manager)
    problem_of(kept, 422, "unknown_parameter")
    assert web.get(f"{BOATS}/unasked", key=manager).status_code == 404
    # Of two that contradict each other neither is heeded.
    twice = web.post(f"{BOATS}?dry_run=true&dry_run=false", {"code": "unasked", "name": "X"}, key=manager)
    assert [error["code"] for error in problem_of(twice, 422, "unknown_parameter")["errors"]] == ["parameter_twice"]
    assert web.get(f"{BOATS}/unasked", key=manager).status_code == 404
    # All that is wrong at once, and nothing for a stranger.
    problem = problem_of(web.get(f"{BOATS}?limit=none&include=x", key=manager), 422, "invalid")
    assert {error["pointer"] for error in problem["errors"]} == {"/query/limit", "/query/include"}
    problem_of(web.get(f"{BOATS}?include=x"), 401, "unauthenticated")
    problem_of(web.get("/metrics?x=1", key=web.key("administrator")), 422, "unknown_parameter")


def test_a_parameter_that_cannot_be_read_is_told_what_it_must_be(web: Web, manager: str) -> None:
    """And never what it was."""
    found = [
        problem_of(web.request(method, path, key=manager), 422, "invalid")["errors"][0]
        for method, path in (
            ("GET", f"{BOATS}?limit=ninety"),
            ("GET", f"{BOATS}?limit=-1"),
            ("POST", f"{BOATS}?dry_run=ninety"),
            ("GET", "/v1/programmes/p/publications?month=2026-13"),
        )
    ]
    assert [error["detail"].split(". ", 1)[-1] for error in found] == [
        "This must be a whole number.",
        "This number must be at least 1.",
        "This must be true or false.",
        "A month is written as a string, YYYY-MM, from 1900 to 2199.",
    ]
    assert {error["code"] for error in found} == {"parameter"}


def test_anothers_programme_looks_exactly_like_none(web: Web, manager: str) -> None:
    web.post("/v1/programmes/theirs/boats", {"code": "x", "name": "X"}, key=web.key("administrator"))
    bodies = set()
    for path in ("/v1/programmes/theirs/boats/x", "/v1/programmes/nobodys/boats/x", "/v1/programmes/not%20a%20code/boats/x"):
        answer = web.get(path, key=manager, headers={"X-Request-ID": "the-same-one"})
        problem_of(answer, 404, "not_found")
        bodies.add((answer.content, tuple((name, value) for name, value in answer.headers.items() if name != "traceparent")))
    assert len(bodies) == 1


def test_roles_that_may_not(web: Web) -> None:
    problem_of(web.post(BOATS, {"code": "x", "name": "X"}, key=web.key("analyst", programme="p")), 403, "forbidden")
    problem_of(web.get("/metrics", key=web.key("preparer", programme="p", subcontract="s")), 403, "forbidden")


def test_bodies_of_another_type(web: Web, manager: str) -> None:
    for kind in ("text/plain", "application/jsonp", "application/json; charset=latin-1", ""):
        answer = web.request("POST", BOATS, key=manager, content=b'{"code": "x", "name": "X"}', headers={"Content-Type": kind})
        problem_of(answer, 415, "unsupported_media_type")
    answer = web.request("POST", BOATS, key=manager, content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    problem_of(answer, 415, "unsupported_media_type")
    for kind in ("application/json", "Application/JSON; charset=UTF-8"):
        answer = web.request(
            "POST", f"{BOATS}?dry_run=true", key=manager, content=b'{"code": "x", "name": "X"}', headers={"Content-Type": kind}
        )
        assert answer.status_code == 200


def test_bodies_that_are_too_large(web: Web, manager: str) -> None:
    limit = web.database.settings.body_limit_bytes
    answer = web.request("POST", BOATS, key=manager, content=b"", headers={"Content-Length": str(limit + 1)})
    problem_of(answer, 413, "too_large")
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield b" " * (1 << 20)

    async def call() -> httpx.Response:
        return await web.client.post(BOATS, content=endless(), headers={"Authorization": f"Bearer {manager}"})

    problem_of(web.portal.call(call), 413, "too_large")
    assert sent <= limit + (2 << 20)
    assert web.request("POST", BOATS, key=manager, content=b"", headers={"Content-Length": "x"}).status_code == 400


def test_malformed_json_names_line_and_column(web: Web, manager: str) -> None:
    problem = problem_of(web.request("POST", BOATS, key=manager, content=b'{"code": "x",\n "name": }'), 400, "malformed_json")
    assert [(error["line"], error["column"]) for error in problem["errors"]] == [(2, 10)]


def test_every_fault_at_once_and_no_echo(web: Web, manager: str) -> None:
    content = b'{"code": "canary!", "name": 4444444444, "canary_member": 1, "9434765919": "canary"}'
    problem = problem_of(web.request("POST", BOATS, key=manager, content=content), 422, "invalid")
    assert [(error["code"], error["pointer"]) for error in problem["errors"]] == [
        ("pattern", "/code"),
        ("wrong_type", "/name"),
        ("unknown_member", "/canary_member"),
        ("unknown_member", ""),
    ]
    text = str(problem).replace("canary_member", "")
    assert not [canary for canary in ("canary", "4444444444", "9434765919") if canary in text]


def test_parameters_are_refused_without_echo(web: Web, manager: str) -> None:
    answer = web.get(f"{BOATS}?limit=canary", key=manager)
    problem = problem_of(answer, 422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/query/limit"]
    assert "canary" not in answer.text
    problem_of(web.get(f"{BOATS}?cursor=%00", key=manager), 422, "invalid")
    problem_of(web.get(f"{BOATS}/a%00b", key=manager), 404, "not_found")


def test_the_register_is_complete_and_served(web: Web) -> None:
    for source in sources("app"):
        importlib.import_module(source.module)
    declared = set(every_refusal(leaving_out=OPERATORS))
    page = web.get("/docs/problems")
    published = web.get("/openapi.json").json()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert declared == set(published)
    assert all(f'id="{code}"' in page.text for code in declared)
    assert set(STATUS) == set(Kind)
    assert all(kind.__doc__ and kind.title for kind in every_refusal().values())


def test_two_refusals_with_one_code_are_noticed() -> None:
    class Again(Refusal):
        code = "not_found"
        kind = Kind.NOT_FOUND
        title = "Again"

    Again.__module__ = "app.planted"
    try:
        with pytest.raises(RuntimeError, match="share the code not_found"):
            every_refusal()
    finally:
        Again.__module__ = "tests.planted"


def test_what_is_about_a_state_says_how_to_go_on(web: Web, manager: str) -> None:
    web.post(BOATS, {"code": "stays", "name": "X"}, key=manager)
    unsaid = web.put(f"{BOATS}/stays", {"code": "stays", "name": "Y"}, key=manager)
    stale = web.put(f"{BOATS}/stays", {"code": "stays", "name": "Y"}, key=manager, headers={"If-Match": '"x"'})
    for answer, status in ((unsaid.content, 428), (stale.content, 412), (problem(ClientRevoked("It is."), "x").body, 409)):
        said = json.loads(bytes(answer))
        (error,) = said["errors"]
        assert (said["status"], error["code"], error["detail"]) == (status, said["code"], said["detail"])
        assert error["fix"]


def test_what_can_be_read_can_be_asked_about_without_its_body(web: Web, manager: str) -> None:
    for path in ("/livez", "/openapi.json", f"{BOATS}", f"{BOATS}/none", "/nowhere"):
        read, asked = (web.request(method, path, key=manager, headers={"X-Request-ID": "the-same-one"}) for method in ("GET", "HEAD"))
        assert (asked.status_code, asked.content) == (read.status_code, b"")
        assert asked.headers["Content-Length"] == read.headers["Content-Length"] == str(len(read.content))
        assert asked.headers.get("ETag") == read.headers.get("ETag")
    tag = web.get(BOATS, key=manager).headers["ETag"]
    assert web.request("HEAD", BOATS, key=manager, headers={"If-None-Match": tag}).status_code == 304
    assert web.request("HEAD", f"{BOATS}/x/defects", key=manager).status_code == 405
