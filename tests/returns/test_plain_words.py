"""A return in plain words: instants as London says them, what is to be done, and means that are exact until they are rounded."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendar.domain import Collection
from app.calendar.expected import CellKey
from app.kernel.months import Month
from app.measures.domain import Measure
from app.returns.domain import Deadlines, Status, deadlines_of
from app.returns.plain_words import (
    Stood,
    ToDo,
    counted_words,
    days_left,
    denominator_carried,
    earlier_of,
    instant_words,
    period_words,
    to_do,
    to_do_words,
    when_due,
)
from app.returns.submission import Cell, State
from tests.make import contract
from tests.returns.programme import HOSPICE, MIXED, MONTH, changes, owed, whole_contract

STOCK = CellKey("all", "all", "M-STOCK", "all", "all", "all")
RATIO = CellKey("all", "all", "M-RATIO", "lung", "05W", "all")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stated(key: CellKey, numerator: Any = None, denominator: Any = None, state: State = "value") -> Cell:
    figures = [None if figure is None else Decimal(figure) for figure in (numerator, denominator)]
    return Cell(*key, state, figures[0], figures[1], False, False, None, None, None)


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        ("2026-11-13T17:00", "17:00 on Friday 13 November 2026, London time"),
        ("2026-08-14T16:00", "17:00 on Friday 14 August 2026, London time"),
        ("2026-06-30T23:30", "00:30 on Wednesday 1 July 2026, London time"),
    ],
)
def test_an_instant_is_told_as_london_says_it(instant: str, words: str) -> None:
    assert instant_words(at(instant)) == words


@pytest.mark.parametrize(
    ("moment", "days"),
    [("2026-11-13T17:00", 0), ("2026-11-13T00:00", 0), ("2026-11-12T23:59", 1), ("2026-10-30T23:30", 14), ("2026-11-14T00:00", -1)],
)
def test_days_are_counted_by_the_calendar(moment: str, days: int) -> None:
    assert days_left(at("2026-11-13T17:00"), at(moment)) == days


@pytest.mark.parametrize(
    ("every", "month", "words"),
    [
        ("month", "2026-10", "October 2026"),
        ("quarter", "2026-09", "July to September 2026"),
        ("half_year", "2026-12", "July to December 2026"),
        ("year", "2027-06", "July 2026 to June 2027"),
    ],
)
def test_a_period_is_told_by_its_months(every: Any, month: str, words: str) -> None:
    line = Collection.model_validate({"code": "c", "name": "C", "measures": [{"code": "M"}], "due": {"working_day": 1}, "every": every})
    assert period_words(line, Month.parse(month)) == words


FRIDAY = date(2026, 11, 13)
DUE, FREEZE, UNTIL = at("2026-11-13T17:00"), at("2026-12-29T17:00"), at("2027-01-08T12:00")


@pytest.mark.parametrize(
    ("stood", "moment", "found"),
    [
        (Status.EXPECTED, "2026-10-31T23:59", "upcoming"),
        (Status.EXPECTED, "2026-11-01T00:00", "open"),
        (Status.EXPECTED, "2026-11-13T17:00", "open"),
        (Status.EXPECTED, "2026-11-13T17:01", "overdue"),
        (Status.EXPECTED, "2026-12-29T17:01", "frozen"),
        (Stood(Status.QUERIED, answer_by=FRIDAY), "2026-12-01T00:00", "queried"),
        (Stood(Status.ACCEPTED, answer_by=FRIDAY), "2026-12-01T00:00", "queried"),
        (Stood(Status.QUERIED, is_signed=True), "2026-12-01T00:00", None),
        (Stood(Status.QUERIED, answer_by=FRIDAY), "2026-12-29T17:01", None),
        (Status.SUBMITTED, "2026-12-01T00:00", "unsigned"),
        (Status.SUBMITTED, "2026-12-29T17:01", None),
        (Stood(Status.SUBMITTED, is_signed=True), "2026-12-01T00:00", None),
        (Stood(reopened_until=UNTIL), "2026-12-29T17:01", "reopened"),
        (Stood(Status.ACCEPTED, reopened_until=UNTIL), "2026-12-29T17:01", "reopened"),
        (Stood(Status.SUBMITTED, reopened_until=UNTIL, came_since=True), "2026-12-29T17:01", "unsigned"),
        (Stood(Status.ACCEPTED, reopened_until=UNTIL, came_since=True), "2026-12-29T17:01", None),
        (Status.ACCEPTED, "2026-12-01T00:00", None),
    ],
)
def test_what_is_to_be_done(stood: Status | Stood, moment: str, found: str | None) -> None:
    collection = whole_contract().collection["hospice"].model_copy(update={"sign_off": "required"})
    standing = stood if isinstance(stood, Stood) else Stood(stood)
    assert to_do(standing, Deadlines(DUE, None, FREEZE), collection, MONTH, at(moment)) == found


def test_what_is_to_be_done_is_a_sentence() -> None:
    within = whole_contract()
    deadlines = deadlines_of(within.collection["hospice"], MONTH, within.days)
    said = {
        state: to_do_words(
            within, HOSPICE, deadlines, state, stood=Stood(reopened_until=UNTIL, answer_by=FRIDAY), moment=at("2026-11-12T12:00")
        )
        for state in get_args(ToDo)
    }
    assert said["open"] == "Hospice activity for October 2026 is due at 17:00 on Friday 13 November 2026, London time, tomorrow."
    assert all(sentence.startswith("Hospice activity for October 2026 ") and sentence.endswith(".") for sentence in said.values())
    assert len(set(said.values())) == len(said)
    assert when_due(within, HOSPICE, deadlines) == (
        "working day 10 after the end of 2026-10, 17:00 in London",
        "17:00 on Friday 13 November 2026, London time (working day 10 after the end of October 2026)",
    )


@pytest.mark.parametrize(
    ("members", "carried", "words"),
    [
        ({}, "always", "Two counts, in whole numbers."),
        (
            {"proportion": True, "numeric_kind": "half_unit"},
            "always",
            "Two counts, in whole numbers and halves (2.5); the first is part of the second.",
        ),
        ({"aggregation": "count_sum"}, "never", "One count, in whole numbers."),
        ({"aggregation": "distinct_risk"}, "either", "One count, or two (the same way in every line), in whole numbers."),
    ],
)
def test_how_a_measure_is_counted(members: dict[str, Any], carried: str, words: str) -> None:
    measure = Measure.model_validate({"code": "M", "name": "M", **members})
    assert (denominator_carried(measure), counted_words(measure)) == (carried, words)


def test_every_aggregation_is_told_in_its_own_words() -> None:
    kinds = ("ratio_sum", "count_sum", "stock_last", "mean_weighted", "banded", "distinct_risk")
    said = {counted_words(Measure.model_validate({"code": "M", "name": "M", "aggregation": kind})) for kind in kinds}
    assert len(said) == len(kinds)


def test_what_was_not_collected_is_no_zero() -> None:
    months = {
        MONTH.plus(-1): {STOCK: stated(STOCK, state="not_collected")},
        MONTH.plus(-2): {STOCK: stated(STOCK, 0)},
        MONTH.plus(-3): {STOCK: stated(STOCK, 7)},
        MONTH.plus(-13): {STOCK: stated(STOCK, 1000)},
    }
    found = earlier_of(owed(MIXED), months)[STOCK]
    assert found.last == stated(STOCK, state="not_collected")
    assert (found.mean_numerator, found.mean_denominator, found.mean_of, found.was_above_zero) == (Decimal("3.5"), None, 2, True)


def test_of_a_cell_that_was_never_stated_nothing_is_said() -> None:
    found = earlier_of(owed(MIXED), {MONTH.plus(-1): {RATIO: stated(RATIO, 0, 0)}})
    assert tuple(found[STOCK]) == (None, None, None, 0, False)
    assert tuple(found[RATIO]) == (stated(RATIO, 0, 0), 0, 0, 1, False)


def test_nothing_is_said_of_months_in_which_another_thing_was_counted() -> None:
    more = changes()
    before = next(measure for measure in more["measures"] if isinstance(measure, dict) and measure["code"] == "M-STOCK")
    later = {**before, "version": 2, "from_month": str(MONTH.plus(-1)), "numerator": "Counted in another way"}
    within = contract(**{**more, "measures": [*more["measures"], later]})
    months = {MONTH.plus(-back): {STOCK: stated(STOCK, back)} for back in (1, 2, 3)}
    found = earlier_of(owed(MIXED, within), months)[STOCK]
    assert (found.last, found.mean_numerator, found.mean_of) == (stated(STOCK, 1), Decimal(1), 1)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 99_999), st.integers(1, 99_999)), min_size=1, max_size=12))
def test_a_mean_is_exact_until_it_is_rounded(figures: list[tuple[int, int]]) -> None:
    months = {MONTH.plus(-back): {RATIO: stated(RATIO, *each)} for back, each in enumerate(figures, start=1)}
    found = earlier_of(owed(MIXED), months)[RATIO]
    means = [Fraction(sum(part), len(figures)) for part in zip(*figures, strict=True)]
    for given_mean, mean in zip((found.mean_numerator, found.mean_denominator), means, strict=True):
        assert given_mean is not None
        assert abs(Fraction(given_mean) - mean) <= Fraction(1, 200)
    assert found.mean_of == len(figures)
