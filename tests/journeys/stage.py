"""A programme behind a real socket for a journey: its parties, each with a key and no more, on a clock that the journey moves."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import httpx
from typer.testing import CliRunner, Result

from app.access.actions import add_key, create_client, revoke_key
from app.access.keys import parse_key
from app.cli import over_http
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.demo.document import PROGRAMME
from app.kernel.actors import MACHINE
from tests.make import exact
from tests.support.databases import Database
from tests.support.sockets import listening

OWN: Final = f"/v1/programmes/{PROGRAMME}"
_LIFETIME: Final = timedelta(days=4_000)
"""A journey lasts for years."""


@dataclass(frozen=True)
class Party:
    """Somebody with a key, who calls the service. Paths are the programme's own, unless they begin with a slash, as links do."""

    key: str
    http: httpx.Client = field(repr=False)

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> httpx.Response:
        """The answer, which has this status."""
        said = {"Authorization": f"Bearer {self.key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        address = path if path.startswith("/") else f"{OWN}/{path}"
        answer = self.http.request(method, address, json=exact(body) if body is not None else None, headers=said)
        assert answer.status_code == status, f"{method} {address}: {answer.status_code} {answer.text}"
        return answer

    def get(self, path: str, *, status: int = 200) -> Any:
        return _read(self.call("GET", path, status=status))

    def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return _read(self.call("POST", path, body, status=status))


def _read(answer: httpx.Response) -> Any:
    return json.loads(answer.content, parse_float=Decimal)


@dataclass
class Stage:
    """Where a journey plays: the service's address, its clock, and the machine on which keys are made."""

    database: Database
    now: datetime
    address: str = ""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def party(self, role: str, **scope: str) -> Party:
        """Somebody new in this role."""
        with open_session(self.database.engine, INSTALLATION) as session:
            _, key = create_client(
                session, name=f"A {role}", role=role, programme=PROGRAMME, **scope, actor=MACHINE, now=self.now, lifetime=_LIFETIME
            )
            session.commit()
        return Party(key, self.http)

    def second_key(self, client: str) -> str:
        """A further key for a client, as its operator makes one: the first goes on."""
        with open_session(self.database.engine, INSTALLATION) as session:
            key = add_key(session, client, actor=MACHINE, now=self.now, lifetime=_LIFETIME)
            session.commit()
        return key

    def end_key(self, text: str) -> None:
        """Revoke one key of a client."""
        key = parse_key(text)
        assert key is not None
        with open_session(self.database.engine, INSTALLATION) as session:
            revoke_key(session, key.id, actor=MACHINE, now=self.now)
            session.commit()

    def shell(self, party: Party, *words: str) -> Result:
        """`mainstem …` at a terminal of this party."""
        variables = {"MAINSTEM_URL": self.address, "MAINSTEM_KEY": party.key, "COLUMNS": "400"}
        return CliRunner().invoke(over_http(), words, env=variables)


@contextlib.contextmanager
def staged(database: Database, document: dict[str, Any], *, at: datetime) -> Iterator[Stage]:
    """The programme of this document, in force since `at`, behind a real socket until the block ends."""
    stage = Stage(database, at)
    with listening(database, clock=lambda: stage.now) as address, httpx.Client(base_url=address, timeout=30) as http:
        stage.address, stage.http = address, http
        put = stage.party("administrator").call("PUT", f"{OWN}/configuration", document, status=201, If_None_Match="*")
        assert put.headers["ETag"]
        yield stage
