"""What a document may say of assignments: settings that fit or are waived, shares up to 100, and who reports."""

from time import process_time
from typing import Any

import pytest

from app.calendar.expected import ReturnKey, expected_cells, expected_returns
from app.configuration.document import Document, completed
from app.configuration.domain import faults_of
from app.kernel.months import Month
from tests.make import contract, document, exact, subcontract

LINE = {"pathway": "cancer", "segment": "treatment", "sites": ["lung"], "commissioners": ["05W"]}
MONTH = Month.parse("2026-10")


def faults(**changes: Any) -> dict[str, str | None]:
    stated = completed(Document.model_validate(exact(document(requirements=[], **changes))))
    return {fault.code: fault.pointer for fault in faults_of(stated, registered=frozenset())}


def lines(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**LINE, **each} for each in changes]


def test_the_setting_of_a_segment_fits_or_is_waived() -> None:
    agreements = [subcontract("SC-RJE", "RJE", "acute", settings=["hospice"])]
    line = {"subcontract": "SC-RJE"}
    assert faults(subcontracts=agreements, assignments=lines(line)) == {"setting_does_not_fit": "/assignments/0"}
    waived = {**line, "waiver": {"reason": "Theatre rebuilt until 2027", "approved_by": "Contract lead"}}
    assert faults(subcontracts=agreements, assignments=lines(waived)) == {}
    for settings in (None, ["acute", "hospice"]):
        assert faults(subcontracts=[subcontract("SC-RJE", "RJE", "acute", settings=settings)], assignments=lines(line)) == {}


@pytest.mark.parametrize(
    ("shares", "fault"),
    [
        ([{"share": 60}, {"share": 40}], None),
        ([{"share": 60}, {"share": 41}], "/assignments/1/share"),
        ([{"share": 60}, {}], None),
        ([{"share": 60, "to_month": "2027-03"}, {"share": 60, "from_month": "2027-04"}], None),
        ([{"share": 60, "to_month": "2027-04"}, {"share": 60, "from_month": "2027-04"}], "/assignments/1/share"),
        ([{"share": 60, "sites": "all"}, {"share": "40.01"}], "/assignments/1/share"),
        ([{"share": 60, "sites": ["prostate"]}, {"share": 60}], None),
        ([{"share": 60, "sites": ["prostate"]}, {"share": 60, "sites": ["urological"]}], "/assignments/1/share"),
        ([{"share": 60, "sites": ["urological"]}, {"share": 60, "sites": ["bladder"]}], "/assignments/1/share"),
        ([{"share": 60, "sites": ["prostate"]}, {"share": 60, "sites": ["bladder"]}], None),
        ([{"share": 60, "sites": ["prostate", "urological"]}, {"share": 40, "sites": ["urological"]}], None),
        ([{"share": 60, "sites": ["retired"]}, {"share": 60, "sites": ["urological"], "from_month": "2028-04"}], None),
        ([{"share": 60, "sites": ["retired"]}, {"share": 60, "sites": ["urological"], "from_month": "2028-03"}], "/assignments/1/share"),
    ],
)
def test_shares_of_a_place_and_month_sum_to_at_most_100(shares: list[dict[str, Any]], fault: str | None) -> None:
    stated = lines(*({"subcontract": reference, **each} for reference, each in zip(("SC-RJE", "SC-RL4"), shares, strict=True)))
    sites = [*document()["sites"], {"code": "retired", "name": "Retired", "parent": "urological", "to_month": "2028-03"}]
    assert faults(assignments=stated, sites=sites) == ({} if fault is None else {"share_above_100": fault})


def test_every_line_that_passes_100_is_named() -> None:
    agreements = [subcontract(f"SC-{number}", "RJE", "acute") for number in range(4)]
    stated = lines(
        *({"subcontract": agreement["reference"], "share": share} for agreement, share in zip(agreements, (60, 60, 0, 30), strict=True))
    )
    document_of = completed(Document.model_validate(exact(document(requirements=[], subcontracts=agreements, assignments=stated))))
    found = [(fault.pointer, fault.detail) for fault in faults_of(document_of, registered=frozenset())]
    assert [pointer for pointer, _ in found] == ["/assignments/1/share", "/assignments/3/share"]
    assert [detail.split("come to ")[1] for _, detail in found] == ["120 in 2026-07.", "150 in 2026-07."]


def test_a_split_agreed_anew_each_month_is_summed_once() -> None:
    """The running sum is worked out per place and not per line: twelve hundred lines of one segment take no minutes."""
    first = Month.parse("2026-07")
    agreements = [subcontract(f"SC-{number}", "RJE", "acute", ends_on="2036-06-30") for number in range(10)]
    months = [str(first.plus(number)) for number in range(120)]
    stated = [
        {**LINE, "subcontract": agreement["reference"], "share": 10, "from_month": month, "to_month": month, "sites": "all"}
        for agreement in agreements
        for month in months
    ]
    document_of = completed(Document.model_validate(exact(document(requirements=[], subcontracts=agreements, assignments=stated))))
    began = process_time()
    assert faults_of(document_of, registered=frozenset()) == []
    assert process_time() - began < 5


def test_who_reports_owes_what_another_delivers() -> None:
    own = contract(assignments=lines({"subcontract": "SC-RJE"}))
    for_another = contract(assignments=lines({"subcontract": "SC-RJE", "reported_by": "SC-RL4"}))
    key, other = ReturnKey("cwt", "SC-RJE", MONTH), ReturnKey("cwt", "SC-RL4", MONTH)
    assert expected_returns(own, MONTH) == (key,)
    assert expected_returns(for_another, MONTH) == (other,)
    assert expected_cells(for_another, other) == expected_cells(own, key)
    both = contract(assignments=lines({"subcontract": "SC-RJE", "reported_by": "SC-RL4"}, {"subcontract": "SC-RL4"}))
    assert expected_cells(both, other) == expected_cells(own, key)
    assert expected_returns(both, MONTH) == (other,)
    assert faults(assignments=lines({"subcontract": "SC-RJE", "reported_by": "SC-NONE"})) == {
        "unknown_subcontract": "/assignments/0/reported_by"
    }


def test_reporting_oneself_is_the_same_as_saying_nothing() -> None:
    said, unsaid = (contract(assignments=lines({"subcontract": "SC-RJE", **each})) for each in ({"reported_by": "SC-RJE"}, {}))
    assert said.assignments == unsaid.assignments


def test_all_sites_are_those_that_the_pathway_is_for() -> None:
    pathways = [{**document()["pathways"][0], "sites": ["urological"]}]
    stated = contract(pathways=pathways, assignments=lines({"subcontract": "SC-RJE", "sites": "all"}))
    assert {fact.site for fact in stated.assignments} == {"prostate", "bladder"}
    assert faults(pathways=[{**pathways[0], "sites": ["none"]}], assignments=[]) == {"unknown_site": "/pathways/0/sites/0"}
