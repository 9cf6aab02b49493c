"""What was there before: every version of a line, and the months that have accepted figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, func, select
from sqlalchemy.orm import Session

from app.assignments.domain import LINE_ID_DIGITS, Assignment, AssignmentLine, line_of
from app.assignments.store import ASSIGNMENTS
from app.calendar.store import COLLECTIONS
from app.configuration.nouns import Noun
from app.db.rows import FactTable
from app.kernel.lines import Line
from app.kernel.months import Month
from app.measures.store import MEASURES
from app.pathways.store import HANDOVERS, PATHWAYS, SEGMENTS
from app.programmes.store import COMMISSIONERS, PHASES, PROGRAMMES, REQUIREMENTS, SITES
from app.returns.store import RETURNS
from app.subcontracts.store import SUBCONTRACTS

_TABLES: Final[Mapping[str, FactTable]] = {
    "programme": PROGRAMMES,
    "commissioners": COMMISSIONERS,
    "phases": PHASES,
    "sites": SITES,
    "measures": MEASURES,
    "pathways": PATHWAYS,
    "collections": COLLECTIONS,
    "requirements": REQUIREMENTS,
    "subcontracts": SUBCONTRACTS,
    "handovers": HANDOVERS,
}


@dataclass(frozen=True, slots=True)
class Version:
    """What a line said from one moment to another; still does, where `closed_at` is None."""

    line: Line
    recorded_at: datetime
    recorded_by: str
    closed_at: datetime | None
    closed_by: str | None


def versions(session: Session, programme: str, noun: Noun, key: tuple[str | int, ...]) -> list[Version]:
    """Every version of a line, from the first on; none where there never was one."""
    table = _TABLES[noun.section]
    if noun.section == "programme":
        rows = _rows(session, table, programme, {})
        return [_version(noun, {**row}, {"code": programme, **{name: row[name] for name in table.content}}) for row in rows]
    own = _rows(session, table, programme, dict(zip(table.key, key, strict=True)))
    if noun.section != "pathways":
        return [_version(noun, {**row}, {name: row[name] for name in (*table.key, *table.content)}) for row in own]
    segments = _rows(session, SEGMENTS, programme, {"pathway": key[0]})
    return [version for row in own for version in _with_segments(noun, row, segments)]


def _rows(session: Session, facts: FactTable, programme: str, key: Mapping[str, Any]) -> Sequence[RowMapping]:
    columns = facts.table.c
    named = (columns[name] == value for name, value in key.items())
    query = select(facts.table).where(columns.programme == programme, *named).order_by(columns.recorded_at)
    return session.execute(query).mappings().all()


def _version(noun: Noun, row: Mapping[str, Any], value: dict[str, Any]) -> Version:
    line = noun.line.model_validate(value)
    return Version(line, row["recorded_at"], row["recorded_by"], row["closed_at"], row["closed_by"])


def _with_segments(noun: Noun, pathway: RowMapping, segments: Sequence[RowMapping]) -> list[Version]:
    """The versions of a pathway while its own row stood: a new one at each moment at which its segments changed."""
    first, last = pathway["recorded_at"], pathway["closed_at"]
    ends = {row["closed_at"]: row["closed_by"] for row in (*segments, pathway) if row["closed_at"] is not None}
    begins = {row["recorded_at"]: row["recorded_by"] for row in (*segments, pathway)}
    moments = sorted(moment for moment in {*ends, *begins} if first <= moment and (last is None or moment < last))
    found = []
    for moment, following in zip(moments, [*moments[1:], last], strict=True):
        held = [row for row in segments if row["recorded_at"] <= moment and (row["closed_at"] is None or moment < row["closed_at"])]
        held.sort(key=lambda row: row["position"])
        value = {
            "code": pathway["code"],
            "name": pathway["name"],
            "sites": pathway["sites"],
            "segments": [{name: row[name] for name in ("code", "name", "setting", "measures")} for row in held],
        }
        whose = {**ends, **begins}
        stood = {
            "recorded_at": moment,
            "recorded_by": whose[moment],
            "closed_at": following,
            "closed_by": None if following is None else whose[following],
        }
        found.append(_version(noun, stood, value))
    return found


@dataclass(frozen=True, slots=True)
class LineVersion:
    """When a line of assignments stood; still does, where `closed_at` is None.

    `preceded_by` are the lines that ended as it began, at one of its places; `followed_by` those that began as it ended.
    """

    line: AssignmentLine
    recorded_at: datetime
    recorded_by: str
    closed_at: datetime | None
    closed_by: str | None
    preceded_by: tuple[str, ...]
    followed_by: tuple[str, ...]


def line_versions(session: Session, programme: str, name: str) -> list[LineVersion]:
    """The times in which a line of this name stood, the first one first; it may have been taken out and put back."""
    columns = ASSIGNMENTS.table.c
    query = select(ASSIGNMENTS.table).where(columns.programme == programme, func.left(columns.line, LINE_ID_DIGITS) == name)
    stood: list[list[RowMapping]] = []
    for row in session.execute(query.order_by(columns.recorded_at, columns.closed_at)).mappings():
        # Places may come and go while the line stands: what `all` stands for has changed then.
        before = _latest(stood[-1]) if stood else None
        if before and (before["closed_at"] is None or row["recorded_at"] <= before["closed_at"]):
            stood[-1].append(row)
        else:
            stood.append([row])
    return [_stood(session, programme, rows) for rows in stood]


def _latest(rows: Sequence[RowMapping]) -> RowMapping:
    """Of some rows of a line the one that stood longest, or still does."""
    return max(rows, key=lambda row: (row["closed_at"] is None, row["closed_at"] or row["recorded_at"]))


def _stood(session: Session, programme: str, rows: Sequence[RowMapping]) -> LineVersion:
    first, last = rows[0], _latest(rows)
    begun = [row for row in rows if row["recorded_at"] == first["recorded_at"]]
    at_end = [row for row in rows if row["closed_at"] == last["closed_at"]]
    columns = ASSIGNMENTS.table.c
    return LineVersion(
        line_of([Assignment._make(row[member] for member in Assignment._fields) for row in at_end]),
        first["recorded_at"],
        first["recorded_by"],
        last["closed_at"],
        last["closed_by"],
        _others(session, programme, begun, columns.closed_at == first["recorded_at"]),
        () if last["closed_at"] is None else _others(session, programme, at_end, columns.recorded_at == last["closed_at"]),
    )


def _others(session: Session, programme: str, rows: Sequence[RowMapping], then: ColumnElement[bool]) -> tuple[str, ...]:
    """The names of the other lines that hold a place of these facts, and begin or end then."""
    columns = ASSIGNMENTS.table.c
    first = rows[0]
    query = select(func.left(columns.line, LINE_ID_DIGITS)).distinct().where(columns.programme == programme, then)
    places = (columns[member].in_({row[member] for row in rows}) for member in ("site", "commissioner"))
    same = (columns[member] == first[member] for member in ("pathway", "segment"))
    return tuple(sorted(session.execute(query.where(*same, *places, columns.line != first["line"])).scalars()))


def accepted_months(session: Session, programme: str) -> list[Month]:
    """The months that have an accepted revision."""
    columns = RETURNS.table.c
    query = select(columns.month).distinct().where(columns.programme == programme, columns.closed_at.is_(None))
    return list(session.execute(query.where(columns.accepted_revision.is_not(None))).scalars())
