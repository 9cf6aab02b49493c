"""Where nobody delivers, what does not hold together and what cannot be supplied: as tables, against month by month, and over HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.assignments.gaps import Gaps
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_cells
from app.configuration.flow_down import flow_down
from app.configuration.owing import owed
from app.configuration.searching import search_of
from app.kernel.months import Month
from app.kernel.ranges import EVER, Range, common, of_months, united, without
from app.organisations.domain import Succession
from tests.make import contract, document, subcontract
from tests.support.databases import Database
from tests.support.http import Web, serving

ADDRESS = "/v1/programmes/test-cancer"
FIRST, LAST = Month.parse("2026-07"), Month.parse("2028-06")
TERM = (FIRST.ordinal, LAST.ordinal)


def small(**changes: Any) -> dict[str, Any]:
    """Two years, one segment, two sites and one commissioner: few enough to write the answers down."""
    programme = {**document()["programme"], "ends_on": "2028-06-30"}
    pathway = {
        "code": "cancer",
        "name": "Cancer",
        "segments": [{"code": "treatment", "name": "Treatment", "setting": "acute", "measures": ["CWT-62"]}],
    }
    plain = {
        "programme": programme,
        "pathways": [pathway],
        "commissioners": [{"ods_code": "05W", "name": "Stoke on Trent"}],
        "sites": [{"code": "lung", "name": "Lung"}, {"code": "breast", "name": "Breast"}],
        "collections": [{"code": "cwt", "name": "Cancer waiting times", "measures": ["CWT-62"], "due": {"working_day": 27}}],
        "requirements": [{"measure": "CWT-62", "schedule_ref": "4A-3"}],
        "subcontracts": [subcontract("SC-RJE", "RJE", "acute"), subcontract("SC-RL4", "RL4", "acute")],
        "assignments": [line()],
    }
    return {**plain, **changes}


def line(reference: str = "SC-RJE", **changes: Any) -> dict[str, Any]:
    return {"subcontract": reference, "pathway": "cancer", "segment": "treatment", **changes}


def search(made: Contract, *, asked: Range = EVER) -> Gaps:
    return search_of(made, asked=(asked,)).gaps()


def told(months: Range) -> str:
    return f"{Month(months[0])}..{Month(months[1])}"


def uncovered(**changes: Any) -> list[tuple[str, str, str]]:
    found = search(contract(**small(**changes))).uncovered
    return [(",".join(row.sites), ",".join(row.commissioners), told(row.months)) for row in found]


# Uncovered


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        ([line()], []),
        ([], [("breast,lung", "05W", "2026-07..2028-06")]),
        ([line(sites=["lung"])], [("breast", "05W", "2026-07..2028-06")]),
        (
            [line(to_month="2026-12"), line("SC-RL4", from_month="2027-03")],
            [("breast,lung", "05W", "2027-01..2027-02")],
        ),
        ([line(from_month="2026-09"), line("SC-RL4", to_month="2026-08")], []),
        (
            [line(from_month="2026-09"), line("SC-RL4", sites=["lung"], to_month="2026-08")],
            [("breast", "05W", "2026-07..2026-08")],
        ),
    ],
)
def test_months_that_no_assignment_covers(assignments: list[dict[str, Any]], expected: list[tuple[str, str, str]]) -> None:
    assert uncovered(assignments=assignments) == expected


def test_only_what_is_in_scope_must_be_covered() -> None:
    later = [{"code": "lung", "name": "Lung"}, {"code": "breast", "name": "Breast", "from_month": "2027-01", "to_month": "2027-12"}]
    assert uncovered(sites=later, assignments=[line(sites=["lung"])]) == [("breast", "05W", "2027-01..2027-12")]
    pathway = {**small()["pathways"][0], "sites": ["lung"]}
    assert uncovered(pathways=[pathway], assignments=[line(sites=["lung"])]) == []


def test_the_lowest_places_in_force_are_looked_at() -> None:
    """From 2027 on bladder is a site of its own: an assignment to the wider site goes on covering it."""
    sites = [
        {"code": "urological", "name": "Urological"},
        {"code": "bladder", "name": "Bladder", "parent": "urological", "from_month": "2027-01"},
    ]
    assert uncovered(sites=sites, assignments=[line(sites=["bladder"], from_month="2027-01")]) == [
        ("urological", "05W", "2026-07..2026-12")
    ]
    assert uncovered(sites=sites, assignments=[line(sites=["urological"])]) == []
    parts = [
        {"ods_code": "QNC", "name": "ICB", "from_month": "2027-07"},
        {"ods_code": "05W", "name": "Stoke on Trent", "parent": "QNC", "to_month": "2027-12"},
    ]
    assert uncovered(commissioners=parts, assignments=[line(commissioners=["05W"])]) == [("breast,lung", "QNC", "2028-01..2028-06")]


def test_only_a_live_subcontract_covers() -> None:
    suspended = [
        {"status": "live", "from_day": "2026-07-01"},
        {"status": "suspended", "from_day": "2027-01-15"},
        {"status": "live", "from_day": "2027-04-10"},
    ]
    agreements = [subcontract("SC-RJE", "RJE", "acute", ends_on="2028-02-10", status_history=suspended), small()["subcontracts"][1]]
    assert uncovered(subcontracts=agreements) == [
        ("breast,lung", "05W", "2027-02..2027-03"),
        ("breast,lung", "05W", "2028-03..2028-06"),
    ]


def test_a_closed_organisation_covers_nothing() -> None:
    organisations = [
        {**each, "operational": {"to": "2027-03-31"}} if each["ods_code"] == "RJE" else each for each in document()["organisations"]
    ]
    found = search(contract(**small(organisations=organisations)))
    assert [told(row.months) for row in found.uncovered] == ["2027-04..2028-06"]
    assert [(row.reason, told(row.months)) for row in found.outside_term] == [("organisation_closed", "2027-04..2028-06")]


MERGED = [
    {"ods_code": "QNC", "name": "ICB", "to_month": "2027-03"},
    {"ods_code": "QXX", "name": "Merged ICB", "from_month": "2027-04"},
    {"ods_code": "05W", "name": "Stoke on Trent", "parent": "QNC"},
    {"ods_code": "05G", "name": "North Staffordshire", "parent": "QNC", "to_month": "2027-12"},
]
MERGER = Succession.model_validate({"predecessor": "QNC", "successor": "QXX", "legal_on": "2027-04-01"})


def test_who_carries_on_the_commissioner_above_others_stands_above_them_in_its_place() -> None:
    plain = contract(**small(commissioners=MERGED, assignments=[line()]))
    merged = replace(plain, successions=(MERGER,))

    def owes(made: Contract, month: str) -> set[str]:
        return {cell.commissioner for cell in expected_cells(made, ReturnKey("cwt", "SC-RJE", Month.parse(month)))}

    assert owes(plain, "2027-05") == {"05W", "05G", "QXX"}
    assert [owes(merged, month) for month in ("2027-03", "2027-05", "2028-01")] == [{"05W", "05G"}, {"05W", "05G"}, {"05W"}]
    assert {cells.commissioner for cells in owed(merged, "SC-RJE")} == {"05W", "05G"}
    children = [line(commissioners=["05W", "05G"])]
    assert uncovered(commissioners=MERGED, assignments=children) == [("breast,lung", "QXX", "2027-04..2028-06")]
    of_children = contract(**small(commissioners=MERGED, assignments=children))
    assert search(replace(of_children, successions=(MERGER,))).uncovered == []
    above = [line(commissioners=["05W", "05G"], to_month="2027-03"), line(commissioners=["QXX"], from_month="2027-04")]
    assert search(replace(contract(**small(commissioners=MERGED, assignments=above)), successions=(MERGER,))).uncovered == []


places = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


@given(places, places)
def test_ranges_say_what_their_months_say(one: list[Range], other: list[Range]) -> None:
    def months(ranges: Any) -> set[int]:
        return {month for first, last in ranges for month in range(first, last + 1)}

    left, right = united(one), united(other)
    assert months(left) == months(one)
    assert months(common(left, right)) == months(one) & months(other)
    assert months(without(left, right)) == months(one) - months(other)
    for ranges in (left, common(left, right), without(left, right)):
        assert ranges == of_months(months(ranges))


# Shares, waivers, outside


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([{"share": 60}, {"share": 40}], []),
        ([{"share": 60}, {}], []),
        ([{"share": 60}, {"share": 30}], [("2026-07..2028-06", "90")]),
        ([{"share": 100}, {"share": 0, "from_month": "2027-01"}], []),
        ([{"share": 60}, {"share": 40, "to_month": "2026-12"}], [("2027-01..2028-06", "60")]),
        ([{"share": 60, "to_month": "2026-08"}, {"from_month": "2026-08"}], [("2026-07..2026-07", "60")]),
    ],
)
def test_declared_shares_short_of_100_with_none_undeclared(shares: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    lines = [line(reference, **each) for reference, each in zip(("SC-RJE", "SC-RL4"), shares, strict=True)]
    found = search(contract(**small(assignments=lines))).shares_short
    assert [(told(row.months), str(row.share)) for row in found] == expected


def test_waivers_are_shown_and_whether_they_are_needed() -> None:
    waiver = {"reason": "Theatre rebuilt", "approved_by": "Contract lead"}
    for settings, needed in ((["hospice"], True), (["acute"], False), (None, False)):
        agreements = [subcontract("SC-RJE", "RJE", "acute", settings=settings), small()["subcontracts"][1]]
        (waived,) = search(contract(**small(subcontracts=agreements, assignments=[line(waiver=waiver), line("SC-RL4")]))).waivers
        assert (waived.facts[0].waiver_reason, waived.setting, waived.needed) == ("Theatre rebuilt", "acute", needed)


@pytest.mark.parametrize(
    ("agreement", "assignment", "expected"),
    [
        ({}, {}, []),
        ({"starts_on": "2026-09-01"}, {"from_month": "2026-09"}, []),
        ({"starts_on": "2026-09-01"}, {}, [("before_term", "2026-07..2026-08")]),
        ({"ends_on": "2027-12-31"}, {}, []),
        ({"ends_on": "2027-12-31"}, {"to_month": "2028-03"}, [("after_term", "2028-01..2028-03")]),
        ({}, {"to_month": "2029-03"}, [("after_term", "2028-07..2029-03")]),
        ({}, {"from_month": "2026-05"}, [("before_term", "2026-05..2026-06")]),
        ({}, {"reported_by": "SC-RL4"}, [("reporter_not_live", "2027-07..2028-06")]),
    ],
)
def test_months_outside_the_term(agreement: dict[str, Any], assignment: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    agreements = [subcontract("SC-RJE", "RJE", "acute", **agreement), subcontract("SC-RL4", "RL4", "acute", ends_on="2027-06-30")]
    found = search(contract(**small(subcontracts=agreements, assignments=[line(**assignment)]))).outside_term
    assert [(row.reason, told(row.months)) for row in found] == expected


def test_months_and_sites_outside_the_scope() -> None:
    sites = [{"code": "lung", "name": "Lung", "to_month": "2027-12"}, {"code": "breast", "name": "Breast", "from_month": "2027-01"}]
    commissioners = [{"ods_code": "05W", "name": "Stoke on Trent", "from_month": "2026-09"}]

    def outside(**changes: Any) -> list[tuple[str, tuple[str, ...], str]]:
        found = search(contract(**small(sites=sites, commissioners=commissioners, assignments=[line(**changes)]))).outside_scope
        return [(row.reason, row.sites + row.commissioners, told(row.months)) for row in found]

    assert outside() == []
    assert outside(sites=["lung"]) == []
    assert outside(sites=["lung", "breast"], to_month="2028-03") == [
        ("site_not_in_scope", ("breast",), "2026-07..2026-12"),
        ("site_not_in_scope", ("lung",), "2028-01..2028-03"),
    ]
    assert outside(commissioners=["05W"]) == [("commissioner_not_in_force", ("05W",), "2026-07..2026-08")]
    pathway = {**small()["pathways"][0], "sites": ["lung"]}
    (row,) = search(contract(**small(pathways=[pathway], assignments=[line(sites=["breast"], to_month="2027-01")]))).outside_scope
    assert (row.reason, row.sites) == ("site_not_of_pathway", ("breast",))


# Flow-down


def unsupplied(**changes: Any) -> list[tuple[str, str, str]]:
    made = contract(**small(**changes))
    return [(row.requirement.measure, row.reason, told(row.months)) for row in flow_down(made, search(made).reporting, asked=(TERM,))]


WHOLE_TERM = "2026-07..2028-06"
HOSPICE = [{"code": "cwt", "name": "Waits", "measures": [{"code": "CWT-62", "sectors": ["hospice"]}], "due": {"working_day": 9}}]
IMPORTED = {"code": "SURVEY", "name": "Survey of the bereaved", "aggregation": "import_only"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"requirements": [{"measure": "CWT-31"}]}, [("CWT-31", "no_segment", WHOLE_TERM)]),
        ({"assignments": []}, [("CWT-62", "no_assignment", WHOLE_TERM)]),
        ({"assignments": [line(from_month="2027-01")]}, [("CWT-62", "no_assignment", "2026-07..2026-12")]),
        ({"collections": HOSPICE}, [("CWT-62", "no_collection", WHOLE_TERM)]),
        ({"measures": [IMPORTED], "requirements": [{"measure": "SURVEY"}]}, []),
        (
            {"requirements": [{"measure": "CWT-62", "collectability": [{"grade": "C", "to_month": "2026-12"}]}]},
            [("CWT-62", "not_collectable", "2026-07..2026-12")],
        ),
        (
            {
                "requirements": [
                    {
                        "measure": "CWT-62",
                        "collectability": [{"grade": "C"}, {"subcontract": "SC-RJE", "grade": "B", "to_month": "2027-06"}],
                    }
                ]
            },
            [("CWT-62", "not_collectable", "2027-07..2028-06")],
        ),
    ],
)
def test_what_no_return_can_supply(changes: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert unsupplied(**changes) == expected


# Over HTTP


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with serving(module_database, clock=lambda: datetime(2026, 11, 20, 9, tzinfo=UTC)) as web:
        made = small(assignments=[line(sites=["lung"], share=60), line("SC-RL4", sites=["lung"], share=30, to_month="2027-12")])
        put = web.put(
            f"{ADDRESS}/configuration",
            {**document(), **made},
            key=web.key("contract_manager", programme="test-cancer"),
            headers={"If-None-Match": "*"},
        )
        assert put.status_code == 201, put.text
        yield web


def test_gaps_are_answered_as_ranges(web: Web) -> None:
    answer = web.get(f"{ADDRESS}/gaps", key=web.key("analyst", programme="test-cancer"))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    where = {"pathway": "cancer", "segment": "treatment", "commissioners": ["05W"]}
    assert found["uncovered"] == [{**where, "sites": ["breast"], "from_month": "2026-07", "to_month": "2028-06"}]
    assert found["shares_short"] == [
        {**where, "sites": ["lung"], "from_month": "2026-07", "to_month": "2027-12", "share": 90},
        {**where, "sites": ["lung"], "from_month": "2028-01", "to_month": "2028-06", "share": 60},
    ]
    assert found["counts"] == {
        "uncovered": 1, "shares_short": 2, "waivers": 0, "outside_term": 0, "outside_scope": 0, "outside_assignment": 0, "flow_down": 0,
    }  # fmt: skip
    part = web.get(f"{ADDRESS}/gaps?from=2028-01&to=2028-02&limit=1", key=web.key("auditor")).json()
    assert (part["from_month"], part["to_month"], part["truncated"]) == ("2028-01", "2028-02", False)
    assert [row["share"] for row in part["shares_short"]] == [60]
    assert [(row["from_month"], row["to_month"]) for row in part["uncovered"]] == [("2028-01", "2028-02")]
    cut = web.get(f"{ADDRESS}/gaps?limit=1", key=web.key("auditor")).json()
    assert (cut["truncated"], len(cut["shares_short"]), cut["counts"]["shares_short"]) == (True, 1, 2)


def test_activity_outside_assignments_is_a_gap_once_accepted(web: Web) -> None:
    manager = web.key("contract_manager", programme="test-cancer")
    place = {"pathway": "cancer", "segment": "treatment", "measure": "CWT-62", "commissioner": "05W"}
    cells = [
        {**place, "site": site, "category": category, "numerator": 1, "denominator": 2}
        for site in ("lung", "breast")
        for category in ("urgent", "breast_symptomatic", "screening", "upgrade")
    ]
    own = f"{ADDRESS}/returns/cwt/SC-RJE/2026-10"
    sent = web.post(f"{own}/revisions", {"rest": "zero", "cells": cells}, key=manager)
    assert sent.status_code == 201, sent.text
    assert web.get(f"{ADDRESS}/gaps", key=manager).json()["outside_assignment"] == []
    assert web.post(f"{own}/acceptance", key=manager).status_code == 200
    row = {
        "subcontract": "SC-RJE", "collection": "cwt", "measure": "CWT-62", "pathway": "cancer", "segment": "treatment", "sites": ["breast"],
        "commissioners": ["05W"], "from_month": "2026-10", "to_month": "2026-10",
    }  # fmt: skip
    assert web.get(f"{ADDRESS}/gaps", key=manager).json()["outside_assignment"] == [row]
    assert web.get(f"{ADDRESS}/gaps?from=2026-11", key=manager).json()["outside_assignment"] == []


def test_only_the_integrator_and_the_auditor_see_gaps(web: Web) -> None:
    for role, scope in (("preparer", {"subcontract": "SC-RJE"}), ("commissioner_lead", {"commissioner": "05W"})):
        assert web.get(f"{ADDRESS}/gaps", key=web.key(role, programme="test-cancer", **scope)).status_code == 403
    assert web.get(f"{ADDRESS}/gaps", key=web.key("analyst", programme="elsewhere")).status_code == 404
    reversed_ = web.get(f"{ADDRESS}/gaps?from=2027-01&to=2026-12", key=web.key("auditor"))
    assert (reversed_.status_code, [fault["pointer"] for fault in reversed_.json()["errors"]]) == (422, ["/query/to"])
