"""The table of agreed baselines, and the numbers of decisions."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Date, Integer, Text, func, select
from sqlalchemy.orm import Session

from app.db import facts
from app.db.rows import code_column, fact_table
from app.phases.domain import Baseline
from app.programmes.store import PHASE_DECISIONS

BASELINES: Final = fact_table(
    "baselines",
    key=[Column("phase", Integer, nullable=False), code_column("measure")],
    content=[code_column("commissioner"), Column("agreed_on", Date, nullable=False), Column("document_sha256", Text, nullable=False)],
)


def baselines(session: Session, programme: str, phase: int, *, as_of: datetime | None) -> tuple[Baseline, ...]:
    """The baselines agreed for leaving a phase, by measure."""
    lines = facts.read_lines(session, BASELINES, Baseline, programme, as_of=as_of)
    return tuple(line for line in lines if line.phase == phase)


def last_number(session: Session, programme: str, phase: int) -> int:
    """The number of the last decision ever proposed on a phase; 0 where there was none."""
    table = PHASE_DECISIONS.table.c
    query = select(func.coalesce(func.max(table.number), 0)).where(table.programme == programme, table.phase == phase)
    number: int = session.execute(query).scalar_one()
    return number
