"""When an organisation is open, and who goes on from whom: merged, split, and merged again."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.kernel.months import Month
from app.organisations.domain import (
    Organisation,
    Succession,
    SuccessionCircle,
    closed_in,
    codes_readable_by,
    current_of,
    is_open,
    lineage,
    refuse_circle,
    restated,
)

CCGS = ("04Y", "05D", "05G", "05Q", "05V", "05W")


def organisation(**members: Any) -> Organisation:
    return Organisation.model_validate({"ods_code": "R1E", "name": "A community trust", "kind": "community_trust", **members})


def link(predecessor: str, successor: str, legal_on: str, operational_on: str | None = None) -> Succession:
    days = {"legal_on": legal_on, "operational_on": operational_on}
    return Succession.model_validate({"predecessor": predecessor, "successor": successor, **days})


# R1E goes into RRE in June 2018; six CCGs become one ICB in July 2022; ICBs merge again (invented: XAA) in April 2027,
# in law three months before their work does; a trust is split (invented: XB1, XB2).
HISTORY = (
    link("R1E", "RRE", "2018-06-01"),
    *(link(code, "QNC", "2022-07-01") for code in CCGS),
    link("QNC", "XAA", "2027-01-01", "2027-04-01"),
    link("QOC", "XAA", "2027-01-01", "2027-04-01"),
    link("XB0", "XB1", "2024-10-14"),
    link("XB0", "XB2", "2024-10-14"),
)


@pytest.mark.parametrize(
    ("code", "month", "current"),
    [
        ("R1E", "2018-05", "R1E"),
        ("R1E", "2018-06", "RRE"),
        ("R1E", "2026-10", "RRE"),
        ("RRE", "2026-10", "RRE"),
        ("RJE", "2026-10", "RJE"),
        *((code, "2022-06", code) for code in CCGS),
        *((code, "2022-07", "QNC") for code in CCGS),
        ("QNC", "2022-06", "QNC"),
        # In law one ICB from January, at work one from April.
        ("04Y", "2027-03", "QNC"),
        ("04Y", "2027-04", "XAA"),
        ("QOC", "2027-04", "XAA"),
        # Split within a month: nothing says whose the figures would be, so they stay under their own name.
        ("XB0", "2024-09", "XB0"),
        ("XB0", "2024-10", "XB0"),
        ("XB1", "2024-10", "XB1"),
    ],
)
def test_a_code_is_restated_as_whoever_carries_its_work_on(code: str, month: str, current: str) -> None:
    assert current_of(code, HISTORY, Month.parse(month)) == current


def test_a_successor_counts_from_the_month_that_holds_its_day() -> None:
    late = (link("A1", "B1", "2024-10-31"),)
    assert [current_of("A1", late, Month.parse(month)) for month in ("2024-09", "2024-10")] == ["A1", "B1"]


@pytest.mark.parametrize(
    ("code", "predecessors"),
    [
        ("R1E", set()),
        ("RRE", {"R1E"}),
        ("QNC", set(CCGS)),
        ("XAA", {"QNC", "QOC", *CCGS}),
        ("XB1", {"XB0"}),
        ("XB2", {"XB0"}),
    ],
)
def test_a_lineage_is_every_predecessor(code: str, predecessors: set[str]) -> None:
    assert lineage(code, HISTORY) == predecessors


@pytest.mark.parametrize(
    ("code", "on", "readable"),
    [
        ("RRE", "2018-05-31", {"RRE"}),
        ("RRE", "2018-06-01", {"RRE", "R1E"}),
        ("R1E", "2018-06-01", {"R1E"}),
        # A merger that is planned opens nothing before its day; from its legal day on it does, all the way back.
        ("XAA", "2026-12-31", {"XAA"}),
        ("XAA", "2027-01-01", {"XAA", "QNC", "QOC", *CCGS}),
        # Each part of what was split reads what the whole could.
        ("XB2", "2024-10-14", {"XB2", "XB0"}),
    ],
)
def test_a_successor_reads_what_its_predecessors_could(code: str, on: str, readable: set[str]) -> None:
    assert codes_readable_by(code, HISTORY, on=date.fromisoformat(on)) == readable


@pytest.mark.parametrize(
    ("days", "day", "works"),
    [
        ({}, "2018-06-01", True),
        ({"legal": {"from": "2011-09-01", "to": "2018-05-31"}}, "2011-08-31", False),
        ({"legal": {"from": "2011-09-01", "to": "2018-05-31"}}, "2011-09-01", True),
        ({"legal": {"from": "2011-09-01", "to": "2018-05-31"}}, "2018-05-31", True),
        ({"legal": {"from": "2011-09-01", "to": "2018-05-31"}}, "2018-06-01", False),
        ({"legal": {"to": "2018-05-31"}, "operational": {"to": "2018-07-31"}}, "2018-07-31", True),
        ({"legal": {}, "operational": {"from": "2018-07-01"}}, "2018-06-30", False),
    ],
)
def test_an_organisation_is_open_by_its_days(days: dict[str, Any], day: str, works: bool) -> None:
    assert is_open(organisation(**days), date.fromisoformat(day)) is works


@pytest.mark.parametrize(("month", "closed"), [("2018-04", True), ("2018-05", False), ("2018-06", False), ("2018-07", True)])
def test_figures_of_a_month_without_an_open_day_are_a_fault(month: str, closed: bool) -> None:
    fault = closed_in(organisation(operational={"from": "2018-05-31", "to": "2018-06-01"}), Month.parse(month))
    assert (fault is not None) == closed
    if fault:
        assert (fault.code, month in fault.detail) == ("organisation_closed", True)


def test_what_is_left_out_has_one_normal_form() -> None:
    company, charity = {"scheme": "companies_house", "value": "01234567"}, {"scheme": "charity_commission", "value": "1011712"}
    bare = organisation()
    assert bare == organisation(identifiers=[], legal=None, operational={}) == organisation(legal={"from": None, "to": None})
    assert organisation(identifiers=[company, charity]) == organisation(identifiers=[charity, company])
    assert bare.model_dump(mode="json", by_alias=True) == {
        "ods_code": "R1E",
        "name": "A community trust",
        "kind": "community_trust",
        "identifiers": [],
        "legal": None,
        "operational": None,
    }
    assert Organisation.model_validate(bare.model_dump(mode="json", by_alias=True)) == bare
    assert link("A1", "B1", "2018-06-01") == link("A1", "B1", "2018-06-01", "2018-06-01")


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"identifiers": [{"scheme": "cqc_provider", "value": "1"}, {"scheme": "cqc_provider", "value": "2"}]}, "repeated"),
        ({"legal": {"from": "2018-06-01", "to": "2018-05-31"}}, "reversed"),
        ({"operational": {"from": "1 June 2018"}}, "day"),
        ({"legal": {"since": "2018-06-01"}}, "extra_forbidden"),
    ],
)
def test_what_an_organisation_cannot_say(members: dict[str, Any], kind: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        organisation(**members)
    assert [error["type"] for error in refusal.value.errors()] == [kind]


@pytest.mark.parametrize(("predecessor", "successor"), [("XAA", "04Y"), ("XAA", "QNC"), ("RRE", "R1E"), ("RJE", "RJE")])
def test_nobody_succeeds_itself(predecessor: str, successor: str) -> None:
    with pytest.raises(SuccessionCircle):
        refuse_circle(link(predecessor, successor, "2030-01-01"), HISTORY)


CODES = st.sampled_from("ABCDEFG")
MONTHS = st.integers(min_value=Month.parse("2018-01").ordinal, max_value=Month.parse("2019-12").ordinal).map(Month)
LINKS = st.lists(st.tuples(CODES, CODES, st.dates(date(2018, 1, 1), date(2019, 12, 31))), max_size=25)


def taken(tried: list[tuple[str, str, date]]) -> list[Succession]:
    """The links that stand after each was tried in turn, as the register tries them."""
    standing: dict[tuple[str, str], Succession] = {}
    for predecessor, successor, day in tried:
        new = link(predecessor, successor, day.isoformat())
        try:
            refuse_circle(new, tuple(standing.values()))
        except SuccessionCircle:
            continue
        standing[predecessor, successor] = new
    return list(standing.values())


@given(LINKS)
def test_no_sequence_of_links_yields_a_circle(tried: list[tuple[str, str, date]]) -> None:
    standing = taken(tried)
    assert not [code for code in "ABCDEFG" if code in lineage(code, standing)]


@given(LINKS, MONTHS)
def test_restating_twice_is_restating_once_and_only_ever_goes_forwards(tried: list[tuple[str, str, date]], month: Month) -> None:
    standing = taken(tried)
    once = restated("ABCDEFG", standing, month)
    assert restated(once.values(), standing, month) == {code: code for code in once.values()}
    for code, current in once.items():
        assert current == code or code in lineage(current, standing)
        assert current == current_of(code, standing, month)


@given(LINKS, st.dates(date(2017, 12, 1), date(2020, 1, 31)))
def test_what_may_be_read_only_grows(tried: list[tuple[str, str, date]], day: date) -> None:
    standing = taken(tried)
    for code in "ABCDEFG":
        readable = codes_readable_by(code, standing, on=day)
        assert {code} <= readable <= codes_readable_by(code, standing, on=date(2020, 2, 1)) == lineage(code, standing) | {code}
