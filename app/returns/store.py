"""The tables of returns: where each stands, its revisions, and their cells."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.db import facts
from app.db.ahead import AHEAD
from app.db.bulk import insert_columns
from app.db.ledger import CHANGED, Recording
from app.db.rows import code_column, fact_table, metadata, moment_column, month_column
from app.kernel.codes import UNKNOWN
from app.kernel.months import Month
from app.returns.domain import Act, ReturnState, Status
from app.returns.submission import Cell, CellWarning, Submission

RETURNS: Final = fact_table(
    "returns",
    key=[code_column("collection"), code_column("subcontract"), month_column("month")],
    content=[
        Column("status", Text, nullable=False),
        Column("act", Text, nullable=False),
        Column("latest_revision", Integer, nullable=False),
        Column("accepted_revision", Integer),
    ],
)
"""Where each return stands: one fact an act. A return that was never submitted has none."""

Index("returns_of_month_by_act", RETURNS.table.c.programme, RETURNS.table.c.month, RETURNS.table.c.recorded_at)

REVISIONS: Final = Table(
    "revisions",
    metadata,
    code_column("programme"),
    Column("revision_id", BigInteger, Identity(), nullable=False),
    code_column("collection"),
    code_column("subcontract"),
    month_column("month"),
    Column("number", Integer, nullable=False),
    Column("nil", Boolean, nullable=False),
    Column("nil_reason", Text),
    Column("note", Text, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("submitted_sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("expected_sha256", Text, nullable=False),
    moment_column("contract_recorded_at"),
    Column("cell_count", Integer, nullable=False),
    Column("warnings", JSONB, nullable=False),
    Column("explained", Boolean, nullable=False),
    Column("submitted_as", Text, nullable=False),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint("programme", "revision_id"),
    UniqueConstraint("programme", "collection", "subcontract", "month", "number", name="revisions_numbered"),
    UniqueConstraint("programme", "revision_id", "subcontract", name="revisions_of_subcontract"),
)

CELLS: Final = Table(
    "cells",
    metadata,
    code_column("programme"),
    Column("revision_id", BigInteger, nullable=False),
    code_column("subcontract"),
    *(code_column(name) for name in CellKey._fields),
    Column("state", Text, nullable=False),
    Column("numerator", Numeric),
    Column("denominator", Numeric),
    Column("by_rest", Boolean, nullable=False),
    Column("outside_assignment", Boolean, nullable=False),
    Column("reason", Text),
    Column("explanation_code", Text),
    Column("explanation", Text),
    PrimaryKeyConstraint("programme", "revision_id", "measure", "pathway", "segment", "site", "commissioner", "category"),
    CheckConstraint("state IN ('value', 'not_collected', 'not_applicable')", name="cells_state"),
)
Index("cells_outside_assignment", CELLS.c.programme, CELLS.c.revision_id, postgresql_where=CELLS.c.outside_assignment)
_CELL_COLUMNS: Final = [CELLS.c[name] for name in Cell._fields]


@dataclass(frozen=True, slots=True)
class NewRevision:
    """What a revision says of itself beside its content."""

    revision_id: int
    number: int
    content_sha256: str
    submitted_sha256: str
    media_type: str
    expected_sha256: str
    contract_recorded_at: datetime
    submitted_as: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as it was recorded, without its cells."""

    revision_id: int
    number: int
    nil_reason: str | None
    note: str
    content_sha256: str
    submitted_sha256: str
    media_type: str
    contract_recorded_at: datetime
    cell_count: int
    warnings: tuple[CellWarning, ...]
    explained: bool
    submitted_as: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Received:
    """Where a return stands of which at least one revision was received; the latest one's digest and id."""

    key: ReturnKey
    state: ReturnState
    first_at: datetime
    latest_at: datetime
    latest_id: int
    latest_content_sha256: str


