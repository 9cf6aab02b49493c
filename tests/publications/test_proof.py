"""A downloaded report proves itself offline; a changed one does not; and keys change over without anything losing its proof."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import over_http
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.publications.key_actions import rotate
from app.publications.keys import Keyring
from tests.publications.conftest import Press, press
from tests.support.databases import Database

KEY_SET = "/.well-known/mainstem-signing-keys.json"


@pytest.fixture(scope="module")
def published(module_database: Database) -> Iterator[Press]:
    with press(module_database) as made:
        made.publish(commentary="Ünïcode.")
        yield made


def verify(*words: str) -> Result:
    return CliRunner().invoke(over_http(), ["publication", "verify", *words], env={"COLUMNS": "200"})


def key_file(press: Press, folder: Path) -> str:
    file = folder / "keys.json"
    file.write_bytes(press.programme.web.get(KEY_SET).content)
    return str(file)


def kept(folder: Path, content: bytes) -> str:
    file = folder / "report.json"
    file.write_bytes(content)
    return str(file)


def test_a_report_is_proven_offline(published: Press, tmp_path: Path) -> None:
    keys, answer = key_file(published, tmp_path), published.get("/1")
    for content in (answer.content, gzip.compress(answer.content), published.get("/1/manifest").content):
        shown = verify(kept(tmp_path, content), "--keys", keys)
        assert (shown.exit_code, "NO" in shown.stdout, "None" in shown.stdout) == (0, False, False), shown.output
        assert "This file is what was published, byte for byte." in shown.stdout
        assert "It is the first of that month." in shown.stdout
    assert "It is the manifest of publication 1 of small for October 2026, provisional, published on " in shown.stdout
    assert "the next publication's manifest names it as the one before, and its ETag is the same." in shown.stdout
    told = json.loads(verify(kept(tmp_path, answer.content), "--keys", keys, "--json").stdout)
    assert told["verified"] is True
    assert (told["programme"], told["sequence"], told["sha256"]) == ("small", 1, answer.headers["ETag"].strip('"'))


def test_what_was_changed_is_not(published: Press, tmp_path: Path) -> None:
    keys, content = key_file(published, tmp_path), published.get("/1").content
    report: dict[str, Any] = json.loads(content)
    report["observations"][0]["numerator"] = 1_000
    changed = json.loads(verify(kept(tmp_path, json.dumps(report).encode()), "--keys", keys, "--json").stdout)
    assert list(changed["findings"].values()) == [False, True, False]
    # Written anew it still says what was signed.
    anew = json.dumps(json.loads(content), indent=1).encode()
    assert list(json.loads(verify(kept(tmp_path, anew), "--keys", keys, "--json").stdout)["findings"].values()) == [False, True, True]
    assert "was written anew since" in verify(kept(tmp_path, anew), "--keys", keys).stdout
    altered = verify(kept(tmp_path, json.dumps(report).encode()), "--keys", keys).stdout
    assert "something in it was changed after it was signed" in altered
    assert "It says that it is publication 1 of small for October 2026, provisional, as the integrator reads it, published on " in altered
    (tmp_path / "none.json").write_text('{"keys": []}')
    assert "is not among the public keys at hand" in verify(kept(tmp_path, content), "--keys", str(tmp_path / "none.json")).stdout
    for nothing in (b"[]", b"{}", b"no JSON", b"\x1f\x8b"):
        refused = verify(kept(tmp_path, nothing), "--keys", keys)
        assert (refused.exit_code, refused.stdout, "is no report or manifest" in refused.stderr) == (1, "", True)


def test_keys_change_over(own_press: Press, tmp_path: Path) -> None:
    own_press.publish()
    (before,) = own_press.programme.web.get(KEY_SET).json()["keys"]
    keyring = Keyring(own_press.programme.database.settings.signing_keys_folder)
    with open_session(own_press.programme.database.engine, INSTALLATION) as session:
        made = rotate(session, keyring, actor=MACHINE, now=own_press.programme.now)
        session.commit()
    assert [key["kid"] for key in own_press.programme.web.get(KEY_SET).json()["keys"]] == [made, before["kid"]]
    own_press.publish(commentary="Signed by another.")
    assert [own_press.read(f"/{sequence}")["signature"]["key_id"] for sequence in (1, 2)] == [before["kid"], made]
    keys = key_file(own_press, tmp_path)
    for sequence in (1, 2):
        assert verify(kept(tmp_path, own_press.get(f"/{sequence}").content), "--keys", keys).exit_code == 0
    (private,) = keyring.folder.glob(f"{made}.pem")
    assert private.stat().st_mode & 0o777 == 0o600
    # Without its private half nothing is signed, and that is said.
    private.rename(tmp_path / "away.pem")
    own_press.edit(commentary="Third.")
    own_press.check()
    answer = own_press.issue()
    assert (answer.status_code, answer.json()["code"]) == (503, "signing_key_missing")
