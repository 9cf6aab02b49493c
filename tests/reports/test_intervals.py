"""Wilson limits against published and independently computed vectors, and what holds for any proportion."""

import csv
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.intervals import Z_95, holds, wilson

SHARED = Path(__file__).parents[2].parent / "shared"
Z_998 = Fraction("3.090232306167813")
"""The standard normal quantile of two-sided 99.8% limits."""
Z = {"95%": Z_95, "99.8%": Z_998}


@pytest.mark.parametrize(
    ("numerator", "denominator", "lower", "upper"),
    [
        ("412", "531", "0.738518", "0.809308"),
        ("850", "1000", "0.826531", "0.870790"),
        ("39", "52", "0.617935", "0.847668"),
        ("0", "10", "0", "0.277533"),
        ("10", "10", "0.722467", "1"),
        # Halves are taken as they are.
        ("2.5", "3", "0.309988", "0.982347"),
    ],
)
def test_limits(numerator: str, denominator: str, lower: str, upper: str) -> None:
    assert wilson(Decimal(numerator), Decimal(denominator)) == (Decimal(lower), Decimal(upper))


def test_the_vectors_of_the_published_method() -> None:
    path = SHARED / "data/vectors/wilson_byar.csv"
    if not path.exists():
        pytest.skip("the shared data folder is not beside this checkout")
    with path.open(newline="") as lines:
        vectors = [line for line in csv.DictReader(lines) if line["method"] == "Wilson"]
    assert vectors
    for vector in vectors:
        found = wilson(Decimal(vector["x"]), Decimal(vector["n"]), z=Z[vector["confidence"]], places=13)
        expected = Decimal(vector["lowercl"]), Decimal(vector["uppercl"])
        assert all(abs(mine - theirs) < Decimal("1e-12") for mine, theirs in zip(found, expected, strict=True)), vector


def test_the_vectors_of_the_reference() -> None:
    path = SHARED / "domain/vectors.json"
    if not path.exists():
        pytest.skip("the shared data folder is not beside this checkout")
    vectors = json.loads(path.read_text(), parse_float=Decimal, parse_int=Decimal)
    for name, z in (("wilson", Z_95), ("wilson_998", Z_998)):
        for ratio, limits in vectors[name].items():
            numerator, denominator = map(Decimal, ratio.split("/"))
            assert list(wilson(numerator, denominator, z=z)) == limits, ratio


@pytest.mark.parametrize(("numerator", "denominator"), [("1", "0"), ("3", "2"), ("-1", "2")])
def test_only_a_proportion_has_limits(numerator: str, denominator: str) -> None:
    with pytest.raises(ValueError, match="proportion"):
        wilson(Decimal(numerator), Decimal(denominator))


@given(st.integers(min_value=1, max_value=10**6), st.data())
def test_the_limits_surround_the_proportion_and_hold_exactly_what_lies_between(doubled: int, data: st.DataObject) -> None:
    denominator = Decimal(doubled) / 2
    numerator = Decimal(data.draw(st.integers(min_value=0, max_value=doubled))) / 2
    lower, upper = wilson(numerator, denominator, places=12)
    value = Fraction(numerator) / Fraction(denominator)
    assert 0 <= lower <= upper <= 1
    assert Fraction(lower) - Fraction(1, 10**12) <= value <= Fraction(upper) + Fraction(1, 10**12)
    inside, step = (Fraction(lower) + Fraction(upper)) / 2, Fraction(1, 10**11)
    assert holds(numerator, denominator, inside)
    assert not holds(numerator, denominator, Fraction(lower) - step)
    assert not holds(numerator, denominator, Fraction(upper) + step)
