"""The tables of queries: where each stands, and what was said in its thread."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    func,
    insert,
    literal,
    not_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.db import facts
from app.db.ledger import Recording
from app.db.rows import code_column, fact_table, metadata, moment_column, month_column
from app.kernel.months import Month
from app.returns.queries import Message, Origin, Party, Place, Query, QueryAct, QueryState, WantedQueries, day_of

QUERIES: Final = fact_table(
    "queries",
    key=[code_column("collection"), code_column("subcontract"), month_column("month"), Column("number", Integer, nullable=False)],
    content=[
        Column("state", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("cells", JSONB, nullable=False),
        Column("due_on", Date, nullable=False),
        moment_column("asked_at"),
        code_column("asked_by"),
    ],
)
"""Where each query stands: one fact a move. It is numbered within its return, so that a number says nothing of others'."""

_STANDS: Final = QUERIES.table.c
Index(
    "queries_awaited",
    _STANDS.programme,
    _STANDS.due_on,
    postgresql_where=and_(_STANDS.closed_at.is_(None), _STANDS.state == QueryState.OPEN.value),
)

MESSAGES: Final = Table(
    "query_messages",
    metadata,
    code_column("programme"),
    code_column("collection"),
    code_column("subcontract"),
    month_column("month"),
    Column("query", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("act", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("text", Text, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint("programme", "collection", "subcontract", "month", "query", "number"),
)
"""The threads: what was said stays as it was said."""

_OF_RETURN: Final = ("collection", "subcontract", "month")


def _query(named: RowMapping) -> Query:
    return Query(
        key=ReturnKey(*(named[name] for name in _OF_RETURN)),
        number=named["number"],
        state=QueryState(named["state"]),
        origin=Origin(named["origin"]),
        revision=named["revision"],
        cells=tuple(CellKey(*cell) for cell in named["cells"]),
        due_on=named["due_on"],
        asked_at=named["asked_at"],
        asked_by=named["asked_by"],
        text=named["text"],
    )


def _selected(programme: str, as_of: datetime | None) -> Select[Any]:
    """Queries as they stood, each with what was asked first."""
    stands, first = QUERIES.table, MESSAGES
    same = and_(
        first.c.programme == stands.c.programme,
        *(first.c[name] == stands.c[name] for name in _OF_RETURN),
        first.c.query == stands.c.number,
        first.c.number == 1,
    )
    columns = [stands.c[name] for name in (*QUERIES.key, *QUERIES.content)]
    return select(*columns, first.c.text).join(first, same).where(stands.c.programme == programme, facts.in_force(QUERIES, as_of))


def find(session: Session, programme: str, key: ReturnKey, number: int, *, as_of: datetime | None = None) -> Query | None:
    """A query of a return (now, or as it stood); None where there is none or it is not this tenant's."""
    columns = QUERIES.table.c
    query = _selected(programme, as_of).where(_is_of(columns, key), columns.number == number)
    row = session.execute(query).mappings().one_or_none()
    return None if row is None else _query(row)


def _is_of(columns: Any, key: ReturnKey) -> Any:
    return and_(*(columns[name] == part for name, part in zip(_OF_RETURN, key, strict=True)))


def thread(session: Session, programme: str, key: ReturnKey, number: int, *, as_of: datetime | None = None) -> tuple[Message, ...]:
    """What was said of a query, in order."""
    columns = MESSAGES.c
    query = (
        select(*(columns[name] for name in Message.__slots__))
        .where(columns.programme == programme, _is_of(columns, key), columns.query == number)
        .order_by(columns.number)
    )
    if as_of is not None:
        query = query.where(columns.recorded_at <= as_of)
    return tuple(Message(**{**row, "act": QueryAct(row["act"]), "party": Party(row["party"])}) for row in session.execute(query).mappings())


def queries(
    session: Session, programme: str, wanted: WantedQueries, *, after: Place | None, limit: int, as_of: datetime
) -> tuple[Query, ...]:
    """At most `limit` queries as they stood, the first due first."""
    columns = QUERIES.table.c
    place = (columns.due_on, columns.collection, columns.subcontract, columns.month, columns.number)
    query = _selected(programme, as_of).order_by(*place).limit(limit)
    overdue = and_(columns.state == QueryState.OPEN, columns.due_on < day_of(as_of))
    for asked, condition in ((wanted.is_open, columns.state == QueryState.OPEN), (wanted.overdue, overdue)):
        if asked is not None:
            query = query.where(condition if asked else not_(condition))
    for name in ("state", "collection", "subcontract", "month"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(columns[name] == value)
    if wanted.among is not None:
        query = query.where(columns.subcontract.in_(wanted.among))
    if after is not None:
        day, collection, subcontract, month, number = after
        values = (date.fromisoformat(day), collection, subcontract, Month(month), number)
        before = tuple_(*(literal(value, column.type) for value, column in zip(values, place, strict=True)))
        query = query.where(tuple_(*place) > before)
    return tuple(map(_query, session.execute(query).mappings()))


def counted(session: Session, programme: str, key: ReturnKey, *, as_of: datetime) -> dict[QueryState, int]:
    """How many queries of a return stood in each state."""
    columns = QUERIES.table.c
    query = (
        select(columns.state, func.count())
        .where(columns.programme == programme, _is_of(columns, key), facts.in_force(QUERIES, as_of))
        .group_by(columns.state)
    )
    found = {QueryState(state): count for state, count in session.execute(query)}
    return {state: found.get(state, 0) for state in QueryState}


def last_number(session: Session, programme: str, key: ReturnKey) -> int:
    """The number of a return's last query, 0 where none was asked yet."""
    columns = QUERIES.table.c
    query = select(func.coalesce(func.max(columns.number), 0)).where(columns.programme == programme, _is_of(columns, key))
    return int(session.execute(query).scalar_one())


def last_overdue(session: Session, programme: str, *, before: date) -> date | None:
    """The last day before another on which the answer to a query was due that is still waited for."""
    columns = QUERIES.table.c
    query = select(func.max(columns.due_on)).where(
        columns.programme == programme, columns.closed_at.is_(None), columns.state == QueryState.OPEN, columns.due_on < before
    )
    day: date | None = session.execute(query).scalar_one()
    return day


def add(session: Session, programme: str, query: Query, message: Message, *, recording: Recording) -> None:
    """Record a new query with what was asked."""
    _put(session, programme, query, recording)
    _say(session, programme, query, message)


def say(session: Session, programme: str, before: Query, after: Query, message: Message, *, recording: Recording) -> None:
    """Add to a query's thread, and record where the query stands then if that changed."""
    if after != before:
        facts.close(session, QUERIES, recording, [(*before.key, before.number)], programme=programme)
        _put(session, programme, after, recording)
    _say(session, programme, after, message)


def _put(session: Session, programme: str, query: Query, recording: Recording) -> None:
    row: dict[str, Any] = {name: getattr(query, name) for name in QUERIES.content}
    row |= {**query.key._asdict(), "number": query.number, "state": query.state.value, "origin": query.origin.value}
    facts.add(session, QUERIES, recording, [{**row, "cells": _stored(query.cells)}], programme=programme)


def _stored(cells: Sequence[CellKey]) -> list[list[str]]:
    return [list(cell) for cell in cells]


def _say(session: Session, programme: str, query: Query, message: Message) -> None:
    about = {"programme": programme, **query.key._asdict(), "query": query.number}
    said = {name: getattr(message, name) for name in Message.__slots__}
    session.execute(insert(MESSAGES).values(**about, **{**said, "act": message.act.value, "party": message.party.value}))
