"""The life of a return: its statuses and moves, its deadlines, and what each act needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Literal

from app.calendar.deadlines import deadline
from app.calendar.domain import Collection
from app.calendar.expected import ReturnKey
from app.calendar.working_days import WorkingDays
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.refusals import Fault, Kind, Refusal

Timeliness = Literal["on_time", "late"]


class Status(StrEnum):
    """Where a return stands."""

    EXPECTED = "expected"
    SUBMITTED = "submitted"
    QUERIED = "queried"
    ACCEPTED = "accepted"


class Act(StrEnum):
    """What moves a return."""

    SUBMITTED = "submitted"
    QUERIED = "queried"
    ACCEPTED = "accepted"


MOVES: Final[Mapping[Status, Mapping[Act, Status]]] = {
    Status.EXPECTED: {Act.SUBMITTED: Status.SUBMITTED},
    Status.SUBMITTED: {Act.SUBMITTED: Status.SUBMITTED, Act.QUERIED: Status.QUERIED, Act.ACCEPTED: Status.ACCEPTED},
    Status.QUERIED: {Act.SUBMITTED: Status.SUBMITTED, Act.QUERIED: Status.QUERIED, Act.ACCEPTED: Status.ACCEPTED},
    Status.ACCEPTED: {Act.SUBMITTED: Status.SUBMITTED, Act.QUERIED: Status.QUERIED},
}
"""Which status an act leads to; an act that is not there is refused. `LIFE.md` shows it and is generated from here."""


class WrongStatus(Refusal):
    """The return is not in a status in which this can be done to it."""

    code: ClassVar[str] = "wrong_status"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The return's status does not allow this"


class NotLatest(Refusal):
    """An acceptance is of a return's latest revision, and another one has come since it was looked at."""

    code: ClassVar[str] = "not_latest"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "That is not the return's latest revision"


class ReturnFrozen(Refusal):
    """The return's figures are fixed: it takes no further revision and no acceptance."""

    code: ClassVar[str] = "return_frozen"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The return is frozen"


class NotClean(Refusal):
    """Returns are accepted many at once where there is nothing to look at: no query, and no warning without an explanation."""

    code: ClassVar[str] = "not_clean"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The return must be looked at"


class SignOffMissing(Refusal):
    """The collection's returns are accepted once they are signed, and nobody signed this one."""

    code: ClassVar[str] = "sign_off_missing"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The return has no sign-off"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The instants of one return. Each is on time at it and passed just after it; None never comes."""

    due: datetime
    close: datetime | None
    freeze: datetime | None

    def timeliness(self, moment: datetime) -> Timeliness:
        return "late" if moment > self.due else "on_time"

    def is_closed(self, moment: datetime) -> bool:
        return self.close is not None and moment > self.close

    def is_frozen(self, moment: datetime) -> bool:
        return self.freeze is not None and moment > self.freeze


def deadlines_of(collection: Collection, month: Month, days: WorkingDays) -> Deadlines:
    rules = collection.deadlines_in(month)
    return Deadlines(
        due=deadline(rules.due, month, days),
        close=deadline(rules.close, month, days) if rules.close else None,
        freeze=deadline(rules.freeze, month, days) if rules.freeze else None,
    )


@dataclass(frozen=True, slots=True)
class ReturnState:
    """Where a return stands: the number of its last revision, and of the last accepted one."""

    status: Status = Status.EXPECTED
    latest_revision: int = 0
    accepted_revision: int | None = None


def words(key: ReturnKey) -> str:
    return f"{key.collection} of {key.subcontract} for {key.month}"


def _moved(state: ReturnState, act: Act, key: ReturnKey) -> Status:
    status = MOVES[state.status].get(act)
    if status is None:
        raise WrongStatus(f"The return {words(key)} is {state.status}: it cannot be {act} now.")
    return status


def submit(state: ReturnState, key: ReturnKey, deadlines: Deadlines, *, at: datetime, reopened: bool = False) -> ReturnState:
    """The state after a further revision: late is never refused, frozen is, unless a reopening is in force."""
    refuse_frozen(key, deadlines, at=at, reopened=reopened)
    return ReturnState(_moved(state, Act.SUBMITTED, key), state.latest_revision + 1, state.accepted_revision)


def accept(
    state: ReturnState,
    key: ReturnKey,
    collection: Collection,
    deadlines: Deadlines,
    *,
    at: datetime,
    revision: int | None = None,
    signed: bool = False,
    reopened: bool = False,
) -> ReturnState:
    """The state after the latest revision became the return's current figures; `revision` says which one was meant."""
    refuse_frozen(key, deadlines, at=at, reopened=reopened)
    if revision is not None and revision != state.latest_revision:
        raise NotLatest(f"The latest revision of the return {words(key)} is {state.latest_revision}: look at it before you accept it.")
    status = _moved(state, Act.ACCEPTED, key)
    if collection.sign_off == "required" and not signed:
        raise SignOffMissing(f"The return {words(key)} is accepted once its latest revision is signed.")
    return ReturnState(status, state.latest_revision, state.latest_revision)


def refuse_unclean(state: ReturnState, key: ReturnKey, *, explained: bool) -> None:
    """NotClean where a return is to be accepted by itself, by somebody who looks at it."""
    if state.status is Status.QUERIED:
        raise NotClean(f"The return {words(key)} was queried: accept it by itself.")
    if not explained:
        raise NotClean(f"The return {words(key)} has a warning without an explanation: accept it by itself.")


def query(state: ReturnState, key: ReturnKey, deadlines: Deadlines, *, at: datetime, reopened: bool = False) -> ReturnState:
    """The state after a question was asked: the last accepted revision stays the current figure."""
    refuse_frozen(key, deadlines, at=at, reopened=reopened)
    return replace(state, status=_moved(state, Act.QUERIED, key))


def refuse_frozen(key: ReturnKey, deadlines: Deadlines, *, at: datetime, reopened: bool) -> None:
    """ReturnFrozen after the freeze, unless a reopening is in force at that moment."""
    if deadlines.freeze is not None and deadlines.is_frozen(at) and not reopened:
        detail = f"The return {words(key)} was frozen at {moment_text(deadlines.freeze)}."
        fix = "Read what stands; where a figure is wrong, ask the integrator to reopen the return for a while, and say why. A backfill needs that too."
        raise ReturnFrozen(detail, faults=[Fault(ReturnFrozen.code, detail, fix)])


def accepts_itself(collection: Collection, deadlines: Deadlines, *, explained: bool, at: datetime, signed: bool = False) -> bool:
    """Whether a revision is accepted in the act that submits it, or, where somebody has to sign first, in the one that signs it.

    Only where the collection says so, before the close, and with every warning explained.
    """
    waits = collection.sign_off == "required" and not signed
    return collection.auto_accept and explained and not waits and not deadlines.is_closed(at) and not deadlines.is_frozen(at)


def stood_at(states: Sequence[tuple[datetime, ReturnState]], instant: datetime | None, *, moment: datetime) -> ReturnState | None:
    """Where a return stood at a deadline, by the acts that were done by then; None where the deadline has not passed or never comes.

    Its latest revision is the last good one of that deadline: what is no good return is never kept.
    """
    if instant is None or moment <= instant:
        return None
    return next((state for at, state in reversed(states) if at <= instant), ReturnState())
