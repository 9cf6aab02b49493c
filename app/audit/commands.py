"""`mainstem audit verify`, `checkpoint` and `export`: for operators, and `verify --file` for anybody at all."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer
from sqlalchemy import Engine

from app.audit import checkpoint_actions as checkpoints
from app.audit import verify_actions as verifying
from app.audit.chains import Finding
from app.audit.exports import ExportCheck, Unreadable, closing_line, header_line
from app.audit.proofs import Keys, Statement, kept_in, without_chain
from app.db.session import TenantSession, open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.publications.key_actions import key_in_use
from app.publications.keys import Keyring
from app.publications.signatures import keys_of
from app.settings import CannotStart, Settings, load_settings
from app.web.intake import Malformed, parse

FITS_NOT: Final = 1
MOST_NAMED: Final = 100

ProgrammeOption = Annotated[str | None, typer.Option(help="The programme; left out, every chain there is.")]
FileOption = Annotated[Path | None, typer.Option(help="An export to check instead: no database is asked.", exists=True, dir_okay=False)]
KeptOption = Annotated[
    Path | None,
    typer.Option(help="Checkpoints that were kept elsewhere, one a line, to hold the record against.", exists=True, dir_okay=False),
]
KeysOption = Annotated[
    Path | None,
    typer.Option(help="Public keys that came another way, as a JSON Web Key Set: only these are believed.", exists=True, dir_okay=False),
]


@dataclass(frozen=True, slots=True)
class Lent:
    """What the command line lends: how to get an engine, also behind walls that are not as they were built, how to say what is being done, and the clock."""

    fit_engine: Callable[[Settings], AbstractContextManager[Engine]]
    proving_engine: Callable[[Settings], AbstractContextManager[tuple[Engine, list[str]]]]
    tell: Callable[[str], None]
    now: Callable[[], datetime]


def register(audits: typer.Typer, lent: Lent) -> None:
    """Add the three commands."""

    @audits.command()
    def verify(programme: ProgrammeOption = None, file: FileOption = None, keys: KeysOption = None, checkpoint: KeptOption = None) -> None:
        """Walk every chain and what hangs on it, and name the first row of each that does not fit; exit 1 where one does not."""
        trusted = None if keys is None else _keys_in(keys)
        kept = [] if checkpoint is None else _kept_in(checkpoint, programme)
        if file is None:
            clean = f"Every chain holds, and all that hangs on it fits{_counted(kept)}."
            _tell(_found(lent, programme, trusted, kept), clean)
        else:
            _verify_file(file, trusted, kept)

    @audits.command()
    def checkpoint(programme: ProgrammeOption = None) -> None:
        """Sign where each chain stands now, a line a chain; run it daily. Whoever keeps the lines is a witness: `verify --checkpoint` asks them."""
        settings, now = load_settings(), lent.now()
        with lent.fit_engine(settings) as engine:
            with open_session(engine, INSTALLATION) as session:
                key = key_in_use(session, Keyring(settings.signing_keys_folder), actor=MACHINE, now=now)
                session.commit()
            for chain in _chains(engine, programme):
                with _open(engine, chain) as session:
                    made = checkpoints.make_checkpoint(session, chain, key=key, actor=MACHINE, now=now)
                    session.commit()
                if made is not None:
                    typer.echo(made)

    @audits.command()
    def export(
        file: Annotated[Path, typer.Argument(help="Where to write it; - is standard output.", allow_dash=True)],
        programme: ProgrammeOption = None,
        *,
        overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")] = False,
    ) -> None:
        """Write the record as JSON lines that `mainstem audit verify --file` checks anywhere, with no service and no database."""
        with lent.proving_engine(load_settings()) as (engine, wrong), ExitStack() as stack:
            for sentence in wrong:
                lent.tell(sentence)
            out = sys.stdout.buffer if str(file) == "-" else stack.enter_context(_opened(file, overwrite=overwrite))
            events = 0
            for line in _lines(engine, _chains(engine, programme), lent):
                events += line.startswith(b'{"line":"event"')
                out.write(line)
            out.write(closing_line(events))


def _found(lent: Lent, programme: str | None, trusted: Keys | None, kept: list[Statement]) -> Iterator[Finding]:
    with lent.proving_engine(load_settings()) as (engine, wrong):
        yield from (Finding("database", "walls", sentence) for sentence in wrong)
        chains = _chains(engine, programme)
        for chain in chains:
            lent.tell(f"{chain}: walking the chain")
            with _open(engine, chain) as session:
                yield from verifying.verify_chain(session, chain, trusted=trusted, kept=kept, progress=lent.tell)
        yield from without_chain(kept, chains)


def _chains(engine: Engine, programme: str | None) -> list[str]:
    with open_session(engine, INSTALLATION) as session:
        known = verifying.chains(session)
    if programme is not None and programme not in known:
        raise CannotStart(f"There is no programme {programme} here.")
    return known if programme is None else [programme]


def _open(engine: Engine, chain: str) -> TenantSession:
    return open_session(engine, replace(INSTALLATION, programme=chain))


def _opened(file: Path, *, overwrite: bool) -> BinaryIO:
    try:
        return file.open("wb" if overwrite else "xb")
    except OSError as error:
        replaces = "; --overwrite replaces it" if isinstance(error, FileExistsError) else ""
        raise CannotStart(f"{file} cannot be written: {error.strerror}{replaces}.") from None


def _lines(engine: Engine, chains: list[str], lent: Lent) -> Iterator[bytes]:
    yield header_line(chains, at=lent.now())
    for chain in chains:
        lent.tell(f"{chain}: writing")
        with _open(engine, chain) as session:
            yield from checkpoints.chain_lines(session, chain)


def _verify_file(file: Path, trusted: Keys | None, kept: list[Statement]) -> None:
    check = ExportCheck(trusted, kept)
    try:
        with file.open("rb") as lines:
            _tell(check.findings(lines), "", quiet=True)
    except Unreadable as problem:
        raise CannotStart(f"{file.name} cannot be checked. {problem}") from None
    whose = (
        "the keys in the file itself, which prove nothing about whose they are: give others with --keys"
        if trusted is None
        else "the keys given"
    )
    typer.echo(f"The file holds: {check.events} events of {check.chains} chains, and signatures by {whose}{_counted(kept)}.")


def _tell(found: Iterable[Finding], clean: str, *, quiet: bool = False) -> None:
    """Name what does not fit, and end the command there; or say that all of it does."""
    number = 0
    for number, each in enumerate(found, start=1):  # counted to the end
        if number <= MOST_NAMED:
            typer.echo(f"{each.chain}: {each.row}: {each.wrong}")
    if number > MOST_NAMED:
        typer.echo(f"and {number - MOST_NAMED} more")
    if number:
        raise typer.Exit(FITS_NOT)
    if not quiet:
        typer.echo(clean)


def _counted(kept: list[Statement]) -> str:
    return f"; so {'does 1 kept checkpoint' if len(kept) == 1 else f'do {len(kept)} kept checkpoints'}" if kept else ""


def _kept_in(file: Path, programme: str | None) -> list[Statement]:
    """Kept checkpoints: of all chains, or of the one that is asked about."""
    try:
        with file.open("rb") as lines:
            kept = [each for each in kept_in(lines) if programme in {None, each["chain"]}]
    except ValueError as problem:
        raise CannotStart(f"{file.name} holds no checkpoints. {problem}") from None
    if not kept:
        raise CannotStart(f"{file.name} holds no checkpoint of {programme}.")
    return kept


def _keys_in(file: Path) -> dict[str, str]:
    try:
        return keys_of(parse(file.read_bytes()))
    except (Malformed, ValueError, KeyError, TypeError, AttributeError):
        raise CannotStart(f"{file.name} holds no public keys: a JSON Web Key Set is wanted.") from None
