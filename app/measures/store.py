"""The table of measures: a programme's own versions, each a versioned fact."""

from datetime import datetime

from sqlalchemy import Boolean, Column, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.rows import code_column, fact_table, month_column
from app.measures.domain import Measure

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


def measures(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Measure, ...]:
    """Every version of every measure of a programme."""
    return facts.read_lines(session, MEASURES, Measure, programme, as_of=as_of)
