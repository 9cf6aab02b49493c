"""What is not in order with a subcontract on a day, as tables."""

from datetime import date
from typing import Any, get_args

import pytest

from app.assurance.domain import REQUIRED, findings
from app.pathways.domain import Sector
from app.subcontracts.domain import AssuranceItem
from tests.make import contract, subcontract

ON = date(2026, 10, 1)
ITEMS: tuple[str, ...] = get_args(AssuranceItem)


def found(*, on: date = ON, sector: str = "hospice", assigned: bool = True, **changes: Any) -> list[str]:
    """The findings of one subcontract as `finding item reference expires_on since`, with what is not there left out."""
    lines = [{"subcontract": "SC-H9901", "pathway": "cancer", "segment": "palliative"}] if assigned else []
    stood = contract(subcontracts=[subcontract("SC-H9901", "H9901", sector, **changes)], assignments=lines, requirements=[])
    return [" ".join(str(part) for part in finding[1:] if part is not None) for finding in findings(stood, on)]


def papers(*lines: dict[str, Any], item: str = "insurance") -> list[dict[str, Any]]:
    """Every item held for ever but one, of which there are these lines."""
    others = [{"item": other, "held_from": "2026-01-01"} for other in ITEMS if other != item]
    return [*others, *({"item": item, **line} for line in lines)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ["missing insurance"]),
        ([{"reference": "P1"}], []),
        ([{"held_from": "2026-10-01"}], []),
        ([{"held_from": "2026-10-02"}], ["missing insurance"]),
        # 90 days after the first of October is the thirtieth of December.
        ([{"reference": "P1", "expires_on": "2026-12-31"}], []),
        ([{"reference": "P1", "expires_on": "2026-12-30"}], ["lapsing insurance P1 2026-12-30"]),
        ([{"reference": "P1", "expires_on": "2026-10-01"}], ["lapsing insurance P1 2026-10-01"]),
        ([{"reference": "P1", "expires_on": "2026-09-30"}], ["lapsed insurance P1 2026-09-30"]),
        # A renewal goes on from the day after; with a gap it does not.
        ([{"expires_on": "2026-11-30"}, {"held_from": "2026-12-01", "expires_on": "2027-11-30"}], []),
        ([{"held_from": "2026-12-01", "expires_on": "2027-11-30"}, {"expires_on": "2026-11-30"}], []),
        (
            [{"reference": "P1", "expires_on": "2026-11-30"}, {"reference": "P2", "held_from": "2026-12-02", "expires_on": "2027-11-30"}],
            ["lapsing insurance P1 2026-11-30"],
        ),
        (
            [{"expires_on": "2026-11-30"}, {"reference": "P2", "held_from": "2026-12-01", "expires_on": "2026-12-15"}],
            ["lapsing insurance P2 2026-12-15"],
        ),
        (
            [{"reference": "P1", "expires_on": "2026-09-20"}, {"reference": "P2", "held_from": "2026-10-15"}],
            ["lapsed insurance P1 2026-09-20"],
        ),
        # Said not to be required, nothing is wrong with it; said to be required and no more, it is missing.
        ([{"required": False}], []),
        ([{"required": False, "expires_on": "2026-09-30"}], []),
        ([{"required": True}], ["missing insurance"]),
    ],
)
def test_a_required_paper_is_missing_lapsed_or_about_to_lapse(lines: list[dict[str, Any]], expected: list[str]) -> None:
    assert found(assurance=papers(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([{"required": True}], ["missing guarantee"]),
        ([{"held_from": "2026-10-15"}], []),
        ([{"expires_on": "2026-12-30"}], ["lapsing guarantee 2026-12-30"]),
        ([{"expires_on": "2026-09-30"}], ["lapsed guarantee 2026-09-30"]),
    ],
)
def test_a_paper_that_the_sector_need_not_have_is_looked_at_where_it_is_held(lines: list[dict[str, Any]], expected: list[str]) -> None:
    assert found(assurance=papers(*lines, item="guarantee")) == expected


@pytest.mark.parametrize("sector", get_args(Sector))
def test_without_any_paper_a_sector_lacks_what_it_requires(sector: Sector) -> None:
    assert set(found(sector=sector)) == {f"missing {item}" for item in REQUIRED[sector]}
    assert {"signature", "insurance", "dspt", "ico", "data_sharing_agreement"} <= REQUIRED[sector]


@pytest.mark.parametrize(
    ("changes", "on", "expected"),
    [
        ({"status": "agreed"}, ON, ["delivering_unsigned 2026-07-01"]),
        ({"status": "agreed", "assigned": False}, ON, []),
        ({"status": "agreed"}, date(2026, 6, 30), []),
        ({"status_history": ["heads_of_terms 2026-05-01", "agreed 2026-09-01"]}, ON, ["delivering_unsigned 2026-07-01"]),
        ({"status_history": ["agreed 2026-05-01", "signed 2026-10-01"]}, date(2026, 9, 30), ["delivering_unsigned 2026-07-01"]),
        ({"status_history": ["agreed 2026-05-01", "signed 2026-10-01"]}, ON, []),
        ({"material": True}, ON, ["not_approved"]),
        ({"material": True, "commissioner_approval": {"approved_on": "2026-10-02"}}, ON, ["not_approved"]),
        ({"material": True, "commissioner_approval": {"approved_on": "2026-10-01"}}, ON, []),
        ({"status": "suspended"}, ON, ["undated_status"]),
        ({"status": "terminated", "assurance": []}, ON, ["undated_status"]),
        ({"status_history": ["live 2026-05-01", "suspended 2026-09-01"]}, ON, []),
        # Looked at from 90 days before the start to the last day; not after an end.
        ({"assurance": papers()}, date(2026, 4, 1), []),
        ({"assurance": papers({"held_from": "2026-07-01"})}, date(2026, 4, 1), []),
        ({"material": True}, date(2026, 4, 2), ["not_approved"]),
        ({"material": True}, date(2026, 4, 1), []),
        ({"material": True}, date(2031, 6, 30), ["not_approved"]),
        ({"material": True}, date(2031, 7, 1), []),
        ({"material": True, "status_history": ["live 2026-05-01", "terminated 2026-10-01"]}, date(2026, 9, 30), ["not_approved"]),
        ({"material": True, "status_history": ["live 2026-05-01", "terminated 2026-10-01"]}, ON, []),
    ],
)
def test_signatures_approvals_and_days(changes: dict[str, Any], on: date, expected: list[str]) -> None:
    stated = {"assurance": [{"item": item, "held_from": "2026-01-01"} for item in ITEMS], **changes}
    if "status_history" in stated:
        steps = [step.split() for step in stated["status_history"]]
        stated |= {"status": None, "status_history": [{"status": status, "from_day": day} for status, day in steps]}
    assert found(on=on, **stated) == expected


def test_the_ends_of_the_calendar_are_days_too() -> None:
    ever = {"starts_on": "1900-01-01", "ends_on": "2199-12-31", "material": True}
    history = [{"status": status, "from_day": "1900-01-01"} for status in ("agreed", "signed", "live")]
    line = subcontract("SC-H9901", "H9901", "hospice", **ever, status_history=history, assurance=papers({"expires_on": "2199-12-31"}))
    stood = contract(subcontracts=[line], assignments=[], requirements=[])
    assert [finding.finding for finding in findings(stood, date(1900, 1, 1))] == [
        "missing",
        "missing",
        "missing",
        "missing",
        "missing",
        "not_approved",
    ]
    assert [finding.finding for finding in findings(stood, date(2199, 12, 31))] == ["lapsing", "not_approved"]
