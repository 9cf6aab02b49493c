"""The table of month results, and what a report reads of returns, revisions and cells: sums by PostgreSQL, exactly."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table, Text, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.db.rows import code_column, metadata, month_column
from app.kernel.canonical import sha256
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.reports.results import CellWithoutValue, Recorded, SummedCells
from app.reports.slices import SLICES, Place
from app.reports.sources import SourceCell

MONTH_RESULTS: Final = Table(
    "month_results",
    metadata,
    code_column("programme"),
    code_column("inputs_sha256"),
    code_column("slice"),
    code_column("method_version"),
    month_column("month"),
    # What periods are pooled from: JSON, kept as the very bytes. Rows stood beside it once, and are empty since.
    Column("figures", LargeBinary, nullable=False),
    Column("rows", LargeBinary, nullable=False, server_default=text("''")),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("programme", "inputs_sha256", "slice"),
)
"""Append-only: another input is another digest. Whoever doubts a result recomputes it."""

REPORT_ROWS: Final = Table(
    "report_rows",
    metadata,
    code_column("programme"),
    code_column("inputs_sha256"),
    code_column("slice"),
    code_column("period"),
    code_column("method_version"),
    month_column("month"),
    # JSON, kept as the very bytes.
    Column("rows", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("programme", "inputs_sha256", "slice", "period"),
)
"""The rows of a report as they are read. Append-only, under the digest of every month that they and their series were computed from."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The result of one slice of a month (`returns` stands for its head) as it is kept."""

    figures: bytes
    sha256: str


_RECORDED: Final = text(
    """
    SELECT f.collection, f.subcontract, f.month, coalesce(f.latest_revision, 0) > 0, r.revision_id, r.number, r.content_sha256, r.expected_sha256
    FROM returns f LEFT JOIN revisions r
        ON r.programme = f.programme AND r.collection = f.collection AND r.subcontract = f.subcontract AND r.month = f.month
        AND r.number = CASE WHEN :submitted THEN f.latest_revision ELSE f.accepted_revision END
    WHERE f.programme = :programme AND f.month = ANY(:months) AND f.recorded_at <= :as_of AND (f.closed_at IS NULL OR f.closed_at > :as_of)
    """
)


def recorded(
    session: Session, programme: str, months: Collection[Month], *, as_of: datetime, submitted: bool = False
) -> dict[ReturnKey, Recorded]:
    """What the record held of these months' returns at a moment: the accepted revisions, or with `submitted` the latest ones."""
    values = {"programme": programme, "months": [month.ordinal for month in months], "as_of": as_of, "submitted": submitted}
    return {
        ReturnKey(collection, subcontract, Month(ordinal)): Recorded(*rest)
        for collection, subcontract, ordinal, *rest in session.execute(_RECORDED, values)
    }


_REVISION: Final = text(
    """
    SELECT true, revision_id, number, content_sha256, expected_sha256 FROM revisions
    WHERE programme = :programme AND collection = :collection AND subcontract = :subcontract AND month = :month AND number = :number
    """
)


def recorded_revision(session: Session, programme: str, key: ReturnKey, number: int) -> Recorded:
    """One revision, as though it were the accepted one."""
    values = {"programme": programme, **key._asdict(), "month": key.month.ordinal, "number": number}
    return Recorded(*session.execute(_REVISION, values).one())


_OF_REVISIONS: Final = "FROM cells WHERE programme = :programme AND revision_id = ANY(:revisions)"
_CELL: Final = ", ".join(CellKey._fields)


def sums(session: Session, programme: str, revisions: Sequence[int], *, slice_: str, banded: Collection[str]) -> list[SummedCells]:
    """The `value` cells of revisions added up by the places that a slice names; of banded measures by category too."""
    named = SLICES[slice_]
    category = "category" if "category" in named else f"CASE WHEN measure = ANY(:banded) THEN category ELSE '{ALL}' END"
    columns = [name if name in named else f"'{ALL}'" for name in Place._fields[1:]]
    groups = ", ".join(["measure", *(name for name in named if name != "category"), category])
    query = text(
        f"SELECT measure, {', '.join(columns)}, {category}, min(subcontract), max(subcontract), sum(numerator), sum(denominator)"
        f" {_OF_REVISIONS} AND state = 'value' GROUP BY {groups}"
    )
    values = {"programme": programme, "revisions": list(revisions)}
    rows = session.execute(query, values if "category" in named else {**values, "banded": list(banded)})
    return [SummedCells(Place(*row[:6]), *row[6:]) for row in rows]


