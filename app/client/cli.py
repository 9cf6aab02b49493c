"""`mainstem returns …` and `mainstem receipt …`: a month's returns at a shell, over HTTP.

They end with 0 where all is done, 1 where it could not be, 3 where a return has faults, 4 where a warning waits for an explanation.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.client import talking
from app.client.calling import (
    FAILED,
    FAULTS,
    HERE,
    WARNINGS,
    AsJson,
    Caller,
    Collection,
    KeyFile,
    KeyText,
    Month,
    Url,
    as_written,
    asking,
    calling,
    fail,
    tell_problem,
    to_do,
)
from app.client.connection import Problem
from app.client.files import MEDIA_TYPES, key_in, name_of, read_receipt, receipt_beside
from app.client.findings import findings_of
from app.client.mainstem import CSV, NDJSON, ReturnKey
from app.client.publications import publications
from app.client.shown import due_table, local, results_table, returns_table, warnings_table

_ENDS: Final = (
    "It ends with 0 where all is done, 1 where it could not be, 3 where a return has faults, 4 where a warning waits for an explanation."
)

returns = typer.Typer(help=f"A month's returns, over HTTP. {_ENDS}", no_args_is_help=True)
receipts = typer.Typer(help="What proves that a return was received.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Filled-in returns: XLSX, CSV or JSON.", exists=True, dir_okay=False)]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    talking.register(returns)
    commands.add_typer(returns, name="returns")
    commands.add_typer(receipts, name="receipt")
    commands.add_typer(publications, name="publication")


def _show(rows: list[dict[str, Any]], *, as_json: bool, nothing: str) -> None:
    if as_json:
        typer.echo(as_written(rows))
    elif rows:
        Console().print(returns_table(rows))
    else:
        typer.echo(nothing)


@returns.command()
@asking
def due(caller: Caller, *, month: Month = None, as_json: AsJson = False) -> None:
    """List what is to be done, in plain words: returns to be sent, questions to be answered, revisions to be signed."""
    rows = to_do(caller, {"overdue", "open", "reopened", "queried", "unsigned"}, month=month)
    if as_json:
        typer.echo(as_written(rows))
    elif rows:
        Console().print(due_table(rows))
    else:
        typer.echo("Nothing is due.")


@returns.command()
@asking
def status(caller: Caller, *, collection: Collection = None, month: Month = None, as_json: AsJson = False) -> None:
    """List returns with where each stands."""
    rows = list(caller.service.returns(caller.programme, subcontract=caller.subcontract, collection=collection, month=month))
    if not rows and caller.subcontract is not None:
        # Of a subcontract that is not there, or not theirs, nothing is owed either: that is told, and is no good news.
        next(caller.service.due(caller.programme, caller.subcontract), None)
    _show(rows, as_json=as_json, nothing="No such return is owed.")


@returns.command()
@asking
def template(
    caller: Caller,
    *,
    collection: Collection = None,
    month: Month = None,
    form: Annotated[Literal["xlsx", "csv"], typer.Option("--format", help="A spreadsheet, or a plain table.")] = "xlsx",
    folder: Annotated[Path, typer.Option("--folder", help="Where to put the files.", file_okay=False)] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")] = False,
) -> None:
    """Fetch what is to be filled in: a file for each return that is to be sent, or sent anew; or for the one that is named, wherever it stands."""
    if collection is not None and month is not None and caller.subcontract is not None:
        keys = [ReturnKey(caller.programme, collection, caller.subcontract, month)]
    else:
        rows = to_do(caller, {"overdue", "open", "reopened", "queried"}, month=month)
        keys = [
            ReturnKey(caller.programme, row["collection"], row["subcontract"], row["month"])
            for row in rows
            if collection in {None, row["collection"]}
        ]
    if not keys:
        fail("No such return is still to be sent; to send one anew, name it with --collection and --month (and --subcontract).")
    folder.mkdir(parents=True, exist_ok=True)
    for name in keys:
        file = folder / name_of(name, f".{form}")
        if file.exists() and not overwrite:
            typer.echo(f"{file} is there already; --overwrite replaces it.", err=True)
            continue
        file.write_bytes(caller.service.template(name, form=form))
        typer.echo(str(file))


@returns.command()
@asking
def check(caller: Caller, files: Files, *, collection: Collection = None, month: Month = None, as_json: AsJson = False) -> None:
    """Say what the service would say to a file, and keep nothing."""
    _send_all(files, caller, collection, month, as_json=as_json, dry_run=True)


@returns.command()
@asking
def submit(caller: Caller, files: Files, *, collection: Collection = None, month: Month = None, as_json: AsJson = False) -> None:
    """Submit files; the receipt of each is kept beside it. Which return a file is, its name or the options say."""
    _send_all(files, caller, collection, month, as_json=as_json, dry_run=False)


@returns.command()
@asking
def backfill(
    caller: Caller,
    file: Annotated[
        Path,
        typer.Argument(
            help="Many returns: lines of JSON (.ndjson), or CSV, as which a spreadsheet is saved first.", exists=True, dir_okay=False
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Submit many months and subcontracts from one file; run again with the same file, it goes on where it was broken off."""
    media_type = {".ndjson": NDJSON, ".jsonl": NDJSON, ".csv": CSV}.get(file.suffix.lower())
    if media_type is None:
        fail(f"{file}: a backfill is a file that ends in .ndjson or .csv; save a spreadsheet as CSV (UTF-8) first.")
    with file.open("rb") as content:
        # The same file is the same backfill.
        name = hashlib.file_digest(content, "sha256").hexdigest()
        with Console(stderr=True).status(f"sending {file}"):
            made = caller.service.backfill(caller.programme, file, media_type=media_type, idempotency_key=name)
        refused, warned = (
            list(caller.service.backfill_results(caller.programme, made["backfill"], outcome=outcome))
            for outcome in ("refused", "received_with_warnings")
        )
    if as_json:
        typer.echo(as_written({"backfill": made, "refused": refused, "received_with_warnings": warned}))
    else:
        typer.echo(
            f"{made['entries']} returns: {made['received']} received, {made['received_with_warnings']} with warnings,"
            f" {made['duplicate']} were there already, {made['refused']} refused."
        )
        if refused or warned:
            Console().print(results_table([*refused, *warned]))
    if refused:
        raise typer.Exit(FAULTS)
    if warned:
        raise typer.Exit(WARNINGS)


