"""Values that every room speaks in."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.kernel.canonical import digest, json_bytes
from app.kernel.codes import is_code
from app.kernel.figures import ExactDecimal, NumericKind, carried, exact, fits, json_number, plain, rounded
from app.kernel.lines import Day
from app.kernel.moments import moment_text, parse_as_of, parse_moment
from app.kernel.months import Month, covers, overlap

MONTHS = st.builds(Month, st.integers(1900 * 12, 2199 * 12 + 11))
SPANS = st.tuples(st.none() | st.builds(Month, st.integers(24000, 24040)), st.none() | st.builds(Month, st.integers(24000, 24040)))


@given(MONTHS)
def test_a_month_reads_back(month: Month) -> None:
    assert Month.parse(str(month)) == month
    assert Month.of(month.first_day) == month


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-1", "26-10", "2026-10-01", "2026/10", "", "0000-01", "2026-10\n", "٢٠٢٦-10", "1899-12", "2200-01"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM"):
        Month.parse(text)


def test_months_have_days_and_an_order() -> None:
    february = Month.parse("2028-02")
    assert (february.first_day, february.last_day) == (date(2028, 2, 1), date(2028, 2, 29))
    assert [str(month) for month in Month.parse("2026-11").through(february.plus(-12 * 1))][-1] == "2027-02"
    assert Month.parse("2026-09") < Month.parse("2026-10") <= Month.parse("2026-10")


@given(SPANS, SPANS)
def test_spans_overlap_where_they_share_a_month(one: tuple[Month | None, Month | None], other: tuple[Month | None, Month | None]) -> None:
    shared = any(covers(*one, month) and covers(*other, month) for month in Month(23990).through(Month(24050)))
    ordered = all(first is None or last is None or first <= last for first, last in (one, other))
    if ordered:
        assert overlap(one, other) == shared


@pytest.mark.parametrize(
    ("value", "figure"),
    [
        (41, "41"), ("41.5", "41.5"), (Decimal("41.50"), "41.5"), ("1e2", "100"), ("-0", "0"),
        (True, None), (41.5, None), ("NaN", None), ("Infinity", None), ("1_000", None), (" 1", None), ("", None), ("٤", None), (None, None), ([1], None),
    ],
)  # fmt: skip
def test_only_exact_numbers_are_figures(value: object, figure: str | None) -> None:
    read = exact(value)
    assert (None if read is None else str(plain(read))) == figure


@pytest.mark.parametrize(
    ("figure", "kinds"),
    [
        ("41", "ihd"),
        ("41.0", "ihd"),
        ("41.5", "hd"),
        ("41.25", "d"),
        ("0.000001", "d"),
        ("0.0000001", ""),
        ("1E+2", "ihd"),
        ("1.5000000000000000000000000000000000001", ""),
        ("1E-999999999", ""),
    ],
)
def test_a_figure_is_as_fine_as_its_kind(figure: str, kinds: str) -> None:
    allowed = {"i": NumericKind.INTEGER, "h": NumericKind.HALF_UNIT, "d": NumericKind.DECIMAL}
    assert {letter for letter, kind in allowed.items() if fits(Decimal(figure), kind)} == set(kinds)


@given(st.decimals(min_value=-9_999_999, max_value=9_999_999, places=6))
def test_a_figure_as_a_json_number_reads_back_exactly(figure: Decimal) -> None:
    assert Decimal(repr(json_number(figure))) == figure


@given(st.decimals(min_value=0, max_value=10**14, places=6))
def test_a_large_sum_is_carried_to_fifteen_digits(figure: Decimal) -> None:
    shown = carried(figure)
    assert Decimal(repr(json_number(shown))) == shown
    assert abs(shown - figure) <= figure.scaleb(-14)


def test_a_number_that_a_double_cannot_carry_is_refused() -> None:
    for figure in (Decimal(2**53), Decimal("0.12345678901234567890")):
        with pytest.raises(ValueError, match="JSON number"):
            json_number(figure)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(Fraction(412, 531), "0.775895"), (Fraction(1, 3), "0.333333"), (Fraction(1, 2_000_000), "0.000000"), (Fraction(3, 2_000_000), "0.000002"), (Fraction(1), "1.000000")],
)  # fmt: skip
def test_ratios_are_rounded_once_half_to_even(ratio: Fraction, text: str) -> None:
    assert str(rounded(ratio)) == text or Decimal(text) == rounded(ratio)


def test_a_decimal_in_a_model_is_never_coerced() -> None:
    adapter: TypeAdapter[Decimal] = TypeAdapter(ExactDecimal)
    assert adapter.validate_python("0.10") == Decimal("0.1")
    assert adapter.dump_json(adapter.validate_python("9007199254740991")) == b"9007199254740991"
    refused = (
        True,
        0.1,
        "x",
        Decimal("NaN"),
        "1E+40",
        "1e25",
        "9007199254740992",
        "0.12345678901234567890",
        "0.5" + "0" * 40 + "1",
        "1e-999999999",
    )
    for value in refused:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_moments_are_written_in_utc_with_microseconds() -> None:
    moment = datetime(2026, 11, 13, 17, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))
    assert moment_text(moment) == "2026-11-13T16:00:00.000001Z"
    assert parse_moment(moment_text(moment)) == moment
    with pytest.raises(ValueError, match="zone"):
        moment_text(datetime(2026, 11, 13))  # noqa: DTZ001 - that it is refused is the point


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-13",
        "2026-11-13T17:00:00",
        "2026-11-13 17:00:00Z",
        "20261113T170000Z",
        "2026-W46-5T17:00:00Z",
        "2026-13-13T17:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+01:00",
        "1899-12-31T23:59:59Z",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text)


@pytest.mark.parametrize(
    ("day", "ends_at"),
    [
        ("2026-11-13", "2026-11-13T23:59:59.999999Z"),
        ("2026-07-01", "2026-07-01T22:59:59.999999Z"),
        # Clocks go forward and back.
        ("2026-03-29", "2026-03-29T22:59:59.999999Z"),
        ("2026-10-25", "2026-10-25T23:59:59.999999Z"),
    ],
)
def test_what_is_asked_as_of_a_day_is_asked_as_of_its_end_in_london(day: str, ends_at: str) -> None:
    assert moment_text(parse_as_of(day)) == moment_text(parse_as_of(ends_at)) == ends_at


@pytest.mark.parametrize("text", ["2026-02-30", "1899-12-31", "9999-12-31", "20261113", "2026-11", "2026-11-13\n"])
def test_what_is_no_day_and_no_moment_is_not_asked_as_of(text: str) -> None:
    with pytest.raises(ValueError):
        parse_as_of(text)


@pytest.mark.parametrize("text", ["1899-12-31", "2200-01-01", "0001-01-01", "9999-12-31", "20261001", "2026-02-30"])
def test_what_is_no_day_of_a_contract_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Day).validate_python(text)


def test_codes() -> None:
    assert all(map(is_code, ["05W", "staffs-cancer", "SC-RJE", "a", "4-up", "x" * 64]))
    assert not any(map(is_code, ["", "-a", "a b", "é", "x" * 65, "a\n", "*", "~"]))


def test_equal_values_have_equal_digests() -> None:
    assert digest({"a": Decimal("1.50"), "b": 1}) == digest({"b": 1, "a": Decimal("1.5")})
    assert (
        json_bytes({"m": Month.parse("2026-10"), "n": Decimal("2.0"), "t": datetime(2026, 1, 1, tzinfo=UTC)})
        == b'{"m":"2026-10","n":2,"t":"2026-01-01T00:00:00.000000Z"}'
    )
