"""What audits of stored figures read, and the table of what they found."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, func, insert, select, text, union
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey
from app.db.engine import IN_BINARY
from app.db.rows import code_column, metadata, moment_column, month_column
from app.kernel.months import Month
from app.reports.sources import SourceCell
from app.reports.store import MONTH_RESULTS, REPORT_ROWS, Question

FIGURE_AUDITS: Final = Table(
    "figure_audits",
    metadata,
    code_column("programme"),
    moment_column("audited_at"),
    code_column("audited_by"),
    month_column("from_month", nullable=True),
    month_column("to_month", nullable=True),
    Column("checked", Integer, nullable=False),
    Column("mismatched", Integer, nullable=False),
    Column("untraceable", Integer, nullable=False),
    PrimaryKeyConstraint("programme", "audited_at"),
)
"""One row a run and programme. An audit is no act on the programme: it moves no ledger, so that what is read stays as it was."""


class Stored(NamedTuple):
    """A stored part: of a month's results (`period` is empty), or of a report's rows."""

    inputs_sha256: str
    slice: str
    period: str
    method_version: str
    question: Question | None
    content: bytes
    sha256: str


class LastAudit(NamedTuple):
    """What the last audit of a programme found, and when."""

    programme: str
    audited_at: datetime
    mismatched: int
    untraceable: int


def months_stored(session: Session, programme: str) -> list[Month]:
    """The months of which anything is stored, the first first."""
    either = union(*(select(table.c.month).where(table.c.programme == programme) for table in (MONTH_RESULTS, REPORT_ROWS)))
    return sorted(session.execute(either).scalars())


def results_stored(session: Session, programme: str, month: Month) -> Iterator[Stored]:
    """The stored results of a month, those of one digest together."""
    columns = MONTH_RESULTS.c
    asked = (columns.as_of, columns.restated_in, columns.submitted)
    query = (
        select(columns.inputs_sha256, columns.slice, columns.method_version, *asked, columns.figures, columns.sha256)
        .where(columns.programme == programme, columns.month == month)
        .order_by(columns.inputs_sha256, columns.slice)
    )
    for digest, slice_, version, as_of, restated_in, submitted, figures, sha256 in session.execute(query, execution_options=IN_BINARY):
        yield Stored(digest, slice_, "", version, _question(as_of, restated_in, submitted), figures, sha256)


def rows_stored(session: Session, programme: str, month: Month) -> Iterator[Stored]:
    """The stored rows of a month's reports, those of one slice together."""
    columns = REPORT_ROWS.c
    asked = (columns.as_of, columns.restated_in, columns.submitted)
    query = (
        select(columns.inputs_sha256, columns.slice, columns.period, columns.method_version, *asked, columns.rows, columns.sha256)
        .where(columns.programme == programme, columns.month == month)
        .order_by(columns.slice, columns.inputs_sha256, columns.period)
    )
    for digest, slice_, period, version, as_of, restated_in, submitted, rows, sha256 in session.execute(query, execution_options=IN_BINARY):
        yield Stored(digest, slice_, period, version, _question(as_of, restated_in, submitted), rows, sha256)


def _question(as_of: datetime | None, restated_in: Month | None, submitted: bool | None) -> Question | None:  # noqa: FBT001 - three columns in the order in which a row has them
    return None if as_of is None or submitted is None else Question(as_of, restated_in, submitted)


_CELLS: Final = text(
    f"SELECT revision_id, subcontract, {', '.join(CellKey._fields)}, state, numerator, denominator, by_rest, outside_assignment"  # noqa: S608 - only names of our own columns are put in
    " FROM cells WHERE programme = :programme AND revision_id = ANY(:revisions)"
)


def cells(session: Session, programme: str, revisions: Sequence[int]) -> list[SourceCell]:
    """Every cell of some revisions, as it is."""
    rows = session.execute(_CELLS, {"programme": programme, "revisions": list(revisions)})
    return [SourceCell(row[0], row[1], CellKey(*row[2:8]), *row[8:]) for row in rows]


def record(
    session: Session,
    programme: str,
    *,
    at: datetime,
    by: str,
    months: tuple[Month, Month] | None,
    checked: int,
    mismatched: int,
    untraceable: int,
) -> None:
    """Keep what an audit found; `months` are the first and last that it looked at, None where it looked at all."""
    first, last = months or (None, None)
    values = {"programme": programme, "audited_at": at, "audited_by": by, "from_month": first, "to_month": last}
    session.execute(insert(FIGURE_AUDITS).values(**values, checked=checked, mismatched=mismatched, untraceable=untraceable))


def last_audits(session: Session) -> list[LastAudit]:
    """The last audit of each programme that this tenant sees."""
    columns = FIGURE_AUDITS.c
    last = select(columns.programme, func.max(columns.audited_at).label("audited_at")).group_by(columns.programme).subquery()
    query = (
        select(columns.programme, columns.audited_at, columns.mismatched, columns.untraceable)
        .join(last, (columns.programme == last.c.programme) & (columns.audited_at == last.c.audited_at))
        .order_by(columns.programme)
    )
    return [LastAudit(*row) for row in session.execute(query)]