@lru_cache(maxsize=4)
def _received(*, now: bool, of_return: bool) -> Select[Any]:
    """The query by `of_programme`; `as_of` where it is not of now; a return's key, or a month. Made once: that costs more than to run it."""
    stands, first, latest = RETURNS.table, REVISIONS.alias("first"), REVISIONS.alias("latest")

    def of(revision: Any) -> Any:
        return and_(revision.c.programme == stands.c.programme, *(revision.c[name] == stands.c[name] for name in RETURNS.key))

    return (
        select(
            stands.c.collection,
            stands.c.subcontract,
            stands.c.month,
            stands.c.status,
            stands.c.latest_revision,
            stands.c.accepted_revision,
            first.c.recorded_at.label("first_at"),
            latest.c.recorded_at.label("latest_at"),
            latest.c.revision_id,
            latest.c.content_sha256,
        )
        .join(first, and_(of(first), first.c.number == 1))
        .join(latest, and_(of(latest), latest.c.number == stands.c.latest_revision))
        .where(
            stands.c.programme == bindparam("of_programme"),
            facts.in_force(RETURNS, None if now else bindparam("as_of", type_=RETURNS.table.c.recorded_at.type)),
            *(stands.c[name] == bindparam(f"of_{name}") for name in (RETURNS.key if of_return else ("month",))),
        )
    )


def _stands(row: Sequence[Any]) -> Received:
    key, (status, latest_revision, accepted_revision), rest = ReturnKey(*row[:3]), row[3:6], row[6:]
    return Received(key, ReturnState(Status(status), latest_revision, accepted_revision), *rest)


def received(session: Session, programme: str, key: ReturnKey, *, as_of: datetime | None = None) -> Received | None:
    """Where a return stands (now, or as it stood); None where nothing was received, or it is not this tenant's."""
    values = {"of_programme": programme, "as_of": as_of, **{f"of_{name}": part for name, part in key._asdict().items()}}
    row = session.execute(_received(now=as_of is None, of_return=True), values).one_or_none()
    return None if row is None else _stands(row)


class Standing(NamedTuple):
    """What a submission is judged by: the moment of the contract, and where its return stands; and the id of the revision it may become."""

    contract_changed: datetime | None
    revision_id: int
    before: Received | None


_NEXT: Final = func.nextval(text("pg_get_serial_sequence('revisions', 'revision_id')"))


@lru_cache(maxsize=1)
def _standing() -> Select[Any]:
    stands = _received(now=True, of_return=True).subquery()
    own = select(CHANGED.scalar_subquery().label("changed"), _NEXT.label("next_revision")).subquery()
    return select(own, stands).select_from(own.outerjoin(stands, true()))


def standing(session: Session, programme: str, key: ReturnKey) -> Standing:
    """All that a submission needs to know, in one question: each costs as much as reading fifty cells."""
    values = {"of_programme": programme, **{f"of_{name}": part for name, part in key._asdict().items()}}
    changed, revision_id, *row = session.execute(_standing(), values).one()
    return Standing(changed, revision_id, None if row[0] is None else _stands(row))


def received_in(session: Session, programme: str, month: Month, *, as_of: datetime) -> dict[ReturnKey, Received]:
    """Where every return of a month stood of which something was received."""
    values = {"of_programme": programme, "as_of": as_of, "of_month": month}
    rows = session.execute(_received(now=False, of_return=False), values)
    return {stands.key: stands for stands in map(_stands, rows)}


def revisions(
    session: Session, programme: str, key: ReturnKey, *, number: int | None = None, as_of: datetime | None = None
) -> tuple[Revision, ...]:
    """A return's revisions by number: all, those recorded by a moment, or one."""
    columns = REVISIONS.c
    query = (
        select(*(columns[name] for name in Revision.__slots__))
        .where(columns.programme == programme, *(columns[name] == part for name, part in zip(RETURNS.key, key, strict=True)))
        .order_by(columns.number)
    )
    if number is not None:
        query = query.where(columns.number == number)
    if as_of is not None:
        query = query.where(columns.recorded_at <= as_of)
    return tuple(Revision(**{**row, "warnings": _warnings(row["warnings"])}) for row in session.execute(query).mappings())


def _warnings(stored: list[dict[str, Any]]) -> tuple[CellWarning, ...]:
    return tuple(
        CellWarning(
            warning["code"],
            CellKey(*warning["cell"]),
            warning["explained"],
            # Revisions of before there were rules say nothing more.
            warning.get("rule"),
            warning.get("severity", "warn"),
            tuple(warning.get("names", {}).items()),
        )
        for warning in stored
    )


def cells(session: Session, programme: str, revision_id: int) -> tuple[Cell, ...]:
    """The cells of a revision in the order of their keys."""
    query = select(*_CELL_COLUMNS).where(CELLS.c.programme == programme, CELLS.c.revision_id == revision_id)
    return tuple(sorted(Cell(*row) for row in session.execute(query)))


_ADD: Final = insert(REVISIONS).execution_options(**AHEAD)


