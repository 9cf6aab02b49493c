"""The table of assignments: one fact per subcontract, segment, site and commissioner, with its months."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Computed, Numeric, Text, select
from sqlalchemy.dialects.postgresql import INT4RANGE
from sqlalchemy.orm import Session

from app.assignments.domain import Assignment
from app.db import facts
from app.db.rows import code_column, fact_table, month_column

ASSIGNMENTS = fact_table(
    "assignments",
    key=[
        code_column("subcontract"),
        code_column("pathway"),
        code_column("segment"),
        code_column("site"),
        code_column("commissioner"),
        month_column("from_month"),
    ],
    content=[
        month_column("to_month", nullable=True),
        Column("line", Text, nullable=False),
        Column("every_site", Boolean, nullable=False),
        Column("every_commissioner", Boolean, nullable=False),
        Column("share", Numeric),
        Column("line_volume", Numeric),
        Column("volume", Numeric),
    ],
)
# What may not overlap: one subcontract, segment, site and commissioner in one month. The hash of the five stands for
# them in the exclusion constraint (0001), because the embedded server has no btree_gist for text.
ASSIGNMENTS.table.append_column(
    Column(
        "combination",
        BigInteger,
        Computed(
            "hashtextextended(programme || chr(31) || subcontract || chr(31) || pathway || chr(31) || segment || chr(31) || site"
            " || chr(31) || commissioner, 0)",
            persisted=True,
        ),
    )
)
ASSIGNMENTS.table.append_column(Column("months", INT4RANGE, Computed("int4range(from_month, to_month, '[]')", persisted=True)))
ASSIGNMENTS.table.append_constraint(CheckConstraint("to_month >= from_month", name="assignments_months"))


def assignments(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Assignment, ...]:
    """The assignments of a programme that this tenant sees, in the order of their keys."""
    columns = ASSIGNMENTS.table.c
    query = (
        select(*(columns[name] for name in Assignment._fields))
        .where(columns.programme == programme, facts.in_force(ASSIGNMENTS, as_of))
        .order_by(*(columns[name] for name in ASSIGNMENTS.key))
    )
    return tuple(Assignment(*row) for row in session.execute(query))


def rows(assignments: Iterable[Assignment]) -> list[dict[str, Any]]:
    """The columns of these facts."""
    return [assignment._asdict() for assignment in assignments]
