"""Reading returns: what is owed, where it stands, its revisions and its figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_returns
from app.calendar.store import load_contract
from app.db.ledger import last_recorded
from app.kernel.actors import EVERY, Actor
from app.kernel.moments import LONDON, TICK
from app.kernel.months import Month
from app.kernel.refusals import NotFound
from app.returns import files_store, query_store, review_store, store
from app.returns.domain import Deadlines, ReturnState, Status, deadlines_of
from app.returns.expectation import ExpectedReturn, expected_return
from app.returns.files_store import SubmittedFile
from app.returns.queries import QueryState
from app.returns.reopening import Reopening
from app.returns.signing import SignOff
from app.returns.store import Received, Revision
from app.returns.submission import Cell, CellChange, changed_cells


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an owed return stands at a moment."""

    contract: Contract
    key: ReturnKey
    deadlines: Deadlines
    received: Received | None
    is_signed: bool
    moment: datetime

    @property
    def signed_off(self) -> bool | None:
        """Whether somebody stands behind the latest revision; None where there is none."""
        return self.is_signed if self.received else None

    @property
    def state(self) -> ReturnState:
        return self.received.state if self.received else ReturnState()

    @property
    def is_overdue(self) -> bool:
        return self.received is None and self.moment > self.deadlines.due


@dataclass(frozen=True, slots=True)
class ReturnRead:
    """An owed return with all that is known of it: what is expected, its revisions, and its current figures; and the moment it names."""

    standing: Standing
    expected: ExpectedReturn
    revisions: tuple[Revision, ...]
    current: tuple[Cell, ...] | None
    sign_offs: Mapping[int, SignOff]
    reopenings: tuple[Reopening, ...]
    states: tuple[tuple[datetime, ReturnState], ...]
    queries: Mapping[QueryState, int]
    as_of: datetime | None


_NO_RETURN: Final = "There is no such return here, or it is not yours."


def owed(contract: Contract, key: ReturnKey) -> ExpectedReturn:
    expected = expected_return(contract, key)
    if expected is None:
        raise NotFound(_NO_RETURN)
    return expected


def read_return(session: Session, programme: str, key: ReturnKey, *, actor: Actor, as_of: datetime | None, now: datetime) -> ReturnRead:
    """Where a return stands, what it expects, its revisions and its current figures. NotFound where it is not owed or not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    moment = judged_at(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    return read_at(session, programme, contract, key, moment, as_of=told(actor, as_of, moment))


def judged_at(session: Session, programme: str, *, asked: datetime | None, now: datetime) -> datetime:
    """The moment that a return, or what is made of returns, is read at: the expiry of a reopening is a deadline too."""
    moment = resolve(session, programme, asked=asked, now=now)
    expired = None if asked is not None else review_store.last_expiry(session, programme, before=now)
    if expired is None or expired < moment:
        return moment
    return max(expired + TICK, last_recorded(session, programme, wait=True))


def told(actor: Actor, asked: datetime | None, moment: datetime) -> datetime | None:
    """The moment that an answer names: to a subcontract only the one it asked for, for the last recorded one tells when others act."""
    return moment if actor.subcontract == EVERY else asked


def read_at(
    session: Session, programme: str, contract: Contract, key: ReturnKey, moment: datetime, *, as_of: datetime | None
) -> ReturnRead:
    expected = owed(contract, key)
    received = store.received(session, programme, key, as_of=moment)
    sign_offs = review_store.sign_offs(session, programme, key, as_of=moment)
    deadlines = deadlines_of(contract.collection[key.collection], key.month, contract.days)
    is_signed = received is not None and received.state.latest_revision in sign_offs
    standing = Standing(contract, key, deadlines, received, is_signed, moment)
    revisions = store.revisions(session, programme, key, as_of=moment)
    accepted = next((revision for revision in revisions if revision.number == standing.state.accepted_revision), None)
    current = None if accepted is None else store.cells(session, programme, accepted.revision_id)
    return ReturnRead(
        standing=standing,
        expected=expected,
        revisions=revisions,
        current=current,
        sign_offs=sign_offs,
        reopenings=review_store.reopenings(session, programme, key, as_of=moment),
        states=review_store.states(session, programme, key, as_of=moment),
        queries=query_store.counted(session, programme, key, as_of=moment),
        as_of=as_of,
    )


def read_expected(
    session: Session, programme: str, key: ReturnKey, *, actor: Actor, as_of: datetime | None, now: datetime
) -> ExpectedReturn:
    """What a return expects. NotFound where it is not owed or not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    moment = resolve(session, programme, asked=as_of, now=now)
    return owed(load_contract(session, programme, as_of=moment), key)


