"""Comparing what subcontracts say of each other, asking both where it differs, and reading it: allow, load, decide, save, audit.

Both ends' figures are read here: only whoever sees the whole programme acts so, never a subcontract's own submission.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import Recording, begin_recording, hold_ledger, last_recorded
from app.kernel.actors import Actor
from app.kernel.months import Month
from app.returns import handover_store as store
from app.returns import query_store, review_store
from app.returns.actions import subject_of
from app.returns.domain import ReturnFrozen, deadlines_of
from app.returns.handovers import Asked, Comparison, Counted, Pair, Stated, pairs, questions
from app.returns.quality_store import Judged, judged_revisions
from app.returns.queries import Message, Origin, Party, QueryAct, QueryState, Question, moved
from app.returns.query_actions import raise_query

SETTLED: Final = "What both report is now within what is tolerated."
CHANGED: Final = "What both report differs otherwise now; another query asks about it."


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing came to: how many pairs are in which state, and how many differences were asked about anew, or settled."""

    month: Month
    states: Counter[str]
    raised: int
    settled: int


@dataclass(frozen=True, slots=True)
class ComparisonRead:
    """A comparison as it stood, with the numbers of the two queries that ask about it, if any does."""

    comparison: Comparison
    sender_query: int | None
    receiver_query: int | None

    @property
    def is_unasked(self) -> bool:
        """Whether nobody was asked about a difference that is to be asked about."""
        return self.comparison.state == "beyond" and self.sender_query is None and self.receiver_query is None


def compare_month(session: Session, programme: str, month: Month, *, actor: Actor, now: datetime) -> Compared:
    """Compare every pair of a month whose returns are in, and ask both about each difference beyond tolerance that was not asked about yet."""
    require(actor, Permission.QUERY_ASK, programme=programme)
    hold_ledger(session, programme)
    compared = compare(session, load_contract(session, programme), month, actor=actor, now=now)
    recording = begin_recording(session, programme, actor=actor, now=now)
    details = {"raised": compared.raised, "settled": compared.settled}
    audit.record(session, recording, "handover.compared", subject={"month": str(month)}, details=details)
    return compared


def compare(session: Session, contract: Contract, month: Month, *, actor: Actor, now: datetime, about: str | None = None) -> Compared:
    """Compare the pairs of a month, or those of one subcontract, for whoever holds the ledger and sees the whole programme.

    With the ledger held no return can move, so that its lock is not needed: nothing here waits for another transaction. Each difference
    is an act of its own, for a return moves once in one.
    """
    programme, owed = contract.programme.code, list(pairs(contract, month, about=about))
    found = _comparisons(session, contract, owed, as_of=last_recorded(session, programme)) if owed else []
    held = store.recorded(session, programme, month) if owed else {}
    raised = settled = 0
    for each in found:
        before, difference = held.get(store.named(each.pair)), each.difference
        if difference is None:
            continue
        asked = before if before is not None and before.state == "beyond" else None
        stands = asked if asked is not None and (each.state, difference) == (asked.state, asked.difference) else None
        wanted = _wanted(session, contract, each, stands, at=max(now, last_recorded(session, programme)))
        ended = asked is not None and stands is None
        if not ended and not any(wanted):
            continue
        recording = begin_recording(session, programme, actor=actor, now=now)
        if asked is not None and ended:
            _close(session, contract, each.pair, asked, within=each.state == "within", recording=recording)
            settled += each.state == "within"
        raised += any(wanted)
        numbers = _ask(session, contract, each, stands, wanted, recording=recording) if each.state == "beyond" else (None, None)
        what = store.Recorded(each.state, difference, *numbers)
        store.record(session, programme, each.pair, what, again=before is not None, recording=recording)
        handover, sender, receiver = store.named(each.pair)
        subject: dict[str, str | int] = {"handover": handover, "sender": sender, "receiver": receiver, "month": str(month)}
        audit.record(session, recording, "handover.judged", subject=subject, before=before, after=what)
    return Compared(month, Counter(each.state for each in found), raised, settled)


