"""Versions of a measure: which is in force when, and what one says that another does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.months import Month
from app.measures.domain import Measure, difference, in_force

BREAKDOWN = {"code": "route", "categories": [{"code": "urgent"}, {"code": "screening"}]}
BANDS = {"code": "wait_days", "categories": [{"code": "0-7", "upper": 7}, {"code": "8-up"}]}
WAITS = {"aggregation": "banded", "statistic": "median", "breakdown": BANDS}
MONTHS = st.integers(min_value=2010 * 12, max_value=2012 * 12).map(Month)


def measure(**members: Any) -> Measure:
    return Measure.model_validate({"code": "M", "name": "A measure", **members})


@st.composite
def measures_by_month(draw: st.DrawFn) -> tuple[Measure, ...]:
    """Versions that begin one after another, each perhaps withdrawn, in any order."""
    begins = sorted(draw(st.sets(MONTHS, min_size=1, max_size=5)))
    versions = [
        measure(version=number, from_month=month, to_month=draw(st.one_of(st.none(), st.integers(0, 30).map(month.plus))))
        for number, month in enumerate(begins, start=1)
    ]
    return tuple(draw(st.permutations(versions)))


@given(versions=measures_by_month(), month=MONTHS)
def test_the_version_in_force_is_the_last_begun_and_not_withdrawn(versions: tuple[Measure, ...], month: Month) -> None:
    found = in_force(versions, month)
    begun = [each for each in versions if each.from_month is not None and each.from_month <= month]
    if found is None:
        last = max(begun, key=lambda each: each.version, default=None)
        assert last is None or (last.to_month is not None and last.to_month < month)
    else:
        assert found in begun
        assert found.to_month is None or month <= found.to_month
        assert not [each for each in begun if each.version > found.version]


@given(versions=measures_by_month(), month=MONTHS)
def test_a_version_in_force_stays_so_until_the_next_begins_or_it_ends(versions: tuple[Measure, ...], month: Month) -> None:
    before, after = in_force(versions, month), in_force(versions, month.plus(1))
    if before != after:
        begins = {each.from_month for each in versions}
        assert month.plus(1) in begins or (before is not None and before.to_month == month)


@given(versions=measures_by_month(), month=MONTHS)
def test_a_later_version_never_changes_the_months_before_it(versions: tuple[Measure, ...], month: Month) -> None:
    later = measure(version=99, from_month=Month(2013 * 12))
    assert in_force((*versions, later), month) == in_force(versions, month)


def test_a_measure_without_months_is_always_in_force() -> None:
    assert in_force((measure(),), Month.parse("1999-01")) == measure()
    assert in_force((), Month.parse("1999-01")) is None


COMPARED: list[tuple[str, dict[str, Any], dict[str, Any], str, tuple[str, ...]]] = [
    ("nothing", {}, {}, "yes", ()),
    ("name and months", {}, {"name": "Another name", "version": 2, "from_month": "2026-04"}, "yes", ()),
    ("direction", {"direction": "higher"}, {"direction": "lower"}, "yes", ()),
    ("source", {}, {"source": "A source", "supersedes": [{"code": "H"}]}, "yes", ()),
    ("numerator", {"numerator": "one"}, {"numerator": "two"}, "no", ("numerator",)),
    ("aggregation", {}, {"aggregation": "count_sum"}, "no", ("aggregation",)),
    ("basis", {}, {"basis": "commissioner"}, "no", ("basis",)),
    ("halves", {}, {"numeric_kind": "half_unit"}, "no", ("numeric_kind",)),
    ("places", {}, {"split_by": ["site"]}, "totals_only", ("split_by",)),
    ("site map", {}, {"site_map": {"bladder": "urological"}}, "totals_only", ("site_map",)),
    ("a breakdown", {}, {"breakdown": BREAKDOWN}, "totals_only", ("breakdown",)),
    ("places and basis", {}, {"split_by": [], "basis": "commissioner"}, "no", ("basis",)),
    ("another median", WAITS, {**WAITS, "breakdown": {**BANDS, "categories": BANDS["categories"][1:]}}, "no", ("breakdown",)),
    ("another code", {}, {"code": "N"}, "no", ("code",)),
]


@pytest.mark.parametrize(("old", "new", "comparable", "because"), [case[1:] for case in COMPARED], ids=[case[0] for case in COMPARED])
def test_what_makes_two_versions_comparable(old: dict[str, Any], new: dict[str, Any], comparable: str, because: tuple[str, ...]) -> None:
    found = difference(measure(**old), measure(**new))
    assert (found.comparable, found.because) == (comparable, because)
    back = difference(measure(**new), measure(**old))
    assert (back.comparable, back.because) == (comparable, because)


def test_members_and_categories_are_told_apart() -> None:
    new = {"code": "route", "categories": [{"code": "urgent", "name": "Urgent"}, {"code": "upgrade"}]}
    found = difference(measure(breakdown=BREAKDOWN), measure(breakdown=new, unit="percent"))
    assert [(change.member, change.before, change.after) for change in found.changes if change.member == "unit"] == [
        ("unit", None, "percent")
    ]
    assert {change.member for change in found.changes} == {"unit", "breakdown"}
    assert (found.categories_added, found.categories_removed, found.categories_changed) == (("upgrade",), ("screening",), ("urgent",))


def test_categories_under_other_names_are_the_same_parts() -> None:
    named = {"code": "route", "categories": [{"code": "urgent", "name": "Urgent"}, {"code": "screening"}]}
    found = difference(measure(breakdown=BREAKDOWN), measure(breakdown=named))
    assert (found.comparable, found.categories_changed) == ("yes", ("urgent",))
