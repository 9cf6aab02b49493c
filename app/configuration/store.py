"""What the contract's checks and proposals read of the figures that were accepted."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from app.db import facts
from app.kernel.months import Month
from app.kernel.ranges import Range, Ranges, of_months
from app.returns.store import CELLS, RETURNS, REVISIONS


class OutsideActivity(NamedTuple):
    """Figures that accepted revisions state for a place which was not assigned, and their months."""

    subcontract: str
    collection: str
    measure: str
    pathway: str
    segment: str
    site: str
    commissioner: str
    months: Ranges


class ReportedFigures(NamedTuple):
    """The sums over categories of what accepted revisions state of one measure at one place in one month."""

    subcontract: str
    month: Month
    pathway: str
    segment: str
    site: str
    commissioner: str
    numerator: Decimal
    denominator: Decimal | None


def outside_assignments(session: Session, programme: str, months: Range, *, as_of: datetime) -> list[OutsideActivity]:
    """Activity reported outside assignments, as of a moment, in months from the first to the last."""
    cell, revision = CELLS.c, REVISIONS.c
    place = (revision.subcontract, revision.collection, cell.measure, cell.pathway, cell.segment, cell.site, cell.commissioner)
    query = (
        _accepted(select(*place, func.array_agg(revision.month.distinct())), programme, as_of=as_of)
        .where(cell.outside_assignment, cell.state == "value", revision.month.between(Month(months[0]), Month(months[1])))
        .group_by(*place)
        .order_by(*place)
    )
    return [OutsideActivity._make((*row[:-1], of_months(month.ordinal for month in row[-1]))) for row in session.execute(query)]


def reported_figures(session: Session, programme: str, measure: str, months: Range, *, as_of: datetime) -> list[ReportedFigures]:
    """What was accepted of a measure, as of a moment, in months from the first to the last."""
    cell, revision = CELLS.c, REVISIONS.c
    place = (revision.subcontract, revision.month, cell.pathway, cell.segment, cell.site, cell.commissioner)
    query = (
        _accepted(select(*place, func.sum(cell.numerator), func.sum(cell.denominator)), programme, as_of=as_of)
        .where(cell.measure == measure, cell.state == "value", revision.month.between(Month(months[0]), Month(months[1])))
        .group_by(*place)
    )
    return [ReportedFigures(*row) for row in session.execute(query)]


def _accepted(query: Select[Any], programme: str, *, as_of: datetime) -> Select[Any]:
    """Of the cells of revisions that were the accepted ones at a moment."""
    stands, revision, cell = RETURNS.table.c, REVISIONS.c, CELLS.c
    return (
        query.select_from(RETURNS.table)
        .join(
            REVISIONS,
            and_(
                revision.programme == stands.programme,
                *(revision[name] == stands[name] for name in RETURNS.key),
                revision.number == stands.accepted_revision,
            ),
        )
        .join(CELLS, and_(cell.programme == revision.programme, cell.revision_id == revision.revision_id))
        .where(stands.programme == programme, facts.in_force(RETURNS, as_of))
    )
