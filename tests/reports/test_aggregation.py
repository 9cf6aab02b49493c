"""Each measure is pooled by its own rule, exactly: the rules as tables, and what holds for any figures."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.figures import rounded
from app.measures.domain import Measure
from app.reports.aggregation import Figures, add, evaluate, statistic

BANDS = {"code": "wait_days", "categories": [{"code": "0-1", "upper": 1}, {"code": "2-3", "upper": 3}, {"code": "4-up"}]}

Cell = tuple[str, str | None]


def measure(aggregation: str, **changes: Any) -> Measure:
    return Measure.model_validate({"code": "M", "name": "M", "aggregation": aggregation, "split_by": [], **changes})


def figures(numerator: str | None, denominator: str | None = None) -> Figures:
    return Figures(None if numerator is None else Decimal(numerator), None if denominator is None else Decimal(denominator))


def banded(*counts: str) -> Figures:
    bands = dict(zip(("0-1", "2-3", "4-up"), map(Decimal, counts), strict=True))
    return Figures(sum(bands.values(), Decimal(0)), None, bands)


POOLED: list[tuple[str, Sequence[Cell], str | None, str | None, str | None, str | None]] = [
    # rule, cells, numerator, denominator, value to 6 places, reason
    ("ratio_sum", [("180", "200"), ("30", "60"), ("5", "5")], "215", "265", "0.811321", None),
    ("ratio_sum", [("2.5", "3"), ("0.5", "1.5")], "3", "4.5", "0.666667", None),
    ("ratio_sum", [("0", "0"), ("0", "0")], "0", "0", None, "denominator_zero"),
    ("ratio_sum", [("0", "0"), ("1", "2")], "1", "2", "0.5", None),
    ("ratio_sum", [], None, None, None, None),
    ("mean_weighted", [("410", "100"), ("30", "10")], "440", "110", "4", None),
    ("mean_weighted", [("0", "0")], "0", "0", None, "denominator_zero"),
    ("count_sum", [("12", None), ("0.5", None)], "12.5", None, "12.5", None),
    ("count_sum", [("0", None)], "0", None, "0", None),
    ("stock_last", [("41", None), ("9", None)], "50", None, "50", None),
    ("distinct_risk", [("7", "9")], "7", "9", "0.777778", None),
    ("distinct_risk", [("7", None)], "7", None, "7", None),
    ("distinct_risk", [("7", None), ("3", None)], None, None, None, "not_poolable"),
    # Figures that were counted otherwise than the measure is now: a ratio is never the count of its numerator.
    ("ratio_sum", [("15", None)], None, None, None, "not_poolable"),
    ("mean_weighted", [("15", None)], None, None, None, "not_poolable"),
    ("count_sum", [("15", "20")], None, None, None, "not_poolable"),
    ("ratio_sum", [("10", "20"), ("15", None)], None, None, None, "not_poolable"),
]


@pytest.mark.parametrize(("rule", "cells", "numerator", "denominator", "value", "reason"), POOLED)
def test_pooling(
    *, rule: str, cells: Sequence[Cell], numerator: str | None, denominator: str | None, value: str | None, reason: str | None
) -> None:
    total = add(figures(*cell) for cell in cells)
    found = evaluate(measure(rule), total, of_category=False, subcontracts=len(cells))
    assert found.numerator == (None if numerator is None else Decimal(numerator))
    assert found.denominator == (None if denominator is None else Decimal(denominator))
    assert (None if found.value is None else rounded(found.value)) == (None if value is None else Decimal(value))
    assert found.reason == reason


def test_the_mean_of_rates_is_another_figure() -> None:
    """81.13% of the patients were seen in time; the mean of the three providers' percentages would say 80.00%."""
    cells = [(180, 200), (30, 60), (5, 5)]
    pooled = evaluate(measure("ratio_sum"), add(figures(str(n), str(d)) for n, d in cells), of_category=False, subcontracts=3).value
    assert pooled is not None
    assert rounded(pooled, 4) == Decimal("0.8113")
    assert rounded(sum((Fraction(n, d) for n, d in cells), Fraction(0)) / len(cells), 4) == Decimal("0.8000")


