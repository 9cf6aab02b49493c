"""Columns and metadata that every room's tables are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    text,
)

from app.kernel.months import Month

metadata: Final = MetaData()

SHARED_TABLES: Final = frozenset({"organisations", "successions", "calendar_days", "signing_keys"})
"""Tables that belong to nobody in particular; every other one has forced row-level security."""


class MonthType(TypeDecorator[Month]):
    """A month as its ordinal: ranges of integers need no extension."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Month | None, dialect: Dialect) -> int | None:
        return None if value is None else value.ordinal

    def process_result_value(self, value: int | None, dialect: Dialect) -> Month | None:
        return None if value is None else Month(value)


def code_column(name: str, *, nullable: bool = False) -> Column[str]:
    """A code: compared and ordered by its bytes, so that order never depends on the machine."""
    return Column(name, Text(collation="C"), nullable=nullable)


def month_column(name: str, *, nullable: bool = False) -> Column[Month]:
    return Column(name, MonthType(), nullable=nullable)


def moment_column(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


@dataclass(frozen=True, slots=True)
class FactTable:
    """A table of versioned facts: what identifies a fact, and what it says."""

    table: Table
    key: tuple[str, ...]
    content: tuple[str, ...]

    @property
    def of_programme(self) -> bool:
        return "programme" in self.table.c


def fact_table(name: str, *, key: Sequence[Column[Any]], content: Sequence[Column[Any]], of_programme: bool = True) -> FactTable:
    """Declare a table whose rows are added and closed, never changed.

    A row is current from `recorded_at` until `closed_at`; of one key at most one row is open.
    """
    owner = [code_column("programme")] if of_programme else []
    names = [column.name for column in (*owner, *key)]
    table = Table(
        name,
        metadata,
        *owner,
        *key,
        *content,
        moment_column("recorded_at"),
        code_column("recorded_by"),
        moment_column("closed_at", nullable=True),
        code_column("closed_by", nullable=True),
        PrimaryKeyConstraint(*names, "recorded_at"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name=f"{name}_closed_pair"),
        CheckConstraint("closed_at > recorded_at", name=f"{name}_closed_later"),
    )
    Index(f"{name}_open", *names, unique=True, postgresql_where=text("closed_at IS NULL"), _table=table)
    return FactTable(table, tuple(column.name for column in key), tuple(column.name for column in content))
