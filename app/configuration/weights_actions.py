"""What a requirement weighs in a month for each subcontract, and why it does not where it carries no weight."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.expected import carried_weights
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, NotFound
from app.programmes.domain import CarriedWeight


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight that the contract states for a month's contract year, and what of it counts for each subcontract."""

    month: Month
    contract_year: int
    stated: Decimal | None
    carried: dict[str, CarriedWeight]


def read_weights(
    session: Session, programme: str, measure: str, month: Month | None, *, actor: Actor, as_of: datetime | None, now: datetime
) -> Weights:
    """The weights of a measure's requirement in a month of the term; left out, that of the moment it is asked as of."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    requirement, term = contract.requirement.get(measure), contract.programme
    if requirement is None:
        raise NotFound("There is no requirement of that key here, or it is not yours.")
    if month is not None and not term.first_month <= month <= term.last_month:
        fault = Fault("outside_term", "The programme's term does not hold this month.", "Name one of its months.", pointer="/query/month")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault])
    of_moment = min(max(Month.of(moment.astimezone(LONDON).date()), term.first_month), term.last_month)
    asked = month or of_moment
    year = term.contract_year_of(asked)
    return Weights(asked, year, requirement.weight_in(year), carried_weights(contract, requirement, asked))
