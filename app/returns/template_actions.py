"""Reading what a subcontract has to send: what is due, how a return is filled in, and the form for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.expected import CellKey, ReturnKey, expected_returns
from app.calendar.store import load_contract
from app.db.ledger import judged_at, last_recorded
from app.kernel.actors import Actor
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.kernel.refusals import NotFound
from app.returns.domain import Deadlines, deadlines_of
from app.returns.expectation import ExpectedReturn
from app.returns.history import standing_of, stated_before
from app.returns.plain_words import Earlier, Stood, ToDo, earlier_of, months_before, to_do
from app.returns.read_actions import owed, told
from app.returns.template import Template, template_of

_AHEAD: Final = 12
"""Months after the running one in which the next return of each collection is looked for."""


@dataclass(frozen=True, slots=True)
class Owing:
    """A return with which its subcontract has something to do."""

    key: ReturnKey
    deadlines: Deadlines
    to_do: ToDo
    stood: Stood


@dataclass(frozen=True, slots=True)
class Due:
    """What a subcontract has to send, in the order in which it is due; and the moment that this was judged at."""

    contract: Contract
    owing: tuple[Owing, ...]
    moment: datetime

    @property
    def today(self) -> date:
        return self.moment.astimezone(LONDON).date()


@dataclass(frozen=True, slots=True)
class Guide:
    """How one return is filled in: what it expects, when, and what was stated before; and the moment it names."""

    expected: ExpectedReturn
    deadlines: Deadlines
    earlier: Mapping[CellKey, Earlier]
    as_of: datetime | None


def read_due(session: Session, programme: str, subcontract: str, *, actor: Actor, as_of: datetime | None, now: datetime) -> Due:
    """What a subcontract has to send, as it stood at a moment; without one, as it stands by the clock: days are counted to it.

    NotFound where the subcontract is not there, or not the actor's.
    """
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=subcontract)
    asked = as_of or max(now, last_recorded(session, programme))
    moment = judged_at(session, programme, asked, now=now)
    contract = load_contract(session, programme, as_of=moment)
    if subcontract not in contract.subcontract:
        raise NotFound("There is no such subcontract here, or it is not yours.")
    stood = standing_of(session, programme, subcontract, as_of=moment)
    owing = sorted(_owing(contract, subcontract, stood, moment), key=lambda each: (each.deadlines.due, each.key))
    return Due(contract, tuple(owing), moment)


def _owing(contract: Contract, subcontract: str, stood: Mapping[ReturnKey, Stood], moment: datetime) -> Iterator[Owing]:
    """Every return with which there is something to do, and of each collection the next that is to come."""
    term = contract.programme
    last = min(term.last_month, Month.of(moment.astimezone(LONDON).date()).plus(_AHEAD))
    has_next: set[str] = set()
    for month in term.first_month.through(last):
        for key in expected_returns(contract, month, subcontract=subcontract):
            if key.collection in has_next:
                continue
            collection = contract.collection[key.collection]
            deadlines = deadlines_of(collection, month, contract.days)
            returned = stood.get(key, Stood())
            state = to_do(returned, deadlines, collection, month, moment)
            if state is not None:
                yield Owing(key, deadlines, state, returned)
            if state == "upcoming":
                has_next.add(key.collection)


def read_guide(session: Session, programme: str, key: ReturnKey, *, actor: Actor, as_of: datetime | None, now: datetime) -> Guide:
    """How a return is filled in. NotFound where it is not owed or not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    moment = resolve(session, programme, asked=as_of, now=now)
    expected = owed(load_contract(session, programme, as_of=moment), key)
    stated = stated_before(session, programme, key, months=months_before(key.month), as_of=moment)
    deadlines = deadlines_of(expected.contract.collection[key.collection], key.month, expected.contract.days)
    return Guide(expected, deadlines, earlier_of(expected, stated), told(actor, as_of, moment))


def read_template(session: Session, programme: str, key: ReturnKey, *, actor: Actor, as_of: datetime | None, now: datetime) -> Template:
    """The form of a return. NotFound where it is not owed or not the actor's."""
    guide = read_guide(session, programme, key, actor=actor, as_of=as_of, now=now)
    return template_of(guide.expected, guide.deadlines, guide.earlier)
