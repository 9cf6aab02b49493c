"""Reading where a subcontract stands among its unnamed peers, out of the last publication of a month."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.store import load_contract
from app.kernel.actors import EVERY, Actor
from app.kernel.months import Month
from app.kernel.refusals import Forbidden, NotFound
from app.measures.domain import Measure
from app.publications import store
from app.publications.domain import OF_PROGRAMME
from app.publications.domain import Standing as Published
from app.publications.peers import Standing, standing_of
from app.reports.actions import require_proportion


@dataclass(frozen=True, slots=True)
class PeersQuery:
    """Of which measure a subcontract's standing is asked, in which period of a month's report."""

    subcontract: str
    measure: str
    month: Month
    period: str


@dataclass(frozen=True, slots=True)
class PeersRead:
    """A standing, and the publication that it is read from."""

    measure: Measure
    publication: Published
    standing: Standing


def find_standing(
    session: Session, programme_session: Callable[[], AbstractContextManager[Session]], programme: str, query: PeersQuery, *, actor: Actor
) -> PeersRead:
    """The standing, of figures that were published: what is accepted meanwhile moves nothing, so that nobody's own figures show in the others'.

    Forbidden where the programme does not show subcontracts their peers; NotFound where nothing was published of the month.
    """
    require(actor, Permission.OBSERVATION_READ, programme=programme, subcontract=query.subcontract)
    contract = load_contract(session, programme)
    if query.subcontract not in contract.subcontract:
        raise NotFound("There is no such subcontract here, or it is not yours.")
    if actor.subcontract != EVERY and not contract.programme.publishing.funnel_to_subcontracts:
        raise Forbidden("The programme does not show its subcontracts where they stand among their peers.")
    measure = require_proportion(contract, query.measure, query.month)
    # The peers' rows are nobody's but the programme's: only what is worked out of them leaves this block.
    with programme_session() as whole:
        published = store.standings(whole, programme, OF_PROGRAMME, month=query.month)
        if not published:
            raise NotFound("Nothing was published of this month yet.")
        last = published[-1]
        parts = store.parts(whole, programme, OF_PROGRAMME, last.sequence)
        part = next(each for each in parts if (each.slice, each.period) == ("subcontract", query.period))
        content = store.rows_of(whole, programme, OF_PROGRAMME, last.sequence, part)
    rows = [row for row in json.loads(content, parse_float=Decimal, parse_int=Decimal) if row["measure"] == query.measure]
    return PeersRead(measure, last, standing_of(rows, query.subcontract))
