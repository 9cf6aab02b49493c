"""The directions of import are held: the contracts that import-linter reads are complete, and each can fail."""

import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from tests.house.tree import ROOT, sources

SERVING_ROOMS = {"kernel", "db", "web", "cli", "demo", "client"}
PLANTED = {
    "app/kernel/months.py": ["import app.db.rows"],
    "app/organisations/domain.py": ["import app.organisations.store"],
    "app/organisations/attic.py": ["import tests"],
    "app/attic/__init__.py": [""],
}


@cache
def contracts() -> dict[str, dict[str, Any]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return {contract["id"]: contract for contract in tomllib.load(file)["tool"]["importlinter"]["contracts"]}


def modules_of(layers: list[str]) -> list[set[str]]:
    """The names in each layer, without the marks for optional ones."""
    return [{name.strip().strip("()") for name in layer.replace("|", ":").split(":")} for layer in layers]


def broken(root: Path) -> set[str]:
    """The contracts that the sources in a folder do not keep."""
    said = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache", "--no-logo"],
        cwd=root,
        env={"PYTHONPATH": str(root), "COLUMNS": "200", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = said.stdout.splitlines()
    assert any(line.startswith("Contracts: ") for line in lines), said.stdout + said.stderr
    return {line.removesuffix(" BROKEN").strip() for line in lines if line.endswith(" BROKEN")}


def test_each_contract_can_fail(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, lines in PLANTED.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join([file.read_text() if file.exists() else "", *lines, ""]))
    assert broken(tmp_path) == {contract["name"] for contract in contracts().values()}


def test_every_room_that_serves_no_other_has_floors() -> None:
    rooms = {source.path.split("/")[1] for source in sources("app") if source.path.count("/") > 1}
    assert {room.removeprefix("app.") for room in contracts()["floors"]["containers"]} == rooms - SERVING_ROOMS


def test_no_room_has_rooms_inside() -> None:
    assert not [source.path for source in sources("app") if source.path.count("/") > 2]


def test_what_the_contracts_name_is_still_there() -> None:
    """A name that nothing bears any more is taken back."""
    there = {source.module.split(".")[-1] for source in sources("app")}
    assert set().union(*modules_of(contracts()["floors"]["layers"])[2:]) - there == set()
