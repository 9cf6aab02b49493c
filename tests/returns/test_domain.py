"""The life of a return: which act leads where, what a deadline refuses, and what accepts itself."""

from datetime import UTC, datetime, timedelta

import pytest

from app.calendar.deadlines import rule_words
from app.calendar.domain import Collection, DeadlineRule
from app.calendar.working_days import ENGLAND
from app.kernel.lines import Line
from app.kernel.months import Month
from app.pathways.domain import MeasureUse
from app.returns.domain import (
    MOVES,
    Act,
    Deadlines,
    ReturnFrozen,
    ReturnState,
    SignOffMissing,
    Status,
    WrongStatus,
    accept,
    accepts_itself,
    deadlines_of,
    submit,
)
from tests.returns.programme import CWT

DUE = datetime(2026, 11, 13, 17, tzinfo=UTC)
DEADLINES = Deadlines(due=DUE, close=DUE + timedelta(days=10), freeze=DUE + timedelta(days=20))
TICK = timedelta(microseconds=1)


def collection(**changes: object) -> Collection:
    made: dict[str, object] = {"code": "cwt", "name": "CWT", "measures": (MeasureUse(code="CWT-62"),), "due": DeadlineRule(working_day=10)}
    return Collection.model_validate({**made, **changes})


def test_the_moves_are_those_of_the_model() -> None:
    assert {(status.value, act.value, after.value) for status, acts in MOVES.items() for act, after in acts.items()} == {
        ("expected", "submitted", "submitted"),
        ("submitted", "submitted", "submitted"),
        ("submitted", "queried", "queried"),
        ("submitted", "accepted", "accepted"),
        ("queried", "submitted", "submitted"),
        ("queried", "queried", "queried"),
        ("queried", "accepted", "accepted"),
        ("accepted", "submitted", "submitted"),
        ("accepted", "queried", "queried"),
    }
    assert set(MOVES) == set(Status)
    assert {act for acts in MOVES.values() for act in acts} == set(Act)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ReturnState(), ReturnState(Status.SUBMITTED, 1, None)),
        (ReturnState(Status.SUBMITTED, 1, None), ReturnState(Status.SUBMITTED, 2, None)),
        (ReturnState(Status.QUERIED, 3, 2), ReturnState(Status.SUBMITTED, 4, 2)),
        (ReturnState(Status.ACCEPTED, 1, 1), ReturnState(Status.SUBMITTED, 2, 1)),
    ],
)
def test_submitting_adds_a_revision_and_leaves_the_accepted_one(before: ReturnState, after: ReturnState) -> None:
    assert submit(before, CWT, DEADLINES, at=DUE) == after


def test_accepting_takes_the_latest_revision() -> None:
    assert accept(ReturnState(Status.SUBMITTED, 3, 1), CWT, collection(), DEADLINES, at=DUE) == ReturnState(Status.ACCEPTED, 3, 3)
    assert accept(ReturnState(Status.QUERIED, 3, None), CWT, collection(), DEADLINES, at=DUE) == ReturnState(Status.ACCEPTED, 3, 3)
    for state in (ReturnState(), ReturnState(Status.ACCEPTED, 1, 1)):
        with pytest.raises(WrongStatus, match="cwt of SC-RJE for 2026-10"):
            accept(state, CWT, collection(), DEADLINES, at=DUE)


def test_a_deadline_has_not_passed_at_its_instant() -> None:
    assert (DEADLINES.timeliness(DUE), DEADLINES.timeliness(DUE + TICK)) == ("on_time", "late")
    assert DEADLINES.close is not None
    assert (DEADLINES.is_closed(DEADLINES.close), DEADLINES.is_closed(DEADLINES.close + TICK)) == (False, True)
    assert DEADLINES.freeze is not None
    assert submit(ReturnState(), CWT, DEADLINES, at=DEADLINES.freeze).latest_revision == 1
    with pytest.raises(ReturnFrozen):
        submit(ReturnState(Status.SUBMITTED, 1, None), CWT, DEADLINES, at=DEADLINES.freeze + TICK)
    with pytest.raises(ReturnFrozen):
        accept(ReturnState(Status.SUBMITTED, 1, None), CWT, collection(), DEADLINES, at=DEADLINES.freeze + TICK)
    never = Deadlines(due=DUE, close=None, freeze=None)
    assert not never.is_closed(datetime.max.replace(tzinfo=UTC))
    assert not never.is_frozen(datetime.max.replace(tzinfo=UTC))


def test_where_sign_off_is_required_nothing_unsigned_is_accepted() -> None:
    submitted = ReturnState(Status.SUBMITTED, 1, None)
    with pytest.raises(SignOffMissing):
        accept(submitted, CWT, collection(sign_off="required"), DEADLINES, at=DUE)
    assert accept(submitted, CWT, collection(sign_off="optional"), DEADLINES, at=DUE).accepted_revision == 1


def test_what_accepts_itself() -> None:
    willing = collection(auto_accept=True)
    assert accepts_itself(willing, DEADLINES, explained=True, at=DUE + TICK)
    assert not accepts_itself(collection(), DEADLINES, explained=True, at=DUE)
    assert not accepts_itself(willing, DEADLINES, explained=False, at=DUE)
    assert not accepts_itself(willing, DEADLINES, explained=True, at=DUE + timedelta(days=11))
    assert not accepts_itself(collection(auto_accept=True, sign_off="required"), DEADLINES, explained=True, at=DUE)


def test_the_deadlines_of_a_month_and_their_words() -> None:
    rule: Line = DeadlineRule(working_day=10, months_later=1)
    found = deadlines_of(collection(close=rule), Month.parse("2026-10"), ENGLAND)
    assert (found.due, found.freeze) == (DUE, None)
    assert found.close == datetime(2026, 12, 14, 17, tzinfo=UTC)
    assert (
        rule_words(DeadlineRule(working_day=10, months_later=1), Month.parse("2026-10"))
        == "working day 10 after the end of 2026-11, 17:00 in London"
    )
