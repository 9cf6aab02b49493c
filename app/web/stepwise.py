"""One request, many transactions: a body too large for memory is laid down on disk and worked off step by step, each kept by itself."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Annotated, Any, ClassVar, Final, TypeVar
from uuid import uuid4

import anyio
from fastapi import Depends, Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.db.session import open_session
from app.db.tenancy import tenant_of
from app.kernel.actors import Actor
from app.kernel.canonical import json_bytes
from app.kernel.refusals import Kind, Refusal
from app.telemetry import log
from app.web.bodies import body_parts, media_type
from app.web.idempotency import require_key
from app.web.problems import UnknownParameter, of_database, unknown_parameters
from app.web.work import JSON, REPLAYED, Service, admitted, caller

T = TypeVar("T")


class Interrupted(Refusal):
    """One of many steps could not be done; those before it are kept."""

    code: ClassVar[str] = "interrupted"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "It was interrupted, and what was done is kept"


_IN_MEMORY_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class SteppedWork:
    """What such an endpoint works with: who calls, the body on disk with its digest, and steps.

    `idempotency_key` is a new one where none was sent. What is done under the same one is done once only if the steps see to it.
    """

    service: Service
    request: Request
    actor: Actor
    programme: str
    body: IO[bytes]
    body_sha256: str
    media_type: str
    parameters: Mapping[str, str]
    idempotency_key: str
    shown_key: str
    """The key where it is one of ours; what was sent is not repeated."""

    def step(self, work: Callable[[Session, datetime], T]) -> T:
        """Do one piece of work in a transaction of its own, at the moment at which it begins; it is kept when this returns.

        Interrupted where the database did not let it be done, or nobody knows whether it was; Unauthenticated for a caller who is none any more.
        """
        anyio.from_thread.run(self._still_called)
        tenant = tenant_of(self.actor, programme=self.programme)
        try:
            with open_session(self.service.engine, tenant, clock=self.service.clock) as session:
                done = work(session, self.service.clock())
                session.commit()
                return done
        except (DBAPIError, PoolTimeout) as error:
            if of_database(error) is None:
                raise
            log.warning("database_unavailable", request_id=self.actor.request_id, exc_info=error)
            raise Interrupted(
                f"Another act was in the way, or the database went away. What was done before is kept: to go on, send the same body again with"
                f" the Idempotency-Key {self.shown_key}."
            ) from error

    async def _still_called(self) -> None:
        await caller(self.request, now=self.service.clock())

    def answer(self, payload: Any, *, location: str, replayed: bool = False) -> Response:
        """Say what was done; it is kept already, and was all done before this request where it is `replayed`."""
        headers = {"Content-Location": location} | (REPLAYED if replayed else {})
        return Response(json_bytes(payload), 200, headers, media_type=JSON)


async def stepped_work(request: Request) -> AsyncIterator[SteppedWork]:
    """The dependency: who is calling, whether the programme is theirs, then the body, as far as the limit."""
    service: Service = request.app.state.service
    actor, programme = await admitted(request, now=service.clock())
    unknown = unknown_parameters(request)
    if unknown:
        raise UnknownParameter("The operation cannot heed a parameter that was sent; see errors.", faults=unknown)
    key = request.headers.get("idempotency-key")
    if key is not None:
        require_key(key)
    kind, parameters = media_type(request.headers.get("content-type"))
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as body, service.backfills.by(actor.client) as take:
        said = hashlib.sha256()
        async for part in body_parts(request, limit_bytes=service.backfill_limit_bytes):
            take(len(part))
            said.update(part)
            body.write(part)
        body.seek(0)
        async with service.places.held(actor.client):
            yield SteppedWork(service, request, actor, programme or "", body, said.hexdigest(), kind, parameters, *_keys(key))


def _keys(sent: str | None) -> tuple[str, str]:
    """The key, and how it is spoken of."""
    if sent is not None:
        return sent, "that it had"
    made = uuid4().hex
    return made, made


Stepwise = Annotated[SteppedWork, Depends(stepped_work, scope="function")]
"""What an endpoint of this kind asks for."""
