"""A subcontract's states, days, value and what may not stand together, as tables."""

from datetime import date
from itertools import product
from typing import Any, get_args

import pytest

from app.kernel.months import Month
from app.subcontracts.domain import (
    MOVES,
    Subcontract,
    SubcontractStatus,
    cumulative,
    ends_for_good,
    faults_of,
    live_spans,
    original_value_pence,
    signed_in,
    status_on,
)
from tests.make import subcontract

STATUSES: tuple[SubcontractStatus, ...] = get_args(SubcontractStatus)
FOLLOWS = {
    "heads_of_terms": "agreed signed terminated",
    "agreed": "heads_of_terms signed terminated",
    "signed": "live notice terminated expired",
    "live": "suspended notice terminated expired",
    "suspended": "live notice terminated expired",
    "notice": "live suspended terminated expired",
    "terminated": "",
    "expired": "",
}


def agreement(*steps: str, **changes: Any) -> Subcontract:
    """A subcontract over 2026-07-15 to 2031-07-14; each step is `day status`, `status` is left out."""
    history = [{"from_day": step.split()[0], "status": step.split()[1]} for step in steps]
    term = {"starts_on": "2026-07-15", "ends_on": "2031-07-14", "status": None}
    return Subcontract.model_validate(subcontract("SC-RJE", "RJE", "acute", **{**term, "status_history": history, **changes}))


def codes(line: Subcontract) -> list[tuple[str, str | None]]:
    return [(fault.code, fault.pointer) for fault in faults_of(line)]


@pytest.mark.parametrize(("before", "after"), [*product(STATUSES, STATUSES)])
def test_each_status_is_followed_by_exactly_these(before: SubcontractStatus, after: SubcontractStatus) -> None:
    allowed = after in FOLLOWS[before].split()
    assert (after in MOVES[before]) is allowed
    # Far behind the term's end, where `expired` may stand too.
    moved = codes(agreement(f"2026-07-01 {before}", f"2032-01-01 {after}"))
    assert (("status_move", "/status_history/1/status") not in moved) is allowed


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2026-06-30", None),
        ("2026-07-01", "agreed"),
        ("2026-08-31", "agreed"),
        ("2026-09-01", "live"),
        ("2027-01-31", "live"),
        ("2027-02-01", "suspended"),
        ("2031-12-31", "suspended"),
    ],
)
def test_the_status_on_a_day_is_that_of_the_last_step(day: str, status: str | None) -> None:
    line = agreement("2026-07-01 agreed", "2026-09-01 signed", "2026-09-01 live", "2027-02-01 suspended")
    assert codes(line) == []
    assert status_on(line, date.fromisoformat(day)) == status


@pytest.mark.parametrize(
    ("steps", "changes", "spans"),
    [
        ((), {}, "2026-07-15/2031-07-14"),
        ((), {"status": "terminated"}, "2026-07-15/2031-07-14"),
        ((), {"extension": {"ends_on": "2032-07-14"}}, "2026-07-15/2032-07-14"),
        (("2026-01-01 signed", "2026-07-15 live"), {}, "2026-07-15/2031-07-14"),
        (("2026-01-01 live", "2027-02-01 suspended", "2027-04-01 live"), {}, "2026-07-15/2027-01-31 2027-04-01/2031-07-14"),
        (("2026-01-01 live", "2027-02-01 notice", "2027-08-01 terminated"), {}, "2026-07-15/2027-07-31"),
        (("2026-01-01 live", "2027-02-01 suspended", "2027-08-01 terminated"), {}, "2026-07-15/2027-01-31"),
        (("2026-01-01 agreed", "2026-07-15 terminated"), {}, ""),
        (("2026-01-01 live", "2031-07-15 expired"), {}, "2026-07-15/2031-07-14"),
    ],
)
def test_it_delivers_on_the_days_of_its_term_that_no_suspension_or_end_takes(
    steps: tuple[str, ...], changes: dict[str, Any], spans: str
) -> None:
    line = agreement(*steps, **changes)
    assert codes(line) == []
    assert " ".join(f"{span.first}/{span.last}" for span in live_spans(line)) == spans


@pytest.mark.parametrize(
    ("steps", "month", "live"),
    [
        (("2026-07-01 live", "2027-02-01 suspended", "2027-04-01 live"), "2027-01", True),
        (("2026-07-01 live", "2027-02-01 suspended", "2027-04-01 live"), "2027-02", False),
        (("2026-07-01 live", "2027-02-01 suspended", "2027-04-01 live"), "2027-03", False),
        (("2026-07-01 live", "2027-02-01 suspended", "2027-04-01 live"), "2027-04", True),
        (("2026-07-01 live", "2027-02-28 suspended", "2027-03-31 live"), "2027-02", True),
        (("2026-07-01 live", "2027-02-28 suspended", "2027-03-31 live"), "2027-03", True),
        (("2026-07-01 live", "2027-02-02 terminated"), "2027-02", True),
        (("2026-07-01 live", "2027-02-01 terminated"), "2027-02", False),
        (("2026-07-01 live",), "2026-06", False),
        (("2026-07-01 live",), "2026-07", True),
        (("2026-07-01 live",), "2031-07", True),
        (("2026-07-01 live",), "2031-08", False),
    ],
)
def test_a_month_is_live_with_one_live_day(steps: tuple[str, ...], month: str, live: bool) -> None:
    assert any(span.meets(Month.parse(month)) for span in live_spans(agreement(*steps))) is live