@pytest.mark.parametrize(
    ("wanted", "parts", "value", "reason"),
    [
        # 20 waits: the 10th lies in the second band, 4 of its 8 in: halfway from 1 to 3.
        ("median", [("4", "5", "6"), ("2", "3", "0")], "2", None),
        ("median", [("10", "0", "0")], "0.5", None),
        ("median", [("5", "5", "0")], "1", None),
        ("p90", [("5", "5", "0")], "2.6", None),
        ("p90", [("5", "0", "5")], None, "open_band"),
        ("median", [("1", "1", "8")], None, "open_band"),
        ("median", [("0", "0", "0")], None, "denominator_zero"),
        (None, [("4", "0", "0")], "0.5", None),
    ],
)
def test_medians_and_percentiles_come_from_summed_bands(
    wanted: str | None, parts: list[tuple[str, str, str]], value: str | None, reason: str | None
) -> None:
    waits = measure("banded", breakdown=BANDS, statistic=wanted)
    found = evaluate(waits, add(banded(*part) for part in parts), of_category=False, subcontracts=len(parts))
    assert (found.value, found.reason) == (None if value is None else Fraction(value), reason)
    assert found.numerator == sum(map(Decimal, sum(parts, ())))
    assert statistic(waits, of_category=False) == (wanted or "median")


def test_one_band_is_a_count() -> None:
    waits = measure("banded", breakdown=BANDS)
    assert statistic(waits, of_category=True) == "count"
    assert evaluate(waits, figures("7"), of_category=True, subcontracts=2).value == 7


def test_what_is_counted_either_way_is_one_or_the_other() -> None:
    """Of one subcontract and several months: a count here and a ratio there make neither."""
    people = measure("distinct_risk")
    mixed = evaluate(people, add([figures("1", "2.5"), figures("4")]), of_category=False, subcontracts=1)
    assert (mixed.value, mixed.reason) == (None, "not_poolable")
    assert statistic(people, of_category=False, denominator=Decimal(9)) == "ratio"
    assert statistic(people, of_category=False) == "count"


def test_a_count_is_not_judged_as_the_ratio_that_its_measure_is() -> None:
    share = measure("distinct_risk", denominator="People on the list", proportion=True)
    found = evaluate(share, figures("7"), of_category=False, subcontracts=1)
    assert (found.numerator, found.value, found.reason) == (None, None, "not_poolable")


def test_a_subcontract_shows_its_own_count_of_people_whom_others_may_count_too() -> None:
    assert evaluate(measure("distinct_risk"), figures("7"), of_category=False, subcontracts=1).value == 7


halves = st.integers(min_value=0, max_value=2000).map(lambda doubled: Decimal(doubled) / 2)
cells_of_ratio = st.lists(st.tuples(halves, halves).map(lambda pair: (min(pair), max(pair))), max_size=30)


@given(cells_of_ratio, st.lists(st.integers(min_value=0, max_value=4), min_size=30, max_size=30))
def test_a_total_is_the_pool_of_any_partition(cells: list[tuple[Decimal, Decimal]], groups: list[int]) -> None:
    parts: dict[int, list[Figures]] = {}
    for (numerator, denominator), group in zip(cells, groups, strict=False):
        parts.setdefault(group, []).append(Figures(numerator, denominator))
    assert add(add(part) for part in parts.values()) == add(Figures(*cell) for cell in cells)


@given(cells_of_ratio, st.integers(min_value=0, max_value=5), st.integers(min_value=0, max_value=5))
def test_a_reporter_of_nobody_and_an_absent_one_change_no_rate(cells: list[tuple[Decimal, Decimal]], zeros: int, absent: int) -> None:
    some = [Figures(*cell) for cell in cells]
    more = [*some, *[figures("0", "0")] * zeros, *[Figures()] * absent]
    ratio = measure("ratio_sum")
    before = evaluate(ratio, add(some), of_category=False, subcontracts=3)
    after = evaluate(ratio, add(more), of_category=False, subcontracts=3)
    assert before.value == after.value


@given(st.lists(st.tuples(*[st.integers(min_value=0, max_value=50).map(str)] * 3), min_size=1, max_size=8))
def test_a_median_is_within_the_band_that_holds_it(parts: list[tuple[str, str, str]]) -> None:
    total = add(banded(*part) for part in parts)
    found = evaluate(measure("banded", breakdown=BANDS), total, of_category=False, subcontracts=len(parts))
    count = sum(total.bands.values())
    if count == 0:
        assert found.reason == "denominator_zero"
    elif total.bands["4-up"] * 2 > count:
        assert found.reason == "open_band"
    else:
        assert found.value is not None
        assert (found.value <= 1) == (total.bands["0-1"] * 2 >= count)
