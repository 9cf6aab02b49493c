"""Bringing a programme's collections to what its contract says; proclaiming days; reading days and deadlines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar import store
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.deadlines import MovedDeadline, moved_by, return_months
from app.calendar.domain import CalendarDay, Collection
from app.calendar.store import CALENDAR_DAYS, COLLECTIONS, load_contract
from app.calendar.working_days import WorkingDays, calendar_of
from app.db import audit, facts
from app.db.installation import begin_changing_all, judged_at, narrowed, programmes_known, recording_in
from app.db.ledger import Recording, hold_ledger, last_recorded, open_ledger
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import digest
from app.kernel.moments import LONDON, moment_text
from app.kernel.months import Month
from app.kernel.refusals import Fault, Forbidden, Kind, NotFound, Refusal, refuse_reversed
from app.programmes.store import programme as programme_of


class DeadlinePassed(Refusal):
    """A deadline that has passed never moves, and none is moved to before now: late and on time stay what they were."""

    code: ClassVar[str] = "deadline_passed"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "A deadline that has passed would move"


def bring_collections(session: Session, recording: Recording, lines: Sequence[Collection]) -> facts.Changes:
    return facts.bring_to(session, COLLECTIONS, recording, facts.rows_of(COLLECTIONS, lines), programme=recording.chain)


@dataclass(frozen=True, slots=True)
class Proclaimed:
    """What is proclaimed of a day, and since when."""

    line: CalendarDay
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class DayChange:
    """What a change of the calendar did: the proclamation (the one that was taken back), and the deadlines that moved, by programme."""

    proclaimed: Proclaimed
    created: bool = False
    moved: tuple[tuple[str, MovedDeadline], ...] = ()


@dataclass(frozen=True, slots=True)
class Days:
    """Some days of the calendar as it stood, with what was proclaimed of them."""

    days: WorkingDays
    proclaimed: dict[date, CalendarDay]
    first: date
    last: date


Expect = Callable[[Any], None]
"""Given what is there (None where nothing is), refuses where the caller had something else in mind."""

YEAR = timedelta(days=365)


def read_days(session: Session, *, first: date | None, last: date | None, actor: Actor, as_of: datetime | None, now: datetime) -> Days:
    """The calendar from one day to another, as it stands or stood; left out, a year from the day of its moment on.

    That is `as_of`, or the last moment recorded of what all programmes share: no answer depends on the clock.
    """
    require(actor, Permission.CALENDAR_READ)
    refuse_reversed(first, last)
    lines = store.calendar_days(session, as_of=judged_at(session, as_of, now=now))
    begins = first or (as_of or last_recorded(session, EVERY)).astimezone(LONDON).date()
    ends = last or (date.max if date.max - begins < YEAR else begins + YEAR)
    return Days(calendar_of(lines), {line.day: line for line in lines}, begins, ends)


def read_day(session: Session, day: date, *, actor: Actor) -> Proclaimed:
    """What is proclaimed of a day; NotFound where nothing is."""
    require(actor, Permission.CALENDAR_READ)
    found = store.calendar_day(session, day)
    if found is None:
        raise _nothing()
    return Proclaimed(*found)


def proclaim(session: Session, line: CalendarDay, *, why: str, actor: Actor, now: datetime, expect: Expect) -> DayChange:
    """Say of a day whether it is worked, for all programmes. The same again changes nothing. DeadlinePassed."""
    _hold_calendar(session, actor, now=now)
    found = store.calendar_day(session, line.day)
    before = None if found is None else Proclaimed(*found)
    expect(before)
    if before is not None and before.line == line:
        return DayChange(before)
    action = "calendar_day.proclaimed" if before is None else "calendar_day.changed"
    recording, moved = _change(session, line.day, before, line, action=action, why=why, actor=actor, now=now)
    return DayChange(Proclaimed(line, recording.at), before is None, moved)


def withdraw(session: Session, day: date, *, why: str, actor: Actor, now: datetime, expect: Expect) -> DayChange:
    """Take back what was proclaimed of a day. NotFound where nothing was; DeadlinePassed."""
    _hold_calendar(session, actor, now=now)
    found = store.calendar_day(session, day)
    if found is None:
        raise _nothing()
    before = Proclaimed(*found)
    expect(before)
    _, moved = _change(session, day, before, None, action="calendar_day.withdrawn", why=why, actor=actor, now=now)
    return DayChange(before, moved=moved)


def _hold_calendar(session: Session, actor: Actor, *, now: datetime) -> None:
    """Pass for whoever may change what all programmes share, and let nobody else change it until this transaction ends."""
    require(actor, Permission.CALENDAR_WRITE)
    if actor.programme != EVERY:
        raise Forbidden("All programmes rely on the calendar: only an administrator of all of them changes it.")
    open_ledger(session, EVERY, now=now)
    hold_ledger(session, EVERY)


def _change(
    session: Session,
    day: date,
    before: Proclaimed | None,
    after: CalendarDay | None,
    *,
    action: str,
    why: str,
    actor: Actor,
    now: datetime,
) -> tuple[Recording, tuple[tuple[str, MovedDeadline], ...]]:
    days = calendar_of(store.calendar_days(session, as_of=None))
    recording = begin_changing_all(session, actor=actor, now=now)
    if before is not None:
        facts.close(session, CALENDAR_DAYS, recording, [(day,)], programme=None)
    if after is not None:
        facts.add(session, CALENDAR_DAYS, recording, facts.rows_of(CALENDAR_DAYS, [after]), programme=None)
    changed = calendar_of(store.calendar_days(session, as_of=None))
    subject: dict[str, str | int] = {"day": day.isoformat()}
    moved = {code: _moved(session, code, day, days, changed) for code in programmes_known(session)}
    has_begun = bool(moved) and days.is_worked(day) != changed.is_worked(day) and day <= recording.at.astimezone(LONDON).date()
    _refuse_passed(moved, [_begun(day)] if has_begun else [], at=recording.at)
    for code, deadlines in moved.items():
        with narrowed(session, code):
            audit.record(session, recording_in(session, code, recording), action, subject=subject, details=_counted(deadlines))
    details = {"deadlines_moved": sum(map(len, moved.values()))}
    audit.record(session, recording, action, subject=subject, details=details, before=before and before.line, after=after, why=why)
    return recording, tuple((code, each) for code, deadlines in moved.items() for each in deadlines)


def _moved(session: Session, code: str, day: date, before: WorkingDays, after: WorkingDays) -> tuple[MovedDeadline, ...]:
    """The deadlines of a programme that move; its ledger row is held, so its contract is the one in force."""
    with narrowed(session, code):
        term, lines = programme_of(session, code, as_of=None), store.collections(session, code, as_of=None)
    assert term is not None, "a programme with a contract has a term"
    return tuple(moved_by(day, before, after, lines, term=term))


def _counted(deadlines: Sequence[MovedDeadline]) -> dict[str, Any]:
    """What a programme's event keeps: how many moved, and the digest of which, from when to when."""
    named = [[each.collection, each.month, each.kind, moment_text(each.before), moment_text(each.after)] for each in deadlines]
    return {"deadlines_moved": len(deadlines), "deadlines_sha256": digest(named)}


