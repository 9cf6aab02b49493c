"""Process control against the published vectors, each rule at its edges, and what holds for any series."""

import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports.process_control import (
    Limits,
    Signal,
    Values,
    assurance,
    baseline,
    limits_of,
    shift,
    sides_of,
    signals,
    trend,
    two_of_three,
    variation,
)

SHARED = Path(__file__).parents[2].parent / "shared"
REFERENCE = (78, 81, 80, 77, 82, 79, 81, 76, 80, 83, 79, 80, 78, 81, 66)
GAP = None


def series(*values: Any) -> list[Fraction | None]:
    return [None if value is None else Fraction(str(value)) for value in values]


def limits(values: Values, **changes: Any) -> Limits:
    found = limits_of(values, **changes)
    assert found is not None
    return found


def vectors(path: str) -> Any:
    if not (SHARED / path).exists():
        pytest.skip("the shared data folder is not beside this checkout")
    return json.loads((SHARED / path).read_text(), parse_float=Decimal)


def test_the_vectors_of_the_published_tool() -> None:
    published = vectors("data/vectors/process_control.json")
    for vector in published["xmr"]:
        found = limits(series(*published[vector["y"]]), screened=vector["screen_outliers"])
        for member, value in (("mean", found.mean), ("lpl", found.lower), ("upl", found.upper)):
            assert abs(value - Fraction(vector[member])) < Fraction("1e-6"), vector
    for vector in published["seven_point_one_side_mean"]:
        assert [int(each) for each in shift(vector["in"])] == vector["out"]
    for vector in published["seven_point_trend"]:
        # The tool names the seventh point; all seven are special.
        is_trend = 1 in vector["out"]
        assert trend(series(*vector["in"])) == [int(is_trend)] * len(vector["in"])
    for vector in published["two_in_three"]:
        assert [int(each) for each in two_of_three(vector["close"], vector["side"])] == vector["out"]
    opposite = published["two_in_three_needs_same_side"]
    values = series(*opposite["y"])
    assert [variation(each, upwards=True, direction="higher") for each in signals(values, limits(values))[-2:]] == opposite[
        "last_two_points"
    ]
    ours = {"consistent_fail": "consistently_failing", "consistent_pass": "consistently_hitting", "inconsistent": "hit_and_miss"}
    for vector in published["assurance"]:
        for (lower, upper), out in zip(vector["limits"], vector["out"], strict=True):
            around = Limits(Fraction(lower + upper, 2), Fraction(upper - lower, 2) / Fraction("2.66"))
            assert assurance(around, Fraction(vector["target"]), direction="higher") == ours[out]


# The published tool's own series and what it answers (NHSRplotthedots, MIT licence: test-ptd_spc_standard, R's set.seed(123); rnorm(20)).
NORMAL = (
    *("-0.56047565", "-0.23017749", "1.55870831", "0.07050839", "0.12928774", "1.71506499", "0.46091621", "-1.26506123", "-0.68685285"),
    *("-0.44566197", "1.22408180", "0.35981383", "0.40077145", "0.11068272", "-0.55584113", "1.78691314", "0.49785048", "-1.96661716"),
    *("0.70135590", "-0.47279141"),
)
WITH_AN_OUTLIER = (*NORMAL[:14], "10", *NORMAL[15:])


@pytest.mark.parametrize(
    ("values", "screened", "mean", "lower", "upper"),
    [
        (NORMAL, True, "0.1416238", "-3.01138", "3.294627"),
        (WITH_AN_OUTLIER, True, "0.6694159", "-2.383666", "3.722497"),
        (WITH_AN_OUTLIER, False, "0.6694159", "-4.596625", "5.935457"),
    ],
)
def test_limits_of_the_published_tool(values: tuple[str, ...], screened: bool, mean: str, lower: str, upper: str) -> None:
    """Screening leaves out the two moving ranges of the outlier, and never the outlier itself: the mean keeps it."""
    found = limits(series(*values), screened=screened)
    for mine, theirs in zip((found.mean, found.lower, found.upper), (mean, lower, upper), strict=True):
        assert abs(mine - Fraction(theirs)) < Fraction("1e-6")


def test_limits_that_are_fixed_rest_on_the_first_points_alone() -> None:
    fixed = limits(baseline(series(*NORMAL), fixed_after=12))
    assert fixed == limits(series(*NORMAL[:12]))
    assert fixed != limits(series(*NORMAL))


