"""What people say about returns at a shell: `mainstem returns queries`, `answer`, `sign` and `compare`."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from app.client.calling import (
    AsJson,
    Caller,
    Collection,
    Month,
    as_written,
    asking,
    fail,
    to_do,
)
from app.client.mainstem import ReturnKey
from app.client.shown import queries_table
from app.kernel.moments import LONDON


def register(returns: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("queries", queries), ("answer", answer), ("sign", sign), ("compare", compare)):
        returns.command(name)(command)


@asking
def queries(
    caller: Caller,
    *,
    collection: Collection = None,
    month: Month = None,
    every: Annotated[bool, typer.Option("--all", help="Those too that are answered or closed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the questions about returns that wait for an answer, the first due first."""
    rows = _queries(caller, collection, month, is_open=None if every else True)
    if as_json:
        typer.echo(as_written(rows))
    elif rows:
        Console().print(queries_table(rows))
    else:
        typer.echo("Nothing is asked.")


@asking
def answer(
    caller: Caller,
    text: Annotated[str, typer.Argument(help="What is answered.")],
    *,
    collection: Collection = None,
    month: Month = None,
    number: Annotated[int | None, typer.Option("--query", help="The query's number; left out, the one that waits.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question about a return: the only one that waits, or the one that the options name."""
    found = [row for row in _queries(caller, collection, month, is_open=True if number is None else None) if number in {None, row["query"]}]
    row = _the_one(found, "questions wait" if number is None else "questions have this number", "collection, --month and --query")
    answered = caller.service.answer(_key(caller, row), row["query"], text)
    typer.echo(as_written(answered) if as_json else f"Query {row['query']} about {_words(row)} is answered.")


@asking
def sign(
    caller: Caller,
    revision: Annotated[int, typer.Argument(help="The revision that was looked at, as `status` lists it.", min=1)],
    *,
    collection: Collection = None,
    month: Month = None,
    statement: Annotated[str | None, typer.Option(help="In which words it is signed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a return off, as somebody else than who sent it: the only one that waits for it, or the one that the options name."""
    named = {"collection": collection, "subcontract": caller.subcontract, "month": month}
    if None in named.values():
        waiting = [row for row in to_do(caller, {"unsigned"}, month=month) if collection in {None, row["collection"]}]
        named = _the_one(waiting, "returns wait to be signed", "collection and --month")
    signed = caller.service.sign_off(_key(caller, named), revision=revision, statement=statement)
    state = "and accepted" if signed["status"] == "accepted" else "and waits for acceptance"
    typer.echo(as_written(signed) if as_json else f"Revision {revision} of {_words(named)} is signed {state}.")


@asking
def compare(caller: Caller, *, month: Month = None, as_json: AsJson = False) -> None:
    """Compare what subcontracts say of each other, of a month or of the last four, and ask both about what differs; for the integrator, once a day."""
    months = [month] if month is not None else last_months(datetime.now(LONDON), count=4)
    found = [caller.service.compare_handovers(caller.programme, each) for each in months]
    if as_json:
        typer.echo(as_written(found))
        return
    for each in found:
        typer.echo(
            f"{each['month']}: {each['beyond']} beyond tolerance, {each['raised']} asked about now, {each['settled']} settled;"
            f" {each['within']} agree, {each['awaited'] + each['not_stated']} wait for figures."
        )


def last_months(now: datetime, *, count: int) -> list[str]:
    """The months before this one, the latest last."""
    ordinal = now.year * 12 + now.month - 1
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in range(ordinal - count, ordinal)]


def _queries(caller: Caller, collection: str | None, month: str | None, *, is_open: bool | None) -> list[dict[str, Any]]:
    asked = caller.service.queries(caller.programme, is_open=is_open, month=month)
    return [row for row in asked if collection in {None, row["collection"]} and caller.subcontract in {None, row["subcontract"]}]


def _the_one(found: list[dict[str, Any]], what: str, options: str) -> dict[str, Any]:
    """The only one; none or several end the command, told which."""
    if len(found) != 1:
        which = "".join(f"\n  {_words(row)}" + (f", query {row['query']}" if "query" in row else "") for row in found)
        fail(f"{len(found) or 'No'} {what}{': say which with --' + options + '.' if found else '.'}{which}")
    return found[0]


def _key(caller: Caller, row: dict[str, Any]) -> ReturnKey:
    return ReturnKey(caller.programme, row["collection"], row["subcontract"], row["month"])


def _words(row: dict[str, Any]) -> str:
    return f"{row['collection']} of {row['subcontract']} for {row['month']}"
