"""What a subcontract stated in earlier months of a collection: for whoever fills in a return, and for the rules that look back."""

from collections import defaultdict
from collections.abc import Collection as Container
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.db import facts
from app.kernel.months import Month
from app.returns.store import CELLS, RETURNS, REVISIONS
from app.returns.submission import Cell


def stated_before(
    session: Session, programme: str, key: ReturnKey, *, months: Container[Month], as_of: datetime | None = None
) -> dict[Month, dict[CellKey, Cell]]:
    """What other months' returns of the same collection and subcontract state, now or as it stood: the accepted revision, else the latest.

    A month of which nothing was received is not there.
    """
    stands, of = RETURNS.table.c, REVISIONS.c
    same = and_(of.programme == stands.programme, *(of[name] == stands[name] for name in RETURNS.key))
    query = (
        select(stands.month, *(CELLS.c[name] for name in Cell._fields))
        .join(REVISIONS, and_(same, of.number == func.coalesce(stands.accepted_revision, stands.latest_revision)))
        .join(CELLS, and_(CELLS.c.programme == of.programme, CELLS.c.revision_id == of.revision_id))
        .where(
            stands.programme == programme,
            facts.in_force(RETURNS, as_of),
            stands.collection == key.collection,
            stands.subcontract == key.subcontract,
            stands.month.in_(list(months)),
        )
    )
    found: dict[Month, dict[CellKey, Cell]] = defaultdict(dict)
    for month, *row in session.execute(query):
        cell = Cell(*row)
        found[month][cell.key] = cell
    return dict(found)
