"""Bringing a programme's assignments to what its contract says."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from app.assignments.domain import Assignment
from app.assignments.store import ASSIGNMENTS, rows
from app.db import facts
from app.db.ledger import Recording


def bring_assignments(session: Session, recording: Recording, ended: Collection[Assignment], begun: Collection[Assignment]) -> None:
    """Close the facts that end and add those that begin; all others stay as they are."""
    facts.close(session, ASSIGNMENTS, recording, [fact[: len(ASSIGNMENTS.key)] for fact in ended], programme=recording.chain)
    facts.add(
        session, ASSIGNMENTS, recording, rows(sorted(begun, key=lambda fact: fact[: len(ASSIGNMENTS.key)])), programme=recording.chain
    )
