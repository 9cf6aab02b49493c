"""Real servers to measure: an embedded PostgreSQL of the run's own, the service on it, and the straightforward one beside it."""

import contextlib
import hashlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.access.actions import create_client
from app.configuration.actions import apply_configuration
from app.db.embedded import ServerUrls, running
from app.db.engine import driver_url, make_engine
from app.db.roles import create_database
from app.db.schema import migrate
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import EVERY, MACHINE
from app.settings import Settings
from tests.bench import payload, straightforward
from tests.support.databases import urls_of

_STRAIGHTFORWARD: Final = "straightforward"
_STARTS_SECONDS: Final = 60
_STOPS_SECONDS: Final = 30
# A hundred months that nobody asked for before are worked out at once, on a machine that does other things.
_ANSWERS_SECONDS: Final = 600


@dataclass
class Service:
    """A service that listens, and a connection to it that stays open."""

    port: int
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWERS_SECONDS)

    def post(self, path: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> float:
        """Seconds until the whole answer was there; anything but 201 ends the run."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._ask("POST", path, body, sent, http.HTTPStatus.CREATED)

    def get(self, path: str) -> float:
        """Seconds until the whole answer was there; anything but 200 ends the run."""
        return self._ask("GET", path, None, {}, http.HTTPStatus.OK)

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], expected: int) -> float:
        begun = time.perf_counter()
        self.connection.request(method, path, body, {"Authorization": f"Bearer {self.key}", **headers})
        answer = self.connection.getresponse()
        content = answer.read()
        taken = time.perf_counter() - begun
        if answer.status != expected:
            raise SystemExit(f"{method} {path} answered {answer.status}: {content[:2000]!r}")
        return taken


@contextlib.contextmanager
def database(folder: Path) -> Iterator[ServerUrls]:
    """A migrated database with the bench's programmes in it."""
    settings = Settings(data=folder)
    with running(settings) as urls:
        migrate(urls.owner, application_url=urls.application)
        engine = make_engine(urls.application, settings)
        for programme in (payload.PROGRAMME, payload.MANY):
            with open_session(engine, Tenant(programme=programme, subcontract=EVERY, commissioner=EVERY, client=EVERY)) as session:
                document, now = payload.document(programme), datetime.now(UTC)
                apply_configuration(session, programme, document, actor=MACHINE, now=now, expect=lambda digest: None)
                session.commit()
        engine.dispose()
        yield urls


@contextlib.contextmanager
def mainstem(folder: Path) -> Iterator[int]:
    """The service as it is run, on this port."""
    with serving(folder) as (port, _):
        yield port


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """The same, with the id of its process."""
    port = _free_port()
    command = [str(Path(sys.executable).with_name("mainstem")), "serve", "--port", str(port)]
    with process(command, {"MAINSTEM_DATA": str(folder)}, port, ready="/readyz", log=folder / "service.log") as pid:
        yield port, pid


def client_of(port: int, folder: Path, urls: ServerUrls, programme: str, subcontract: str | None) -> Service:
    """The service to a new client of a subcontract's own, or of the integrator's."""
    engine = make_engine(urls.application, Settings(data=folder))
    with open_session(engine, INSTALLATION) as session:
        now = datetime.now(UTC)
        role = "contract_manager" if subcontract is None else "preparer"
        _, key = create_client(session, name="bench", role=role, programme=programme, subcontract=subcontract, actor=MACHINE, now=now)
        session.commit()
    engine.dispose()
    return Service(port, key)


@contextlib.contextmanager
def straightforward_service(folder: Path, urls: ServerUrls) -> Iterator[Service]:
    """The straightforward service on a database of its own in the same PostgreSQL."""
    superuser = str(urls.superuser)
    with psycopg.connect(superuser, autocommit=True) as connection:
        create_database(connection, _STRAIGHTFORWARD, template="template0")
    url = driver_url(str(urls_of(urls, _STRAIGHTFORWARD).superuser)).render_as_string(hide_password=False)
    engine = create_engine(url)
    straightforward.Base.metadata.create_all(engine)
    key = "straightforward-key"
    with Session(engine) as session:
        session.add(straightforward.ApiKey(sha256=hashlib.sha256(key.encode()).hexdigest(), client="bench"))
        session.add_all(straightforward.Code(kind=kind, code=code) for kind, code in payload.codes())
        session.commit()
    engine.dispose()
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "tests.bench.straightforward:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--no-access-log",
    ]
    with process(command, {"BENCH_DATABASE_URL": url}, port, ready="/livez", log=folder / "straightforward.log"):
        yield Service(port, key)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def process(command: list[str], settings: dict[str, str], port: int, *, ready: str, log: Path) -> Iterator[int]:
    """A process that is ready to answer; its id."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTEM_")}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**own, **settings}, stdout=output, stderr=output)
    try:
        if not _is_ready(process, port, ready):
            raise SystemExit(f"{log.stem} did not become ready: {log.read_text()[-4000:]}")
        yield process.pid
    finally:
        process.terminate()
        process.wait(_STOPS_SECONDS)


def _is_ready(process: subprocess.Popen[bytes], port: int, path: str) -> bool:
    give_up = time.monotonic() + _STARTS_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", path)
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        time.sleep(0.05)
    return False
