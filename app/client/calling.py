"""What the commands at a shell share: their options, the service that they call, and how they say that something cannot be."""

import contextlib
import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, NoReturn, ParamSpec

import typer
from rich.console import Console

from app.client.connection import Pause, Problem, Unreachable
from app.client.mainstem import Mainstem
from app.client.shown import faults_table

P = ParamSpec("P")

FAILED: Final = 1
FAULTS: Final = 3
WARNINGS: Final = 4

Url = Annotated[str, typer.Option("--url", envvar="MAINSTEM_URL", help="Where the service is.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", help="A file that holds the key; otherwise it is taken from MAINSTEM_KEY.", exists=True, dir_okay=False),
]
KeyText = Annotated[str | None, typer.Option("--key", envvar="MAINSTEM_KEY", hidden=True)]
Programme = Annotated[str | None, typer.Option(help="The programme's code; left out, the one that the key is for.")]
Subcontract = Annotated[str | None, typer.Option(help="The subcontract's reference; left out, the one that the key is for.")]
Collection = Annotated[str | None, typer.Option(help="The collection's code.")]
Month = Annotated[str | None, typer.Option(help="The return's month, such as 2026-10.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
HERE: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Caller:
    """The service as the holder of the key sees it, and what they asked about."""

    service: Mainstem
    programme: str
    subcontract: str | None


@contextlib.contextmanager
def calling(url: str, key: str | None, key_file: Path | None, *, programme: str | None, subcontract: str | None) -> Iterator[Caller]:
    """The service, ready to be asked; a refusal or silence ends the command with a sentence."""
    key = key_file.read_text().strip() if key_file else key
    if not url.startswith(("http://", "https://")):
        fail(f"{url} is no address: write it with http:// or https://, in MAINSTEM_URL or --url.")
    if not key:
        fail("Give the key: in the variable MAINSTEM_KEY, or in a file named by --key-file.")
    try:
        # What is waited for is said: a shell that is silent looks as if it had stopped.
        with Mainstem(url, key, pause=Pause(say=lambda sentence: typer.echo(sentence, err=True))) as service:
            own = service.who_am_i()
            programme = programme or own["programme"]
            if programme is None:
                fail("This key reaches every programme: say which with --programme.")
            yield Caller(service, programme, subcontract or own["subcontract"])
    except Problem as problem:
        if problem.status == HTTPStatus.UNAUTHORIZED:
            fail("The service does not know this key, or no longer: look at MAINSTEM_KEY or the file of --key-file.")
        tell_problem(problem)
        if problem.code == str(problem.status):
            fail(f"That is no answer of this service's. Is {url} where it is?")
        raise typer.Exit(FAILED) from None
    except Unreachable as silence:
        fail(f"{silence} Is {url} where the service is?")


def asking(command: Callable[Concatenate[Caller, P], None]) -> Callable[..., None]:
    """A command that is handed who calls: it takes its own options, and those that say where the service is, with which key, and about whom."""
    with_options: Callable[..., None] = command

    def run(
        *,
        url: Url = HERE,
        key: KeyText = None,
        key_file: KeyFile = None,
        programme: Programme = None,
        subcontract: Subcontract = None,
        **own: Any,
    ) -> None:
        with calling(url, key, key_file, programme=programme, subcontract=subcontract) as caller:
            with_options(caller, **own)

    shared = [each for each in inspect.signature(run).parameters.values() if each.kind is each.KEYWORD_ONLY]
    _, *taken = inspect.signature(command).parameters.values()
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {each.name: each.annotation for each in (*taken, *shared)}
    described: Any = run  # what the library of commands reads is no member that a function is known to have
    described.__signature__ = inspect.Signature([*taken, *shared])
    return run


def fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(FAILED)


def tell_problem(problem: Problem) -> None:
    errors = Console(stderr=True)
    errors.print(problem.detail, markup=False)
    if [fault["detail"] for fault in problem.errors] == [problem.detail]:
        errors.print(problem.errors[0]["fix"], markup=False)
    elif problem.errors:
        errors.print(faults_table(problem))


_MARK: Final = "\ue000"


def as_written(value: Any) -> str:
    """JSON with every digit of a decimal, as the number that it came as."""
    text = json.dumps(
        value, default=lambda figure: f"{_MARK}{figure}{_MARK}" if isinstance(figure, Decimal) else str(figure), ensure_ascii=False
    )
    return text.replace(f'"{_MARK}', "").replace(f'{_MARK}"', "")


def to_do(caller: Caller, kinds: set[str], *, month: str | None) -> list[dict[str, Any]]:
    """What is to be done of these kinds: by the caller's own subcontract, or by every one that owes a return of the month."""
    if caller.subcontract is None:
        owed = caller.service.returns(caller.programme, month=month)
        subcontracts = sorted({row["subcontract"] for row in owed})
    else:
        subcontracts = [caller.subcontract]
    return [
        {"subcontract": subcontract, **row}
        for subcontract in subcontracts
        for row in caller.service.due(caller.programme, subcontract)
        if row["to_do"] in kinds and month in {None, row["month"]}
    ]
