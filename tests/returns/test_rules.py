"""The rules by which returns are judged, as tables: each class, and just this side and that side of its limits."""

from fractions import Fraction
from typing import Any, Final

import pytest

from app.returns.change import limits
from app.returns.rules import words_of
from tests.returns.ruled import BEDS, CHANGE, EXPLAINED, WAIT, before, hospice, read, said, with_rules


def test_the_limits_are_those_of_the_reference_vector() -> None:
    points = [Fraction(point) for point in (78, 81, 80, 77, 82, 79, 81, 76, 80, 83, 79, 80, 78, 81, 66)]
    found = limits(points)
    assert found is not None
    assert (found.mean, found.points) == (Fraction(1181, 15), 15)
    assert (found.upper - found.mean, found.mean - found.lower) == (Fraction(266, 100) * Fraction(54, 14),) * 2
    assert (round(float(found.lower), 2), round(float(found.upper), 2)) == (68.47, 88.99)
    assert not found.hold(Fraction(66))
    assert found.hold(found.lower)
    assert found.hold(found.upper)


def test_no_range_moves_over_a_gap() -> None:
    ten, twenty = Fraction(10), Fraction(20)
    assert limits([ten, None, twenty]) is None
    found = limits([ten, None, twenty, twenty])
    assert found is not None
    assert (found.lower, found.mean, found.upper, found.points) == (Fraction(50, 3),) * 3 + (3,)


# Six months of 10 and 20 in turn: mean 15, every range 10, limits -11.6 and 41.6.
IN_TURN: Final = (10, 20, 10, 20, 10, 20)


@pytest.mark.parametrize(
    ("rule", "earlier", "now", "warns"),
    [
        ({}, IN_TURN, 41, False),
        ({}, IN_TURN, 42, True),
        ({}, IN_TURN[1:], 42, False),
        ({"minimum_points": 5}, IN_TURN[1:], 42, False),
        ({"minimum_points": 5}, IN_TURN[1:], 43, True),
        ({"minimum_count": 42}, IN_TURN, 42, True),
        ({"minimum_count": "42.1"}, IN_TURN, 42, False),
        # A fall is judged by the mean's size.
        ({}, (30,) * 6, 29, True),
        ({}, (30,) * 6, 30, False),
        ({"minimum_count": 30}, (30,) * 6, 0, True),
        ({"minimum_count": 31}, (30,) * 6, 0, False),
        # Only the last months count: with six, the hundred before is forgotten; with seven, it widens the limits.
        ({"months": 6}, (100, *IN_TURN), 42, True),
        ({"months": 7}, (100, *IN_TURN), 42, False),
        # A month that was not received is no point, and breaks the series.
        ({}, (10, 20, None, 10, 20, 10, 20), 42, True),
        ({}, (10, 20, None, 20, 10, 20), 42, False),
    ],
)
def test_a_count_beyond_its_own_limits_asks_for_an_explanation(
    rule: dict[str, Any], earlier: tuple[int | None, ...], now: int, warns: bool
) -> None:
    within = with_rules({WAIT: [{**CHANGE, **rule}]})
    history = before(within, *(None if count is None else hospice((count, 0, 0)) for count in earlier))
    found = read(within, hospice((now, 0, 0)), earlier=history)
    assert [warning.code for warning in found.warnings] == ["change"] * warns
    assert found.explained is not warns


def test_the_warning_says_the_mean_and_the_limits_and_where_to_explain() -> None:
    within = with_rules({WAIT: [{**CHANGE, "why": "The clinic sees about fifteen."}]})
    history = before(within, *(hospice((count, 0, 0)) for count in IN_TURN))
    (warning,) = read(within, hospice((15, 135, 0)), earlier=history).warnings
    assert said(warning) == (
        "The numerator of HOSP-WAIT is 150. In 6 earlier months the mean was 15; their process-control limits are 0 and 41.6."
        " The clinic sees about fifteen."
    )
    assert words_of(warning)[1] == (
        "Correct the figure if it is wrong; otherwise send the cell (measure HOSP-WAIT, category 2-3) with explanation_code and explanation."
    )
    assert (warning.cell.category, warning.rule, warning.explained) == ("2-3", "usual", False)