def _refuse_passed(moved: dict[str, tuple[MovedDeadline, ...]], begun: list[Fault], *, at: datetime) -> None:
    passed = [
        Fault(
            "deadline_passed",
            f"{each.kind} of {each.collection} for {each.month} in {code} is {moment_text(each.before)}"
            f" and would become {moment_text(each.after)}; one of the two has passed.",
            "Leave the day as it is: what has passed is judged by the calendar it passed under.",
        )
        for code, deadlines in moved.items()
        for each in deadlines
        if min(each.before, each.after) < at
    ]
    if begun or passed:
        detail = f"{len(passed)} deadlines that have passed would move, or would move to before now; see errors."
        raise DeadlinePassed(detail if passed else "A day that has begun stays worked, or not; see errors.", faults=[*begun, *passed])


def _begun(day: date) -> Fault:
    detail = f"{day} has begun: by how many working days something came late would be counted otherwise."
    return Fault("day_begun", detail, "Leave the day as it is: what has passed is judged by the calendar it passed under.")


def _nothing() -> NotFound:
    return NotFound("Nothing is proclaimed of this day.")


@dataclass(frozen=True, slots=True)
class Schedule:
    """The deadlines of a programme as it stood: of each collection, the months whose return has any."""

    contract: Contract
    rows: tuple[tuple[Month, Collection], ...]


def read_schedule(
    session: Session,
    programme: str,
    *,
    first: Month | None,
    last: Month | None,
    collection: str | None,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> Schedule:
    """When returns are due, closed and frozen, by month and collection; a subcontractor's client reads those asked of its sector."""
    require(actor, Permission.RETURN_READ, programme=programme)
    refuse_reversed(first, last)
    contract = load_contract(session, programme, as_of=resolve(session, programme, asked=as_of, now=now))
    collections = [line for line in contract.collections if collection in {None, line.code} and _is_asked(contract, line, actor)]
    if collection is not None and not collections:
        raise NotFound("There is no such collection here.")
    rows = (
        (month, line)
        for line in collections
        for month in return_months(line, contract.programme)
        if (first is None or first <= month) and (last is None or month <= last)
    )
    return Schedule(contract, tuple(sorted(rows, key=lambda row: (row[0], row[1].code))))


def _is_asked(contract: Contract, line: Collection, actor: Actor) -> bool:
    if actor.subcontract == EVERY:
        return True
    agreement = contract.subcontract.get(actor.subcontract or "")
    return agreement is not None and any(use.asked_of(agreement.sector) for use in line.measures)
