"""Which periods a contract year is judged on: those of the calendar whose months all lie in it."""

from datetime import UTC, date, datetime

import pytest

from app.calendar.contract import Contract
from app.programmes.domain import JudgedOn, Programme
from app.settlement.actions import known_of
from app.settlement.year import judged, months_of_year


def contract(starts: str, ends: str, begins: str | None = None) -> Contract:
    """A programme's term and the month in which its contract years begin."""
    first, last = date.fromisoformat(f"{starts}-01"), date.fromisoformat(f"{ends}-28")
    term = Programme(code="p", name="P", prime="X9901", starts_on=first, ends_on=last, contract_year_starts=begins and f"{begins}-01")
    return Contract(term, datetime(2026, 1, 1, tzinfo=UTC), (), (), (), (), (), (), (), (), (), ())


APRIL = contract("2026-04", "2036-03")
OCTOBER = contract("2026-10", "2036-09")
NOVEMBER = contract("2026-11", "2036-10")
SHORT = contract("2026-09", "2028-12", "11")
"""A first contract year of two months, and a last of two."""


@pytest.mark.parametrize(
    ("of", "year", "period", "expected"),
    [
        (APRIL, 2, "quarter", ("2027-04/2027-06 2027-07/2027-09 2027-10/2027-12 2028-01/2028-03", "", "")),
        (OCTOBER, 1, "quarter", ("2026-10/2026-12 2027-01/2027-03 2027-04/2027-06 2027-07/2027-09", "", "")),
        (NOVEMBER, 2, "quarter", ("2028-01/2028-03 2028-04/2028-06 2028-07/2028-09", "2027-10/2027-12 2028-10/2028-12", "")),
        (NOVEMBER, 1, "quarter", ("2026-10/2026-12 2027-01/2027-03 2027-04/2027-06 2027-07/2027-09", "2027-10/2027-12", "")),
        (NOVEMBER, 10, "quarter", ("2036-01/2036-03 2036-04/2036-06 2036-07/2036-09", "2035-10/2035-12", "2036-10")),
        (SHORT, 1, "quarter", ("2026-07/2026-09", "2026-10/2026-12", "")),
        (SHORT, 1, "month", ("2026-09/2026-09 2026-10/2026-10", "", "")),
        (SHORT, 1, "rolling_12", ("2025-11/2026-10", "", "")),
        (SHORT, 4, "rolling_12", ("", "2028-01/2028-12", "")),
        (SHORT, 4, "year_to_date", ("", "2028-04/2028-12", "")),
        (SHORT, 4, "contract_year_to_date", ("2028-11/2028-12", "", "")),
        (SHORT, 4, "quarter", ("", "2028-10/2028-12", "")),
        (OCTOBER, 1, "year_to_date", ("2027-04/2027-09", "", "2026-10 2026-11 2026-12 2027-01 2027-02 2027-03")),
        (SHORT, 5, "quarter", ("", "", "")),
    ],
)
def test_no_period_counts_that_reaches_into_another_contract_year(
    of: Contract, year: int, period: JudgedOn, expected: tuple[str, str, str]
) -> None:
    found = judged(of, year, period)
    spans = [" ".join(f"{first}/{last}" for first, last in said) for said in (found.counted, found.outside)]
    assert (*spans, " ".join(map(str, found.unjudged))) == expected


@pytest.mark.parametrize("begins", [f"{number:02d}" for number in range(1, 13)])
def test_each_month_is_judged_by_one_year_or_named(begins: str) -> None:
    """Whenever contract years begin, a quarter counts in one of them at most, and every month of a year is in a quarter that counts or is named."""
    of = contract("2026-05", "2030-01", begins)
    counted = [span for year in range(1, 6) for span in judged(of, year, "quarter").counted]
    assert len(counted) == len(set(counted))
    for year in range(1, 6):
        found = judged(of, year, "quarter")
        held = {month for first, last in (*found.counted, *found.outside) for month in first.through(last)} | set(found.unjudged)
        assert held.issuperset(months_of_year(of, year))


def test_a_quarter_that_begins_before_the_programme_is_named() -> None:
    begun = judged(SHORT, 1, "quarter").begun_before
    assert begun is not None
    assert [str(month) for month in begun] == ["2026-07", "2026-09"]
    assert judged(SHORT, 2, "quarter").begun_before is judged(SHORT, 1, "rolling_12").begun_before is None


def test_what_a_year_is_judged_on_is_worked_out_once() -> None:
    """Inputs that are sent name thousands of figures."""
    known = known_of(APRIL)
    assert known.judged(2, "quarter") is known.judged(2, "quarter")
