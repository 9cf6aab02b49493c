"""Reading the record: events by what they are about and whose they are, and the checkpoints of its chains."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ColumnElement, LargeBinary, PrimaryKeyConstraint, Select, Table, Text, and_, literal, or_, select
from sqlalchemy.orm import Session

from app.audit.domain import Event, Place, Reach, Wanted
from app.db.audit import events
from app.db.ledger import REFUSED
from app.db.rows import code_column, metadata, moment_column
from app.kernel.actors import EVERY

CHECKPOINTS: Final = Table(
    "checkpoints",
    metadata,
    code_column("programme"),
    Column("sequence", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    # As it was signed, byte by byte.
    Column("statement", LargeBinary, nullable=False),
    code_column("key_id"),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint("programme", "sequence"),
)
"""Append-only. A checkpoint is its own record: an event of it would move the end that it states."""

_EVENT: Final = events.c


def read_events(session: Session, wanted: Wanted, reach: Reach, *, after: Place | None, limit: int) -> list[Event]:
    """At most `limit` of the events asked for that come after a place, the latest first."""
    query = _asked(wanted).where(_within(reach)).order_by(_EVENT.recorded_at.desc(), _EVENT.programme, _EVENT.sequence.desc()).limit(limit)
    if after is not None:
        query = query.where(_EVENT.recorded_at <= after[0]).offset(after[1])
    return [_event(row) for row in session.execute(query).mappings()]


def _asked(wanted: Wanted) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (_EVENT.recorded_by, wanted.client),
            (_EVENT.role, wanted.role),
            (_EVENT.action, wanted.action),
            (_EVENT.request_id, wanted.request_id),
        )
        if value is not None
    ]
    for name, value in wanted.subject.items():
        named = _EVENT.subject[name].astext == value
        conditions.append(or_(named, _EVENT.programme == value) if name == "programme" else named)
    if wanted.first is not None:
        conditions.append(_EVENT.recorded_at >= wanted.first)
    if wanted.last is not None:
        conditions.append(_EVENT.recorded_at <= wanted.last)
    if wanted.refused is not None:
        conditions.append((_EVENT.programme == REFUSED) if wanted.refused else (_EVENT.programme != REFUSED))
    return select(events).where(*conditions)


def _within(reach: Reach) -> ColumnElement[bool]:
    """What row-level security says once more."""
    of_programme, of_client = _EVENT.programme == reach.programme, _EVENT.client_programme == reach.programme
    if reach.is_whole:
        return literal(value=True) if reach.programme == EVERY else or_(of_programme, of_client)
    if reach.is_integrators:
        return and_(or_(of_programme, of_client), _EVENT.client_subcontract == EVERY)
    party, code = ("subcontract", reach.subcontract) if reach.subcontract else ("commissioner", reach.commissioner)
    return or_(and_(of_programme, _EVENT.subject[party].astext == code), and_(of_client, _EVENT[f"client_{party}"] == code))


def _event(row: Any) -> Event:
    said = {name: row[name] for name in Event.__slots__ if name not in {"chain", "client"}}
    return Event(chain=row["programme"], client=row["recorded_by"], **said)
