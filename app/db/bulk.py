"""Rows by the thousand in one statement: `INSERT … SELECT` of unnested arrays.

`COPY FROM` is refused on tables with row-level security, and a statement per row costs twenty times as much.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, Final

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.orm import Session

from app.db.ahead import AHEAD
from app.kernel.months import Month

_DIALECT = postgresql()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves this constructor without types
_WRITTEN: Final = frozenset({str, int, bool, Decimal, NoneType})
_AS_THEY_ARE: Final = frozenset({int, bool, Decimal})


@lru_cache(maxsize=256)
def array_type(table: Table, column: str) -> str:
    """The SQL type of an array of a column's values."""
    return f"{table.c[column].type.compile(_DIALECT).split(' COLLATE')[0]}[]"


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...], repeated: frozenset[str]) -> TextClause:
    listed = [column for column in columns if column not in repeated]
    # As columns of a SELECT rather than in FROM, where their rows would all be written down before the first is inserted.
    unnested = ", ".join(f'unnest(CAST(:{column} AS {array_type(table, column)})) AS "{column}"' for column in listed)
    one = {column: f"CAST(:{column} AS {array_type(table, column).removesuffix('[]')})" for column in repeated}
    values = ", ".join(one.get(column, f'added."{column}"') for column in columns)
    return text(
        f"INSERT INTO {table.name} ({_names(columns)}) SELECT {values}"  # noqa: S608 - only names of our own tables and columns are put in
        f" FROM (SELECT {unnested}) AS added"
    ).execution_options(**AHEAD)


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def insert_columns(session: Session, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows given column by column; all columns have the same length.

    A value that every row shares is sent once, and arrays as their text: the driver's own way with lists costs as much as the insert.
    """
    if not all(columns.values()):
        return
    values: dict[str, Any] = {}
    dialect = session.get_bind().dialect
    # One column at least stays an array: it says how many rows there are.
    repeated = frozenset(name for name in list(columns)[1:] if _is_one_value(columns[name]))
    for name, sequence in columns.items():
        process = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if name in repeated:
            values[name] = process(sequence[0]) if process else sequence[0]
        else:
            values[name] = _array([process(value) for value in sequence] if process else sequence)
    session.execute(_insert(table, tuple(columns), repeated), values)


def _is_one_value(sequence: Sequence[Any]) -> bool:
    # Decimals are left out: 1 and 1.0 are equal and yet not the same.
    first = sequence[0]
    return isinstance(first, str | int | datetime | Month | None) and sequence[-1] == first and sequence.count(first) == len(sequence)


def _array(sequence: Sequence[Any]) -> str | list[Any]:
    """An array's text, or the list itself where its elements are of other types."""
    types = set(map(type, sequence))
    if not types <= _WRITTEN:
        return list(sequence)
    if types <= _AS_THEY_ARE:
        return "{" + ",".join(map(str, sequence)) + "}"
    # A column of codes says few different ones; Decimals that are equal and yet not the same are kept apart.
    elements = {value: _element(value) for value in set(sequence)} if Decimal not in types else None
    return "{" + ",".join(map(_element if elements is None else elements.__getitem__, sequence)) + "}"


def _element(value: str | int | Decimal | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows given one by one; each has the same columns."""
    if rows:
        insert_columns(session, table, {name: [row[name] for row in rows] for name in rows[0]})
