"""Nothing beside the counts of a public row tells more than they do; and what would is noticed."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from app.disclosure.domain import disclose
from app.disclosure.rounding import Showing, shown
from tests.disclosure.made import row

TARGET = Decimal("0.85")
COUNTS = ("numerator", "denominator", "suppression")


def every_row() -> Iterator[dict[str, Any]]:
    """Every proportion of up to 60 in halves, with limits, a verdict and process control that only the exact counts decide."""
    for twice in range(121):
        for inside in range(0, twice + 1, 1 if twice < 40 else 3):
            numerator, denominator = Decimal(inside) / 2, Decimal(twice) / 2
            value = numerator / denominator if denominator else None
            exact = dict.fromkeys(("lower", "upper", "spc_mean", "spc_lower", "spc_upper", "spc_points"), numerator * 1000 + denominator)
            test = "not_judged" if value is None else "met" if value >= TARGET else "not_met"
            yield row(numerator=str(numerator), denominator=str(denominator), target=str(TARGET), contract_test=test) | exact


def telling(rows: Iterable[dict[str, Any]]) -> set[str]:
    """The members that differ between rows whose shown counts are the same."""
    held: dict[tuple[Any, ...], dict[str, Any]] = {}
    found: set[str] = set()
    for each in rows:
        first = held.setdefault(tuple(each[name] for name in COUNTS), each)
        found |= {name for name in each if each[name] != first[name]}
    return found


ROWS = list(every_row())


@pytest.fixture(scope="module")
def public() -> list[dict[str, Any]]:
    """Each row as if there were no other."""
    return disclose(ROWS, policies={"M": "small_counts"}, relations=())


def test_what_is_shown_follows_from_the_shown_counts_alone(public: list[dict[str, Any]]) -> None:
    assert telling(public) == set()


def test_a_row_of_which_all_is_hidden_tells_nothing() -> None:
    assert telling(shown(each, Showing(numerator=False, denominator=False, why="derived")) for each in ROWS) == set()


@pytest.mark.parametrize("left", ["value", "lower", "spc_mean", "spc_points", "contract_test"])
def test_a_member_that_is_left_as_it_is_would_be_noticed(public: list[dict[str, Any]], left: str) -> None:
    assert telling({**shown, left: each[left]} for each, shown in zip(ROWS, public, strict=True)) == {left}
