"""A month's results as a function of values: parents and parts, who is expected and included, and the volumes behind them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendar.contract import Contract
from app.calendar.expected import CellKey, ReturnKey, expected_cells, expected_returns
from app.calendar.volumes import return_volume
from app.kernel.months import Month
from app.reports.aggregation import Figures
from app.reports.coverage import PRECEDENCE, ExpectedCells, Owed, Reason, cover
from app.reports.periods import months_of, pool
from app.reports.reading import Reading
from app.reports.results import (
    CellWithoutValue,
    MonthInputs,
    Recorded,
    RowResult,
    SummedCells,
    from_json,
    inputs_digest,
    slice_results,
    status_of,
    to_json,
)
from app.reports.rows import Rows
from app.reports.slices import PARENTS, SLICES, Place
from tests.make import contract
from tests.reports.conftest import document

OCTOBER = Month.parse("2026-10")
LATER = datetime(2026, 12, 24, tzinfo=UTC)
FROZEN = datetime(2027, 3, 1, tzinfo=UTC)
Stated = tuple[str, CellKey, str, str]


def the_contract(**changes: Any) -> Contract:
    return contract(**document(**changes))


CONTRACT = the_contract()
ACCEPTED = Recorded(received=True, revision_id=1, revision=1, content_sha256="digest", expected_sha256="digest")


def inputs(stands: Contract, *, accepted: Iterable[ReturnKey] = (), month: Month = OCTOBER) -> MonthInputs:
    in_time = set(accepted)
    keys = expected_returns(stands, month)
    return MonthInputs(
        stands, month, [status_of(stands, key, ACCEPTED if key in in_time else None, expected=True, as_of=LATER) for key in keys]
    )


def summed(stated: Iterable[Stated]) -> list[SummedCells]:
    return [
        SummedCells(
            Place(key.measure, key.pathway, key.segment, key.site, key.commissioner, subcontract),
            key.category,
            subcontract,
            subcontract,
            Decimal(numerator),
            Decimal(denominator),
        )
        for subcontract, key, numerator, denominator in stated
    ]


def results(of: MonthInputs, slice_: str, stated: Iterable[Stated] = (), without: Sequence[CellWithoutValue] = ()) -> tuple[RowResult, ...]:
    return slice_results(of, slice_, summed(stated), without)


def one(found: Iterable[RowResult], **keys: str) -> RowResult:
    (result,) = (result for result in found if all(getattr(result.key, name) == code for name, code in keys.items()))
    return result


CWT = [key for key in expected_returns(CONTRACT, OCTOBER) if key.collection == "cwt"]
CELLS = [(key.subcontract, cell) for key in CWT for cell in expected_cells(CONTRACT, key)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CELLS), st.integers(0, 40), st.integers(0, 40)), max_size=25, unique_by=lambda drawn: drawn[0]))
def test_the_rows_of_any_slice_without_parents_add_up_to_all(drawn: list[tuple[tuple[str, CellKey], int, int]]) -> None:
    stated = [(subcontract, cell, str(Decimal(few) / 2), str(Decimal(few + more) / 2)) for (subcontract, cell), few, more in drawn]
    month = inputs(CONTRACT, accepted=CWT)
    totals = {result.key.measure: result.figures for result in results(month, "all", stated)}
    for slice_ in SLICES:
        found = results(month, slice_, stated)
        keys = [result.key[:7] for result in found]
        assert len(keys) == len(set(keys))
        for measure in {"CWT-62", "CWT-FDS"} & {result.key.measure for result in found}:
            parts = [
                result.figures.numerator
                for result in found
                if result.key.measure == measure and result.key.site_scope not in PARENTS and result.key.commissioner_scope not in PARENTS
            ]
            assert sum(part for part in parts if part is not None) == (totals[measure].numerator or 0), slice_
        assert from_json(to_json(found)) == found


def test_a_parent_that_is_itself_reported_is_as_reported() -> None:
    """One trust reports urological as a whole, another its parts: nothing stands in two rows, and the rows still add up."""
    assignments = document()["assignments"]
    assignments[1] = {**assignments[1], "sites": ["urological"]}
    stands = the_contract(assignments=assignments)
    month = inputs(stands, accepted=expected_returns(stands, OCTOBER))
    stated = [
        (key.subcontract, cell, "1", "2")
        for key in expected_returns(stands, OCTOBER)
        for cell in expected_cells(stands, key)
        if cell.measure == "CWT-62" and cell.category == "urgent" and cell.commissioner == "05W"
    ]
    sites = {result.key.site: result for result in results(month, "site", stated) if result.key.measure == "CWT-62"}
    assert {site: result.key.site_scope for site, result in sites.items()} == dict.fromkeys(
        ("bladder", "lung", "prostate", "urological"), "exact"
    )
    whole = one(results(month, "all", stated), measure="CWT-62").figures.numerator
    assert sum(result.figures.numerator or 0 for result in sites.values()) == whole == 7


def test_an_absent_reporter_changes_no_figure_but_is_named() -> None:
    stated = [(subcontract, cell, "1", "2") for subcontract, cell in CELLS if subcontract == "SC-RJE"]
    alone = the_contract(assignments=document()["assignments"][:2])
    with_others = results(inputs(CONTRACT, accepted=CWT[:1]), "all", stated)
    without = results(inputs(alone, accepted=CWT[:1]), "all", stated)
    for measure in ("CWT-62", "CWT-FDS"):
        assert one(with_others, measure=measure).figures == one(without, measure=measure).figures
    found = one(with_others, measure="CWT-62").coverage
    assert (found.expected, found.included) == (3, 1)
    assert [missing.text(with_month=False) for missing in found.missing] == ["SC-RL4 late", "SC-RNA late"]


@pytest.mark.parametrize(
    ("volumes", "slice_", "keys", "share"),
    [
        # Patients a month over a whole line: known in slices that hold all of it.
        ((60, 30, 10), "all", {}, "0.6"),
        ((60, 30, 10), "subcontract", {"subcontract": "SC-RJE"}, "1"),
        ((60, 30, 10), "segment", {"segment": "treatment"}, "0.6"),
        ((60, 30, 10), "site", {"site": "lung"}, None),
        ((60, 30, 10), "category", {"category": "urgent"}, None),
        # One volume that is not known makes the share unknown, never 1.
        ((60, None, 10), "all", {}, None),
        ((None, None, None), "all", {}, None),
        ((0, 0, 0), "all", {}, None),
        # By place: known wherever each place is.
        (("by place", "by place", "by place"), "site", {"site": "lung"}, "0.333333"),
        (("by place", "by place", "by place"), "commissioner+site", {"site": "lung", "commissioner": "05W"}, "0.333333"),
        (("by place", 40, 40), "site", {"site": "lung"}, None),
        (("some places", "by place", "by place"), "site", {"site": "bladder"}, None),
        (("some places", "by place", "by place"), "site", {"site": "lung"}, "0.333333"),
    ],
)
def test_coverage_is_the_included_share_of_a_volume_that_is_known(
    volumes: Sequence[Any], slice_: str, keys: dict[str, str], share: str | None
) -> None:
    places = [{"site": site, "commissioner": code, "volume": 5} for site in ("lung", "prostate", "bladder") for code in ("05W", "05G")]
    known = {"by place": places, "some places": [place for place in places if place["site"] != "bladder"]}
    assignments = document()["assignments"]
    for line in assignments[:6]:
        position = ["SC-RJE", "SC-RL4", "SC-RNA"].index(line["subcontract"])
        line["expected_volume"] = known.get(volumes[position], volumes[position])
    stands = the_contract(assignments=assignments)
    stated = [(subcontract, cell, "1", "2") for subcontract, cell in CELLS if subcontract == "SC-RJE"]
    found = one(results(inputs(stands, accepted=CWT[:1]), slice_, stated), measure="CWT-62", **keys).coverage
    assert (None if found.share is None else round(found.share, 6)) == (None if share is None else round(Decimal(share), 6))


QUARTERLY = {"code": "quarterly", "name": "Contacts", "every": "quarter", "due": {"working_day": 10}}
DECEMBER = Month.parse("2026-12")


@pytest.mark.parametrize("volume", [8, [{"site": "lung", "commissioner": code, "volume": 4} for code in ("05W", "05G")]])
def test_the_volume_behind_a_quarterly_return_is_that_of_its_months(volume: Any) -> None:
    """The same in the head of a report and in its rows: by place and month, each once however many measures are asked of it."""
    later = {"code": "LATER", "name": "From November on", "aggregation": "count_sum", "from_month": "2026-11"}
    codes = ["LATER", "CONTACTS", "BEDS"]
    segment = {"code": "palliative", "name": "Palliative care", "measures": codes}
    stands = the_contract(
        measures=[_measure("CONTACTS"), _measure("BEDS"), later],
        pathways=[{"code": "cancer", "name": "Cancer", "segments": [segment]}],
        collections=[{**QUARTERLY, "measures": codes}],
        requirements=[],
        assignments=[
            {
                "subcontract": "SC-RRE",
                "pathway": "cancer",
                "segment": "palliative",
                "sites": ["lung"],
                "commissioners": ["05W", "05G"],
                "expected_volume": volume,
            }
        ],
    )
    assert return_volume(stands, ReturnKey("quarterly", "SC-RRE", DECEMBER)) == 24
    found = results(inputs(stands, month=DECEMBER), "all")
    assert [one(found, measure=code).coverage.volume_expected for code in ("BEDS", "CONTACTS", "LATER")] == [24, 24, 16]


def _measure(code: str) -> dict[str, Any]:
    (measure,) = (line for line in document()["measures"] if isinstance(line, dict) and line["code"] == code)
    return measure


@pytest.mark.parametrize(
    ("month", "slice_", "keys", "starts"),
    [
        # Community returns contacts by the month, hospices by the quarter.
        ("2026-12", "all", {}, "2026-10-01"),
        ("2026-12", "subcontract", {"subcontract": "SC-RRE"}, "2026-12-01"),
        ("2026-12", "subcontract", {"subcontract": "SC-H9901"}, "2026-10-01"),
        ("2026-11", "all", {}, "2026-11-01"),
    ],
)
def test_a_row_starts_where_the_longest_period_of_those_who_owe_it_starts(
    month: str, slice_: str, keys: dict[str, str], starts: str
) -> None:
    monthly = [{**line, "measures": [*line["measures"][:-2], "DEATHS"]} for line in document()["collections"] if line["code"] == "care"]
    uses = {"care": [{"code": "CONTACTS", "sectors": ["community"]}], "quarterly": [{"code": "CONTACTS", "sectors": ["hospice"]}]}
    collections = [
        document()["collections"][0],
        {**monthly[0], "measures": [*monthly[0]["measures"], *uses["care"]]},
        {**QUARTERLY, "measures": uses["quarterly"]},
    ]
    stands, asked = the_contract(collections=collections), Month.parse(month)
    found = one(results(inputs(stands, month=asked), slice_), measure="CONTACTS", **keys)
    row = Rows(Reading(stands, asked), asked, slice_, "month", [asked]).row(found)
    assert (row["period_start"], row["period_end"]) == (starts, asked.last_day.isoformat())
    assert from_json(to_json([found])) == (found,)


COVERAGE: list[tuple[str, dict[Reason, int], tuple[int, int, str | None, str | None]]] = [
    # of 10 owed cells; expected, included, named as, reason of a row that holds only this
    ("accepted", {}, (1, 1, None, None)),
    ("accepted", {"not_applicable": 10}, (0, 0, None, "not_applicable")),
    ("accepted", {"not_applicable": 4}, (1, 1, None, "not_applicable")),
    ("accepted", {"not_collected": 10}, (1, 0, "S not_collected", "not_collected")),
    ("accepted", {"not_collected": 1}, (1, 0, "S some not_collected", "not_collected")),
    ("accepted", {"not_collected": 6, "not_applicable": 4}, (1, 0, "S not_collected", "not_collected")),
    ("accepted", {"late": 1, "not_collected": 1}, (1, 0, "S some late", "late")),
    ("late", {}, (1, 0, "S late", "late")),
    ("not_accepted", {}, (1, 0, "S not_accepted", "not_accepted")),
    ("not_due", {}, (1, 0, "S not_due", "not_due")),
]


@pytest.mark.parametrize(("state", "lacking", "expected"), COVERAGE)
def test_who_is_expected_and_included(state: Any, lacking: dict[Reason, int], expected: tuple[Any, ...]) -> None:
    absent = {} if state == "accepted" else {("c", "S"): state}
    found = cover(Owed({"S": ExpectedCells("c", 10, Decimal(5))}), month="2026-10", gaps={"S": lacking}, absent=absent)
    named = [missing.text(with_month=False) for missing in found.missing]
    assert (found.expected, found.included, named[0] if named else None, found.reason) == expected


def test_of_several_reasons_the_first_that_somebody_should_act_on_is_told() -> None:
    assert PRECEDENCE == ("late", "not_accepted", "not_collected", "not_due", "not_applicable")
    owed = Owed({code: ExpectedCells("c", 1) for code in ("A", "B")})
    found = cover(owed, month="2026-10", gaps={"B": {"not_collected": 1}}, absent={("c", "A"): "not_due"})
    assert found.reason == "not_collected"


def test_the_digest_follows_everything_that_a_figure_is_computed_from() -> None:
    before = inputs(CONTRACT)
    keys = expected_returns(CONTRACT, OCTOBER)
    variants = [
        before.statuses,
        inputs(CONTRACT, accepted=keys[:1]).statuses,
        [status_of(CONTRACT, key, None, expected=True, as_of=datetime(2026, 11, 1, tzinfo=UTC)) for key in keys],
        [status_of(CONTRACT, key, None, expected=True, as_of=FROZEN) for key in keys],
        [status_of(CONTRACT, key, Recorded(True, None, None, None, None), expected=True, as_of=LATER) for key in keys],
        [
            status_of(CONTRACT, key, ACCEPTED._replace(content_sha256="other") if key == keys[0] else None, expected=True, as_of=LATER)
            for key in keys
        ],
    ]
    variants.append([status_of(CONTRACT, key, ACCEPTED, expected=True, as_of=FROZEN) for key in keys])
    variants.append([status_of(CONTRACT, key, ACCEPTED, expected=True, as_of=FROZEN, reopened=key == keys[0]) for key in keys])
    digests = [inputs_digest(replace(before, statuses=statuses)) for statuses in variants]
    assert len(set(digests)) == len(digests)
    assert inputs_digest(replace(before, month=OCTOBER.plus(1))) not in digests
    assert inputs_digest(replace(before, restated_in=OCTOBER)) not in digests
    assert inputs_digest(inputs(the_contract())) == digests[0]


@pytest.mark.parametrize(
    ("period", "month", "first"),
    [
        ("month", "2026-10", "2026-10"),
        ("quarter", "2026-10", "2026-10"),
        ("quarter", "2026-12", "2026-10"),
        ("year_to_date", "2027-03", "2026-04"),
        ("year_to_date", "2027-04", "2027-04"),
        ("contract_year_to_date", "2027-06", "2026-07"),
        ("contract_year_to_date", "2027-07", "2027-07"),
        ("rolling_12", "2027-06", "2026-07"),
    ],
)
def test_the_months_of_a_period(period: str, month: str, first: str) -> None:
    assert months_of(period, Month.parse(month), CONTRACT) == tuple(Month.parse(first).through(Month.parse(month)))


def test_a_count_in_one_month_and_a_ratio_in_another_make_neither() -> None:
    november = OCTOBER.plus(1)
    by_month = {month: results(inputs(CONTRACT, month=month), "subcontract") for month in (OCTOBER, november)}
    parts = {
        month: tuple(
            replace(result, figures=Figures(Decimal(4), Decimal(9) if month == november else None))
            for result in by_month[month]
            if (result.key.measure, result.key.subcontract) == ("DEATHS", "SC-RRE")
        )
        for month in by_month
    }
    (pooled,) = pool(CONTRACT, november, parts)
    assert pooled.figures.mixed
    assert from_json(to_json([pooled]))[0].figures == pooled.figures


def test_figures_of_an_earlier_definition_are_not_written_as_the_one_in_force() -> None:
    """Nobody owes lung from November on, when another version begins: what October says of it is not that version's."""
    plain = {"code": "CONTACTS", "name": "Contacts", "aggregation": "count_sum", "split_by": ["commissioner"]}
    measures = [line for line in document()["measures"] if not isinstance(line, dict) or line["code"] != "CONTACTS"]
    assignments = [{**line, "to_month": "2026-10"} if line["segment"] == "palliative" else line for line in document()["assignments"]]
    stands = the_contract(measures=[*measures, plain, {**plain, "version": 2, "from_month": "2026-11"}], assignments=assignments)
    november = OCTOBER.plus(1)
    by_month = {month: results(inputs(stands, month=month), "all") for month in (OCTOBER, november)}
    assert "CONTACTS" not in {result.key.measure for result in by_month[november]}
    assert one(pool(stands, november, by_month), measure="CONTACTS").version is None


