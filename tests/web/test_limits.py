"""How much may be asked: heads, how often, how many at once; beyond it an honest answer, and nobody starved by another."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.settings import Settings
from app.web.bodies import HeldBodies
from app.web.problems import Busy, Overloaded
from app.web.rates import Rates, neighbourhood
from app.web.waiting import Places
from tests.support.databases import Database
from tests.support.http import Web, serving

BOATS = "/v1/programmes/p/boats"
CANARY = "zqxcanary"


class Clock:
    """Moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert CANARY not in answer.text
    problem: dict[str, Any] = answer.json()
    return problem


# Heads.


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"/{CANARY * 300}", {}),
        (f"{BOATS}?cursor={CANARY * 1_000}", {}),
        (f"{BOATS}?" + "&".join(f"{CANARY}{number}=1" for number in range(101)), {}),
        (BOATS, {f"X-{CANARY}-{number}": "1" for number in range(101)}),
        (BOATS, {f"X-{CANARY}": "x" * 32_768}),
    ],
)
def test_a_head_that_nobody_needs_is_refused(web: Web, manager: str, path: str, headers: dict[str, str]) -> None:
    expected = (431, "head_too_large") if headers else (414, "address_too_long")
    problem_of(web.get(path, key=manager, headers=headers), *expected)


def test_a_head_within_the_limits_is_read(web: Web, manager: str) -> None:
    query = "&".join(f"unknown{number}=1" for number in range(100))
    assert web.get(f"{BOATS}?{query}", key=manager).json()["code"] == "unknown_parameter"
    assert web.get(BOATS, key=manager, headers={"X-Other": "x" * 30_000}).status_code == 200


# How often.


def test_a_bucket_holds_some_seconds_worth_and_fills_steadily() -> None:
    clock = Clock()
    rates = Rates(8, "Too often.", clock=clock)
    for _ in range(33):
        rates.take("flood")
    for _ in range(2):
        with pytest.raises(Overloaded) as refusal:
            rates.take("flood")
    assert refusal.value.after_seconds == 1
    rates.take("another")
    clock.now += 0.125
    rates.take("flood")
    for _ in range(100):
        rates.count("flood")
    with pytest.raises(Overloaded) as refusal:
        rates.look("flood")
    assert refusal.value.after_seconds == 13


def test_however_many_ask_little_is_remembered() -> None:
    clock = Clock()
    rates = Rates(1, "Too often.", clock=clock)
    for number in range(25_000):
        rates.count(str(number))
        clock.now += 0.01
    assert len(rates._full_at) <= 10_000  # noqa: SLF001  # what is kept is the point


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_one_subscribers_network_counts_as_one(address: str | None, place: str) -> None:
    assert ipaddress_text(neighbourhood(address)) == ipaddress_text(place)


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Idempotency-Key"])
def test_what_is_said_twice_is_refused(web: Web, name: str) -> None:
    for values in (("Bearer one", "Bearer two"), ("same", "same")):
        answer = web.client.build_request("GET", "/v1/me", headers=[(name, values[0]), (name.lower(), values[1])])
        problem_of(web.portal.call(web.client.send, answer), 400, "bad_request")


def ipaddress_text(text: str) -> str:
    return text.lower().replace("::ffff:c000:207", "::ffff:192.0.2.7")


@contextlib.contextmanager
def limited(database: Database, **settings: int) -> Iterator[Web]:
    with serving(replace(database, settings=database.settings.model_copy(update=settings))) as web:
        yield web


def test_who_floods_is_told_to_wait_and_nobody_else(module_database: Database) -> None:
    with limited(module_database, client_requests_per_second=1) as web:
        flooding, other = web.key("auditor"), web.key("administrator")
        answers = [web.get("/v1/me", key=flooding) for _ in range(12)]
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        told = answers[-1]
        problem_of(told, 429, "overloaded")
        assert int(told.headers["retry-after"]) >= 1
        assert {answer.status_code for answer in answers} == {200, 429}
        assert web.get("/v1/me", key=other).status_code == 200


def test_an_address_that_tries_keys_is_told_to_wait_and_who_is_known_there_is_not(module_database: Database) -> None:
    with limited(module_database, address_requests_per_second=1) as web:
        known = web.key("auditor")
        assert web.get("/v1/me", key=known).status_code == 200
        tried = [web.get("/v1/me", key=f"ms_live_{number}") for number in range(12)]
        assert [answer.status_code for answer in tried[:4]] == [401] * 4
        problem_of(tried[-1], 429, "overloaded")
        problem_of(web.get("/v1/me"), 429, "overloaded")
        problem_of(web.get("/v1/schemas/"), 429, "overloaded")
        problem_of(web.get("/docs/assets/favicon.png"), 429, "overloaded")
        assert web.get("/v1/me", key=known).status_code == 200
        assert {web.get(path).status_code for path in ("/livez", "/readyz") * 10} == {200}


