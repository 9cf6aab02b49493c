"""Bringing a head contract's own nouns to what it says."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.db.rows import FactTable
from app.kernel.lines import Line
from app.programmes.domain import Commissioner, Phase, Programme, Requirement, Site
from app.programmes.store import COMMISSIONERS, PHASES, PROGRAMMES, REQUIREMENTS, SITES


def _bring(session: Session, table: FactTable, recording: Recording, lines: Sequence[Line]) -> facts.Changes:
    return facts.bring_to(session, table, recording, facts.rows_of(table, lines), programme=recording.chain)


def bring_programme(session: Session, recording: Recording, line: Programme) -> facts.Changes:
    return _bring(session, PROGRAMMES, recording, [line])


def bring_commissioners(session: Session, recording: Recording, lines: Sequence[Commissioner]) -> facts.Changes:
    return _bring(session, COMMISSIONERS, recording, lines)


def bring_phases(session: Session, recording: Recording, lines: Sequence[Phase]) -> facts.Changes:
    return _bring(session, PHASES, recording, lines)


def bring_sites(session: Session, recording: Recording, lines: Sequence[Site]) -> facts.Changes:
    return _bring(session, SITES, recording, lines)


def bring_requirements(session: Session, recording: Recording, lines: Sequence[Requirement]) -> facts.Changes:
    return _bring(session, REQUIREMENTS, recording, lines)
