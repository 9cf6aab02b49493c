"""The whole record of a programme holds, is exported, and is checked by somebody else; some of the tampering of `make safety`."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner, Result

from app.cli.operators import commands
from tests.reports.conftest import PROGRAMME
from tests.safety.tampering import TAMPERINGS, Tampering, copied, findings_after, is_named, tell_story
from tests.support.databases import Database, Server
from tests.support.http import serving


@pytest.fixture(scope="module")
def told(module_database: Database) -> Database:
    tell_story(module_database)
    return module_database


def shell(database: Database, *words: str) -> Result:
    variables = {"MAINSTEM_DATABASE_URL": str(database.urls.application), "MAINSTEM_DATA": str(database.settings.data)}
    return CliRunner().invoke(commands, ["audit", *words], env=variables)


def test_a_record_that_holds_is_exported_and_checked_elsewhere(told: Database, tmp_path: Path) -> None:
    held = shell(told, "verify")
    assert (held.exit_code, held.stdout) == (0, "Every chain holds, and all that hangs on it fits.\n")
    signed = shell(told, "checkpoint")
    assert {json.loads(line)["chain"] for line in signed.stdout.splitlines()} == {"*", "*refused", PROGRAMME}
    assert shell(told, "checkpoint").stdout == signed.stdout
    file, keys = tmp_path / "record.jsonl", tmp_path / "keys.json"
    for place, said in ((tmp_path, "File exists; --overwrite replaces it."), (tmp_path / "none" / "record", "No such file or directory.")):
        refused = shell(told, "export", str(place))
        assert str(refused.exception) == f"{place} cannot be written: {said}"
    file.write_text("another's")
    assert shell(told, "export", str(file)).exit_code == 1
    assert file.read_text() == "another's"
    assert shell(told, "export", str(file), "--overwrite").exit_code == 0
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert {line["line"] for line in lines} == {"header", "chain", "key", "checkpoint", "manifest", "event", "end"}
    keys.write_text(json.dumps({"keys": [line["key"] for line in lines if line["line"] == "key"][:1]}))
    checked = CliRunner().invoke(commands, ["audit", "verify", "--file", str(file), "--keys", str(keys)])
    assert (checked.exit_code, "of 3 chains" in checked.stdout) == (0, True)
    file.write_bytes(file.read_bytes().replace(b'"contract_manager"', b'"administrator"', 1))
    forged = CliRunner().invoke(commands, ["audit", "verify", "--file", str(file)])
    assert (forged.exit_code, "not what was recorded" in forged.stdout) == (1, True)


def test_the_record_is_held_against_checkpoints_that_somebody_kept(server: Server, told: Database, tmp_path: Path) -> None:
    kept, record = tmp_path / "kept.jsonl", tmp_path / "record.jsonl"
    kept.write_text(shell(told, "checkpoint").stdout)
    whole = shell(told, "verify", "--checkpoint", str(kept))
    assert (whole.exit_code, whole.stdout) == (0, "Every chain holds, and all that hangs on it fits; so do 3 kept checkpoints.\n")
    one = shell(told, "verify", "--checkpoint", str(kept), "--programme", PROGRAMME)
    assert "so does 1 kept checkpoint." in one.stdout
    with copied(server, told) as (connection, url):
        # Whoever holds the database takes what was signed with what was done, and sets the ledger back.
        for table in ("events", "checkpoints"):
            connection.execute(text(f"DELETE FROM {table} WHERE programme = '*refused'"))
        connection.execute(text("DELETE FROM ledger WHERE programme = '*refused'"))
        connection.commit()
        told_of = {"MAINSTEM_DATABASE_URL": url, "MAINSTEM_DATA": str(told.settings.data)}
        for words in (["verify"], ["export", str(record)], ["verify", "--file", str(record)]):
            assert CliRunner().invoke(commands, ["audit", *words], env=told_of).exit_code == 0
        for words in (["verify"], ["verify", "--file", str(record)]):
            held = CliRunner().invoke(commands, ["audit", *words, "--checkpoint", str(kept)], env=told_of)
            assert held.exit_code == 1
            assert re.fullmatch(r"\*refused: event \d+: It is missing with the whole chain: the kept checkpoint .*\n", held.stdout)


def test_a_record_is_walked_though_what_guarded_it_is_switched_off(told: Database, server: Server) -> None:
    with copied(server, told) as (connection, url):
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER events_append_only"))
        connection.execute(text("UPDATE events SET action = 'client.revoked' WHERE programme = '*' AND sequence = 2"))
        connection.commit()
        found = CliRunner().invoke(
            commands, ["audit", "verify"], env={"MAINSTEM_DATABASE_URL": url, "MAINSTEM_DATA": str(told.settings.data)}
        )
    assert found.exit_code == 1
    walls, event = found.stdout.splitlines()
    assert walls.startswith("database: walls: The walls of the table events are not those that the migrations built: the trigger ")
    assert event.startswith("*: event 2: ")


def test_what_holds_no_checkpoints_is_said_to_hold_none(told: Database, tmp_path: Path) -> None:
    line, file = shell(told, "checkpoint", "--programme", PROGRAMME).stdout, tmp_path / "kept"
    for content, said in {
        "": "It is empty.",
        f"{line}\n[]\n{line}no": "Of its lines, these hold none: 3, 5.",
        line.replace('"checkpoint"', '"other"'): "Of its lines, these hold none: 1.",
    }.items():
        file.write_text(content)
        refused = shell(told, "verify", "--checkpoint", str(file))
        assert (refused.exit_code, said in str(refused.exception)) == (1, True), refused.exception
    file.write_text(line.replace('"sha256":"', '"sha256":"0'))
    forged = shell(told, "verify", "--checkpoint", str(file))
    assert "kept checkpoint at event" in forged.stdout
    assert "Its signature is not that of its key" in forged.stdout
    file.write_text(line)
    assert "holds no checkpoint of other" in str(shell(told, "verify", "--checkpoint", str(file), "--programme", "other").exception)


def test_every_reader_of_a_publication_is_a_witness(told: Database) -> None:
    with serving(told) as web:
        key = web.key("commissioner", programme=PROGRAMME, commissioner="05W")
        digest = web.get(f"/v1/programmes/{PROGRAMME}/publications/1", key=key).json()["report"]["event_sha256"]
        auditor = web.key("auditor")
        events = web.get("/v1/audit?limit=200&programme=" + PROGRAMME, key=auditor).json()["events"]
        assert digest in {event["sha256"] for event in events}
        checkpoints = web.get("/v1/audit/checkpoints", key=auditor).json()["checkpoints"]
        assert {each["chain"] for each in checkpoints} >= {PROGRAMME, "*"}
        assert web.get("/v1/audit/checkpoints", key=key).status_code == 403
        own = web.get("/v1/audit/checkpoints?limit=1", key=web.key("auditor", programme=PROGRAMME)).json()
        assert [each["chain"] for each in own["checkpoints"]] == [PROGRAMME]


@pytest.mark.parametrize("table", ["events", "contract_changes", "publications", "renditions", "checkpoints"])
def test_not_even_the_owner_changes_what_is_only_added(told: Database, table: str) -> None:
    for statement in (f"UPDATE {table} SET programme = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with told.owner_engine.connect() as connection, pytest.raises(ProgrammingError, match="are added, never changed or taken away"):
            connection.execute(text("SET ROLE mainstem_owner"))
            connection.execute(text(statement))


IN_SHORT = ("a whole chain written anew", "changed bytes of a rendition")


@pytest.mark.parametrize("tampering", [each for each in TAMPERINGS if each.name in IN_SHORT], ids=lambda each: each.name)
def test_tampering_is_named(server: Server, told: Database, tampering: Tampering) -> None:
    assert is_named(tampering, findings_after(server, told, tampering.act))
