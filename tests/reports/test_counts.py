"""Limits of counts, Byar's and exact, against published vectors, and what holds for any count."""

import csv
import json
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports.byar import byar
from app.reports.exact_counts import exact_count
from app.reports.funnel import Z_998
from app.reports.intervals import Z_95

SHARED = Path(__file__).parents[2].parent / "shared"
Z = {"95%": Z_95, "99.8%": Z_998}


@pytest.mark.parametrize(
    ("count", "lower", "upper"),
    [("10", "4.787450", "18.391459"), ("65", "50.163188", "82.849139"), ("0", "0", "3.668012"), ("1", "0.013072", "5.563756")],
)
def test_byar(count: str, lower: str, upper: str) -> None:
    assert byar(Decimal(count)) == (Decimal(lower), Decimal(upper))


def test_the_vectors_of_the_published_method() -> None:
    path = SHARED / "data/vectors/wilson_byar.csv"
    if not path.exists():
        pytest.skip("the shared data folder is not beside this checkout")
    with path.open(newline="") as lines:
        vectors = [line for line in csv.DictReader(lines) if line["method"] == "Byars"]
    assert vectors
    for vector in vectors:
        found = byar(Decimal(vector["x"]), z=Z[vector["confidence"]], places=13)
        for mine, theirs in zip(found, (vector["lowercl"], vector["uppercl"]), strict=True):
            assert not theirs or abs(mine - Decimal(theirs)) < Decimal("1e-11"), vector


def test_the_vectors_of_the_reference() -> None:
    path = SHARED / "domain/vectors.json"
    if not path.exists():
        pytest.skip("the shared data folder is not beside this checkout")
    for count, limits in json.loads(path.read_text(), parse_float=Decimal)["byar"].items():
        assert list(byar(Decimal(count), places=4)) == limits, count


@pytest.mark.parametrize(
    ("count", "lower", "upper"),
    # Garwood's limits as they stand in tables of the Poisson distribution.
    [
        ("0", "0", "3.688879"),
        ("1", "0.025318", "5.571643"),
        ("2", "0.242209", "7.224688"),
        ("5", "1.623486", "11.668332"),
        ("9", "4.115373", "17.084803"),
        ("10", "4.795389", "18.390356"),
    ],
)
def test_exact(count: str, lower: str, upper: str) -> None:
    assert exact_count(Decimal(count)) == (Decimal(lower), Decimal(upper))


def test_none_has_a_closed_form() -> None:
    with localcontext(prec=40):
        assert exact_count(Decimal(0), places=25).upper == (-Decimal("0.025").ln()).quantize(Decimal("1e-25"))


@pytest.mark.parametrize("count", ["-1", "2.5"])
def test_only_whole_counts_have_limits(count: str) -> None:
    for method in (byar, exact_count):
        with pytest.raises(ValueError, match="whole"):
            method(Decimal(count))


@given(st.integers(min_value=0, max_value=10**7))
def test_limits_surround_the_count_and_grow_with_it(count: int) -> None:
    (lower, upper), (later_lower, later_upper) = byar(Decimal(count)), byar(Decimal(count + 1))
    assert 0 <= lower <= count < upper
    assert lower < later_lower or count == 0
    assert upper < later_upper
    wider = byar(Decimal(count), z=Z_998)
    assert wider.lower <= lower
    assert wider.upper > upper


@settings(max_examples=10)
@given(st.integers(min_value=10, max_value=60))
def test_from_ten_on_the_two_hardly_differ(count: int) -> None:
    for mine, exactly in zip(byar(Decimal(count)), exact_count(Decimal(count)), strict=True):
        assert abs(Fraction(mine) - Fraction(exactly)) < Fraction("0.01")
