"""What the contract makes a subcontract owe."""

from app.calendar.expected import CellKey, ReturnKey, expected_cells, expected_returns
from app.kernel.months import Month
from tests.make import contract, document, subcontract

OCTOBER = Month.parse("2026-10")


def owed(collection: str, reference: str, month: Month = OCTOBER, **changes: object) -> tuple[CellKey, ...]:
    return expected_cells(contract(**changes), ReturnKey(collection, reference, month))


def test_a_measure_is_owed_where_it_is_split_and_in_its_wider_site() -> None:
    cells = owed("cwt", "SC-RJE")
    faster_diagnosis = [cell for cell in cells if cell.measure == "CWT-FDS"]
    assert {(cell.pathway, cell.segment, cell.site) for cell in faster_diagnosis} == {
        ("all", "diagnosis", "lung"),
        ("all", "diagnosis", "urological"),
    }
    waits = [cell for cell in cells if cell.measure == "CWT-62"]
    assert len(waits) == 2 * 2 * 4
    assert {cell.category for cell in waits} == {"urgent", "breast_symptomatic", "screening", "upgrade"}


def test_a_measure_that_is_not_split_is_owed_once_for_each_category() -> None:
    cells = owed("hospice", "SC-H9901")
    assert [(cell.measure, cell.category) for cell in cells] == [
        ("E-BEDOCC", "all"),
        ("HOSP-WAIT", "0-1"),
        ("HOSP-WAIT", "2-3"),
        ("HOSP-WAIT", "4-up"),
    ]
    assert {cell[:2] + cell[3:5] for cell in cells} == {("all", "all", "all", "all")}


def test_only_the_sectors_named_are_asked() -> None:
    agreements = [subcontract("SC-C", "RJE", "community")]
    lines = [{"subcontract": "SC-C", "pathway": "cancer", "segment": "palliative"}]
    cells = owed("hospice", "SC-C", subcontracts=agreements, assignments=lines, requirements=[])
    assert {cell.measure for cell in cells} == {"HOSP-WAIT"}


def test_nothing_is_owed_outside_the_term_the_assignment_the_scope_or_the_measure() -> None:
    assert owed("cwt", "SC-RJE", Month.parse("2026-06")) == ()
    assert owed("cwt", "SC-RJE", Month.parse("2031-07")) == ()
    assert owed("cwt", "SC-NOBODY") == ()
    assert owed("nothing", "SC-RJE") == ()
    sites = [{**site, "from_month": "2027-01"} if site["code"] == "prostate" else site for site in document()["sites"]]
    assert {cell.site for cell in owed("cwt", "SC-RJE", sites=sites)} == {"lung"}
    lines = [{**line, "to_month": "2026-09"} if line["segment"] == "treatment" else line for line in document()["assignments"]]
    assert {cell.measure for cell in owed("cwt", "SC-RJE", assignments=lines)} == {"CWT-FDS"}


def test_a_quarterly_collection_is_owed_in_the_last_month_of_its_quarter() -> None:
    collections = [{**line, "every": "quarter"} for line in document()["collections"]]
    stood = contract(collections=collections)
    owing = [str(month) for month in Month.parse("2026-07").through(Month.parse("2027-06")) if expected_returns(stood, month)]
    assert owing == ["2026-09", "2026-12", "2027-03", "2027-06"]


def test_each_subcontract_owes_one_return_a_collection() -> None:
    keys = expected_returns(contract(), OCTOBER)
    assert [(key.collection, key.subcontract) for key in keys] == [("cwt", "SC-RJE"), ("cwt", "SC-RL4"), ("hospice", "SC-H9901")]
    assert expected_returns(contract(), OCTOBER, subcontract="SC-RL4") == (ReturnKey("cwt", "SC-RL4", OCTOBER),)
