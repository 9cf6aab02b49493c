"""Operators' commands on personal data and on how long records are kept: shown, erased and let go as the owner of the tables."""

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from app.db.embedded import running
from app.db.engine import make_engine
from app.db.schema import head_problem
from app.kernel.actors import EVERY
from app.personal import actions
from app.personal.domain import LET_GO, Kind
from app.settings import CannotStart, Settings, load_settings

personal_data = typer.Typer(help="What is held of people: shown, and erased.", no_args_is_help=True)

Person = Annotated[str | None, typer.Argument(metavar="NAME", help="A full name or an e-mail address, as it would be written.")]
Client = Annotated[str | None, typer.Option("--client", metavar="ID", help="A client, by its id.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@contextlib.contextmanager
def owner_engine(settings: Settings) -> Iterator[Engine]:
    """An engine as the owner of the tables, on a schema that is at head."""
    with running(settings, progress=lambda said: print(f"… {said}", file=sys.stderr)) as urls:
        engine = make_engine(urls.owner, settings)
        try:
            problem = head_problem(engine)
            if problem is not None:
                raise CannotStart(problem)
            yield engine
        finally:
            engine.dispose()


def _one_of(name: str | None, client: str | None) -> None:
    if (name is None) == (client is None):
        raise CannotStart("Say whom it is about: a NAME, or --client with an id.")


@personal_data.command(name="export")
def export(name: Person = None, *, client: Client = None) -> None:
    """Print as JSON everything that is held of somebody."""
    _one_of(name, client)
    with owner_engine(load_settings()) as engine:
        found = export_person(engine, name) if name is not None else export_client(engine, client or "")
    print(json.dumps(found, indent=2, ensure_ascii=False, default=str))


@personal_data.command(name="erase")
def erase(name: Person = None, *, client: Client = None, dry_run: DryRun = False) -> None:
    """Erase somebody wherever the audit record and what is published do not need them; say what is kept."""
    _one_of(name, client)
    with owner_engine(load_settings()) as engine:
        if name is not None:
            done = erase_person(engine, name, now=datetime.now(UTC), dry_run=dry_run)
        else:
            done = erase_client(engine, client or "", now=datetime.now(UTC), dry_run=dry_run)
    for place, count in done.erased.items():
        print(f"{place}: {count} {'would be erased' if dry_run else 'erased'}")
    for place, count in done.kept.items():
        print(f"{place}: {count} kept, as what is published or proves who did what")
    if not any(done.erased.values()):
        print("Nothing names them that could be erased.")
    elif not dry_run:
        print(
            "A service that runs may remember contracts of the past until it is started anew; files of programmes' documents are yours to edit."
        )


def export_person(engine: Engine, name: str) -> list[dict[str, Any]]:
    """What names somebody, in the installation and every programme."""
    with contextlib.closing(actions.sessions(engine)) as sessions:
        return [found for programme, session in sessions for found in actions.export_person(session, programme, name)]


def erase_person(engine: Engine, name: str, *, now: datetime, dry_run: bool) -> actions.Erased:
    """Erase somebody in the installation and every programme, each kept by itself."""
    erased, kept = Counter[str](), Counter[str]()
    with contextlib.closing(actions.sessions(engine)) as sessions:
        for programme, session in sessions:
            done = actions.erase_person(session, programme, name, now=now)
            if not dry_run:
                session.commit()
            erased.update(done.erased)
            kept.update(done.kept)
    return actions.Erased(erased, kept)


def export_client(engine: Engine, client: str) -> dict[str, Any]:
    """A client, its keys and all that it did."""
    known: dict[str, Any] = {}
    acts: list[dict[str, Any]] = []
    with contextlib.closing(actions.sessions(engine)) as sessions:
        for programme, session in sessions:
            if programme == EVERY:
                known = actions.export_client(session, client)
            acts += [act for act in actions.acts_of(session, client) if act not in acts]
    return {**known, "acts": acts}


def erase_client(engine: Engine, client: str, *, now: datetime, dry_run: bool) -> actions.Erased:
    """Erase a client's name."""
    with contextlib.closing(actions.sessions(engine)) as sessions:
        _, session = next(sessions)
        done = actions.erase_client(session, client, now=now)
        if not dry_run:
            session.commit()
    return done


def let_go(engine: Engine, years: Mapping[Kind, int | None], *, holds: frozenset[str], now: datetime, dry_run: bool) -> list[actions.LetGo]:
    """Let go of what has been kept long enough in every programme, each kept by itself."""
    told = []
    with contextlib.closing(actions.sessions(engine)) as sessions:
        for programme, session in sessions:
            told += actions.let_go(session, programme, years, holds=holds, now=now)
            if not dry_run:
                session.commit()
    return told


def retention(*, dry_run: DryRun = False) -> None:
    """Show how long each kind of record is kept, and let go of what has been kept long enough; nothing is by default."""
    settings, now = load_settings(), datetime.now(UTC)
    years = {kind: getattr(settings, f"retention_{kind.value}_years") for kind in Kind}
    with owner_engine(settings) as engine:
        done = let_go(engine, years, holds=frozenset(settings.retention_holds), now=now, dry_run=dry_run)
    table = Table("programme", "kind", "contract ends", "kept", "now")
    for each in done:
        keeping = each.keeping
        kept = "for ever" if keeping.until is None else f"until {keeping.until}"
        said = "held" if keeping.held else "kept"
        if each.rows is not None:
            rows = ", ".join(f"{count} of {name}" for name, count in each.rows.items()) or "nothing left"
            said = f"{'would go' if dry_run else 'gone'}: {rows}"
        table.add_row(keeping.programme, keeping.kind.value, str(keeping.ends_on), kept, said)
    Console(width=200).print(table)
    for kind in Kind:
        print(f"{kind.value}: {LET_GO[kind]}")


def register(commands: typer.Typer) -> None:
    """Add them to the operators' commands."""
    commands.add_typer(personal_data, name="personal-data")
    commands.command()(retention)
