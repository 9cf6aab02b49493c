"""One request, one transaction: who is calling, for which programme, and an answer that is given after the commit."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar

import anyio
from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from app.db.session import TenantSession, open_session
from app.db.tenancy import INSTALLATION, Tenant, tenant_of
from app.db.turns import turn
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import json_bytes
from app.kernel.codes import is_code
from app.kernel.refusals import Fault, Invalid, Kind, NotFound, Refusal
from app.web import idempotency
from app.web.bodies import METHODS_WITH_BODY, HeldBodies, read_body, require_json
from app.web.callers import Callers
from app.web.etags import Precondition, strong, tag_of
from app.web.intake import MOST_VALUES, parse
from app.web.kept import LARGEST_BYTES, Form, Kept, KeptAnswers
from app.web.problems import UnknownParameter, unknown_parameters
from app.web.rates import Rates
from app.web.refused import RefusedActs
from app.web.shapes import read_as, read_partly
from app.web.waiting import Places

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
JSON: Final = "application/json"
REPLAYED: Final = {"Idempotent-Replayed": "true"}
"""Says that the answer is of what was done before."""
CLOSING: Final = 4
"""Threads for rolling back what failed, apart from those that work: these may all be waiting for the connections that this gives back."""


class OutcomeUnknown(Refusal):
    """The database went away during the commit; the same request with the same Idempotency-Key finds out."""

    code: ClassVar[str] = "outcome_unknown"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "Whether it was kept is not known"


@dataclass(frozen=True, slots=True)
class Service:
    """What requests share: the engine, who may call, the clock, the limit of a body, how often clients ask and whose turn it is. `app.state.service` holds it."""

    engine: Engine
    callers: Callers
    clock: Callable[[], datetime]
    body_limit_bytes: int
    backfill_limit_bytes: int
    signing_keys: Path
    closing: anyio.CapacityLimiter
    refused: RefusedActs
    public_url: str | None
    rates: Rates
    places: Places
    bodies: HeldBodies
    backfills: HeldBodies
    kept: KeptAnswers = field(default_factory=KeptAnswers)


def as_installation(service: Service, step: Callable[[Session], T]) -> T:
    """What a step gives that finds out who is calling, kept before it is told."""
    with open_session(service.engine, INSTALLATION, clock=service.clock) as session:
        found = step(session)
        session.commit()
    return found


class Replayed(Exception):
    """The request was answered before: the first answer is given again, and the endpoint does not run on."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered before")
        self.response = response