def without_value(session: Session, programme: str, revisions: Sequence[int]) -> list[CellWithoutValue]:
    """The cells of revisions that were stated to have no value: few."""
    query = text(f"SELECT subcontract, {_CELL}, state {_OF_REVISIONS} AND state <> 'value'")
    rows = session.execute(query, {"programme": programme, "revisions": list(revisions)})
    return [CellWithoutValue(row[0], CellKey(*row[1:7]), row[7]) for row in rows]


def stated(session: Session, programme: str, revisions: Sequence[int]) -> dict[int, set[CellKey]]:
    """Every cell that these revisions state."""
    query = text(f"SELECT revision_id, {_CELL} {_OF_REVISIONS}")
    found: dict[int, set[CellKey]] = {revision: set() for revision in revisions}
    for row in session.execute(query, {"programme": programme, "revisions": list(revisions)}):
        found[row[0]].add(CellKey(*row[1:]))
    return found


def cells(session: Session, programme: str, revisions: Sequence[int], *, measure: str) -> list[SourceCell]:
    """The cells of one measure in these revisions, in the order of their keys."""
    query = text(
        f"SELECT revision_id, subcontract, {_CELL}, state, numerator, denominator, by_rest, outside_assignment {_OF_REVISIONS}"
        f" AND measure = :measure ORDER BY revision_id, {_CELL}"
    )
    rows = session.execute(query, {"programme": programme, "revisions": list(revisions), "measure": measure})
    return [SourceCell(row[0], row[1], CellKey(*row[2:8]), *row[8:]) for row in rows]


def stored_results(
    session: Session, programme: str, digests: Collection[str], slices: Collection[str]
) -> dict[tuple[str, str], StoredResult]:
    """What was stored before, by digest and slice."""
    columns = MONTH_RESULTS.c
    query = select(columns.inputs_sha256, columns.slice, columns.figures, columns.sha256).where(
        columns.programme == programme, columns.inputs_sha256.in_(digests), columns.slice.in_(slices)
    )
    return {(digest, slice_): StoredResult(*rest) for digest, slice_, *rest in session.execute(query)}


def store_results(
    session: Session, programme: str, month: Month, *, inputs_sha256: str, method_version: str, results: Mapping[str, StoredResult]
) -> None:
    """Keep results, by slice. Somebody may have stored the same at the same time: then theirs stays, which is equal."""
    rows = [
        {
            "programme": programme,
            "inputs_sha256": inputs_sha256,
            "slice": slice_,
            "method_version": method_version,
            "month": month,
            "figures": result.figures,
            "sha256": result.sha256,
        }
        for slice_, result in sorted(results.items())
    ]
    session.execute(insert(MONTH_RESULTS).on_conflict_do_nothing(), rows)


def stored_rows(session: Session, programme: str, digests: Mapping[str, str], slices: Collection[str]) -> dict[tuple[str, str], bytes]:
    """The rows that were stored before, by slice and period; `digests` are those of their inputs, by period."""
    columns = REPORT_ROWS.c
    query = select(columns.slice, columns.period, columns.rows).where(
        columns.programme == programme,
        tuple_(columns.period, columns.inputs_sha256).in_(list(digests.items())),
        columns.slice.in_(slices),
    )
    return {(slice_, period): rows for slice_, period, rows in session.execute(query)}


def store_rows(
    session: Session,
    programme: str,
    month: Month,
    *,
    method_version: str,
    digests: Mapping[str, str],
    rows: Mapping[tuple[str, str], bytes],
) -> None:
    """Keep rows, by slice and period. Who stored the same at the same time stored what is equal."""
    lines = [
        {
            "programme": programme,
            "inputs_sha256": digests[period],
            "slice": slice_,
            "period": period,
            "method_version": method_version,
            "month": month,
            "rows": content,
            "sha256": sha256(content),
        }
        for (slice_, period), content in sorted(rows.items())
    ]
    session.execute(insert(REPORT_ROWS).on_conflict_do_nothing(), lines)


_LAST_ACTS: Final = text(
    """
    SELECT every.month, last.recorded_at
    FROM generate_series((SELECT min(month) FROM returns WHERE programme = :programme), :before - 1) AS every (month)
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM returns WHERE programme = :programme AND month = every.month AND recorded_at <= :as_of
        ORDER BY recorded_at DESC LIMIT 1
    ) AS last
    ORDER BY every.month
    """
)


def last_acts(session: Session, programme: str, *, before: Month, as_of: datetime) -> dict[Month, datetime]:
    """Of each earlier month that anything was recorded of, the moment of the last act on its returns: at another, nothing was done since."""
    values = {"programme": programme, "before": before.ordinal, "as_of": as_of}
    return {Month(ordinal): moment for ordinal, moment in session.execute(_LAST_ACTS, values)}
