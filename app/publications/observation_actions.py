"""Reading published months as one flat table: whose rows, from which renditions, page by page or all of them as a stream."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.store import load_contract
from app.kernel.actors import EVERY, Actor
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, NotFound
from app.organisations.domain import codes_readable_by
from app.organisations.store import successions
from app.publications import observation_store as store
from app.publications.domain import Audience, Part, audiences_of
from app.publications.observations import Filter, ObservationQuery, Position, Source, lacking, row_of, rows_of, sources_of

_MONTHS_AT_ONCE: Final = 12
_ROWS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Table:
    """What a question is read from: the renditions of its months as they stood when publication `pinned` was the last."""

    programme: str
    query: ObservationQuery
    audience: Audience
    pinned: int
    sources: Mapping[Month, Sequence[Source]]

    @property
    def renditions(self) -> list[Source]:
        return [source for of_month in self.sources.values() for source in of_month]


def find_table(session: Session, programme: str, query: ObservationQuery, *, actor: Actor, after: Position | None) -> Table:
    """What an actor's question is read from; of a page that goes on, as it stood at the first one."""
    require(actor, Permission.OBSERVATION_READ, programme=programme)
    return _table(session, programme, query, audiences_of(actor, public=query.public), after=after)


def find_table_of(
    session: Session, programme: str, subcontract: str, query: ObservationQuery, *, actor: Actor, after: Position | None
) -> Table:
    """The same of one subcontract's own rows; a commissioner reads those of its own rendition. NotFound where it is not the actor's to read."""
    own = None if actor.commissioner not in {None, EVERY} else subcontract
    require(actor, Permission.OBSERVATION_READ, programme=programme, subcontract=own)
    if own is None:
        return _table(session, programme, replace(query, subcontract=frozenset({subcontract})), audiences_of(actor), after=after)
    if subcontract not in load_contract(session, programme).subcontract:
        raise NotFound("There is no such subcontract here, or it is not yours.")
    return _table(session, programme, query, (Audience("subcontract", subcontract),), after=after)


def _table(session: Session, programme: str, query: ObservationQuery, audiences: tuple[Audience, ...], *, after: Position | None) -> Table:
    if query.first is not None and query.last is not None and query.last < query.first:
        fault = Fault("reversed", "`to` lies before `from`.", "Let `to` be the same month or a later one.", pointer="/query/to")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault])
    pinned = store.last_sequence(session, programme, audiences) if after is None else after.pinned
    first = query.first if after is None else Month(after.month)
    found = store.latest(session, programme, audiences, first=first, last=query.last, pinned=pinned)
    own, held = audiences[0], {}
    if own.kind == "commissioner" and len(audiences) > 1:
        links = successions(session, as_of=None)
        held = {source.month: codes_readable_by(own.code, links, on=source.month.last_day) for source in found}
    return Table(programme, query, own, pinned, sources_of(found, audiences, held=held))


def rows_from(
    open_session: Callable[[], AbstractContextManager[Session]], table: Table, members: Sequence[str], after: Position | None
) -> Iterator[tuple[Position, bytes]]:
    """The rows that are asked for, from a position on, each with where the next one would be.

    Parts are read a few at a time, each time in a session of its own: a reader that takes its time holds no connection.
    """
    filter_, start = Filter(table.query), after or Position(table.pinned)
    months = list(table.sources)
    for at in range(0, len(months), _MONTHS_AT_ONCE):
        batch = [
            (month, number, source) for month in months[at : at + _MONTHS_AT_ONCE] for number, source in enumerate(table.sources[month])
        ]
        with open_session() as session:
            parts = store.parts_of(session, table.programme, [source for _, _, source in batch])
        wanted = [
            (Position(table.pinned, month.ordinal, number, at_part), source, part)
            for (month, number, source), of_source in zip(batch, parts, strict=True)
            for at_part, part in enumerate(of_source)
            if table.query.wants(part) and (month.ordinal, number, at_part, part.rows) > start[1:]
        ]
        for some in _a_few(wanted):
            with open_session() as session:
                contents = store.read_parts(session, table.programme, [(source, part) for _, source, part in some])
            for (place, source, _), content in zip(some, contents, strict=True):
                rows = rows_of(content)
                nulls = lacking(rows[0], members)
                first = start.row if place[:4] == start[:4] else 0
                for number, row in enumerate(rows[first:], start=first + 1):
                    if filter_.takes(row, source):
                        yield place._replace(row=number), row_of(row, source, nulls)


def rows_of_months(session: Session, programme: str, query: ObservationQuery, audience: Audience, *, pinned: int) -> list[bytes]:
    """Rows of an audience's months as they stood when a publication was the last."""
    found = store.latest(session, programme, (audience,), first=query.first, last=query.last, pinned=pinned)
    table = Table(programme, query, audience, pinned, sources_of(found, (audience,), held={}))
    return [row for _, row in rows_from(lambda: nullcontext(session), table, (), None)]


def _a_few(parts: Sequence[tuple[Position, Source, Part]]) -> Iterator[list[tuple[Position, Source, Part]]]:
    """Parts together up to so many rows, or one that has more."""
    some: list[tuple[Position, Source, Part]] = []
    for part in parts:
        if some and sum(each.rows for _, _, each in some) + part[2].rows > _ROWS_AT_ONCE:
            yield some
            some = []
        some.append(part)
    if some:
        yield some
