"""Who is worked for: so many requests at once, and a line of those that wait in which clients take turns."""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.problems import Busy, problem

_LEAST_PATIENCE_SECONDS: Final = 0.05
_CALM_SECONDS: Final = 2.0


class Places:
    """Places in one process, for one event loop. A client that fills them all leaves a fifth to others, and waits in a line of its own.

    In a burst a request waits as long as `patience_seconds`. A line that has stood for so long is no burst: from then on nobody waits longer than half
    as long as a request is worked on (all of it, with one place) before being told to come again, so whoever is answered is answered soon, whatever is asked.
    """

    def __init__(self, count: int, *, most_waiting: int, patience_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._free = count
        self._clock = clock
        self._most_of_one = max(1, count * 4 // 5)
        self._most_waiting = most_waiting
        self._most_waiting_of_one = max(1, most_waiting // 2)
        self._patience_seconds = patience_seconds
        self._held: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting = 0
        self._line_since = 0.0
        self._overloaded_until = 0.0
        self._usual_seconds = 0.0

    @property
    def is_overloaded(self) -> bool:
        """Whether more has been asked for so long that it is no burst; until nobody was turned away for a while."""
        now = self._clock()
        return now < self._overloaded_until or (bool(self._waiting) and now - self._line_since > self._patience_seconds)

    def expect(self, client: str) -> None:
        """Busy in overload where the client's turn would not come in time: whoever is told so at once has cost least."""
        if self.is_overloaded:
            ahead = (len(self._lines.get(client, ())) + 1) * max(1, len(self._lines))
            if not self._free and ahead * self._usual_seconds / self._count > self._patience():
                self._overloaded_until = self._clock() + _CALM_SECONDS
                raise _busy()

    @asynccontextmanager
    async def held(self, client: str) -> AsyncIterator[None]:
        """A place until the block ends; Busy where none comes free in time."""
        await self._take(client)
        began = self._clock()
        try:
            yield
        finally:
            self._usual_seconds += (self._clock() - began - self._usual_seconds) / 10
            self._give_back(client)

    async def _take(self, client: str) -> None:
        line = self._lines.get(client)
        # Whoever else waits here has its share already, or would have been called.
        if line is None and self._free and self._held[client] < self._most_of_one:
            self._sit(client)
            return
        if self._waiting >= self._most_waiting or (line is not None and len(line) >= self._most_waiting_of_one):
            raise _busy()
        self.expect(client)
        patience = self._patience()
        called = asyncio.get_running_loop().create_future()
        self._lines.setdefault(client, deque()).append(called)
        self._line_since = self._line_since if self._waiting else self._clock()
        self._waiting += 1
        try:
            await asyncio.wait({called}, timeout=patience)
        except asyncio.CancelledError:
            if called.done():
                self._give_back(client)
            raise
        finally:
            if not called.done():
                self._leave(client, called)
        if not called.done():
            raise _busy()

    def _patience(self) -> float:
        if self.is_overloaded:
            return min(self._patience_seconds, max(self._usual_seconds / min(2, self._count), _LEAST_PATIENCE_SECONDS))
        return self._patience_seconds

    def _sit(self, client: str) -> None:
        self._free -= 1
        self._held[client] += 1

    def _give_back(self, client: str) -> None:
        self._free += 1
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]
        while self._free:
            following = next((each for each in self._lines if self._held[each] < self._most_of_one), None)
            if following is None:
                return
            called = self._lines[following][0]
            self._leave(following, called)
            if following in self._lines:
                self._lines.move_to_end(following)
            self._sit(following)
            called.set_result(None)

    def _leave(self, client: str, called: "asyncio.Future[None]") -> None:
        self._lines[client].remove(called)
        self._waiting -= 1
        if not self._lines[client]:
            del self._lines[client]


class TurnsAway:
    """Pure ASGI, ahead of the routes: in a line that stands, whoever is known and could only wait in vain is told so before anything is done."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = getattr(scope["app"].state, "service", None) if scope["type"] == "http" else None
        if service is not None and service.places.is_overloaded:
            authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            actor = service.callers.remembered(authorization)
            if actor is not None:
                try:
                    service.places.expect(actor.client)
                except Busy as refusal:
                    scope["state"]["client"] = actor.client
                    await problem(refusal, scope["state"]["request_id"])(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _busy() -> Busy:
    return Busy("More is asked of the service than it can do at once; nothing was done. Send it again a little later.")
