"""Disputes: a party disputes a line of its own, the integrator records that one does, answers and resolves it; what is disputed is held in suspense."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, SamePerson, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.db import audit, facts
from app.db.ledger import begin_recording, hold_ledger
from app.db.session import seeing_everything
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import digest
from app.kernel.codes import ALL
from app.kernel.refusals import Fault, Forbidden, Invalid, NotFound
from app.publications.domain import audiences_of
from app.settlement import store
from app.settlement.run_actions import refuse_unsettled, settled
from app.settlement.runs import DisputedLine, RunKey, Settled
from app.settlement.statement_actions import issue
from app.settlement.true_up import Dispute


def list_disputes(
    session: Session,
    programme: str,
    *,
    contract_year: int | None,
    after: Any,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[datetime, tuple[DisputedLine, ...]]:
    """The moment, and the disputes that were open at it or resolved before: the integrator's all, a party's its own."""
    require(actor, Permission.STATEMENT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    own = None if actor.subcontract == EVERY else [f"{kind}.{code}" for kind, code in audiences_of(actor)]
    parties = [*own, f"commissioner.{ALL}"] if own and actor.commissioner is not None else own
    return moment, store.disputes(session, programme, contract_year=contract_year, parties=parties, as_of=moment, after=after, limit=limit)


def dispute_own(session: Session, programme: str, key: RunKey, element: str, *, reason: str, actor: Actor, now: datetime) -> DisputedLine:
    """Dispute a line of the caller's own statement: it is held in suspense from now on. NotFound, NotSettled, Invalid."""
    require(actor, Permission.LINE_DISPUTE, programme=programme)
    if actor.subcontract == EVERY or not (actor.subcontract or actor.commissioner):
        raise Forbidden("A line is disputed by the party whose it is; for a party, the integrator records that it does.")
    hold_ledger(session, programme)
    if store.statement(session, programme, key, audiences_of(actor)[:1]) is None:
        raise NotFound("There is no such statement here, or it is not yours.")
    contract = load_contract(session, programme)
    # What others are paid, which this caller never sees, decides what of theirs is held, and their statements say so.
    with seeing_everything(session):
        found = settled(session, programme, key)
        line = Dispute(_party_of(actor, found), element)
        after = _open(session, contract, found, line, reason=reason, by_party=True, actor=actor, now=now)
    return next(each for each in after.disputes if each.line == line and each.is_open)


def dispute(session: Session, programme: str, key: RunKey, line: Dispute, *, reason: str, actor: Actor, now: datetime) -> Settled:
    """Record that a party disputes a line: it is not payable until the dispute is resolved. NotSettled, Invalid."""
    require(actor, Permission.SETTLEMENT_PROPOSE, programme=programme)
    hold_ledger(session, programme)
    found = settled(session, programme, key)
    return _open(session, load_contract(session, programme), found, line, reason=reason, by_party=False, actor=actor, now=now)


def answer(session: Session, programme: str, key: RunKey, line: Dispute, *, text: str, actor: Actor, now: datetime) -> Settled:
    """Answer a dispute, which stays open; the latest answer stands. NotSettled, SamePerson, Invalid."""
    return _go_on(session, programme, key, line, text=text, resolves=False, actor=actor, now=now)


def resolve_dispute(session: Session, programme: str, key: RunKey, line: Dispute, *, reason: str, actor: Actor, now: datetime) -> Settled:
    """End a dispute: the line is payable as it stands; what is to be otherwise is trued up. NotSettled, SamePerson, Invalid."""
    return _go_on(session, programme, key, line, text=reason, resolves=True, actor=actor, now=now)


def _party_of(actor: Actor, found: Settled) -> str:
    """The caller's line: of commissioners that are settled with together there is one."""
    if actor.commissioner is None:
        return f"subcontract.{actor.subcontract}"
    own = f"commissioner.{actor.commissioner}"
    return own if own in found.run.amounts else f"commissioner.{ALL}"


def _open(
    session: Session,
    contract: Contract,
    found: Settled,
    line: Dispute,
    *,
    reason: str,
    by_party: bool,
    actor: Actor,
    now: datetime,
) -> Settled:
    before = _standing(found, line)
    if before is not None and before.is_open:
        raise _invalid("This line is in dispute already.")
    made = DisputedLine(
        **found.run.key._asdict(),
        party=line.party,
        element=line.element,
        number=1 if before is None else before.number + 1,
        reason=reason,
        by_party=by_party,
        recorded_at=now,
        recorded_by=actor.client,
    )
    return _record(session, contract, found, made, "opened", text=reason, actor=actor, now=now)


def _go_on(
    session: Session, programme: str, key: RunKey, line: Dispute, *, text: str, resolves: bool, actor: Actor, now: datetime
) -> Settled:
    require(actor, Permission.SETTLEMENT_PROPOSE, programme=programme)
    hold_ledger(session, programme)
    found = settled(session, programme, key)
    before = _standing(found, line)
    if before is None or not before.is_open:
        raise _invalid("This line is not in dispute.")
    opened_at, opened_by = before.opened
    if is_one_person(session, programme, opened_by, opened_at, actor=actor):
        raise SamePerson("This dispute was opened by whoever would answer it: another person answers and resolves it.")
    contract = load_contract(session, programme)
    after = replace(before, opened_at=opened_at, opened_by=opened_by)
    if resolves:
        return _record(session, contract, found, replace(after, resolution=text), "resolved", text=text, actor=actor, now=now)
    return _record(session, contract, found, replace(after, answer=text), "answered", text=text, actor=actor, now=now)


def _standing(found: Settled, line: Dispute) -> DisputedLine | None:
    """The last dispute of a line, open or resolved; NotSettled, and Invalid where the settlement has no such line."""
    refuse_unsettled(found)
    if line.element not in found.run.amounts.get(line.party, {}):
        fault = Fault(
            "unknown_line", "The settlement has no such line.", "Name a party and element of the run's lines.", pointer="/element"
        )
        raise Invalid("There is no such line to dispute; see errors.", faults=[fault])
    return next((each for each in reversed(found.disputes) if each.line == line), None)


def _record(
    session: Session, contract: Contract, found: Settled, made: DisputedLine, act: str, *, text: str, actor: Actor, now: datetime
) -> Settled:
    programme = contract.programme.code
    place = tuple(getattr(made, name) for name in store.DISPUTES.key)
    recording = begin_recording(session, programme, actor=actor, now=now)
    if act == "answered":
        made = replace(made, answered_at=recording.at, answered_by=recording.by)
    facts.close(session, store.DISPUTES, recording, [place], programme=programme)
    row = {name: getattr(made, name) for name in (*store.DISPUTES.key, *store.DISPUTES.content)}
    facts.add(session, store.DISPUTES, recording, [row], programme=programme)
    kind, _, code = made.party.partition(".")
    # By the party's own code, so that it reads in its record what was done about its line.
    line: dict[str, str | int] = {"element": made.element, "dispute": made.number}
    subject = {"contract_year": made.contract_year, "run": made.run, kind: code or kind, **line}
    audit.record(session, recording, f"settlement.dispute_{act}", subject=subject, details={"reason_sha256": digest(text)})
    after = settled(session, programme, made.key)
    issue(session, contract, after, recording)
    return after


def _invalid(detail: str) -> Invalid:
    return Invalid(detail, faults=[Fault("dispute", detail, "Read the run: it names the lines in dispute.", pointer="/element")])
