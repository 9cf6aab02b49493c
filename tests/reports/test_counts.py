"""Limits of counts, Byar's and exact, against published tables, and what holds for any count."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import factorial, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports.byar import byar
from app.reports.exact_counts import exact_count
from app.reports.funnel import Z_998
from app.reports.intervals import Z_95

TAIL_998 = Decimal("0.001")


@pytest.mark.parametrize(
    ("count", "lower", "upper"),
    [("10", "4.787450", "18.391459"), ("65", "50.163188", "82.849139"), ("0", "0", "3.668012"), ("1", "0.013072", "5.563756")],
)
def test_byar(count: str, lower: str, upper: str) -> None:
    assert byar(Decimal(count)) == (Decimal(lower), Decimal(upper))


@pytest.mark.parametrize(
    ("count", "lower", "upper"),
    # Garwood's limits as they stand in tables of the Poisson distribution.
    [
        ("0", "0", "3.688879"),
        ("1", "0.025318", "5.571643"),
        ("2", "0.242209", "7.224688"),
        ("3", "0.618672", "8.767273"),
        ("4", "1.089865", "10.241589"),
        ("5", "1.623486", "11.668332"),
        ("6", "2.201894", "13.059474"),
        ("7", "2.814363", "14.422675"),
        ("8", "3.453832", "15.763189"),
        ("9", "4.115373", "17.084803"),
        ("10", "4.795389", "18.390356"),
    ],
)
def test_exact(count: str, lower: str, upper: str) -> None:
    assert exact_count(Decimal(count)) == (Decimal(lower), Decimal(upper))


@pytest.mark.parametrize("count", [0, 1, 3, 9, 25])
@pytest.mark.parametrize("tail", [Decimal("0.025"), TAIL_998])
def test_exact_limits_leave_their_chance_on_each_side(count: int, tail: Decimal) -> None:
    """At the upper limit so few, and at the lower one so many, have just the chance: the sum of e^-m·m^k/k!, term by term."""
    lower, upper = exact_count(Decimal(count), tail=tail, places=20)

    def chance_of_at_most(most: int, mean: Decimal) -> Decimal:
        return sum((mean**events / factorial(events) for events in range(most + 1)), Decimal(0)) * (-mean).exp()

    with localcontext(prec=40):
        assert abs(chance_of_at_most(count, upper) - tail) < Decimal("1e-18")
        if count:
            assert abs(1 - chance_of_at_most(count - 1, lower) - tail) < Decimal("1e-18")
        else:
            assert lower == 0


@pytest.mark.parametrize("z", [Z_95, Z_998])
def test_byar_is_the_cube_that_its_source_gives(z: Fraction) -> None:
    for count in (1, 2, 9, 10, 11, 65, 1045, 999_999):
        lower = count * (1 - 1 / (9 * count) - float(z) / (3 * sqrt(count))) ** 3
        upper = (count + 1) * (1 - 1 / (9 * (count + 1)) + float(z) / (3 * sqrt(count + 1))) ** 3
        found = byar(Decimal(count), z=z)
        # Where the cube falls below none, the tool that publishes the method gives no lower limit; none is the lowest there can be.
        assert [float(each) for each in found] == pytest.approx([max(lower, 0), upper], rel=1e-9, abs=1e-6)


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
