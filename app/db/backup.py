"""Dumps that hold every row, and the proof of it: each table's rows are counted in the very state that is dumped, and again where it is restored."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from app.db.embedded_programs import find_programs
from app.db.engine import driver_url
from app.kernel.moments import moment_text
from app.settings import CannotStart

Connection = psycopg.Connection[tuple[Any, ...]]

_TABLES: Final = (
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace ORDER BY relname"
)
_HIDING: Final = (
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace AND row_security_active(oid)"
    " ORDER BY relname"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows each table held at a moment."""

    counted_at: str
    rows: Mapping[str, int]

    def written(self) -> str:
        return json.dumps({"counted_at": self.counted_at, "rows": dict(self.rows)}, indent=2) + "\n"


def read_counts(file: Path) -> Counts:
    """The counts that were written beside a dump."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return Counts(str(document["counted_at"]), {str(table): int(count) for table, count in document["rows"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CannotStart(f"{file} does not hold the counts of a dump.") from None


def dump(url: str, file: Path, *, data: Path, now: datetime) -> Counts:
    """Dump the database, as the role that backs up, into a file in pg_dump's own format; what it holds, by the same snapshot.

    `data` is the folder of the embedded server, whose programs are used where this machine has no `pg_dump` of its own.
    """
    with psycopg.connect(_address(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        _refuse_blind(connection)
        (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        counts = Counts(moment_text(now), dict(_counted(connection)))
        _run_dump(url, file, str(snapshot), data=data)
    return counts


def count(url: str, *, now: datetime) -> Counts:
    """What every table holds, as the role that backs up sees it."""
    with psycopg.connect(_address(url)) as connection:
        _refuse_blind(connection)
        return Counts(moment_text(now), dict(_counted(connection)))


def differences(url: str, counts: Counts, *, now: datetime) -> list[str]:
    """Tables that hold another number of rows here than were counted."""
    here = count(url, now=now).rows
    return [
        f"{table}: {counts.rows.get(table, 'no such table')} when it was dumped, {here.get(table, 'no such table')} here"
        for table in sorted(counts.rows.keys() | here.keys())
        if counts.rows.get(table) != here.get(table)
    ]


def _refuse_blind(connection: Connection) -> None:
    """Pass for a role from which row-level security hides nothing: under any other a dump, or a count, would lack rows and not say so."""
    hiding = [name for (name,) in connection.execute(_HIDING)]
    if hiding:
        raise CannotStart(
            f"Row-level security hides rows from this role (of {', '.join(hiding[:3])}{' and others' if len(hiding) > 3 else ''}): "  # three names are enough to see which they are
            "use the role that backs up, which has BYPASSRLS, or a superuser. README.md says how it is made."
        )


def _counted(connection: Connection) -> Iterator[tuple[str, int]]:
    for (name,) in connection.execute(_TABLES).fetchall():
        found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        yield name, found[0] if found else 0


def _run_dump(url: str, file: Path, snapshot: str, *, data: Path) -> None:
    address = driver_url(url).set(drivername="postgresql")
    own = find_programs(data / "postgres-18").folder / "pg_dump"
    command = [shutil.which("pg_dump") or str(own)] if not own.exists() else [str(own)]
    command += [
        "--format=custom",
        f"--snapshot={snapshot}",
        f"--file={file}",
        "--dbname",
        address._replace(password=None).render_as_string(),
    ]
    # A password among the arguments would be seen by everybody on the machine.
    environment = {**os.environ, **({"PGPASSWORD": str(address.password)} if address.password else {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - the program's words are ours, and the address is the operator's own
    if done.returncode:
        raise CannotStart(f"pg_dump failed: {' '.join(done.stderr.split()) or 'it did not say why'}")


def _address(url: str) -> str:
    return driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
