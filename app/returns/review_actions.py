"""Reviewing returns: accepting one or many, signing off, reopening: allow, load, decide, save, audit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.domain import Collection
from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import Recording, begin_recording, last_recorded
from app.kernel.actors import EVERY, Actor
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, Refusal
from app.returns import domain, review_store, signing, store
from app.returns.actions import lock, subject_of
from app.returns.domain import Act, Deadlines, ReturnState, Status, deadlines_of
from app.returns.handover_actions import compare
from app.returns.read_actions import ReturnRead, owed, read_at, told
from app.returns.reopening import NotReopened, check_frozen, expiry_faults, in_force
from app.returns.signing import SignOff
from app.returns.store import Received


@dataclass(frozen=True, slots=True)
class _Held:
    """An owed return whose lock and ledger are held: until the act is done, neither it nor the contract can change."""

    session: Session
    contract: Contract
    key: ReturnKey
    received: Received | None
    recording: Recording

    @property
    def programme(self) -> str:
        return self.contract.programme.code

    @property
    def state(self) -> ReturnState:
        return self.received.state if self.received else ReturnState()

    @property
    def collection(self) -> Collection:
        return self.contract.collection[self.key.collection]

    @property
    def deadlines(self) -> Deadlines:
        return deadlines_of(self.collection, self.key.month, self.contract.days)

    @property
    def reopened(self) -> bool:
        """Whether a reopening is in force: asked of the table only where it matters."""
        at = self.recording.at
        return self.deadlines.is_frozen(at) and review_store.reopened(self.session, self.programme, self.key, at=at)

    def audited(
        self, action: str, *, revision: int, before: object = None, after: object = None, why: str | None = None, **details: object
    ) -> None:
        subject = subject_of(self.key, revision)
        audit.record(self.session, self.recording, action, subject=subject, details=details, before=before, after=after, why=why)

    def read(self) -> ReturnRead:
        moment, actor = last_recorded(self.session, self.programme), self.recording.actor
        return read_at(self.session, self.programme, self.contract, self.key, moment, as_of=told(actor, None, moment))


def _held(session: Session, programme: str, key: ReturnKey, *, actor: Actor, now: datetime) -> _Held:
    lock(session, programme, key)
    recording = begin_recording(session, programme, actor=actor, now=now)
    contract = load_contract(session, programme)
    owed(contract, key)
    return _Held(session, contract, key, store.received(session, programme, key), recording)


def accept(session: Session, programme: str, key: ReturnKey, *, actor: Actor, now: datetime, revision: int | None = None) -> ReturnRead:
    """Make the latest revision the return's current figures; with `revision`, only if it is that one.

    NotFound, WrongStatus, NotLatest, ReturnFrozen, SignOffMissing.
    """
    require(actor, Permission.RETURN_ACCEPT, programme=programme, subcontract=key.subcontract)
    held = _held(session, programme, key, actor=actor, now=now)
    signed = held.state.latest_revision in review_store.sign_offs(session, programme, key)
    after = _accepted(held, revision=revision, signed=signed)
    _keep_acceptance(held, after, automatic=False)
    compare(session, held.contract, key.month, about=key.subcontract, actor=actor, now=now)
    return held.read()


def _accepted(held: _Held, *, revision: int | None, signed: bool) -> ReturnState:
    return domain.accept(
        held.state,
        held.key,
        held.collection,
        held.deadlines,
        at=held.recording.at,
        revision=revision,
        signed=signed,
        reopened=held.reopened,
    )


def _keep_acceptance(held: _Held, after: ReturnState, *, automatic: bool) -> None:
    store.move(held.session, held.programme, held.key, after, before=held.received, act=Act.ACCEPTED, recording=held.recording)
    held.audited("return.accepted", revision=after.latest_revision, before=held.state, after=after, automatic=automatic)


def sign(
    session: Session, programme: str, key: ReturnKey, *, revision: int, statement: str | None, actor: Actor, now: datetime
) -> ReturnRead:
    """Sign the latest revision off; where that is all that a clean return waited for, it is accepted in the same act.

    NotFound, WrongStatus, NotLatest, AlreadySigned, OwnRevision, ReturnFrozen.
    """
    require(actor, Permission.RETURN_SIGN, programme=programme, subcontract=key.subcontract)
    held = _held(session, programme, key, actor=actor, now=now)
    recording = held.recording
    latest = store.revisions(session, programme, key, number=held.state.latest_revision)
    signing.check_signing(
        held.state,
        key,
        held.deadlines,
        revision=revision,
        own=bool(latest) and is_one_person(session, programme, latest[0].recorded_by, latest[0].recorded_at, actor=actor),
        signed=revision in review_store.sign_offs(session, programme, key),
        at=recording.at,
        reopened=held.reopened,
    )
    signed_as: Literal["subcontract", "integrator"] = "integrator" if actor.subcontract == EVERY else "subcontract"
    sign_off = SignOff(revision, statement, signed_as, recording.at, recording.by, actor.acts_for)
    review_store.add_sign_off(session, programme, key, sign_off)
    held.audited("return.signed", revision=revision, after=sign_off, submitted_by=latest[0].recorded_by, signed_as=signed_as)
    if signing.accepts_by_signing(held.state, held.collection, held.deadlines, explained=latest[0].explained, at=recording.at):
        _keep_acceptance(held, _accepted(held, revision=revision, signed=True), automatic=True)
    return held.read()


def reopen(
    session: Session,
    programme: str,
    key: ReturnKey,
    faults: Sequence[Fault] = (),
    *,
    reason: str,
    expires_at: datetime,
    actor: Actor,
    now: datetime,
) -> ReturnRead:
    """Give leave to submit, query and accept after the freeze, until a moment; it takes the place of a reopening that is in force.

    `faults` are those of the shape in which it was asked. NotFound, Invalid, NotFrozen.
    """
    require(actor, Permission.RETURN_REOPEN, programme=programme, subcontract=key.subcontract)
    held = _held(session, programme, key, actor=actor, now=now)
    faults = [*faults, *expiry_faults(expires_at, at=held.recording.at)]
    if faults:
        raise Invalid("The return cannot be reopened like this; see errors.", faults=faults)
    check_frozen(key, held.deadlines, at=held.recording.at)
    review_store.reopen(session, programme, key, reason=reason, expires_at=expires_at, recording=held.recording)
    held.audited(
        "return.reopened", revision=held.state.latest_revision, after=[reason, expires_at], why=reason, expires_at=moment_text(expires_at)
    )
    return held.read()


def end_reopening(session: Session, programme: str, key: ReturnKey, *, actor: Actor, now: datetime) -> ReturnRead:
    """End the reopening that is in force before it expires. NotFound, NotReopened."""
    require(actor, Permission.RETURN_REOPEN, programme=programme, subcontract=key.subcontract)
    held = _held(session, programme, key, actor=actor, now=now)
    at = held.recording.at
    standing = in_force(review_store.reopenings(session, programme, key, as_of=at), at)
    if standing is None:
        raise NotReopened(f"No reopening of the return {domain.words(key)} is in force.")
    review_store.end_reopening(session, programme, key, recording=held.recording)
    held.audited("return.reopening_ended", revision=held.state.latest_revision, before=standing)
    return held.read()


@dataclass(frozen=True, slots=True)
class Named:
    """A return that is to be accepted with others; `revision` says which one was looked at."""

    key: ReturnKey
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Every return of a month that was received and waits for acceptance; of one collection or subcontract where it is named."""

    month: Month
    collection: str | None = None
    subcontract: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one of many: the revision that was accepted, or the refusal that says why none was."""

    key: ReturnKey
    revision: int | None
    refusal: Refusal | None


def accept_many(session: Session, programme: str, asked: Sequence[Named] | Waiting, *, actor: Actor, now: datetime) -> tuple[Verdict, ...]:
    """Accept every clean return among those named, in the order of their keys; the others stay as they are, each with the reason.

    One transaction: whatever ends it early leaves all of them as they were.
    """
    require(actor, Permission.RETURN_ACCEPT, programme=programme)
    if isinstance(asked, Waiting):
        _refuse_unknown(load_contract(session, programme), asked)
    named = tuple(_waiting(session, programme, asked, now=now)) if isinstance(asked, Waiting) else asked
    in_order = sorted(named, key=lambda each: each.key)
    for each in in_order:
        lock(session, programme, each.key)
    recording = begin_recording(session, programme, actor=actor, now=now)
    verdicts, accepted = [], []
    for each, held, signed, explained in _all_held(session, programme, in_order, recording):
        try:
            owed(held.contract, each.key)
            after = _accepted(held, revision=each.revision, signed=signed)
            domain.refuse_unclean(held.state, each.key, explained=explained)
        except Refusal as refusal:
            verdicts.append(Verdict(each.key, None, refusal))
        else:
            accepted.append((held, after))
            verdicts.append(Verdict(each.key, after.latest_revision, None))
    review_store.accept_all(session, programme, [(held.key, after) for held, after in accepted], recording=recording)
    for held, after in accepted:
        held.audited(
            "return.accepted", revision=after.latest_revision, before=held.state, after=after, automatic=False, together=len(accepted)
        )
    for month in sorted({held.key.month for held, _ in accepted}):
        compare(session, accepted[0][0].contract, month, actor=actor, now=now)
    return tuple(verdicts)


def _refuse_unknown(contract: Contract, asked: Waiting) -> None:
    """Invalid where the programme does not have what is named: nothing of it would wait, and nobody would hear of the mistake."""
    known = {
        "collection": (asked.collection, contract.collection.keys()),
        "subcontract": (asked.subcontract, contract.subcontract.keys()),
    }
    faults = [
        Fault(
            f"unknown_{member}",
            f"The programme has no {member} of this code.",
            f"Use one of: {', '.join(sorted(codes))}.",
            pointer=f"/waiting/{member}",
        )
        for member, (code, codes) in known.items()
        if code is not None and code not in codes
    ]
    if faults:
        raise Invalid("These returns cannot wait for acceptance; see errors.", faults=faults)


def _waiting(session: Session, programme: str, asked: Waiting, *, now: datetime) -> Iterator[Named]:
    moment = max(now, last_recorded(session, programme))
    for key, received in store.received_in(session, programme, asked.month, as_of=moment).items():
        wanted = asked.collection in {None, key.collection} and asked.subcontract in {None, key.subcontract}
        if wanted and received.state.status is not Status.ACCEPTED:
            yield Named(key)


def _all_held(session: Session, programme: str, named: Sequence[Named], recording: Recording) -> Iterator[tuple[Named, _Held, bool, bool]]:
    """Each return with whether its latest revision is signed, and leaves no warning without an explanation: in few questions for all."""
    contract = load_contract(session, programme)
    months = {each.key.month for each in named}
    received = {key: held for month in months for key, held in store.received_in(session, programme, month, as_of=recording.at).items()}
    signed = review_store.signed_in(session, programme, months, as_of=recording.at)
    asked = [received[each.key].latest_id for each in named if each.key in received]
    explained = review_store.explained(session, programme, asked)
    for each in named:
        held = _Held(session, contract, each.key, received.get(each.key), recording)
        latest = held.received.latest_id if held.received else None
        yield each, held, (each.key, held.state.latest_revision) in signed, latest in explained
