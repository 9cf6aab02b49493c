"""What the contract makes a subcontract owe."""

from typing import Any

import pytest

from app.calendar.expected import CellKey, ReturnKey, closed_throughout, duties, duties_of_month, expected_cells, expected_returns, flags_of
from app.kernel.months import Month
from app.returns.expectation import expected_return
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


def test_what_is_worked_out_takes_no_more_room_whatever_is_asked() -> None:
    stood = contract()
    for month in OCTOBER.through(OCTOBER.plus(60)):
        expected_returns(stood, month)
    held = len(stood.worked_out)
    for number in range(200):
        assert expected_return(stood, ReturnKey(f"none-{number}", "SC-RL4", OCTOBER)) is None
        assert expected_return(stood, ReturnKey("cwt", f"SC-{number}", OCTOBER)) is None
    for month in OCTOBER.plus(61).through(OCTOBER.plus(120)):
        expected_returns(stood, month)
    assert len(stood.worked_out) == held


def test_a_quarterly_collection_is_owed_in_the_last_month_of_its_quarter() -> None:
    collections = [{**line, "every": "quarter"} for line in document()["collections"]]
    stood = contract(collections=collections)
    owing = [str(month) for month in Month.parse("2026-07").through(Month.parse("2027-06")) if expected_returns(stood, month)]
    assert owing == ["2026-09", "2026-12", "2027-03", "2027-06"]


def test_each_subcontract_owes_one_return_a_collection() -> None:
    keys = expected_returns(contract(), OCTOBER)
    assert [(key.collection, key.subcontract) for key in keys] == [("cwt", "SC-RJE"), ("cwt", "SC-RL4"), ("hospice", "SC-H9901")]
    assert expected_returns(contract(), OCTOBER, subcontract="SC-RL4") == (ReturnKey("cwt", "SC-RL4", OCTOBER),)


def steps(*written: str) -> list[dict[str, str]]:
    return [{"from_day": step.split()[0], "status": step.split()[1]} for step in written]


def flagged(
    collection: str = "hospice", *, every: str = "month", first: str = "2026-07", last: str = "2027-06", **agreement: object
) -> str:
    """The returns that a hospice owes: each month, with p for part, f for final and u for unsigned behind it."""
    collections = [{**line, "every": every} for line in document()["collections"]]
    stood = contract(
        subcontracts=[subcontract("SC-H9901", "H9901", "hospice", **agreement)],
        assignments=[PALLIATIVE],
        requirements=[],
        collections=collections,
    )
    found = []
    for month in Month.parse(first).through(Month.parse(last)):
        key = ReturnKey(collection, "SC-H9901", month)
        flags = flags_of(stood, key)
        if expected_cells(stood, key):
            found.append(str(month)[2:] + "".join(letter for letter, flag in zip("pfu", flags, strict=True) if flag))
        else:
            assert not any(flags)
    return " ".join(found)


PALLIATIVE = {"subcontract": "SC-H9901", "pathway": "cancer", "segment": "palliative"}
LIVE = "2026-07-01 live"


@pytest.mark.parametrize(
    ("history", "term", "months"),
    [
        # A whole month of suspension is not owed; a month with one live day is, in part.
        ((LIVE, "2026-09-01 suspended", "2026-11-01 live"), {}, "26-07 26-08 26-11 26-12"),
        ((LIVE, "2026-09-02 suspended", "2026-11-30 live"), {}, "26-07 26-08 26-09p 26-11p 26-12"),
        ((LIVE, "2026-09-30 suspended", "2026-10-02 live"), {}, "26-07 26-08 26-09p 26-10p 26-11 26-12"),
        ((LIVE, "2026-09-05 suspended", "2026-09-20 live"), {}, "26-07 26-08 26-09p 26-10 26-11 26-12"),
        # A suspension that is still open ends nothing.
        ((LIVE, "2026-09-01 suspended"), {}, "26-07 26-08"),
        # The month of the last live day is the final one; notice is served in full.
        ((LIVE, "2026-09-01 notice", "2026-11-01 terminated"), {}, "26-07 26-08 26-09 26-10f"),
        ((LIVE, "2026-09-01 notice", "2026-11-02 terminated"), {}, "26-07 26-08 26-09 26-10 26-11pf"),
        ((LIVE, "2026-09-16 suspended", "2026-12-01 terminated"), {}, "26-07 26-08 26-09pf"),
        # Terms that begin and end within a month, by their own days or by an extension's.
        ((), {"starts_on": "2026-08-31", "ends_on": "2026-10-01"}, "26-08p 26-09 26-10pf"),
        ((), {"ends_on": "2026-09-30"}, "26-07 26-08 26-09f"),
        ((), {"ends_on": "2026-09-30", "extension": {"ends_on": "2026-11-15"}}, "26-07 26-08 26-09 26-10 26-11pf"),
        ((LIVE, "2026-10-01 expired"), {"ends_on": "2026-09-30", "status": None}, "26-07 26-08 26-09f"),
        # Without a signature a month is owed, and says so.
        (("2026-07-01 heads_of_terms", "2026-08-01 agreed", "2026-09-15 signed"), {}, "26-07u 26-08u 26-09u 26-10 26-11 26-12"),
        # A status without a day takes nothing away.
        ((), {"status": "suspended", "ends_on": "2026-08-31"}, "26-07 26-08f"),
        ((), {"status": "agreed", "ends_on": "2026-08-31"}, "26-07u 26-08fu"),
    ],
)
def test_suspension_and_end_by_their_days(history: tuple[str, ...], term: dict[str, Any], months: str) -> None:
    status = {"status": None} if history else {}
    assert flagged(last="2026-12", **{**status, **term, "status_history": steps(*history)}) == months


