"""The real application in this process, on a real database, called as its clients would, with a key for any role."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import APIRouter, FastAPI

from app.access.actions import create_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.main import create_app, lifespan
from tests.support.databases import Database
from tests.support.in_process import InProcess
from tests.support.schemas import faults_of

BASE_URL: Final = "http://mainstem.test"


@dataclass
class Web:
    """A started application. `key(role, …)` makes a client; `get`, `post`, `put` and `request` call, as the holder of `key` if one is given.

    Every report that it answers is held against the published schema.
    """

    app: FastAPI
    database: Database
    portal: BlockingPortal
    transport: InProcess
    client: httpx.AsyncClient
    clock: Callable[[], datetime]
    keys: dict[tuple[str, ...], str] = field(default_factory=dict)

    def key(self, role: str, *, programme: str | None = None, subcontract: str | None = None, commissioner: str | None = None) -> str:
        """The key of a client in this role and scope; the same one each time."""
        asked = (role, programme or "", subcontract or "", commissioner or "")
        if asked not in self.keys:
            self.keys[asked] = self.new_client(role, programme=programme, subcontract=subcontract, commissioner=commissioner)[1]
        return self.keys[asked]

    def new_client(self, role: str, **scope: str | None) -> tuple[str, str]:
        """The id and key of a client nobody else has, made before all that happens at the application's clock."""
        now = self.clock() - timedelta(minutes=1)
        with open_session(self.database.engine, INSTALLATION) as session:
            made = create_client(session, name=f"Test {role}", role=role, **scope, actor=MACHINE, now=now)  # type: ignore[arg-type]  # the scope's members are named by the caller
            session.commit()
        return made

    def request(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        said = dict(headers or {})
        if key is not None:
            said.setdefault("Authorization", f"Bearer {key}")
        if content is not None:
            said.setdefault("Content-Type", "application/json")

        headers_sent = self.client.headers.copy()
        headers_sent.update(said)
        # The client itself would keep cookies, follow redirects and join addresses, for longer than most answers take.
        sent = httpx.Request(method, f"{BASE_URL}{path}", json=json, content=content, headers=headers_sent)
        answer = self.portal.call(self.transport.handle_async_request, sent)
        answer.read()
        if b'"observations":[' in answer.content and b'"report":{' in answer.content and path != "/openapi.json":
            assert not (wrong := faults_of(answer.content)), wrong
        return answer

    def get(self, path: str, *, key: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, key=key, headers=headers)

    def post(self, path: str, json: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("POST", path, key=key, json=json, headers=headers)

    def put(self, path: str, json: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("PUT", path, key=key, json=json, headers=headers)


@contextlib.contextmanager
def serving(
    database: Database, *, routers: tuple[APIRouter, ...] = (), clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Web]:
    """The application on a test's database until the block ends; `routers` are a test's own endpoints."""
    with _application(database, routers, clock) as app, start_blocking_portal() as portal:
        living = lifespan(database.settings, clock)(app)
        with portal.wrap_async_context_manager(living):
            transport = InProcess(app)
            client = httpx.AsyncClient(transport=transport, base_url=BASE_URL)
            with portal.wrap_async_context_manager(client):
                yield Web(app, database, portal, transport, client, clock)


_IDLE: Final[list[FastAPI]] = []
"""Applications whose lives are over: with the first request of a new one, its routes are worked out for longer than most tests take."""


@contextlib.contextmanager
def _application(database: Database, routers: tuple[APIRouter, ...], clock: Callable[[], datetime]) -> Iterator[FastAPI]:
    app = _IDLE.pop() if _IDLE and not routers else create_app(database.settings, clock=clock)
    for router in routers:
        app.include_router(router)
    yield app
    if not routers and not app.state.in_flight.draining:
        _IDLE.append(app)