@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_explanation_at_any_cell_of_a_total_explains_it(where: int) -> None:
    within = with_rules({WAIT: [CHANGE]})
    history = before(within, *(hospice((count, 0, 0)) for count in IN_TURN))
    found = read(within, hospice((15, 135, 0), explain=where), earlier=history)
    assert [warning.explained for warning in found.warnings] == [True]
    assert found.warnings[0].cell.category == ("0-1", "2-3", "4-up")[where]
    assert not read(within, hospice((15, 135, 0), explain=3), earlier=history).explained


def test_each_category_is_judged_for_itself_where_the_rule_says_so() -> None:
    within = with_rules({WAIT: [{**CHANGE, "by": ["category"]}]})
    history = before(within, *(hospice((10, 20, 30)) for _ in range(6)))
    found = read(within, hospice((20, 10, 30)), earlier=history)
    assert [warning.cell.category for warning in found.warnings] == ["0-1", "2-3"]


@pytest.mark.parametrize(
    ("earlier", "now", "warns"),
    [
        # Rates of 0.5 and 0.6 in turn: mean 0.55, range 0.1, limits 0.284 and 0.816.
        (((50, 100), (60, 100)) * 3, (816, 1000), False),
        (((50, 100), (60, 100)) * 3, (817, 1000), True),
        (((50, 100), (60, 100)) * 3, (284, 1000), False),
        (((50, 100), (60, 100)) * 3, (283, 1000), True),
        (((50, 100), (60, 100)) * 3, (0, 0), False),
        (((50, 100), (60, 100)) * 3, (9, 9), False),
        (((50, 100), (60, 100)) * 3, (10, 10), True),
        # A month with too few below the line is no point of it.
        ((*(((50, 100), (60, 100)) * 3)[:5], (9, 9)), (10, 10), False),
    ],
)
def test_a_rate_is_judged_on_enough_patients_only(earlier: tuple[tuple[int, int], ...], now: tuple[int, int], warns: bool) -> None:
    within = with_rules({BEDS: [{**CHANGE, "of": "value"}]})
    history = before(within, *(hospice(beds=beds) for beds in earlier))
    assert bool(read(within, hospice(beds=now), earlier=history).warnings) is warns


@pytest.mark.parametrize(
    ("rule", "earlier", "now", "warns"),
    [
        ({}, ((214, 300),), (0, 0), True),
        ({}, ((214, 300),), (0, 300), False),
        ({"part": "numerator"}, ((214, 300),), (0, 300), True),
        ({"above": 300}, ((214, 300),), (0, 0), False),
        ({"above": 299}, ((214, 300),), (0, 0), True),
        ({}, (), (0, 0), False),
        ({"months": 2}, ((214, 300),), (0, 0), False),
        ({"months": 2}, ((0, 0), (214, 300)), (0, 0), False),
        ({"months": 2}, ((1, 1), (214, 300)), (0, 0), True),
    ],
)
def test_zero_after_activity(rule: dict[str, Any], earlier: tuple[tuple[int, int], ...], now: tuple[int, int], warns: bool) -> None:
    within = with_rules({BEDS: [{"code": "gone", "kind": "zero_after_activity", "above": 0, **rule}]})
    history = before(within, *(hospice(beds=beds) for beds in earlier))
    found = read(within, hospice(beds=now), earlier=history)
    assert [warning.code for warning in found.warnings] == ["zero_after_activity"] * warns
    assert read(within, hospice(beds=now, explain=3), earlier=history).explained


def test_no_service_where_there_was_activity_asks_as_a_zero_does() -> None:
    within = with_rules({BEDS: [{"code": "gone", "kind": "zero_after_activity", "above": 10}]})
    history = before(within, hospice(beds=(214, 300)))
    nil = {"nil": True, "reason": "no_service"}
    beds = {"measure": BEDS, "state": "not_applicable", "reason": "no_service"}
    waits = hospice()["cells"][:3]
    for body in (nil, {"cells": [*waits, beds]}):
        (warning,) = read(within, body, earlier=history).warnings
        assert (warning.code, warning.rule, warning.severity, warning.explained) == ("zero_after_activity", "gone", "warn", False)
        assert said(warning) == "The denominator of E-BEDOCC was 300 in 2027-09, and now no service is stated where there was activity."
        assert "send the cell (measure E-BEDOCC) as not_applicable with" in words_of(warning)[1]
    assert read(within, {"cells": [*waits, {**beds, **EXPLAINED}]}, earlier=history).explained
    for earlier in ((), (hospice(beds=(5, 10)),), (nil,)):
        assert read(within, nil, earlier=before(within, *earlier)).warnings == ()
    assert read(with_rules({}), nil, earlier=history).warnings == ()


