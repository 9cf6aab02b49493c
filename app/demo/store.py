"""Whether a database is empty enough for a story that is set in the past."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.ledger import ledger
from app.programmes.store import PROGRAMMES


def programmes(session: Session) -> tuple[str, ...]:
    """The codes of every programme there is; needs the installation's tenant."""
    table = PROGRAMMES.table
    query = select(table.c.programme).where(table.c.closed_at.is_(None)).order_by(table.c.programme)
    return tuple(session.execute(query).scalars())


def last_recorded_anywhere(session: Session) -> datetime | None:
    """The last moment that anything was recorded at; None in a database that nobody used."""
    moment: datetime | None = session.execute(select(func.max(ledger.c.last_recorded_at))).scalar_one()
    return moment
