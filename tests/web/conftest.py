"""The application with the tests' own room in it, shared by the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.support.databases import Database
from tests.support.http import Web, serving
from tests.web.boats import create_boats, router


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    create_boats(module_database)
    with serving(module_database, routers=(router,)) as web:
        yield web


@pytest.fixture
def manager(web: Web) -> str:
    """The key of a contract manager of the programme `p`."""
    return web.key("contract_manager", programme="p")
