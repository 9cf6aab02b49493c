"""What follows of a change of the contract: compared with what each contract expects by itself, month by month."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendar.contract import Contract
from app.calendar.deadlines import ends_period
from app.calendar.expected import CellKey, ReturnKey, expected_cells
from app.configuration.consequences import Consequences, Obligation, consequences
from app.configuration.effects import counted_as_another
from app.configuration.owing import counted_otherwise, is_touched, owed, owing_otherwise
from app.kernel.months import Month
from app.kernel.ranges import Ranges
from tests.make import contract, document

FIRST, LAST = Month.parse("2026-07"), Month.parse("2031-06")
ALL_MONTHS = list(FIRST.plus(-2).through(LAST.plus(2)))


def change(section: str, number: int, **members: Any) -> dict[str, Any]:
    """The sections of the tests' document with one line changed."""
    lines = deepcopy(document()[section])
    lines[number] = {**lines[number], **members}
    return {section: lines}


MEASURE_V2 = {"code": "CWT-62", "version": 2, "from_month": "2028-04", "name": "Redefined", "split_by": ["site"]}
PROSTATE = change("sites", 2, to_month="2028-03")
MORE = [*document()["assignments"], {**document()["assignments"][4], "segment": "treatment", "from_month": "2029-01"}]
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a name": change("sites", 0, name="Lungs"),
    "a volume": change("assignments", 0, expected_volume=10),
    "an end": change("assignments", 0, to_month="2028-03"),
    "a line more": {"assignments": MORE},
    "a line less": {"assignments": document()["assignments"][1:]},
    "fewer sites": change("assignments", 1, sites=["lung"]),
    "another reporter": change("assignments", 4, reported_by="SC-RL4"),
    "another reporter, and the deliverer ends early": change("assignments", 4, reported_by="SC-RL4") | change("subcontracts", 2, ends_on="2029-06-30"),
    "a site out of scope": PROSTATE,
    "a commissioner from later": change("commissioners", 1, from_month="2027-01"),
    "a site withdrawn that all stands for": {"sites": document()["sites"][:3]},
    "a subcontract ends early": change("subcontracts", 2, ends_on="2029-06-30"),
    "a suspension": change(
        "subcontracts",
        0,
        status_history=[
            {"status": "live", "from_day": "2026-07-01"},
            {"status": "suspended", "from_day": "2027-02-01"},
            {"status": "live", "from_day": "2027-05-01"},
        ],
    ),
    "another sector": change("subcontracts", 2, sector="community"),
    "a new version": {"measures": [*document()["measures"], MEASURE_V2]},
    "a measure ends": change("measures", 3, to_month="2027-12"),
    "other categories": change("measures", 3, breakdown={"code": "ward", "categories": [{"code": "a"}, {"code": "b"}]}),
    "every quarter": change("collections", 1, every="quarter"),
    "a measure not collected": change("collections", 0, measures=["E-BEDOCC"]),
    "a segment asks for less": change("pathways", 0, segments=[*document()["pathways"][0]["segments"][:2], {"code": "palliative", "name": "P", "measures": ["HOSP-WAIT"]}]),
    "a shorter programme": {"programme": {**document()["programme"], "ends_on": "2028-12-31"}},
    "another contract year": {"programme": {**document()["programme"], "contract_year_starts": "04-01"}},
}  # fmt: skip


def cells_of(stood: Contract) -> dict[ReturnKey, frozenset[CellKey]]:
    """Every return of every month, with its cells, as the calendar expects them."""
    keys = (
        ReturnKey(collection, reference, month)
        for collection in stood.collection
        for reference in stood.subcontract
        for month in ALL_MONTHS
    )
    return {key: frozenset(cells) for key in keys if (cells := expected_cells(stood, key))}


def by_ranges(stood: Contract) -> dict[ReturnKey, frozenset[CellKey]]:
    """The same out of what is owed over all months at once; right for monthly collections."""
    found: dict[ReturnKey, set[CellKey]] = {}
    for reference in stood.subcontract:
        for cells, months in owed(stood, reference).items():
            for month in ALL_MONTHS:
                if holds(months, month):
                    keys = (
                        CellKey(cells.pathway, cells.segment, cells.measure, cells.site, cells.commissioner, each)
                        for each in cells.categories
                    )
                    found.setdefault(ReturnKey(cells.collection, reference, month), set()).update(keys)
    return {key: frozenset(cells) for key, cells in found.items()}


def holds(ranges: Ranges, month: Month) -> bool:
    return any(first <= month.ordinal <= last for first, last in ranges)


