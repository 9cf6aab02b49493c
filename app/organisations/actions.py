"""Reading and changing the shared register: allow, load, decide, save, audit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.db import audit, facts
from app.db.installation import advance, begin_changing_all, judged_at
from app.db.ledger import Recording, begin_recording, hold_ledger, open_ledger
from app.kernel.actors import EVERY, Actor
from app.kernel.refusals import Fault, Forbidden, NotFound
from app.organisations import store
from app.organisations.domain import Organisation, OrganisationKind, Succession, Version, refuse_circle
from app.organisations.store import ORGANISATIONS, SUCCESSIONS, organisation_rows, organisations


def conflicts(session: Session, lines: Sequence[Organisation]) -> list[Fault]:
    """Where lines say something that the register never said: a programme's document may add an organisation, never change one.

    What it said at some time is a document of then, which brings its programme back to what it was and leaves the register as it is.
    """
    registered = {organisation.ods_code: organisation for organisation in organisations(session, as_of=None)}
    return [
        Fault(
            "register_conflict",
            "The shared register says something else of this organisation, and always did; other programmes rely on it.",
            "Repeat the register's entry exactly, or leave the line out.",
            pointer=f"/organisations/{number}",
        )
        for number, line in enumerate(lines)
        if registered.get(line.ods_code, line) != line and not store.was_registered(session, line)
    ]


def add_new(session: Session, recording: Recording, lines: Sequence[Organisation]) -> facts.Changes:
    """Add the organisations that the register does not have yet, at the moment of the programme that brings them.

    The transaction holds the installation's ledger row, and the moment comes after all that was recorded there: no answer that the
    register has given changes. No other programme's does either, for nobody could name the organisation before.
    """
    registered = {organisation.ods_code for organisation in organisations(session, as_of=None)}
    new = [line for line in lines if line.ods_code not in registered]
    if new:
        facts.add(session, ORGANISATIONS, recording, organisation_rows(new), programme=None)
        advance(session, recording)
    return facts.Changes(added=tuple((line.ods_code,) for line in new))


@dataclass(frozen=True, slots=True)
class Registered:
    """An organisation as the register has it, with the links by which it goes on from others and others from it."""

    organisation: Organisation
    recorded_at: datetime
    predecessors: tuple[Succession, ...]
    successors: tuple[Succession, ...]


Expect = Callable[[Any], None]
"""Given what is there (None where nothing is), refuses where the caller had something else in mind."""


def organisations_after(
    session: Session,
    after: str | None,
    *,
    limit: int,
    kind: OrganisationKind | None,
    open_on: date | None,
    scheme: str | None,
    value: str | None,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[Organisation, ...]:
    """At most `limit` of the organisations asked for, by code, after one."""
    _may_read(actor)
    moment = judged_at(session, as_of, now=now)
    return store.organisations_after(session, after, limit=limit, kind=kind, open_on=open_on, scheme=scheme, value=value, as_of=moment)


def organisation(session: Session, code: str, *, actor: Actor, as_of: datetime | None, now: datetime) -> Registered:
    """An organisation as it stands or stood. NotFound where the register has or had none of this code."""
    _may_read(actor)
    found = _registered(session, code, as_of=judged_at(session, as_of, now=now))
    if found is None:
        raise _unknown()
    return found


def succession(session: Session, predecessor: str, successor: str, *, actor: Actor, as_of: datetime | None, now: datetime) -> Succession:
    """The link by which one organisation goes on from another. NotFound where there is or was none."""
    _may_read(actor)
    link = _link(session, predecessor, successor, as_of=judged_at(session, as_of, now=now))
    if link is None:
        raise _unknown()
    return link


def history(session: Session, code: str, *, actor: Actor) -> list[Version[Organisation] | Version[Succession]]:
    """Every version of an organisation and of the links to and from it, in the order in which they were recorded."""
    _may_read(actor)
    found = store.versions_of(session, code)
    if not found:
        raise _unknown()
    return sorted(found, key=lambda version: version.recorded.at)


def register(session: Session, line: Organisation, *, why: str, actor: Actor, now: datetime, expect: Expect) -> tuple[Registered, bool]:
    """Add an organisation to the register or change it; what it then says, and whether it is new. The same again changes nothing."""
    _hold_register(session, actor, now=now)
    before = _registered(session, line.ods_code, as_of=None)
    expect(before)
    if before is not None and before.organisation == line:
        return before, False
    key = (line.ods_code,)
    if before is None:
        # Nobody could name it before, so no programme's contract changes.
        recording = begin_recording(session, EVERY, actor=actor, now=now)
        action = "organisation.added"
    else:
        recording = begin_changing_all(session, actor=actor, now=now)
        facts.close(session, ORGANISATIONS, recording, [key], programme=None)
        action = "organisation.changed"
    facts.add(session, ORGANISATIONS, recording, organisation_rows([line]), programme=None)
    audit.record(
        session, recording, action, subject={"organisation": line.ods_code}, before=before and before.organisation, after=line, why=why
    )
    after = _registered(session, line.ods_code, as_of=None)
    assert after is not None
    return after, before is None


def link(session: Session, line: Succession, *, why: str, actor: Actor, now: datetime, expect: Expect) -> bool:
    """Let an organisation go on from another, or correct the days; whether the link is new. The same again changes nothing.

    NotFound where the register does not have both; SuccessionCircle.
    """
    _hold_register(session, actor, now=now)
    for code in (line.predecessor, line.successor):
        if store.organisation(session, code, as_of=None) is None:
            raise _unknown()
    before = _link(session, line.predecessor, line.successor, as_of=None)
    expect(before)
    if before == line:
        return False
    refuse_circle(line, store.successions(session, as_of=None))
    recording = begin_changing_all(session, actor=actor, now=now)
    if before is not None:
        facts.close(session, SUCCESSIONS, recording, [(line.predecessor, line.successor)], programme=None)
    facts.add(session, SUCCESSIONS, recording, facts.rows_of(SUCCESSIONS, [line]), programme=None)
    _record_link(session, recording, "succession.changed" if before else "succession.added", before, line, why=why)
    return before is None


def withdraw_link(
    session: Session, predecessor: str, successor: str, *, why: str, actor: Actor, now: datetime, expect: Expect
) -> Succession:
    """End a link that should not have been there, from now on in recorded time; what it said. NotFound where there is none."""
    _hold_register(session, actor, now=now)
    before = _link(session, predecessor, successor, as_of=None)
    if before is None:
        raise _unknown()
    expect(before)
    recording = begin_changing_all(session, actor=actor, now=now)
    facts.close(session, SUCCESSIONS, recording, [(predecessor, successor)], programme=None)
    _record_link(session, recording, "succession.withdrawn", before, None, why=why)
    return before


def _may_read(actor: Actor) -> None:
    """Whoever sees every subcontract may know every organisation; a subcontractor or commissioner must not learn who else there is."""
    require(actor, Permission.ORGANISATION_READ)
    if actor.subcontract != EVERY:
        raise Forbidden("The register names every organisation of every programme; only the integrator and auditors read it.")


def _hold_register(session: Session, actor: Actor, *, now: datetime) -> None:
    """Pass for whoever may change what all programmes share, and let nobody else change it until this transaction ends."""
    require(actor, Permission.ORGANISATION_WRITE)
    if actor.programme != EVERY:
        raise Forbidden("All programmes rely on the register: only an administrator of all of them changes it.")
    open_ledger(session, EVERY, now=now)
    hold_ledger(session, EVERY)


def _registered(session: Session, code: str, *, as_of: datetime | None) -> Registered | None:
    found = store.organisation(session, code, as_of=as_of)
    if found is None:
        return None
    links = store.links_of(session, code, as_of=as_of)
    return Registered(
        *found,
        predecessors=tuple(link for link in links if link.successor == code),
        successors=tuple(link for link in links if link.predecessor == code),
    )


def _link(session: Session, predecessor: str, successor: str, *, as_of: datetime | None) -> Succession | None:
    links = store.links_of(session, predecessor, as_of=as_of)
    return next((link for link in links if (link.predecessor, link.successor) == (predecessor, successor)), None)


def _record_link(
    session: Session, recording: Recording, action: str, before: Succession | None, after: Succession | None, *, why: str
) -> None:
    line = after or before
    assert line is not None, "a link is added, changed or withdrawn"
    subject: dict[str, str | int] = {"organisation": line.predecessor, "successor": line.successor}
    audit.record(session, recording, action, subject=subject, before=before, after=after, why=why)


def _unknown() -> NotFound:
    return NotFound("The register has nothing of that code here.")