@pytest.mark.parametrize(
    ("steps", "changes", "month", "signed"),
    [
        ((), {}, "2026-10", True),
        ((), {"status": "live"}, "2026-10", True),
        ((), {"status": "agreed"}, "2026-10", False),
        ((), {"status": "heads_of_terms"}, "2031-07", False),
        ((), {"status": "heads_of_terms"}, "2031-08", True),
        (("2026-07-01 agreed", "2026-10-01 signed"), {}, "2026-09", False),
        (("2026-07-01 agreed", "2026-10-01 signed"), {}, "2026-10", True),
        (("2026-07-01 agreed", "2026-10-02 signed"), {}, "2026-10", False),
        (("2026-06-01 agreed", "2026-07-15 signed"), {}, "2026-07", True),
    ],
)
def test_a_month_is_signed_when_every_day_of_it_in_the_term_is(
    steps: tuple[str, ...], changes: dict[str, Any], month: str, signed: bool
) -> None:
    assert signed_in(agreement(*steps, **changes), Month.parse(month)) is signed


def test_an_open_suspension_is_no_end() -> None:
    assert ends_for_good(agreement())
    assert ends_for_good(agreement(status="suspended"))
    assert not ends_for_good(agreement("2026-07-01 live", "2027-02-01 suspended"))
    assert ends_for_good(agreement("2026-07-01 live", "2027-02-01 suspended", "2027-06-01 terminated"))


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({}, None),
        ({"annual_value_pence": 1_000}, 5_000),
        ({"annual_value_pence": 1_000, "ends_on": "2031-07-13"}, None),
        ({"annual_value_pence": 1_000, "ends_on": "2026-07-14"}, None),
        ({"annual_value_pence": 1_000, "extension": {"ends_on": "2033-07-14"}}, 5_000),
        ({"value_by_year": [{"contract_year": 1, "value_pence": 700}, {"contract_year": 2, "value_pence": 1}]}, 701),
    ],
)
def test_the_original_value_is_known_exactly_or_not_at_all(changes: dict[str, Any], value: int | None) -> None:
    assert original_value_pence(agreement(**changes)) == value


def test_variations_add_up_in_the_order_in_which_they_take_effect() -> None:
    lines = [
        {"number": 1, "effective_on": "2027-04-01", "what": "a", "value_change_pence": 500},
        {"number": 3, "effective_on": "2027-01-01", "what": "c", "value_change_pence": -200},
        {"number": 2, "effective_on": "2027-04-01", "what": "b"},
    ]
    assert [(line.number, change) for line, change in cumulative(agreement(variations=lines))] == [(3, -200), (1, 300), (2, 300)]


@pytest.mark.parametrize(
    ("steps", "changes", "found"),
    [
        ((), {"ends_on": "2026-07-14"}, [("reversed", "/ends_on")]),
        ((), {"extension": {"ends_on": "2031-07-14"}}, [("reversed", "/extension/ends_on")]),
        ((), {"extension": {"ends_on": "2031-07-15"}}, []),
        (("2026-07-16 live",), {}, [("status_start", "/status_history/0/from_day")]),
        (("2026-07-01 live", "2026-06-30 notice"), {}, [("status_order", "/status_history/1/from_day")]),
        (("2026-07-01 live", "2026-07-01 notice"), {}, []),
        (("2026-07-01 live", "2031-07-14 expired"), {}, [("status_expired", "/status_history/1")]),
        (("2026-07-01 live",), {"status": "notice"}, [("status_differs", "/status")]),
        (("2026-07-01 live",), {"status": "live"}, []),
        (
            (),
            {"assurance": [{"item": "dspt", "held_from": "2026-07-02", "expires_on": "2026-07-01"}]},
            [("reversed", "/assurance/0/expires_on")],
        ),
        ((), {"assurance": [{"item": "dspt", "held_from": "2026-07-01", "expires_on": "2026-07-01"}]}, []),
        (
            (),
            {"value_by_year": [{"contract_year": 1, "value_pence": 1}, {"contract_year": 1, "value_pence": 2}]},
            [("duplicate", "/value_by_year/1")],
        ),
        ((), {"variations": [{"number": 1, "effective_on": "2027-01-01", "what": "x"}] * 2}, [("duplicate", "/variations/1")]),
    ],
)
def test_what_cannot_stand_together_is_named_with_its_place(
    steps: tuple[str, ...], changes: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert codes(agreement(*steps, **changes)) == found
