"""What is written about the house stays true: decisions, the README's commands and map, links, and no address of one machine."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.house.test_walls import contracts
from tests.house.tree import ROOT, sources, texts

# Spelt in halves, so that this file may stand under its own rule.
REGISTRIES = ["py" + "pi.org", "python" + "hosted.org", "index" + "-url", "extra-" + "index", "arti" + "factory", "/sim" + "ple/"]
MACHINES = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "/t" + "mp/", "C:" + "\\"]
# The headers of the pinned requirements name the option that keeps registries out of them.
KEEPS_REGISTRIES_OUT = "--no-emit-index" + "-url"
MAY_NAME_A_FOLDER = {"Dockerfile": "the image's own folders"}


def addresses(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.replace(KEEPS_REGISTRIES_OUT, "").splitlines(), start=1):
        for address in REGISTRIES:
            if address in line:
                yield f"{path}:{number}: names the registry {address}"
        for folder in MACHINES:
            if path not in MAY_NAME_A_FOLDER and re.search(rf"(?<![\w.}}*/]){re.escape(folder)}", line):
                yield f"{path}:{number}: names {folder}, a folder of one machine"


def misnumbered(names: list[str]) -> Iterator[str]:
    for expected, name in enumerate(sorted(names), start=1):
        if not re.fullmatch(rf"{expected:04d}-[a-z0-9-]+\.md", name):
            yield f"{name}: expected {expected:04d}-what-was-decided.md"


def unknown_commands(text: str, targets: set[str]) -> set[str]:
    """Targets of make that a text tells people to use and that are not there."""
    return set(re.findall(r"(?:`|^|\$ )make ([a-z-]+)", text, re.MULTILINE)) - targets


def dead_links(path: str, text: str) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not (ROOT / PurePosixPath(path).parent / target).exists():
            yield f"{path}: {target} is not there"


def missing_files(path: str, text: str) -> Iterator[str]:
    """Files and folders of the project that a text names as code and that are not there."""
    for name in re.findall(r"`((?:app|migrations|openapi|tests)/[\w./-]*)`", text):
        if not (ROOT / name).exists():
            yield f"{path}: {name} is not there"


def test_no_address_of_a_registry_or_a_machine() -> None:
    assert not [fault for path, text in texts().items() for fault in addresses(path, text)]


def test_an_address_is_noticed() -> None:
    assert list(addresses("requirements.txt", f"--{REGISTRIES[2]} https://{REGISTRIES[0]}{REGISTRIES[5]}\n"))
    assert list(addresses("Makefile", f"cd {MACHINES[0]}main\n"))
    assert not list(addresses("README.md", "GET /v1/programmes/staffs-cancer/homepage\n"))


def test_decisions_are_numbered_without_gaps_and_say_three_things() -> None:
    decisions = sorted((ROOT / "app/decisions").iterdir())
    assert not list(misnumbered([path.name for path in decisions]))
    for path in decisions:
        text = path.read_text()
        assert re.match(rf"# {path.name[:4]}\. \S", text), path.name
        for heading in ("## Context", "## Decision", "## Consequence"):
            assert f"\n{heading}\n" in text, f"{path.name} lacks {heading}"
        assert text.count("\n") < 60, f"{path.name} is longer than a page"
    assert list(misnumbered(["0001-a.md", "0003-c.md"]))


def test_the_readme_names_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "SECURITY.md"):
        assert not unknown_commands((ROOT / name).read_text(), targets), name
    assert unknown_commands("`make coffee`", targets) == {"coffee"}


def mapped(readme: str) -> list[str]:
    """The rooms that the README's map names, from the ground up."""
    table = readme.partition("| room | about |")[2].partition("\n\n")[0]
    return [room for row in table.splitlines()[2:] for room in re.findall(r"`([a-z]+)`", row.split("|")[1])]


def test_the_readme_maps_every_room_in_the_order_of_their_imports_and_no_other() -> None:
    rooms = {source.path.split("/")[1].removesuffix(".py") for source in sources("app")} - {"__init__"}
    from_the_top = contracts()["rooms"]["layers"]
    assert mapped((ROOT / "README.md").read_text()) == from_the_top[::-1]
    assert set(from_the_top) == rooms
    assert mapped("| room | about |\n|---|---|\n| `planned` | `nothing` yet |\n\n`rest`") == ["planned"]


def test_links_between_documents_lead_somewhere() -> None:
    assert not [fault for path, text in texts().items() if path.endswith(".md") for fault in dead_links(path, text)]
    assert list(dead_links("README.md", "[the plan](PLAN.md)"))


def test_files_that_documents_name_are_there() -> None:
    assert not [fault for path, text in texts().items() if path.endswith(".md") for fault in missing_files(path, text)]
    assert list(missing_files("README.md", "See `app/attic.py`."))
