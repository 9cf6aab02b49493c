"""The table of imports: versioned facts, one open version of each."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, ColumnElement, Date, Index, Numeric, Text, func, select, tuple_
from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.db.rows import code_column, fact_table, month_column
from app.kernel.months import Month
from app.reports.imports import Import, RecordedImport

IMPORTS: Final = fact_table(
    "imports",
    key=[code_column("import_id")],
    content=[
        code_column("measure"),
        code_column("source"),
        Column("address", Text),
        Column[date]("published_on", Date, nullable=False),
        month_column("from_month", nullable=True),
        month_column("month"),
        code_column("organisation", nullable=True),
        code_column("commissioner", nullable=True),
        code_column("site"),
        code_column("category"),
        Column("basis", Text, nullable=False),
        Column("numerator", Numeric),
        Column("denominator", Numeric),
        Column("value", Numeric),
        Column("unit", Text),
        Column("lower", Numeric),
        Column("upper", Numeric),
        Column("status", Text, nullable=False),
    ],
)
"""`import_id` is the import's name, made from its measure, source, period, place and basis."""

_COLUMNS: Final = IMPORTS.table.c
for _constraint in (
    CheckConstraint("basis IN ('provider', 'commissioner')", name="imports_basis"),
    CheckConstraint("status IN ('provisional', 'final')", name="imports_status"),
    CheckConstraint("(value IS NULL) <> (numerator IS NULL)", name="imports_figures_or_value"),
    CheckConstraint("organisation IS NULL OR commissioner IS NULL", name="imports_one_place"),
):
    IMPORTS.table.append_constraint(_constraint)
Index("imports_of_measure", _COLUMNS.programme, _COLUMNS.measure, _COLUMNS.month)
_LINE: Final = [_COLUMNS[name] for name in IMPORTS.content]
_RECORD: Final = [*_LINE, _COLUMNS.recorded_at, _COLUMNS.recorded_by, _COLUMNS.closed_at, _COLUMNS.closed_by]


def _line(row: Any) -> Import:
    return Import.model_validate({name: row[name] for name in IMPORTS.content})


def _records(session: Session, query: Any) -> list[RecordedImport]:
    rows = session.execute(query).mappings()
    return [RecordedImport(_line(row), *(row[name] for name in ("recorded_at", "recorded_by", "closed_at", "closed_by"))) for row in rows]


def published(session: Session, programme: str, measures: Collection[str], *, as_of: datetime) -> list[Import]:
    """The imports of some measures as they stood."""
    if not measures:
        return []
    query = select(*_LINE).where(_COLUMNS.programme == programme, _COLUMNS.measure.in_(measures), facts.in_force(IMPORTS, as_of))
    return [_line(row) for row in session.execute(query).mappings()]


def last_changed(session: Session, programme: str, *, as_of: datetime) -> datetime | None:
    """The last moment by then at which an import was recorded, superseded or withdrawn: what stood since then stood at that moment."""
    recorded, closed = _COLUMNS.recorded_at, _COLUMNS.closed_at
    moments = func.greatest(func.max(recorded).filter(recorded <= as_of), func.max(closed).filter(closed <= as_of))
    moment: datetime | None = session.execute(select(moments).where(_COLUMNS.programme == programme)).scalar_one()
    return moment


def of_month(session: Session, programme: str, month: Month, *, as_of: datetime) -> list[Import]:
    """The imports about periods that end in a month as they stood, by measure and name."""
    query = select(*_LINE).where(_COLUMNS.programme == programme, _COLUMNS.month == month, facts.in_force(IMPORTS, as_of))
    rows = session.execute(query.order_by(_COLUMNS.measure, _COLUMNS.import_id)).mappings()
    return [_line(row) for row in rows]


def held(session: Session, programme: str, names: Collection[str]) -> dict[str, Import]:
    """What is recorded now under these names."""
    query = select(_COLUMNS.import_id, *_LINE).where(
        _COLUMNS.programme == programme, _COLUMNS.import_id.in_(names), facts.in_force(IMPORTS, None)
    )
    return {row["import_id"]: _line(row) for row in session.execute(query).mappings()}


def listed(
    session: Session,
    programme: str,
    *,
    wanted: dict[str, str | Month],
    after: tuple[str, Month, str] | None,
    limit: int,
    as_of: datetime,
) -> list[RecordedImport]:
    """A page of the imports as they stood, by measure, month and name; `wanted` are values of their columns."""
    order = (_COLUMNS.measure, _COLUMNS.month, _COLUMNS.import_id)
    conditions: list[ColumnElement[bool]] = [_COLUMNS[name] == value for name, value in wanted.items()]
    if after is not None:
        conditions.append(tuple_(*order) > after)
    query = select(*_RECORD).where(_COLUMNS.programme == programme, facts.in_force(IMPORTS, as_of), *conditions)
    return _records(session, query.order_by(*order).limit(limit))


def versions(session: Session, programme: str, name: str, *, as_of: datetime | None) -> list[RecordedImport]:
    """Every version of an import that was recorded by a moment (by now: None), the first one first, each open unless it was closed by then."""
    query = select(*_RECORD).where(_COLUMNS.programme == programme, _COLUMNS.import_id == name).order_by(_COLUMNS.recorded_at)
    found = _records(session, query)
    if as_of is None:
        return found
    known = [each for each in found if each.recorded_at <= as_of]
    return [replace(each, closed_at=None, closed_by=None) if each.closed_at and each.closed_at > as_of else each for each in known]


def record(session: Session, programme: str, *, added: Sequence[Import], superseding: Sequence[Import], recording: Recording) -> None:
    """Record imports, and close the versions that some supersede."""
    withdraw(session, programme, [line.name for line in superseding], recording=recording)
    rows = [{"import_id": line.name, **line.model_dump()} for line in (*added, *superseding)]
    facts.add(session, IMPORTS, recording, rows, programme=programme)


def withdraw(session: Session, programme: str, names: Collection[str], *, recording: Recording) -> None:
    """Close the open versions of imports."""
    facts.close(session, IMPORTS, recording, [(name,) for name in names], programme=programme)
