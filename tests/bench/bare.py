"""What `make bench` compares with: the rows of a submission just made, by `COPY` into a copy of the tables without row security.

The transaction has the same shape as the service's (header, rows, what they supersede, the record, commit), and the same indexes and
checks; nothing is validated, and nobody is asked who they are.
"""

import time
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.bench.payload import PROGRAMME

_TABLES: Final = ("revisions", "cells", "submitted_files", "returns", "events", "ledger")


class BareCopy:
    """A connection of its own to the copied tables."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url)
        self.columns = {table: self._columns(table) for table in _TABLES}
        self.connection.execute("CREATE SCHEMA bare")
        for table in _TABLES:
            name = sql.Identifier(table)
            self.connection.execute(sql.SQL("CREATE TABLE bare.{} (LIKE public.{} INCLUDING ALL)").format(name, name))
        self.connection.execute("INSERT INTO bare.ledger SELECT * FROM public.ledger")
        self.connection.commit()

    def close(self) -> None:
        self.connection.close()

    def _columns(self, table: str) -> list[str]:
        """Columns that are written; `COPY` works out the generated ones itself."""
        query = (
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " AND is_generated = 'NEVER' ORDER BY ordinal_position"
        )
        return [str(name) for (name,) in self.connection.execute(query, (table,))]

    def repeat_latest(self) -> float:
        """Seconds for the rows of the latest revision, read beforehand and not timed."""
        revision = self._rows("revisions", "ORDER BY revision_id DESC LIMIT 1")[0]
        revision_id = revision[self.columns["revisions"].index("revision_id")]
        cells = self._rows("cells", "AND revision_id = %s", revision_id)
        file = self._rows("submitted_files", "AND revision_id = %s", revision_id)[0]
        state = self._rows("returns", "ORDER BY recorded_at DESC LIMIT 1")[0]
        event = self._rows("events", "ORDER BY sequence DESC LIMIT 1")[0]
        self.connection.commit()
        begun = time.perf_counter()
        self._insert("revisions", revision)
        with self.connection.cursor().copy(self._statement("COPY bare.{} ({}) FROM STDIN", "cells")) as copy:
            for cell in cells:
                copy.write_row(cell)
        self._insert("submitted_files", file)
        supersede = (
            "UPDATE bare.returns SET closed_at = clock_timestamp(), closed_by = 'bench'"
            " WHERE programme = %(programme)s AND collection = %(collection)s AND subcontract = %(subcontract)s AND month = %(month)s"
            " AND closed_at IS NULL"
        )
        self.connection.execute(supersede, dict(zip(self.columns["returns"], state, strict=True)))
        self._insert("returns", state)
        self._insert("events", event)
        advance = "UPDATE bare.ledger SET last_event_sequence = last_event_sequence + 1, last_recorded_at = clock_timestamp() WHERE programme = %s"
        self.connection.execute(advance, (PROGRAMME,))
        self.connection.commit()
        return time.perf_counter() - begun

    def _statement(self, text: LiteralString, table: str) -> sql.Composed:
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in self.columns[table])
        return sql.SQL(text).format(sql.Identifier(table), columns)

    def _rows(self, table: str, condition: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in self.columns[table])
        query = sql.SQL("SELECT {} FROM public.{} WHERE programme = %s ").format(columns, sql.Identifier(table)) + sql.SQL(condition)
        return [tuple(map(_sendable, row)) for row in self.connection.execute(query, (PROGRAMME, *values))]

    def _insert(self, table: str, row: tuple[Any, ...]) -> None:
        values = sql.SQL(", ").join(sql.Placeholder() * len(row))
        self.connection.execute(
            self._statement("INSERT INTO bare.{} ({}) OVERRIDING SYSTEM VALUE VALUES (", table) + values + sql.SQL(")"), row
        )


def _sendable(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict | list) else value
