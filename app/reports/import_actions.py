"""The steps of recording, withdrawing and reading imports, and of setting returns beside them: allow, load, decide, save, audit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import begin_recording, hold_ledger
from app.kernel.actors import Actor
from app.kernel.canonical import digest
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, NotFound
from app.measures.domain import Measure
from app.reports import import_store as store
from app.reports.agreement import Agreement, agreement
from app.reports.imports import Import, Outcome, RecordedImport, faults_of, faults_of_rest, normal, outcomes, slice_of
from app.reports.month_actions import months_figures

MOST_FAULTS: Final = 1000

Partly = tuple[int, Import | None, Sequence[Fault]]
"""An import by its position: what could be read of it (None: nothing), and what is wrong with the rest."""


def record_imports(
    session: Session, programme: str, lines: Sequence[tuple[int, Import]], partly: Sequence[Partly], *, actor: Actor, now: datetime
) -> list[tuple[Import, Outcome]]:
    """Record imports by their positions in the request, or refuse them all with every fault, those of what could be read only in part among them.

    What is recorded already is not recorded again; where that is all, nothing is stored.
    """
    require(actor, Permission.IMPORT_RECORD, programme=programme)
    hold_ledger(session, programme)
    contract, found = load_contract(session, programme), list[Fault]()
    today = now.astimezone(LONDON).date()

    def refuse(position: int, fault: Fault) -> None:
        found.append(replace(fault, pointer=f"/imports/{position}{fault.pointer or ''}"))

    for position, line in lines:
        for fault in faults_of(line, contract, today=today):
            refuse(position, fault)
    for position, read, faults in partly:
        unread = [fault.pointer or "" for fault in faults]
        for fault in (*faults, *(() if read is None else faults_of_rest(read, contract, unread=unread, today=today))):
            refuse(position, fault)
    said = [(position, normal(line)) for position, line in lines]
    made = outcomes(said, store.held(session, programme, [line.name for _, line in said]), refuse)
    if found:
        more = Fault("more", f"There are {len(found) - MOST_FAULTS} more faults.", "Put these right and send it again.")
        raise Invalid(
            "The imports cannot be recorded; see errors.",
            faults=[*found[:MOST_FAULTS], more] if len(found) > MOST_FAULTS else found,
        )
    added, superseding = ([line for line, outcome in made if outcome == wanted] for wanted in ("added", "superseding"))
    if added or superseding:
        recording = begin_recording(session, programme, actor=actor, now=now)
        store.record(session, programme, added=added, superseding=superseding, recording=recording)
        details = {"added": len(added), "superseding": len(superseding)}
        names = digest(sorted(line.name for line in (*added, *superseding)))
        audit.record(
            session, recording, "imports.recorded", subject={"imports_sha256": names}, details=details, after=[*added, *superseding]
        )
    return made


def withdraw_import(
    session: Session, programme: str, name: str, *, expect: Callable[[RecordedImport], None], actor: Actor, now: datetime
) -> RecordedImport:
    """End an import, and give it as it stood. `expect` refuses where that is not what the caller read. NotFound where none stands."""
    require(actor, Permission.IMPORT_RECORD, programme=programme)
    hold_ledger(session, programme)
    held = [version for version in store.versions(session, programme, name, as_of=None) if version.closed_at is None]
    if not held:
        raise NotFound("There is no such import here, or it is not yours.")
    expect(held[0])
    recording = begin_recording(session, programme, actor=actor, now=now)
    store.withdraw(session, programme, [name], recording=recording)
    audit.record(session, recording, "import.withdrawn", subject={"import": name}, before=held[0])
    return held[0]


def list_imports(
    session: Session,
    programme: str,
    *,
    wanted: dict[str, str | Month],
    after: tuple[str, Month, str] | None,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[list[RecordedImport], datetime]:
    """A page of the imports as they stood, by measure, month and name; and the moment that was judged at."""
    require(actor, Permission.REPORT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    return store.listed(session, programme, wanted=wanted, after=after, limit=limit, as_of=moment), moment


def read_versions(
    session: Session, programme: str, name: str, *, actor: Actor, as_of: datetime | None, now: datetime
) -> list[RecordedImport]:
    """Every version of an import as it stood, the first one first. NotFound where there was none."""
    require(actor, Permission.REPORT_READ, programme=programme)
    found = store.versions(session, programme, name, as_of=resolve(session, programme, asked=as_of, now=now))
    if not found:
        raise NotFound("There is no such import here, or it is not yours.")
    return found


def find_import(session: Session, programme: str, name: str, *, actor: Actor, as_of: datetime | None, now: datetime) -> RecordedImport:
    """An import as it stood. NotFound where it did not stand."""
    last = read_versions(session, programme, name, actor=actor, as_of=as_of, now=now)[-1]
    if last.closed_at is not None:
        raise NotFound("There is no such import here, or it is not yours.")
    return last


def find_agreement(
    session: Session, programme: str, month: Month, *, tolerance: Decimal, actor: Actor, as_of: datetime | None, now: datetime
) -> tuple[list[Agreement], datetime, bool]:
    """Every import of a returned measure whose period ends in a month, beside the accepted figures of the same, by measure and name.

    Also the moment that was judged at, and whether results were stored on the way.
    """
    require(actor, Permission.REPORT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    lines = [(line, measure) for line in store.of_month(session, programme, month, as_of=moment) if (measure := _returned(contract, line))]
    if not lines:
        return [], moment, False
    slices = {slice_ for line, _ in lines if (slice_ := slice_of(line.place)) is not None}
    figures = months_figures(session, contract, [month], slices, as_of=moment)[month]
    results = {
        slice_: {
            (key.measure, key.site, key.commissioner, key.subcontract, key.category): each
            for each in figures.of(slice_)
            for key in [each.key]
        }
        for slice_ in slices
    }
    found = [
        agreement(contract, line, measure, results.get(slice_of(line.place) or "", {}), tolerance=tolerance) for line, measure in lines
    ]
    return found, moment, figures.computed


def _returned(contract: Contract, line: Import) -> Measure | None:
    """The version in force in an import's month, where it is returned."""
    measure = contract.measure(line.measure, line.month)
    return measure if measure is not None and measure.aggregation != "import_only" else None
