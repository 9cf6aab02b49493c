"""Submitting returns: allow, load, decide, save, audit."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.deadlines import months_of_period
from app.calendar.domain import Collection
from app.calendar.expected import ReturnKey, closed_throughout
from app.calendar.store import contract_of
from app.db import audit
from app.db.ledger import Recording, begin_recording, last_recorded, lock_key
from app.db.session import back_to_mark, mark
from app.db.turns import turn
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import sha256
from app.kernel.moments import LONDON, TICK
from app.returns import domain, files_store, review_store, store
from app.returns.domain import Act, Deadlines, ReturnState, Status, deadlines_of
from app.returns.expectation import ExpectedReturn
from app.returns.formats import read_sent
from app.returns.history import earlier_of
from app.returns.intake import ReturnInvalid, read_submission
from app.returns.looking_back import NOTHING_EARLIER
from app.returns.read_actions import owed
from app.returns.store import NewRevision, Received, Standing
from app.returns.submission import CellChange, CellWarning, Submission, changed_cells, digest
from app.returns.tables import Stated


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission. `revision` and `received_at` are None for a dry run; `changes` for a first revision.

    Of a duplicate nothing is kept, its bytes neither: all but `sent_sha256` is of the revision that it repeats.
    """

    programme: str
    key: ReturnKey
    submission: Submission
    state: ReturnState
    deadlines: Deadlines
    revision: int | None
    duplicate_of: int | None
    changes: tuple[CellChange, ...] | None
    submitted_sha256: str
    received_at: datetime | None
    first_at: datetime
    latest_at: datetime
    submitted_by: str
    submitted_as: str
    sent_sha256: str
    rehearsed: "Rehearsed | None" = None

    @property
    def since(self) -> int:
        """The revision that `changes` compares with."""
        return self.state.latest_revision - (self.duplicate_of is None)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The revision of a dry run, as far as the transaction goes: whoever reads on in it sees its cells, and nobody keeps it."""

    revision_id: int
    number: int
    content_sha256: str
    expected_sha256: str


@dataclass(frozen=True, slots=True)
class _Sent:
    """A submission as it came."""

    programme: str
    key: ReturnKey
    stated: Stated
    content: bytes
    sha256: str
    media_type: str
    file_name: str | None
    actor: Actor

    @property
    def submitted_as(self) -> str:
        return "integrator" if self.actor.subcontract == EVERY else "subcontract"


@dataclass(frozen=True)
class _Valid:
    """A submission that was found valid against a contract."""

    sent: _Sent
    expected: ExpectedReturn
    submission: Submission

    @cached_property
    def content_sha256(self) -> str:
        return digest(self.submission)

    @property
    def collection(self) -> Collection:
        return self.expected.contract.collection[self.sent.key.collection]

    @property
    def deadlines(self) -> Deadlines:
        return deadlines_of(self.collection, self.sent.key.month, self.expected.contract.days)

    def judged(self, at: datetime) -> "_Valid":
        """The same as it stands at the moment at which it is received: of a month that has not begun, or not ended, it is said."""
        stated, month, day = self.submission, self.sent.key.month, at.astimezone(LONDON).date()
        first = months_of_period(month, self.collection.every)[0]
        if day < first.first_day:
            early = CellWarning("month_not_begun", stated.foremost.key, explained=True, severity="info", names=(("month", str(first)),))
        elif stated.nil or day > month.last_day:
            return self
        else:
            early = CellWarning("month_not_over", stated.cells[0].key, explained=True, severity="info", names=(("month", str(month)),))
        return replace(self, submission=replace(stated, warnings=(*stated.warnings, early)))

    def repeats(self, before: Received | None) -> bool:
        return before is not None and before.latest_content_sha256 == self.content_sha256


@dataclass(frozen=True, slots=True)
class _Laid:
    """A revision's cells that are laid down, and what they change since the last revision."""

    revision_id: int
    changes: tuple[CellChange, ...] | None
    content_sha256: str


