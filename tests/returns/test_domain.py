"""The life of a return: which act leads where, what a deadline refuses, and what accepts itself."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    NotClean,
    NotLatest,
    ReturnFrozen,
    ReturnState,
    SignOffMissing,
    Status,
    WrongStatus,
    accept,
    accepts_itself,
    deadlines_of,
    query,
    refuse_unclean,
    stood_at,
    submit,
)
from app.returns.reopening import LONGEST, NotFrozen, Reopening, check_frozen, expiry_faults, in_force
from app.returns.signing import AlreadySigned, OwnRevision, accepts_by_signing, check_signing
from tests.returns import life
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


def test_the_page_of_a_returns_life_is_drawn_from_its_moves() -> None:
    assert life.PAGE.read_text(encoding="utf-8") == life.page()
    assert "submitted --> queried: queried" in life.page()


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


def test_a_question_moves_the_status_and_no_figure() -> None:
    for before in (Status.SUBMITTED, Status.QUERIED, Status.ACCEPTED):
        assert query(ReturnState(before, 3, 2), CWT, DEADLINES, at=DUE) == ReturnState(Status.QUERIED, 3, 2)
    with pytest.raises(WrongStatus, match="is expected: it cannot be queried"):
        query(ReturnState(), CWT, DEADLINES, at=DUE)


FROZEN_AT = DUE + timedelta(days=20, microseconds=1)
ACTS: dict[str, Callable[[ReturnState, datetime, bool], ReturnState]] = {
    "submit": lambda state, at, reopened: submit(state, CWT, DEADLINES, at=at, reopened=reopened),
    "query": lambda state, at, reopened: query(state, CWT, DEADLINES, at=at, reopened=reopened),
    "accept": lambda state, at, reopened: accept(state, CWT, collection(), DEADLINES, at=at, reopened=reopened),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", Status)
def test_each_status_and_act_before_and_after_the_freeze_and_reopened(status: Status, act: str) -> None:
    state = {
        Status.EXPECTED: ReturnState(),
        Status.SUBMITTED: ReturnState(Status.SUBMITTED, 2, 1),
        Status.QUERIED: ReturnState(Status.QUERIED, 2, 1),
        Status.ACCEPTED: ReturnState(Status.ACCEPTED, 2, 2),
    }[status]
    done = {"submit": Act.SUBMITTED, "query": Act.QUERIED, "accept": Act.ACCEPTED}[act]
    with pytest.raises(ReturnFrozen, match="was frozen at") as frozen:
        ACTS[act](state, FROZEN_AT, False)
    assert "ask the integrator to reopen the return" in frozen.value.faults[0].fix
    for at, reopened in ((DUE, False), (FROZEN_AT, True)):
        if done in MOVES[status]:
            assert ACTS[act](state, at, reopened).status is MOVES[status][done]
        else:
            with pytest.raises(WrongStatus):
                ACTS[act](state, at, reopened)


@given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from([DUE, FROZEN_AT]), st.booleans()), max_size=12))
def test_no_sequence_of_acts_loses_the_accepted_figure(acts: list[tuple[str, datetime, bool]]) -> None:
    state = ReturnState()
    for act, at, reopened in acts:
        with contextlib.suppress(WrongStatus, ReturnFrozen):
            after = ACTS[act](state, at, reopened)
            assert after.accepted_revision == (after.latest_revision if act == "accept" else state.accepted_revision)
            assert after.latest_revision == state.latest_revision + (act == "submit")
            assert at == DUE or reopened
            state = after
    assert state.accepted_revision is None or 1 <= state.accepted_revision <= state.latest_revision
    assert (state.status is Status.EXPECTED) == (state.latest_revision == 0)


def test_many_are_accepted_at_once_only_where_there_is_nothing_to_look_at() -> None:
    refuse_unclean(ReturnState(Status.SUBMITTED, 1, None), CWT, explained=True)
    for status, explained in ((Status.QUERIED, True), (Status.SUBMITTED, False)):
        with pytest.raises(NotClean, match="accept it by itself"):
            refuse_unclean(ReturnState(status, 1, None), CWT, explained=explained)


def test_where_a_return_stood_at_a_deadline() -> None:
    before, after = ReturnState(Status.SUBMITTED, 1, None), ReturnState(Status.ACCEPTED, 2, 2)
    states = [(DUE, before), (DUE + TICK, after)]
    for moment, stood in ((DUE - TICK, None), (DUE, None), (DUE + TICK, before)):
        assert stood_at(states, DUE, moment=moment) == stood
    assert stood_at(states, DUE + TICK, moment=DUE + 2 * TICK) == after
    assert stood_at(states, DUE - TICK, moment=DUE) == ReturnState()
    assert stood_at(states, None, moment=FROZEN_AT) is None


def may_sign(state: ReturnState, *, revision: int = 1, signer: str = "approver", signed: bool = False, at: datetime = DUE) -> None:
    check_signing(state, CWT, DEADLINES, revision=revision, own=signer == "preparer", signed=signed, at=at)


def test_who_may_sign_what() -> None:
    submitted = ReturnState(Status.SUBMITTED, 1, None)
    may_sign(submitted)
    may_sign(ReturnState(Status.ACCEPTED, 2, 2), revision=2)
    with pytest.raises(WrongStatus, match="no revision to sign"):
        may_sign(ReturnState())
    with pytest.raises(NotLatest, match="is 2"):
        may_sign(ReturnState(Status.SUBMITTED, 2, 1))
    with pytest.raises(AlreadySigned):
        may_sign(submitted, signed=True)
    with pytest.raises(OwnRevision):
        may_sign(submitted, signer="preparer")
    with pytest.raises(ReturnFrozen):
        may_sign(submitted, at=FROZEN_AT)


def test_what_a_signature_accepts() -> None:
    waits = collection(sign_off="required", auto_accept=True)
    submitted = ReturnState(Status.SUBMITTED, 1, None)

    def accepts(state: ReturnState = submitted, of: Collection = waits, *, explained: bool = True, at: datetime = DUE) -> bool:
        return accepts_by_signing(state, of, DEADLINES, explained=explained, at=at)

    assert accepts()
    assert not accepts(explained=False)
    assert DEADLINES.close is not None
    assert (accepts(at=DEADLINES.close), accepts(at=DEADLINES.close + TICK)) == (True, False)
    assert not accepts(ReturnState(Status.QUERIED, 1, None))
    assert not accepts(ReturnState(Status.ACCEPTED, 1, 1))
    assert not accepts(of=collection(sign_off="required"))
    assert not accepts(of=collection(sign_off="optional", auto_accept=True))


def test_a_reopening_is_in_force_from_its_approval_to_its_expiry() -> None:
    lasting = Reopening("Audit.", DUE + timedelta(days=1), DUE, "m", None, None)
    ended = replace(lasting, ended_at=DUE + timedelta(hours=1), ended_by="m")
    for reopening, last in ((lasting, lasting.expires_at), (ended, DUE + timedelta(hours=1) - TICK)):
        found = [reopening.is_in_force(moment) for moment in (DUE - TICK, DUE, last, last + TICK)]
        assert found == [False, True, True, False]
    assert in_force([ended, lasting], DUE + timedelta(hours=2)) == lasting
    assert in_force([ended], DUE + timedelta(hours=2)) is None
    assert [fault.code for fault in expiry_faults(DUE, at=DUE)] == ["expires_at"]
    assert not list(expiry_faults(DUE + TICK, at=DUE))
    assert not list(expiry_faults(DUE + LONGEST, at=DUE))
    assert list(expiry_faults(DUE + LONGEST + TICK, at=DUE))
    check_frozen(CWT, DEADLINES, at=FROZEN_AT)
    with pytest.raises(NotFrozen, match="takes revisions as it is"):
        check_frozen(CWT, DEADLINES, at=FROZEN_AT - TICK)


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
    assert accept(submitted, CWT, collection(sign_off="required"), DEADLINES, at=DUE, signed=True).accepted_revision == 1
    assert accept(submitted, CWT, collection(sign_off="optional"), DEADLINES, at=DUE).accepted_revision == 1


def test_what_accepts_itself() -> None:
    willing = collection(auto_accept=True)
    assert accepts_itself(willing, DEADLINES, explained=True, at=DUE + TICK)
    assert not accepts_itself(collection(), DEADLINES, explained=True, at=DUE)
    assert not accepts_itself(willing, DEADLINES, explained=False, at=DUE)
    assert not accepts_itself(willing, DEADLINES, explained=True, at=DUE + timedelta(days=11))
    assert not accepts_itself(collection(auto_accept=True, sign_off="required"), DEADLINES, explained=True, at=DUE)
    # What was reopened is accepted by hand, also where nothing ever closes.
    assert not accepts_itself(willing, replace(DEADLINES, close=None), explained=True, at=FROZEN_AT)


def test_the_deadlines_of_a_month_and_their_words() -> None:
    rule: Line = DeadlineRule(working_day=10, months_later=1)
    found = deadlines_of(collection(close=rule), Month.parse("2026-10"), ENGLAND)
    assert (found.due, found.freeze) == (DUE, None)
    assert found.close == datetime(2026, 12, 14, 17, tzinfo=UTC)
    assert (
        rule_words(DeadlineRule(working_day=10, months_later=1), Month.parse("2026-10"))
        == "working day 10 after the end of 2026-11, 17:00 in London"
    )
