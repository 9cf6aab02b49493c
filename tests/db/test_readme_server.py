"""The README's way to a server that is not ours, followed to the letter on the oldest version and on the newest."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from app.db import roles
from app.db.embedded import running
from app.settings import Settings
from tests.house.tree import ROOT
from tests.support.postgres15 import IS_THERE, postgres15
from tests.test_cli import mainstem

SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Running it for real\n")[1].split("\n## ")[0]
BLOCKS = re.findall(r"```(?:sql)?\n(.*?)```", SECTION, re.DOTALL)


@contextlib.contextmanager
def bare_server(version: int, folder: Path) -> Iterator[str]:
    """The administrator's address on a server that has never heard of us and asks everybody else for a password."""
    if version == 15:
        with postgres15(folder, passwords=True) as admin:
            yield admin
        return
    with running(Settings(data=folder / "data")) as urls:
        run(str(urls.superuser), "DROP DATABASE mainstem", *(f"DROP ROLE {role}" for role in (*roles.LOGINS.values(), *roles.GROUPS)))
        yield str(urls.superuser)


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.mark.parametrize(
    "version",
    [pytest.param(15, marks=pytest.mark.skipif(not IS_THERE, reason="the programs of PostgreSQL 15 are not on this machine")), 18],
)
def test_a_server_of_ones_own(tmp_path: Path, version: int) -> None:
    for_administrators, for_operators = BLOCKS
    with bare_server(version, tmp_path) as admin:
        host = make_url(admin).query["host"]
        settings = {
            name: f"postgresql://{role}:a-word@/{database}?host={host}"
            for name, role, database in re.findall(r"^export (\w+)=postgresql://(\w+):…@db\.example/(\w+)$", for_operators, re.MULTILINE)
        }
        assert set(settings) == {"MAINSTEM_DATABASE_URL", "MAINSTEM_OWNER_DATABASE_URL"}
        early = mainstem("migrate", **settings)
        assert early.returncode == 1
        assert 'README.md, "Running it for real"' in early.stderr
        run(admin, *for_administrators.replace("…", "a-word").split(";\n"))
        assert "`mainstem migrate` makes it" in mainstem("doctor", **settings).stdout
        commands = re.findall(r"^\.venv/bin/mainstem (?!serve)(.+)$", for_operators, re.MULTILINE)
        assert [command.split()[0] for command in commands] == ["migrate", "client"]
        for command in commands:
            done = mainstem(*(word.strip('"') for word in re.findall(r'"[^"]+"|\S+', command)), **settings)
            assert done.returncode == 0, done.stderr
        run(admin, "ALTER ROLE mainstem_owner_login NOCREATEROLE")
        assert mainstem("migrate", **settings).returncode == 0
        assert mainstem("doctor", **settings).stdout.startswith("Nothing is wrong")
        run(admin, "ALTER DATABASE mainstem SET log_statement = 'all'", "ALTER DATABASE mainstem RESET log_min_messages")
        told = mainstem("doctor", **settings)
        repeats = {15: ["log_min_messages", "log_parameter_max_length"], 18: ["log_parameter_max_length"]}[version]
        assert (told.returncode, re.findall(r"ALTER DATABASE mainstem SET (\w+) = ", told.stdout)) == (1, repeats)
