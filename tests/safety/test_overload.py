"""The short form of R7: only honest answers where too much is asked, and who asks one thing after another is answered beside a flood."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.access.actions import create_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from tests.safety.overload import Answers, Target, at_rate, in_turn
from tests.support.databases import Database
from tests.support.sockets import listening

PLACES = 2


@pytest.fixture(scope="module")
def target(module_database: Database) -> Iterator[Target]:
    """A service that works for two at once and lets four wait, for a second."""
    limits = {"request_threads": PLACES, "waiting_requests": 4, "wait_seconds": 1, "client_requests_per_second": 100}
    with open_session(module_database.engine, INSTALLATION) as session:
        now = datetime.now(UTC)
        keys = [create_client(session, name="Caller", role="auditor", actor=MACHINE, now=now)[1] for _ in range(6)]
        session.commit()
    with listening(replace(module_database, settings=module_database.settings.model_copy(update=limits))) as url:
        yield Target(url, "/metrics", PLACES, keys[1:], keys[0])


def test_too_much_is_answered_honestly(target: Target) -> None:
    over = Answers()
    asyncio.run(at_rate(target, 700, 2.0, over, unread=0.0))
    assert over.wrong == []
    assert over.statuses.keys() > {200}
    assert over.statuses[200] > 0


def test_a_flood_starves_nobody(target: Target) -> None:
    flood, other = Answers(), Answers()

    async def both() -> None:
        await asyncio.gather(in_turn(target, [target.flooding] * 12, 1.0, flood), in_turn(target, target.keys[:1], 1.0, other))

    asyncio.run(both())
    assert [*flood.wrong, *other.wrong] == []
    assert flood.statuses.keys() > {200}
    assert other.statuses.keys() == {200}


def test_what_is_no_honest_answer_is_noticed() -> None:
    answers = Answers()
    answers.note(503, b"http/1.1 503 x\r\nretry-after: 2\r\n", 0.1, counted=True)
    assert answers.wrong == []
    answers.note(503, b"http/1.1 503 x\r\n", 0.1, counted=True)
    answers.note(500, b"http/1.1 500 x\r\n", 0.1, counted=True)
    assert answers.wrong == ["an answer 503 without Retry-After", "an answer 500"]
