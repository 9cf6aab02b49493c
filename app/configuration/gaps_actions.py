"""Reading the gaps of a programme: allow, load, look through."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.assignments.gaps import Gaps, blocks
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.configuration.flow_down import Unsupplied, flow_down
from app.configuration.searching import search_of
from app.configuration.store import outside_assignments
from app.kernel.actors import Actor
from app.kernel.months import Month
from app.kernel.ranges import EVER, Range, Ranges, common, span, united
from app.kernel.refusals import refuse_reversed


class Unassigned(NamedTuple):
    """Activity that was accepted for sites and commissioners which its subcontract was not assigned."""

    subcontract: str
    collection: str
    measure: str
    pathway: str
    segment: str
    sites: tuple[str, ...]
    commissioners: tuple[str, ...]
    months: Range


@dataclass(frozen=True, slots=True)
class FoundGaps:
    """Everything that does not hold together in the months from `first` to `last`, as of a moment."""

    contract: Contract
    as_of: datetime
    first: Month
    last: Month
    gaps: Gaps
    outside_assignment: list[Unassigned]
    flow_down: list[Unsupplied]


def find_gaps(
    session: Session, programme: str, *, first: Month | None, last: Month | None, actor: Actor, as_of: datetime | None, now: datetime
) -> FoundGaps:
    """What is not covered, short, waived, outside or not supplied, in the months asked for (those of the term, where they are not named)."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    refuse_reversed(first, last)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    term = united([span(contract.programme.first_month, contract.programme.last_month)])
    asked = united([span(first, last)])
    gaps = search_of(contract, asked=asked).gaps()
    return FoundGaps(
        contract=contract,
        as_of=moment,
        first=first or contract.programme.first_month,
        last=last or contract.programme.last_month,
        gaps=gaps,
        outside_assignment=_unassigned(session, programme, asked, as_of=moment),
        flow_down=list(flow_down(contract, gaps.reporting, asked=common(asked, term))),
    )


def _unassigned(session: Session, programme: str, asked: Ranges, *, as_of: datetime) -> list[Unassigned]:
    parts: dict[tuple[str, str, str, str, str, Range], list[tuple[str, str]]] = defaultdict(list)
    for activity in outside_assignments(session, programme, asked[0] if asked else EVER, as_of=as_of):
        for months in activity.months:
            parts[(*activity[:5], months)].append((activity.site, activity.commissioner))
    return [Unassigned(*where[:5], *block, where[5]) for where, found in parts.items() for block in blocks(found)]
