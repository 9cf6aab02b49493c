"""The table of compared handovers, and the figures that are compared."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import CheckConstraint, Column, Index, Integer, Numeric, Text, select, text
from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.db.rows import code_column, fact_table, month_column
from app.kernel.figures import plain
from app.kernel.months import Month
from app.returns.handovers import Pair, Place

COMPARISONS: Final = fact_table(
    "handover_comparisons",
    key=[code_column("handover"), code_column("sender"), code_column("receiver"), month_column("month")],
    content=[
        Column("state", Text, nullable=False),
        Column("difference", Numeric, nullable=False),
        Column("sender_query", Integer),
        Column("receiver_query", Integer),
    ],
)
"""What was asked of each pair last: a difference beyond tolerance, with the numbers of its two queries, or that it was settled."""

COMPARISONS.table.append_constraint(CheckConstraint("state IN ('within', 'beyond')", name="handover_comparisons_state"))
Index("handover_comparisons_of_month", COMPARISONS.table.c.programme, COMPARISONS.table.c.month)


class Recorded(NamedTuple):
    """What was recorded of a pair: numbers of queries are None where a return was frozen, and within the tolerance."""

    state: str
    difference: Decimal
    sender_query: int | None
    receiver_query: int | None


Named = tuple[str, str, str]
"""A handover, its sender and its receiver."""


def named(pair: Pair) -> Named:
    return pair.handover.code, pair.sender, pair.receiver


def recorded(session: Session, programme: str, month: Month, *, as_of: datetime | None = None) -> dict[Named, Recorded]:
    """What was recorded of each pair of a month, now or as it stood."""
    columns = COMPARISONS.table.c
    query = select(*(columns[name] for name in (*COMPARISONS.key[:3], *COMPARISONS.content)))
    rows = session.execute(query.where(columns.programme == programme, columns.month == month, facts.in_force(COMPARISONS, as_of)))
    return {(row[0], row[1], row[2]): Recorded(row[3], plain(row[4]), *row[5:]) for row in rows}


def record(session: Session, programme: str, pair: Pair, what: Recorded, *, again: bool, recording: Recording) -> None:
    """Record what is asked of a pair now; `again` where something was before."""
    key = (*named(pair), pair.month)
    if again:
        facts.close(session, COMPARISONS, recording, [key], programme=programme)
    row: dict[str, Any] = {**dict(zip(COMPARISONS.key, key, strict=True)), **what._asdict()}
    facts.add(session, COMPARISONS, recording, [row], programme=programme)


_FIGURES: Final = text(
    "SELECT revision_id, pathway, segment, measure, category, CASE WHEN bool_and(state = 'value') THEN sum(numerator) END FROM cells"
    " WHERE programme = :programme AND revision_id = ANY(:revisions) AND measure = ANY(:measures)"
    " GROUP BY revision_id, pathway, segment, measure, category"
)


def figures(
    session: Session, programme: str, revisions: Collection[int], measures: Collection[str]
) -> dict[tuple[int, Place], Decimal | None]:
    """What revisions state of some measures, over every site and commissioner; None where a cell has no value."""
    values = {"programme": programme, "revisions": list(revisions), "measures": list(measures)}
    return {(row[0], Place(*row[1:5])): None if row[5] is None else plain(row[5]) for row in session.execute(_FIGURES, values)}
