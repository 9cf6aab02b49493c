"""Who is calling: the key off the header, and a short memory of whose it is."""

import time
from collections.abc import Callable
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
    ) -> None:
        self._engine = engine
        self._strangers = strangers
        self._threads = threads
        self._authenticate = authenticate
        self._succeeded = succeeded
        self._inherit = inherit
        # Under the key's digest: the key itself is not kept. A dict's single operations are whole, whichever thread does them.
        self._remembered: dict[str, tuple[float, Actor]] = {}

    async def admit(self, authorization: str | None, *, now: datetime, address: str | None) -> Actor:
        """The caller that an Authorization header names, or a refusal; Overloaded for an address that tried too many that name nobody."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return await self._find_stranger(None, now, address)
        name = _name(key)
        asked_at = time.monotonic()
        known = self._remembered.get(name)
        if known is not None and asked_at < known[0]:
            return known[1]
        # A key that was good a while ago is asked about whatever others at its address do.
        find = self._find_stranger(key.strip(), now, address) if known is None else self._in_thread(key.strip(), now)
        try:
            actor = await find
        except Unauthenticated:
            self._remembered.pop(name, None)
            raise
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        # From before the question was asked: a revocation in between counts as before the end of this half second.
        self._remembered[name] = (asked_at + REMEMBERED_SECONDS, actor)
        return actor

    def remembered(self, authorization: str) -> Actor | None:
        """Who a header named a while ago: enough to turn somebody away, never to let them in."""
        known = self._remembered.get(_name(authorization.partition(" ")[2]))
        return None if known is None else known[1]

    async def _in_thread(self, key: str | None, now: datetime) -> Actor:
        return await anyio.to_thread.run_sync(self._find, key, now, limiter=self._threads)

    async def _find_stranger(self, key: str | None, now: datetime, address: str | None) -> Actor:
        place = neighbourhood(address)
        self._strangers.look(place)
        try:
            return await self._in_thread(key, now)
        except Unauthenticated:
            self._strangers.count(place)
            raise

    def _find(self, key: str | None, now: datetime) -> Actor:
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