# How many at once.


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 10))


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Work:
    """Requests that stay until they are let go."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.done: list[str] = []
        self.at_work: list[tuple[str, asyncio.Event]] = []

    async def ask(self, client: str) -> None:
        async with self._places.held(client):
            go = asyncio.Event()
            self.at_work.append((client, go))
            await go.wait()
            self.done.append(client)

    async def start(self, *clients: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.ask(client)) for client in clients]
        await settled()
        return tasks

    async def finish(self) -> None:
        """Let the first that is at work go, until nobody is."""
        while self.at_work:
            self.at_work.pop(0)[1].set()
            await settled()


def test_one_who_fills_the_line_waits_in_a_line_of_its_own() -> None:
    async def scene() -> None:
        work = Work(Places(5, most_waiting=100, patience_seconds=5))
        tasks = await work.start(*["flood"] * 20)
        assert [client for client, _ in work.at_work] == ["flood"] * 4
        tasks += await work.start("other")
        assert [client for client, _ in work.at_work][4:] == ["other"]
        tasks += await work.start("other", "third")
        await work.finish()
        await asyncio.gather(*tasks)
        assert work.done.index("third") < 8
        assert len(work.done) == 23

    run(scene())


def test_a_line_that_is_full_or_too_long_a_wait_is_busy() -> None:
    async def scene() -> None:
        work = Work(Places(1, most_waiting=4, patience_seconds=0.05))
        first = await work.start("flood")
        crowd = await work.start("flood", "flood", "flood", "a", "b", "c")
        assert [task.done() for task in crowd] == [False, False, True, False, False, True]
        ended = await asyncio.gather(*crowd, return_exceptions=True)
        assert {type(one) for one in ended} == {Busy}
        await work.finish()
        await asyncio.gather(*first)
        last = await work.start("late")
        await work.finish()
        await asyncio.gather(*last)
        assert work.done == ["flood", "late"]

    run(scene())


def test_where_the_line_never_ends_nobody_waits_long() -> None:
    async def scene() -> None:
        clock = Clock()
        work = Work(Places(1, most_waiting=100, patience_seconds=60, clock=clock))
        tasks = await work.start("a", "b")
        clock.now += 61
        late = await work.start("c")
        with pytest.raises(Busy):
            await late[0]
        await work.finish()
        await asyncio.gather(*tasks)
        assert work.done == ["a", "b"]

    run(scene())


def test_in_overload_whoever_could_only_wait_in_vain_is_told_at_once() -> None:
    async def scene() -> None:
        clock = Clock()
        places = Places(1, most_waiting=100, patience_seconds=60, clock=clock)
        work = Work(places)
        tasks = await work.start("a")
        clock.now += 10
        await work.finish()
        # A request takes a second, as far as is known.
        tasks += await work.start("b", "c")
        before, clock.now = places.is_overloaded, clock.now + 61
        assert (before, places.is_overloaded) == (False, True)
        places.expect("b")
        tasks += await work.start("d")
        (late,) = await work.start("e")
        with pytest.raises(Busy):
            late.result()
        await work.finish()
        await asyncio.gather(*tasks)
        assert work.done == ["a", "b", "c", "d"]
        before, clock.now = places.is_overloaded, clock.now + 3
        assert (before, places.is_overloaded) == (True, False)

    run(scene())


def test_who_goes_away_leaves_its_place_to_the_next() -> None:
    async def scene() -> None:
        work = Work(Places(1, most_waiting=100, patience_seconds=5))
        first, second, third = [(await work.start(client))[0] for client in ("a", "b", "c")]
        second.cancel()
        await settled()
        first.cancel()
        await settled()
        assert [client for client, _ in work.at_work[1:]] == ["c"]
        work.at_work.pop(0)
        await work.finish()
        await third
        # Called, and gone before it could begin.
        held = (await work.start("d"))[0]
        gone = (await work.start("e"))[0]
        work.at_work[0][1].set()
        await asyncio.wait({held})
        gone.cancel()
        await settled()
        work.at_work.clear()
        last = await work.start("f")
        await work.finish()
        await asyncio.gather(*last)
        assert work.done[-1] == "f"

    run(scene())


def test_the_service_is_busy_over_http_and_says_when_to_come_again(module_database: Database) -> None:
    with limited(module_database, wait_seconds=1) as web:
        key, places = web.key("auditor"), web.app.state.service.places

        def hold(count: int) -> Callable[[], Awaitable[contextlib.AsyncExitStack]]:
            async def enter() -> contextlib.AsyncExitStack:
                stack = contextlib.AsyncExitStack()
                for number in range(count):
                    await stack.enter_async_context(places.held(str(number)))
                return stack

            return enter

        held = web.portal.call(hold(module_database.settings.request_threads))
        answer = web.get("/v1/me", key=key)
        problem_of(answer, 503, "busy")
        assert answer.headers["retry-after"]
        web.portal.call(held.aclose)
        assert web.get("/v1/me", key=key).status_code == 200


def test_who_sends_too_much_at_once_leaves_room_for_others() -> None:
    bodies = HeldBodies(100)
    with bodies.by("flood") as flood, bodies.by("flood") as again, bodies.by("other") as other:
        flood(30)
        with pytest.raises(Busy):
            again(21)
        again(20)
        other(50)
        with bodies.by("third") as third, pytest.raises(Busy):
            third(1)
    with bodies.by("flood") as flood:
        flood(50)


def test_bodies_that_are_done_with_are_held_no_more(web: Web, manager: str) -> None:
    for body in ({"code": "swift", "name": "The Swift"}, {"code": "?"}):
        web.post(BOATS, body, key=manager)
    with web.app.state.service.bodies.by("anybody") as take:
        take(web.database.settings.bodies_bytes // 2)


def test_the_defaults_are_above_what_honest_clients_ask() -> None:
    settings = Settings()
    assert settings.client_requests_per_second >= 500
    assert settings.waiting_requests >= 100
    assert settings.request_threads <= settings.pool_size
