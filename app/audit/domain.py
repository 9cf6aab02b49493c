"""Events as they are read: what was asked for, and how much of each event its reader is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from app.access.domain import Permission, may
from app.kernel.actors import EVERY, Actor

Place = tuple[datetime, int]
"""How far a reader has come: the moment, and how many events of that moment it was given."""
_STATED: Final = ("before_sha256", "after_sha256", "why")


@dataclass(frozen=True, slots=True)
class Event:
    """An entry in the record. Of what is not for its reader to know, None."""

    chain: str
    sequence: int | None
    recorded_at: datetime
    client: str
    client_name: str | None
    role: str
    client_programme: str | None
    client_subcontract: str | None
    client_commissioner: str | None
    action: str
    subject: Mapping[str, Any]
    details: Mapping[str, Any]
    request_id: str | None
    previous_sha256: str | None
    sha256: str | None

    @property
    def stated(self) -> dict[str, str | None]:
        """The digests of the thing before and after, and the reason, where the act has them."""
        return {name: self.details.get(name) for name in _STATED}

    @property
    def further(self) -> dict[str, Any]:
        return {name: value for name, value in self.details.items() if name not in _STATED}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for: those between two moments, and of the rest each where it is named. `subject` names parts of the thing."""

    first: datetime | None = None
    last: datetime | None = None
    client: str | None = None
    role: str | None = None
    action: str | None = None
    request_id: str | None = None
    refused: bool | None = None
    subject: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose events a reader is shown: of a programme or every one, whole or a party's own part."""

    programme: str
    subcontract: str | None
    commissioner: str | None
    is_whole: bool

    @property
    def is_integrators(self) -> bool:
        """The integrator's part: what it did itself. Everything else is about another party."""
        return self.subcontract == EVERY


def reach_of(actor: Actor) -> Reach:
    return Reach(actor.programme or "", actor.subcontract, actor.commissioner, is_whole=may(actor, Permission.AUDIT_READ))


def as_read(event: Event, reach: Reach) -> Event:
    """An event as its reader is shown it.

    Sequence numbers and digests count others' events, so only who reads a chain whole is shown them. Who in another party did something
    is said by client and role; the names that people bear stay with their own party.
    """
    if reach.programme == EVERY or (reach.is_whole and event.chain == reach.programme):
        return event
    shown = replace(event, sequence=None, previous_sha256=None, sha256=None)
    if reach.is_whole:
        return shown
    own = (event.client_subcontract, event.client_commissioner) == (reach.subcontract, reach.commissioner)
    return shown if own else replace(shown, client_name=None, request_id=None)
