"""One request, many transactions: a body too large for memory is laid down on disk and worked off step by step, each kept by itself."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Annotated, Any, Final, TypeVar
from uuid import uuid4

from fastapi import Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.db.session import open_session
from app.db.tenancy import tenant_of
from app.kernel.actors import Actor
from app.kernel.canonical import json_bytes
from app.web.bodies import body_parts, media_type
from app.web.idempotency import require_key
from app.web.problems import UnknownParameter, unknown_parameters
from app.web.work import JSON, Service, admitted

T = TypeVar("T")
_IN_MEMORY_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class SteppedWork:
    """What such an endpoint works with: who calls, the body on disk with its digest, and steps.

    `idempotency_key` is a new one where none was sent. What is done under the same one is done once only if the steps see to it.
    """

    service: Service
    actor: Actor
    programme: str
    body: IO[bytes]
    body_sha256: str
    media_type: str
    parameters: Mapping[str, str]
    idempotency_key: str

    def step(self, work: Callable[[Session, datetime], T]) -> T:
        """Do one piece of work in a transaction of its own, at the moment at which it begins; it is kept when this returns."""
        tenant = tenant_of(self.actor, programme=self.programme)
        with open_session(self.service.engine, tenant, clock=self.service.clock) as session:
            done = work(session, self.service.clock())
            session.commit()
            return done

    def answer(self, payload: Any, *, location: str) -> Response:
        """Say what was done; it is kept already."""
        return Response(json_bytes(payload), 200, {"Content-Location": location}, media_type=JSON)


async def stepped_work(request: Request) -> AsyncIterator[SteppedWork]:
    """The dependency: who is calling, whether the programme is theirs, then the body, as far as the limit."""
    service: Service = request.app.state.service
    actor, programme = await admitted(request, now=service.clock())
    unknown = unknown_parameters(request)
    if unknown:
        raise UnknownParameter("The operation does not know a parameter that was sent; see errors.", faults=unknown)
    key = request.headers.get("idempotency-key")
    if key is not None:
        require_key(key)
    kind, parameters = media_type(request.headers.get("content-type"))
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as body:
        said = hashlib.sha256()
        async for part in body_parts(request, limit_bytes=service.backfill_limit_bytes):
            said.update(part)
            body.write(part)
        body.seek(0)
        yield SteppedWork(service, actor, programme or "", body, said.hexdigest(), kind, parameters, key or uuid4().hex)


Stepwise = Annotated[SteppedWork, Depends(stepped_work, scope="function")]
"""What an endpoint of this kind asks for."""
