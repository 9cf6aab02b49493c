"""Bringing a programme's assignments to what its contract says."""

from collections.abc import Collection
from operator import itemgetter
from typing import Final

from sqlalchemy.orm import Session

from app.assignments.domain import Assignment
from app.assignments.store import ASSIGNMENTS, add
from app.db import facts
from app.db.ledger import Recording

_key: Final = itemgetter(slice(len(ASSIGNMENTS.key)))


def bring_assignments(session: Session, recording: Recording, ended: Collection[Assignment], begun: Collection[Assignment]) -> None:
    """Close the facts that end and add those that begin; all others stay as they are."""
    facts.close(session, ASSIGNMENTS, recording, [_key(fact) for fact in ended], programme=recording.chain)
    add(session, recording, sorted(begun, key=_key))
