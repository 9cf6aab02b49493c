"""Rows by the thousand in one statement: `INSERT … SELECT FROM unnest(arrays)`.

`COPY FROM` is refused on tables with row-level security, and a statement per row costs twenty times as much.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.orm import Session

_DIALECT = postgresql()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves this constructor without types


@lru_cache(maxsize=256)
def array_type(table: Table, column: str) -> str:
    """The SQL type of an array of a column's values."""
    return f"{table.c[column].type.compile(_DIALECT).split(' COLLATE')[0]}[]"


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...]) -> TextClause:
    arrays = ", ".join(f"CAST(:{column} AS {array_type(table, column)})" for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return text(f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})")  # noqa: S608 - names of our own tables and columns


def insert_columns(session: Session, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows given column by column; all columns have the same length."""
    if not all(columns.values()):
        return
    values: dict[str, Any] = {}
    dialect = session.get_bind().dialect
    for name, sequence in columns.items():
        process = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        values[name] = [process(value) for value in sequence] if process else list(sequence)
    session.execute(_insert(table, tuple(columns)), values)


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows given one by one; each has the same columns."""
    if rows:
        insert_columns(session, table, {name: [row[name] for row in rows] for name in rows[0]})
