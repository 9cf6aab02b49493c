"""The tables of the shared register: organisations and their successions, versioned facts that belong to no programme."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import CheckConstraint, Column, Date, RowMapping, Table, Text, and_, exists, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.audit import events
from app.db.rows import FactTable, code_column, fact_table
from app.kernel.actors import EVERY
from app.organisations.domain import Act, Organisation, Succession, Version

L = TypeVar("L", Organisation, Succession)

ORGANISATIONS = fact_table(
    "organisations",
    key=[code_column("ods_code")],
    content=[
        Column("name", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("identifiers", JSONB, nullable=False),
        Column("legal_from", Date),
        Column("legal_to", Date),
        Column("operational_from", Date),
        Column("operational_to", Date),
    ],
    of_programme=False,
)

SUCCESSIONS = fact_table(
    "successions",
    key=[code_column("predecessor"), code_column("successor")],
    content=[
        Column("legal_on", Date, nullable=False),
        Column("operational_on", Date, nullable=False),
        Column("note", Text),
    ],
    of_programme=False,
)
SUCCESSIONS.table.append_constraint(CheckConstraint("predecessor <> successor", name="successions_of_another"))

_SPANS = ("legal", "operational")


def organisation_rows(lines: Iterable[Organisation]) -> list[dict[str, Any]]:
    """The columns of organisations: the two ends of a span stand beside each other."""
    rows = []
    for line in lines:
        value = line.model_dump(by_alias=True)
        ends = {f"{span}_{end}": (value[span] or {}).get(end) for span in _SPANS for end in ("from", "to")}
        rows.append(facts.row_of(ORGANISATIONS, {**value, **ends}))
    return rows


def _organisation(row: RowMapping) -> Organisation:
    spans = {span: {"from": row[f"{span}_from"], "to": row[f"{span}_to"]} for span in _SPANS}
    return Organisation.model_validate({name: row[name] for name in ("ods_code", "name", "kind", "identifiers")} | spans)


def _succession(row: RowMapping) -> Succession:
    return Succession.model_validate({name: row[name] for name in (*SUCCESSIONS.key, *SUCCESSIONS.content)})


def organisations(session: Session, *, as_of: datetime | None) -> tuple[Organisation, ...]:
    """The whole register, by ODS code."""
    return tuple(_organisation(row) for row in facts.read(session, ORGANISATIONS, None, as_of=as_of))


def successions(session: Session, *, as_of: datetime | None) -> tuple[Succession, ...]:
    """Every link of the register, by predecessor and successor."""
    return facts.read_lines(session, SUCCESSIONS, Succession, None, as_of=as_of)


_SUCCEEDED: Final = select(exists().where(facts.in_force(SUCCESSIONS, None)))


def any_succeeded(session: Session) -> bool:
    """Whether the register has any link."""
    return bool(session.execute(_SUCCEEDED).scalar_one())


def organisation(session: Session, code: str, *, as_of: datetime | None) -> tuple[Organisation, datetime] | None:
    """An organisation and the moment its version was recorded; None where the register has (or had) none of this code."""
    query = select(ORGANISATIONS.table).where(facts.in_force(ORGANISATIONS, as_of), ORGANISATIONS.table.c.ods_code == code)
    row = session.execute(query).mappings().one_or_none()
    return None if row is None else (_organisation(row), row["recorded_at"])


def links_of(session: Session, code: str, *, as_of: datetime | None) -> tuple[Succession, ...]:
    """The links by which an organisation goes on from others, or others from it."""
    columns = SUCCESSIONS.table.c
    query = select(SUCCESSIONS.table).where(facts.in_force(SUCCESSIONS, as_of), or_(columns.predecessor == code, columns.successor == code))
    rows = session.execute(query.order_by(columns.predecessor, columns.successor)).mappings()
    return tuple(_succession(row) for row in rows)


def organisations_after(
    session: Session,
    after: str | None,
    *,
    limit: int,
    kind: str | None,
    open_on: date | None,
    scheme: str | None,
    value: str | None,
    as_of: datetime | None,
) -> tuple[Organisation, ...]:
    """At most `limit` organisations with codes after one, by code; of what is None, any. Those `open_on` a day work under their code then."""
    columns = ORGANISATIONS.table.c
    query = select(ORGANISATIONS.table).where(facts.in_force(ORGANISATIONS, as_of))
    if after is not None:
        query = query.where(columns.ods_code > after)
    if kind is not None:
        query = query.where(columns.kind == kind)
    if scheme is not None:
        wanted = {"scheme": scheme} | ({} if value is None else {"value": value})
        query = query.where(columns.identifiers.contains([wanted]))
    if open_on is not None:
        # As `is_open` says it: by the operational days, or the legal ones where those are not stated.
        unstated = and_(columns.operational_from.is_(None), columns.operational_to.is_(None))
        holds = {
            span: and_(
                or_(columns[f"{span}_from"].is_(None), columns[f"{span}_from"] <= open_on),
                or_(columns[f"{span}_to"].is_(None), columns[f"{span}_to"] >= open_on),
            )
            for span in _SPANS
        }
        query = query.where(and_(holds["operational"], or_(~unstated, holds["legal"])))
    rows = session.execute(query.order_by(columns.ods_code).limit(limit)).mappings()
    return tuple(_organisation(row) for row in rows)


def versions_of(session: Session, code: str) -> list[Version[Organisation] | Version[Succession]]:
    """Every version of an organisation, then of each link from and to it, from the first on."""
    links = SUCCESSIONS.table.c
    own = _rows(session, ORGANISATIONS, ORGANISATIONS.table.c.ods_code == code)
    linked = _rows(session, SUCCESSIONS, or_(links.predecessor == code, links.successor == code))
    acts = _acts(session, [*own, *linked])

    def version(line: L, row: RowMapping) -> Version[L]:
        def act(at: datetime, by: str) -> Act:
            return acts.get(at, Act(at, by, None, None))

        closed = None if row["closed_at"] is None else act(row["closed_at"], row["closed_by"])
        return Version(line, act(row["recorded_at"], row["recorded_by"]), closed)

    return [*(version(_organisation(row), row) for row in own), *(version(_succession(row), row) for row in linked)]


def was_registered(session: Session, line: Organisation) -> bool:
    """Whether the register has said just this of an organisation at any time."""
    return any(_organisation(row) == line for row in _rows(session, ORGANISATIONS, ORGANISATIONS.table.c.ods_code == line.ods_code))


def _rows(session: Session, table: FactTable, condition: Any) -> Sequence[RowMapping]:
    columns: Table = table.table
    key = [columns.c[name] for name in table.key]
    return session.execute(select(columns).where(condition).order_by(columns.c.recorded_at, *key)).mappings().all()


def _acts(session: Session, rows: Iterable[RowMapping]) -> dict[datetime, Act]:
    """What the installation's chain says of the moments at which versions begin and end."""
    moments = {moment for row in rows for moment in (row["recorded_at"], row["closed_at"]) if moment is not None}
    columns = events.c
    query = select(columns.recorded_at, columns.recorded_by, columns.client_name, columns.details["why"].astext)
    found = session.execute(query.where(columns.programme == EVERY, columns.recorded_at.in_(sorted(moments))))
    return {at: Act(at, by, name, why) for at, by, name, why in found}
