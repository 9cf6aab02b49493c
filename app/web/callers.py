"""Who is calling: the key off the header, and a short memory of whose it is."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import anyio
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.session import act_as, open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import sha256
from app.kernel.refusals import Unauthenticated
from app.web.rates import Rates, neighbourhood

REMEMBERED_SECONDS: Final = 0.5
"""A revoked key is dead within a second, so nobody is remembered for longer than half of one."""
_MOST_REMEMBERED: Final = 10_000

Authenticate = Callable[[Session, str | None, datetime], Actor]
"""The actor that a key stands for, or a refusal. Given in, for who may call is a higher room's matter."""

Succeeded = Callable[[Session], bool]
"""Whether any organisation has succeeded another. Given in, for the register is a higher room's matter too."""

Inherit = Callable[[Session, Actor, datetime], Actor]
"""The actor with what its organisation has succeeded to in its programme. Given in as well."""


@dataclass(slots=True)
class _Question:
    """Who a key stands for, asked of the database for everybody who has sent it meanwhile."""

    now: datetime
    """The moment to judge at: that of the last who sent it before it was its turn, or a key that expires meanwhile would stay good."""
    answer: "asyncio.Task[Actor]" = field(init=False)
    asked_at: float | None = None
    """When it was its turn: until then it sees whatever was revoked before."""


class Callers:
    """Finds out who is calling. One transaction a key and half second (two where it may have inherited anything), none for a mistyped one."""

    def __init__(
        self,
        engine: Engine,
        authenticate: Authenticate,
        succeeded: Succeeded,
        inherit: Inherit,
        *,
        strangers: Rates,
        threads: anyio.CapacityLimiter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._strangers = strangers
        self._threads = threads
        self._authenticate = authenticate
        self._succeeded = succeeded
        self._inherit = inherit
        # Under the key's digest: the key itself is not kept. A dict's single operations are whole, whichever thread does them.
        self._remembered: dict[str, tuple[float, Actor]] = {}
        # One at a time for each key: as many as requests would keep each other waiting until every answer came too late to be remembered.
        self._questions: dict[str, _Question] = {}

    async def admit(self, authorization: str | None, *, now: datetime, address: str | None) -> Actor:
        """The caller that an Authorization header names, or a refusal; Overloaded for an address that tried too many that name nobody."""
        scheme, _, credential = (authorization or "").partition(" ")
        name, key = (_name(credential), credential.strip()) if scheme.lower() == "bearer" else ("", None)
        known = self._remembered.get(name)
        if known is not None and self._clock() < known[0]:
            return known[1]
        if known is not None:
            # A key that was good a while ago is asked about whatever others at its address do.
            return await self._asked(name, key, now)
        place = neighbourhood(address)
        self._strangers.look(place)
        try:
            return await self._asked(name, key, now)
        except Unauthenticated:
            self._strangers.count(place)
            raise

    async def _asked(self, name: str, key: str | None, now: datetime) -> Actor:
        """The answer to the question about a key: to one that was put within half a second, or is yet to be put, or to a new one."""
        question = self._questions.get(name)
        if question is None or (question.asked_at is not None and self._clock() >= question.asked_at + REMEMBERED_SECONDS):
            question = self._questions[name] = _Question(now)
            question.answer = asyncio.create_task(self._ask(question, name, key))
        question.now = max(question.now, now)
        # Whoever goes away meanwhile leaves the others their answer.
        return await asyncio.shield(question.answer)

    async def _ask(self, question: _Question, name: str, key: str | None) -> Actor:
        try:
            actor = await anyio.to_thread.run_sync(self._find, key, question, limiter=self._threads)
        except Unauthenticated:
            self._remembered.pop(name, None)
            raise
        finally:
            if self._questions.get(name) is question:
                del self._questions[name]
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        # From before the question was asked: a revocation in between counts as before the end of this half second.
        assert question.asked_at is not None
        self._remembered[name] = (question.asked_at + REMEMBERED_SECONDS, actor)
        return actor

    def remembered(self, authorization: str) -> Actor | None:
        """Who a header named a while ago: enough to turn somebody away, never to let them in."""
        known = self._remembered.get(_name(authorization.partition(" ")[2]))
        return None if known is None else known[1]

    def _find(self, key: str | None, question: _Question) -> Actor:
        question.asked_at, now = self._clock(), question.now
        with open_session(self._engine, INSTALLATION) as session:
            actor = self._authenticate(session, key, now)
            # Of somebody who sees all there is nothing more to see.
            inherits = actor.programme not in {None, EVERY} and not {actor.subcontract, actor.commissioner} <= {None, EVERY}
            inherits = inherits and self._succeeded(session)
            session.commit()
            if not inherits:
                return actor
            # Which subcontracts its predecessors hold, the caller itself cannot see yet.
            act_as(session, Tenant(programme=actor.programme or "", subcontract=EVERY))
            inherited = self._inherit(session, actor, now)
            # Ended by a commit, as above: the driver forgets every prepared statement of a connection that is rolled back.
            session.commit()
            return inherited


def _name(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass"))
