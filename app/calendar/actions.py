"""Bringing a programme's collections to what its contract says."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.calendar.domain import Collection
from app.calendar.store import COLLECTIONS
from app.db import facts
from app.db.ledger import Recording


def bring_collections(session: Session, recording: Recording, lines: Sequence[Collection]) -> facts.Changes:
    return facts.bring_to(session, COLLECTIONS, recording, facts.rows_of(COLLECTIONS, lines), programme=recording.chain)
