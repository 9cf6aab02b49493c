"""Passwords come from the environment or a file, and are said nowhere: not in a sentence, a log line or a trace."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app.access.keys import new_key
from app.settings import Settings
from tests.support import commands
from tests.support.databases import Database
from tests.support.logs import told_below

HIDDEN = "hidden-9434765919-word"


def said_by(command: str, changed: Mapping[str, str]) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTEM_")}
    done = commands.run(command.split(), {**kept, "COLUMNS": "300", **changed})
    return done.returncode, done.stdout + done.stderr


def with_password(url: str, password: str) -> str:
    return make_url(url).set(password=password).render_as_string(hide_password=False)


@pytest.mark.parametrize("command", ["serve --port 0", "migrate", "doctor", "client create Name --role administrator", "settings"])
def test_a_wrong_password_is_not_repeated(database: Database, tmp_path: Path, command: str) -> None:
    """Both addresses carry it, one of them in a file."""
    file = tmp_path / "address"
    file.write_text(with_password(database.urls.application, HIDDEN) + "\n")
    changed = {"MAINSTEM_DATABASE_URL_FILE": str(file), "MAINSTEM_OWNER_DATABASE_URL": with_password(database.urls.owner, HIDDEN)}
    ended, said = said_by(command, changed)
    assert HIDDEN not in said
    assert "Traceback" not in said
    if command != "settings":
        assert ended == 1
        assert "password authentication failed" in said


def test_an_address_in_a_file_is_read(database: Database, tmp_path: Path) -> None:
    (tmp_path / "service").write_text(database.urls.application + "\n")
    (tmp_path / "owner").write_text(database.urls.owner)
    files = {"MAINSTEM_DATABASE_URL_FILE": str(tmp_path / "service"), "MAINSTEM_OWNER_DATABASE_URL_FILE": str(tmp_path / "owner")}
    assert said_by("doctor", files)[0] == 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"DATABASE_URL_FILE": "/no/such/file"}, "MAINSTEM_DATABASE_URL_FILE cannot be read"),
        ({"DATABASE_URL_FILE": "{there}", "DATABASE_URL": f"postgresql://x:{HIDDEN}@h/d"}, "are both given: leave one out"),
        ({"DATABASE_URL_FILE": "{there}"}, "MAINSTEM_DATABASE_URL: must be a PostgreSQL address"),
        ({"ALLOWED_ORIGINS": "*"}, "MAINSTEM_ALLOWED_ORIGINS: must be origins"),
        ({"ALLOWED_ORIGINS": "https://a.example/path"}, "MAINSTEM_ALLOWED_ORIGINS: must be origins"),
        ({"TRUSTED_PROXIES": "10.0.0.1,proxy"}, "MAINSTEM_TRUSTED_PROXIES: must be addresses or networks"),
    ],
)
def test_what_is_wrong_with_such_a_setting_is_one_sentence(tmp_path: Path, given: dict[str, str], sentence: str) -> None:
    there = tmp_path / "there"
    there.write_text(f"mysql://x:{HIDDEN}@host/database")
    ended, said = said_by("serve --port 0", {f"MAINSTEM_{name}": value.format(there=there) for name, value in given.items()})
    assert (ended, len(said.splitlines())) == (1, 1)
    assert sentence in said
    assert HIDDEN not in said


@pytest.mark.parametrize(
    "statement",
    ["SELECT CAST(:value AS integer)", "SELECT 1 / length(left(:value, 0))", "DO $$ BEGIN RAISE 'here: %', '{value}'; END $$"],
)
def test_a_statement_that_fails_leaves_nothing_in_the_log_of_the_database(database: Database, statement: str) -> None:
    log = database.settings.data / "postgres.log"
    with database.engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text(statement.format(value=HIDDEN)), {"value": HIDDEN} if ":value" in statement else {})
    assert HIDDEN not in log.read_text()


LIVE = new_key().text


@pytest.mark.parametrize(
    "line",
    [
        f'{{"event": "request_answered", "client": "{LIVE}"}}',
        "Authorization: Bearer eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0xxxx.c2lnbmVk",
        "-----BEGIN PRIVATE KEY-----",
        "cannot connect to postgresql://somebody:password@db.example/there",
        "a patient, 943 476 5919, was refused",
        '{"event": "defect", "count": 9434765919}',
        f"LOG:  here: {HIDDEN}",
    ],
)
def test_whatever_no_log_may_say_is_noticed_in_one(tmp_path: Path, line: str) -> None:
    """As after every test: tests/conftest.py looks through what was logged meanwhile."""
    folder = tmp_path / "here"
    folder.mkdir()
    log = folder / "postgres.log.1"
    log.write_text(f"2026-11-22 18:29:53.321 UTC [9434] LOG:  ready\n{line}\n")
    assert any(line in told for told in told_below(folder))
    log.write_text(log.read_text().replace(line, f"{LIVE[:24]} postgresql://x:***@y/z 9434765918 2026-11-22 18:29"))
    assert not list(told_below(folder))
    log.unlink()


def test_no_setting_shows_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text(f"postgresql://x:{HIDDEN}@host/database")
    settings = Settings(database_url_file=file, allowed_origins=("https://a.example",), trusted_proxies=("10.0.0.0/8",))
    assert HIDDEN not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
