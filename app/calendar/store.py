"""The tables of collections and of proclaimed days, and the contract as it stood at a moment, put together from every room's facts."""

from datetime import date, datetime
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Boolean, Column, Date, Engine, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.assignments.store import assignments
from app.calendar.contract import Contract
from app.calendar.domain import CalendarDay, Collection
from app.calendar.working_days import calendar_of
from app.db import facts
from app.db.ledger import contract_changed
from app.db.rows import code_column, fact_table
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY
from app.kernel.refusals import NotFound
from app.kernel.shelf import Shelf
from app.measures.store import measures
from app.organisations.store import organisations, successions
from app.pathways.store import handovers, pathways
from app.programmes.store import (
    commissioners,
    phase_decisions,
    phases,
    programme,
    requirements,
    sites,
)
from app.subcontracts.domain import Subcontract
from app.subcontracts.store import subcontracts

COLLECTIONS = fact_table(
    "collections",
    key=[code_column("code")],
    content=[
        Column("name", Text, nullable=False),
        Column("measures", JSONB, nullable=False),
        Column("every", Text, nullable=False),
        Column("due", JSONB, nullable=False),
        Column("close", JSONB, nullable=False),
        Column("freeze", JSONB, nullable=False),
        Column("deadlines_from", JSONB, nullable=False),
        Column("sign_off", Text, nullable=False),
        Column("auto_accept", Boolean, nullable=False),
        Column("rules", JSONB, nullable=False),
    ],
)

CALENDAR_DAYS = fact_table(
    "calendar_days",
    key=[Column("day", Date, nullable=False)],
    content=[Column("worked", Boolean, nullable=False), Column("name", Text, nullable=False)],
    of_programme=False,
)

_MOST_KEPT: Final = {"whole": 32, "own": 1_024}
"""A subcontract's own view of a contract is small, and as many are in use at once as there are subcontracts; a whole one is large."""

_KEPT: Final[WeakKeyDictionary[Engine, Shelf]] = WeakKeyDictionary()
"""Contracts read before, by engine (a database); on its shelf by extent, and programme, subcontract scope and moment."""


_DELIVERING: Final = ("reference", "organisation", "sector", "starts_on", "ends_on", "extension", "status", "status_history")
"""What decides in which months a subcontract delivers."""


def collections(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Collection, ...]:
    return facts.read_lines(session, COLLECTIONS, Collection, programme, as_of=as_of)


def calendar_days(session: Session, *, as_of: datetime | None) -> tuple[CalendarDay, ...]:
    """Everything that was proclaimed, by day."""
    return facts.read_lines(session, CALENDAR_DAYS, CalendarDay, None, as_of=as_of)


def calendar_day(session: Session, day: date) -> tuple[CalendarDay, datetime] | None:
    """What is proclaimed of a day, and the moment at which it was recorded."""
    query = select(CALENDAR_DAYS.table).where(facts.in_force(CALENDAR_DAYS, None), CALENDAR_DAYS.table.c.day == day)
    row = session.execute(query).mappings().one_or_none()
    return None if row is None else (CalendarDay(day=row["day"], worked=row["worked"], name=row["name"]), row["recorded_at"])


def load_contract(session: Session, code: str, *, as_of: datetime | None = None) -> Contract:
    """The contract of a programme as it stood (now, where `as_of` is None), as far as this tenant sees it.

    NotFound where the programme is not there, was not there yet, or is not this tenant's.
    """
    return contract_of(session, code, contract_changed(session, code, as_of=as_of))


def contract_of(session: Session, code: str, moment: datetime | None) -> Contract:
    """The contract that a programme got at a moment, the last of its changes that this tenant was told of; NotFound where it was told of none.

    Read once for each tenant and change, and kept: a contract at the moment of its last change never changes again.
    """
    if moment is None:
        raise NotFound("There is no programme of that code here, or it is not yours.")
    tenant: Tenant = session.info["tenant"]
    extent = "whole" if tenant.subcontract == EVERY else "own"
    shelf = _KEPT.setdefault(session.connection().engine, Shelf(_MOST_KEPT["own"]))
    key = (code, (tenant.subcontract, *tenant.inherited_subcontracts), moment)
    return shelf.kept(extent, key, lambda: _read(session, code, moment), most=_MOST_KEPT[extent])


def _read(session: Session, code: str, moment: datetime) -> Contract:
    found = programme(session, code, as_of=moment)
    if found is None:
        raise NotFound("There is no programme of that code here, or it is not yours.")
    own, reported_for = _of_tenant(session, subcontracts(session, code, as_of=moment))
    return Contract(
        programme=found,
        recorded_at=moment,
        organisations=organisations(session, as_of=moment),
        commissioners=commissioners(session, code, as_of=moment),
        phases=phases(session, code, as_of=moment),
        sites=sites(session, code, as_of=moment),
        measures=measures(session, code, as_of=moment),
        pathways=pathways(session, code, as_of=moment),
        handovers=handovers(session, code, as_of=moment),
        collections=collections(session, code, as_of=moment),
        requirements=requirements(session, code, as_of=moment),
        subcontracts=own,
        assignments=assignments(session, code, as_of=moment),
        days=calendar_of(calendar_days(session, as_of=moment)),
        decisions=tuple(each for each in phase_decisions(session, code, as_of=moment) if each.state == "approved"),
        successions=successions(session, as_of=moment),
        reported_for=reported_for,
    )


def _of_tenant(session: Session, lines: tuple[Subcontract, ...]) -> tuple[tuple[Subcontract, ...], tuple[Subcontract, ...]]:
    """The subcontracts that are the tenant's, and what it has to know of those that it reports for: when they deliver, and as whom."""
    tenant: Tenant = session.info["tenant"]
    theirs = {tenant.subcontract, *tenant.inherited_subcontracts}
    if EVERY in theirs:
        return lines, ()
    others = (line.model_dump(include=set(_DELIVERING)) for line in lines if line.reference not in theirs)
    return tuple(line for line in lines if line.reference in theirs), tuple(Subcontract.model_validate(line) for line in others)
