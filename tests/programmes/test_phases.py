"""Which phase a month is in, when a plan passed undecided, and what a document may say of shares and gates."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.kernel.months import Month
from app.programmes.domain import Commissioner, Gate, Phase, PhaseDecision, phase_in, undecided_month
from app.programmes.faults import above_the_contract, decided_and_gone, gates_astray

AT = datetime(2028, 4, 3, 9, tzinfo=UTC)


def phase(number: int, **months: str) -> Phase:
    return Phase.model_validate({"number": number, "name": f"Phase {number}", **months})


PHASES = (phase(1, to_month="2028-06"), phase(2, from_month="2028-07"), phase(4, from_month="2032-07"))


def decided(number: int, to_phase: int, month: str) -> PhaseDecision:
    return PhaseDecision(
        phase=number,
        number=1,
        state="approved",
        decision="stay" if number == to_phase else "move_on",
        to_phase=to_phase,
        from_month=Month.parse(month),
        reason="A test.",
        conditions=(),
        evidence_as_of=AT,
        evidence_sha256="0" * 64,
        proposed_at=AT,
        proposed_by="one",
        recorded_at=AT,
        recorded_by="two",
    )


MOVED, ON = decided(1, 2, "2028-07"), decided(2, 4, "2032-07")


@pytest.mark.parametrize(
    ("decisions", "month", "number"),
    [
        ((), "2026-07", 1),
        ((), "2030-01", 1),  # a plan moves nothing
        ((MOVED,), "2028-06", 1),
        ((MOVED,), "2028-07", 2),
        ((MOVED, ON), "2032-06", 2),
        ((MOVED, ON), "2032-07", 4),
        ((MOVED, decided(1, 1, "2028-07")), "2030-01", 1),  # thought better of it
        ((MOVED, decided(1, 1, "2028-07"), decided(1, 2, "2028-10")), "2028-09", 1),
        ((MOVED, decided(1, 1, "2028-07"), decided(1, 2, "2028-10")), "2028-10", 2),
    ],
)
def test_a_month_is_in_the_last_phase_decided_for_it(decisions: tuple[PhaseDecision, ...], month: str, number: int) -> None:
    assert phase_in(PHASES, decisions, Month.parse(month)) == number


def test_a_programme_without_phases_is_in_none() -> None:
    assert phase_in((), (), Month.parse("2028-07")) is None


@given(st.lists(st.tuples(st.sampled_from([(1, 1), (1, 2), (2, 2), (2, 4)]), st.integers(0, 40)), max_size=6), st.integers(0, 40))
def test_what_is_decided_for_later_months_changes_no_earlier_one(made: list[tuple[tuple[int, int], int]], asked: int) -> None:
    first = Month.parse("2028-01")
    decisions = [decided(*phases, str(first.plus(after))) for phases, after in made]
    month = first.plus(asked)
    assert phase_in(PHASES, decisions, month) == phase_in(PHASES, [each for each in decisions if each.from_month <= month], month)


@pytest.mark.parametrize(
    ("decisions", "today", "undecided"),
    [
        ((), "2028-06", None),
        ((), "2028-07", "2028-07"),
        ((), "2030-01", "2028-07"),
        ((MOVED,), "2028-07", None),
        ((decided(1, 2, "2029-01"),), "2028-08", None),
        ((decided(1, 1, "2028-07"),), "2028-08", None),
        ((decided(1, 1, "2028-04"),), "2028-08", "2028-07"),  # decided before for another month
        ((MOVED, decided(1, 1, "2028-05")), "2028-08", "2028-07"),  # a move that was undone is none
        ((MOVED, decided(1, 1, "2028-07")), "2028-08", None),
        ((MOVED, decided(1, 1, "2028-05"), decided(1, 2, "2028-10")), "2028-08", None),
    ],
)
def test_a_planned_month_that_passes_undecided_is_shown(decisions: tuple[PhaseDecision, ...], today: str, undecided: str | None) -> None:
    found = undecided_month(PHASES, decisions, 1, today=Month.parse(today))
    assert (None if found is None else str(found)) == undecided
    assert undecided_month(PHASES, decisions, 4, today=Month.parse(today)) is None


def gate(*criteria: dict[str, Any]) -> Gate:
    return Gate.model_validate({"criteria": criteria})


def test_a_gate_has_one_normal_form() -> None:
    late = {"criterion": "timeliness", "threshold": "0.950", "measures": ["M-2", "M-1"]}
    agreed = {"criterion": "baselines_agreed", "threshold": 1}
    written = gate(late, agreed).model_dump(mode="json")
    assert written == {
        "criteria": [
            {"criterion": "baselines_agreed", "threshold": 1, "months": None, "measures": "all"},
            {"criterion": "timeliness", "threshold": 0.95, "months": 3, "measures": ["M-1", "M-2"]},
        ]
    }
    assert gate(agreed, {**late, "months": 3, "measures": ["M-1", "M-2"]}) == gate(late, agreed)


@pytest.mark.parametrize(
    "criteria",
    [
        [],
        [{"criterion": "timeliness", "threshold": "1.01"}],
        [{"criterion": "timeliness", "threshold": 1, "months": 0}],
        [{"criterion": "baselines_agreed", "threshold": 1, "months": 3}],
        [{"criterion": "timeliness", "threshold": 1}, {"criterion": "timeliness", "threshold": "0.9"}],
        [{"criterion": "beauty", "threshold": 1}],
    ],
)
def test_what_is_no_gate_is_refused(criteria: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        gate(*criteria)


def test_a_gate_names_measures_of_the_document() -> None:
    stated = Phase(number=1, name="One", gate=gate({"criterion": "coverage", "threshold": 1, "measures": ["M-1", "M-9"]}))
    assert [fault.pointer for fault in gates_astray([stated], {"M-1"})] == ["/phases/0/gate/criteria/0/measures/1"]


def commissioner(code: str, share: str | None, from_month: str | None = None, to_month: str | None = None) -> Commissioner:
    return Commissioner.model_validate({"ods_code": code, "name": code, "share": share, "from_month": from_month, "to_month": to_month})


@pytest.mark.parametrize(
    ("lines", "pointers"),
    [
        ([("A", "60"), ("B", "40"), ("C", None)], []),
        ([("A", "60"), ("B", "40.001")], ["/commissioners/1/share"]),
        ([("A", "100", None, "2022-06"), ("B", "100", "2022-07", None)], []),
        ([("A", "100", None, "2022-07"), ("B", "0.5", "2022-07", None)], ["/commissioners/1/share"]),
    ],
)
def test_the_shares_of_a_month_are_at_most_the_whole(lines: list[tuple[Any, ...]], pointers: list[str]) -> None:
    assert [fault.pointer for fault in above_the_contract([commissioner(*line) for line in lines])] == pointers


@pytest.mark.parametrize("share", ["-1", "100.1"])
def test_a_share_is_a_percentage(share: str) -> None:
    with pytest.raises(ValidationError):
        commissioner("A", share)


def test_a_phase_that_was_decided_on_stays() -> None:
    assert not list(decided_and_gone(PHASES, [MOVED, ON]))
    assert [fault.code for fault in decided_and_gone(PHASES[:1], [MOVED])] == ["phase_decided"]
    waits = replace(ON, state="proposed")
    assert not list(decided_and_gone(PHASES, [waits]))
    assert [fault.code for fault in decided_and_gone(PHASES[:2], [waits])] == ["phase_decided"]
    assert not list(decided_and_gone(PHASES[2:], [waits]))  # what is only proposed to be left may go
