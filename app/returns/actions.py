"""Submitting and accepting returns, and reading where they stand: allow, load, decide, save, audit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.deadlines import LONDON
from app.calendar.domain import Collection
from app.calendar.expected import ReturnKey, closed_throughout, expected_returns
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import Recording, begin_recording, last_recorded, lock_key
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import sha256
from app.kernel.moments import TICK
from app.kernel.months import Month
from app.kernel.refusals import NotFound
from app.returns import domain, store
from app.returns.domain import Act, Deadlines, ReturnState, Status, deadlines_of
from app.returns.expectation import ExpectedReturn, expected_return
from app.returns.intake import ReturnInvalid, read_submission
from app.returns.store import NewRevision, Received, Revision
from app.returns.submission import Cell, CellChange, Submission, changed_cells, digest

_NO_RETURN: Final = "There is no such return here, or it is not yours."


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission. `revision` and `received_at` are None for a dry run; `changes` for a first revision."""

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

    @property
    def since(self) -> int:
        """The revision that `changes` compares with."""
        return self.state.latest_revision - (self.duplicate_of is None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an owed return stands at a moment."""

    contract: Contract
    key: ReturnKey
    deadlines: Deadlines
    received: Received | None
    moment: datetime

    @property
    def state(self) -> ReturnState:
        return self.received.state if self.received else ReturnState()

    @property
    def is_overdue(self) -> bool:
        return self.received is None and self.moment > self.deadlines.due


@dataclass(frozen=True, slots=True)
class ReturnRead:
    """An owed return with all that is known of it: what is expected, its revisions, and its current figures; and the moment it names."""

    standing: Standing
    expected: ExpectedReturn
    revisions: tuple[Revision, ...]
    current: tuple[Cell, ...] | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class _Sent:
    """A submission as it came."""

    programme: str
    key: ReturnKey
    body: Any
    sha256: str
    media_type: str
    actor: Actor

    @property
    def submitted_as(self) -> str:
        return "integrator" if self.actor.subcontract == EVERY else "subcontract"


@dataclass(frozen=True, slots=True)
class _Valid:
    """A submission that was found valid against a contract."""

    sent: _Sent
    expected: ExpectedReturn
    submission: Submission
    content_sha256: str

    @property
    def collection(self) -> Collection:
        return self.expected.contract.collection[self.sent.key.collection]

    @property
    def deadlines(self) -> Deadlines:
        return deadlines_of(self.collection, self.sent.key.month, self.expected.contract.days)

    def repeats(self, before: Received | None) -> bool:
        return before is not None and before.latest_content_sha256 == self.content_sha256


def submit(
    session: Session,
    programme: str,
    key: ReturnKey,
    body: Any,
    *,
    sent: bytes,
    media_type: str,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
) -> Receipt:
    """Make a submission the return's next revision, or refuse it with every fault; identical to the latest one, nothing is stored.

    NotFound where the return is not owed or not the actor's; ReturnInvalid; ReturnFrozen.
    """
    require(actor, Permission.RETURN_SUBMIT, programme=programme, subcontract=key.subcontract)
    if not dry_run:
        _lock(session, programme, key)
    came = _Sent(programme, key, body, sha256(sent), media_type, actor)
    valid = _validated(session, came)
    before = store.received(session, programme, key)
    if before is not None and valid.repeats(before):
        return _receipt(valid, before.state, (), before=before, at=before.latest_at, duplicate=True)
    if dry_run:
        at = max(now, last_recorded(session, programme) + TICK)
        after, changes = _decide(session, valid, before, at)
        return _receipt(valid, after, changes, before=before, at=at, dry_run=True)
    recording = begin_recording(session, programme, actor=actor, now=now)
    if recording.contract_changed != valid.expected.contract.recorded_at:
        # It changed while the ledger was not yet held; now it cannot any more.
        valid = _validated(session, came)
        if before is not None and valid.repeats(before):
            return _receipt(valid, before.state, (), before=before, at=before.latest_at, duplicate=True)
    after, changes = _decide(session, valid, before, recording.at)
    _keep(session, valid, after, before, recording)
    return _receipt(valid, after, changes, before=before, at=recording.at)


def _lock(session: Session, programme: str, key: ReturnKey) -> None:
    lock_key(session, programme, key.collection, key.subcontract, str(key.month))


def _owed(contract: Contract, key: ReturnKey) -> ExpectedReturn:
    expected = expected_return(contract, key)
    if expected is None:
        raise NotFound(_NO_RETURN)
    return expected


def _validated(session: Session, sent: _Sent) -> _Valid:
    contract = load_contract(session, sent.programme)
    closed = closed_throughout(contract, sent.key)
    if closed is not None:
        raise ReturnInvalid("The organisation was closed throughout the return's months.", faults=[replace(closed, pointer="/path/month")])
    expected = _owed(contract, sent.key)
    submission = read_submission(sent.body, expected)
    return _Valid(sent, expected, submission, digest(submission))


def _decide(session: Session, valid: _Valid, before: Received | None, at: datetime) -> tuple[ReturnState, tuple[CellChange, ...] | None]:
    """The state that a submission leads to, and what it changes since the last revision."""
    key, submission = valid.sent.key, valid.submission
    after = domain.submit(before.state if before else ReturnState(), key, valid.deadlines, at=at)
    if domain.accepts_itself(valid.collection, valid.deadlines, explained=submission.explained, at=at):
        after = domain.accept(after, key, valid.collection, valid.deadlines, at=at)
    if before is None:
        return after, None
    return after, changed_cells(store.cells(session, valid.sent.programme, before.latest_id), submission.cells)


def _keep(session: Session, valid: _Valid, after: ReturnState, before: Received | None, recording: Recording) -> None:
    """The revision with its cells, where the return stands now, and the events."""
    sent, submission, expected = valid.sent, valid.submission, valid.expected
    about = NewRevision(
        content_sha256=valid.content_sha256,
        submitted_sha256=sent.sha256,
        media_type=sent.media_type,
        expected_sha256=expected.sha256,
        contract_recorded_at=expected.contract.recorded_at,
        submitted_as=sent.submitted_as,
    )
    store.add_revision(session, sent.programme, sent.key, submission, about, number=after.latest_revision, recording=recording)
    accepted = after.status is Status.ACCEPTED
    act = Act.ACCEPTED if accepted else Act.SUBMITTED
    store.move(session, sent.programme, sent.key, after, before=before, act=act, recording=recording)
    subject = _subject(sent.key, after.latest_revision)
    details = {
        "cells": len(submission.cells),
        "by_rest": len(submission.by_rest),
        "warnings": len(submission.warnings),
        "nil": submission.nil,
        "content_sha256": valid.content_sha256,
        "submitted_sha256": sent.sha256,
        "submitted_as": sent.submitted_as,
    }
    audit.record(session, recording, "return.submitted", subject=subject, details=details)
    if accepted:
        audit.record(session, recording, "return.accepted", subject=subject, details={"automatic": True})


def _receipt(
    valid: _Valid,
    state: ReturnState,
    changes: tuple[CellChange, ...] | None,
    *,
    before: Received | None,
    at: datetime,
    duplicate: bool = False,
    dry_run: bool = False,
) -> Receipt:
    """The receipt of a submission received at a moment; of a duplicate, the one that was received then."""
    sent = valid.sent
    return Receipt(
        programme=sent.programme,
        key=sent.key,
        submission=valid.submission,
        state=state,
        deadlines=valid.deadlines,
        revision=None if dry_run else state.latest_revision,
        duplicate_of=state.latest_revision if duplicate else None,
        changes=changes,
        submitted_sha256=sent.sha256,
        received_at=None if dry_run else at,
        first_at=before.first_at if before else at,
        latest_at=at,
        submitted_by=sent.actor.client,
        submitted_as=sent.submitted_as,
    )


def _subject(key: ReturnKey, revision: int) -> dict[str, str | int]:
    return {"collection": key.collection, "subcontract": key.subcontract, "month": str(key.month), "revision": revision}


def accept(session: Session, programme: str, key: ReturnKey, *, actor: Actor, now: datetime, revision: int | None = None) -> ReturnRead:
    """Make the latest revision the return's current figures; with `revision`, only if it is that one.

    NotFound, WrongStatus, NotLatest, ReturnFrozen, SignOffMissing.
    """
    require(actor, Permission.RETURN_ACCEPT, programme=programme, subcontract=key.subcontract)
    _lock(session, programme, key)
    # With the ledger held, neither the return nor the contract can change any more.
    recording = begin_recording(session, programme, actor=actor, now=now)
    contract = load_contract(session, programme)
    _owed(contract, key)
    before = store.received(session, programme, key)
    collection = contract.collection[key.collection]
    deadlines = deadlines_of(collection, key.month, contract.days)
    after = domain.accept(before.state if before else ReturnState(), key, collection, deadlines, at=recording.at, revision=revision)
    store.move(session, programme, key, after, before=before, act=Act.ACCEPTED, recording=recording)
    audit.record(session, recording, "return.accepted", subject=_subject(key, after.latest_revision), details={"automatic": False})
    return _read(session, programme, contract, key, recording.at, as_of=_told(actor, None, recording.at))


def read_return(session: Session, programme: str, key: ReturnKey, *, actor: Actor, as_of: datetime | None, now: datetime) -> ReturnRead:
    """Where a return stands, what it expects, its revisions and its current figures. NotFound where it is not owed or not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    return _read(session, programme, contract, key, moment, as_of=_told(actor, as_of, moment))


def _told(actor: Actor, asked: datetime | None, moment: datetime) -> datetime | None:
    """The moment that an answer names: to a subcontract only the one it asked for, for the last recorded one tells when others act."""
    return moment if actor.subcontract == EVERY else asked


def _read(session: Session, programme: str, contract: Contract, key: ReturnKey, moment: datetime, *, as_of: datetime | None) -> ReturnRead:
    expected = _owed(contract, key)
    received = store.received(session, programme, key, as_of=moment)
    standing = Standing(contract, key, deadlines_of(contract.collection[key.collection], key.month, contract.days), received, moment)
    revisions = store.revisions(session, programme, key, as_of=moment)
    accepted = next((revision for revision in revisions if revision.number == standing.state.accepted_revision), None)
    current = None if accepted is None else store.cells(session, programme, accepted.revision_id)
    return ReturnRead(standing, expected, revisions, current, as_of)


def read_expected(
    session: Session, programme: str, key: ReturnKey, *, actor: Actor, as_of: datetime | None, now: datetime
) -> ExpectedReturn:
    """What a return expects. NotFound where it is not owed or not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    moment = resolve(session, programme, asked=as_of, now=now)
    return _owed(load_contract(session, programme, as_of=moment), key)


def read_revision(session: Session, programme: str, key: ReturnKey, number: int, *, actor: Actor) -> tuple[Revision, tuple[Cell, ...]]:
    """One revision with its cells: the same for ever. NotFound where there is none or it is not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    found = store.revisions(session, programme, key, number=number)
    if not found:
        raise NotFound("There is no such revision here, or it is not yours.")
    return found[0], store.cells(session, programme, found[0].revision_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which returns a list is asked for; None asks for any."""

    month: Month | None = None
    collection: str | None = None
    subcontract: str | None = None
    status: Status | None = None
    overdue: bool | None = None

    def shows(self, standing: Standing) -> bool:
        return (
            self.collection in {None, standing.key.collection}
            and self.status in {None, standing.state.status}
            and self.overdue in {None, standing.is_overdue}
        )


def list_returns(
    session: Session,
    programme: str,
    wanted: Wanted,
    *,
    after: tuple[int, str, str] | None,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[list[Standing], datetime | None]:
    """At most `limit` owed returns that come after a key (month's ordinal, collection, subcontract), in its order; and the moment to name.

    Without a month: from the programme's first to the one in which the moment lies.
    """
    require(actor, Permission.RETURN_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    own = {actor.subcontract, *actor.inherited_subcontracts}
    found = (
        standing
        for standing in _standings(session, contract, wanted, moment, after)
        if (EVERY in own or standing.key.subcontract in own) and wanted.shows(standing)
    )
    return list(islice(found, limit)), _told(actor, as_of, moment)


def _standings(
    session: Session, contract: Contract, wanted: Wanted, moment: datetime, after: tuple[int, str, str] | None
) -> Iterator[Standing]:
    term = contract.programme
    last = min(term.last_month, Month.of(moment.astimezone(LONDON).date()))
    first = max(term.first_month, Month(after[0])) if after else term.first_month
    months = first.through(last) if wanted.month is None else [wanted.month]
    for month in months:
        received: dict[ReturnKey, Received] | None = None
        for key in expected_returns(contract, month, subcontract=wanted.subcontract):
            if after is not None and (month.ordinal, key.collection, key.subcontract) <= after:
                continue
            if received is None:
                received = store.received_in(session, term.code, month, as_of=moment)
            deadlines = deadlines_of(contract.collection[key.collection], month, contract.days)
            yield Standing(contract, key, deadlines, received.get(key), moment)
