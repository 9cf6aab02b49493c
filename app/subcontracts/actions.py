"""Bringing a programme's subcontracts to what its contract says."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.subcontracts.domain import Subcontract
from app.subcontracts.store import SUBCONTRACTS


def bring_subcontracts(session: Session, recording: Recording, lines: Sequence[Subcontract]) -> facts.Changes:
    return facts.bring_to(session, SUBCONTRACTS, recording, facts.rows_of(SUBCONTRACTS, lines), programme=recording.chain)