def test_a_quarter_is_owed_for_its_live_months_and_flagged_as_a_whole() -> None:
    suspended = steps(LIVE, "2026-09-01 suspended", "2027-01-01 live", "2027-04-15 terminated")
    assert flagged(every="quarter", status=None, status_history=suspended) == "26-09p 27-03 27-06pf"


def test_the_end_of_the_programme_ends_its_subcontracts() -> None:
    programme = {**document()["programme"], "ends_on": "2026-08-15"}
    stood = contract(programme=programme)
    assert flags_of(stood, ReturnKey("cwt", "SC-RJE", Month.parse("2026-07"))) == (False, False, False)
    assert flags_of(stood, ReturnKey("cwt", "SC-RJE", Month.parse("2026-08"))) == (True, True, False)


@pytest.mark.parametrize(
    ("days", "months"),
    [
        ({"operational": {"to": "2026-10-31"}}, "2026-10!"),
        ({"operational": {"from": "2026-10-15"}}, "2026-10* 2026-11"),
        ({"operational": {"to": "2026-11-01"}}, "2026-10 2026-11*!"),
        ({"legal": {"to": "2026-11-30"}}, "2026-10 2026-11!"),
        ({"legal": {"to": "2026-09-30"}, "operational": {"to": "2026-10-31"}}, "2026-10!"),
        ({"legal": {"to": "2026-09-30"}}, ""),
    ],
)
def test_what_is_owed_begins_and_ends_with_the_organisation(days: dict[str, Any], months: str) -> None:
    """`*` marks a part month, `!` the last return."""
    organisations = [{**line, **days} if line["ods_code"] == "RJE" else line for line in document()["organisations"]]
    found = contract(organisations=organisations)
    keys = [ReturnKey("cwt", "SC-RJE", month) for month in OCTOBER.through(OCTOBER.plus(1))]
    flagged = [
        f"{key.month}{'*' * flags_of(found, key).part_month}{'!' * flags_of(found, key).final}"
        for key in keys
        if expected_cells(found, key)
    ]
    assert " ".join(flagged) == months
    assert [closed_throughout(found, key) is None for key in keys] == [str(key.month) in months for key in keys]
    assert closed_throughout(found, ReturnKey("cwt", "SC-RL4", OCTOBER)) is None
    assert closed_throughout(found, ReturnKey("nothing", "SC-NOBODY", OCTOBER)) is None


REPORTED = {**PALLIATIVE, "reported_by": "SC-RJE"}


def reported(*, reporter: dict[str, object] | None = None, **deliverer: object) -> str:
    """The returns that SC-RJE owes of what SC-H9901 delivers, flagged as above."""
    agreements = [subcontract("SC-RJE", "RJE", "acute", **(reporter or {})), subcontract("SC-H9901", "H9901", "hospice", **deliverer)]
    stood = contract(subcontracts=agreements, assignments=[REPORTED], requirements=[])
    assert not any(expected_returns(stood, month, subcontract="SC-H9901") for month in OCTOBER.through(OCTOBER.plus(60)))
    found = []
    for month in Month.parse("2026-07").through(Month.parse("2027-01")):
        for key in expected_returns(stood, month, subcontract="SC-RJE"):
            flags = zip("pfu", flags_of(stood, key), strict=True)
            found += [str(month)[2:] + "".join(letter for letter, flag in flags if flag)]
    return " ".join(found)


