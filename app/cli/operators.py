"""Operators' commands, calling the same actions as HTTP; whatever fails is one sentence and exit code 1."""

import contextlib
import errno
import gc
import json
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, exc

from app.access import actions as access
from app.access.domain import Permission, Role, has_itself
from app.audit import commands as audit
from app.cli import personal
from app.cli.backup import backups
from app.cli.core import keep_to_one_core
from app.configuration.actions import apply_configuration, programme_named
from app.configuration.scope_actions import scope_is_there
from app.configuration.yaml_file import YamlFile
from app.db.embedded import is_there, running
from app.db.engine import make_engine
from app.db.installation import programmes_known
from app.db.schema import database_sentence, head, log_problems, migrate, start_findings, start_problems
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.demo import cli as demo
from app.kernel.actors import MACHINE
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.refusals import Fault, Refusal
from app.main import create_app
from app.publications import key_actions as signing
from app.publications.keys import Keyring
from app.reports import audit_actions as figures
from app.settings import PREFIX, CannotStart, Settings, load_settings, unknown_variables
from app.web.connections import server_config
from app.web.proxy import nginx_configuration

PORTS_TRIED: Final = 50
SWITCH_SECONDS: Final = 0.002
"""Who holds a lock in the database waits this long for another request's thread after each statement; Python's 5 ms would add up."""
COLLECT_AFTER: Final = 10_000
"""The collector looks for rings after so many new objects: a thousand cells are a few thousand, and Python's 700 would walk them again and again."""

