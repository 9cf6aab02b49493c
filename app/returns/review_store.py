"""The tables of what is said of returns beside their revisions, sign-offs and reopenings; and where returns stood, act by act."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, RowMapping, Table, Text, and_, func, insert, select
from sqlalchemy.orm import Session

from app.calendar.expected import ReturnKey
from app.db import facts
from app.db.ledger import Recording
from app.db.rows import code_column, fact_table, metadata, moment_column, month_column
from app.kernel.months import Month
from app.returns.domain import Act, ReturnState, Status
from app.returns.reopening import Reopening
from app.returns.signing import SignOff
from app.returns.store import RETURNS, REVISIONS

SIGN_OFFS: Final = Table(
    "sign_offs",
    metadata,
    code_column("programme"),
    code_column("collection"),
    code_column("subcontract"),
    month_column("month"),
    Column("revision", Integer, nullable=False),
    Column("statement", Text),
    Column("signed_as", Text, nullable=False),
    moment_column("signed_at"),
    code_column("signed_by"),
    code_column("on_behalf_of", nullable=True),
    PrimaryKeyConstraint("programme", "collection", "subcontract", "month", "revision"),
    ForeignKeyConstraint(
        ["programme", "collection", "subcontract", "month", "revision"],
        ["revisions.programme", "revisions.collection", "revisions.subcontract", "revisions.month", "revisions.number"],
        name="sign_offs_of_revision",
    ),
)
"""Who signed which revision; a return takes further ones, what was signed stays."""

REOPENINGS: Final = fact_table(
    "reopenings",
    key=[code_column("collection"), code_column("subcontract"), month_column("month")],
    content=[Column("reason", Text, nullable=False), moment_column("expires_at")],
)
"""Leaves to submit after the freeze: who recorded one approved it, who closed it ended it."""


def _of_return(columns: Any, programme: str, key: ReturnKey) -> Any:
    return and_(columns.programme == programme, *(columns[name] == part for name, part in zip(RETURNS.key, key, strict=True)))


def sign_offs(session: Session, programme: str, key: ReturnKey, *, as_of: datetime | None = None) -> dict[int, SignOff]:
    """The sign-offs of a return by revision: all, or those that there were."""
    columns = SIGN_OFFS.c
    query = select(*(columns[name] for name in SignOff.__slots__)).where(_of_return(columns, programme, key))
    if as_of is not None:
        query = query.where(columns.signed_at <= as_of)
    return {row["revision"]: SignOff(**row) for row in session.execute(query).mappings()}


def signed_in(session: Session, programme: str, months: Collection[Month], *, as_of: datetime) -> set[tuple[ReturnKey, int]]:
    """The revisions of some months' returns that were signed by a moment."""
    columns = SIGN_OFFS.c
    query = select(*(columns[name] for name in (*RETURNS.key, "revision"))).where(
        columns.programme == programme, columns.month.in_(list(months)), columns.signed_at <= as_of
    )
    return {(ReturnKey(*key), revision) for *key, revision in session.execute(query)}


def add_sign_off(session: Session, programme: str, key: ReturnKey, sign_off: SignOff) -> None:
    said = {name: getattr(sign_off, name) for name in SignOff.__slots__}
    session.execute(insert(SIGN_OFFS).values(programme=programme, **key._asdict(), **said))


def reopened(session: Session, programme: str, key: ReturnKey, *, at: datetime) -> bool:
    """Whether a reopening is in force for whoever holds the return's lock and writes at this moment."""
    columns = REOPENINGS.table.c
    query = select(columns.expires_at).where(
        _of_return(columns, programme, key), facts.in_force(REOPENINGS, None), columns.expires_at >= at
    )
    return session.execute(query).one_or_none() is not None


def reopened_in(session: Session, programme: str, months: Collection[Month], *, as_of: datetime) -> set[ReturnKey]:
    """The returns of some months of which a reopening was in force at a moment."""
    columns = REOPENINGS.table.c
    query = select(*(columns[name] for name in REOPENINGS.key)).where(
        columns.programme == programme, columns.month.in_(months), facts.in_force(REOPENINGS, as_of), columns.expires_at >= as_of
    )
    return {ReturnKey(*row) for row in session.execute(query)}


