"""A window of months is shown as the sum of what is shown of its months; where nothing was shown of them, as a figure of its own."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.disclosure.domain import Policy, Released, disclose
from app.disclosure.rounding import to_nearest
from app.kernel.months import Month
from tests.disclosure.made import row

SMALL: Mapping[str, Policy] = {"M": "small_counts"}
Figure = tuple[Any, Any, Any]


class Public:
    """What the public is told, publication by publication, of months that each have a count and, where it is given, a denominator."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[str, str | None]] = {}
        self.before: list[Released] = []
        self._shared: dict[Any, Any] = {}

    def told(self, month: str, **windows: Sequence[str]) -> dict[str, Figure]:
        """A month and windows that end with it, by name: the months that each is the sum of, of which the first is its beginning."""
        rows = [self._row("month", month, [month]), *(self._row(period, month, months) for period, months in windows.items())]
        shown = disclose(rows, policies=SMALL, before=self.before)
        self.before.append(Released(rows, shown, shared=self._shared))
        return {each["period"]: (each["numerator"], each["denominator"], each["suppression"]) for each in shown}

    def _row(self, period: str, month: str, months: Sequence[str]) -> dict[str, Any]:
        counts = [self.counts[each] for each in months if each in self.counts]
        top, bottom = (sum(float(count[at] or 0) for count in counts) for at in (0, 1))
        denominator = None if counts[0][1] is None else f"{bottom:g}"
        return row(
            period=period,
            month=month,
            first=months[0],
            numerator=f"{top:g}",
            denominator=denominator,
            statistic="ratio" if denominator else "count",
        )


def public(**counts: str | tuple[str, str]) -> Public:
    made = Public()
    made.counts = {f"2026-{name[1:]}": (count, None) if isinstance(count, str) else count for name, count in counts.items()}
    return made


def test_a_window_is_the_sum_of_its_months_as_they_are_shown() -> None:
    made = public(m07="12", m08="22", m09="12")
    assert made.told("2026-07") == {"month": (10, None, "rounded_5")}
    assert made.told("2026-08")["month"] == (20, None, "rounded_5")
    # 46 would be 45.
    assert made.told("2026-09", quarter=["2026-07", "2026-08", "2026-09"])["quarter"] == (40, None, "rounded_5_months")


def test_windows_of_the_same_months_are_shown_alike() -> None:
    made = public(m07="12", m08="3")
    made.told("2026-07")
    both = made.told(
        "2026-08",
        year_to_date=["2026-07", "2026-08"],
        contract_year_to_date=["2026-07", "2026-08"],
        rolling_12=["2026-05", "2026-07", "2026-08"],
    )
    assert {both[period] for period in ("year_to_date", "contract_year_to_date", "rolling_12")} == {(None, None, "derived")}


def test_a_window_of_a_hidden_month_says_nothing_of_how_large_it_is() -> None:
    made = public(m07=("2", "40"), m08=("3", "40"))
    assert made.told("2026-07")["month"] == (None, 40, "small_count")
    assert made.told("2026-08", quarter=["2026-07", "2026-08"]) == {"month": (None, 40, "small_count"), "quarter": (None, 80, "derived")}


def test_what_came_before_the_first_publication_is_a_figure_of_its_own() -> None:
    made = public(m07="12", m08="22", m09="21")
    told = made.told("2026-08", year_to_date=["2026-07", "2026-08"])
    assert told["year_to_date"] == (30, None, "rounded_5_months")
    # It goes on from there: 10 before, 20 in August, 20 in September. A window that begins within it is not shown.
    told = made.told("2026-09", year_to_date=["2026-07", "2026-08", "2026-09"], quarter=["2026-08", "2026-09"])
    assert (told["year_to_date"], told["quarter"]) == ((50, None, "rounded_5_months"), (40, None, "rounded_5_months"))
    small = public(m07="3", m08="22")
    assert small.told("2026-08", year_to_date=["2026-07", "2026-08"])["year_to_date"] == (None, None, "derived")


def test_a_month_that_is_published_after_a_later_one_is_not_shown() -> None:
    made = public(m06="30", m07="12", m08="22")
    made.told("2026-08", year_to_date=["2026-06", "2026-07", "2026-08"])
    assert made.told("2026-07")["month"] == (None, None, "derived")


def test_a_corrected_month_is_what_windows_are_sums_of_from_then_on() -> None:
    made = public(m07="12", m08="22")
    made.told("2026-07")
    made.told("2026-08", quarter=["2026-07", "2026-08"])
    made.counts["2026-07"] = ("33", None)
    # The later month is published again after the earlier: before that its window is not what was told of its months.
    assert made.told("2026-08", quarter=["2026-07", "2026-08"])["quarter"] == (None, None, "derived")
    made.told("2026-07")
    assert made.told("2026-08", quarter=["2026-07", "2026-08"])["quarter"] == (55, None, "rounded_5_months")


def test_what_is_kept_once_is_not_mistaken_for_something_else() -> None:
    """As many as the months since year 0: a window of one month and its counts are equal."""
    number = str(Month.parse("2026-07").ordinal)
    made = public(m07=(number, number), m08=("20", "20"))
    made.told("2026-07")
    expected = to_nearest(Decimal(number)) + 20
    assert made.told("2026-08", quarter=["2026-07", "2026-08"])["quarter"] == (expected, expected, "rounded_5_months")