def read_revision(session: Session, programme: str, key: ReturnKey, number: int, *, actor: Actor) -> tuple[Revision, tuple[Cell, ...]]:
    """One revision with its cells: the same for ever. NotFound where there is none or it is not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    found = store.revisions(session, programme, key, number=number)
    if not found:
        raise NotFound("There is no such revision here, or it is not yours.")
    return found[0], store.cells(session, programme, found[0].revision_id)


def read_file(session: Session, programme: str, key: ReturnKey, number: int, *, actor: Actor) -> SubmittedFile:
    """The very bytes that a revision was made of. NotFound where there is none or it is not the actor's."""
    require(actor, Permission.RETURN_READ, programme=programme, subcontract=key.subcontract)
    found = files_store.submitted_file(session, programme, key, number)
    if found is None:
        raise NotFound("There is no such revision here, or it is not yours.")
    return found


@dataclass(frozen=True, slots=True)
class Differences:
    """What a revision states differently from another one, or from nothing where it is the first."""

    programme: str
    key: ReturnKey
    revision: int
    against: int | None
    cells: int
    changes: tuple[CellChange, ...]


def read_differences(session: Session, programme: str, key: ReturnKey, number: int, *, against: int | None, actor: Actor) -> Differences:
    """A revision against another of the same return, the one before unless another is named. NotFound where one of them is not there."""
    other = against if against is not None else number - 1
    _, after = read_revision(session, programme, key, number, actor=actor)
    before = read_revision(session, programme, key, other, actor=actor)[1] if other else ()
    return Differences(programme, key, number, other or None, len(after), changed_cells(before, after))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which returns a list is asked for; None asks for any."""

    month: Month | None = None
    collection: str | None = None
    subcontract: str | None = None
    status: Status | None = None
    overdue: bool | None = None
    signed_off: bool | None = None

    def shows(self, standing: Standing) -> bool:
        return (
            self.collection in {None, standing.key.collection}
            and self.status in {None, standing.state.status}
            and self.overdue in {None, standing.is_overdue}
            and (self.signed_off is None or self.signed_off is standing.signed_off)
        )


def list_returns(
    session: Session,
    programme: str,
    wanted: Wanted,
    *,
    after: tuple[int, str, str] | None,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[list[Standing], datetime | None]:
    """At most `limit` owed returns that come after a key (month's ordinal, collection, subcontract), in its order; and the moment to name.

    Without a month: from the programme's first to the one in which the moment lies.
    """
    require(actor, Permission.RETURN_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    own = {actor.subcontract, *actor.inherited_subcontracts}
    found = (
        standing
        for standing in _standings(session, contract, wanted, moment, after)
        if (EVERY in own or standing.key.subcontract in own) and wanted.shows(standing)
    )
    return list(islice(found, limit)), told(actor, as_of, moment)


def _standings(
    session: Session, contract: Contract, wanted: Wanted, moment: datetime, after: tuple[int, str, str] | None
) -> Iterator[Standing]:
    term = contract.programme
    last = min(term.last_month, Month.of(moment.astimezone(LONDON).date()))
    first = max(term.first_month, Month(after[0])) if after else term.first_month
    months = first.through(last) if wanted.month is None else [wanted.month]
    for month in months:
        received: dict[ReturnKey, Received] | None = None
        signed: set[tuple[ReturnKey, int]] = set()
        for key in expected_returns(contract, month, subcontract=wanted.subcontract):
            if after is not None and (month.ordinal, key.collection, key.subcontract) <= after:
                continue
            if received is None:
                received = store.received_in(session, term.code, month, as_of=moment)
                signed = review_store.signed_in(session, term.code, [month], as_of=moment) if received else set()
            deadlines, held = deadlines_of(contract.collection[key.collection], month, contract.days), received.get(key)
            is_signed = held is not None and (key, held.state.latest_revision) in signed
            yield Standing(contract, key, deadlines, held, is_signed, moment)