def submit(
    session: Session,
    programme: str,
    key: ReturnKey,
    body: Any,
    *,
    sent: bytes,
    media_type: str,
    file_name: str | None = None,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
) -> Receipt:
    """Make a submission the return's next revision, or refuse it with every fault; identical to the latest one, nothing is stored.

    A dry run does the same short of recording it: its caller must not commit.
    NotFound where the return is not owed or not the actor's; ReturnInvalid; ReturnFrozen.
    """
    require(actor, Permission.RETURN_SUBMIT, programme=programme, subcontract=key.subcontract)
    stated = read_sent(body, sent, media_type=media_type, file_name=file_name)
    lock(session, programme, key)
    came = _Sent(programme, key, stated, sent, sha256(sent), media_type, file_name, actor)
    while True:
        # A comparison of handovers may ask about this return meanwhile: what a submission leads to is the same from either status.
        standing = store.standing(session, programme, key)
        before = standing.before
        valid = _validated(session, came, contract_of(session, programme, standing.contract_changed))
        if before is not None and valid.repeats(before):
            return _repeated(session, valid, before)
        # All that takes long is done before the ledger is held, for whoever records in the programme stands in line for it.
        mark(session)
        laid = _lay_down(session, valid, standing)
        if dry_run:
            return _rehearsal(session, valid, laid, before, max(now, last_recorded(session, programme) + TICK))
        recording = begin_recording(session, programme, actor=actor, now=now)
        if recording.contract_changed == valid.expected.contract.recorded_at:
            break
        # The contract changed before the ledger was held: by what it says now, all of this is judged and laid down again.
        back_to_mark(session)
    valid = valid.judged(recording.at)
    after = _decide(session, valid, before, recording.at)
    _keep(session, valid, laid, after, before=before, recording=recording)
    return _receipt(valid, after, laid.changes, before=before, at=recording.at)


def lock(session: Session, programme: str, key: ReturnKey) -> None:
    lock_key(session, programme, key.collection, key.subcontract, str(key.month))


def _validated(session: Session, sent: _Sent, contract: Contract) -> _Valid:
    closed = closed_throughout(contract, sent.key)
    if closed is not None:
        raise ReturnInvalid("The organisation was closed throughout the return's months.", faults=[replace(closed, pointer="/path/month")])
    expected = owed(contract, sent.key)
    earlier = earlier_of(session, sent.programme, expected) if expected.has_rules else NOTHING_EARLIER
    with turn(), sent.stated.located(expected):
        return _Valid(sent, expected, read_submission(sent.stated.body, expected, earlier=earlier))


def _lay_down(session: Session, valid: _Valid, standing: Standing) -> _Laid:
    """Everything of a revision that says nothing of when it is received: its bytes and its cells, what they change, and their digest."""
    sent, cells, before, revision_id = valid.sent, valid.submission.cells, standing.before, standing.revision_id
    changes = None if before is None else changed_cells(store.cells(session, sent.programme, before.latest_id), cells)
    files_store.add_file(session, sent.programme, sent.key, revision_id, content=sent.content, file_name=sent.file_name)
    store.add_cells(session, sent.programme, sent.key, revision_id, cells)
    # Unless it was asked for, the digest is made here, while PostgreSQL is at the cells.
    return _Laid(revision_id, changes, valid.content_sha256)


def _decide(session: Session, valid: _Valid, before: Received | None, at: datetime) -> ReturnState:
    """The state that a submission leads to."""
    key, submission = valid.sent.key, valid.submission
    reopened = valid.deadlines.is_frozen(at) and review_store.reopened(session, valid.sent.programme, key, at=at)
    after = domain.submit(before.state if before else ReturnState(), key, valid.deadlines, at=at, reopened=reopened)
    if domain.accepts_itself(valid.collection, valid.deadlines, explained=submission.explained, at=at):
        after = domain.accept(after, key, valid.collection, valid.deadlines, at=at)
    return after


