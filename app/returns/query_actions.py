"""Asking about returns, answering, and closing what was asked: allow, load, decide, save, audit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import Recording, begin_recording, last_recorded
from app.kernel.actors import EVERY, Actor
from app.kernel.refusals import Fault, Invalid, NotFound
from app.returns import domain, query_store, review_store, store
from app.returns.actions import lock, subject_of
from app.returns.domain import Act, ReturnState, deadlines_of
from app.returns.queries import (
    MOST_CELLS,
    Message,
    Origin,
    Party,
    Place,
    Query,
    QueryAct,
    QueryState,
    Question,
    WantedQueries,
    day_of,
    due_after,
    due_faults,
    moved,
    named_cells,
    overdue_from,
    question_faults,
)
from app.returns.read_actions import owed, told

_NO_QUERY: Final = "There is no such query here, or it is not yours."


@dataclass(frozen=True, slots=True)
class QueryRead:
    """A query as it stood at a moment, with its thread; `as_of` is the moment that the answer names."""

    programme: str
    query: Query
    thread: tuple[Message, ...]
    moment: datetime
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class QueriesRead:
    """Some queries as they stood at a moment."""

    programme: str
    queries: tuple[Query, ...]
    moment: datetime
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """Something to be said in a query's thread, with the faults of its shape; whoever asks may say anew when the answer is due."""

    act: QueryAct
    text: str
    due_on: date | None = None
    faults: tuple[Fault, ...] = ()


def ask(
    session: Session, programme: str, key: ReturnKey, question: Question, faults: Sequence[Fault] = (), *, actor: Actor, now: datetime
) -> QueryRead:
    """Ask a subcontract about its return; `faults` are those of its shape. NotFound, Invalid, WrongStatus, ReturnFrozen."""
    require(actor, Permission.QUERY_ASK, programme=programme, subcontract=key.subcontract)
    lock(session, programme, key)
    recording = begin_recording(session, programme, actor=actor, now=now)
    contract = load_contract(session, programme)
    query = raise_query(session, contract, key, question, faults, origin=Origin.REVIEW, recording=recording)
    return _read(session, programme, query, recording.at, as_of=told(actor, None, recording.at))


def raise_query(
    session: Session,
    contract: Contract,
    key: ReturnKey,
    question: Question,
    faults: Sequence[Fault] = (),
    *,
    origin: Origin,
    recording: Recording,
) -> Query:
    """Record a question about a return, for whoever holds the return's lock and the ledger: a person, or the service itself.

    What the service asks of one subcontract names no figure but that subcontract's own: it is read by that one and the integrator.
    Where it names no cell that the revision states, or too many, it asks about the whole return.
    NotFound where the return is not owed; Invalid; WrongStatus where nothing was received; ReturnFrozen.
    """
    owed(contract, key)
    programme, before = contract.programme.code, store.received(session, contract.programme.code, key)
    state = before.state if before else ReturnState()
    deadlines = deadlines_of(contract.collection[key.collection], key.month, contract.days)
    reopened = deadlines.is_frozen(recording.at) and review_store.reopened(session, programme, key, at=recording.at)
    after = domain.query(state, key, deadlines, at=recording.at, reopened=reopened)
    number = min(question.revision or state.latest_revision, state.latest_revision)
    (about,) = store.revisions(session, programme, key, number=number)
    stated = [cell.key for cell in store.cells(session, programme, about.revision_id)] if question.cells else []
    faults = [*faults, *question_faults(question, latest_revision=state.latest_revision, stated=stated, at=recording.at)]
    if faults and origin is not Origin.COMPARISON:
        raise Invalid("The query cannot be asked like this; see errors.", faults=faults)
    cells = named_cells(question.cells, stated)
    query = Query(
        key=key,
        number=query_store.last_number(session, programme, key) + 1,
        state=QueryState.OPEN,
        origin=origin,
        revision=number,
        cells=cells if len(cells) <= MOST_CELLS else (),
        due_on=question.due_on or due_after(recording.at, contract.days),
        asked_at=recording.at,
        asked_by=recording.by,
        text=question.text,
    )
    party = Party.SERVICE if origin is Origin.COMPARISON else Party.INTEGRATOR
    query_store.add(
        session, programme, query, Message(1, QueryAct.ASKED, party, question.text, recording.at, recording.by), recording=recording
    )
    store.move(session, programme, key, after, before=before, act=Act.QUERIED, recording=recording)
    details = {"query": query.number, "origin": origin.value, "cells": len(query.cells)}
    audit.record(session, recording, "return.queried", subject=subject_of(key, number), details=details, before=state, after=after)
    return query