def told(follows: Consequences, stood: Contract, kind: Callable[[Consequences], list[Any]]) -> set[ReturnKey]:
    """Returns out of ranges: of their months those that end a period."""
    found = set()
    for collection, subcontract, months in kind(follows):
        every, begins = stood.collection[collection].every, stood.programme.contract_year_month
        each = (Month(month) for month in range(months[0], months[1] + 1))
        found |= {ReturnKey(collection, subcontract, month) for month in each if ends_period(month, every, year_begins=begins)}
    return found


@pytest.mark.parametrize("changes", [pytest.param(changes, id=name) for name, changes in CHANGES.items() if name != "every quarter"])
def test_what_is_owed_over_all_months_is_what_is_expected_in_each(changes: dict[str, Any]) -> None:
    stood = contract(**changes)
    assert by_ranges(stood) == cells_of(stood)


@pytest.mark.parametrize("changes", [pytest.param(changes, id=name) for name, changes in CHANGES.items()])
def test_obligations_appear_disappear_and_change_as_the_calendar_says(changes: dict[str, Any]) -> None:
    before, after = contract(), contract(**changes)
    for old, new in ((before, after), (after, before)):
        was, is_ = cells_of(old), cells_of(new)
        touched = owing_otherwise(old, new)
        for key in {*was, *is_}:
            assert was.get(key) == is_.get(key) or is_touched(old, new, key, touched), key
        follows = consequences(old, new, accepted=())
        assert told(follows, new, lambda told: told.appearing) == is_.keys() - was.keys()
        assert told(follows, old, lambda told: told.disappearing) == was.keys() - is_.keys()
        both = {key for key in was.keys() & is_.keys() if was[key] != is_[key]}
        assert told(follows, new, lambda told: told.changing) == both


def test_whoever_reports_for_another_owes_otherwise_when_that_one_ends() -> None:
    before, after = (contract(**CHANGES[f"another reporter{also}"]) for also in ("", ", and the deliverer ends early"))
    for old, new in ((before, after), (after, before)):
        was, is_ = cells_of(old), cells_of(new)
        touched = owing_otherwise(old, new)
        differing = {key for key in {*was, *is_} if was.get(key) != is_.get(key)}
        assert {key.subcontract for key in differing} == {"SC-RL4"}
        assert all(is_touched(old, new, key, touched) for key in differing)


def test_a_name_or_a_volume_makes_nobody_owe_otherwise() -> None:
    for name in ("nothing", "a name", "a volume"):
        assert owing_otherwise(contract(), contract(**CHANGES[name])) == {}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(CHANGES)), st.sampled_from(sorted(CHANGES)))
def test_there_and_back_undo_each_other(one: str, other: str) -> None:
    before, after = contract(**CHANGES[one]), contract(**CHANGES[other])
    there, back = consequences(before, after, accepted=()), consequences(after, before, accepted=())
    assert (there.appearing, there.disappearing) == (back.disappearing, back.appearing)
    assert (there.gaps_opened, there.gaps_closed) == (back.gaps_closed, back.gaps_opened)
    assert (there.overlaps_appearing, there.overlaps_disappearing) == (back.overlaps_disappearing, back.overlaps_appearing)


def test_gaps_and_overlaps_are_told_as_ranges() -> None:
    before = contract()
    ended = contract(**change("assignments", 0, to_month="2028-03"))
    follows = consequences(before, ended, accepted=())
    (overlap,) = follows.overlaps_disappearing
    assert (overlap.pathway, overlap.segment, overlap.sites, overlap.commissioners) == (
        "cancer",
        "diagnosis",
        ("lung", "prostate"),
        ("05G", "05W"),
    )
    assert (Month(overlap.months[0]), Month(overlap.months[1])) == (Month.parse("2028-04"), LAST)
    assert follows.gaps_opened == []
    nobody = contract(assignments=[document()["assignments"][1], *document()["assignments"][3:]])
    (gap,) = consequences(before, nobody, accepted=()).gaps_opened
    assert (gap.segment, gap.sites, gap.months) == ("diagnosis", ("lung", "prostate"), (FIRST.ordinal, LAST.ordinal))
    assert consequences(nobody, before, accepted=()).gaps_closed == [gap]