def test_whoever_reports_for_another_owes_what_that_one_delivers_and_no_longer() -> None:
    whole = "26-07 26-08 26-09 26-10 26-11 26-12 27-01"
    assert reported() == whole
    assert reported(ends_on="2026-09-15") == "26-07 26-08 26-09pf"
    assert reported(status_history=steps(LIVE, "2026-09-01 suspended", "2026-12-01 live")) == "26-07 26-08 26-12 27-01"
    assert reported(status_history=steps(LIVE, "2026-10-01 terminated")) == "26-07 26-08 26-09f"
    assert reported(status="agreed") == " ".join(f"{month}u" for month in whole.split())
    # What nobody is there to report is a gap, and no obligation.
    assert reported(reporter={"ends_on": "2026-08-31"}) == "26-07 26-08f"
    assert reported(reporter={"status": "agreed"}) == whole


def test_the_sector_that_delivers_is_asked_and_the_one_that_reports_has_the_collection() -> None:
    """Of a hospice's beds only hospices are asked; an acute trust that reports for one returns them, for itself it does not."""
    key = ReturnKey("hospice", "SC-RJE", OCTOBER)
    assert {cell.measure for cell in expected_cells(contract(assignments=[REPORTED]), key)} == {"HOSP-WAIT", "E-BEDOCC"}
    own = {**PALLIATIVE, "subcontract": "SC-RJE"}
    assert {cell.measure for cell in expected_cells(contract(assignments=[own]), key)} == {"HOSP-WAIT"}
    hospices, cwt = document()["collections"]
    collections = [{**hospices, "measures": ["HOSP-WAIT", {"code": "E-BEDOCC", "sectors": ["hospice"]}]}, cwt]
    nowhere = contract(assignments=[REPORTED], collections=collections)
    assert {cell.measure for cell in expected_cells(nowhere, key)} == {"HOSP-WAIT"}


@pytest.mark.parametrize(
    ("changes", "month"),
    [
        ({"assignments": [{**PALLIATIVE, "to_month": "2026-11"}]}, "2026-11"),
        ({"measures": [{**line, "to_month": "2026-12"} if isinstance(line, dict) else line for line in document()["measures"]]}, "2026-12"),
        ({"programme": {**document()["programme"], "ends_on": "2027-01-15"}}, "2027-01"),
        # A deliverer ends whose reporter goes on delivering in another collection.
        (
            {
                "assignments": [*document()["assignments"], REPORTED],
                "subcontracts": [
                    *document()["subcontracts"][:2],
                    subcontract("SC-H9901", "H9901", "hospice", status_history=steps(LIVE, "2027-04-01 terminated")),
                ],
            },
            "2027-03",
        ),
    ],
)
def test_the_last_return_of_a_collection_is_final_whatever_ends_it(changes: dict[str, Any], month: str) -> None:
    stood = contract(**{"requirements": [], **changes})
    for reporter in ("SC-H9901", "SC-RJE"):
        keys = [ReturnKey("hospice", reporter, each) for each in Month.parse("2026-07").through(Month.parse("2036-12"))]
        keys = [key for key in keys if expected_cells(stood, key)]
        assert [str(key.month) for key in keys if flags_of(stood, key).final] == ([month] if keys else [])


def test_a_stretch_ends_where_scope_versions_or_reporters_change() -> None:
    base = document()
    changing = contract(
        sites=[{**site, "from_month": "2026-09"} if site["code"] == "lung" else {**site, "to_month": "2026-11"} for site in base["sites"]],
        commissioners=[{**line, "to_month": "2027-01"} if line["ods_code"] == "05G" else line for line in base["commissioners"]],
        measures=[*base["measures"], {"code": "E-BEDOCC", "version": 2, "from_month": "2026-10", "name": "Anew", "split_by": []}],
        subcontracts=[
            *(line for line in base["subcontracts"] if line["reference"] != "SC-H9901"),
            subcontract("SC-H9901", "H9901", "hospice", status_history=steps(LIVE, "2026-08-15 suspended", "2026-12-01 live")),
        ],
        assignments=[*base["assignments"][:-1], REPORTED],
        requirements=[],
    )
    months = list(Month.parse("2026-06").through(Month.parse("2027-06")))
    for reference in changing.subcontract:
        for month in [*months, *reversed(months)]:
            assert duties_of_month(changing, reference, month) == tuple(duties(changing, reference, month))
    assert duties_of_month(changing, "SC-NOBODY", months[0]) == ()
