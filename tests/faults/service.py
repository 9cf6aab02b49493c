"""The service that is killed and started again, on an embedded PostgreSQL that is killed too."""

import contextlib
import http.client
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg

from app.access.actions import create_client
from app.configuration.actions import apply_configuration
from app.db.embedded import ServerUrls, running
from app.db.engine import make_engine
from app.db.roles import DATABASE
from app.db.schema import migrate
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import EVERY, MACHINE
from app.settings import Settings
from tests.faults import load
from tests.faults.launcher import Order, Victim, postmaster
from tests.support.databases import urls_of
from tests.support.server import environment

Found = TypeVar("Found")
_READY_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.02


class Service:
    """One life after another of the service."""

    def __init__(self, data: Path) -> None:
        self.port = 0
        """Where the present life listens."""
        self.plant: str | None = None
        """The fault that the next life has."""
        self._life = 0
        self._log = (data.parent / "service.log").open("ab")
        command = [sys.executable, "-m", "tests.faults.launcher"]
        pipe, root = subprocess.PIPE, Path(__file__).parents[2]
        self._launcher = subprocess.Popen(command, cwd=root, env=environment(data), stdin=pipe, stdout=pipe, stderr=self._log, bufsize=0)

    def start(self) -> None:
        """Begin a life, and wait until it is ready."""
        for _ in range(3):
            port = _free_port()
            self._say("begin", port=port, plant=self.plant)
            self._life = int(self._told(within_seconds=_READY_SECONDS))
            if _is_ready(port):
                self.port = port
                return
            self.kill()
            self.died()
        raise SystemExit(f"the service did not become ready: {Path(self._log.name).read_text()[-4000:]}")

    def kill(self) -> None:
        os.kill(self._life, signal.SIGKILL)

    def obeys(self, order: Order, *, within_seconds: float) -> bool:
        """Have the service carry out an order when it is time; whether that came."""
        self._say("kill", **asdict(order))
        return self._told(within_seconds=within_seconds) == order.victim

    def died(self) -> bool:
        """Whether the present life ended by a kill, now that it is over."""
        self._say("wait")
        return self._told(within_seconds=_READY_SECONDS) == str(-signal.SIGKILL)

    def defects(self) -> list[str]:
        """What its log says of defects: where they were, not what was sent."""
        return [line for line in Path(self._log.name).read_text().splitlines() if '"event": "defect"' in line]

    def close(self) -> None:
        self._launcher.communicate(timeout=_READY_SECONDS)
        self._log.close()

    def _say(self, do: str, **said: Any) -> None:
        assert self._launcher.stdin is not None
        self._launcher.stdin.write(json.dumps({"do": do, **said}).encode() + b"\n")

    def _told(self, *, within_seconds: float) -> str:
        """The launcher's next line; nothing where it is not there in time."""
        assert self._launcher.stdout is not None
        ready, _, _ = select.select([self._launcher.stdout], [], [], within_seconds)
        return self._launcher.stdout.readline().decode().strip() if ready else ""


class Installation:
    """A data folder with a PostgreSQL of its own, a programme, a key for each subcontract, and the service on it."""

    def __init__(self, data: Path, urls: ServerUrls, service: Service) -> None:
        self.data = data
        self.service = service
        self._superuser = str(urls_of(urls, DATABASE).superuser)
        self.keys: dict[str, str] = {}

    def look(self, look: Callable[[psycopg.Connection[Any]], Found]) -> Found:
        """What an administrator finds; looks again where PostgreSQL goes away, for it comes back."""
        until = time.monotonic() + _READY_SECONDS
        while True:
            try:
                with psycopg.connect(self._superuser, autocommit=True) as connection:
                    return look(connection)
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(_POLL_SECONDS)

    def kill(self, victim: Victim, chance: random.Random) -> bool:
        """Kill the postmaster, or any of the service's backends; False where there is none just now."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'mainstem' ORDER BY pid"
        backends = [row[0] for row in self.look(lambda connection: connection.execute(query).fetchall())]
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, IndexError):
            os.kill(postmaster(self.data) if victim == "postmaster" else chance.choice(backends), signal.SIGKILL)
            return True
        return False


@contextlib.contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    """An installation in a folder, until the block ends; this process is a user of its PostgreSQL too, so it outlives the service."""
    data = folder / "data"
    settings = Settings(data=data, database_url=None, owner_database_url=None)
    with contextlib.closing(Service(data)) as service, running(settings) as urls:
        migrate(urls.owner, application_url=urls.application)
        made = Installation(data, urls, service)
        engine = make_engine(urls.application, settings)
        programme = Tenant(programme=load.PROGRAMME, subcontract=EVERY, commissioner=EVERY, client=EVERY)
        now = datetime.now(UTC)
        with open_session(engine, programme) as session:
            apply_configuration(session, load.PROGRAMME, load.document(), actor=MACHINE, now=now, expect=lambda _digest: None)
            session.commit()
        for reference in load.SUBCONTRACTS:
            with open_session(engine, INSTALLATION) as session:
                who = {"name": "faults", "role": "preparer", "programme": load.PROGRAMME, "subcontract": reference}
                _, made.keys[reference] = create_client(session, **who, actor=MACHINE, now=now)  # type: ignore[arg-type]  # the members of `who` are a client's own
                session.commit()
        engine.dispose()
        yield made


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(port: int) -> bool:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        time.sleep(_POLL_SECONDS)
    return False
