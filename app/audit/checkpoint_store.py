"""Checkpoints: added, listed, and never changed."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, tuple_
from sqlalchemy.orm import Session

from app.audit.chains import Head
from app.audit.domain import Reach
from app.audit.store import CHECKPOINTS
from app.kernel.actors import EVERY

_OF = CHECKPOINTS.c


def statement_at(session: Session, chain: str, sequence: int) -> bytes | None:
    """What was signed of a chain at an event of it, if anything was."""
    return session.execute(select(_OF.statement).where(_OF.programme == chain, _OF.sequence == sequence)).scalar_one_or_none()


def add_checkpoint(session: Session, chain: str, head: Head, statement: bytes, *, key_id: str, at: datetime, by: str) -> None:
    values = {"programme": chain, "sequence": head.sequence, "sha256": head.sha256, "statement": statement, "key_id": key_id}
    session.execute(insert(CHECKPOINTS).values(**values, recorded_at=at, recorded_by=by))


def checkpoints_after(session: Session, reach: Reach, *, after: tuple[str, int] | None, limit: int) -> list[dict[str, Any]]:
    """The statements of checkpoints by chain and sequence, after one."""
    query = select(_OF.statement).order_by(_OF.programme, _OF.sequence).limit(limit)
    if reach.programme != EVERY:
        query = query.where(_OF.programme == reach.programme)
    if after is not None:
        query = query.where(tuple_(_OF.programme, _OF.sequence) > tuple_(*after))
    return [json.loads(statement, parse_float=Decimal) for statement in session.execute(query).scalars()]
