"""What the quality of returns is judged on: their first revisions, and where the ones that are judged lack a value or differ from these."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.calendar.expected import CellKey, ReturnKey
from app.kernel.months import Month
from app.returns.quality import FirstRevision


class Judged(NamedTuple):
    """The revision that a return is judged by: the accepted one, else the latest; and the first, where its content is another."""

    revision_id: int
    accepted: bool
    expected_sha256: str
    first_id: int | None
    number: int


_JUDGED: Final = text(
    """
    SELECT f.collection, f.subcontract, f.month, judged.revision_id, f.accepted_revision IS NOT NULL, judged.expected_sha256,
        CASE WHEN first.content_sha256 <> judged.content_sha256 THEN first.revision_id END, judged.number
    FROM returns f
    JOIN revisions judged ON judged.programme = f.programme AND judged.collection = f.collection AND judged.subcontract = f.subcontract
        AND judged.month = f.month AND judged.number = coalesce(f.accepted_revision, f.latest_revision)
    JOIN revisions first ON first.programme = f.programme AND first.collection = f.collection AND first.subcontract = f.subcontract
        AND first.month = f.month AND first.number = 1
    WHERE f.programme = :programme AND f.month = ANY(:months) AND (CAST(:subcontracts AS text[]) IS NULL OR f.subcontract = ANY(:subcontracts))
        AND f.recorded_at <= :as_of AND (f.closed_at IS NULL OR f.closed_at > :as_of)
    """
)


def judged_revisions(
    session: Session, programme: str, months: Collection[Month], *, subcontracts: Collection[str] | None, as_of: datetime
) -> dict[ReturnKey, Judged]:
    """By which revision each return of these months was judged at a moment; one of which nothing had come is not there."""
    values = {
        "programme": programme,
        "months": [month.ordinal for month in months],
        "subcontracts": None if subcontracts is None else list(subcontracts),
        "as_of": as_of,
    }
    return {ReturnKey(row[0], row[1], Month(row[2])): Judged(*row[3:]) for row in session.execute(_JUDGED, values)}


_FIRST: Final = text(
    "SELECT collection, subcontract, month, revision_id, recorded_at, warnings FROM revisions"
    " WHERE programme = :programme AND month = ANY(:months) AND number = 1 AND recorded_at <= :as_of"
    " AND (CAST(:subcontracts AS text[]) IS NULL OR subcontract = ANY(:subcontracts))"
)
_OF_REVISIONS: Final = "FROM cells WHERE programme = :programme AND revision_id = ANY(:revisions)"
_CELL: Final = ", ".join(CellKey._fields)
_POPULATED: Final = text(f"SELECT revision_id, measure, count(*) {_OF_REVISIONS} AND state = 'value' GROUP BY revision_id, measure")
_WITHOUT: Final = text(f"SELECT revision_id, {_CELL}, state {_OF_REVISIONS} AND state <> 'value'")
_STATED: Final = text(f"SELECT revision_id, {_CELL} {_OF_REVISIONS}")
_FIGURES: Final = text(f"SELECT revision_id, {_CELL}, numerator, denominator {_OF_REVISIONS} AND state = 'value'")


def first_revisions(
    session: Session, programme: str, months: Collection[Month], *, as_of: datetime, subcontracts: Collection[str] | None = None
) -> dict[ReturnKey, FirstRevision]:
    """The first revision of each return of these months that had come by a moment."""
    ordinals = [month.ordinal for month in months]
    of = None if subcontracts is None else list(subcontracts)
    rows = session.execute(_FIRST, {"programme": programme, "months": ordinals, "as_of": as_of, "subcontracts": of}).all()
    populated = populated_by_measure(session, programme, [row.revision_id for row in rows])
    odd = {row.revision_id: {CellKey(*warning["cell"]) for warning in row.warnings if not warning["explained"]} for row in rows}
    without = cells_without_value(session, programme, [revision for revision, cells in odd.items() if cells])
    return {
        ReturnKey(row.collection, row.subcontract, Month(row.month)): FirstRevision(
            row.recorded_at,
            populated.get(row.revision_id, {}),
            # What is odd about a cell without a value is no question of whether its value is valid.
            frozenset(odd[row.revision_id] - without.get(row.revision_id, {}).keys()),
        )
        for row in rows
    }


def populated_by_measure(session: Session, programme: str, revisions: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many cells of each measure carry a value in each of these revisions."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for revision, measure, count in session.execute(_POPULATED, {"programme": programme, "revisions": list(revisions)}):
        found[revision][measure] = count
    return found


def cells_without_value(session: Session, programme: str, revisions: Sequence[int]) -> dict[int, dict[CellKey, str]]:
    """The cells of revisions that were stated to have no value, with their states: few."""
    found: dict[int, dict[CellKey, str]] = defaultdict(dict)
    for revision, *cell, state in session.execute(_WITHOUT, {"programme": programme, "revisions": list(revisions)}):
        found[revision][CellKey(*cell)] = state
    return found


def stated_cells(session: Session, programme: str, revisions: Sequence[int]) -> dict[int, set[CellKey]]:
    """Every cell that these revisions state."""
    found: dict[int, set[CellKey]] = {revision: set() for revision in revisions}
    for revision, *cell in session.execute(_STATED, {"programme": programme, "revisions": list(revisions)}):
        found[revision].add(CellKey(*cell))
    return found


Figures = Mapping[str, Mapping[CellKey, Sequence[Decimal]]]
"""By measure, the figures that each cell with a value carries."""


def figures_of(session: Session, programme: str, revisions: Sequence[int]) -> dict[int, Figures]:
    """The figures of some revisions."""
    found: dict[int, dict[str, dict[CellKey, Sequence[Decimal]]]] = {revision: defaultdict(dict) for revision in revisions}
    for revision, *cell, numerator, denominator in session.execute(_FIGURES, {"programme": programme, "revisions": list(revisions)}):
        key = CellKey(*cell)
        found[revision][key.measure][key] = tuple(figure for figure in (numerator, denominator) if figure is not None)
    return dict(found)
