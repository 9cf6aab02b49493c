"""Bringing a programme's assignments to what its contract says."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.assignments.domain import Assignment
from app.assignments.store import ASSIGNMENTS, rows
from app.db import facts
from app.db.ledger import Recording


def bring_assignments(session: Session, recording: Recording, assignments: Sequence[Assignment]) -> facts.Changes:
    return facts.bring_to(session, ASSIGNMENTS, recording, rows(assignments), programme=recording.chain)
