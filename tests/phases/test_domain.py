"""What a gate's criteria come to: tables of returns, and properties of who is failing since when."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_cells
from app.kernel.months import Month
from app.phases.domain import Result, due_of, result_of, window
from app.programmes.domain import Criterion, GateCriterion
from app.returns.quality import FirstRevision, OwedReturn
from tests.make import contract, document

OCTOBER = Month.parse("2026-10")
CONTRACT = contract()
CWT, OTHER, HOSPICE = (ReturnKey(*key, OCTOBER) for key in (("cwt", "SC-RJE"), ("cwt", "SC-RL4"), ("hospice", "SC-H9901")))
TICK = timedelta(microseconds=1)


def criterion(name: str, threshold: str = "0.9", **more: Any) -> GateCriterion:
    return GateCriterion.model_validate({"criterion": name, "threshold": threshold, **more})


def owed(key: ReturnKey, **more: Any) -> OwedReturn:
    return OwedReturn(key, due_of(CONTRACT, key), **{"accepted": True, **more})


def result(asked: GateCriterion, *returns: OwedReturn, within: Contract = CONTRACT, agreed: tuple[str, ...] = ()) -> Result:
    months = tuple(OCTOBER.plus(number) for number in range(1 - (asked.months or 0), 1))
    return result_of(within, asked, returns, months=months, agreed=agreed)


def of(found: Result) -> tuple[Any, ...]:
    return found.numerator, found.denominator, found.is_met, found.why, [each.subcontract for each in found.failing]


def test_every_criterion_is_computed() -> None:
    for name in get_args(Criterion):
        assert result(criterion(name)).criterion.criterion == name


def test_completeness_counts_owed_cells_with_a_value() -> None:
    cells = expected_cells(CONTRACT, HOSPICE)
    assert len(cells) == 4
    asked = criterion("completeness")
    assert of(result(asked, owed(HOSPICE))) == (4, 4, True, None, [])
    assert of(result(asked, owed(HOSPICE, lacking=frozenset(cells[:1])))) == (3, 4, False, None, ["SC-H9901"])
    # What was stated not to apply is not owed; what nobody accepted is not there.
    assert of(result(asked, owed(HOSPICE, lacking=frozenset(cells[:1]), not_applicable=frozenset(cells[:1])))) == (3, 3, True, None, [])
    assert of(result(asked, owed(HOSPICE, accepted=False))) == (0, 4, False, None, ["SC-H9901"])
    nil = owed(HOSPICE, lacking=frozenset(cells), not_applicable=frozenset(cells))
    assert of(result(asked, nil)) == (0, 0, False, "nothing_expected", [])
    some = criterion("completeness", measures=["E-BEDOCC"])
    assert of(result(some, owed(HOSPICE, accepted=False), owed(CWT))) == (0, 1, False, None, ["SC-H9901"])


@pytest.mark.parametrize(("after", "met"), [(timedelta(0), True), (-TICK, True), (TICK, False)])
def test_timeliness_is_of_the_first_good_revision(after: timedelta, met: bool) -> None:
    first = FirstRevision(due_of(CONTRACT, CWT) + after, {}, frozenset())
    found = result(criterion("timeliness"), owed(CWT, first=first))
    assert of(found)[:3] == (int(met), 1, met)
    assert of(result(criterion("timeliness", "0.5"), owed(CWT, first=first), owed(OTHER)))[2:] == (
        met,
        None,
        ["SC-RL4"] if met else ["SC-RJE", "SC-RL4"],
    )


def test_validity_counts_what_came_without_an_unexplained_warning() -> None:
    odd = frozenset(cell for cell in expected_cells(CONTRACT, CWT) if cell.measure == "CWT-62" and cell.site == "lung")
    first = FirstRevision(due_of(CONTRACT, CWT), {"CWT-62": 90, "CWT-FDS": 10}, frozenset(sorted(odd)[:5]))
    asked = criterion("validity", "0.95")
    assert of(result(asked, owed(CWT, first=first), owed(OTHER))) == (95, 100, True, None, [])
    assert of(result(criterion("validity", "0.95", measures=["CWT-62"]), owed(CWT, first=first)))[:3] == (85, 90, False)
    assert of(result(asked, owed(OTHER)))[3] == "nothing_expected"


def test_coverage_weighs_by_the_expected_volume() -> None:
    lines = [{**line, "expected_volume": 8 if line["subcontract"] == "SC-RJE" else 2} for line in _assignments()]
    within = contract(assignments=lines)
    whole, none = owed(CWT), owed(OTHER, accepted=False)
    found = result(criterion("coverage"), whole, none, within=within)
    assert (found.value, found.is_met, [each.subcontract for each in found.failing]) == (Fraction(8, 10), False, ["SC-RL4"])
    lacking = frozenset(expected_cells(within, CWT)[:1])
    assert result(criterion("coverage"), owed(CWT, lacking=lacking), none, within=within).value == 0
    unknown = contract(assignments=[{**line, "expected_volume": None} for line in _assignments()])
    assert of(result(criterion("coverage"), whole, within=unknown)) == (None, None, False, "volume_unknown", ["SC-RJE"])


def _assignments() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document()["assignments"]
    return found


def test_baselines_are_agreed_measure_by_measure() -> None:
    asked = criterion("baselines_agreed", "1", measures=["CWT-62", "CWT-FDS"])
    found = result(asked, agreed=("CWT-62", "E-BEDOCC"))
    assert (found.value, found.is_met, [each.measure for each in found.failing]) == (Fraction(1, 2), False, ["CWT-FDS"])
    assert result(asked, agreed=("CWT-62", "CWT-FDS")).is_met
    assert result(criterion("baselines_agreed", "1")).denominator == 4


def test_a_young_programme_is_not_judged_yet() -> None:
    found = result_of(CONTRACT, criterion("completeness", months=6), [owed(HOSPICE)], months=(OCTOBER,), agreed=())
    assert of(found)[:4] == (4, 4, False, "too_few_months")


@pytest.mark.parametrize(
    ("as_of", "more", "last"),
    [
        ("2026-11-13T17:00:00+00:00", {}, "2026-09"),
        ("2026-12-08T17:00:00+00:00", {}, "2026-09"),  # on the instant at which the last of October is due
        ("2026-12-08T17:00:00.000001+00:00", {}, "2026-10"),
        ("2026-11-13T17:00:00.000001+00:00", {"measures": ["E-BEDOCC"]}, "2026-10"),
        ("2026-07-01T00:00:00+00:00", {}, None),
        ("2050-01-01T00:00:00+00:00", {}, "2036-06"),
    ],
)
def test_the_months_looked_at_are_the_last_that_have_fallen_due(as_of: str, more: dict[str, Any], last: str | None) -> None:
    months = window(CONTRACT, criterion("completeness", months=2, **more), as_of=datetime.fromisoformat(as_of))
    assert [str(month) for month in months] == ([] if last is None else [str(Month.parse(last).plus(-1)), last])


@pytest.mark.parametrize(
    ("as_of", "months"),
    [
        ("2027-02-20", "2026-09 2026-10 2026-11"),  # January's hospices are due, and the quarter of December is not
        ("2027-03-05", "2026-09 2026-10 2026-11"),
        ("2027-03-20", "2026-12 2027-01 2027-02"),
        ("2040-01-01", "2027-07 2027-08 2027-09"),  # the quarter in which the term ends
    ],
)
def test_every_month_looked_at_has_fallen_due(as_of: str, months: str) -> None:
    hospice, cwt = document()["collections"]
    quarterly = {"code": cwt["code"], "name": "C", "measures": cwt["measures"], "every": "quarter", "due": {"working_day": 50}}
    within = contract(collections=[hospice, quarterly], programme={**document()["programme"], "ends_on": "2027-08-31"})
    found = window(within, criterion("completeness"), as_of=datetime.fromisoformat(f"{as_of}T00:00:00+00:00"))
    assert " ".join(map(str, found)) == months


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.sampled_from(["0.5", "0.75", "0.9", "1"]))
def test_whoever_fails_fails_since_a_month_and_without_a_break(on_time: list[bool], threshold: str) -> None:
    """`on_time` from the newest month back."""
    keys = [ReturnKey("hospice", "SC-H9901", Month.parse("2027-12").plus(-number)) for number in range(len(on_time))]
    returns = [
        owed(key, first=FirstRevision(due_of(CONTRACT, key) + (timedelta(0) if good else TICK), {}, frozenset()))
        for key, good in zip(keys, on_time, strict=True)
    ]
    asked = criterion("timeliness", threshold, months=len(on_time))
    found = result_of(CONTRACT, asked, returns, months=tuple(key.month for key in reversed(keys)), agreed=())
    fails = Fraction(sum(on_time), len(on_time)) < Fraction(threshold)
    assert (not found.is_met) == fails == bool(found.failing)
    if fails:
        since = found.failing[0].since
        assert since is not None
        newest = next(number for number, good in enumerate(on_time) if not good)
        back = keys[0].month.ordinal - since.ordinal
        assert not any(on_time[newest : back + 1])
        assert back + 1 == len(on_time) or on_time[back + 1]