def add_cells(session: Session, programme: str, key: ReturnKey, revision_id: int, cells: Sequence[Cell]) -> None:
    """Lay down the cells of a revision that is added in the same transaction. Nobody's recording waits for it: no moment is in them."""
    count = len(cells)
    columns: dict[str, Sequence[Any]] = dict(zip(Cell._fields, zip(*cells, strict=True), strict=True))
    columns |= {"programme": [programme] * count, "revision_id": [revision_id] * count, "subcontract": [key.subcontract] * count}
    insert_columns(session, CELLS, columns)


def add_revision(
    session: Session, programme: str, key: ReturnKey, submission: Submission, about: NewRevision, *, recording: Recording
) -> None:
    """Add a revision whose cells are laid down."""
    header = {
        **key._asdict(),
        **asdict(about),
        "programme": programme,
        "nil": submission.nil,
        "nil_reason": submission.nil_reason,
        "note": submission.note,
        "cell_count": len(submission.cells),
        "warnings": [{**warning._asdict(), "cell": list(warning.cell), "names": dict(warning.names)} for warning in submission.warnings],
        "explained": submission.explained,
        "recorded_at": recording.at,
        "recorded_by": recording.by,
    }
    session.execute(_ADD, header)


def move(
    session: Session, programme: str, key: ReturnKey, after: ReturnState, *, before: Received | None, act: Act, recording: Recording
) -> None:
    """Record where a return stands after an act."""
    if before is not None:
        facts.close(session, RETURNS, recording, [tuple(key)], programme=programme)
    row = {**key._asdict(), "act": act.value, **asdict(after), "status": after.status.value}
    facts.add(session, RETURNS, recording, [row], programme=programme)


_STANDS: Final = and_(
    RETURNS.table.c.programme == REVISIONS.c.programme,
    *(RETURNS.table.c[name] == REVISIONS.c[name] for name in RETURNS.key),
    RETURNS.table.c.closed_at.is_(None),
    or_(REVISIONS.c.number == RETURNS.table.c.latest_revision, REVISIONS.c.number == RETURNS.table.c.accepted_revision),
)
"""A revision is the latest or the accepted one of its return, as it stands now."""


def have_returned(session: Session, programme: str, subcontracts: Collection[str]) -> Sequence[str]:
    """Which of these subcontracts returned anything, in the order of their references."""
    of = REVISIONS.c
    query = select(of.subcontract).distinct().where(of.programme == programme, of.subcontract.in_(subcontracts)).order_by(of.subcontract)
    return session.execute(query).scalars().all() if subcontracts else ()


def reported_measures(session: Session, programme: str, codes: Iterable[str]) -> Iterator[tuple[str, ReturnKey]]:
    """The returns whose latest or accepted revision states a figure of these measures, each with its measure."""
    of, cell = REVISIONS.c, CELLS.c
    has = and_(cell.programme == of.programme, cell.revision_id == of.revision_id, cell.state == "value")
    for code in codes:
        query = (
            select(of.collection, of.subcontract, of.month)
            .distinct()
            .join(RETURNS.table, _STANDS)
            .where(of.programme == programme, exists().where(has, cell.measure == code))
        )
        yield from ((code, ReturnKey(*row)) for row in session.execute(query))


def reported_cells(
    session: Session, programme: str, *, unchanged: Callable[[ReturnKey, str], bool] = lambda _key, _sha256: False
) -> Iterator[tuple[ReturnKey, int, frozenset[CellKey]]]:
    """The assigned cells that the latest and the accepted revision of each return state, a return and revision at a time.

    `unchanged` is asked with each return and the digest of the cells that were expected of the revision; where it says so
    they are passed over. Cells that only warn, and UNKNOWN places, were never owed.
    """
    of = REVISIONS.c
    query = (
        select(of.collection, of.subcontract, of.month, of.number, of.revision_id, of.expected_sha256)
        .join(RETURNS.table, _STANDS)
        .where(of.programme == programme)
        .order_by(of.month, of.collection, of.subcontract, of.number)
    )
    for collection, subcontract, month, number, revision_id, expected_sha256 in session.execute(query).all():
        key = ReturnKey(collection, subcontract, month)
        if not unchanged(key, expected_sha256):
            yield key, number, frozenset(_owed(cells(session, programme, revision_id)))


def _owed(stated: Iterable[Cell]) -> Iterator[CellKey]:
    return (cell.key for cell in stated if not cell.outside_assignment and UNKNOWN not in {cell.site, cell.commissioner})
