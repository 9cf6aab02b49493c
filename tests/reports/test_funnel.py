"""Funnel limits against the published tool's own, and where places stand in them."""

from decimal import Decimal
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.funnel import Z_998, funnel, funnel_limits, position_of
from app.reports.intervals import Z_95, wilson

CENTRE = Fraction(4, 5)
ENGLAND = Fraction("0.80642448")
"""What the areas of the published tool's own example reach together (PHEindicatormethods, testdata_funnel_prop, Crown copyright)."""


@pytest.mark.parametrize(
    ("denominator", "lower", "upper", "lower_998", "upper_998"),
    [
        (1, "3.204264", "100", "0", "100"),
        (2, "25.885383", "100", "0", "100"),
        (16, "61.282902", "100", "50.118675", "100"),
        (18, "62.390093", "98.894803", "51.864359", "100"),
        (41, "68.548635", "92.736260", "61.574398", "99.710497"),
        (1008, "78.203374", "83.081521", "76.796814", "84.488082"),
        (110000, "80.408963", "80.875933", "80.274317", "81.010578"),
    ],
)
def test_limits_of_the_published_tool(denominator: int, lower: str, upper: str, lower_998: str, upper_998: str) -> None:
    inner, outer = (funnel_limits(ENGLAND, Decimal(denominator), z=z, places=12) for z in (Z_95, Z_998))
    for mine, theirs in zip((*inner, *outer), (lower, upper, lower_998, upper_998), strict=True):
        # The centre is published to eight places, so the limits agree to seven.
        assert abs(100 * mine - Decimal(theirs)) < Decimal("2e-6")


@pytest.mark.parametrize(
    ("numerator", "denominator", "position"),
    [
        ("35078.488", 41980, "above_998"),
        ("26789.238", 33012, "above_95"),
        ("50050.7443", 61921, "within"),
        ("30277.5312", 37828, "below_95"),
        ("24803.6256", 31824, "below_998"),
    ],
)
def test_places_in_the_funnel_of_the_published_tool(numerator: str, denominator: int, position: str) -> None:
    assert position_of(Fraction(numerator) / denominator, ENGLAND, Decimal(denominator)) == position


@pytest.mark.parametrize("z", [Z_95, Z_998])
def test_the_limits_invert_wilsons_interval(z: Fraction) -> None:
    """A place stands on a funnel's limit where the Wilson limit of its own share is the centre: the published tool's formula, simplified."""
    for centre in (Fraction(1, 20), Fraction(1, 2), CENTRE, Fraction(99, 100)):
        for denominator in (30, 250, 4000):
            found = funnel_limits(centre, Decimal(denominator), z=z, places=30)
            for limit, side in ((found.lower, 1), (found.upper, 0)):
                if 0 < limit < 1:
                    own = wilson(limit * denominator, Decimal(denominator), z=z, places=12)
                    assert abs(Fraction(own[side]) - centre) < Fraction(1, 10**11)
            spread = float(z) * sqrt(float(centre * (1 - centre)) / denominator)
            assert [float(each) for each in found] == pytest.approx([max(float(centre) - spread, 0), min(float(centre) + spread, 1)])


def test_the_centre_is_pooled_and_never_a_mean_of_percentages() -> None:
    found = funnel({"SC-A": (Decimal(180), Decimal(200)), "SC-B": (Decimal(30), Decimal(60)), "SC-C": (Decimal(5), Decimal(5))})
    assert found.centre == Fraction(215, 265)
    assert [place.name for place in found.points] == ["SC-C", "SC-B", "SC-A"]


def test_of_five_or_fewer_nothing_is_judged() -> None:
    figures = {f"SC-{number}": (Decimal(1), Decimal(100)) for number in range(4)} | {"SC-4": (Decimal(90), Decimal(100))}
    few = funnel({**figures, "SC-5": (Decimal(0), Decimal(0))})
    assert (few.judged, {place.position for place in few.points}) == (False, {None})
    enough = funnel({**figures, "SC-5": (Decimal(1), Decimal(100))})
    assert (enough.judged, enough.points[0].position, enough.points[4].position) == (True, "below_998", "above_998")


def test_without_any_patient_there_is_no_funnel() -> None:
    assert funnel({"SC-A": (Decimal(0), Decimal(0))}) == funnel({})
    assert funnel({}).centre is None


def test_where_all_reach_all_nothing_stands_out() -> None:
    found = funnel({f"SC-{number}": (Decimal(9), Decimal(9)) for number in range(7)})
    assert {place.position for place in found.points} == {"within"}
    assert found.points[0].limits_998.lower == found.points[0].limits_998.upper == 1


@pytest.mark.parametrize(("centre", "denominator"), [(Fraction(6, 5), "1"), (CENTRE, "0")])
def test_a_funnel_stands_around_a_proportion(centre: Fraction, denominator: str) -> None:
    with pytest.raises(ValueError, match="funnel"):
        funnel_limits(centre, Decimal(denominator), z=Z_95)


@given(st.fractions(min_value=0, max_value=1, max_denominator=1000), st.integers(min_value=1, max_value=10**6))
def test_limits_never_cross_and_say_where_a_place_stands(centre: Fraction, doubled: int) -> None:
    denominator = Decimal(doubled) / 2
    inner, outer = (funnel_limits(centre, denominator, z=z, places=12) for z in (Z_95, Z_998))
    assert 0 <= outer.lower <= inner.lower <= inner.upper <= outer.upper <= 1
    step = Fraction(1, 10**11)
    assert position_of(centre, centre, denominator) == "within"
    if 0 < centre < 1:
        assert position_of(Fraction(inner.upper) + step, centre, denominator) != "within" or inner.upper == 1
        assert position_of(Fraction(inner.upper) - step, centre, denominator) == "within"
        assert position_of(Fraction(outer.lower) - step, centre, denominator) == "below_998" or outer.lower == 0
