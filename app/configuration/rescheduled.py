"""The deadlines that a change of the contract moves, and why those that have passed stay."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import DeadlineKind, deadline, ends_period, return_months, rules_of
from app.calendar.domain import Collection
from app.calendar.expected import expected_returns
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.refusals import Fault


class Rescheduled(NamedTuple):
    """A deadline of the returns of a month that moves; None where there was none, or is none any more."""

    collection: str
    month: Month
    kind: DeadlineKind
    before: datetime | None
    after: datetime | None


def rescheduled(before: Contract, after: Contract) -> Iterator[Rescheduled]:
    """The deadlines that fall on another instant, of returns that are owed."""
    for code, old in before.collection.items():
        new = after.collection.get(code)
        if new is None or _deadlines(old) == _deadlines(new):
            continue
        for month in reversed([*return_months(old, before.programme)]):
            moved = list(_moved(old, new, month, before, after))
            if moved and any(key.collection == code for key in expected_returns(before, month)):
                yield from (Rescheduled(code, month, *each) for each in moved)


def _deadlines(collection: Collection) -> object:
    return collection.due, collection.close, collection.freeze, collection.deadlines_from


def _moved(
    old: Collection, new: Collection, month: Month, before: Contract, after: Contract
) -> Iterator[tuple[DeadlineKind, datetime | None, datetime | None]]:
    if not ends_period(month, new.every, year_begins=after.programme.contract_year_month):
        return
    was, is_ = rules_of(old, month), rules_of(new, month)
    for kind in {**was, **is_}:
        instant_before = deadline(was[kind], month, before.days) if kind in was else None
        instant_after = deadline(is_[kind], month, after.days) if kind in is_ else None
        if instant_before != instant_after:
            yield kind, instant_before, instant_after


def passed_and_moved(before: Contract, after: Contract, *, now: datetime, places: Mapping[str, int]) -> Iterator[Fault]:
    """The deadlines that have passed and would move, or would move to before now; each kind of a collection is named once.

    `places` are those of the collections in their document.
    """
    found: dict[tuple[str, DeadlineKind], list[Rescheduled]] = defaultdict(list)
    for each in rescheduled(before, after):
        if any(instant is not None and instant < now for instant in (each.before, each.after)):
            found[each.collection, each.kind].append(each)
    for (code, kind), moved in found.items():
        last = moved[-1]
        months = f"{moved[0].month} to {last.month}" if len(moved) > 1 else str(last.month)
        detail = (
            f"{kind} of {code} for {months} has passed, or would have: for {last.month} it is {_text(last.before)}, and would"
            f" become {_text(last.after)}. What has passed is judged by the rule it passed under."
        )
        fix = f"Leave the rule, and state the new one in deadlines_from, from a month after {last.month} on."
        yield Fault("deadline_passed", detail, fix, pointer=f"/collections/{places[code]}/{kind}")


def _text(instant: datetime | None) -> str:
    return "none" if instant is None else moment_text(instant)
