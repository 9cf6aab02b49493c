"""The walls of the database hold by themselves, and whoever took one down would be noticed (A2, in short)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.safety.walls import OWNERS, Table, breaches, fill, mutations, on, unnoticed, walled
from tests.support.databases import Database, server_on_version_15
from tests.support.postgres15 import IS_THERE


@pytest.fixture(scope="module")
def filled(module_database: Database) -> Iterator[tuple[Connection, list[Table]]]:
    """Every table with rows of everybody's; all of it is rolled back."""
    with module_database.superuser_engine.connect() as connection:
        assert set(walled(connection)) == OWNERS.keys(), (
            "a table that belongs to somebody is in OWNERS of tests/safety/walls.py, and nothing else"
        )
        yield connection, fill(connection)
        connection.rollback()


def test_everybody_sees_and_writes_their_own_and_nothing_else(filled: tuple[Connection, list[Table]]) -> None:
    connection, tables = filled
    assert not [breach for table in tables for breach in breaches(connection, table)]


def test_a_policy_that_is_dropped_or_loosened_is_noticed(filled: tuple[Connection, list[Table]]) -> None:
    connection, tables = filled
    assert len(list(mutations(connection))) > 100
    assert not list(unnoticed(connection, tables))


@pytest.mark.skipif(not IS_THERE, reason="the programs of PostgreSQL 15 are not on this machine")
def test_they_hold_on_version_15_too(tmp_path: Path) -> None:
    with server_on_version_15(tmp_path) as server:
        assert not on(server)