MONTHS = [Month.parse(text) for text in ("2026-07", "2028-03", "2028-04", "2029-01")]
BOARD = [
    *({**line, "parent": "QZZ"} if line["ods_code"] == "QNC" else line for line in document()["commissioners"]),
    {"ods_code": "QZZ", "name": "A board of two counties", "from_month": "2028-04"},
]
TOUCHED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("nothing", {}, []),
    ("an end", CHANGES["an end"], ["2028-04", "2029-01"]),
    ("a volume", CHANGES["a volume"], ["2026-07", "2028-03", "2028-04", "2029-01"]),
    ("a new version", CHANGES["a new version"], ["2028-04", "2029-01"]),
    ("a name", CHANGES["a name"], ["2026-07", "2028-03", "2028-04", "2029-01"]),
    ("a board above the board from April 2028", {"commissioners": BOARD}, ["2028-04", "2029-01"]),
    ("another value", {"programme": {**document()["programme"], "value_pence": 1}}, []),
    (
        "a target",
        change("requirements", 0, targets=[*document()["requirements"][0]["targets"], {"from_month": "2028-04", "to_month": "2028-06", "for": {"site": "lung"}, "standard": 0.9}]),
        ["2028-04"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "months"), [case[1:] for case in TOUCHED], ids=[case[0] for case in TOUCHED])
def test_months_with_accepted_figures_are_named_where_these_would_be_computed_anew(changes: dict[str, Any], months: list[str]) -> None:
    follows = consequences(contract(), contract(**changes), accepted=MONTHS)
    assert [str(month) for month in follows.months_touched] == months


def test_the_returns_of_quarters_are_told_as_one_range() -> None:
    follows = consequences(None, contract(**CHANGES["every quarter"]), accepted=())
    months = [each.months for each in follows.appearing if each.collection == "cwt" and each.subcontract == "SC-RJE"]
    assert months == [(Month.parse("2026-09").ordinal, Month.parse("2031-06").ordinal)]


def test_a_reworded_version_is_told_with_the_returns_that_state_it() -> None:
    old = next(line for line in contract().measures if line.code == "HOSP-WAIT").model_dump(mode="json", by_alias=True)
    reworded = {**old, "version": 2, "from_month": "2028-04", "numerator": "Days to the first visit at home"}
    follows = consequences(contract(), contract(measures=[*document()["measures"], reworded]), accepted=MONTHS)
    (told,) = follows.recounted
    assert (told.measure, told.before, told.after, told.comparable) == ("HOSP-WAIT", 1, 2, "no")
    assert told.months == (Month.parse("2028-04").ordinal, Month.parse("2036-06").ordinal)
    assert told.obligations == [Obligation("hospice", "SC-H9901", (Month.parse("2028-04").ordinal, LAST.ordinal))]
    assert (follows.changing, [str(month) for month in follows.months_touched]) == ([], ["2028-04", "2029-01"])
    assert consequences(contract(), contract(), accepted=MONTHS).weights == []


def test_a_site_touches_the_months_in_which_somebody_is_assigned_to_it_or_below() -> None:
    lines = [{**document()["assignments"][0], "sites": ["lung"], "from_month": "2028-04"}]
    lung, *others = document()["sites"]
    below = [{**lung, "parent": "chest"}, *others, {"code": "chest", "name": "Chest"}]
    for sites, months in ((below, MONTHS[2:]), ([lung, *others, {"code": "skin", "name": "Skin"}], [])):
        before, after = contract(assignments=lines), contract(assignments=lines, sites=sites)
        for old, new in ((before, after), (after, before)):
            assert consequences(old, new, accepted=MONTHS).months_touched == months


def test_a_new_programme_brings_everything() -> None:
    follows = consequences(None, contract(), accepted=())
    assert {(each.collection, each.subcontract) for each in follows.appearing} == {
        ("cwt", "SC-RJE"),
        ("cwt", "SC-RL4"),
        ("hospice", "SC-H9901"),
    }
    assert (follows.disappearing, follows.changing, follows.months_touched) == ([], [], [])


def test_a_quarter_answers_a_change_in_any_of_its_months() -> None:
    """A version that ends in August is reported in September's quarter."""

    def quarterly(aggregation: str) -> Contract:
        measure = {"code": "V", "name": "V", "split_by": [], "to_month": "2026-08", "aggregation": aggregation}
        collection = {"code": "q", "name": "Q", "measures": ["V"], "every": "quarter", "due": {"working_day": 10}}
        return contract(measures=[*document()["measures"], measure], collections=[*document()["collections"], collection])

    before, after = quarterly("count_sum"), quarterly("stock_last")
    reported = [("V", ReturnKey("q", "SC-RJE", Month.parse(month))) for month in ("2026-06", "2026-09", "2026-12")]
    (fault,) = counted_as_another(before, after, counted_otherwise(before, after), reported)
    assert "2 returns" in fault.detail
    assert "2026-06" in fault.detail