@pytest.mark.parametrize(
    ("sides", "expected"),
    [([], []), ([1] * 6, [0] * 6), ([1] * 6 + [-1], [0] * 7), ([1] * 8 + [-1], [1] * 8 + [0]), ([1] + [-1] * 8 + [1], [0] + [1] * 8 + [0])],
)
def test_runs_on_one_side_as_the_published_tool_has_them(sides: list[int], expected: list[int]) -> None:
    """The tool names the points that end seven, then all seven that each ends."""
    assert [int(each) for each in shift(sides)] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        (range(1, 7), [0] * 6),
        ([1, 2, 3, 3, 4, 5, 6], [0] * 7),
        (range(1, 8), [1] * 7),
        ([2, *range(1, 8), 3], [0] + [1] * 7 + [0]),
        (range(7, 0, -1), [-1] * 7),
        ([2, *range(7, 0, -1), 3], [0] + [-1] * 7 + [0]),
        # A point of a trend on either side of it goes by the one that it begins.
        ([*range(8), *range(6, 0, -1)], [1] * 7 + [-1] * 7),
    ],
)
def test_trends_as_the_published_tool_has_them(values: Any, expected: list[int]) -> None:
    assert trend(series(*values)) == expected


@pytest.mark.parametrize(
    ("near", "sides", "expected"),
    [
        ([0, 0, 1, 1, 0, 0, 0], [1] * 7, [0, 1, 1, 1, 1, 0, 0]),
        ([1, 0, 0, 1], [1] * 4, [0] * 4),
        ([1, 0, 0, 1, 1], [1] * 5, [0, 0, 1, 1, 1]),
        ([0, 0, 1, 0, 1, 0, 0], [1, -1] * 3 + [1], [0] * 7),
        ([0, 0, 1, 1, 0, 0, 0], [-1, 1] * 3 + [-1], [0] * 7),
        ([1, 1], [1, 1], [0, 0]),
        ([], [], []),
    ],
)
def test_two_of_three_as_the_published_tool_has_them(near: list[int], sides: list[int], expected: list[int]) -> None:
    assert [int(each) for each in two_of_three([bool(each) for each in near], sides)] == expected


@pytest.mark.parametrize(
    ("direction", "limits_of_three"),
    [
        ("higher", ["consistently_failing", "consistently_hitting", "hit_and_miss"]),
        ("lower", ["consistently_hitting", "consistently_failing", "hit_and_miss"]),
        ("neutral", ["no_target"] * 3),
    ],
)
def test_assurance_as_the_published_tool_has_it(direction: str, limits_of_three: list[str]) -> None:
    """Limits 1 to 3, 5 to 7 and 1 to 5 around a target of 4."""
    around = [Limits(Fraction(middle), Fraction(half) / Fraction("2.66")) for middle, half in ((2, 1), (6, 1), (3, 2))]
    assert [assurance(each, Fraction(4), direction=direction) for each in around] == limits_of_three


AROUND_TEN = Limits(Fraction(10), Fraction(3) / Fraction("2.66"))
"""Limits 7 and 13, near limits 8 and 12."""

RULES: list[tuple[str, list[Any], list[str]]] = [
    ("on a limit is inside it", [13, 7], ["none", "none"]),
    ("just outside", [13.01, 6.99], ["outside_limits", "outside_limits"]),
    ("six on one side are no shift", [11, 10.5] * 3, ["none"] * 6),
    ("seven on one side", [11, 10.5] * 3 + [11], ["shift"] * 7),
    ("seven below", [9, 9.5] * 3 + [9], ["shift"] * 7),
    ("one on the mean breaks the run", [11, 10.5] * 3 + [10, 11, 10.5], ["none"] * 9),
    ("a gap breaks the run", [11, 10.5, 11, GAP, 10.5, 11, 10.5, 11], ["none"] * 8),
    ("six that rise are no trend", [9.1, 9.2, 9.3, 10.1, 10.2, 10.3], ["none"] * 6),
    ("seven that rise", [9.1, 9.2, 9.3, 9.4, 10.1, 10.2, 10.3], ["trend"] * 7),
    ("seven that fall", [10.9, 10.8, 10.7, 9.9, 9.8, 9.7, 9.6], ["trend"] * 7),
    ("an equal step breaks the trend", [9.1, 9.2, 9.3, 9.3, 10.1, 10.2, 10.3], ["none"] * 7),
    ("a gap breaks the trend", [9.1, 9.2, 9.3, 9.4, GAP, 10.1, 10.2, 10.3], ["none"] * 8),
    ("two in three near the limit", [12.5, 11, 12.5], ["two_of_three", "none", "two_of_three"]),
    ("on the near limit is not near", [12, 11, 12.5], ["none", "none", "none"]),
    ("outside counts for itself only", [13.5, 11, 12.5], ["outside_limits", "none", "none"]),
    ("all three on one side", [12.5, 9, 12.5], ["none", "none", "none"]),
    ("two in three have three", [12.5, 12.5], ["none", "none"]),
    ("a gap is no third", [12.5, GAP, 12.5], ["none", "none", "none"]),
    ("outside speaks before a trend", [7.5, 8.5, 9, 10, 11, 12.5, 13.5], ["trend"] * 6 + ["outside_limits"]),
    ("two in three speak before a shift", [11, 11.5] * 2 + [11, 12.5, 12.6], ["shift"] * 5 + ["two_of_three"] * 2),
]


