"""Checkpoints: added, listed, and never changed."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, insert, select, tuple_
from sqlalchemy.orm import Session

from app.audit.chains import Head
from app.audit.domain import Reach
from app.audit.store import CHECKPOINTS
from app.kernel.actors import EVERY

_OF = CHECKPOINTS.c


def is_signed(session: Session, chain: str, head: Head) -> bool:
    found = exists().where(_OF.programme == chain, _OF.sequence == head.sequence)
    return bool(session.execute(select(found)).scalar_one())


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
