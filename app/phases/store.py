"""The table of agreed baselines, and what a gate reads of first revisions."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Date, Integer, Text, func, select, text
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.db import facts
from app.db.rows import code_column, fact_table
from app.kernel.months import Month
from app.phases.domain import Baseline, FirstRevision
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


_FIRST: Final = text(
    "SELECT collection, subcontract, month, revision_id, recorded_at, warnings FROM revisions"
    " WHERE programme = :programme AND month = ANY(:months) AND number = 1 AND recorded_at <= :as_of"
)
_POPULATED: Final = text(
    "SELECT revision_id, measure, count(*) FROM cells WHERE programme = :programme AND revision_id = ANY(:revisions) AND state = 'value'"
    " GROUP BY revision_id, measure"
)


def first_revisions(session: Session, programme: str, months: Collection[Month], *, as_of: datetime) -> dict[ReturnKey, FirstRevision]:
    """The first revision of each return of these months that had come by a moment."""
    values = {"programme": programme, "months": [month.ordinal for month in months], "as_of": as_of}
    rows = session.execute(_FIRST, values).all()
    populated: dict[int, dict[str, int]] = defaultdict(dict)
    counted = {"programme": programme, "revisions": [row.revision_id for row in rows]}
    for revision, measure, count in session.execute(_POPULATED, counted):
        populated[revision][measure] = count
    return {
        ReturnKey(row.collection, row.subcontract, Month(row.month)): FirstRevision(
            row.recorded_at,
            populated.get(row.revision_id, {}),
            frozenset(CellKey(*warning["cell"]) for warning in row.warnings if not warning["explained"]),
        )
        for row in rows
    }
