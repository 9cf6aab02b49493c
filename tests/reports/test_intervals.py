"""Wilson limits against published and independently computed figures, and what holds for any proportion."""

from decimal import Decimal
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.funnel import Z_998
from app.reports.intervals import Z_95, holds, wilson


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


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, the score method without correction.
@pytest.mark.parametrize(
    ("numerator", "denominator", "lower", "upper"),
    [
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_limits_as_they_were_first_tabulated(numerator: int, denominator: int, lower: str, upper: str) -> None:
    assert wilson(Decimal(numerator), Decimal(denominator), places=4) == (Decimal(lower), Decimal(upper))


@pytest.mark.parametrize("denominator", ["0.5", "1", "2.5", "10", "1000000.5"])
@pytest.mark.parametrize("z", [Z_95, Z_998])
def test_none_and_all_have_closed_forms(denominator: str, z: Fraction) -> None:
    """Of none the upper limit is z²/(n + z²), and of all the lower one is n/(n + z²)."""
    n, squared = Fraction(denominator), z**2
    none, all_ = (wilson(Decimal(each), Decimal(denominator), z=z, places=18) for each in ("0", denominator))
    assert (none.lower, all_.upper) == (Decimal(0), Decimal(1))
    assert abs(Fraction(none.upper) - squared / (n + squared)) < Fraction(1, 10**18)
    assert abs(Fraction(all_.lower) - n / (n + squared)) < Fraction(1, 10**18)


@pytest.mark.parametrize("z", [Z_95, Z_998])
def test_limits_are_the_roots_of_the_score_equation(z: Fraction) -> None:
    """The limits are where (O/n - p)² = z²p(1 - p)/n: written as its own quadratic, in floating point, halves and all."""
    squared = float(z) ** 2
    for doubled in (1, 2, 3, 7, 20, 61, 1000, 99_999):
        for part in {0, 1, doubled // 3, doubled // 2, doubled - 1, doubled}:
            n, share = doubled / 2, part / doubled
            middle, spread = share + squared / (2 * n), sqrt(squared / n * (share * (1 - share) + squared / (4 * n)))
            expected = [(middle - spread) / (1 + squared / n), (middle + spread) / (1 + squared / n)]
            found = wilson(Decimal(part) / 2, Decimal(doubled) / 2, z=z, places=12)
            assert [float(each) for each in found] == pytest.approx(expected, abs=1e-11)


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
