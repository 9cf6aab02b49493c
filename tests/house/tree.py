"""The project's own files as the house's tests walk them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LEFT_OUT: Final = frozenset(
    {".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}
)


@dataclass(frozen=True)
class Source:
    """A Python file: its path from the root of the project, its text and its syntax."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def module(self) -> str:
        """The dotted name that it is imported by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file in the named folders."""
    found = tuple(
        Source(path=path.relative_to(ROOT).as_posix(), text=path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if LEFT_OUT.isdisjoint(path.parts)
    )
    assert found, f"no Python file in {folders}"
    return found


def planted(text: str, *, path: str = "app/returns/planted.py") -> Source:
    """A file that is not there, to show that a rule can fail."""
    return Source(path=path, text=text)


@cache
def texts() -> dict[str, str]:
    """Every file that is kept under version control and is text, by its path."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=False
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name] if listed.returncode == 0 else list(ROOT.rglob("*"))
    found = {}
    for path in paths:
        if path.is_file() and LEFT_OUT.isdisjoint(path.parts):
            try:
                found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name that it is made by: `datetime.now`, `session.commit`, `float`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression; what is not a name is left empty: `().commit`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a file imports, dotted, with its line: `secrets`, `datetime.datetime`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def room(path: str) -> str:
    """The room that a file of the application stands in: `returns`, `cli`."""
    return path.split("/")[1].removesuffix(".py")