commands = typer.Typer(name="mainstem", help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
audits = typer.Typer(help="Whether what is kept is what it must be.", no_args_is_help=True)
commands.add_typer(audits, name="audit")
commands.add_typer(backups, name="backup")
clients = typer.Typer(help="Who may call the service, and with which keys.", no_args_is_help=True)
signing_keys = typer.Typer(help="The keys that publications are signed with.", no_args_is_help=True)
commands.add_typer(clients, name="client")
commands.add_typer(signing_keys, name="signing-key")
personal.register(commands)


def run(*, beside: typer.Typer | None = None) -> None:
    """Run the command that was asked for, of these or of others beside them; an expected failure is a sentence, never a traceback."""
    if beside is not None:
        commands.add_typer(beside)
    try:
        commands()
    except CannotStart as problem:
        _fail(str(problem))
    except Refusal as refusal:
        # A short refusal tells its faults in its own sentence.
        faults = [fault for fault in refusal.faults if fault.detail not in refusal.detail]
        _fail("\n".join([refusal.detail, *(f"{_place(fault)} {fault.detail} {fault.fix}".strip() for fault in faults)]))
    except exc.DBAPIError as error:
        _fail(database_sentence(error))


def _place(fault: Fault) -> str:
    line = "" if fault.line is None else f"line {fault.line}, column {fault.column}:"
    return f"{line} {fault.pointer or ''}".strip()


def _fail(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(1)


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise typer.BadParameter("write a month as 2026-10") from None


def tell(sentence: str) -> None:
    """What is being done, for whoever watches: standard output is kept for results."""
    print(f"… {sentence}", file=sys.stderr)


@contextlib.contextmanager
def proving_engine(settings: Settings) -> Iterator[tuple[Engine, list[str]]]:
    """An engine as the application's role, and what is wrong with the walls: that stops nobody who proves what is kept behind them."""
    with running(settings, progress=tell) as urls:
        engine = make_engine(urls.application, settings)
        try:
            found = start_findings(engine)
            sentences = [each.sentence for each in found]
            if not all(each.about_walls for each in found):
                raise CannotStart("\n".join(sentences))
            yield engine, sentences
        finally:
            engine.dispose()


@contextlib.contextmanager
def fit_engine(settings: Settings) -> Iterator[Engine]:
    """An engine as the application's role, on a database that the service may work on; or the sentences that say why not."""
    with proving_engine(settings) as (engine, wrong):
        if wrong:
            raise CannotStart("\n".join(wrong))
        yield engine


@commands.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes any free one.")] = 8000,
    or_next: Annotated[bool, typer.Option("--or-next", hidden=True, help="Take the next free port where that one is taken.")] = False,
) -> None:
    """Serve until SIGTERM or Ctrl-C, which let the requests in flight finish."""
    settings = load_settings()
    with listening(host, port, or_next=or_next) as listener, fit_engine(settings):
        serve_on(listener, settings)


@contextlib.contextmanager
def listening(host: str, port: int, *, or_next: bool) -> Iterator[socket.socket]:
    """A socket bound to the port, or to the first free one after it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS_TRIED, 65_536) if or_next else port + 1):
        # The protocol is named: only then does asyncio send small packets at once, and an answer not wait 40 ms for its reader's receipt.
        with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, candidate))
                listener.listen(1)  # Two may bind to one port; only one may listen.
            except OSError as error:
                reason = error.strerror or str(error)
                option = "--port" if error.errno in {errno.EADDRINUSE, errno.EACCES} else "--host"
                continue
            yield listener
            return
    raise CannotStart(f"Mainstem cannot listen on {host}, port {port}: {reason}. Choose another with {option}.")


def serve_on(listener: socket.socket, settings: Settings, *, application: FastAPI | None = None) -> None:
    """Serve on a bound socket until a signal ends it: the service, or an application that has it in it."""
    config = server_config(application or create_app(settings), settings)
    server = uvicorn.Server(config)
    sys.setswitchinterval(SWITCH_SECONDS)
    # What is here now stays: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    keep_to_one_core()
    host, port = listener.getsockname()[:2]
    tell(f"serving on http://{f'[{host}]' if ':' in host else host}:{port}")
    # Once it has shut down, uvicorn raises the signal anew for whoever was listening before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if not server.started:
        raise CannotStart("The service did not start; the lines above say why.")


@commands.command(name="migrate")
def migrate_command() -> None:
    """Bring the database's schema to what this program works on."""
    settings = load_settings()
    with running(settings, progress=tell) as urls:
        migrate(urls.owner, application_url=urls.application, progress=tell)
    print(f"The schema is at {head()}.")


@commands.command(name="apply")
def apply_command(
    file: Annotated[
        Path, typer.Argument(help="The programme's document in YAML (JSON is YAML).", exists=True, dir_okay=False, readable=True)
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Bring a programme to what its document says; faults come with line and column."""
    document, settings = YamlFile(file.read_bytes()), load_settings()
    if dry_run and not is_there(settings):
        raise CannotStart(
            f"There is no database in {settings.data}, and a dry run makes none: `mainstem apply` works on the installation's own database,"
            " which MAINSTEM_DATA or MAINSTEM_DATABASE_URL names."
        )
    # What says something twice is judged to its end, for all its faults, and never brought into force.
    tried = dry_run or bool(document.faults)
    try:
        programme = programme_named(document.value)
        with fit_engine(settings) as engine, open_session(engine, replace(INSTALLATION, programme=programme)) as session:
            # An operator at the machine means the document to be the truth, whatever is in force.
            applied = apply_configuration(
                session, programme, document.value, actor=MACHINE, now=datetime.now(UTC), expect=lambda _current: None, dry_run=tried
            )
            if not tried:
                session.commit()
    except Refusal as refusal:
        if document.faults:
            raise document.refused(refusal.faults) from None
        raise type(refusal)(refusal.detail, faults=[document.located(fault) for fault in refusal.faults]) from None
    if document.faults:
        raise document.refused(())
    table = Table("noun", "added", "changed", "withdrawn")
    for noun, changes in applied.changes.items():
        if changes:
            table.add_row(noun, str(len(changes.added)), str(len(changes.changed)), str(len(changes.withdrawn)))
    if table.row_count:
        Console().print(table)
    verb = "would be" if dry_run else "is"
    print(
        f"Programme {programme} {verb} what {file.name} says."
        if table.row_count
        else f"Programme {programme} is what {file.name} says already."
    )


@commands.command()
def doctor() -> None:
    """Say in a sentence each what is wrong with this installation; nothing is made or changed."""
    findings = [f"{name} is not a setting; `mainstem settings` lists them." for name in unknown_variables()]
    try:
        settings = load_settings()
        if not is_there(settings):
            raise CannotStart(f"There is no database in {settings.data} yet: run `mainstem migrate`.")
        with running(settings, progress=tell) as urls:
            engine = make_engine(urls.application, settings)
            problems = start_problems(engine)
            findings += problems or log_problems(engine)
            engine.dispose()
    except CannotStart as problem:
        findings.append(str(problem))
    print(
        "\n".join(findings)
        or "Nothing is wrong: the database answers, its schema is at head with its walls as they were built, and the role is safe."
    )
    sys.exit(1 if findings else 0)


@commands.command(name="settings")
def settings_command() -> None:
    """List every setting with its value here and its reason."""
    settings = load_settings()
    table = Table("variable", "value", "reason")
    table.columns[0].no_wrap = True
    table.columns[1].overflow = "fold"
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        table.add_row(PREFIX + name.upper(), "" if value is None else str(value), field.description)
    Console().print(table)


@commands.command(name="nginx-conf")
def nginx_conf(
    name: Annotated[str, typer.Argument(help="The name that callers know the service by.")],
    *,
    certificate: Annotated[Path, typer.Option(help="The file of its certificate and whatever vouches for it.")],
    key: Annotated[Path, typer.Option(help="The file of its private key.")],
    upstream: Annotated[str, typer.Option(help="Where the service listens.")] = "127.0.0.1:8000",
    listen: Annotated[str, typer.Option(help="Where nginx listens: a port, or an address with one.")] = "443",
) -> None:
    """Print a configuration for nginx in front of the service: TLS, slow clients, the service's own limits."""
    print(nginx_configuration(load_settings(), name=name, certificate=certificate, key=key, upstream=upstream, listen=listen), end="")


@clients.command(name="create")
def create_client(
    name: Annotated[str, typer.Argument(help="What people call the client.")],
    *,
    role: Annotated[Role, typer.Option(help="What it may do.")],
    programme: Annotated[
        str | None, typer.Option(help="The programme that it works in; left out, an administrator or auditor reaches all.")
    ] = None,
    subcontract: Annotated[str | None, typer.Option(help="The subcontract that a preparer or approver works for.")] = None,
    commissioner: Annotated[str | None, typer.Option(help="The ODS code of a commissioner's own client.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help='Print {"id", "key"} for a program to read.')] = False,
) -> None:
    """Make a client and print its key, which is shown this once."""
    with fit_engine(load_settings()) as engine, open_session(engine, INSTALLATION) as session:
        made, key = access.create_client(
            session,
            name=name,
            role=role.value,
            programme=programme,
            subcontract=subcontract,
            commissioner=commissioner,
            actor=MACHINE,
            now=datetime.now(UTC),
        )
        if programme is not None and not scope_is_there(session, programme, subcontract=subcontract, commissioner=commissioner):
            if not has_itself(role, Permission.CONFIGURATION_WRITE):
                raise CannotStart(
                    f"There is no programme {programme} here: apply its document first (`mainstem apply`), or correct the code."
                    " Before its programme only who sets it up is made: an administrator or a contract manager."
                )
            tell(f"There is no programme {programme} yet: the client can do nothing but set it up under this code.")
        session.commit()
    print(json.dumps({"id": made, "key": key}) if as_json else f"client {made}\nkey    {key}\nThe key is shown this once: keep it safe.")


@audits.command(name="figures")
def audit_figures(
    programme: Annotated[str | None, typer.Option(help="The programme; left out, every one.")] = None,
    month: Annotated[Month | None, typer.Option(parser=_month, metavar="YYYY-MM", help="The month; left out, every one.")] = None,
) -> None:
    """Compute every stored figure again from raw cells, and name what differs; exit 1 where anything does."""
    mismatches, clean = Table("programme", "month", "slice", "period", "place", "stored", "recomputed"), True
    with fit_engine(load_settings()) as engine:
        with open_session(engine, INSTALLATION) as session:
            programmes = [programme] if programme is not None else programmes_known(session)
        for code in programmes:
            with open_session(engine, replace(INSTALLATION, programme=code)) as session:
                found = figures.audit_figures(
                    session,
                    code,
                    month=month,
                    actor=MACHINE,
                    now=datetime.now(UTC),
                    progress=tell,
                )
                session.commit()
            for each in found.mismatches:
                period = each.period or "result"
                mismatches.add_row(
                    code, str(each.month), each.slice, period, each.place, each.stored or "nothing", each.recomputed or "nothing"
                )
            clean = clean and found.is_clean
            print(
                f"Programme {code}: {found.checked} stored parts were computed again, {len(found.mismatches)} places differ, the inputs of"
                f" {found.untraceable} cannot be found again; {found.of_other_methods} of other methods are served no more."
            )
    if mismatches.row_count:
        Console(width=200).print(mismatches)
    sys.exit(0 if clean else 1)


audit.register(audits, audit.Lent(fit_engine=fit_engine, proving_engine=proving_engine, tell=tell, now=lambda: datetime.now(UTC)))
demo.register(commands, demo.Service(fit_engine=fit_engine, listening=listening, serve_on=serve_on, tell=tell))


@clients.command(name="revoke")
def revoke_client(client_id: Annotated[str, typer.Argument(metavar="ID", help="The client's id, as `client create` printed it.")]) -> None:
    """End a client: none of its keys is accepted from the next second on."""
    with fit_engine(load_settings()) as engine, open_session(engine, INSTALLATION) as session:
        access.revoke_client(session, client_id, actor=MACHINE, now=datetime.now(UTC))
        session.commit()
    print(f"Client {client_id} is revoked.")


@signing_keys.command(name="rotate")
def rotate_signing_key() -> None:
    """Make a new signing key and let it sign from now on; what was signed before stays proven by the key that signed it."""
    settings = load_settings()
    with fit_engine(settings) as engine, open_session(engine, INSTALLATION) as session:
        made = signing.rotate(session, Keyring(settings.signing_keys_folder), actor=MACHINE, now=datetime.now(UTC))
        session.commit()
    print(f"Key {made} signs from now on; its private half is a file in {settings.signing_keys_folder}: keep a copy of it.")


@signing_keys.command(name="list")
def list_signing_keys() -> None:
    """List every key that anything was ever signed with, the newest first, and whether its private half is on this machine."""
    settings = load_settings()
    keyring = Keyring(settings.signing_keys_folder)
    with fit_engine(settings) as engine, open_session(engine, INSTALLATION) as session:
        keys = signing.list_keys(session)
    table = Table("key", "made", "retired", "private half here")
    for key in keys:
        retired = "" if key.retired_at is None else moment_text(key.retired_at)
        table.add_row(key.key_id, moment_text(key.recorded_at), retired, "no" if keyring.private(key.key_id) is None else "yes")
    Console().print(table)
