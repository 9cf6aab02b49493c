"""The calculators: the six scenarios as a table and what always adds up, the maturity index, and both as anybody with a key asks them."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.months import Month
from app.kernel.refusals import Invalid
from app.returns.breach_allocation import Allocation, Case, Held, allocate, calculate
from app.returns.breach_table import TABLES, table_in
from app.returns.maturity import Item, maturity
from tests.support.databases import Database
from tests.support.http import Web, serving

MONTH: Final = Month.parse("2026-10")
TABLE: Final = TABLES[-1]
MATURITY: Final = "/v1/calculators/data-quality-maturity-index"
ADDRESS: Final = "/v1/calculators/breach-allocation"

# Days with the party that referred, days with the one that treated; scenario; what each gets (in time, of how many).
SCENARIOS: Final = [
    (38, 24, 1, ("0.5", "0.5"), ("0.5", "0.5")),
    (0, 0, 1, ("0.5", "0.5"), ("0.5", "0.5")),
    (37, 25, 2, ("0.5", "0.5"), ("0.5", "0.5")),
    (0, 62, 2, ("0.5", "0.5"), ("0.5", "0.5")),
    (39, 23, 3, ("0", "0"), ("1", "1")),
    (62, 0, 3, ("0", "0"), ("1", "1")),
    (38, 25, 4, ("0", "0"), ("0", "1")),
    (0, 63, 4, ("0", "0"), ("0", "1")),
    (39, 24, 5, ("0", "1"), ("0", "0")),
    (63, 0, 5, ("0", "1"), ("0", "0")),
    (39, 25, 6, ("0", "0.5"), ("0", "0.5")),
    (200, 100, 6, ("0", "0.5"), ("0", "0.5")),
]


@pytest.mark.parametrize(("before", "after", "scenario", "referring", "treating"), SCENARIOS)
def test_six_scenarios(before: int, after: int, scenario: int, referring: tuple[str, str], treating: tuple[str, str]) -> None:
    found = allocate(Case((Held("A", before), Held("B", after))), TABLE)
    assert (found.scenario, found.days, found.treated_in_time) == (scenario, before + after, before + after <= 62)
    assert [(share.party, share.part, (str(share.numerator), str(share.denominator))) for share in found.shares] == [
        ("A", "referring", referring),
        ("B", "treating", treating),
    ]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"version-{table.version}")
def test_a_table_has_a_row_for_all_that_can_be_and_shares_whole_patients(table: Any) -> None:
    assert table.most_days_before_transfer + table.most_days_after_transfer == table.most_days
    kept = {(by, after, total) for by in (True, False) for after in (True, False) for total in (True, False)}
    # Both parts in time is in time, and both late is late.
    assert set(table.by_kept) == kept - {(True, True, False), (False, False, True)}
    for row in table.scenarios:
        assert row.referring.denominator + row.treating.denominator == 1
        assert row.referring.numerator + row.treating.numerator == row.treated_in_time
    assert not table.confirmed
    assert "confirmation against the current national guidance" in table.note


def test_the_versions_of_the_table_are_in_order() -> None:
    assert [table.version for table in TABLES] == list(range(1, len(TABLES) + 1))
    assert list(TABLES) == sorted(TABLES, key=lambda table: table.from_month)
    assert table_in(TABLES[0].from_month) is TABLES[0]
    assert table_in(TABLES[0].from_month.plus(-1)) is None


held = st.builds(Held, st.sampled_from("ABCD"), st.integers(0, 90))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    case = Case(tuple(draw(st.lists(held, min_size=1, max_size=4))))
    return Case(case.held, draw(st.sampled_from(sorted(case.earlier or {case.treating}))))


@settings(max_examples=200)
@given(st.lists(cases(), min_size=1, max_size=8))
def test_shares_sum_to_whole_patients(asked: list[Case]) -> None:
    found = calculate(asked, MONTH)
    for case, one in zip(asked, found.allocations, strict=True):
        assert sum(share.denominator for share in one.shares) == 1
        assert sum(share.numerator for share in one.shares) == one.treated_in_time
        assert all(0 <= share.numerator <= share.denominator and (2 * share.denominator) % 1 == 0 for share in one.shares)
        assert {share.party for share in one.shares} == {case.referring, case.treating}
    assert sum(split.denominator for split in found.totals.values()) == len(asked)
    assert sum(split.numerator for split in found.totals.values()) == sum(one.treated_in_time for one in found.allocations)


@settings(max_examples=50)
@given(cases())
def test_whatever_happened_on_the_way_only_the_last_transfer_counts(case: Case) -> None:
    def shares(of: Allocation) -> tuple[Any, ...]:
        return of.shares, of.scenario

    if case.referring == case.treating:
        assert shares(allocate(case, TABLE))[1] is None
        return
    before = sum(each.days for each in case.held[:-1])
    assert shares(allocate(Case((Held(str(case.referring), before), case.held[-1])), TABLE)) == shares(allocate(case, TABLE))


def test_who_referred_is_never_guessed() -> None:
    several = (Held("A", 10), Held("B", 10), Held("C", 10))
    with pytest.raises(Invalid) as refused:
        calculate([Case(several), Case(several, "A"), Case(several, "C"), Case((Held("A", 1), Held("A", 1), Held("B", 1)))], MONTH)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [
        ("accountable_missing", "/cases/0/accountable"),
        ("accountable_unknown", "/cases/2/accountable"),
    ]
    both = allocate(Case((Held("A", 50), Held("B", 2), Held("A", 11)), "A"), TABLE)
    assert (both.scenario, both.days_before_transfer, [tuple(share) for share in both.shares]) == (
        None,
        None,
        [("A", "both", Decimal(0), Decimal(1))],
    )


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with serving(module_database) as web:
        yield web


@pytest.mark.parametrize(
    ("role", "scope"),
    [("analyst", {}), ("preparer", {"subcontract": "SC-RJE"}), ("commissioner", {"commissioner": "05W"}), ("auditor", {})],
)
def test_any_key_calculates_and_no_programme_is_needed(web: Web, role: str, scope: dict[str, str]) -> None:
    case = {"parties": [{"party": "RL4", "days": 41}, {"party": "RJE", "days": 19}]}
    answer = web.post(ADDRESS, {"month": "2026-10", "cases": [case, case]}, key=web.key(role, programme="test-cancer", **scope))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["cases"][0] == {
        "scenario": 3,
        "rule": "Handed over after day 38, treated within 24 days of the transfer and within 62 in all: the success is the treating party's.",
        "days": 60,
        "days_before_transfer": 41,
        "days_after_transfer": 19,
        "treated_in_time": True,
        "shares": [
            {"party": "RL4", "part": "referring", "numerator": 0, "denominator": 0},
            {"party": "RJE", "part": "treating", "numerator": 1, "denominator": 1},
        ],
    }
    assert said["totals"] == [{"party": "RJE", "numerator": 2, "denominator": 2}, {"party": "RL4", "numerator": 0, "denominator": 0}]
    assert (said["numerator"], said["denominator"]) == (2, 2)
    assert (said["table"]["version"], said["table"]["confirmed"], len(said["table"]["scenarios"])) == (1, False, 6)


def test_what_cannot_be_calculated_is_named_all_at_once_and_needs_a_key(web: Web) -> None:
    key = web.key("analyst", programme="test-cancer")
    assert web.post(ADDRESS, {"month": "2026-10", "cases": []}).status_code == 401
    several = [{"party": party, "days": 1} for party in "ABC"]
    wrong = web.post(ADDRESS, {"month": "2019-10", "cases": [{"parties": several}, {"parties": several, "accountable": "D"}]}, key=key)
    assert wrong.status_code == 422
    assert [(fault["code"], fault["pointer"]) for fault in wrong.json()["errors"]] == [
        ("no_table", "/month"),
        ("accountable_missing", "/cases/0/accountable"),
        ("accountable_unknown", "/cases/1/accountable"),
    ]
    unclear = {"parties": [{"party": party, "days": 1} for party in "ABC"]}
    beside = web.post(ADDRESS, {"month": "2020-01", "cases": [{"parties": 3}, unclear], "more": 1}, key=key)
    assert [(fault["code"], fault["pointer"]) for fault in beside.json()["errors"]] == [
        ("wrong_type", "/cases/0/parties"),
        ("unknown_member", "/more"),
        ("no_table", "/month"),
        ("accountable_missing", "/cases/1/accountable"),
    ]
    shapes: list[tuple[Any, str]] = [
        ({"month": "2026-10", "cases": []}, "too_short"),
        ({"month": "2026-10", "cases": [{"parties": [{"party": "A", "days": -1}]}]}, "out_of_range"),
        ({"month": "2026-10", "cases": [{"parties": [{"party": "A", "days": 1.5}]}]}, "wrong_type"),
        ({"month": "2026-10", "cases": [{"parties": [{"party": "9434765919", "days": 1}]}]}, "patient_identifier"),
        ({"month": "2026-10", "cases": [{"parties": [{"party": "A", "days": 1}], "nhs_number": 1}]}, "unknown_member"),
    ]
    for body, code in shapes:
        refused = web.post(ADDRESS, body, key=key)
        assert (refused.status_code, [fault["code"] for fault in refused.json()["errors"]]) == (422, [code])
        assert "9434765919" not in refused.text


def test_the_maturity_index_is_the_official_example(web: Web) -> None:
    """Scores of 9.7 and coverages of 7 over twelve items make 47.2."""
    valid = [10, 10, 10, 10, 10, 10, 10, 10, 10, 7, 0, 0]
    items = [{"records": 10, "valid": count, "covered": int(number < 7), "expected": 1} for number, count in enumerate(valid)]
    answer = web.post(MATURITY, {"items": items}, key=web.key("preparer", programme="test-cancer", subcontract="SC-RJE"))
    assert answer.status_code == 200, answer.text
    assert round(answer.json()["index"], 1) == 47.2
    assert (answer.json()["score"], answer.json()["coverage"]) == (0.808333, 0.583333)


def test_defaults_count_where_they_are_in_excess() -> None:
    item = Item(records=100, valid=90, defaults=12, threshold=Decimal("0.1"), covered=1, expected=1)
    assert item.score == Fraction(88, 100)
    assert item._replace(defaults=10).score == Fraction(90, 100)
    assert item._replace(valid=1, defaults=100).score == 0
    assert maturity([item, item._replace(covered=0)]).index == 44


def test_what_is_no_item_is_refused(web: Web) -> None:
    key = web.key("analyst", programme="test-cancer")
    item = {"records": 10, "valid": 5}
    shapes: list[tuple[Any, str, str]] = [
        ([], "too_short", "/items"),
        ([{**item, "valid": 11, "threshold": 9}], "above_the_whole", "/items/0/valid"),
        ([{**item, "defaults": 11, "valid": -1}], "above_the_whole", "/items/0/defaults"),
        ([{**item, "covered": 2}], "above_the_whole", "/items/0/covered"),
        ([{**item, "records": 0}], "out_of_range", "/items/0/records"),
        ([{**item, "threshold": "1.5"}], "out_of_range", "/items/0/threshold"),
    ]
    for items, code, pointer in shapes:
        refused = web.post(MATURITY, {"items": items}, key=key)
        assert refused.status_code == 422
        assert (code, pointer) in [(fault["code"], fault["pointer"]) for fault in refused.json()["errors"]]
    assert web.post(MATURITY, {"items": [item]}).status_code == 401
