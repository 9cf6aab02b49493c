"""The life of a return as a page: `python -m tests.returns.life` compares app/returns/LIFE.md with the moves, `--write` brings it up to date."""

import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

from app.returns.domain import MOVES, Status
from app.returns.queries import QUERY_MOVES, QueryState

PAGE = Path(__file__).resolve().parents[2] / "app/returns/LIFE.md"
_RETURN = """A return is owed before anybody sends anything. The last accepted revision stays the current figure until another is accepted; after the
freeze nothing moves, by a backfill neither, unless a reopening is in force. A sign-off is a fact about a revision; where a clean return waited for nothing
else, it accepts it in the same act."""
_QUERY = """A query waits for its answer, then for whoever asked. Nothing but a word in its thread moves it: neither a further revision nor an
acceptance closes it, and closing it moves no return."""


def diagram(moves: Mapping[Any, Mapping[Any, StrEnum]], start: StrEnum) -> Iterator[str]:
    """A dictionary of moves as a state diagram; acts that lead the same way share an arrow."""
    yield from ("```mermaid", "stateDiagram-v2", f"    [*] --> {start}")
    for before, acts in moves.items():
        for after, led in groupby(sorted(acts, key=lambda act: (acts[act], act)), key=acts.__getitem__):
            yield f"    {before} --> {after}: {', '.join(led)}"
    yield "```"


def page() -> str:
    lines = ["# The life of a return", "", "Drawn from `MOVES` and `QUERY_MOVES`: an act that is not there is refused.", ""]
    for title, words, moves, start in (
        ("A return", _RETURN, MOVES, Status.EXPECTED),
        ("A query", _QUERY, QUERY_MOVES, QueryState.OPEN),
    ):
        lines += [f"## {title}", "", *words.splitlines(), "", *diagram(moves, start), ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        PAGE.write_text(page(), encoding="utf-8")
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("app/returns/LIFE.md is not what the moves say: `python -m tests.returns.life --write` brings it up to date")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
