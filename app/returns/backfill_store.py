"""The tables of backfills: each request of many returns, and what became of each of its entries."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table, Text, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.rows import code_column, metadata, moment_column, month_column
from app.kernel.refusals import Fault
from app.returns.backfill import Result

BACKFILLS: Final = Table(
    "backfills",
    metadata,
    code_column("programme"),
    code_column("backfill"),
    # Whose subcontract sent it; * for whoever works for every one.
    code_column("sender"),
    Column("body_sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint("programme", "backfill"),
)

RESULTS: Final = Table(
    "backfill_results",
    metadata,
    code_column("programme"),
    code_column("backfill"),
    Column("position", Integer, nullable=False),
    code_column("sender"),
    Column("collection", Text),
    Column("subcontract", Text),
    month_column("month", nullable=True),
    Column("outcome", Text, nullable=False),
    Column("status", Text),
    Column("revision", Integer),
    Column("code", Text),
    Column("detail", Text),
    Column("errors", JSONB, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint("programme", "backfill", "position"),
    ForeignKeyConstraint(["programme", "backfill"], [BACKFILLS.c.programme, BACKFILLS.c.backfill], name="backfill_results_of_backfill"),
    CheckConstraint("outcome IN ('received', 'received_with_warnings', 'duplicate', 'refused')", name="backfill_results_outcome"),
    CheckConstraint("status IN ('expected', 'submitted', 'queried', 'accepted')", name="backfill_results_status"),
)


@dataclass(frozen=True, slots=True)
class Backfill:
    """A request of many returns, and how far it has come: `results` counts its entries by outcome."""

    backfill: str
    body_sha256: str
    media_type: str
    entries: int
    recorded_at: datetime
    recorded_by: str
    results: dict[str, int]

    @property
    def done(self) -> int:
        return sum(self.results.values())


_COLUMNS: Final = tuple(BACKFILLS.c[name] for name in ("backfill", "body_sha256", "media_type", "entries", "recorded_at", "recorded_by"))


def add(session: Session, programme: str, made: Backfill, *, sender: str) -> None:
    columns = {name: value for name, value in asdict(made).items() if name != "results"}
    session.execute(insert(BACKFILLS).values(programme=programme, sender=sender, **columns))


def find(session: Session, programme: str, backfill: str) -> Backfill | None:
    """A backfill with how far it has come; None where there is none, or it is not this tenant's."""
    query = select(*_COLUMNS).where(BACKFILLS.c.programme == programme, BACKFILLS.c.backfill == backfill)
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        return None
    counts = select(RESULTS.c.outcome, func.count()).where(RESULTS.c.programme == programme, RESULTS.c.backfill == backfill)
    return Backfill(**row, results={row[0]: row[1] for row in session.execute(counts.group_by(RESULTS.c.outcome))})


def latest(session: Session, programme: str, *, client: str, most: int) -> list[str]:
    """The names of a client's last backfills, the last one first."""
    query = select(BACKFILLS.c.backfill).where(BACKFILLS.c.programme == programme, BACKFILLS.c.recorded_by == client)
    return list(session.execute(query.order_by(BACKFILLS.c.recorded_at.desc()).limit(most)).scalars())


def done(session: Session, programme: str, backfill: str) -> set[int]:
    """The positions of the entries that are done."""
    query = select(RESULTS.c.position).where(RESULTS.c.programme == programme, RESULTS.c.backfill == backfill)
    return set(session.execute(query).scalars())


def is_done(session: Session, programme: str, backfill: str, position: int) -> bool:
    query = select(RESULTS.c.position).where(
        RESULTS.c.programme == programme, RESULTS.c.backfill == backfill, RESULTS.c.position == position
    )
    return session.execute(query).one_or_none() is not None


def add_result(session: Session, programme: str, backfill: str, result: Result, *, sender: str, at: datetime, by: str) -> None:
    row: dict[str, Any] = result._asdict() | {"errors": [asdict(fault) for fault in result.errors]}
    session.execute(insert(RESULTS).values(programme=programme, backfill=backfill, sender=sender, recorded_at=at, recorded_by=by, **row))


def results(session: Session, programme: str, backfill: str, *, outcome: str | None, after: int, limit: int) -> list[Result]:
    """At most `limit` results after a position, of one outcome or all."""
    query = select(*(RESULTS.c[name] for name in Result._fields)).where(
        RESULTS.c.programme == programme, RESULTS.c.backfill == backfill, RESULTS.c.position > after
    )
    if outcome is not None:
        query = query.where(RESULTS.c.outcome == outcome)
    rows = session.execute(query.order_by(RESULTS.c.position).limit(limit))
    return [Result._make([*row[:-1], tuple(Fault(**each) for each in row[-1])]) for row in rows]
