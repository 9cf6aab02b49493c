"""Rows of reports as CSV (RFC 4180): one flat table under the rows' own keys, for programs to read as they would the JSON.

A null is empty, a number exact and never taken for text. No mark opens the file: a program would take it for a part of the first name; people have the
workbook.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from app.reports.members import MEMBERS
from app.returns.template import tame

CSV_TYPE: Final = "text/csv; charset=utf-8; header=present"
_ROWS_AT_ONCE: Final = 500

_tamed = lru_cache(maxsize=4096)(tame)


def csv_of(report: Mapping[str, Any]) -> bytes:
    """A report, live or published, as one table, under the keys that its own rows have."""
    rows: Sequence[Mapping[str, Any]] = report["observations"]
    return b"".join(csv_parts(rows, columns=columns_of(rows)))


def columns_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The keys of rows in the order of the contract: canonical JSON sorts them by their letters."""
    own = rows[0] if rows else MEMBERS
    return (*(name for name in MEMBERS if name in own), *(name for name in own if name not in MEMBERS))


def csv_parts(rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str] = tuple(MEMBERS)) -> Iterator[bytes]:
    """The same part by part, however many rows there are; what a row has no key for is empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(columns)
    for number, row in enumerate(rows, start=1):
        table.writerow([_written(row.get(column)) for column in columns])
        if number % _ROWS_AT_ONCE == 0:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken


def _written(value: str | int | Decimal | None) -> str:
    """Only texts are made harmless: a number below zero is no formula."""
    if isinstance(value, str):
        return _tamed(value)
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)
