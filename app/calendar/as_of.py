"""The moment that a read is judged at."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.calendar.deadlines import last_passed
from app.calendar.store import load_contract
from app.db.ledger import judged_at, last_recorded
from app.kernel.moments import TICK
from app.kernel.refusals import AsOfInFuture

__all__ = ["AsOfInFuture", "resolve"]


def resolve(session: Session, programme: str, *, asked: datetime | None, now: datetime) -> datetime:
    """The moment that a read of a programme is judged at.

    Without `asked`: the later of the last recorded moment and the first microsecond after the last deadline that has passed.
    It waits for whoever is recording now where it lies beyond the last recorded one, so that it never has two answers.
    """
    if asked is not None:
        return judged_at(session, programme, asked, now=now)
    last = last_recorded(session, programme)
    passed = _deadline_passed(session, programme, now=now)
    if passed is None or passed <= last:
        return last
    return max(passed, last_recorded(session, programme, wait=True))


def _deadline_passed(session: Session, programme: str, *, now: datetime) -> datetime | None:
    contract = load_contract(session, programme)
    moment = last_passed(contract.collections, contract.days, term=contract.programme, now=now)
    return None if moment is None else moment + TICK
