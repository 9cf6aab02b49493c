"""The table of subcontracts; row-level security shows a subcontract's client its own row alone."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.rows import code_column, fact_table
from app.subcontracts.domain import Subcontract

SUBCONTRACTS = fact_table(
    "subcontracts",
    key=[code_column("reference")],
    content=[
        code_column("organisation"),
        Column("sector", Text, nullable=False),
        Column("settings", JSONB, nullable=False),
        Column("starts_on", Date, nullable=False),
        Column("ends_on", Date, nullable=False),
        Column("annual_value_pence", BigInteger),
        Column("status", Text),
        Column("contacts", JSONB, nullable=False),
        Column("status_history", JSONB, nullable=False),
        Column("extension", JSONB, nullable=False),
        Column("value_by_year", JSONB, nullable=False),
        Column("material", Boolean, nullable=False),
        Column("commissioner_approval", JSONB, nullable=False),
        Column("assurance", JSONB, nullable=False),
        Column("variations", JSONB, nullable=False),
    ],
)
SUBCONTRACTS.table.append_constraint(
    CheckConstraint(
        "status IN ('heads_of_terms', 'agreed', 'signed', 'live', 'suspended', 'notice', 'terminated', 'expired')",
        name="subcontracts_status",
    )
)


def subcontracts(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Subcontract, ...]:
    """The subcontracts of a programme that this tenant sees."""
    return facts.read_lines(session, SUBCONTRACTS, Subcontract, programme, as_of=as_of)


def organisations_by_reference(session: Session, programme: str) -> dict[str, str]:
    """The organisation of each subcontract in force that this tenant sees."""
    columns = SUBCONTRACTS.table.c
    query = select(columns.reference, columns.organisation).where(columns.programme == programme, facts.in_force(SUBCONTRACTS, None))
    return dict(map(tuple, session.execute(query)))
