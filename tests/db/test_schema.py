"""Migrations on a real database, and everything that forbids the service to start on one."""

from app.db.schema import head, head_problem, start_problems
from tests.support.databases import Database


def test_a_migrated_database_is_fit_to_serve(database: Database) -> None:
    assert start_problems(database.engine) == []


def test_an_empty_database_names_the_command(empty_database: Database) -> None:
    assert head() is not None
    assert head_problem(empty_database.engine) == "The database has no tables yet: run `mainstem migrate`."
