"""Bringing a programme's measures to what its contract says."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.measures.domain import Measure
from app.measures.store import MEASURES


def bring_measures(session: Session, recording: Recording, lines: Sequence[Measure]) -> facts.Changes:
    return facts.bring_to(session, MEASURES, recording, facts.rows_of(MEASURES, lines), programme=recording.chain)
