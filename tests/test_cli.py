"""Operators' commands as programs: what they print, where, and how they end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from app.cli.operators import listening
from app.db.embedded import running
from app.db.schema import migrate
from app.settings import Settings
from tests.support import commands
from tests.support.databases import Database

ROOT = Path(__file__).parents[1]
MAINSTEM = [sys.executable, "-W", "error", "-c", "from app.cli import main; main()"]
READY_SECONDS = 20
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(changed: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTEM_")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), "COLUMNS": "300", **changed}


def mainstem(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return commands.run(list(arguments), environment(changed))


def at(database: Database) -> dict[str, str]:
    return {"MAINSTEM_DATABASE_URL": database.urls.application, "MAINSTEM_OWNER_DATABASE_URL": database.urls.owner}


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed as it should has said: one line on standard error, besides what it was doing."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("…")]
    assert len(said) == 1, said
    return said[0]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a migrated embedded installation whose server runs already."""
    data = tmp_path_factory.mktemp("installation") / "data"
    with running(Settings(data=data)) as urls:
        migrate(urls.owner)
        yield {"MAINSTEM_DATA": str(data)}


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a migrated installation that nobody uses."""
    data = tmp_path_factory.mktemp("idle") / "data"
    with running(Settings(data=data)) as urls:
        migrate(urls.owner)
    return data


class Serving:
    """`mainstem serve` as a process, up to its answer on /readyz."""

    def __init__(self, *arguments: str, **changed: str) -> None:
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [*MAINSTEM, "serve", *arguments], env=environment(changed), stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stderr is not None
        lines = iter(self.process.stderr.readline, "")
        self.url = next(line for line in lines if "serving on http" in line).split()[-1]
        while time.monotonic() - begun < READY_SECONDS and not self.ready():
            time.sleep(0.02)

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=READY_SECONDS).status_code == 200
        except httpx.TransportError:
            return False

    def end(self, number: signal.Signals) -> int:
        os.killpg(self.process.pid, number)
        self.process.communicate(timeout=30)
        return self.process.returncode


# Settings.


def test_every_setting_is_listed_with_its_reason_and_no_secret() -> None:
    done = mainstem("settings", MAINSTEM_DATABASE_URL="postgresql://role:hidden-word@host/database")
    assert done.returncode == 0
    for name, field in Settings.model_fields.items():
        assert f"MAINSTEM_{name.upper()}" in done.stdout
        assert str(field.description) in done.stdout
    assert "hidden-word" not in done.stdout


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MAINSTEM_POOL_SIZE", "many", "MAINSTEM_POOL_SIZE"),
        ("MAINSTEM_POOL_SIZE", "3", "MAINSTEM_REQUEST_THREADS must not be above MAINSTEM_POOL_SIZE"),
        ("MAINSTEM_DATABASE_URL", "mysql://hidden-word@host/database", "MAINSTEM_DATABASE_URL: must be a PostgreSQL address"),
        ("MAINSTEM_DATABASE_URL", "postgresql://role:hidden-word@host:port/database", "cannot be read"),
        ("MAINSTEM_OWNER_DATABASE_URL", "postgresql://role:hidden-word@host/database", "name both, or neither"),
        ("MAINSTEM_LOG_LEVEL", "loud", "MAINSTEM_LOG_LEVEL"),
    ],
)
@pytest.mark.parametrize("command", ["serve --port 0", "migrate"])
def test_a_wrong_setting_is_one_sentence(command: str, variable: str, value: str, said: str) -> None:
    done = mainstem(*command.split(), **{variable: value})
    assert said in sentence(done)
    assert "hidden-word" not in done.stderr


@pytest.mark.parametrize("name", ["x.example; return 301 https://y.example", "two names", "x.example}"])
def test_a_name_says_nothing_else_in_a_configuration_of_nginx(name: str) -> None:
    done = mainstem("nginx-conf", name, "--certificate", "certificate.pem", "--key", "key.pem")
    assert (sentence(done).endswith("without blanks or signs: name."), done.stdout) == (True, "")
    assert "server_name mainstem.example;" in mainstem("nginx-conf", "mainstem.example", "--certificate", "c.pem", "--key", "k.pem").stdout


# Migrating and finding out what is wrong.


def test_an_installation_is_migrated_and_then_nothing_is_wrong(empty_database: Database) -> None:
    before = mainstem("doctor", **at(empty_database))
    assert (before.returncode, before.stdout) == (1, "The database has no tables yet: run `mainstem migrate`.\n")
    for _ in range(2):
        assert mainstem("migrate", **at(empty_database)).returncode == 0
    after = mainstem("doctor", **at(empty_database))
    assert (after.returncode, after.stdout[:17]) == (0, "Nothing is wrong:")


def test_doctor_names_a_misspelt_setting_beside_the_rest(empty_database: Database) -> None:
    done = mainstem("doctor", MAINSTEM_POOLSIZE="3", **at(empty_database))
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["MAINSTEM_POOLSIZE", "The"]


def test_doctor_makes_nothing(tmp_path: Path) -> None:
    done = mainstem("doctor", MAINSTEM_DATA=str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (1, f"There is no database in {tmp_path / 'data'} yet: run `mainstem migrate`.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["serve --port 0", "migrate", "doctor", "client create Name --role administrator"])
def test_a_database_that_is_away_is_one_sentence(command: str) -> None:
    done = mainstem(*command.split(), MAINSTEM_DATABASE_URL="postgresql://role:hidden-word@127.0.0.1:1/database")
    said = done.stdout if command == "doctor" else sentence(done)
    assert said.startswith("The database cannot be reached: ")
    assert "hidden-word" not in done.stdout + done.stderr
    assert done.returncode == 1


# Clients.


def test_a_client_is_made_and_its_key_shown_once(installation: Mapping[str, str]) -> None:
    done = mainstem("client", "create", "Integrator's system", "--role", "administrator", "--json", **installation)
    made = json.loads(done.stdout)
    assert list(made) == ["id", "key"]
    assert made["key"].startswith("ms_live_")


def test_before_its_programme_only_a_client_that_sets_it_up_is_made(installation: Mapping[str, str]) -> None:
    for role, scope in (("preparer", ("--subcontract", "S")), ("commissioner", ("--commissioner", "05W")), ("analyst", ())):
        refused = mainstem("client", "create", "Early", "--role", role, "--programme", "P", *scope, **installation)
        assert sentence(refused).startswith("There is no programme P here: apply its document first")
        assert "ms_live_" not in refused.stdout + refused.stderr
    made = mainstem("client", "create", "Manager", "--role", "contract_manager", "--programme", "P", **installation)
    assert "ms_live_" in made.stdout
    assert "There is no programme P yet" in made.stderr


def test_a_client_is_revoked(installation: Mapping[str, str]) -> None:
    made = json.loads(mainstem("client", "create", "Leaver", "--role", "administrator", "--json", **installation).stdout)
    assert f"Client {made['id']} is revoked." in mainstem("client", "revoke", made["id"], **installation).stdout
    assert mainstem("client", "revoke", "nobody", **installation).returncode == 1


def test_signing_keys_change_over(installation: Mapping[str, str], tmp_path: Path) -> None:
    folder = {"MAINSTEM_SIGNING_KEYS": str(tmp_path / "keys"), "COLUMNS": "200", **installation}
    made = [mainstem("signing-key", "rotate", **folder).stdout.split()[1] for _ in range(2)]
    listed = mainstem("signing-key", "list", **folder).stdout
    assert [listed.index(key) for key in reversed(made)] == sorted(listed.index(key) for key in made)
    assert {file.stem for file in (tmp_path / "keys").iterdir()} == set(made)


def test_a_client_whose_scope_does_not_fit_its_role_is_refused(installation: Mapping[str, str]) -> None:
    assert "belongs to one subcontract" in sentence(mainstem("client", "create", "Hospice", "--role", "preparer", **installation))


# Serving.


def test_serving_is_refused_where_the_schema_is_behind_or_the_role_unsafe(empty_database: Database) -> None:
    assert sentence(mainstem("serve", "--port", "0", **at(empty_database))) == "The database has no tables yet: run `mainstem migrate`."
    migrate(empty_database.urls.owner)
    unsafe = {"MAINSTEM_DATABASE_URL": str(empty_database.urls.superuser)}
    assert "is a superuser" in sentence(mainstem("serve", "--port", "0", **unsafe))
    assert "owns tables" in sentence(mainstem("serve", "--port", "0", MAINSTEM_DATABASE_URL=empty_database.urls.owner))
    with empty_database.superuser_engine.begin() as connection:
        connection.execute(text("ALTER TABLE programmes NO FORCE ROW LEVEL SECURITY"))
    assert "not enabled and forced on programmes" in sentence(mainstem("serve", "--port", "0", **at(empty_database)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_gets_ready_and_stops_what_it_started(idle: Path, number: signal.Signals) -> None:
    serving = Serving("--port", "0", MAINSTEM_DATA=str(idle))
    assert serving.ready()
    assert (idle / "postgres-18" / "postmaster.pid").exists()
    assert serving.end(number) == 0
    assert not (idle / "postgres-18" / "postmaster.pid").exists()


def test_a_taken_port_is_a_sentence_or_the_next_is_taken(installation: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = sentence(mainstem("serve", "--port", str(port), **installation))
        assert said == f"Mainstem cannot listen on 127.0.0.1, port {port}: Address already in use. Choose another with --port."
        serving = Serving("--port", str(port), "--or-next", **installation)
        assert serving.ready()
        assert int(serving.url.rsplit(":", 1)[1]) > port
        assert serving.end(signal.SIGTERM) == 0


def test_answers_leave_at_once() -> None:
    # Only of a socket that names its protocol does asyncio turn off the wait for more to send.
    with listening("127.0.0.1", 0, or_next=False) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_an_address_that_is_not_this_machines_is_not_a_matter_of_the_port() -> None:
    for host in ("300.1.1.1", "192.0.2.1"):
        assert sentence(mainstem("serve", "--host", host, "--port", "0")).endswith(". Choose another with --host.")
