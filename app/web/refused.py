"""Acts that were refused because they were not the caller's: each an event, in a chain of their own, and never more than a disk can hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import anyio
from fastapi import Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.db import audit
from app.db.ledger import REFUSED, begin_recording, open_ledger
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import Actor
from app.kernel.codes import is_code
from app.kernel.identifiers import identifier_in
from app.kernel.moments import moment_text
from app.kernel.refusals import Kind, Refusal
from app.telemetry import log

MOST_A_MINUTE: Final = 30
"""Of one client. Further ones are counted, and the count is an event once the minute is over."""


@dataclass(slots=True)
class _Minute:
    """How often a client was refused in a minute."""

    actor: Actor
    began_at: datetime
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Act:
    """What is recorded of one refusal, or of those that were only counted."""

    actor: Actor
    action: str
    subject: dict[str, str | int]
    details: dict[str, Any]


class RefusedActs:
    """Records refusals, one at a time and each in a transaction of its own, after the refused one is over.

    What is absent and what is another's are recorded alike, so neither the answer nor its time tells them apart.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}
        self._one_at_a_time = anyio.CapacityLimiter(1)

    async def note(self, request: Request, refusal: Refusal) -> None:
        """Record a refusal where it is of an act on what is not one's own. Never fails: the refusal is answered in any case."""
        actor = refusal.holder or getattr(request.state, "actor", None)
        if actor is None or not _is_of_anothers(request, refusal):
            return
        now = self._clock().replace(second=0, microsecond=0)
        acts = list(self._over(now))
        minute = self._minutes.setdefault(actor.client, _Minute(actor, now))
        minute.count += 1
        if minute.count <= MOST_A_MINUTE:
            acts.append(_act_of(request, refusal, replace(actor, request_id=request.state.request_id)))
        if acts:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._record, acts, limiter=self._one_at_a_time)

    def close(self) -> None:
        """Record what was only counted until now: the service ends."""
        acts = list(self._over(None))
        if acts:
            self._record(acts)

    def _over(self, now: datetime | None) -> Iterator[_Act]:
        """What is left to say of the minutes that are over: all of them without `now`."""
        for client, minute in list(self._minutes.items()):
            if minute.began_at != now:
                del self._minutes[client]
                if minute.count > MOST_A_MINUTE:
                    details = {"count": minute.count - MOST_A_MINUTE, "minute": moment_text(minute.began_at)}
                    yield _Act(minute.actor, "act.refused_repeatedly", {}, details)

    def _record(self, acts: list[_Act]) -> None:
        try:
            with open_session(self._engine, INSTALLATION, clock=self._clock) as session:
                now = self._clock()
                open_ledger(session, REFUSED, now=now)
                for act in acts:
                    recording = begin_recording(session, REFUSED, actor=act.actor, now=now)
                    audit.record(session, recording, act.action, subject=act.subject, details=act.details)
                session.commit()
        except SQLAlchemyError as error:
            # Whoever was refused is refused; the log says that the record lacks it.
            log.error("refusal_not_recorded", request_id=acts[-1].actor.request_id, exc_info=error)


def _is_of_anothers(request: Request, refusal: Refusal) -> bool:
    match refusal.kind:
        case Kind.FORBIDDEN:
            return True
        case Kind.NOT_FOUND:
            return bool(request.path_params)
        case _:
            return refusal.holder is not None


def _act_of(request: Request, refusal: Refusal, actor: Actor) -> _Act:
    """Of the address only codes are kept, and none that could be somebody's number."""
    named = {name: value for name, value in request.path_params.items() if is_code(value) and identifier_in(value) is None}
    operation = getattr(request.scope.get("route"), "name", None)
    details = {"operation": operation, "method": request.method, "refusal": refusal.code}
    return _Act(actor, "act.refused", named, details)
