"""The whole programme, applied over HTTP to a database of the test's own, at a clock that the test moves."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.access.actions import create_client
from app.calendar.expected import ReturnKey
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from tests.make import exact
from tests.returns.programme import PROGRAMME, RETURNS, address, whole_document
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.http import Web, serving


@dataclass
class Programme:
    """The programme as its parties call it."""

    web: Web
    clock: Clock
    database: Database

    def key(self, role: str, **scope: str) -> str:
        """The key of a client in this role, made at the test's own clock: nothing is recorded later than it says."""
        asked = (role, *scope.values())
        if asked not in self.web.keys:
            with open_session(self.database.engine, INSTALLATION) as session:
                made = create_client(session, name=f"Test {role}", role=role, programme=PROGRAMME, **scope, actor=MACHINE, now=self.clock())  # type: ignore[arg-type]  # the scope's members are named by the caller
                session.commit()
            self.web.keys[asked] = made[1]
        return self.web.keys[asked]

    def manager(self) -> str:
        return self.key("contract_manager")

    def preparer(self, subcontract: str) -> str:
        return self.key("preparer", subcontract=subcontract)

    def submit(self, key: ReturnKey, body: Any, *, by: str | None = None, query: str = "", **headers: str) -> httpx.Response:
        """POST a revision, as the subcontract's preparer unless told otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.post(f"{address(key)}/revisions{query}", body, key=by or self.preparer(key.subcontract), headers=named)

    def accept(self, key: ReturnKey, *, by: str | None = None, revision: int | None = None) -> httpx.Response:
        said = None if revision is None else {"revision": revision}
        return self.web.post(f"{address(key)}/acceptance", said, key=by or self.manager())

    def read(self, key: ReturnKey, *, by: str | None = None, query: str = "") -> httpx.Response:
        return self.web.get(f"{address(key)}{query}", key=by or self.manager())

    def listed(self, query: str = "", *, by: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.web.get(f"{RETURNS}{query}", key=by or self.manager()).json()["returns"]
        return found

    def rows(self) -> dict[str, int]:
        """How many rows each table holds, but for the record of what was refused."""
        with self.database.superuser_engine.connect() as connection:
            tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
            kept = dict.fromkeys(("events", "ledger"), "WHERE programme <> '*refused'")
            return {
                table: connection.execute(text(f'SELECT count(*) FROM "{table}" {kept.get(table, "")}')).scalar_one() for table in tables
            }

    def all(self, query: str) -> list[Any]:
        with self.database.superuser_engine.connect() as connection:
            return list(connection.execute(text(query)).all())

    def apply(self, document: dict[str, Any]) -> httpx.Response:
        """Bring another document into force."""
        address = f"/v1/programmes/{PROGRAMME}/configuration"
        tag = self.web.get(address, key=self.manager()).headers["ETag"]
        return self.web.put(address, exact(document), key=self.manager(), headers={"If-Match": tag})


@contextlib.contextmanager
def set_up(database: Database) -> Iterator[Programme]:
    """The whole programme on a database, served until the block ends."""
    clock = Clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    with serving(database, clock=clock) as web:
        programme = Programme(web, clock, database)
        address = f"/v1/programmes/{PROGRAMME}/configuration"
        made = web.put(address, exact(whole_document()), key=programme.manager(), headers={"If-None-Match": "*"})
        assert made.status_code == 201, made.text
        yield programme


@pytest.fixture
def programme(database: Database) -> Iterator[Programme]:
    with set_up(database) as programme:
        yield programme
