"""A whole installation for a journey: its own data folder, its own server process on a free port, and keys made on the machine itself."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from app.access.actions import create_client
from app.db.embedded import running
from app.db.engine import make_engine
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.settings import PREFIX, Settings
from tests.support import commands

MAINSTEM: Final = Path(sys.executable).parent / "mainstem"
STARTS_IN_SECONDS: Final = 60
STOPS_IN_SECONDS: Final = 30


@dataclass(frozen=True)
class Installation:
    """A service that answers at `url`, and the machine that it runs on."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    def run(self, *arguments: str) -> str:
        """What `mainstem …` prints on this machine."""
        return run_command(self.data, *arguments)

    def create_client(self, name: str, role: str, **scope: str) -> str:
        """The key of a new client, by the command."""
        options = [word for option, value in scope.items() for word in (f"--{option}", value)]
        answer: dict[str, str] = json.loads(self.run("client", "create", name, "--role", role, *options, "--json"))
        return answer["key"]

    def create_preparers(self, programme: str, subcontracts: list[str]) -> Mapping[str, str]:
        """A key for each subcontract, by the command's own action: a command each would take a second each."""
        settings = Settings(data=self.data, database_url=None, owner_database_url=None)
        keys = {}
        with running(settings) as urls:
            engine = make_engine(urls.application, settings)
            with open_session(engine, INSTALLATION) as session:
                for subcontract in subcontracts:
                    _, keys[subcontract] = create_client(
                        session,
                        name=f"{subcontract}'s information system",
                        role="preparer",
                        programme=programme,
                        subcontract=subcontract,
                        actor=MACHINE,
                        now=datetime.now(UTC),
                    )
                    session.commit()
            engine.dispose()
        return keys

    def caller(self, key: str) -> "Caller":
        return Caller(httpx.Client(base_url=self.url, timeout=120, headers={"Authorization": f"Bearer {key}"}))


@dataclass(frozen=True)
class Caller:
    """Someone with a key, over HTTP."""

    http: httpx.Client

    def get(self, path: str, **query: str) -> httpx.Response:
        return _answered(self.http.get(path, params=query), 200)

    def put_new(self, path: str, body: Any) -> httpx.Response:
        return _answered(self.http.put(path, json=body, headers={"If-None-Match": "*"}), 201)

    def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        """POST something new, with another's key where one is given."""
        headers = {"Authorization": f"Bearer {key}"} if key else None
        return _answered(self.http.post(path, json=body, headers=headers), 201)


def _answered(response: httpx.Response, status: int) -> httpx.Response:
    request = response.request
    assert response.status_code == status, f"{request.method} {request.url} answered {response.status_code}: {response.text[:2000]}"
    return response


@contextlib.contextmanager
def installation(folder: Path, *, told: Callable[[str], None] = lambda _: None) -> Iterator[Installation]:
    """A migrated, empty installation that serves until the block ends."""
    data, log = folder / "data", folder / "server.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told("starting PostgreSQL and migrating")
    run_command(data, "migrate")
    told("starting the service")
    command = [str(MAINSTEM), "serve", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, env=environment(data), stdout=output, stderr=output) as process:
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
            yield Installation(url=f"http://127.0.0.1:{port}", data=data, process=process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOPS_IN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def environment(data: Path) -> dict[str, str]:
    """This process's environment without its Mainstem settings, and with a data folder of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | {f"{PREFIX}DATA": str(data)}


def run_command(data: Path, *arguments: str) -> str:
    """What `mainstem …` prints for an installation; an error with what it said where it fails."""
    ended = commands.run(list(arguments), environment(data))
    assert ended.returncode == 0, f"mainstem {arguments[0]} ended with {ended.returncode}: {ended.stderr or ended.stdout}"
    return ended.stdout


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTS_IN_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"the service did not become ready:\n{log.read_text()[-4000:]}")
