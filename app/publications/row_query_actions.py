"""Asking about rows of a publication, answering, and closing what was asked: allow, load, decide, save, audit."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, may, require
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import begin_recording
from app.kernel.actors import EVERY, Actor
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.refusals import Fault, Forbidden, Invalid, NotFound
from app.publications import row_query_store as store
from app.publications.domain import Audience
from app.publications.row_queries import PARTIES, QueryName, RowKeys, RowMessage, RowQuery, WantedRowQueries, moved
from app.publications.store import parts, rows_of, standings
from app.returns.queries import QueryAct, QueryState, due_after, due_faults
from app.returns.query_actions import Said

_NOT_PUBLISHED: Final = "There is no such publication here, or it is not yours."
_MOST_BESIDE: Final = 1_000
_NO_QUERY: Final = "There is no such query here, or it is not yours."


@dataclass(frozen=True, slots=True)
class RowQueryRead:
    """A query with its thread."""

    query: RowQuery
    thread: tuple[RowMessage, ...]

    @property
    def lines(self) -> Iterator[dict[str, str | int]]:
        """Everything that was said, a flat line each, under the keys of the row and the month of its report: to join on the rows."""
        query = self.query
        named: dict[str, str | int] = {"report_month": str(query.month), "sequence": query.name.sequence, "query": query.name.text}
        named |= {"state": query.state.value, "due_on": query.due_on.isoformat(), **query.row._asdict()}
        for said in self.thread:
            about = {"message": said.number, "act": said.act.value, "party": said.party.value, "text": said.text}
            yield {**named, **about, "at": moment_text(said.recorded_at), "by": said.recorded_by}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a row; without `due_on` the answer has five working days. `faults`: what of it could not be read."""

    row: RowKeys
    text: str
    due_on: date | None = None
    faults: tuple[Fault, ...] = ()


def ask(session: Session, programme: str, sequence: int, asked: Asked, *, actor: Actor, now: datetime) -> RowQueryRead:
    """Ask about a row of a publication, as a commissioner that reads it. NotFound, Forbidden, Invalid."""
    require(actor, Permission.ROW_QUERY_ASK, programme=programme)
    commissioner = _commissioner(actor)
    audience = Audience("commissioner", commissioner)
    published = next(
        (each for each in standings(session, programme, audience, after=sequence - 1, limit=1) if each.sequence == sequence), None
    )
    if published is None:
        raise NotFound(_NOT_PUBLISHED)
    recording = begin_recording(session, programme, actor=actor, now=now)
    faults = [*asked.faults, *due_faults(asked.due_on, at=recording.at)]
    if not _is_published(session, programme, audience, sequence, asked.row):
        fix = "Name a row of the publication by its own keys; those that are left out are `all`, and the period is the month."
        faults.insert(0, Fault("unknown_row", "The publication has no such row for you.", fix, pointer="/row"))
    if faults:
        raise Invalid("The query cannot be asked like this; see errors.", faults=faults)
    query = RowQuery(
        name=QueryName(commissioner, sequence, store.last_number(session, programme, commissioner, sequence) + 1),
        month=published.month,
        state=QueryState.OPEN,
        row=asked.row,
        due_on=asked.due_on or due_after(recording.at, load_contract(session, programme).days),
        asked_at=recording.at,
        asked_by=recording.by,
        text=asked.text,
    )
    message = RowMessage(1, QueryAct.ASKED, PARTIES[QueryAct.ASKED], asked.text, recording.at, recording.by)
    store.say(session, programme, None, query, message, recording=recording)
    audit.record(
        session, recording, "publication.queried", subject=_subject(query), details={"row": asked.row._asdict()}, after=[query, message]
    )
    return RowQueryRead(query, (message,))


def _commissioner(actor: Actor) -> str:
    """The commissioner on whose behalf an actor asks: whoever reads everything asks for none."""
    if actor.commissioner in {None, EVERY}:
        raise Forbidden("Rows of a publication are asked about by the commissioner that reads it.")
    return actor.commissioner or ""


def _is_published(session: Session, programme: str, audience: Audience, sequence: int, row: RowKeys) -> bool:
    for part in parts(session, programme, audience, sequence):
        if (part.slice, part.period) == (row.slice, row.period):
            return any(row.is_of(each) for each in json.loads(rows_of(session, programme, audience, sequence, part)))
    return False


