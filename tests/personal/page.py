"""Where people may be named, as a page: `python -m tests.personal.page` compares app/personal/PERSONAL.md with the program, `--write` brings it up to date."""

from pathlib import Path
from typing import Final

from app.personal.domain import HOLDS, LEAST_YEARS, LET_GO, MEANING, Holds, Kind
from tests.support.pages import compare_or_write, out_of_date

PAGE: Final = Path(__file__).resolve().parents[2] / "app/personal/PERSONAL.md"

_OPENING: Final = """# Personal data

Generated from `app/personal/domain.py` by `python -m tests.personal.page --write`; a test compares the two, and another holds that every column of
words, JSON or bytes in the database is classified there.

There are no patients here. The people whom Mainstem knows of are staff: of the integrator, of subcontracts and of commissioners. It holds them so
that acts have an author and somebody can be rung; whoever runs the installation is the controller. Acts are recorded under a client's id, which is a
pseudonym: `clients.name` alone says whose it is. Logs hold ids, never names.
"""
_COMMANDS: Final = """
## Showing and erasing

- `mainstem personal-data export NAME` and `mainstem personal-data export --client ID` print as JSON everything that is held of somebody.
- `mainstem personal-data erase NAME` and `… --client ID` put `[erased]` in its place, everywhere but in the audit record and in what is published and
  signed; what stays is counted and said. A client is erased once it is revoked. Each programme's chain gets an event that says how much was erased, and
  not of whom. Reads as of a moment before say `[erased]` too: that the record was changed is recorded, what it said is gone.
- A name is looked for as it is written: a full name or an e-mail address. Files are looked through as text and as workbooks.
- Both are commands of the machine, run as the owner of the tables: to the service's own role nothing of this is open.
- Backups and copies that others hold are not reached. A service that runs may remember contracts of the past until it is started anew.

## How long

For ever, unless a setting says otherwise: years after the contract's end, from the day after. `mainstem retention --dry-run` shows what would go, and
`mainstem retention` lets it go. Nothing goes of a contract that runs, nor of a programme in `MAINSTEM_RETENTION_HOLDS` (an inquiry, a dispute, a
settlement that is open). Words within lines of the contract (of statuses, variations, decisions) go with the records.

| kind | setting | at least | what goes |
|---|---|---|---|
"""


def text_of() -> str:
    """The page."""
    lines = [_OPENING, "## Where"]
    for holds in Holds:
        places = ", ".join(f"`{name}`" for name, held in HOLDS.items() if held is holds)
        lines += ["", f"**{holds.value.capitalize()}.** {MEANING[holds]} In {places}."]
    rows = [f"| {kind} | `MAINSTEM_RETENTION_{kind.upper()}_YEARS` | {LEAST_YEARS[kind]} years | {LET_GO[kind]} |" for kind in Kind]
    return "\n".join(lines) + "\n" + _COMMANDS + "\n".join(rows) + "\n"


def faults() -> list[str]:
    return out_of_date(PAGE, text_of(), "tests.personal.page")


if __name__ == "__main__":
    raise SystemExit(compare_or_write(PAGE, text_of(), faults))
