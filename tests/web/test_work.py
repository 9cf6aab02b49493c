"""One request is one transaction, committed before its answer; the how-to of `app/web/__init__.py`, run."""

import json
import threading
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import anyio
import httpx
import pytest
from sqlalchemy import text

from app.web.idempotency import KEPT
from tests.support.databases import Database
from tests.support.http import Web, serving
from tests.web.boats import create_boats, router

BOATS = "/v1/programmes/p/boats"


def boat(code: str, name: str = "A boat") -> dict[str, str]:
    return {"code": code, "name": name}


def once(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def names(web: Web) -> list[str]:
    with web.database.superuser_engine.connect() as connection:
        return list(connection.execute(text("SELECT code FROM boats ORDER BY code")).scalars())


def idempotency_rows(web: Web) -> int:
    with web.database.superuser_engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM idempotency_keys")).scalar_one())


def test_a_creation_answers_with_its_place_and_tag_and_can_be_read(web: Web, manager: str) -> None:
    made = web.post(BOATS, boat("first"), key=manager)
    assert (made.status_code, made.json()) == (201, boat("first"))
    assert made.headers["location"] == f"{BOATS}/first"
    read = web.get(made.headers["location"], key=manager)
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, boat("first"), made.headers["etag"])
    again = web.get(f"{BOATS}/first", key=manager, headers={"If-None-Match": f'"other", W/{read.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", read.headers["etag"])


def test_a_commit_that_fails_never_answers_success_and_leaves_nothing(web: Web, manager: str) -> None:
    before, key = idempotency_rows(web), once()
    failed = web.post(BOATS, boat("doomed", "Titanic"), key=manager, headers=key)
    assert (failed.status_code, failed.json()["code"]) == (500, "defect")
    assert "iceberg" not in failed.text
    assert "doomed" not in names(web)
    assert idempotency_rows(web) == before
    # The first try failed, so the key is free.
    assert web.post(BOATS, boat("doomed", "Carpathia"), key=manager, headers=key).status_code == 201


@pytest.mark.parametrize("act", ["defects", "forgotten"])
def test_what_is_not_committed_is_rolled_back(web: Web, manager: str, act: str) -> None:
    failed = web.post(f"{BOATS}/{act}/{act}", key=manager, headers=once())
    assert (failed.status_code, failed.json()["code"]) == (500, "defect")
    assert "secret" not in failed.text
    assert act not in names(web)


def test_a_dry_run_keeps_nothing_not_even_its_key(web: Web, manager: str) -> None:
    key = once()
    assert web.post(f"{BOATS}?dry_run=true", boat("dry"), key=manager, headers=key).status_code == 200
    assert "dry" not in names(web)
    assert web.post(BOATS, boat("dry"), key=manager, headers=key).status_code == 201


def test_the_same_key_gives_the_first_answer_again(web: Web, manager: str) -> None:
    key = once()
    first = web.post(BOATS, boat("once"), key=manager, headers=key)
    second = web.post(BOATS, boat("once"), key=manager, headers=key)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert [second.headers[name] for name in ("location", "etag")] == [first.headers[name] for name in ("location", "etag")]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("path", [f"{BOATS}?x=1", "/v1/programmes/p/boats/once/defects", BOATS])
def test_the_same_key_for_anything_else_is_refused(web: Web, manager: str, path: str) -> None:
    key = once()
    assert web.post(BOATS, boat("other"), key=manager, headers=key).status_code == 201
    refused = web.post(path, boat("another"), key=manager, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert "another" not in names(web)


def test_a_used_key_is_looked_at_before_the_body_is(web: Web, manager: str) -> None:
    key = once()
    assert web.post(BOATS, boat("before"), key=manager, headers=key).status_code == 201
    for content, media_type in ((b"{not json", "application/json"), (b"{}", "application/json"), (b"code", "text/csv")):
        refused = web.request("POST", BOATS, content=content, key=manager, headers=key | {"Content-Type": media_type})
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    fresh = once()
    assert web.request("POST", BOATS, content=b"{not json", key=manager, headers=fresh).status_code == 400
    assert web.post(BOATS, boat("after"), key=manager, headers=fresh).status_code == 201


def test_a_key_belongs_to_one_client_and_to_posts(web: Web, manager: str) -> None:
    key = once()
    assert web.post(BOATS, boat("mine"), key=manager, headers=key).status_code == 201
    other = web.new_client("contract_manager", programme="p")[1]
    answer = web.post(BOATS, boat("theirs"), key=other, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (201, "theirs")
    put = web.put(f"{BOATS}/put", boat("put"), key=manager, headers=key | {"If-None-Match": "*"})
    assert put.status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "with space"])
def test_what_is_no_key_is_refused(web: Web, manager: str, key: str) -> None:
    refused = web.post(BOATS, boat("unkeyed"), key=manager, headers={"Idempotency-Key": key})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_idempotency_key")


def test_of_two_at_once_the_second_waits_and_gets_the_first_answer(web: Web, manager: str) -> None:
    key, barrier = once(), threading.Barrier(4)
    answers: list[httpx.Response] = []

    def send() -> None:
        barrier.wait()
        answers.append(web.post(BOATS, boat("raced"), key=manager, headers=key))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 3


def test_a_key_is_free_again_after_its_time_and_others_are_dropped(web: Web, manager: str) -> None:
    keys = [once(), once()]
    for number, key in enumerate(keys):
        assert web.post(BOATS, boat(f"old-{number}"), key=manager, headers=key).status_code == 201
    with web.database.superuser_engine.begin() as connection:
        connection.execute(text("UPDATE idempotency_keys SET first_used_at = first_used_at - :kept"), {"kept": KEPT + timedelta(seconds=1)})
    answer = web.post(BOATS, boat("new"), key=manager, headers=keys[0])
    assert (answer.status_code, answer.json()["code"]) == (201, "new")
    with web.database.superuser_engine.connect() as connection:
        query = (
            "SELECT count(*) FROM idempotency_keys WHERE client = (SELECT client FROM idempotency_keys ORDER BY first_used_at DESC LIMIT 1)"
        )
        assert connection.execute(text(query)).scalar_one() == 1


@pytest.mark.parametrize("path", [BOATS, f"{BOATS}/x/fleet"])
def test_a_key_that_is_revoked_while_a_body_comes_is_dead_before_it_is_worked_for(web: Web, path: str) -> None:
    """Or whoever stole a key would begin something large before it is noticed, and act for as long as a body may take to come."""
    client, key = web.new_client("contract_manager", programme="p")
    asked = _sent("GET", "/v1/me", key)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await web.transport.handle_async_request(_sent("POST", f"/v1/clients/{client}/revocation", web.key("administrator")))
        with anyio.fail_after(20):
            while (await web.transport.handle_async_request(asked)).status_code == 200:
                pass
        yield b'"code": "stolen", "name": "A boat"}'

    answer = web.portal.call(web.transport.handle_async_request, _sent("POST", path, key, slowly()))
    assert (answer.status_code, json.loads(answer.read())["code"]) == (401, "unauthenticated")
    assert not {"stolen", "x"} & set(names(web))


def test_a_key_that_is_revoked_between_steps_takes_no_further_one(web: Web) -> None:
    client, key = web.new_client("contract_manager", programme="p")
    building = web.portal.start_task_soon(web.transport.handle_async_request, _sent("POST", f"{BOATS}/flagship/fleet", key))
    while "flagship" not in names(web) and not building.done():
        pass
    assert web.post(f"/v1/clients/{client}/revocation", key=web.key("administrator")).status_code == 200
    assert building.result(timeout=60).status_code == 401


def _sent(method: str, path: str, key: str, content: AsyncIterator[bytes] | None = None) -> httpx.Request:
    return httpx.Request(
        method, f"http://test{path}", content=content, headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    )


def test_preconditions(web: Web, manager: str) -> None:
    place = f"{BOATS}/put-here"
    assert web.put(place, boat("put-here"), key=manager).status_code == 428
    assert web.put(place, boat("put-here"), key=manager, headers={"If-Match": '"x"'}).status_code == 412
    made = web.put(place, boat("put-here"), key=manager, headers={"If-None-Match": "*"})
    assert made.status_code == 201
    tag = made.headers["etag"]
    changed = boat("put-here", "Renamed")
    assert web.put(place, changed, key=manager).status_code == 428
    assert web.put(place, changed, key=manager, headers={"If-None-Match": "*"}).status_code == 412
    assert web.put(place, changed, key=manager, headers={"If-Match": f"W/{tag}"}).status_code == 412
    assert web.put(place, changed, key=manager, headers={"If-Match": f'"x", {tag}'}).status_code == 200
    stale = web.put(place, changed, key=manager, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert web.put(place, changed, key=manager, headers={"If-Match": "*"}).status_code == 200


def test_pages_lead_from_one_to_the_next(web: Web) -> None:
    key, boats = web.key("contract_manager", programme="fleet"), "/v1/programmes/fleet/boats"
    for number in range(5):
        assert web.post(boats, boat(f"b{number}"), key=key).status_code == 201
    found, path = [], f"{boats}?limit=2&as_of=2026-11-13T17:00:00Z"
    while True:
        page = web.get(path, key=key)
        found.append([row["code"] for row in page.json()["boats"]])
        if page.json()["next"] is None:
            break
        path = page.links["next"]["url"]
        assert page.json()["next"] in path
        assert "as_of=" in path
    assert found == [["b0", "b1"], ["b2", "b3"], ["b4"]]
    assert "link" not in page.headers


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=", "cursor=AAAA", "cursor=%00", "as_of=2026-11", "as_of=now"])
def test_a_page_that_is_none_is_refused(web: Web, manager: str, query: str) -> None:
    refused = web.get(f"{BOATS}?{query}", key=manager)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert refused.json()["errors"]


@pytest.mark.parametrize(
    ("asked", "moment"),
    [
        ("2026-09-01", "2026-09-01T22:59:59.999999Z"),
        ("2026-09-01T10:00:00Z", "2026-09-01T10:00:00.000000Z"),
        ("2026-09-01T10:00:00+01:00", "2026-09-01T09:00:00.000000Z"),
    ],
)
def test_an_answer_says_as_of_which_moment_it_is(web: Web, manager: str, asked: str, moment: str) -> None:
    answer = web.get(f"{BOATS}?as_of={asked}", key=manager)
    assert (answer.status_code, answer.headers["X-As-Of"]) == (200, moment)
    again = web.get(f"{BOATS}?as_of={asked}", key=manager, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.headers["X-As-Of"]) == (304, moment)
    assert "X-As-Of" not in web.get(BOATS, key=manager).headers


def test_a_cursor_of_another_list_is_refused(web: Web) -> None:
    key = web.key("administrator")
    for programme in ("one", "two"):
        for code in ("a", "b"):
            assert web.post(f"/v1/programmes/{programme}/boats", boat(code), key=key).status_code == 201
    cursor = web.get("/v1/programmes/one/boats?limit=1", key=key).json()["next"]
    used = {
        "another list": ("/v1/programmes/two/boats?", key),
        "another question": ("/v1/programmes/one/boats?as_of=2026-11-13T09:00:00Z&", key),
        "another reader": ("/v1/programmes/one/boats?", web.key("administrator", programme="one")),
    }
    for elsewhere, (address, by) in used.items():
        refused = web.get(f"{address}cursor={cursor}", key=by)
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_cursor"), elsewhere
    # A colleague of the same reach goes on where this one stopped, with pages of another length.
    for by in (key, web.key("administrator")):
        assert [each["code"] for each in web.get(f"/v1/programmes/one/boats?limit=9&cursor={cursor}", key=by).json()["boats"]] == ["b"]


def test_more_callers_than_connections_all_get_their_answer(database: Database) -> None:
    """Nothing may hold a connection while it waits for a thread, nor the other way round."""
    settings = database.settings.model_copy(update={"pool_size": 2, "request_threads": 2, "pool_wait_seconds": 2, "wait_seconds": 120})
    create_boats(database)
    with serving(replace(database, settings=settings), routers=(router,)) as web:
        keys = [web.new_client("contract_manager", programme="p")[1] for _ in range(4)]

        async def send_all() -> list[int]:
            statuses: list[int] = []

            async def send(number: int) -> None:
                path = [BOATS, f"{BOATS}/x/defects", f"{BOATS}/x/forgotten", "/readyz"][number % 4]
                headers = {"Authorization": f"Bearer {keys[number // 4 % 4]}", **once()}
                method = "GET" if path == "/readyz" else "POST"
                statuses.append((await web.client.request(method, path, json=boat(f"b{number}"), headers=headers)).status_code)

            async with anyio.create_task_group() as tasks:
                for number in range(80):
                    tasks.start_soon(send, number)
            return statuses

        assert Counter(web.portal.call(send_all)) == {201: 20, 200: 20, 500: 40}
        assert web.app.state.service.engine.pool.checkedout() == 0
        assert web.app.state.in_flight.count == 0
