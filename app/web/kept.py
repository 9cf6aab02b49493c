"""Answers that never change: given again, to whoever may read them, with no work but finding out who is calling.

What is published stays as it is, and who reads what of it depends on the caller's role and scope alone. So an answer is kept under these, and no thread,
connection or route is needed to give it again. Whom the service has not asked about within the last half second is asked about as ever.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.kernel.actors import Actor
from app.kernel.refusals import Refusal
from app.web.etags import Precondition

MOST_BYTES: Final = 16 * 1024 * 1024
LARGEST_BYTES: Final = 4 * 1024 * 1024
"""What is larger is kept in its compressed form only."""

_ANY_JSON: Final = frozenset({"", "*/*", "application/json"})
_ASKED: Final = frozenset({b"authorization", b"accept", b"accept-encoding", b"if-none-match"})

Headers = list[tuple[bytes, bytes]]
Reach = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """An answer in one coding, as it is sent."""

    headers: Headers
    body: bytes

    @classmethod
    def of(cls, response: Response) -> "Form":
        return cls(list(response.raw_headers), bytes(response.body))


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer: as it is (None where that is too large), compressed, and for whoever has it already; with the route that gave it."""

    etag: str
    plain: Form | None
    compressed: Form
    unchanged: Form
    route: Any

    @property
    def length_bytes(self) -> int:
        return len(self.compressed.body) + (len(self.plain.body) if self.plain else 0)


def reach_of(actor: Actor) -> Reach:
    """What an answer depends on besides its address."""
    scope = (actor.role, actor.programme, actor.subcontract, actor.commissioner)
    return *scope, actor.inherited_subcontracts, actor.inherited_commissioners


class KeptAnswers:
    """The answers that were asked for last, up to so many bytes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._answers: OrderedDict[tuple[str, Reach], Kept] = OrderedDict()
        self._paths: Counter[str] = Counter()
        self._bytes = 0
        self._lock = Lock()

    def has(self, path: str) -> bool:
        """Whether anybody was given an answer here."""
        return path in self._paths

    def find(self, path: str, actor: Actor) -> Kept | None:
        key = (path, reach_of(actor))
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
        return found

    def keep(self, path: str, actor: Actor, answer: Kept) -> None:
        key = (path, reach_of(actor))
        if answer.length_bytes > self._most_bytes // 2:
            return
        with self._lock:
            before = self._answers.pop(key, None)
            self._bytes += answer.length_bytes - (before.length_bytes if before else 0)
            self._answers[key] = answer
            self._paths[path] += before is None
            while self._bytes > self._most_bytes:
                (forgotten, _), oldest = self._answers.popitem(last=False)
                self._paths -= Counter([forgotten])
                self._bytes -= oldest.length_bytes


class GivesAgain:
    """Pure ASGI, ahead of the routes: whatever it cannot answer at once goes on to them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"]
        form = await self._find(scope) if plain else None
        if form is None:
            await self._app(scope, receive, send)
            return
        status = 200 if form.body else 304
        # A copy: headers of this one answer are added to it.
        await send({"type": "http.response.start", "status": status, "headers": list(form.headers)})
        await send({"type": "http.response.body", "body": form.body})

    @staticmethod
    async def _find(scope: Scope) -> Form | None:
        service = getattr(scope["app"].state, "service", None)
        if service is None or not service.kept.has(scope["path"]):
            return None
        asked: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name in _ASKED:
                if name in asked:
                    return None
                asked[name] = value.decode("latin-1")
        if asked.get(b"accept", "") not in _ANY_JSON:
            return None
        try:
            actor: Actor = await service.callers.admit(
                asked.get(b"authorization"), now=service.clock(), address=(scope["client"] or [None])[0]
            )
        except Refusal:
            # Told by the routes, as any refusal.
            return None
        kept: Kept | None = service.kept.find(scope["path"], actor)
        if kept is None:
            return None
        form = kept.compressed if takes_gzip(asked.get(b"accept-encoding")) else kept.plain
        if Precondition(if_none_match=asked.get(b"if-none-match")).unchanged(kept.etag):
            form = kept.unchanged
        if form is not None:
            scope["route"] = kept.route
            scope["state"]["client"] = actor.client
        return form


def takes_gzip(header: str | None) -> bool:
    """Whether an answer may be sent as gzip: named, and not with a quality of nothing."""
    for each in (header or "").lower().split(","):
        coding, _, quality = each.partition(";")
        if coding.strip() in {"gzip", "x-gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
