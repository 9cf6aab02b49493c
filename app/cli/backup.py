"""`mainstem backup`: a dump with the count of its rows, and whether what was restored from it holds as many."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.db import backup
from app.db.embedded import running
from app.settings import CannotStart, load_settings

backups = typer.Typer(help="Dumps that hold every row, and the proof of it.", no_args_is_help=True)

COUNTS = ".counts.json"
"""What the counts of a dump are called, behind its own name."""


@backups.command()
def dump(
    file: Annotated[Path, typer.Argument(help="Where to write it, for pg_restore; its counts stand beside it.", dir_okay=False)],
) -> None:
    """Dump the database as the role that backs up, and count every table's rows in the very state that is dumped."""
    settings = load_settings()
    with running(settings, progress=_tell) as urls:
        if urls.backup is None:
            raise CannotStart(
                "Name the database in MAINSTEM_BACKUP_DATABASE_URL, as the role that backs up: README.md says how it is made."
            )
        counts = backup.dump(urls.backup, file, data=settings.data, now=datetime.now(UTC))
    beside = Path(f"{file}{COUNTS}")
    beside.write_text(counts.written(), encoding="utf-8")
    print(f"{file} holds {sum(counts.rows.values())} rows of {len(counts.rows)} tables; {beside.name} says how many of each.")


@backups.command()
def check(
    file: Annotated[Path, typer.Argument(help="The counts that stand beside a dump.", exists=True, dir_okay=False)],
    database: Annotated[
        str | None, typer.Option(envvar="MAINSTEM_RESTORED_DATABASE_URL", help="The database that it was restored into.", show_envvar=True)
    ] = None,
) -> None:
    """Count the rows of what was restored from a dump, and name every table that holds another number; exit 1 where one does."""
    counts = backup.read_counts(file)
    with running(load_settings(), progress=_tell) as urls:
        url = database or urls.backup
        if url is None:
            raise CannotStart("Name the restored database with --database, as a role from which row-level security hides nothing.")
        found = backup.differences(url, counts, now=datetime.now(UTC))
    print("\n".join(found) or f"All {len(counts.rows)} tables hold the rows that were dumped at {counts.counted_at}.")
    sys.exit(1 if found else 0)


def _tell(sentence: str) -> None:
    print(f"… {sentence}", file=sys.stderr)