def _send_all(files: list[Path], caller: Caller, collection: str | None, month: str | None, *, as_json: bool, dry_run: bool) -> None:
    """Send each file; one that is refused keeps none of the others back. Ends with the worst that happened."""
    named = [(file, _key_of(file, caller, collection, month)) for file in files]
    if len({key for _, key in named}) < len(named):
        fail("Two of these files are of one return: send the one that is meant.")
    worst = 0
    results: list[dict[str, Any]] = []
    for file, key in track(named, "sending", console=Console(stderr=True), disable=len(named) == 1 or as_json, transient=True):
        content = file.read_bytes()
        try:
            receipt = caller.service.submit(key, content, media_type=MEDIA_TYPES[file.suffix.lower()], file_name=file.name, dry_run=dry_run)
        except Problem as problem:
            worst = max(worst, FAULTS if problem.status == 422 else FAILED)
            results.append({"file": str(file), "code": problem.code, "detail": problem.detail, "errors": problem.errors})
            if not as_json:
                typer.echo(f"{file}: {'would be' if dry_run else 'was'} refused.", err=True)
                tell_problem(problem)
            continue
        # Of what was there already, the first receipt stays.
        if not dry_run and (receipt["duplicate_of"] is None or not receipt_beside(file).exists()):
            receipt_beside(file).write_text(as_written(receipt))
        unexplained = any(not warning["explained"] for warning in receipt["warnings"])
        worst = max(worst, WARNINGS if unexplained else 0)
        results.append({"file": str(file), "receipt": receipt})
        if not as_json:
            _tell_receipt(file, receipt, dry_run=dry_run)
    if as_json:
        typer.echo(as_written(results))
    if worst:
        raise typer.Exit(worst)


def _key_of(file: Path, caller: Caller, collection: str | None, month: str | None) -> ReturnKey:
    if file.suffix.lower() not in MEDIA_TYPES:
        fail(f"{file}: a return is a file that ends in {', '.join(MEDIA_TYPES)}.")
    found = key_in(file, caller.programme)
    said = {"collection": collection, "subcontract": caller.subcontract, "month": month}
    if found is None:
        if None in said.values():
            fail(
                f"{file}: the name does not say which return this is: give --collection, --month and (unless the key is for one)"
                " --subcontract."
            )
        return ReturnKey(caller.programme, **{name: str(value) for name, value in said.items()})
    for name, value in said.items():
        if value not in {None, getattr(found, name)}:
            fail(f"{file}: the file's name says another {name} than was asked for. Rename the file, or leave the option out.")
    return found


def _tell_receipt(file: Path, receipt: dict[str, Any], *, dry_run: bool) -> None:
    key = receipt["return"]
    what = f"{key['collection']} of {key['subcontract']} for {key['month']}"
    if dry_run:
        typer.echo(f"{file}: {what} would be received ({receipt['timeliness'].replace('_', ' ')}).")
    elif receipt["duplicate_of"] is not None:
        kept = "these very bytes are kept" if receipt["sent_sha256"] == receipt["sha256"] else "these bytes are not kept"
        typer.echo(f"{file}: {what} is what revision {receipt['duplicate_of']} says already; nothing was stored, and {kept}.")
    else:
        state = "accepted" if receipt["status"] == "accepted" else "received, and waits for acceptance"
        when = local(receipt["received_at"])
        typer.echo(f"{file}: {what}, revision {receipt['revision']}, {state}; {when}, {receipt['timeliness'].replace('_', ' ')}.")
    if receipt["by_rest"]:
        typer.echo(f"{len(receipt['by_rest'])} cells were stated by the rest.")
    if receipt["warnings"]:
        Console().print(warnings_table(receipt))


@receipts.command()
def verify(
    file: Annotated[
        Path, typer.Argument(help="A submitted file with its receipt beside it, or a receipt.", exists=True, dir_okay=False, readable=True)
    ],
    *,
    url: Url = HERE,
    key: KeyText = None,
    key_file: KeyFile = None,
    sent: Annotated[Path | None, typer.Option(help="The file that a receipt is of.", exists=True, dir_okay=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show that a return was received as its receipt says, and that these are the bytes that were sent."""
    receipt = read_receipt(file)
    if receipt is None:
        sent, receipt = file, read_receipt(receipt_beside(file))
    if receipt is None:
        fail(f"{file} is no receipt, and none is beside it ({receipt_beside(file).name}).")
    named = ReturnKey(**receipt["return"])
    with calling(url, key, key_file, programme=named.programme, subcontract=named.subcontract) as caller:
        findings = findings_of(receipt, sent, lambda: caller.service.revision(named, receipt["revision"]))
    if as_json:
        typer.echo(as_written({"verified": all(holds for _, holds in findings), "findings": dict(findings)}))
    else:
        table = Table("what was looked at", "holds")
        for what, holds in findings:
            table.add_row(what, "yes" if holds else "NO")
        Console().print(table)
    if not all(holds for _, holds in findings):
        raise typer.Exit(FAILED)