@pytest.mark.parametrize(("values", "expected"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_each_rule_at_its_edges(values: list[Any], expected: list[str]) -> None:
    assert signals(series(*values), AROUND_TEN) == expected


def test_a_point_that_ends_a_rise_and_begins_a_fall_falls() -> None:
    values = series(*range(1, 8), *range(6, 0, -1))
    assert trend(values) == [1] * 6 + [-1] * 7


def test_points_near_a_limit_are_special_only_with_their_like() -> None:
    assert signals(series(11, 12.5, 11, 11, 12.5), AROUND_TEN) == ["none"] * 5


@pytest.mark.parametrize(
    ("signal", "upwards", "direction", "expected"),
    [
        ("none", True, "higher", "common_cause"),
        ("shift", True, "higher", "improvement"),
        ("shift", False, "higher", "concern"),
        ("outside_limits", True, "lower", "concern"),
        ("trend", False, "lower", "improvement"),
        ("two_of_three", True, "neutral", "neither_high"),
        ("two_of_three", False, None, "neither_low"),
    ],
)
def test_variation(signal: Signal, upwards: bool, direction: str | None, expected: str) -> None:
    assert variation(signal, upwards=upwards, direction=direction) == expected


@pytest.mark.parametrize(
    ("target", "direction", "expected"),
    [
        ("6.99", "higher", "consistently_hitting"),
        ("7", "higher", "hit_and_miss"),
        ("13", "higher", "hit_and_miss"),
        ("13.01", "higher", "consistently_failing"),
        ("6.99", "lower", "consistently_failing"),
        ("13.01", "lower", "consistently_hitting"),
        ("13.01", "neutral", "no_target"),
        (None, "higher", "no_target"),
    ],
)
def test_assurance(target: str | None, direction: str, expected: str) -> None:
    asked = None if target is None else Fraction(target)
    assert assurance(AROUND_TEN, asked, direction=direction) == expected
    assert assurance(None, asked, direction=direction) == "too_few_points"


def test_under_twelve_points_there_are_no_limits() -> None:
    assert limits_of(series(*REFERENCE[:11])) is None
    assert limits_of(series(*REFERENCE[:12])) is not None
    assert limits_of(series(*REFERENCE[:11], GAP, GAP)) is None
    assert limits_of([]) is None


def test_hardly_any_moving_range_makes_no_limits() -> None:
    every_other = [each for value in REFERENCE for each in (value, GAP)]
    assert limits_of(series(*every_other)) is None


def test_a_gap_has_no_moving_range() -> None:
    with_gap = limits(series(*REFERENCE[:6], GAP, *REFERENCE[6:]), screened=False)
    steps = [abs(one - other) for one, other in pairwise(REFERENCE)]
    assert with_gap.moving_range == Fraction(sum(steps) - steps[5], len(steps) - 1)
    assert with_gap.mean == limits(series(*REFERENCE)).mean


def test_a_series_that_never_moves_has_its_mean_for_limits() -> None:
    found = limits(series(*[5] * 12))
    assert found.lower == found.mean == found.upper == 5
    assert signals(series(5, 5.1), found) == ["none", "outside_limits"]


points = st.one_of(st.none(), st.fractions(min_value=0, max_value=1, max_denominator=500))


@settings(max_examples=60)
@given(st.lists(points, min_size=12, max_size=50), st.lists(points, max_size=20))
def test_a_later_point_never_moves_fixed_limits(values: list[Fraction | None], later: list[Fraction | None]) -> None:
    fixed = baseline(values)
    if sum(value is not None for value in values) >= 24:
        assert baseline([*values, *later]) == fixed
        assert limits_of(baseline([*values, *later])) == limits_of(fixed)
    found = limits_of(fixed)
    if found is not None:
        assert found.lower <= found.near_lower <= found.mean <= found.near_upper <= found.upper
        assert limits(fixed, screened=False).moving_range >= found.moving_range


@settings(max_examples=60)
@given(st.lists(points, min_size=1, max_size=30), st.lists(points, min_size=1, max_size=30))
def test_no_run_goes_across_a_gap(before: list[Fraction | None], after: list[Fraction | None]) -> None:
    around = Limits(Fraction(1, 2), Fraction(1, 8))
    assert signals([*before, GAP, *after], around) == [*signals(before, around), "none", *signals(after, around)]
    assert sides_of([*before, GAP], around)[-1] == 0
