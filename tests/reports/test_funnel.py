"""Funnel limits against the published vectors, and where places stand in them."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.funnel import Z_998, funnel, funnel_limits, position_of
from app.reports.intervals import Z_95

SHARED = Path(__file__).parents[2].parent / "shared"
Z = {"95": Z_95, "99.8": Z_998}
CENTRE = Fraction(4, 5)


def test_the_vectors_of_the_reference() -> None:
    path = SHARED / "domain/vectors.json"
    if not path.exists():
        pytest.skip("the shared data folder is not beside this checkout")
    for denominator, limits in json.loads(path.read_text(), parse_float=Decimal)["funnel_p80"].items():
        for confidence, expected in limits.items():
            assert list(funnel_limits(CENTRE, Decimal(denominator), z=Z[confidence], places=4)) == expected, denominator


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
