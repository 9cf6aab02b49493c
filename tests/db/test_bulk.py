"""Rows by the thousand: whatever a column holds comes back as it was."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, Numeric, Table, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.bulk import insert_columns, insert_rows
from app.db.rows import MonthType
from app.kernel.months import Month
from tests.support.databases import Database

HOSTILE = ['"', "\\", "{}", "NULL", "null", "", " ", ",", 'a"b\\c', "\n\t", "é€😀", "'; DROP TABLE heap; --", "(1,2)"]
MOMENT = datetime(2026, 10, 1, 12, 30, 0, 1, tzinfo=UTC)

heap = Table(
    "heap",
    MetaData(),
    Column("number", Integer, nullable=False),
    Column("word", Text),
    Column("figure", Numeric),
    Column("flag", Boolean),
    Column("month", MonthType()),
    Column("moment", DateTime(timezone=True)),
    Column("value", JSONB),
)


def row(number: int, **values: Any) -> dict[str, Any]:
    plain = {
        "word": "plain",
        "figure": Decimal("1.5"),
        "flag": True,
        "month": Month.parse("2026-10"),
        "moment": MOMENT,
        "value": {"a": [1]},
    }
    return {"number": number, **plain, **values}


CASES = {
    "one row": [row(0)],
    "rows that differ in nothing but their number": [row(number) for number in range(3)],
    "rows that differ in everything": [
        row(number, word=word, figure=Decimal(number) / 2, flag=number % 2 == 0, month=Month(24_000 + number), value={"word": word})
        for number, word in enumerate(HOSTILE)
    ],
    "the same hostile word throughout": [row(number, word='"\\{}') for number in range(2)],
    "nothing at all": [row(number, word=None, figure=None, flag=None, month=None, moment=None) for number in range(2)],
    "something here and nothing there": [
        row(0, word=None, figure=None, flag=None, month=None, moment=None),
        row(1),
        row(2, word="NULL", moment=None),
    ],
    "figures that are equal and not the same": [row(0, figure=Decimal("1.00")), row(1, figure=Decimal(1)), row(2, figure=Decimal("1E+2"))],
}


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES)
def test_rows_come_back_as_they_were(module_database: Database, rows: list[dict[str, Any]]) -> None:
    with Session(module_database.superuser_engine) as session:
        heap.create(session.connection())
        insert_rows(session, heap, rows)
        found = [dict(each) for each in session.execute(select(heap).order_by(heap.c.number)).mappings()]
    assert found == rows
    assert [str(each["figure"]) for each in found] == ["100" if str(each["figure"]) == "1E+2" else str(each["figure"]) for each in rows]


def test_no_rows_are_no_statement(database: Database) -> None:
    with Session(database.superuser_engine) as session:
        insert_columns(session, heap, {"number": [], "word": []})
        insert_rows(session, heap, [])
