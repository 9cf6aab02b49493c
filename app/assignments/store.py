"""The table of assignments: one fact per subcontract, segment, site and commissioner, with its months."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Computed, Index, Numeric, Text, func, select, text
from sqlalchemy.dialects.postgresql import INT4RANGE
from sqlalchemy.orm import Session

from app.assignments.domain import Assignment
from app.db import facts
from app.db.bulk import insert_columns
from app.db.ledger import Recording
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
        code_column("other_reporter", nullable=True),
        Column("waiver_reason", Text),
        Column("waiver_approver", Text),
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
ASSIGNMENTS.table.append_constraint(CheckConstraint("share BETWEEN 0 AND 100", name="assignments_share"))
ASSIGNMENTS.table.append_constraint(CheckConstraint("other_reporter <> subcontract", name="assignments_reporter"))
ASSIGNMENTS.table.append_constraint(CheckConstraint("(waiver_reason IS NULL) = (waiver_approver IS NULL)", name="assignments_waiver_pair"))
Index(
    "assignments_shared",
    *(ASSIGNMENTS.table.c[name] for name in ("programme", "pathway", "segment", "site", "commissioner")),
    postgresql_where=text("closed_at IS NULL AND share IS NOT NULL"),
)


_OF_LINE: Final = tuple(name for name in Assignment._fields if name not in {"site", "commissioner", "volume"})
"""What all facts of a line say alike."""


def assignments(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Assignment, ...]:
    """The assignments of a programme that this tenant sees, in the order of their keys.

    Read line by line, each with its places as arrays: a row for each of a hundred thousand facts takes twice as long.
    """
    columns = ASSIGNMENTS.table.c
    of_line = [columns[name] for name in _OF_LINE]
    places = [func.array_agg(columns[name]) for name in ("site", "commissioner", "volume")]
    query = select(*of_line, *places).where(columns.programme == programme, facts.in_force(ASSIGNMENTS, as_of)).group_by(*of_line)
    found: list[Assignment] = []
    for *common, sites, commissioners, volumes in session.execute(query):
        subcontract, pathway, segment, *rest, other_reporter, reason, approver = common
        found.extend(
            Assignment._make((subcontract, pathway, segment, site, commissioner, *rest, volume, other_reporter, reason, approver))
            for site, commissioner, volume in zip(sites, commissioners, volumes, strict=True)
        )
    return tuple(sorted(found))


def add(session: Session, recording: Recording, assignments: Iterable[Assignment]) -> None:
    """Add facts, current from the recording's moment: column by column, because there may be a hundred thousand."""
    columns = dict(zip(Assignment._fields, zip(*assignments, strict=True), strict=False))
    if columns:
        count = len(columns["line"])
        recorded = {"recorded_at": (recording.at,) * count, "recorded_by": (recording.by,) * count}
        insert_columns(session, ASSIGNMENTS.table, {"programme": (recording.chain,) * count, **columns, **recorded})
