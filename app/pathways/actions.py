"""Bringing a programme's pathways, segments and handovers to what its contract says."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.pathways.domain import Handover, Pathway
from app.pathways.store import HANDOVERS, PATHWAYS, SEGMENTS, segment_rows


def bring_pathways(session: Session, recording: Recording, lines: Sequence[Pathway]) -> facts.Changes:
    return facts.bring_to(session, PATHWAYS, recording, facts.rows_of(PATHWAYS, lines), programme=recording.chain)


def bring_segments(session: Session, recording: Recording, lines: Sequence[Pathway]) -> facts.Changes:
    return facts.bring_to(session, SEGMENTS, recording, segment_rows(lines), programme=recording.chain)


def bring_handovers(session: Session, recording: Recording, lines: Sequence[Handover]) -> facts.Changes:
    return facts.bring_to(session, HANDOVERS, recording, facts.rows_of(HANDOVERS, lines), programme=recording.chain)
