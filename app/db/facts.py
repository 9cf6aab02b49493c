"""Versioned facts: one mechanism for everything that the contract says.

A change closes the version in force, at the moment it stopped being current, and adds a new one. Nothing is updated in place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, RowMapping, and_, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.ahead import AHEAD
from app.db.bulk import array_type, insert_rows
from app.db.ledger import Recording
from app.db.rows import FactTable
from app.kernel.lines import Line
from app.kernel.months import Month

L = TypeVar("L", bound=Line)
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The keys of the facts that an act added, changed and withdrew."""

    added: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    withdrawn: tuple[Key, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.withdrawn)


def in_force(facts: FactTable, as_of: datetime | ColumnElement[datetime] | None) -> ColumnElement[bool]:
    """The versions that were current at a moment; None asks for those that are current now."""
    columns = facts.table.c
    if as_of is None:
        return columns.closed_at.is_(None)
    return and_(columns.recorded_at <= as_of, or_(columns.closed_at.is_(None), columns.closed_at > as_of))


def read(session: Session, facts: FactTable, programme: str | None, *, as_of: datetime | None) -> Sequence[RowMapping]:
    """Key and content of every fact of a programme in force, in the order of the key."""
    columns = [facts.table.c[name] for name in (*facts.key, *facts.content)]
    query = select(*columns).where(in_force(facts, as_of)).order_by(*(facts.table.c[name] for name in facts.key))
    if facts.of_programme:
        query = query.where(facts.table.c.programme == programme)
    return session.execute(query).mappings().all()


def read_lines(session: Session, facts: FactTable, line: type[L], programme: str | None, *, as_of: datetime | None) -> tuple[L, ...]:
    """The facts of a programme in force as the lines that they state."""
    return tuple(line.model_validate(dict(row)) for row in read(session, facts, programme, as_of=as_of))


def rows_of(facts: FactTable, lines: Iterable[Line]) -> list[dict[str, Any]]:
    """The columns of facts out of the lines that state them."""
    return [row_of(facts, line.model_dump(by_alias=True)) for line in lines]


def stored(value: Any) -> Any:
    """A domain value as a JSON column holds it: lists, members, days and months as text, exact numbers."""
    if isinstance(value, Month):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: stored(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [stored(part) for part in value]
    return value


def row_of(facts: FactTable, value: dict[str, Any]) -> dict[str, Any]:
    """The columns of a fact out of a dumped domain value; JSON columns in stored form."""
    columns = facts.table.c
    return {name: stored(value[name]) if isinstance(columns[name].type, JSONB) else value[name] for name in (*facts.key, *facts.content)}


def difference(facts: FactTable, current: Sequence[RowMapping], wanted: Sequence[dict[str, Any]]) -> Changes:
    """What would change if the facts in force became exactly the wanted ones."""

    def key_of(row: RowMapping | dict[str, Any]) -> Key:
        return tuple(row[name] for name in facts.key)

    before = {key_of(row): tuple(row[name] for name in facts.content) for row in current}
    after = {key_of(row): tuple(row[name] for name in facts.content) for row in wanted}
    return Changes(
        added=tuple(key for key in after if key not in before),
        changed=tuple(key for key, content in after.items() if key in before and before[key] != content),
        withdrawn=tuple(key for key in before if key not in after),
    )


def bring_to(
    session: Session, facts: FactTable, recording: Recording, wanted: Sequence[dict[str, Any]], *, programme: str | None
) -> Changes:
    """Bring the facts of a programme to exactly the wanted ones: close what changed or is absent, add what is new."""
    changes = difference(facts, read(session, facts, programme, as_of=None), wanted)
    close(session, facts, recording, (*changes.changed, *changes.withdrawn), programme=programme)
    new = set(changes.added) | set(changes.changed)
    add(session, facts, recording, [row for row in wanted if tuple(row[name] for name in facts.key) in new], programme=programme)
    return changes


def close(session: Session, facts: FactTable, recording: Recording, keys: Sequence[Key], *, programme: str | None) -> None:
    """End the open versions of these keys at the recording's moment."""
    if not keys:
        return
    table = facts.table
    dialect = session.get_bind().dialect
    parameters: dict[str, Any] = {"closed_at": recording.at, "closed_by": recording.by, "programme": programme}
    for position, name in enumerate(facts.key):
        process = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        parameters[f"key_{position}"] = [process(key[position]) if process else key[position] for key in keys]
    arrays = ", ".join(f"CAST(:key_{position} AS {array_type(table, name)})" for position, name in enumerate(facts.key))
    names = ", ".join(f'"{name}"' for name in facts.key)
    ended = f" FROM unnest({arrays}) AS ended({names})" if facts.key else ""
    conditions = ["fact.closed_at IS NULL", *(f'fact."{name}" = ended."{name}"' for name in facts.key)]
    if facts.of_programme:
        conditions.append("fact.programme = :programme")
    session.execute(
        text(
            f"UPDATE {table.name} AS fact SET closed_at = :closed_at, closed_by = :closed_by"  # noqa: S608 - only names of our own tables and columns are put in
            f"{ended} WHERE {' AND '.join(conditions)}"
        ).execution_options(**AHEAD),
        parameters,
    )


def add(session: Session, facts: FactTable, recording: Recording, rows: Sequence[dict[str, Any]], *, programme: str | None) -> None:
    """Add facts, current from the recording's moment."""
    owner = {"programme": programme} if facts.of_programme else {}
    insert_rows(session, facts.table, [{**owner, **row, "recorded_at": recording.at, "recorded_by": recording.by} for row in rows])
