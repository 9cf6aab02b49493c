"""Who is calling is asked once for everybody who sends the same key at the same time, however many wait for the answer."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from sqlalchemy.orm import Session

from app.kernel.actors import Actor
from app.kernel.refusals import Unauthenticated
from app.web.callers import REMEMBERED_SECONDS, Callers
from app.web.rates import Rates
from tests.support.databases import Database

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CALLER = Actor(client="c", name="Somebody", role="auditor", programme=None, subcontract=None, commissioner=None)


@dataclass
class Register:
    """Says whose a key is: "good" is somebody's until it is revoked. It answers once it is let, and keeps what it was asked."""

    asked: list[str | None] = field(default_factory=list)
    judged_at: list[datetime] = field(default_factory=list)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    let: threading.Event = field(default_factory=threading.Event)
    revoked: bool = False
    seconds: float = 0.0

    def __call__(self, _session: Session, key: str | None, now: datetime) -> Actor:
        self.asked.append(key)
        self.judged_at.append(now)
        self.begun.release()
        assert self.let.wait(60)
        if key != "good" or self.revoked:
            raise Unauthenticated("Nobody has this key.")
        return CALLER


@pytest.fixture
def register() -> Iterator[Register]:
    made = Register()
    yield made
    made.let.set()


def callers_of(database: Database, register: Register) -> Callers:
    """With one thread to ask in."""
    strangers = Rates(1000, "Too many.", clock=lambda: register.seconds)
    return Callers(
        database.engine,
        register,
        lambda _: False,
        lambda _session, actor, _now: actor,
        strangers=strangers,
        threads=anyio.CapacityLimiter(1),
        clock=lambda: register.seconds,
    )


async def answers(callers: Callers, key: str, count: int, *, now: datetime = NOW) -> list[asyncio.Task[Actor]]:
    tasks = [asyncio.create_task(callers.admit(f"Bearer {key}", now=now, address="192.0.2.1")) for _ in range(count)]
    await asyncio.wait(tasks, timeout=0)
    return tasks


def test_a_crowd_with_one_key_asks_once(module_database: Database, register: Register) -> None:
    callers = callers_of(module_database, register)

    async def crowd() -> None:
        first = await answers(callers, "good", 20)
        assert await asyncio.to_thread(register.begun.acquire, timeout=60)
        bad = await answers(callers, "bad", 20)
        first[0].cancel()
        register.let.set()
        assert set(await asyncio.gather(*first[1:])) == {CALLER}
        assert {type(each) for each in await asyncio.gather(*bad, return_exceptions=True)} == {Unauthenticated}
        assert await callers.admit("Bearer good", now=NOW, address=None) == CALLER

    asyncio.run(crowd())
    assert register.asked == ["good", "bad"]


def test_an_answer_is_remembered_from_when_it_was_asked_for_and_not_from_when_it_was_wanted(
    module_database: Database, register: Register
) -> None:
    """Or in overload every answer would come too late to be remembered, and each request would ask again."""
    callers = callers_of(module_database, register)

    async def late() -> None:
        before = await answers(callers, "bad", 1)
        assert await asyncio.to_thread(register.begun.acquire, timeout=60)
        wanted = await answers(callers, "good", 1)
        register.seconds += 10 * REMEMBERED_SECONDS
        wanted += await answers(callers, "good", 1)
        register.let.set()
        await asyncio.gather(*before, *wanted, return_exceptions=True)
        assert await callers.admit("Bearer good", now=NOW, address=None) == CALLER

    asyncio.run(late())
    assert register.asked == ["bad", "good"]


def test_nobody_joins_a_question_that_was_asked_half_a_second_ago(module_database: Database, register: Register) -> None:
    """What has been revoked since, its answer does not know."""
    callers = callers_of(module_database, register)

    async def revoked() -> None:
        first = await answers(callers, "good", 1)
        assert await asyncio.to_thread(register.begun.acquire, timeout=60)
        register.seconds += REMEMBERED_SECONDS
        second = await answers(callers, "good", 1)
        register.let.set()
        assert await first[0] == CALLER
        await asyncio.gather(*second, return_exceptions=True)

    asyncio.run(revoked())
    assert register.asked == ["good", "good"]


def test_a_question_is_judged_at_the_moment_of_the_last_who_joined_it_before_its_turn(
    module_database: Database, register: Register
) -> None:
    """Or whoever comes once a key has expired would be let in with somebody who came before, however long that one waited."""
    callers = callers_of(module_database, register)

    async def waited() -> None:
        before = await answers(callers, "bad", 1)
        assert await asyncio.to_thread(register.begun.acquire, timeout=60)
        wanted = await answers(callers, "good", 1)
        wanted += await answers(callers, "good", 1, now=NOW + timedelta(seconds=9))
        register.let.set()
        await asyncio.gather(*before, *wanted, return_exceptions=True)

    asyncio.run(waited())
    assert register.judged_at == [NOW, NOW + timedelta(seconds=9)]
