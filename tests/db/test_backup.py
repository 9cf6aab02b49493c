"""A dump by the role that backs up holds every row, and is restored with as many; by any other role it is refused, not emptied."""

import os
import subprocess
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from app.cli.operators import commands
from app.db import roles
from app.db.embedded_programs import find_programs
from app.db.engine import make_engine
from app.db.schema import start_problems
from tests.returns.conftest import set_up
from tests.returns.programme import HOSPICE, hospice_body
from tests.support.databases import Database, Server, urls_of


def restore(server: Server, file: Path, name: str) -> None:
    """What `pg_restore` makes of a dump, in a database of its own."""
    address = make_url(str(urls_of(server.urls, name).superuser))
    program = find_programs(server.data / "postgres-18").folder / "pg_restore"
    command = [str(program), "--dbname", address._replace(password=None).render_as_string(), "--exit-on-error", str(file)]
    subprocess.run(command, env={**os.environ, "PGPASSWORD": str(address.password)}, check=True, capture_output=True)


def run(database: Database, url: str | None, *words: str) -> tuple[int, str]:
    variables = {"MAINSTEM_DATABASE_URL": str(database.urls.application), "MAINSTEM_DATA": str(database.settings.data)}
    answer = CliRunner().invoke(commands, ["backup", *words], env={**variables, **({"MAINSTEM_BACKUP_DATABASE_URL": url} if url else {})})
    return answer.exit_code, answer.stdout or str(answer.exception)


def test_a_dump_holds_every_row_and_so_does_what_is_restored_from_it(server: Server, database: Database, tmp_path: Path) -> None:
    with set_up(database) as programme:
        programme.submit(HOSPICE, hospice_body())
    file, counts = tmp_path / "mainstem.dump", tmp_path / "mainstem.dump.counts.json"
    status, said = run(database, database.urls.backup, "dump", str(file))
    assert status == 0, said
    name = f"test_{uuid4().hex}"
    server.run(f'CREATE DATABASE "{name}" OWNER {roles.OWNER} TEMPLATE template0')
    try:
        restore(server, file, name)
        restored = urls_of(server.urls, name)
        status, said = run(database, None, "check", str(counts), "--database", str(restored.backup))
        assert (status, "hold the rows that were dumped" in said) == (0, True), said
        engine = make_engine(restored.application, database.settings)
        assert start_problems(engine) == []
        engine.dispose()
        _execute(str(restored.superuser), "SET session_replication_role = replica", "DELETE FROM cells")
        status, said = run(database, None, "check", str(counts), "--database", str(restored.backup))
        assert (status, said.startswith("cells: ")) == (1, True)
    finally:
        server.run(f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.mark.parametrize("whose", ["application", "owner"])
def test_a_role_from_which_rows_are_hidden_is_refused(database: Database, tmp_path: Path, whose: str) -> None:
    status, said = run(database, str(getattr(database.urls, whose)), "dump", str(tmp_path / "x.dump"))
    assert (status, "Row-level security hides rows" in said) == (1, True)
    assert not list(tmp_path.iterdir())
