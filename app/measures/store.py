"""The table of measures: a programme's own versions, each a versioned fact."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Text, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.rows import code_column, fact_table, moment_column, month_column
from app.measures.domain import Measure, MeasureProposal

MEASURES = fact_table(
    "measures",
    key=[code_column("code"), Column("version", Integer, nullable=False)],
    content=[
        month_column("from_month", nullable=True),
        month_column("to_month", nullable=True),
        Column("name", Text, nullable=False),
        Column("numerator", Text),
        Column("denominator", Text),
        Column("kind", Text),
        Column("direction", Text),
        Column("numeric_kind", Text, nullable=False),
        Column("aggregation", Text, nullable=False),
        Column("proportion", Boolean, nullable=False),
        Column("basis", Text, nullable=False),
        Column("unit", Text),
        Column("split_by", JSONB, nullable=False),
        Column("breakdown", JSONB, nullable=False),
        Column("site_map", JSONB, nullable=False),
        Column("unknown", JSONB, nullable=False),
        Column("statistic", Text),
        Column("source", Text),
        Column("ambition", Text),
        Column("supersedes", JSONB, nullable=False),
        Column("example", Text),
        Column("rules", JSONB, nullable=False),
        Column("disclosure", Text, nullable=False),
    ],
)

MEASURE_PROPOSALS = fact_table(
    "measure_proposals",
    key=[code_column("measure"), Column("version", Integer, nullable=False), Column("number", Integer, nullable=False)],
    content=[
        Column("state", Text, nullable=False),
        Column("line", JSONB, nullable=False),
        Column("replaces_sha256", Text),
        Column("reason", Text, nullable=False),
        moment_column("proposed_at"),
        code_column("proposed_by"),
    ],
)
"""A proposal is closed when it is approved, and when another takes its place."""

MEASURE_PROPOSALS.table.append_constraint(CheckConstraint("state IN ('proposed', 'approved')", name="measure_proposals_state"))


def measures(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Measure, ...]:
    """Every version of every measure of a programme."""
    return facts.read_lines(session, MEASURES, Measure, programme, as_of=as_of)


def proposals(session: Session, programme: str, measure: str | None = None, version: int | None = None) -> tuple[MeasureProposal, ...]:
    """What waits and what was approved, by measure, version and number; of one measure or version, where it is named."""
    table = MEASURE_PROPOSALS.table
    query = select(*(table.c[name] for name in MeasureProposal.__slots__)).where(
        table.c.programme == programme, table.c.closed_at.is_(None)
    )
    for column, value in ((table.c.measure, measure), (table.c.version, version)):
        query = query if value is None else query.where(column == value)
    rows = session.execute(query.order_by(table.c.measure, table.c.version, table.c.number)).mappings()
    return tuple(MeasureProposal(**{**row, "line": None if row["line"] is None else Measure.model_validate(row["line"])}) for row in rows)


def last_proposal(session: Session, programme: str, measure: str, version: int) -> int:
    """The number of the last that was ever proposed of a version; 0 where nothing was."""
    table = MEASURE_PROPOSALS.table.c
    query = select(func.coalesce(func.max(table.number), 0))
    number: int = session.execute(
        query.where(table.programme == programme, table.measure == measure, table.version == version)
    ).scalar_one()
    return number
