"""Reading and changing one line of a programme's document: allow, load, and bring the document with the change into force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.actions import DeadlinePassed
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.configuration.actions import Applied, ConfigurationInvalid, bring_into_force
from app.configuration.differences import Key
from app.configuration.document import Document, document_of, line_bytes
from app.configuration.history import Version, versions
from app.configuration.nouns import Noun, StatusOn
from app.db.installation import programmes_known
from app.db.ledger import judged_at, last_recorded
from app.kernel.actors import Actor
from app.kernel.lines import Line
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, NotFound
from app.measures.faults import VersionKey
from app.programmes.domain import Programme
from app.programmes.store import programmes_after

Expect = Callable[[bytes | None], None]
"""Given the line in force as bytes (None where there is none), refuses where the caller had another one in mind."""


def read_lines(
    session: Session, programme: str, noun: Noun, asked: Mapping[str, Any], *, actor: Actor, as_of: datetime | None, now: datetime
) -> dict[Key, Line]:
    """The lines of a noun that answer every filter, by their keys and in that order, as they stood."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    if "status" in asked:
        # A status is of a day: where none is asked for, of the reader's own.
        asked = {**asked, "status": StatusOn(asked["status"], (as_of or now).astimezone(LONDON).date())}
    return noun.asked_for(load_contract(session, programme, as_of=moment), asked)


def read_programmes(
    session: Session,
    after: str | None,
    *,
    limit: int,
    prime: str | None,
    month: Month | None,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> list[Programme]:
    """The programmes that the caller reads, in the order of their codes, as they stood; of a prime, or whose term holds a month."""
    require(actor, Permission.CONFIGURATION_READ)
    if as_of is not None:
        for code in programmes_known(session):
            judged_at(session, code, as_of, now=now)
    found = programmes_after(session, after, as_of=as_of)
    asked = (each for each in found if prime in {None, each.prime} and (month is None or each.first_month <= month <= each.last_month))
    return list(islice(asked, limit))


def read_line(session: Session, programme: str, noun: Noun, key: Key, *, actor: Actor, as_of: datetime | None, now: datetime) -> bytes:
    """One line as it stood, in its normal form. A subcontract's client reads its own subcontract; NotFound for any other."""
    if noun.section == "subcontracts":
        require(actor, Permission.SUBCONTRACT_READ, programme=programme, subcontract=str(key[0]))
    else:
        require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    found = noun.lines(load_contract(session, programme, as_of=moment)).get(key)
    if found is None:
        raise _not_there(noun)
    return line_bytes(found)


def read_history(session: Session, programme: str, noun: Noun, key: Key, *, actor: Actor) -> list[Version]:
    """Every version of a line. NotFound where there never was one."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    last_recorded(session, programme)
    found = versions(session, programme, noun, key)
    if not found:
        raise _not_there(noun)
    return found


@dataclass(frozen=True, slots=True)
class LineApplied:
    """A line brought into force or withdrawn (or tried): its bytes, whether it is new, and what that made of the document."""

    content: bytes
    created: bool
    applied: Applied


def put_line(
    session: Session,
    programme: str,
    noun: Noun,
    key: Key,
    line: Line,
    *,
    actor: Actor,
    now: datetime,
    expect: Expect,
    dry_run: bool,
    approved: VersionKey | None = None,
) -> LineApplied:
    """Add a line to the document in force, or put it in the place of the one under its key."""
    own = noun.key_of(line)
    differing = [member for member, stated, asked in zip(noun.key, own, key, strict=True) if stated != asked]
    if differing:
        detail = f"The body is of another {noun.singular} than the address."
        raise Invalid(detail, faults=[Fault("key_differs", detail, "Let both name the same.", pointer=f"/{at}") for at in differing])
    return _change(session, programme, noun, key, line, actor=actor, now=now, expect=expect, dry_run=dry_run, approved=approved)


def withdraw_line(
    session: Session,
    programme: str,
    noun: Noun,
    key: Key,
    *,
    actor: Actor,
    now: datetime,
    expect: Expect,
    dry_run: bool,
    approved: VersionKey | None = None,
) -> LineApplied:
    """Take a line out of the document in force. Refused where something refers to it, or a revision depends on it."""
    return _change(session, programme, noun, key, None, actor=actor, now=now, expect=expect, dry_run=dry_run, approved=approved)


def _change(
    session: Session,
    programme: str,
    noun: Noun,
    key: Key,
    line: Line | None,
    *,
    actor: Actor,
    now: datetime,
    expect: Expect,
    dry_run: bool,
    approved: VersionKey | None,
) -> LineApplied:
    require(actor, Permission.CONFIGURATION_WRITE, programme=programme)
    own = ""
    current: Line | None = None

    def change(before: Contract | None) -> Document:
        nonlocal own, current
        if before is None:
            if not isinstance(line, Programme):
                raise NotFound("There is no programme of that code here, or it is not yours.")
            expect(None)
            own = "/programme"
            return Document(programme=line)
        current = noun.lines(before).get(key)
        if current is None and line is None:
            raise _not_there(noun)
        expect(None if current is None else line_bytes(current))
        edited, own = noun.edited(document_of(before), key, line)
        return edited

    try:
        applied = bring_into_force(session, programme, change, actor=actor, now=now, dry_run=dry_run, approved=approved)
    except (ConfigurationInvalid, DeadlinePassed) as refusal:
        raise type(refusal)(
            _of_line(refusal.detail), faults=[_placed(fault, None if line is None else own) for fault in refusal.faults]
        ) from None
    after = noun.lines(applied.after).get(key)
    stands = current if after is None else after
    assert stands is not None, "what is neither there nor put there is not found"
    if line is None and after is not None:
        # Whatever names a measure of the built-in catalogue brings it back.
        detail = f"The {noun.singular} is one of the built-in catalogue's, and something still names it by its code."
        fault = Fault("still_used", detail, "Let segments, collections and requirements no longer name it.")
        raise ConfigurationInvalid("The document cannot be brought into force; see errors.", faults=[fault])
    return LineApplied(line_bytes(stands), current is None, applied)


def _of_line(detail: str) -> str:
    return detail.replace("this document", "the document with this change").replace("The document", "The document with this change")


def _placed(fault: Fault, own: str | None) -> Fault:
    """A fault of the document as one of the line that was sent; what lies elsewhere keeps its place in the document, in words."""
    pointer = fault.pointer or ""
    if own is not None and (pointer == own or pointer.startswith(f"{own}/")):
        return replace(fault, pointer=pointer.removeprefix(own))
    return replace(fault, pointer="", detail=f"{fault.detail} (At {pointer} of the document with this change.)")


def _not_there(noun: Noun) -> NotFound:
    return NotFound(f"There is no {noun.singular} of that key here, or it is not yours.")
