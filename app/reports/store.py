"""The table of month results, and what a report reads of returns, revisions and cells: sums by PostgreSQL, exactly."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Boolean, Column, LargeBinary, PrimaryKeyConstraint, Table, Text, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.db.engine import IN_BINARY
from app.db.rows import code_column, metadata, moment_column, month_column
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
    # The question that the digest was first asked for by: its inputs are found again by it. Older ones do not say.
    moment_column("as_of", nullable=True),
    month_column("restated_in", nullable=True),
    Column("submitted", Boolean, nullable=True),
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
    moment_column("as_of", nullable=True),
    month_column("restated_in", nullable=True),
    Column("submitted", Boolean, nullable=True),
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


def sums(
    session: Session, programme: str, revisions: Sequence[int], *, slices: Sequence[str], banded: Collection[str]
) -> dict[str, list[SummedCells]]:
    """The `value` cells of revisions added up by the places that each slice names; of banded measures by category too. One reading for all."""
    if not slices:
        return {}
    sets = {slice_: (*SLICES[slice_], *(() if "category" in SLICES[slice_] else ("band",))) for slice_ in slices}
    grouped = sorted({name for names in sets.values() for name in names})
    columns = [f"coalesce({name}, '{ALL}')" if name in grouped else f"'{ALL}'" for name in Place._fields[1:]]
    sets_text = ", ".join(f"(measure, {', '.join(names)})" for names in sets.values())
    category = f"coalesce({', '.join(name for name in ('category', 'band') if name in grouped)})"
    query = text(
        f"SELECT GROUPING({', '.join(grouped)}), measure, {', '.join(columns)}, {category}, min(subcontract), max(subcontract),"  # noqa: S608 - only names of our own columns are put in
        " sum(numerator), sum(denominator)"
        f" FROM (SELECT *, CASE WHEN measure = ANY(:banded) THEN category ELSE '{ALL}' END AS band {_OF_REVISIONS} AND state = 'value') AS stated"
        f" GROUP BY GROUPING SETS ({sets_text})"
    )
    # A row says of each column whether it is not one of its set's: a bit each, the last one's lowest.
    mask_of = {slice_: sum(1 << bit for bit, name in enumerate(reversed(grouped)) if name not in names) for slice_, names in sets.items()}
    slice_of = {mask: slice_ for slice_, mask in mask_of.items()}
    found: dict[str, list[SummedCells]] = {slice_: [] for slice_ in slices}
    values = {"programme": programme, "revisions": list(revisions), "banded": list(banded)}
    for mask, *row in session.execute(query, values):
        found[slice_of[mask]].append(SummedCells(Place(*row[:6]), *row[6:]))
    return found


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
    return {(digest, slice_): StoredResult(*rest) for digest, slice_, *rest in session.execute(query, execution_options=IN_BINARY)}


class Question(NamedTuple):
    """How the inputs of what is stored are found again: by a moment, and how the months were read at it."""

    as_of: datetime | None
    restated_in: Month | None
    submitted: bool


def store_results(
    session: Session,
    programme: str,
    month: Month,
    *,
    inputs_sha256: str,
    method_version: str,
    asked: Question,
    results: Mapping[str, StoredResult],
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
            **asked._asdict(),
        }
        for slice_, result in sorted(results.items())
    ]
    session.execute(insert(MONTH_RESULTS).on_conflict_do_nothing(), rows)


def stored_rows(
    session: Session, programme: str, digests: Collection[str], slices: Collection[str], periods: Collection[str]
) -> dict[tuple[str, str, str], bytes]:
    """The rows that were stored before, by digest of their inputs, slice and period."""
    columns = REPORT_ROWS.c
    query = select(columns.inputs_sha256, columns.slice, columns.period, columns.rows).where(
        columns.programme == programme,
        columns.inputs_sha256.in_(digests),
        columns.slice.in_(slices),
        columns.period.in_(periods),
    )
    found = session.execute(query, execution_options=IN_BINARY)
    return {(digest, slice_, period): rows for digest, slice_, period, rows in found}


def store_rows(
    session: Session,
    programme: str,
    month: Month,
    *,
    method_version: str,
    asked: Question,
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
            **asked._asdict(),
        }
        for (slice_, period), content in sorted(rows.items())
    ]
    session.execute(insert(REPORT_ROWS).on_conflict_do_nothing(), lines)


_LAST_ACTS: Final = text(
    """
    SELECT every.month, last.recorded_at
    FROM generate_series(coalesce(:first, (SELECT min(month) FROM returns WHERE programme = :programme)), :before - 1) AS every (month)
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM returns WHERE programme = :programme AND month = every.month AND recorded_at <= :as_of
        ORDER BY recorded_at DESC LIMIT 1
    ) AS last
    ORDER BY every.month
    """
)


def last_acts(session: Session, programme: str, *, before: Month, as_of: datetime, first: Month | None = None) -> dict[Month, datetime]:
    """Of each earlier month that anything was recorded of, the moment of the last act on its returns: at another, nothing was done since.

    From the first such month on, or from `first`.
    """
    values = {"programme": programme, "first": None if first is None else first.ordinal, "before": before.ordinal, "as_of": as_of}
    return {Month(ordinal): moment for ordinal, moment in session.execute(_LAST_ACTS, values)}
