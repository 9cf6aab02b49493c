"""Everybody is answered what is theirs and nothing else (A1, in short: every operation, and each time other callers and objects)."""

from collections.abc import Iterator

import pytest

from tests.safety.fuzzing import fuzz_in_short
from tests.safety.matrix import EXPECTED, Matrix, differing, matrix_of, operations, some
from tests.safety.unfiltered import let_through
from tests.safety.world import world_of
from tests.support.databases import Database


@pytest.fixture(scope="module")
def matrix(module_database: Database) -> Iterator[Matrix]:
    with world_of(module_database) as world, matrix_of(world) as matrix:
        yield matrix


def test_every_operation_is_in_the_table_and_nothing_else() -> None:
    named = {operation.name for operation in operations()}
    assert named - EXPECTED.keys() == set(), "an operation joins tests/safety/expected.txt; how, tests/safety/matrix.py says"
    assert EXPECTED.keys() - named == set()


def test_everybody_is_answered_as_expected(matrix: Matrix) -> None:
    asked = list(some(matrix, each=1))
    assert {request.operation.name for request in asked} == EXPECTED.keys()
    assert not [fault for request in asked for fault in differing(matrix, request)]
    assert not matrix.world.told_in_logs()


def test_walls_alone_let_nothing_through(matrix: Matrix) -> None:
    assert not list(let_through(matrix, every=27))


def test_what_the_contract_allows_is_answered_as_it_says(matrix: Matrix) -> None:
    """A4 in short; the rest of its phases, with a served programme, are `make safety`'s."""
    assert not fuzz_in_short(matrix.world, cases=100)
    assert not matrix.world.told_in_logs()