def reopenings(session: Session, programme: str, key: ReturnKey, *, as_of: datetime) -> tuple[Reopening, ...]:
    """The reopenings of a return that there were at a moment, the first first."""
    columns = REOPENINGS.table.c
    query = (
        select(columns.reason, columns.expires_at, columns.recorded_at, columns.recorded_by, columns.closed_at, columns.closed_by)
        .where(_of_return(columns, programme, key), columns.recorded_at <= as_of)
        .order_by(columns.recorded_at)
    )
    return tuple(_reopening(row, as_of=as_of) for row in session.execute(query).mappings())


def _reopening(row: RowMapping, *, as_of: datetime) -> Reopening:
    # One that had expired by itself was not ended by the next one, nor one that was in force then by what came later.
    ended = row["closed_at"] is not None and row["closed_at"] <= min(as_of, row["expires_at"])
    return Reopening(
        reason=row["reason"],
        expires_at=row["expires_at"],
        approved_at=row["recorded_at"],
        approved_by=row["recorded_by"],
        ended_at=row["closed_at"] if ended else None,
        ended_by=row["closed_by"] if ended else None,
    )


def reopen(session: Session, programme: str, key: ReturnKey, *, reason: str, expires_at: datetime, recording: Recording) -> None:
    """Record a reopening; it takes the place of the one before."""
    end_reopening(session, programme, key, recording=recording)
    row = {**key._asdict(), "reason": reason, "expires_at": expires_at}
    facts.add(session, REOPENINGS, recording, [row], programme=programme)


def end_reopening(session: Session, programme: str, key: ReturnKey, *, recording: Recording) -> None:
    facts.close(session, REOPENINGS, recording, [tuple(key)], programme=programme)


def last_expiry(session: Session, programme: str, *, before: datetime) -> datetime | None:
    """The last moment before another at which a reopening expired by itself."""
    columns = REOPENINGS.table.c
    query = select(func.max(columns.expires_at)).where(
        columns.programme == programme, facts.in_force(REOPENINGS, None), columns.expires_at < before
    )
    moment: datetime | None = session.execute(query).scalar_one()
    return moment


def states(session: Session, programme: str, key: ReturnKey, *, as_of: datetime) -> tuple[tuple[datetime, ReturnState], ...]:
    """Where a return stood after each act that was done by a moment, the first first."""
    columns = RETURNS.table.c
    query = (
        select(columns.recorded_at, columns.status, columns.latest_revision, columns.accepted_revision)
        .where(_of_return(columns, programme, key), columns.recorded_at <= as_of)
        .order_by(columns.recorded_at)
    )
    return tuple((at, ReturnState(Status(status), latest, accepted)) for at, status, latest, accepted in session.execute(query))


def explained(session: Session, programme: str, revision_ids: Collection[int]) -> frozenset[int]:
    """Of these revisions those that leave no warning without an explanation."""
    columns = REVISIONS.c
    query = select(columns.revision_id).where(
        columns.programme == programme, columns.revision_id.in_(list(revision_ids)), columns.explained
    )
    return frozenset(session.execute(query).scalars())


def accept_all(session: Session, programme: str, after: Iterable[tuple[ReturnKey, ReturnState]], *, recording: Recording) -> None:
    """Record that returns were accepted, in one act."""
    moved = list(after)
    keys: Sequence[tuple[Any, ...]] = [tuple(key) for key, _ in moved]
    facts.close(session, RETURNS, recording, keys, programme=programme)
    rows = [
        {
            **key._asdict(),
            "status": state.status.value,
            "act": Act.ACCEPTED.value,
            "latest_revision": state.latest_revision,
            "accepted_revision": state.accepted_revision,
        }
        for key, state in moved
    ]
    facts.add(session, RETURNS, recording, rows, programme=programme)
