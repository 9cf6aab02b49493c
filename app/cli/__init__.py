"""`mainstem`: what is loaded for a command, and how a command ends that is told to."""

import gc
import signal
import sys
from collections.abc import Callable
from typing import Final

import typer

OVER_HTTP: Final = frozenset({"returns", "receipt", "publication"})
"""The commands that need nothing of the service, which takes five times as long to load as all that they need."""
_STAY: Final = frozenset({"serve", "run"})
"""The commands that stay until they are told to end: without what commands over HTTP need they are smaller."""


def main() -> None:
    """Run the command that was asked for, with no more loaded than it takes."""
    # A terminated command ends like any other: the embedded server is stopped if nobody else uses it.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    # Most of what is loaded stays: the collector does not walk it again and again while it grows, nor when the command ends.
    gc.disable()
    run = _loaded(sys.argv[1] if len(sys.argv) > 1 else "")
    gc.freeze()
    gc.enable()
    run()


def _loaded(command: str) -> Callable[[], None]:
    if command in OVER_HTTP:
        return over_http()
    from app.cli import operators  # noqa: PLC0415 - commands over HTTP need nothing of the service, which is slow to load

    # The help names every command there is.
    return operators.run if command in _STAY else lambda: operators.run(beside=over_http())


def over_http() -> typer.Typer:
    """The commands of subcontractors and integrators."""
    from app.client import cli  # noqa: PLC0415 - a command that stays is smaller without what speaks HTTP to others

    commands = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    cli.register(commands)
    return commands


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)
