"""Proposing what a version of a measure says, by one person, and approving it, by another: allow, load, decide, save, audit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, SamePerson, require
from app.configuration.document import line_bytes
from app.configuration.nouns import NOUNS
from app.configuration.nouns_actions import Expect, LineApplied, put_line, withdraw_line
from app.db import audit, facts
from app.db.ledger import begin_recording, hold_ledger, last_recorded
from app.kernel.actors import Actor
from app.kernel.canonical import sha256
from app.kernel.refusals import Fault, Invalid, Kind, NotFound, Refusal
from app.measures import store
from app.measures.domain import Measure, MeasureProposal
from app.measures.faults import VersionKey
from app.measures.store import MEASURE_PROPOSALS
from app.phases.actions import NothingProposed

_MEASURES: Final = next(noun for noun in NOUNS if noun.section == "measures")


class ProposalOutdated(Refusal):
    """What the version says has changed since the proposal was made."""

    code: ClassVar[str] = "proposal_outdated"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The measure says something else since that was proposed"


@dataclass(frozen=True, slots=True)
class NewProposal:
    """What a version of a measure is to say, None where it is to be withdrawn; and why."""

    line: Measure | None
    reason: str


def read_proposals(
    session: Session, programme: str, after: tuple[str, int, int] | None, *, waiting: bool, limit: int, actor: Actor
) -> Sequence[MeasureProposal]:
    """What waits for approval and (unless only that is asked for) what was approved, by measure, version and number."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    last_recorded(session, programme)
    found = [each for each in store.proposals(session, programme) if each.state == "proposed" or not waiting]
    return [each for each in found if after is None or (each.measure, each.version, each.number) > after][:limit]


def read_proposal(session: Session, programme: str, key: VersionKey, *, actor: Actor) -> MeasureProposal:
    """The last proposal of a version."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    last_recorded(session, programme)
    return _proposed(session, programme, key)[-1]


def propose(session: Session, programme: str, key: VersionKey, new: NewProposal, *, actor: Actor, now: datetime) -> MeasureProposal:
    """Propose what a version says, as the document's rules allow it; another person approves it. It takes the place of one that waits.

    Refuses with every fault that bringing it into force would have, placed in `line`.
    """
    require(actor, Permission.CONFIGURATION_WRITE, programme=programme)
    tried = _tried(session, programme, key, new.line, actor=actor, now=now)
    before = None if tried.applied.before is None else _MEASURES.lines(tried.applied.before).get(key)
    if before == new.line:
        fault = Fault("nothing_changes", "The version says this already.", "Propose what it is to say instead.", pointer="/line")
        raise Invalid("This proposal changes nothing.", faults=[fault])
    hold_ledger(session, programme)
    recording = begin_recording(session, programme, actor=actor, now=now)
    waiting = [(*key, each.number) for each in store.proposals(session, programme, *key) if each.state == "proposed"]
    facts.close(session, MEASURE_PROPOSALS, recording, waiting, programme=programme)
    made = MeasureProposal(
        measure=key[0],
        version=key[1],
        number=store.last_proposal(session, programme, *key) + 1,
        state="proposed",
        line=new.line,
        replaces_sha256=None if before is None else sha256(line_bytes(before)),
        reason=new.reason,
        proposed_at=recording.at,
        proposed_by=recording.by,
        recorded_at=recording.at,
        recorded_by=recording.by,
    )
    facts.add(session, MEASURE_PROPOSALS, recording, [_row(made)], programme=programme)
    audit.record(session, recording, "measure.proposed", subject=_subject(made), before=before, after=made.line, why=made.reason)
    return made


def _proposed(session: Session, programme: str, key: VersionKey) -> Sequence[MeasureProposal]:
    """Everything that was proposed of a version, and something was."""
    found = store.proposals(session, programme, *key)
    if not found:
        raise NotFound("Nothing is proposed of this version of a measure here, or it is not yours.")
    return found


def _tried(session: Session, programme: str, key: VersionKey, line: Measure | None, *, actor: Actor, now: datetime) -> LineApplied:
    """A dry run of it."""
    try:
        return _brought(session, programme, key, line, actor=actor, now=now, expect=lambda _current: None, dry_run=True)
    except Invalid as refusal:
        faults = [each if each.pointer is None else replace(each, pointer=f"/line{each.pointer}") for each in refusal.faults]
        raise type(refusal)(refusal.detail, faults=faults) from None


def _brought(
    session: Session, programme: str, key: VersionKey, line: Measure | None, *, actor: Actor, now: datetime, expect: Expect, dry_run: bool
) -> LineApplied:
    if line is None:
        return withdraw_line(session, programme, _MEASURES, key, actor=actor, now=now, expect=expect, dry_run=dry_run, approved=key)
    return put_line(session, programme, _MEASURES, key, line, actor=actor, now=now, expect=expect, dry_run=dry_run, approved=key)


def approve(session: Session, programme: str, key: VersionKey, number: int, *, actor: Actor, now: datetime) -> MeasureProposal:
    """Bring into force what another person proposed. NotFound; NothingProposed; SamePerson; ProposalOutdated; and whatever a document is refused for."""
    require(actor, Permission.CONFIGURATION_WRITE, programme=programme)
    hold_ledger(session, programme, installation=True)
    found = _proposed(session, programme, key)
    made = next((each for each in found if (each.number, each.state) == (number, "proposed")), None)
    if made is None:
        raise NothingProposed(f"No proposal {number} of version {key[1]} of {key[0]} waits for approval.")
    if is_one_person(session, programme, made.proposed_by, made.proposed_at, actor=actor):
        raise SamePerson(
            f"Proposal {number} of version {key[1]} of {key[0]} was made by whoever would approve it: another person approves it."
        )

    def expect(current: bytes | None) -> None:
        if made.replaces_sha256 != (None if current is None else sha256(current)):
            raise ProposalOutdated(
                f"Version {key[1]} of {key[0]} says something else than when proposal {number} was made: propose it again."
            )

    _brought(session, programme, key, made.line, actor=actor, now=now, expect=expect, dry_run=False)
    recording = begin_recording(session, programme, actor=actor, now=now)
    facts.close(session, MEASURE_PROPOSALS, recording, [(*key, number)], programme=programme)
    approved = replace(made, state="approved", recorded_at=recording.at, recorded_by=recording.by)
    facts.add(session, MEASURE_PROPOSALS, recording, [_row(approved)], programme=programme)
    audit.record(session, recording, "measure.approved", subject=_subject(made), before=made, after=approved)
    return approved


def _row(made: MeasureProposal) -> dict[str, Any]:
    line = None if made.line is None else made.line.model_dump(by_alias=True)
    return facts.row_of(MEASURE_PROPOSALS, {**{name: getattr(made, name) for name in MeasureProposal.__slots__}, "line": line})


def _subject(made: MeasureProposal) -> dict[str, str | int]:
    return {"measure": made.measure, "version": made.version, "proposal": made.number}