def say(session: Session, programme: str, key: ReturnKey, number: int, said: Said, *, actor: Actor, now: datetime) -> QueryRead:
    """Answer a query, ask further, or close it. NotFound, Invalid, QueryClosed.

    The return stays where it stands: its figures change by revisions and their acceptance alone, so this is said after the freeze too.
    """
    permission = Permission.QUERY_ANSWER if said.act is QueryAct.ANSWERED else Permission.QUERY_ASK
    require(actor, permission, programme=programme, subcontract=key.subcontract)
    lock(session, programme, key)
    recording = begin_recording(session, programme, actor=actor, now=now)
    before = query_store.find(session, programme, key, number)
    if before is None:
        raise NotFound(_NO_QUERY)
    after = replace(before, state=moved(before, said.act), due_on=_due_on(session, programme, before, said, recording.at))
    party = Party.INTEGRATOR if actor.subcontract == EVERY else Party.SUBCONTRACT
    spoken = len(query_store.thread(session, programme, key, number))
    message = Message(spoken + 1, said.act, party, said.text, recording.at, recording.by)
    query_store.say(session, programme, before, after, message, recording=recording)
    details = {"query": number, "message": message.number}
    subject = subject_of(key, before.revision)
    audit.record(session, recording, f"query.{said.act}", subject=subject, details=details, before=before, after=[after, message])
    return _read(session, programme, after, recording.at, as_of=told(actor, None, recording.at))


def _due_on(session: Session, programme: str, before: Query, said: Said, at: datetime) -> date:
    """When the answer is due after what is said: as before, but for a question that is asked anew."""
    faults = [*said.faults, *due_faults(said.due_on, at=at)]
    if faults:
        raise Invalid("The query cannot go on like this; see errors.", faults=faults)
    if said.due_on is None and said.act is QueryAct.ASKED and before.state is QueryState.ANSWERED:
        return due_after(at, load_contract(session, programme).days)
    return said.due_on or before.due_on


def _read(session: Session, programme: str, query: Query, moment: datetime, *, as_of: datetime | None) -> QueryRead:
    thread = query_store.thread(session, programme, query.key, query.number, as_of=moment)
    return QueryRead(programme, query, thread, moment, as_of)


def _judged_at(session: Session, programme: str, *, asked: datetime | None, now: datetime) -> datetime:
    """The moment that queries are read at: the day on which an answer was due is a deadline too."""
    moment = resolve(session, programme, asked=asked, now=now)
    passed = None if asked is not None else query_store.last_overdue(session, programme, before=day_of(now))
    if passed is None or overdue_from(passed) <= moment:
        return moment
    return max(overdue_from(passed), last_recorded(session, programme, wait=True))


def read_query(
    session: Session, programme: str, key: ReturnKey, number: int, *, actor: Actor, as_of: datetime | None, now: datetime
) -> QueryRead:
    """A query with its thread. NotFound where there is none or it is not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    moment = _judged_at(session, programme, asked=as_of, now=now)
    query = query_store.find(session, programme, key, number, as_of=moment)
    if query is None:
        raise NotFound(_NO_QUERY)
    return _read(session, programme, query, moment, as_of=told(actor, as_of, moment))


def list_queries(
    session: Session,
    programme: str,
    wanted: WantedQueries,
    *,
    after: Place | None,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> QueriesRead:
    """At most `limit` queries that come after a place in the list, the first due first; of a subcontract's client its own."""
    require(actor, Permission.RETURN_READ, programme=programme)
    moment = _judged_at(session, programme, asked=as_of, now=now)
    if actor.subcontract != EVERY:
        wanted = replace(wanted, among=(actor.subcontract or "", *actor.inherited_subcontracts))
    found = query_store.queries(session, programme, wanted, after=after, limit=limit, as_of=moment)
    return QueriesRead(programme, found, moment, told(actor, as_of, moment))
