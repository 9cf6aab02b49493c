"""What a subcontract stated in earlier months of a collection: for whoever fills in a return, and for the rules that look back."""

from collections import defaultdict
from collections.abc import Collection as Container
from datetime import datetime

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.db import facts
from app.kernel.months import Month
from app.returns.domain import Status
from app.returns.expectation import ExpectedReturn
from app.returns.looking_back import Earlier, needed_of
from app.returns.plain_words import Stood
from app.returns.queries import QueryState
from app.returns.query_store import QUERIES
from app.returns.review_store import REOPENINGS, SIGN_OFFS
from app.returns.store import CELLS, RETURNS, REVISIONS
from app.returns.submission import Cell


def stated_before(
    session: Session,
    programme: str,
    key: ReturnKey,
    *,
    months: Container[Month],
    measures: Container[str] | None = None,
    as_of: datetime | None = None,
) -> dict[Month, dict[CellKey, Cell]]:
    """What other months' returns of the same collection and subcontract state, now or as it stood: the accepted revision, else the latest.

    A month of which nothing was received is not there. With `measures`, the cells of these.
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
    if measures is not None:
        query = query.where(CELLS.c.measure.in_(list(measures)))
    found: dict[Month, dict[CellKey, Cell]] = defaultdict(dict)
    for month, *row in session.execute(query):
        cell = Cell(*row)
        found[month][cell.key] = cell
    return dict(found)


def standing_of(session: Session, programme: str, subcontract: str, *, as_of: datetime) -> dict[ReturnKey, Stood]:
    """Where every return of a subcontract stood of which something was received, or that was reopened."""
    stands, latest, signed, leave = RETURNS.table.c, REVISIONS.c, SIGN_OFFS.c, REOPENINGS.table.c
    of_latest = and_(*(latest[name] == stands[name] for name in ("programme", *RETURNS.key)), latest.number == stands.latest_revision)
    is_signed = exists().where(
        *(signed[name] == stands[name] for name in ("programme", *RETURNS.key)),
        signed.revision == stands.latest_revision,
        signed.signed_at <= as_of,
    )
    asked = QUERIES.table.c
    waits = (
        *(asked[name] == stands[name] for name in ("programme", *RETURNS.key)),
        asked.state == QueryState.OPEN,
        facts.in_force(QUERIES, as_of),
    )
    answer_by = select(func.min(asked.due_on)).where(*waits).scalar_subquery()
    reopened = select(*(leave[name] for name in RETURNS.key), leave.recorded_at, leave.expires_at).where(
        leave.programme == programme, leave.subcontract == subcontract, facts.in_force(REOPENINGS, as_of), leave.expires_at >= as_of
    )
    received = select(*(stands[name] for name in RETURNS.key), stands.status, is_signed, answer_by, latest.recorded_at).join(
        REVISIONS, of_latest
    )
    received = received.where(stands.programme == programme, stands.subcontract == subcontract, facts.in_force(RETURNS, as_of))
    leaves = {ReturnKey(*key): (since, until) for *key, since, until in session.execute(reopened)}
    found = {key: Stood(reopened_until=until) for key, (_, until) in leaves.items()}
    for *parts, status, has_signature, due_on, came_at in session.execute(received):
        key = ReturnKey(*parts)
        since, until = leaves.get(key, (came_at, None))
        found[key] = Stood(Status(status), is_signed=has_signature, reopened_until=until, came_since=came_at > since, answer_by=due_on)
    return found


def earlier_of(session: Session, programme: str, expected: ExpectedReturn) -> Earlier:
    """What the rules of a return look at beside itself, as it stands now.

    Read under the return's own lock, before the ledger is held: another return that is received at this very moment may not be seen. Rules
    look at months before, never after, so one of the two would then have come first; of two returns of a month that look at each other
    neither may be judged by the other, as where one of them was never sent.
    """
    return {
        collection: stated_before(
            session, programme, expected.key._replace(collection=collection), months=needed.months, measures=needed.measures
        )
        for collection, needed in needed_of(expected).items()
    }
