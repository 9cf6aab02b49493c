"""Every table of the migrated database keeps the rules: pairs, states, keys, zones, walls (rules 4, 7, 8 and 10)."""

import importlib
import re
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest

from app.calendar.domain import Collection
from app.db.rows import metadata
from app.kernel.lines import Line
from app.measures.domain import Measure
from app.organisations.domain import Organisation
from app.pathways.domain import Pathway, Segment
from app.programmes.domain import Phase, Programme, Requirement, Site
from app.subcontracts.domain import Subcontract
from tests.house.schema import NO_ACT, OF_CLIENTS, OF_THE_INSTALLATION, TableAsMigrated, faults_of, tables_of
from tests.house.tree import sources
from tests.support.databases import Database

BESIDE_THE_ROOMS = {"alembic_version"}


@pytest.fixture
def tables(database: Database) -> list[TableAsMigrated]:
    with database.owner_engine.connect() as connection:
        return tables_of(connection)


def test_every_table_keeps_the_rules(tables: list[TableAsMigrated]) -> None:
    assert len(tables) > 10
    assert not [fault for table in tables for fault in faults_of(table)]


def test_the_exceptions_are_still_there(tables: list[TableAsMigrated]) -> None:
    """An exception that nothing needs any more is taken back."""
    assert {table.name for table in tables} >= OF_THE_INSTALLATION | OF_CLIENTS
    assert {f"{table.name}.{column.name}" for table in tables for column in table.columns} >= set(NO_ACT)


def test_the_tables_that_stores_declare_are_the_migrated_ones(tables: list[TableAsMigrated]) -> None:
    for source in sources("app"):
        importlib.import_module(source.module)
    declared = {
        name: {column.name: column.nullable for column in table.columns if column.computed is None}
        for name, table in metadata.tables.items()
    }
    migrated = {table.name: {column.name: column.nullable for column in table.columns if not column.generated} for table in tables}
    assert declared == {name: columns for name, columns in migrated.items() if name not in BESIDE_THE_ROOMS}


def words_of(annotation: Any) -> frozenset[str]:
    """The words of a member that is one of some words; none of any other."""
    parts = get_args(annotation)
    if get_origin(annotation) is Literal:
        return frozenset(parts)
    return frozenset[str]().union(*map(words_of, parts)) if get_origin(annotation) in {Union, UnionType} else frozenset()


def test_a_member_that_is_one_of_some_words_is_so_in_the_database_too(tables: list[TableAsMigrated]) -> None:
    lines: dict[str, type[Line]] = {
        "collections": Collection, "measures": Measure, "organisations": Organisation, "pathways": Pathway, "phases": Phase,
        "programmes": Programme, "requirements": Requirement, "segments": Segment, "sites": Site, "subcontracts": Subcontract,
    }  # fmt: skip
    checks = {table.name: table.checks for table in tables}
    stated = {
        (table, name): words
        for table, line in lines.items()
        for name, field in line.model_fields.items()
        if (words := words_of(field.annotation))
    }
    assert len(stated) > 12
    for (table, column), words in stated.items():
        listed = [frozenset(re.findall(r"'(\w+)'", check)) for check in checks[table] if re.search(rf"\(\({column} = ANY", check)]
        assert listed == [words], f"{table}.{column}"


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ("seen_at timestamptz NOT NULL", "planted.seen_at has no seen_by"),
        ("seen_by text NOT NULL", "planted.seen_by has no seen_at"),
        ("seen_at timestamptz, seen_by text", "planted: no CHECK holds seen_at and seen_by together"),
        ("state text NOT NULL", "planted.state: no CHECK lists its states"),
        ("code text UNIQUE", "planted: the unique key (code) does not start with the programme"),
        ("code text, UNIQUE (programme, code)", 'planted.code: a text in a key is COLLATE "C"'),
        ("other text REFERENCES other (code)", "planted: the foreign key (other) does not start with the programme"),
        ("due timestamp", "planted.due: a moment carries a zone"),
        ("share double precision", "planted.share: double precision is not exact"),
        ("percentage numeric", "planted.percentage: a ratio is computed, never stored"),
    ],
)
def test_a_table_that_breaks_a_rule_is_noticed(module_database: Database, columns: str, fault: str) -> None:
    wall = "ALTER TABLE planted ENABLE ROW LEVEL SECURITY; ALTER TABLE planted FORCE ROW LEVEL SECURITY; CREATE POLICY planted ON planted"
    planted = f'CREATE TABLE planted (programme text COLLATE "C", {columns}); {wall}'
    with module_database.superuser_engine.connect() as connection:
        connection.exec_driver_sql('CREATE TABLE other (code text COLLATE "C" PRIMARY KEY)')
        connection.exec_driver_sql(planted)
        (table,) = (table for table in tables_of(connection) if table.name == "planted")
    assert fault in faults_of(table)


@pytest.mark.parametrize("undone", ["NO FORCE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"])
def test_a_wall_that_is_down_is_noticed(module_database: Database, undone: str) -> None:
    with module_database.superuser_engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER TABLE subcontracts {undone}")
        (table,) = (table for table in tables_of(connection) if table.name == "subcontracts")
    assert faults_of(table) == ["subcontracts: row-level security is not enabled, forced and given a policy"]
