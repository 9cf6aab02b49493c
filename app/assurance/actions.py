"""Reading whether subcontracts are in order, and what their variations add up to: allow, load, work out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.assurance.domain import Finding, findings
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.moments import LONDON
from app.kernel.refusals import NotFound
from app.subcontracts.domain import Subcontract


@dataclass(frozen=True, slots=True)
class Assured:
    """What is not in order on a day, of a contract as it stood."""

    contract: Contract
    on: date
    findings: Sequence[Finding]


def read_assurance(session: Session, programme: str, *, on: date | None, actor: Actor, as_of: datetime | None, now: datetime) -> Assured:
    """What is not in order on a day: the one asked for, else that of the moment it is judged at, as London has it."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    day = on or moment.astimezone(LONDON).date()
    return Assured(contract, day, findings(contract, day))


def read_subcontract(
    session: Session, programme: str, reference: str, *, actor: Actor, as_of: datetime | None, now: datetime
) -> Subcontract:
    """One subcontract as it stood; NotFound where it was not there, or is not the caller's."""
    require(actor, Permission.SUBCONTRACT_READ, programme=programme, subcontract=reference)
    moment = resolve(session, programme, asked=as_of, now=now)
    found = load_contract(session, programme, as_of=moment).subcontract.get(reference)
    if found is None:
        raise NotFound("There is no subcontract of that reference here, or it is not yours.")
    return found