class UnitOfWork:
    """What an endpoint works with. It ends with `answer` (which commits) or `read` (which keeps nothing), or is rolled back.

    `programme` is the one in the path, already known to be within the caller's reach (whether it is there, the action finds out);
    `actor` carries the request's id into the record; `now` is the moment of the whole request.
    """

    def __init__(self, service: Service, request: Request, actor: Actor, *, now: datetime, programme: str | None, body: bytes) -> None:
        self.actor = actor
        self.now = now
        self.programme = programme
        self.body = body
        self.request_id: str = request.state.request_id
        headers = request.headers
        self.content_type = headers.get("content-type")
        self.precondition = Precondition(headers.get("if-match"), headers.get("if-none-match"))
        self.query = request.query_params.multi_items()
        self.signing_keys = service.signing_keys
        self._kept = service.kept
        self.path: str = request.scope["path"]
        self._route = request.scope.get("route")
        self.ended = False
        self._may_be_unchanged = request.method == "GET"
        self._engine = service.engine
        self._clock = service.clock
        self._session: TenantSession | None = None
        self._unknown = unknown_parameters(request)
        self._attempt: idempotency.Attempt | None = None
        key = headers.get("idempotency-key")
        if key is not None and request.method == "POST":
            self._attempt = idempotency.attempt_of(
                actor.client, key, method=request.method, path=request.url.path, query=request.url.query, body=body
            )

    @property
    def session(self) -> Session:
        """The session, opened at first use in the endpoint's own thread: nothing holds a connection while it waits for a thread."""
        if self._session is None:
            if self.ended:
                raise RuntimeError("the unit of work has ended")
            self._session = self.more_sessions()
            earlier = idempotency.claim(self._session, self._attempt, now=self.now) if self._attempt is not None else None
            if earlier is not None:
                self.close()
                headers = {**earlier.headers, **REPLAYED}
                raise Replayed(Response(earlier.body, earlier.status, headers, media_type=JSON))
            self._refuse_unknown()
        return self._session

    def _refuse_unknown(self) -> None:
        """Pass where the operation knows every query parameter that was sent."""
        if self._unknown:
            raise UnknownParameter("The operation cannot heed a parameter that was sent; see errors.", faults=self._unknown)

    def json(self, *, most_values: int = MOST_VALUES) -> Any:
        """The body as strict JSON, whatever it says; of a request that carries a key, once it is known that the key is for it."""
        if self._attempt is not None:
            _ = self.session
        self._refuse_unknown()
        require_json(self.content_type)
        with turn():
            return parse(self.body, most_values=most_values)

    def json_as(self, model: type[M], *, most_values: int = MOST_VALUES) -> M:
        """The body as a model, or every fault at once."""
        return read_as(model, self.json(most_values=most_values))

    def json_partly(self, model: type[M], **stand_ins: Any) -> tuple[M, list[Fault]]:
        """What can be read of the body, and the faults of the rest, for whoever has more to find wrong with it and then refuses."""
        return read_partly(model, self.json(), stand_ins)

    def answer(
        self,
        payload: Any,
        *,
        status: int = 200,
        etag: str | None = None,
        location: str | None = None,
        headers: Mapping[str, str] | None = None,
        shown_once: Mapping[str, Any] | None = None,
    ) -> Response:
        """Keep the work and the answer in one commit, then give the answer. A creation without an ETag gets its bytes' own.

        What is `shown_once` joins this answer's members and no replay's: it is not kept.
        """
        content = payload if isinstance(payload, bytes) else json_bytes(payload)
        said = dict(headers or {})
        if etag is not None or status == 201:
            said["ETag"] = tag_of(content) if etag is None else strong(etag)
        if location is not None:
            said["Location"] = location
        session = self.session
        if self._attempt is not None:
            idempotency.keep(session, self._attempt, idempotency.Answer(status, said, content))
        try:
            session.commit()
        except DBAPIError as error:
            if error.connection_invalidated or (getattr(error.orig, "sqlstate", None) or "08").startswith(("08", "57P")):
                raise OutcomeUnknown(
                    "The database went away while this was being kept: send it again, with the same Idempotency-Key."
                ) from error
            raise
        self.close()
        shown = content if shown_once is None else json_bytes({**payload, **shown_once})
        return Response(shown, status, said, media_type=JSON)

    def read(
        self,
        payload: Any,
        *,
        etag: str | None = None,
        headers: Mapping[str, str] | None = None,
        media_type: str = JSON,
        keep: bool = False,
    ) -> Response:
        """Give an answer and keep nothing: 304 where the reader has it already. Without an ETag it gets its bytes' own.

        With `keep`, what was computed on the way is kept for the next reader.
        """
        self._refuse_unknown()
        content = payload if isinstance(payload, bytes) else json_bytes(payload)
        if keep:
            self.session.commit()
        tag = tag_of(content) if etag is None else strong(etag)
        unchanged = self.unchanged(tag)
        if unchanged is not None:
            return unchanged
        self.close()
        return Response(content, 200, {"ETag": tag, **_PRIVATE, **(headers or {})}, media_type=media_type)

    def keep_for_ever(
        self, compressed: bytes, inflate: Callable[[bytes], bytes], *, etag: str, headers: Mapping[str, str], length_bytes: int
    ) -> None:
        """Keep an answer of JSON that never changes, for whoever asks for it again with the same role and scope and without parameters."""
        if self.query or self._kept.find(self.path, self.actor) is not None:
            return
        said = {"ETag": strong(etag), **_PRIVATE, **headers}
        coded = Response(compressed, 200, {**said, "Content-Encoding": "gzip"}, media_type=JSON)
        whole = Response(inflate(compressed), 200, said, media_type=JSON) if length_bytes <= LARGEST_BYTES else None
        unchanged = Form.of(Response(None, 304, said))
        self._kept.keep(self.path, self.actor, Kept(etag, Form.of(whole) if whole else None, Form.of(coded), unchanged, self._route))

    def stream(
        self, chunks: Callable[[], Iterator[bytes]], *, etag: str, media_type: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Give an answer that is made while it is sent, a chunk at a time; what is read for it is read in `more_sessions`."""
        self._refuse_unknown()
        unchanged = self.unchanged(strong(etag))
        if unchanged is not None:
            return unchanged
        self.close()
        return StreamingResponse(chunks(), 200, {"ETag": strong(etag), **_PRIVATE, **(headers or {})}, media_type=media_type)

    def more_sessions(self) -> TenantSession:
        """A further session on behalf of the same caller, for the caller to close: also after this unit of work has ended."""
        programme = self.programme or self.actor.programme or ""
        return open_session(self._engine, tenant_of(self.actor, programme=programme), clock=self._clock)

    def programme_session(self) -> TenantSession:
        """A session that sees the whole programme, for the caller to close: for what is worked out of others' rows and names none of them."""
        return open_session(self._engine, Tenant(programme=self.programme or "", subcontract=EVERY), clock=self._clock)

    def unchanged(self, etag: str) -> Response | None:
        """The answer 304, where the reader already has what this ETag names: ask before computing it."""
        if self._may_be_unchanged and self.precondition.unchanged(etag):
            self.close()
            return Response(None, 304, {"ETag": strong(etag), **_PRIVATE})
        return None

    def close(self) -> None:
        """End the transaction; what was not committed is rolled back."""
        self.ended = True
        if self._session is not None:
            session, self._session = self._session, None
            session.close()

    @property
    def is_open(self) -> bool:
        return self._session is not None


_PRIVATE: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}


