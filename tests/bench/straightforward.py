"""What `make bench` compares with: the same submission as most services would write it (FastAPI, pydantic models, ORM objects).

It checks less than the service does (no completeness, no expected cells, no idempotency, no row security, no receipt of what changed),
so the comparison favours it. `uvicorn tests.bench.straightforward:app` with BENCH_DATABASE_URL serves it.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

app = FastAPI()
engine = create_engine(os.environ.get("BENCH_DATABASE_URL", "postgresql+psycopg://"), pool_size=10)


class Base(DeclarativeBase):
    pass


class ApiKey(Base):
    __tablename__ = "api_keys"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    client: Mapped[str]


class Code(Base):
    """A pathway, segment, measure, site or commissioner that a cell may name."""

    __tablename__ = "codes"
    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)


class Revision(Base):
    __tablename__ = "revisions"
    id: Mapped[int] = mapped_column(primary_key=True)
    collection: Mapped[str] = mapped_column(index=True)
    subcontract: Mapped[str] = mapped_column(index=True)
    month: Mapped[str] = mapped_column(index=True)
    number: Mapped[int]
    submitted_by: Mapped[str]
    submitted_at: Mapped[datetime]
    superseded: Mapped[bool] = mapped_column(default=False)
    cells: Mapped[list["Cell"]] = relationship(back_populates="revision")


class Cell(Base):
    __tablename__ = "cells"
    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"), index=True)
    pathway: Mapped[str]
    segment: Mapped[str]
    measure: Mapped[str]
    site: Mapped[str]
    commissioner: Mapped[str]
    category: Mapped[str]
    state: Mapped[str]
    numerator: Mapped[Decimal | None]
    denominator: Mapped[Decimal | None]
    revision: Mapped[Revision] = relationship(back_populates="cells")


class AuditEntry(Base):
    __tablename__ = "audit_entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str]
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    at: Mapped[datetime]
    by: Mapped[str]


class CellIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pathway: str = "all"
    segment: str = "all"
    measure: str
    site: str = "all"
    commissioner: str = "all"
    category: str = "all"
    state: Literal["value", "not_collected", "not_applicable"] = "value"
    numerator: Decimal | None = Field(default=None, ge=0)
    denominator: Decimal | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def part_of_whole(self) -> Self:
        if self.numerator is not None and self.denominator is not None and self.numerator > self.denominator:
            raise ValueError("the numerator is above the denominator")
        return self


class SubmissionIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cells: list[CellIn]
    note: str = ""


class RevisionOut(BaseModel):
    id: int
    number: int
    submitted_by: str
    submitted_at: datetime
    cells: int


def session() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


def caller(database: Annotated[Session, Depends(session)], authorization: Annotated[str, Header()]) -> str:
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    key = database.get(ApiKey, digest)
    if key is None:
        raise HTTPException(401)
    return key.client


@app.get("/livez")
def alive() -> dict[str, Any]:
    return {}


@app.post("/returns/{collection}/{subcontract}/{month}/revisions", status_code=201)
def submit(  # noqa: PLR0917 - FastAPI passes arguments by name, and such services are written so
    collection: str,
    subcontract: str,
    month: str,
    body: SubmissionIn,
    database: Annotated[Session, Depends(session)],
    client: Annotated[str, Depends(caller)],
) -> RevisionOut:
    known = {(row.kind, row.code) for row in database.scalars(select(Code))}
    for cell in body.cells:
        for kind in ("pathway", "segment", "measure", "site", "commissioner"):
            if getattr(cell, kind) != "all" and (kind, getattr(cell, kind)) not in known:
                raise HTTPException(422, f"unknown {kind}")
    of_return = (Revision.collection == collection, Revision.subcontract == subcontract, Revision.month == month)
    latest = database.scalar(select(func.max(Revision.number)).where(*of_return)) or 0
    for earlier in database.scalars(select(Revision).where(*of_return, Revision.superseded.is_(False))):
        earlier.superseded = True
    now = datetime.now(UTC)
    revision = Revision(
        collection=collection,
        subcontract=subcontract,
        month=month,
        number=latest + 1,
        submitted_by=client,
        submitted_at=now.replace(tzinfo=None),
    )
    database.add(revision)
    database.add_all(Cell(revision=revision, **cell.model_dump()) for cell in body.cells)
    database.flush()
    database.add(AuditEntry(action="submitted", revision_id=revision.id, at=now.replace(tzinfo=None), by=client))
    database.commit()
    return RevisionOut(id=revision.id, number=revision.number, submitted_by=client, submitted_at=now, cells=len(body.cells))
