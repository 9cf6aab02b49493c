"""The tables of queries about published rows: where each stands, and what was said in its thread."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Column,
    Date,
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
    select,
    tuple_,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.db.rows import code_column, fact_table, metadata, moment_column, month_column
from app.publications.row_queries import QueryName, RowKeys, RowMessage, RowParty, RowQuery, WantedRowQueries
from app.returns.queries import QueryAct, QueryState

QUERIES: Final = fact_table(
    "row_queries",
    key=[code_column("commissioner"), Column("sequence", Integer, nullable=False), Column("number", Integer, nullable=False)],
    content=[
        month_column("month"),
        Column("state", Text, nullable=False),
        # The row's own keys, by name.
        Column("about", JSONB, nullable=False),
        Column("due_on", Date, nullable=False),
        moment_column("asked_at"),
        code_column("asked_by"),
    ],
)

MESSAGES: Final = Table(
    "row_query_messages",
    metadata,
    code_column("programme"),
    code_column("commissioner"),
    Column("sequence", Integer, nullable=False),
    Column("query", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("act", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("text", Text, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint("programme", "commissioner", "sequence", "query", "number"),
)
"""The threads: what was said stays as it was said."""

_STANDS: Final = QUERIES.table.c
_NAME: Final = (_STANDS.sequence, _STANDS.commissioner, _STANDS.number)


def _query(row: RowMapping) -> RowQuery:
    return RowQuery(
        name=QueryName(row["commissioner"], row["sequence"], row["number"]),
        month=row["month"],
        state=QueryState(row["state"]),
        row=RowKeys(**row["about"]),
        due_on=row["due_on"],
        asked_at=row["asked_at"],
        asked_by=row["asked_by"],
        text=row["text"],
    )


def _selected(programme: str) -> Select[Any]:
    """Queries as they stand, each with what was asked first."""
    first = MESSAGES.c
    same = and_(
        first.programme == _STANDS.programme,
        first.commissioner == _STANDS.commissioner,
        first.sequence == _STANDS.sequence,
        first.query == _STANDS.number,
        first.number == 1,
    )
    columns = [_STANDS[name] for name in (*QUERIES.key, *QUERIES.content)]
    return select(*columns, first.text).join(MESSAGES, same).where(_STANDS.programme == programme, facts.in_force(QUERIES, None))


def find(session: Session, programme: str, name: QueryName) -> RowQuery | None:
    """A query; None where there is none or it is not this tenant's."""
    query = _selected(programme).where(
        _STANDS.commissioner == name.commissioner, _STANDS.sequence == name.sequence, _STANDS.number == name.number
    )
    row = session.execute(query).mappings().one_or_none()
    return None if row is None else _query(row)


def queries(
    session: Session, programme: str, wanted: WantedRowQueries, *, after: tuple[int, str, int] | None = None, limit: int | None = None
) -> list[RowQuery]:
    """Queries that this tenant sees, in the order of their publications."""
    query = _selected(programme).order_by(*_NAME).limit(limit)
    if wanted.months is not None:
        query = query.where(_STANDS.month.in_(wanted.months))
    if wanted.is_open is not None:
        query = query.where((_STANDS.state == QueryState.OPEN.value) == wanted.is_open)
    if wanted.row:
        query = query.where(_STANDS.about.contains(dict(wanted.row)))
    if after is not None:
        query = query.where(tuple_(*_NAME) > tuple_(*after))
    return [_query(row) for row in session.execute(query).mappings()]


def threads(session: Session, programme: str, names: Sequence[QueryName]) -> dict[QueryName, list[RowMessage]]:
    """What was said of queries, in order."""
    columns = MESSAGES.c
    name = (columns.commissioner, columns.sequence, columns.query)
    # A parameter for each part of a name, however many names there are: a whole listing has more than a statement may have parameters.
    parts = (literal([each[at] for each in names], ARRAY(column.type)) for at, column in enumerate(name))
    wanted = func.unnest(*parts).table_valued("commissioner", "sequence", "query").render_derived()
    query = (
        select(*name, *(columns[part] for part in RowMessage.__slots__))
        .where(columns.programme == programme, tuple_(*name).in_(select(*wanted.c)))
        .order_by(*name, columns.number)
    )
    found: dict[QueryName, list[RowMessage]] = {each: [] for each in names}
    for commissioner, sequence, number, spoken, act, party, *said in session.execute(query):
        found[QueryName(commissioner, sequence, number)].append(RowMessage(spoken, QueryAct(act), RowParty(party), *said))
    return found


def last_number(session: Session, programme: str, commissioner: str, sequence: int) -> int:
    """The number of a commissioner's last query about a publication; 0 where it asked none yet."""
    query = select(func.coalesce(func.max(_STANDS.number), 0)).where(
        _STANDS.programme == programme, _STANDS.commissioner == commissioner, _STANDS.sequence == sequence
    )
    return int(session.execute(query).scalar_one())


def say(session: Session, programme: str, before: RowQuery | None, after: RowQuery, message: RowMessage, *, recording: Recording) -> None:
    """Record what is said, and where the query stands then if that changed; `before` is None for a new query."""
    if after != before:
        if before is not None:
            key = (before.name.commissioner, before.name.sequence, before.name.number)
            facts.close(session, QUERIES, recording, [key], programme=programme)
        row: dict[str, Any] = {"month": after.month, "state": after.state.value, "about": after.row._asdict(), "due_on": after.due_on}
        row |= {**after.name._asdict(), "asked_at": after.asked_at, "asked_by": after.asked_by}
        facts.add(session, QUERIES, recording, [row], programme=programme)
    said = {name: getattr(message, name) for name in RowMessage.__slots__}
    about = {"programme": programme, "commissioner": after.name.commissioner, "sequence": after.name.sequence, "query": after.name.number}
    session.execute(insert(MESSAGES).values(**about, **{**said, "act": message.act.value, "party": message.party.value}))
