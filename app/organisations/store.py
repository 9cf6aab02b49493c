"""The table of organisations: versioned facts that belong to no programme."""

from datetime import datetime

from sqlalchemy import Column, Text
from sqlalchemy.orm import Session

from app.db import facts
from app.db.rows import code_column, fact_table
from app.organisations.domain import Organisation

ORGANISATIONS = fact_table(
    "organisations",
    key=[code_column("ods_code")],
    content=[Column("name", Text, nullable=False), Column("kind", Text, nullable=False)],
    of_programme=False,
)


def organisations(session: Session, *, as_of: datetime | None) -> tuple[Organisation, ...]:
    """The whole register, by ODS code."""
    return facts.read_lines(session, ORGANISATIONS, Organisation, None, as_of=as_of)
