"""Lines become facts and facts become the same lines again."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.assignments.domain import AssignmentLine, collapse, expand
from app.kernel.months import Month

FIRST = Month.parse("2026-07")
PLACES = {"sites": ("breast", "lung", "prostate"), "commissioners": ("04Y", "05W")}


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
        "expected_volume": st.none() | st.sampled_from([50, "12.5"]),
    }
).map(AssignmentLine.model_validate)


@given(LINES)
def test_expanding_and_collapsing_gives_the_line_in_its_normal_form(line: AssignmentLine) -> None:
    (normal,) = collapse(expand(line, **PLACES, first_month=FIRST))
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


def test_volumes_stand_over_the_line_or_by_place() -> None:
    base = {"subcontract": "SC-1", "pathway": "p", "segment": "s", "sites": ["lung", "breast"], "commissioners": ["05W"]}
    whole = expand(AssignmentLine.model_validate({**base, "expected_volume": 50}), **PLACES, first_month=FIRST)
    assert {(fact.line_volume, fact.volume) for fact in whole} == {(Decimal(50), None)}
    by_place = {**base, "expected_volume": [{"site": "lung", "commissioner": "05W", "volume": 3}]}
    facts = expand(AssignmentLine.model_validate(by_place), **PLACES, first_month=FIRST)
    assert {(fact.site, fact.line_volume, fact.volume) for fact in facts} == {("lung", None, Decimal(3)), ("breast", None, None)}