def _comparisons(session: Session, contract: Contract, found: list[Pair], *, as_of: datetime) -> list[Comparison]:
    programme, months = contract.programme.code, sorted({pair.month for pair in found})
    subcontracts = {end.key.subcontract for pair in found for end in (pair.sent, pair.received)}
    judged = judged_revisions(session, programme, months, subcontracts=subcontracts, as_of=as_of)
    measures = {end.place.measure for pair in found for end in (pair.sent, pair.received)}
    figures = store.figures(session, programme, [held.revision_id for held in judged.values()], measures)

    def stated(end: Counted) -> Stated | None:
        held: Judged | None = judged.get(end.key)
        return None if held is None else Stated(held.number, figures.get((held.revision_id, end.place)))

    return [Comparison(pair, stated(pair.sent), stated(pair.received)) for pair in found]


def _wanted(
    session: Session, contract: Contract, comparison: Comparison, stands: store.Recorded | None, *, at: datetime
) -> tuple[bool, bool]:
    """Whether the sender and the receiver are to be asked: beyond tolerance, not yet, and where something could come of asking.

    A return that is frozen is not asked about, but is once it is reopened.
    """

    def wants(end: Counted, number: int | None) -> bool:
        if comparison.state != "beyond" or number is not None:
            return False
        deadlines = deadlines_of(contract.collection[end.key.collection], end.key.month, contract.days)
        return not deadlines.is_frozen(at) or review_store.reopened(session, contract.programme.code, end.key, at=at)

    pair = comparison.pair
    return wants(pair.sent, stands and stands.sender_query), wants(pair.received, stands and stands.receiver_query)


def _ask(
    session: Session,
    contract: Contract,
    comparison: Comparison,
    stands: store.Recorded | None,
    wanted: tuple[bool, bool],
    *,
    recording: Recording,
) -> tuple[int | None, int | None]:
    """Ask those of the two that are to be asked; the numbers of the queries that ask about it now."""
    sender, receiver = questions(comparison)
    return (
        _raise(session, contract, sender, recording) if wanted[0] else stands and stands.sender_query,
        _raise(session, contract, receiver, recording) if wanted[1] else stands and stands.receiver_query,
    )


def _raise(session: Session, contract: Contract, asked: Asked, recording: Recording) -> int | None:
    """The number of the query; None of a return that was frozen at this very moment."""
    question = Question(asked.text, revision=asked.revision, cells=(asked.place._asdict(),))
    try:
        return raise_query(session, contract, asked.key, question, origin=Origin.COMPARISON, recording=recording).number
    except ReturnFrozen:
        return None


def _close(session: Session, contract: Contract, pair: Pair, before: store.Recorded, *, within: bool, recording: Recording) -> None:
    """Close what was asked of both, where nobody has yet."""
    act, said = (QueryAct.SETTLED, SETTLED) if within else (QueryAct.WITHDRAWN, CHANGED)
    ends: tuple[tuple[ReturnKey, int | None], ...] = ((pair.sent.key, before.sender_query), (pair.received.key, before.receiver_query))
    for key, number in ends:
        query = None if number is None else query_store.find(session, contract.programme.code, key, number)
        if query is None or query.state is QueryState.CLOSED:
            continue
        spoken = len(query_store.thread(session, contract.programme.code, key, query.number))
        message = Message(spoken + 1, act, Party.SERVICE, said, recording.at, recording.by)
        after = replace(query, state=moved(query, act))
        query_store.say(session, contract.programme.code, query, after, message, recording=recording)
        details = {"query": query.number, "message": message.number}
        subject = subject_of(key, query.revision)
        audit.record(session, recording, f"query.{act}", subject=subject, details=details, before=query, after=[after, message])


def read_comparisons(
    session: Session, programme: str, month: Month, *, actor: Actor, as_of: datetime | None, now: datetime
) -> tuple[list[ComparisonRead], datetime]:
    """Every pair of a month as it stood, by handover, sender and receiver, with both figures; and the moment that was judged at."""
    require(actor, Permission.REPORT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    found = _comparisons(session, contract, list(pairs(contract, month)), as_of=moment)
    held = store.recorded(session, programme, month, as_of=moment)
    return [_read(each, held.get(store.named(each.pair))) for each in found], moment


def _read(comparison: Comparison, held: store.Recorded | None) -> ComparisonRead:
    if held is None or held.state != "beyond" or held.difference != comparison.difference:
        return ComparisonRead(comparison, None, None)
    return ComparisonRead(comparison, held.sender_query, held.receiver_query)