def test_of_a_total_only_the_whole_is_looked_at() -> None:
    within = with_rules({WAIT: [{"code": "gone", "kind": "zero_after_activity", "above": 0, "by": []}]})
    history = before(within, hospice((15, 3, 0)))
    listed = hospice((15, 0, 0))["cells"]
    none = {"measure": WAIT, "state": "not_applicable", "reason": "no_service"}
    assert read(
        within, {"cells": [listed[0], *({**none, "category": each} for each in ("2-3", "4-up")), listed[3]]}, earlier=history
    ).explained
    (warning,) = read(within, {"nil": True, "reason": "no_service"}, earlier=history).warnings
    assert said(warning).startswith("The numerator of HOSP-WAIT was 18 in 2027-09")


def test_a_zero_by_the_rest_is_zero_after_activity_until_it_is_listed_with_its_explanation() -> None:
    within = with_rules({WAIT: [{"code": "gone", "kind": "zero_after_activity", "above": 0}]})
    history = before(within, hospice((15, 3, 0)))
    whole = hospice()["cells"]
    found = read(within, {"rest": "zero", "cells": [whole[0], whole[3]]}, earlier=history)
    assert [(warning.cell.category, said(warning)) for warning in found.warnings] == [
        ("2-3", "The numerator of HOSP-WAIT (category 2-3) is 0, and was 3 in 2027-09.")
    ]
    listed = {"rest": "zero", "cells": [whole[0], {**whole[1], **EXPLAINED}, whole[3]]}
    assert read(within, listed, earlier=history).explained


@pytest.mark.parametrize(
    ("rule", "earlier", "now", "warns"),
    [
        ({}, (hospice((15, 3, 0)),), hospice((15, 3, 0)), True),
        ({}, (hospice((15, 3, 0)),), hospice((15, 3, 1)), False),
        ({}, (hospice((15, 3, 0)),), hospice((3, 15, 0)), False),
        ({}, (hospice((0, 0, 0), (0, 0)),), hospice((0, 0, 0), (0, 0)), False),
        ({}, (hospice((15, 0, 0), (0, 0)),), hospice((15, 0, 0), (0, 0)), False),
        ({"minimum_figures": 1}, (hospice((15, 0, 0), (0, 0)),), hospice((15, 0, 0), (0, 0)), True),
        ({}, (hospice(), hospice((1, 2, 3))), hospice(), False),
        ({"months": 2}, (hospice(), hospice((1, 2, 3))), hospice(), True),
        ({}, (), hospice(), False),
        ({}, (hospice(),), {"nil": True, "reason": "no_service"}, False),
    ],
)
def test_a_month_sent_again_is_noticed(rule: dict[str, Any], earlier: tuple[dict[str, Any], ...], now: dict[str, Any], warns: bool) -> None:
    within = with_rules({}, collections={"hospice": [{"code": "again", "kind": "stale", **rule}]})
    assert [warning.code for warning in read(within, now, earlier=before(within, *earlier)).warnings] == ["stale"] * warns


def test_a_stale_return_is_confirmed_at_the_cell_that_the_warning_names() -> None:
    within = with_rules({}, collections={"hospice": [{"code": "again", "kind": "stale"}]})
    history = before(within, hospice((15, 3, 0)))
    (warning,) = read(within, hospice((15, 3, 0)), earlier=history).warnings
    assert (warning.cell.measure, said(warning)) == (BEDS, "Every figure is what it was in 2027-09: perhaps that month was sent again.")
    assert not read(within, hospice((15, 3, 0), explain=0), earlier=history).explained
    assert read(within, hospice((15, 3, 0), explain=3), earlier=history).explained
