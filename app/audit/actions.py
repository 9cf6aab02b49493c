"""Reading the record: who may, and which part of it is theirs."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.audit import store
from app.audit.domain import Event, Place, Wanted, as_read, reach_of
from app.kernel.actors import Actor


def read_events(session: Session, wanted: Wanted, *, after: Place | None, limit: int, actor: Actor) -> list[tuple[Event, Place]]:
    """At most `limit` of the events asked for that come after a place, the latest first, each with the place it stands at.

    Whoever may read the record reads that of its programme or of all; a subcontract's or commissioner's client reads what is about its party
    and what its party's clients did, and the integrator's staff what the integrator's clients did.
    """
    reach = reach_of(actor)
    if not reach.is_whole:
        require(actor, Permission.OWN_AUDIT_READ)
    found = store.read_events(session, wanted, reach, after=after, limit=limit)
    return [(as_read(event, reach), place) for event, place in _placed(found, after)]


def _placed(events: Sequence[Event], after: Place | None) -> Iterator[tuple[Event, Place]]:
    """Each event with its moment, and how many of that moment came with and before it: a place that tells nothing of others' events."""
    moment, count = after or (None, 0)
    for event in events:
        count = count + 1 if event.recorded_at == moment else 1
        moment = event.recorded_at
        yield event, (moment, count)
