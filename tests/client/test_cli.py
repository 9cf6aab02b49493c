"""A month at a shell: what is due, checking a file, submitting it, and its receipt, against the real service."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import over_http
from app.client.talking import last_months
from tests.make import exact
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import HOSPICE, PROGRAMME, address, hospice_body, mixed_body
from tests.support.databases import Database
from tests.support.sockets import BadNetwork, listening

NAME = "hospice SC-H9901 2026-10.json"


@dataclass
class Shell:
    """A terminal at which the hospice's variables are set."""

    programme: Programme
    address: str

    def run(self, *words: str, key: str | None = None) -> Result:
        variables = {"MAINSTEM_URL": self.address, "MAINSTEM_KEY": key or self.programme.preparer("SC-H9901"), "COLUMNS": "250"}
        return CliRunner().invoke(over_http(), words, env=variables)

    def json(self, *words: str, key: str | None = None) -> Any:
        return json.loads(self.run(*words, "--json", key=key).stdout)


@pytest.fixture(scope="module")
def shell(module_database: Database) -> Iterator[Shell]:
    with set_up(module_database) as programme, listening(module_database, clock=programme.clock) as address:
        yield Shell(programme, address)


def written(folder: Path, body: dict[str, Any], name: str = NAME) -> str:
    file = folder / name
    file.write_text(json.dumps(exact(body)))
    return str(file)


def test_a_month_from_what_is_due_to_its_receipt(shell: Shell, tmp_path: Path) -> None:
    due = shell.json("returns", "due", "--month", "2026-10")
    assert [(row["collection"], row["subcontract"]) for row in due] == [("hospice", "SC-H9901")]
    assert "Friday 13 November 2026" in shell.run("returns", "due").stdout.replace("\n", " ")

    wrong = hospice_body()
    wrong["cells"][1]["numerator"] = -1
    refused = shell.run("returns", "check", written(tmp_path, wrong))
    assert refused.exit_code == 3
    assert "/cells/1/numerator" in refused.stderr
    assert "below zero" in refused.stderr

    file = written(tmp_path, hospice_body())
    checked = shell.run("returns", "check", file)
    assert (checked.exit_code, "would be received (on time)" in checked.stdout) == (0, True)
    assert not list(tmp_path.glob("*.receipt.json"))

    sent = shell.run("returns", "submit", file)
    assert sent.exit_code == 0, sent.output
    assert "hospice of SC-H9901 for 2026-10, revision 1" in sent.stdout
    again = shell.json("returns", "submit", file)
    assert again[0]["receipt"]["duplicate_of"] == 1
    assert shell.json("returns", "due", "--month", "2026-10") == []
    (stands,) = shell.json("returns", "status", "--month", "2026-10")
    assert (stands["latest_revision"], stands["timeliness"]) == (1, "on_time")

    # What was sent again was there already: the first receipt stays, and the answer was of it too.
    assert shell.json("receipt", "verify", file)["verified"] is True
    receipt = tmp_path / f"{NAME}.receipt.json"
    receipt.write_text(json.dumps(again[0]["receipt"]))
    assert shell.json("receipt", "verify", str(receipt))["verified"] is True


