"""The application with the tests' own room in it, shared by the tests of a module."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.support.databases import Database
from tests.support.http import Web, serving
from tests.web.boats import TABLE, router


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with module_database.owner_engine.begin() as connection:
        connection.execute(text("SET ROLE mainstem_owner"))
        connection.exec_driver_sql(TABLE)
    with serving(module_database, routers=(router,)) as web:
        yield web


@pytest.fixture
def manager(web: Web) -> str:
    """The key of a contract manager of the programme `p`."""
    return web.key("contract_manager", programme="p")
