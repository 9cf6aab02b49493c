"""One row for the public: what is hidden, how the rest is rounded, and what is left out beside it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from app.disclosure.domain import NATIONAL_CUTS, Policy, disclose, notes_of, policies_of
from app.disclosure.rounding import coarse, to_nearest
from app.measures.catalogue import CATALOGUE
from tests.disclosure.made import row

SMALL: Mapping[str, Policy] = {"M": "small_counts"}


def told(**members: Any) -> tuple[Any, ...]:
    (found,) = disclose([row(**members)], policies=SMALL, before=())
    return found["numerator"], found["denominator"], found["value"], found["suppression"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ("412", "531", (410, 530, Decimal("0.773585"), "rounded_5")),
        ("0", "0", (0, 0, None, "rounded_5")),
        ("0", "12", (0, 10, 0, "rounded_5")),
        ("12", "12", (10, 10, 1, "rounded_5")),
        ("3", "7", (None, None, None, "small_count")),
        ("0", "7", (None, None, None, "small_count")),
        ("7.5", "40", (None, 40, None, "small_count")),
        ("0.5", "40", (None, 40, None, "small_count")),
        ("8", "40", (10, 40, Decimal("0.25"), "rounded_5")),
        ("95", "98", (None, 100, None, "complement")),
        ("90.5", "98", (None, 100, None, "complement")),
        ("90", "98", (90, 100, Decimal("0.9"), "rounded_5")),
        ("12.5", "40", (15, 40, Decimal("0.375"), "rounded_5")),
    ],
)
def test_small_counts_of_a_proportion_are_hidden_and_others_rounded(numerator: str, denominator: str, expected: tuple[Any, ...]) -> None:
    assert told(numerator=numerator, denominator=denominator) == expected


def test_zero_stays_zero_and_a_count_is_its_own_value() -> None:
    assert told(statistic="count", numerator="0") == (0, None, 0, "rounded_5")
    assert told(statistic="count", numerator="7") == (None, None, None, "small_count")
    assert told(statistic="stock", numerator="8") == (10, None, 10, "rounded_5")


def test_a_mean_is_coarse_and_its_sum_is_never_shown() -> None:
    assert told(statistic="mean", numerator="333", denominator="9", value="37") == (None, 10, 37, "derived")
    assert told(statistic="mean", numerator="334", denominator="9", value="37.111111") == (None, 10, 37, "derived")
    assert told(statistic="mean", numerator="74", denominator="7", value="10.571429") == (None, None, None, "small_count")
    assert told(statistic="median", numerator="9", value="2.333333") == (10, None, Decimal("2.3"), "rounded_5")
    assert told(statistic="p90", numerator="7", value="2.333333") == (None, None, None, "small_count")


def test_what_was_published_without_its_counts_is_not_shown_as_if_it_were_of_many() -> None:
    assert told(statistic="index", numerator=None, value="0.71") == (None, None, None, "derived")
    assert told(numerator=None, value=None) == (None, None, None, None)


def test_the_members_stay_and_what_would_tell_more_is_left_out() -> None:
    before = row(numerator="412", denominator="531")
    (after,) = disclose([before], policies=SMALL, before=())
    assert list(after) == list(before)
    assert {name for name in after if after[name] is None and before[name] is not None} == {
        *("lower", "upper", "interval", "against_target", "rag", "rag_reason"),
        *("spc_mean", "spc_lower", "spc_upper", "spc_from", "spc_points", "spc_variation", "spc_signal", "spc_assurance"),
    }
    assert before == row(numerator="412", denominator="531")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"numerator": "412", "denominator": "531", "target": "0.75", "contract_test": "met"}, "met"),
        ({"numerator": "412", "denominator": "531", "target": "0.78", "contract_test": "not_met"}, "not_judged"),
        ({"numerator": "412", "denominator": "531", "target": "0.80", "contract_test": "not_met"}, "not_met"),
        ({"numerator": "3", "denominator": "531", "target": "0.75", "contract_test": "not_met"}, "not_judged"),
        ({"numerator": "3", "denominator": "531", "target": None, "contract_test": "no_target"}, "no_target"),
        ({"statistic": "count", "numerator": "12", "target": "13", "contract_test": "met"}, "met"),
        ({"statistic": "count", "numerator": "12", "target": "12", "contract_test": "met"}, "not_judged"),
        ({"statistic": "median", "numerator": "12", "value": "2.34", "target": "3", "contract_test": "met"}, "met"),
        ({"statistic": "median", "numerator": "12", "value": "2.34", "target": "2.34", "contract_test": "met"}, "not_judged"),
    ],
)
def test_a_verdict_stands_where_what_is_shown_decides_it(members: dict[str, Any], expected: str) -> None:
    (found,) = disclose([row(**members)], policies=SMALL, before=())
    assert found["contract_test"] == expected


def test_what_is_published_nationally_is_shown_as_it_is_in_the_same_cut_and_basis_only() -> None:
    cuts = ("all", "subcontract", "commissioner", "commissioner+site", "segment")
    for basis in ("provider", "commissioner"):
        rows = [row(slice_=cut, basis=basis, numerator="2", denominator="5") for cut in cuts]
        shown = disclose(rows, policies={"M": "as_published"}, before=())
        assert {each["slice"] for each in shown if each["suppression"] is None} == NATIONAL_CUTS[basis] & set(cuts)
        assert all(each == before for each, before in zip(shown, rows, strict=True) if each["suppression"] is None)
    imported = row(slice_="commissioner+site", source="import", statistic="index", numerator=None, value="0.71")
    assert disclose([imported], policies={"M": "as_published"}, before=()) == [imported]


def test_policies_come_from_the_measures_the_strictest_of_their_versions() -> None:
    measures = [CATALOGUE[code] for code in ("CWT-62", "E-PPDA", "O-SURV1")]
    assert policies_of(measures) == {"CWT-62": "as_published", "E-PPDA": "small_counts", "O-SURV1": "as_published"}
    second = measures[0].model_copy(update={"version": 2, "disclosure": "small_counts"})
    for versions in ([measures[0], second], [second, measures[0]]):
        assert policies_of(versions) == {"CWT-62": "small_counts"}
    assert [(note["code"], "CWT-62" in note["detail"]) for note in notes_of(policies_of(measures))] == [
        ("small_counts", False),
        ("as_published", True),
    ]


@pytest.mark.parametrize(("count", "expected"), [("8", 10), ("12", 10), ("12.4", 10), ("12.5", 15), ("13", 15), ("0", 0), ("1002", 1000)])
def test_counts_go_to_the_nearest_five_and_half_way_up(count: str, expected: int) -> None:
    assert to_nearest(Decimal(count)) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("37.25", "37"), ("4.111111", "4.1"), ("0.123", "0.1"), ("412.9", "410"), ("-3.26", "-3.3"), ("0", "0")]
)
def test_a_coarse_value_has_two_digits_and_one_decimal_place_at_most(value: str, expected: str) -> None:
    assert coarse(Decimal(value)) == Decimal(expected)