def _known_parts(request: Request) -> str | None:
    """The programme that the path names; nothing in path or query may be what no table can hold."""
    if any("\x00" in value for value in request.path_params.values()):
        raise NotFound("There is no such thing here, or it is not yours.")
    if any("\x00" in part for pair in request.query_params.multi_items() for part in pair):
        fault = Fault("nul", "A parameter holds the character NUL.", "Leave it out.", pointer="/query")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault])
    programme: str | None = request.path_params.get("programme")
    return programme


async def caller(request: Request, *, now: datetime) -> Actor:
    """Who is calling, or a refusal. Asked again once something was waited for: whoever was revoked meanwhile is nobody."""
    service: Service = request.app.state.service
    address = None if request.client is None else request.client.host
    actor = await service.callers.admit(request.headers.get("authorization"), now=now, address=address)
    request.state.client = actor.client
    request.state.actor = actor
    return replace(actor, request_id=request.state.request_id)


async def admitted(request: Request, *, now: datetime) -> tuple[Actor, str | None]:
    """Who is calling, and the programme that the path names, which is theirs; or a refusal, also where they call too often."""
    service: Service = request.app.state.service
    actor = await caller(request, now=now)
    service.rates.take(actor.client)
    programme = _known_parts(request)
    if programme is not None and (not is_code(programme) or actor.programme not in {EVERY, programme}):
        raise NotFound("There is no programme of that code here, or it is not yours.")
    return actor, programme


async def unit_of_work(request: Request) -> AsyncIterator[UnitOfWork]:
    """The dependency: first who is calling, then whether the programme is theirs, then the body."""
    service: Service = request.app.state.service
    now = service.clock()
    actor, programme = await admitted(request, now=now)
    async with AsyncExitStack() as held:
        body = b""
        if request.method in METHODS_WITH_BODY:
            take = held.enter_context(service.bodies.by(actor.client))
            body = await read_body(request, limit_bytes=service.body_limit_bytes, take=take)
        # Only what is here whole takes a place: who sends slowly keeps nobody waiting.
        await held.enter_async_context(service.places.held(actor.client))
        actor = await caller(request, now=service.clock())
        unit = UnitOfWork(service, request, actor, now=now, programme=programme, body=body)
        try:
            yield unit
            if not unit.ended:
                raise RuntimeError("an endpoint ends its unit of work with answer or read")
        finally:
            if unit.is_open:
                # Also when the request is being cancelled: a connection is always given back.
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(unit.close, limiter=service.closing)


Unit = Annotated[UnitOfWork, Depends(unit_of_work, scope="function")]
"""What an endpoint asks for. `scope="function"` ends it before the answer is sent; FastAPI's default is after."""
