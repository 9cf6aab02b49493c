"""`mainstem demo` and `mainstem run`: a newcomer's first hour."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import track
from sqlalchemy import Engine

from app.calendar.store import load_contract
from app.db.embedded import running
from app.db.schema import migrate
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.demo import actions, store
from app.demo.document import MONTHS, PROGRAMME, first_month
from app.demo.story import PUBLISHING, SETTLING, acts
from app.kernel.actors import MACHINE
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.publications.keys import Keyring
from app.settings import Settings, load_settings

SEED: Final = "staffordshire"
_WHOLE: Final = replace(INSTALLATION, programme=PROGRAMME)
_CURL: Final = "curl --header 'Authorization: Bearer {key}' '{base}/v1/programmes/" + PROGRAMME + "{path}'"


@dataclass(frozen=True, slots=True)
class Service:
    """What the command line's other half lends: how to get an engine, a socket, and to serve on it."""

    fit_engine: Callable[[Settings], AbstractContextManager[Engine]]
    listening: Callable[..., AbstractContextManager[socket.socket]]
    serve_on: Callable[[socket.socket, Settings], None]
    tell: Callable[[str], None]


def register(commands: typer.Typer, service: Service) -> None:
    """Add the two commands."""

    @commands.command()
    def demo() -> None:
        """Fill an empty database with the demonstration programme: twelve months of invented returns."""
        settings = load_settings()
        with _ready(settings, service) as engine:
            fill(engine, now=datetime.now(UTC), keyring=Keyring(settings.signing_keys_folder))
        typer.echo(f"Programme {PROGRAMME} is there. `mainstem run` serves it, with keys to try it.")

    @commands.command()
    def run(
        port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on, or the next free one.")] = 8000,
    ) -> None:
        """Serve the demonstration on this machine, and print calls to try it with; a second run finds the same data."""
        settings = load_settings()
        with service.listening("127.0.0.1", port, or_next=True) as listener, _ready(settings, service) as engine:
            typer.echo(_welcome(engine, Keyring(settings.signing_keys_folder), f"http://127.0.0.1:{listener.getsockname()[1]}"))
            engine.dispose()
            service.serve_on(listener, settings)


@contextmanager
def _ready(settings: Settings, service: Service) -> Iterator[Engine]:
    with running(settings, progress=service.tell) as urls:
        migrate(urls.owner, application_url=urls.application, progress=service.tell)
        with service.fit_engine(settings) as engine:
            yield engine


def fill(engine: Engine, *, now: datetime, keyring: Keyring | None = None) -> None:
    """Tell the whole story into an empty database, or none of it; NotEmpty where it is not empty. Without a keyring nothing is published, and so nothing settled."""
    first = first_month(Month.of(now.astimezone(LONDON).date()))
    with open_session(engine, INSTALLATION) as session:
        actions.refuse_unless_empty(session, first)
    with open_session(engine, _WHOLE) as session:
        contract = actions.begin(session, first, actor=MACHINE)
        cast = actions.engage(session, first, actor=MACHINE)
        for act in track(acts(contract, first, until=now), f"inventing {MONTHS} months of returns", console=Console(stderr=True)):
            if act.deed not in {*PUBLISHING, *SETTLING}:
                actions.perform(session, contract, act, actor=cast.who(act), seed=SEED)
            elif keyring is not None:
                actions.bring_out(session, contract, act, actor=cast.who(act), keyring=keyring)
        session.commit()


def _welcome(engine: Engine, keyring: Keyring, base: str) -> str:
    with open_session(engine, INSTALLATION) as session:
        there = store.programmes(session)
    if not there:
        fill(engine, now=datetime.now(UTC), keyring=keyring)
    pages = f"\nReference pages: {base}/docs"
    if not there or PROGRAMME in there:
        return f"{pages}\n" + calls(engine, base, now=datetime.now(UTC))
    return f"{pages}\nThis database holds programmes of its own, so there is no demonstration in it; `mainstem client create` makes keys.\n"


def calls(engine: Engine, base: str, *, now: datetime) -> str:
    """Three calls to paste, and keys for everybody, made now; those of the last run are dead."""
    with open_session(engine, INSTALLATION) as session:
        keys = {person: actions.new_key(session, person, actor=MACHINE, now=now) for person in actions.PEOPLE}
        session.commit()
    with open_session(engine, _WHOLE) as session:
        month = load_contract(session, PROGRAMME).programme.first_month.plus(MONTHS - 1)
    integrator, hospice, commissioner = (keys.pop(person) for person in ("INTEGRATOR", "HOSPICE", "COMMISSIONER"))
    shown = f"INTEGRATOR={integrator} HOSPICE={hospice} COMMISSIONER={commissioner}"
    report = _CURL.format(key=integrator, base=base, path=f"/reports/{month}")
    owed = _CURL.format(key=hospice, base=base, path="/returns?status=expected")
    published = _CURL.format(key=commissioner, base=base, path="/publications/latest")
    return (
        f"\nAs the integrator, the consolidated report of {month}:\n  {report}\n"
        f"\nAs a hospice, what it owes:\n  {owed}\n"
        f"\nAs a commissioner, what was last published for it:\n  {published}\n"
        f"\nFor the README's month in the life:\n  export MAINSTEM={base} {shown} MONTH={month}\n"
        "\nAnd for everybody else in it: whoever publishes, settles, audits and lets others in:\n"
        f"  export {' '.join(f'{person}={key}' for person, key in keys.items())}\n"
        "\nCtrl-C stops. The keys are for this run; the next one makes new ones.\n"
    )