def test_two_definitions_of_a_measure_are_never_pooled() -> None:
    plain = {"code": "CONTACTS", "name": "Contacts", "aggregation": "count_sum", "split_by": ["commissioner"]}
    measures = [line for line in document()["measures"] if not isinstance(line, dict) or line["code"] != "CONTACTS"]
    stands = the_contract(measures=[*measures, plain, {**plain, "version": 2, "from_month": "2026-11"}])
    november = OCTOBER.plus(1)
    by_month = {month: results(inputs(stands, month=month), "all") for month in (OCTOBER, november)}
    assert one(pool(stands, november, by_month), measure="CONTACTS").version is None
    assert one(pool(stands, november, by_month), measure="CWT-62").version == 1


HELD = [
    # months with figures (0 is the report's), how many months a return is about, months of the period, months held
    ((0, -1, -2), 1, 3, 3),
    ((0, -2), 1, 3, 2),
    ((), 1, 12, 0),
    ((0, -3), 3, 12, 6),
    # The half of a half-year lies before the period.
    ((0,), 6, 3, 3),
    ((-1,), 3, 3, 2),
]


@pytest.mark.parametrize(("stated", "months", "length", "held"), HELD)
def test_a_row_says_how_many_of_its_months_it_holds(*, stated: tuple[int, ...], months: int, length: int, held: int) -> None:
    last = Month.parse("2027-06")
    row = one(results(inputs(CONTRACT, month=last), "all"), measure="CWT-FDS")
    with_figures = Figures(Decimal(1), Decimal(2))
    by_month = {
        last.plus(-back): (replace(row, months=months, figures=with_figures if -back in stated else Figures()),) for back in range(length)
    }
    assert one(pool(CONTRACT, last, by_month), measure="CWT-FDS").held == held