@pytest.mark.parametrize(
    ("member", "value", "fails"),
    [
        ("sha256", "0" * 64, "It is of these bytes"),
        ("received_at", "2026-11-01T09:00:00.000000Z", "It was received at that moment"),
        ("revision", 9, "The service holds this revision"),
    ],
)
def test_a_receipt_that_was_changed_does_not_verify(shell: Shell, tmp_path: Path, member: str, value: object, fails: str) -> None:
    file = written(tmp_path, {**hospice_body(), "note": member})
    assert shell.run("returns", "submit", file).exit_code == 0
    receipt = tmp_path / f"{NAME}.receipt.json"
    assert shell.json("receipt", "verify", str(receipt))["verified"] is True
    receipt.write_text(json.dumps(json.loads(receipt.read_text()) | {member: value}))
    found = shell.run("receipt", "verify", str(receipt), "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["findings"][fails] is False


def test_a_changed_file_does_not_verify(shell: Shell, tmp_path: Path) -> None:
    file = written(tmp_path, hospice_body())
    assert shell.run("returns", "submit", file).exit_code == 0
    written(tmp_path, {**hospice_body(), "note": "later"})
    found = shell.json("receipt", "verify", file)
    assert [what for what, holds in found["findings"].items() if not holds] == ["The file is the one that was sent, to the byte"]


def test_a_file_that_says_what_is_there_already_is_not_kept_and_its_receipt_says_so(shell: Shell, tmp_path: Path) -> None:
    first = written(tmp_path, {**hospice_body(), "note": "as it was"})
    assert shell.run("returns", "submit", first).exit_code == 0
    again = tmp_path / "elsewhere" / NAME
    again.parent.mkdir()
    again.write_text(json.dumps(json.loads(Path(first).read_text()), indent=2))
    told = shell.run("returns", "submit", str(again))
    assert (told.exit_code, "these bytes are not kept" in told.stdout.replace("\n", " ")) == (0, True)
    found = shell.json("receipt", "verify", str(again))
    assert found["verified"] is True
    assert "The file was sent, to the byte, and says what other bytes had said already" in found["findings"]


def test_a_question_is_listed_and_answered_at_the_shell(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("returns", "submit", written(tmp_path, {**hospice_body(), "note": "asked about"})).exit_code == 0
    path, manager = address(HOSPICE), shell.programme.manager()
    asked = {"text": "Two more than usual?", "cells": [{"measure": "HOSP-WAIT", "category": "0-1"}]}
    number = shell.programme.web.post(f"{path}/queries", asked, key=manager).json()["query"]
    table = shell.run("returns", "queries").stdout
    assert ("Two more than usual?" in table, "HOSP-WAIT 0-1" in table) == (True, True)
    assert shell.json("returns", "queries", "--month", "2026-09") == []

    assert [row["to_do"] for row in shell.json("returns", "due", "--month", "2026-10")] == ["queried"]
    told = shell.run("returns", "answer", "A second clinic.", "--month", "2026-10")
    assert (told.exit_code, told.stdout.strip()) == (0, f"Query {number} about hospice of SC-H9901 for 2026-10 is answered.")
    assert shell.json("returns", "due", "--month", "2026-10") == []
    nothing = shell.run("returns", "answer", "Again.")
    assert (nothing.exit_code, nothing.stderr.strip()) == (1, "No questions wait.")
    more = shell.json("returns", "answer", "And a third.", "--query", str(number), "--collection", "hospice", "--month", "2026-10")
    assert [said["text"] for said in more["thread"]] == ["Two more than usual?", "A second clinic.", "And a third."]
    assert shell.run("returns", "queries").stdout.strip() == "Nothing is asked."
    assert [row["query"] for row in shell.json("returns", "queries", "--all")] == [number]

    for text in ("First?", "Second?"):
        assert shell.programme.web.post(f"{path}/queries", {"text": text}, key=manager).status_code == 201
    several = shell.run("returns", "answer", "Which?")
    assert several.exit_code == 1
    assert "2 questions wait: say which with --collection, --month and --query." in several.stderr
    assert f"hospice of SC-H9901 for 2026-10, query {number + 1}" in several.stderr


def test_the_form_of_a_return_that_is_named_comes_though_nothing_is_to_be_sent(shell: Shell, tmp_path: Path) -> None:
    assert (
        shell.run(
            "returns", "submit", written(tmp_path, {**hospice_body(), "note": "to be corrected"}, "hospice SC-H9901 2026-09.json")
        ).exit_code
        == 0
    )
    nothing = shell.run("returns", "template", "--month", "2026-09", "--folder", str(tmp_path))
    assert (nothing.exit_code, "name it with --collection and --month" in nothing.stderr) == (1, True)
    found = shell.run("returns", "template", "--month", "2026-09", "--collection", "hospice", "--folder", str(tmp_path))
    assert (found.exit_code, found.stdout.strip()) == (0, str(tmp_path / "hospice SC-H9901 2026-09.xlsx"))


def test_somebody_else_signs_at_the_shell(shell: Shell, tmp_path: Path) -> None:
    sent = shell.json("returns", "submit", written(tmp_path, {**hospice_body(), "note": "to be signed"}))
    revision, approver = str(sent[0]["receipt"]["revision"]), shell.programme.key("approver", subcontract="SC-H9901")
    named = ("--collection", "hospice", "--month", "2026-10")
    own = shell.run("returns", "sign", revision, *named)
    assert (own.exit_code, "approver" in own.stderr or "may not" in own.stderr) == (1, True), own.stderr
    assert shell.run("returns", "sign", revision, key=approver).stderr.strip() == "No returns wait to be signed."
    told = shell.run("returns", "sign", revision, *named, "--statement", "Complete and correct.", key=approver)
    assert (told.exit_code, told.stdout.strip()) == (
        0,
        f"Revision {revision} of hospice of SC-H9901 for 2026-10 is signed and waits for acceptance.",
    )
    assert shell.programme.read(HOSPICE).json()["sign_off"]["statement"] == "Complete and correct."


def test_the_integrator_compares_thelast_months_at_the_shell(shell: Shell) -> None:
    manager = shell.programme.manager()
    found = shell.json("returns", "compare", key=manager)
    assert len(found) == len({each["month"] for each in found}) == 4
    one = shell.run("returns", "compare", "--month", "2026-10", key=manager)
    assert one.stdout.strip() == "2026-10: 0 beyond tolerance, 0 asked about now, 0 settled; 0 agree, 0 wait for figures."
    assert shell.run("returns", "compare", "--month", "2026-10").exit_code == 1, "a subcontract compares nothing"


def test_the_months_before_this_one() -> None:
    assert last_months(datetime(2027, 2, 1, tzinfo=UTC), count=4) == ["2026-10", "2026-11", "2026-12", "2027-01"]


def test_a_shell_says_what_it_waits_for(shell: Shell) -> None:
    network = BadNetwork(shell.address, deque(["refused"]))
    with network.between() as bad:
        found = shell.run("returns", "status", "--url", bad)
    assert (found.exit_code, found.stderr.startswith("No answer from 127.0.0.1 (")) == (0, True)
    assert "trying again in 0." in found.stderr


def test_many_files_go_one_by_one_and_the_worst_is_the_exit_code(shell: Shell, tmp_path: Path) -> None:
    wrong = written(tmp_path, {"cells": []}, "hospice SC-H9901 2026-09.json")
    right = written(tmp_path, {**hospice_body(), "note": "after the wrong one"})
    found = shell.run("returns", "submit", wrong, right, "--json")
    assert found.exit_code == 3
    first, second = json.loads(found.stdout)
    assert (first["code"], second["receipt"]["revision"] > 1) == ("return_invalid", True)


def test_many_months_from_one_file_which_go_on_where_they_were_broken_off(shell: Shell, tmp_path: Path) -> None:
    of = {"collection": "hospice", "subcontract": "SC-H9901"}
    entries = [{**of, "month": month, **hospice_body(), "note": "many"} for month in ("2026-08", "2026-09")]
    file = tmp_path / "many.ndjson"
    file.write_text("\n".join(json.dumps(exact(entry)) for entry in [*entries, {**of, "month": "2026-10", "cells": []}]))
    found = shell.run("returns", "backfill", str(file), "--json")
    assert found.exit_code == 3
    told = json.loads(found.stdout)
    assert (told["backfill"]["received"], told["backfill"]["refused"]) == (2, 1)
    assert [result["month"] for result in told["refused"]] == ["2026-10"]
    again = shell.run("returns", "backfill", str(file))
    assert "3 returns: 2 received, 0 with warnings, 0 were there already, 1 refused." in again.stdout
    assert "hospice SC-H9901 2026-10" in again.stdout


def test_what_of_many_months_has_warnings_is_named(shell: Shell, tmp_path: Path) -> None:
    stray = {"measure": "M-RATIO", "site": "lung", "commissioner": "05G", "numerator": 1, "denominator": 1}
    body = mixed_body()
    entry = {"collection": "mixed", "subcontract": "SC-MIX", "month": "2026-10", **body, "cells": [*body["cells"], stray]}
    file = tmp_path / "warned.ndjson"
    file.write_text(json.dumps(exact(entry)))
    found = shell.run("returns", "backfill", str(file), key=shell.programme.preparer("SC-MIX"))
    assert (found.exit_code, "mixed SC-MIX 2026-10" in found.stdout, "Revision 1 was received with warnings." in found.stdout) == (
        4,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["returns", "status", "--key-file", "{empty}"], "Give the key"),
        (["returns", "submit", "{nameless}"], "the name does not say which return this is"),
        (["returns", "submit", "{text}"], "a return is a file that ends in .json, .csv, .xlsx"),
        (["returns", "backfill", "{sheet}"], "save a spreadsheet as CSV (UTF-8) first"),
        (["receipt", "verify", "{nameless}"], "is no receipt, and none is beside it"),
        (["returns", "status", "--url", "nonsense"], "nonsense is no address"),
        (["returns", "status", "--subcontract", "SC-RJE"], "There is no"),
        (["returns", "due", "--subcontract", "SC-NONE"], "There is no"),
        (["returns", "status", "--programme", "another"], "There is no programme of that code here, or it is not yours."),
    ],
)
def test_what_cannot_be_is_one_sentence(shell: Shell, tmp_path: Path, words: list[str], says: str) -> None:
    files = {"empty": "empty", "nameless": "return.json", "text": "hospice SC-H9901 2026-10.txt", "sheet": "history.xlsx"}
    for name in files.values():
        (tmp_path / name).touch()
    found = shell.run(*(word.format_map({short: str(tmp_path / name) for short, name in files.items()}) for word in words))
    assert (found.exit_code, says in found.stderr.replace("\n", " ")) == (1, True), found.stderr


def test_a_key_that_nobody_holds_is_told_so(shell: Shell) -> None:
    found = shell.run("returns", "status", "--programme", PROGRAMME, key="ms_live_wrong")
    assert (found.exit_code, "does not know this key" in found.stderr, HOSPICE.subcontract in found.output) == (1, True, False)
