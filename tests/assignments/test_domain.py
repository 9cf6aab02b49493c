"""Lines become facts and facts become the same lines again."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.assignments.domain import Assignment, AssignmentLine, by_line, facts_of, in_order, line_of, named
from app.kernel.months import Month

FIRST = Month.parse("2026-07")
PLACES = {"sites": ("breast", "lung", "prostate"), "commissioners": ("04Y", "05W")}


def expand(stated: AssignmentLine, *, sites: Sequence[str], commissioners: Sequence[str], first_month: Month) -> list[Assignment]:
    """The facts of a line; `sites` and `commissioners` are what `all` stands for."""
    line, name = named(stated, first_month=first_month)
    return facts_of(line, name, sites=line.sites or sites, commissioners=line.commissioners or commissioners)


def collapse(facts: Iterable[Assignment]) -> list[AssignmentLine]:
    """The lines that these facts were written in."""
    return in_order(line_of(each) for each in by_line(facts).values())


def some(codes: tuple[str, ...]) -> st.SearchStrategy[str | list[str]]:
    return st.just("all") | st.lists(st.sampled_from(codes), min_size=1, unique=True)


LINES = st.fixed_dictionaries(
    {
        "subcontract": st.sampled_from(["SC-1", "SC-2"]),
        "pathway": st.just("p"),
        "segment": st.sampled_from(["diagnosis", "treatment"]),
        "sites": some(PLACES["sites"]),
        "commissioners": some(PLACES["commissioners"]),
        "from_month": st.none() | st.sampled_from(["2026-07", "2027-01"]),
        "to_month": st.none() | st.sampled_from(["2028-01"]),
        "share": st.none() | st.just("50"),
        "expected_volume": st.none() | st.sampled_from([50, "12.5", "-0"]),
    }
).map(AssignmentLine.model_validate)


@given(LINES)
def test_expanding_and_collapsing_gives_the_line_in_its_normal_form(line: AssignmentLine) -> None:
    (normal,) = collapse(expand(line, **PLACES, first_month=FIRST))
    assert set(expand(normal, **PLACES, first_month=FIRST)) == set(expand(line, **PLACES, first_month=FIRST))
    assert collapse(expand(normal, **PLACES, first_month=FIRST)) == [normal]
    assert (normal.from_month, normal.to_month, normal.share, normal.expected_volume) == (
        line.from_month or FIRST, line.to_month, line.share, line.expected_volume,
    )  # fmt: skip
    assert set(normal.sites or ()) == set(line.sites or ())


def test_writing_a_line_differently_is_no_change() -> None:
    places = [{"site": "lung", "commissioner": "05W", "volume": 3}, {"site": "breast", "commissioner": "05W", "volume": "4.0"}]
    base = {"subcontract": "SC-1", "pathway": "p", "segment": "s", "commissioners": ["05W"]}
    one = AssignmentLine.model_validate({**base, "sites": ["lung", "breast"], "expected_volume": places})
    other = AssignmentLine.model_validate({**base, "sites": ["breast", "lung"], "expected_volume": places[::-1], "from_month": "2026-07"})
    assert set(expand(one, **PLACES, first_month=FIRST)) == set(expand(other, **PLACES, first_month=FIRST))


@pytest.mark.parametrize("volume", [None, [], 0, "-0", "1E+2", [{"site": "lung", "volume": "-0"}], [{"site": "lung", "volume": "2.50"}]])
def test_a_line_read_back_is_named_as_it_was(volume: object) -> None:
    line = AssignmentLine.model_validate({"subcontract": "SC-1", "pathway": "p", "segment": "s", "expected_volume": volume})
    facts = expand(line, sites=["lung", "breast"], commissioners=["all"], first_month=FIRST)
    assert named(line_of(facts), first_month=FIRST)[1] == facts[0].line


def test_a_place_has_one_volume() -> None:
    twice = [{"site": "lung", "volume": 3}, {"site": "lung", "commissioner": "all", "volume": 4}]
    with pytest.raises(ValidationError, match="stand twice"):
        AssignmentLine.model_validate({"subcontract": "SC-1", "pathway": "p", "segment": "s", "expected_volume": twice})


def test_volumes_stand_over_the_line_or_by_place() -> None:
    base = {"subcontract": "SC-1", "pathway": "p", "segment": "s", "sites": ["lung", "breast"], "commissioners": ["05W"]}
    whole = expand(AssignmentLine.model_validate({**base, "expected_volume": 50}), **PLACES, first_month=FIRST)
    assert {(fact.line_volume, fact.volume) for fact in whole} == {(Decimal(50), None)}
    by_place = {**base, "expected_volume": [{"site": "lung", "commissioner": "05W", "volume": 3}]}
    facts = expand(AssignmentLine.model_validate(by_place), **PLACES, first_month=FIRST)
    assert {(fact.site, fact.line_volume, fact.volume) for fact in facts} == {("lung", None, Decimal(3)), ("breast", None, None)}