def _rehearsal(session: Session, valid: _Valid, laid: _Laid, before: Received | None, at: datetime) -> Receipt:
    """The receipt of a dry run; the revision with its cells is there for the rest of a transaction that is not kept."""
    valid = valid.judged(at)
    after = _decide(session, valid, before, at)
    _add(session, valid, laid, after, Recording(valid.sent.programme, at, valid.sent.actor, 0, "", None))
    rehearsed = Rehearsed(laid.revision_id, after.latest_revision, laid.content_sha256, valid.expected.sha256)
    return _receipt(valid, after, laid.changes, before=before, at=at, rehearsed=rehearsed)


def _add(session: Session, valid: _Valid, laid: _Laid, after: ReturnState, recording: Recording) -> None:
    sent, expected = valid.sent, valid.expected
    about = NewRevision(
        revision_id=laid.revision_id,
        number=after.latest_revision,
        content_sha256=laid.content_sha256,
        submitted_sha256=sent.sha256,
        media_type=sent.media_type,
        expected_sha256=expected.sha256,
        contract_recorded_at=expected.contract.recorded_at,
        submitted_as=sent.submitted_as,
    )
    store.add_revision(session, sent.programme, sent.key, valid.submission, about, recording=recording)


def _keep(session: Session, valid: _Valid, laid: _Laid, after: ReturnState, *, before: Received | None, recording: Recording) -> None:
    """The revision, where the return stands now, and the events."""
    sent, submission = valid.sent, valid.submission
    _add(session, valid, laid, after, recording)
    accepted = after.status is Status.ACCEPTED
    act = Act.ACCEPTED if accepted else Act.SUBMITTED
    store.move(session, sent.programme, sent.key, after, before=before, act=act, recording=recording)
    subject = subject_of(sent.key, after.latest_revision)
    details = {
        "cells": len(submission.cells),
        "by_rest": len(submission.by_rest),
        "warnings": len(submission.warnings),
        "nil": submission.nil,
        "content_sha256": laid.content_sha256,
        "submitted_sha256": sent.sha256,
        "submitted_as": sent.submitted_as,
    }
    latest = None if before is None else before.latest_content_sha256
    audit.record(session, recording, "return.submitted", subject=subject, details=details, before=latest, after=laid.content_sha256)
    if accepted:
        stood = ReturnState() if before is None else before.state
        audit.record(session, recording, "return.accepted", subject=subject, details={"automatic": True}, before=stood, after=after)


def _receipt(
    valid: _Valid,
    state: ReturnState,
    changes: tuple[CellChange, ...] | None,
    *,
    before: Received | None,
    at: datetime,
    duplicate: bool = False,
    rehearsed: Rehearsed | None = None,
) -> Receipt:
    """The receipt of a submission received at a moment; of a duplicate, the one that was received then."""
    sent = valid.sent
    return Receipt(
        programme=sent.programme,
        key=sent.key,
        submission=valid.submission,
        state=state,
        deadlines=valid.deadlines,
        revision=None if rehearsed else state.latest_revision,
        duplicate_of=state.latest_revision if duplicate else None,
        changes=changes,
        submitted_sha256=sent.sha256,
        received_at=None if rehearsed else at,
        first_at=before.first_at if before else at,
        latest_at=at,
        submitted_by=sent.actor.client,
        submitted_as=sent.submitted_as,
        sent_sha256=sent.sha256,
        rehearsed=rehearsed,
    )


def _repeated(session: Session, valid: _Valid, before: Received) -> Receipt:
    """The receipt of the revision that a submission repeats: of those bytes, from that client, at that moment."""
    (held,) = store.revisions(session, valid.sent.programme, valid.sent.key, number=before.state.latest_revision)
    said = _receipt(valid.judged(before.latest_at), before.state, (), before=before, at=before.latest_at, duplicate=True)
    return replace(said, submitted_sha256=held.submitted_sha256, submitted_by=held.recorded_by, submitted_as=held.submitted_as)


def subject_of(key: ReturnKey, revision: int) -> dict[str, str | int]:
    return {"collection": key.collection, "subcontract": key.subcontract, "month": str(key.month), "revision": revision}
