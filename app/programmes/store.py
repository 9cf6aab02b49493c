"""The tables of head contracts: the programme itself, commissioners, phases and their decisions, sites and requirements."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Integer, Numeric, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.rows import code_column, fact_table, moment_column, month_column
from app.programmes.domain import Commissioner, Phase, PhaseDecision, Programme, Requirement, Site

PROGRAMMES = fact_table(
    "programmes",
    key=[],
    content=[
        Column("name", Text, nullable=False),
        code_column("prime"),
        Column("starts_on", Date, nullable=False),
        Column("ends_on", Date, nullable=False),
        Column("value_pence", BigInteger),
        Column("contract_year_starts", Text),
        Column("quality", JSONB, nullable=False),
        Column("publish_threshold", Numeric),
        Column("rag", JSONB, nullable=False),
        Column("publication", JSONB, nullable=False),
        Column("measures_need_approval", Boolean, nullable=False),
    ],
)

COMMISSIONERS = fact_table(
    "commissioners",
    key=[code_column("ods_code")],
    content=[
        Column("name", Text, nullable=False),
        code_column("parent", nullable=True),
        month_column("from_month", nullable=True),
        month_column("to_month", nullable=True),
        Column("whole", Boolean, nullable=False),
        Column("share", Numeric),
    ],
)

PHASES = fact_table(
    "phases",
    key=[Column("number", Integer, nullable=False)],
    content=[
        Column("name", Text, nullable=False),
        month_column("from_month", nullable=True),
        month_column("to_month", nullable=True),
        Column("payment", Text, nullable=False),
        Column("gate", JSONB, nullable=False),
    ],
)

PHASE_DECISIONS = fact_table(
    "phase_decisions",
    key=[Column("phase", Integer, nullable=False), Column("number", Integer, nullable=False)],
    content=[
        Column("state", Text, nullable=False),
        Column("decision", Text, nullable=False),
        Column("to_phase", Integer, nullable=False),
        month_column("from_month"),
        Column("reason", Text, nullable=False),
        Column("conditions", JSONB, nullable=False),
        moment_column("evidence_as_of"),
        Column("evidence_sha256", Text, nullable=False),
        moment_column("proposed_at"),
        code_column("proposed_by"),
    ],
)
"""A proposal is closed when it is approved, and when another takes its place."""

PHASE_DECISIONS.table.append_constraint(CheckConstraint("state IN ('proposed', 'approved')", name="phase_decisions_state"))

SITES = fact_table(
    "sites",
    key=[code_column("code")],
    content=[
        Column("name", Text, nullable=False),
        code_column("parent", nullable=True),
        month_column("from_month", nullable=True),
        month_column("to_month", nullable=True),
    ],
)

REQUIREMENTS = fact_table(
    "requirements",
    key=[code_column("measure")],
    content=[
        Column("schedule_ref", Text),
        Column("weight", JSONB, nullable=False),
        Column("judged_on", Text, nullable=False),
        Column("applies_to", JSONB, nullable=False),
        Column("targets", JSONB, nullable=False),
        Column("collectability", JSONB, nullable=False),
        Column("process_control", JSONB, nullable=False),
        Column("rag", JSONB, nullable=False),
    ],
)


def programme(session: Session, code: str, *, as_of: datetime | None) -> Programme | None:
    """The programme itself; None where there is none, or none yet."""
    rows = facts.read(session, PROGRAMMES, code, as_of=as_of)
    return Programme.model_validate({"code": code, **rows[0]}) if rows else None


def programmes_after(session: Session, after: str | None, *, as_of: datetime | None) -> list[Programme]:
    """Every programme that this tenant sees, in the order of their codes; from after a code on, where one is given."""
    table = PROGRAMMES.table
    query = select(table.c.programme.label("code"), *(table.c[name] for name in PROGRAMMES.content)).order_by(table.c.programme)
    if after is not None:
        query = query.where(table.c.programme > after)
    rows = session.execute(query.where(facts.in_force(PROGRAMMES, as_of))).mappings()
    return [Programme.model_validate(dict(row)) for row in rows]


def commissioners(session: Session, code: str, *, as_of: datetime | None) -> tuple[Commissioner, ...]:
    return facts.read_lines(session, COMMISSIONERS, Commissioner, code, as_of=as_of)


def phases(session: Session, code: str, *, as_of: datetime | None) -> tuple[Phase, ...]:
    return facts.read_lines(session, PHASES, Phase, code, as_of=as_of)


def phase_decisions(session: Session, code: str, *, as_of: datetime | None) -> tuple[PhaseDecision, ...]:
    """What is decided and proposed of every phase, in the order in which it was recorded."""
    table = PHASE_DECISIONS.table
    query = select(*(table.c[name] for name in PhaseDecision.__slots__)).where(table.c.programme == code)
    rows = session.execute(query.where(facts.in_force(PHASE_DECISIONS, as_of)).order_by(table.c.recorded_at)).mappings()
    return tuple(PhaseDecision(**{**row, "conditions": tuple(row["conditions"])}) for row in rows)


def sites(session: Session, code: str, *, as_of: datetime | None) -> tuple[Site, ...]:
    return facts.read_lines(session, SITES, Site, code, as_of=as_of)


def requirements(session: Session, code: str, *, as_of: datetime | None) -> tuple[Requirement, ...]:
    return facts.read_lines(session, REQUIREMENTS, Requirement, code, as_of=as_of)