def _subject(query: RowQuery) -> dict[str, Any]:
    return {"commissioner": query.name.commissioner, "sequence": query.name.sequence, "query": query.name.text}


def say(session: Session, programme: str, name: QueryName | None, said: Said, *, actor: Actor, now: datetime) -> RowQueryRead:
    """Answer a query, ask further, or close it. NotFound, Forbidden, Invalid, QueryClosed. What was published stays as it is."""
    permission = Permission.ROW_QUERY_ANSWER if said.act is QueryAct.ANSWERED else Permission.ROW_QUERY_ASK
    require(actor, permission, programme=programme)
    asker = None if said.act is QueryAct.ANSWERED else _commissioner(actor)
    if asker is not None and (name is None or name.commissioner != asker):
        raise NotFound(_NO_QUERY)
    recording = begin_recording(session, programme, actor=actor, now=now)
    before = None if name is None else store.find(session, programme, name)
    if before is None:
        raise NotFound(_NO_QUERY)
    faults = [*said.faults, *due_faults(said.due_on, at=recording.at)]
    state = moved(before, said.act)
    if faults:
        raise Invalid("The query cannot go on like this; see errors.", faults=faults)
    due_on = said.due_on or before.due_on
    if said.due_on is None and said.act is QueryAct.ASKED and before.state is QueryState.ANSWERED:
        due_on = due_after(recording.at, load_contract(session, programme).days)
    after = replace(before, state=state, due_on=due_on)
    thread = store.threads(session, programme, [before.name])[before.name]
    message = RowMessage(len(thread) + 1, said.act, PARTIES[said.act], said.text, recording.at, recording.by)
    store.say(session, programme, before, after, message, recording=recording)
    details = {"message": message.number}
    audit.record(
        session, recording, f"row_query.{said.act}", subject=_subject(before), details=details, before=before, after=[after, message]
    )
    return RowQueryRead(after, (*thread, message))


def read_query(session: Session, programme: str, name: QueryName | None, *, actor: Actor) -> RowQueryRead:
    """A query with its thread. NotFound where there is none or it is not the actor's."""
    require(actor, Permission.ROW_QUERY_READ, programme=programme)
    found = None if name is None else store.find(session, programme, name)
    if found is None:
        raise NotFound(_NO_QUERY)
    return RowQueryRead(found, tuple(store.threads(session, programme, [found.name])[found.name]))


def list_queries(
    session: Session, programme: str, wanted: WantedRowQueries, *, after: tuple[int, str, int] | None, limit: int | None, actor: Actor
) -> list[RowQueryRead]:
    """At most `limit` queries (None: all there are), each with its thread: the integrator's all, a commissioner's its own."""
    require(actor, Permission.ROW_QUERY_READ, programme=programme)
    load_contract(session, programme)
    found = store.queries(session, programme, wanted, after=after, limit=limit)
    threads = store.threads(session, programme, [query.name for query in found]) if found else {}
    return [RowQueryRead(query, tuple(threads[query.name])) for query in found]


def publication_month(
    session: Session, programme: str, sequence: int, *, actor: Actor, audiences: tuple[Audience, ...]
) -> WantedRowQueries:
    """The queries that are about a publication's month, of whichever of its publications. NotFound where it is not the actor's to read."""
    require(actor, Permission.ROW_QUERY_READ, programme=programme)
    for audience in audiences:
        for each in standings(session, programme, audience, after=sequence - 1, limit=1):
            if each.sequence == sequence:
                return WantedRowQueries(months=(each.month,))
    raise NotFound(_NOT_PUBLISHED)


def is_told_of_queries(actor: Actor, *, public: bool) -> bool:
    """Whether what is asked about rows stands beside those that an actor reads; the public is told of none."""
    return not public and may(actor, Permission.ROW_QUERY_READ)


def queries_beside(session: Session, programme: str, months: Iterable[Month], *, actor: Actor) -> list[RowQueryRead]:
    """What is asked about rows of some months, as far as it is the actor's to know."""
    wanted = WantedRowQueries(months=tuple(months))
    return list_queries(session, programme, wanted, after=None, limit=_MOST_BESIDE, actor=actor)


def lines_beside(session: Session, programme: str, month: Month, *, actor: Actor) -> list[dict[str, str | int]]:
    """Everything that was said about rows of a month, as far as it is the actor's to know."""
    return [line for each in queries_beside(session, programme, [month], actor=actor) for line in each.lines]
