"""Nobody who has every public rendition, and knows every rule, can tell a hidden count closely; and each step that sees to it is needed."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.disclosure.releases import RELATIONS, Relation
from app.kernel.months import Month
from tests.disclosure.attacker import CRITERION, Attacker
from tests.disclosure.world import Cell, World, random_world

MONTH = Month.parse("2026-10").ordinal


def closest(world: World, *, half: bool = False) -> float:
    """How far apart the bounds of the count are that the attacker knows best."""
    return min((apart for apart, *_ in Attacker(world, half=half).closest()), default=CRITERION)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["proportion", "halves", "count"]))
def test_no_hidden_count_is_told_closely(seed: int, kind: str) -> None:
    assert closest(random_world(Random(seed), months=2, kind=kind), half=kind == "halves") >= CRITERION


@pytest.mark.parametrize(
    ("seed", "without"),
    [
        (0, {"relations": RELATIONS - {"places"}}),
        (5, {"above": {}}),
        (0, {"relations": RELATIONS - {"windows"}}),
        (0, {"remembers": False}),
    ],
    ids=["places", "parents", "windows", "what the public had before"],
)
def test_a_step_that_is_left_out_is_noticed(seed: int, without: dict[str, Any]) -> None:
    assert closest(random_world(Random(seed), months=3, kind="proportion", **without)) < CRITERION
    assert closest(random_world(Random(seed), months=3, kind="proportion")) >= CRITERION


@pytest.mark.parametrize(("relations", "is_safe"), [(RELATIONS - {"versions"}, False), (RELATIONS, True)])
def test_a_late_return_is_not_told_by_what_it_moved(relations: frozenset[Relation], is_safe: bool) -> None:
    """From 97, shown as 95, to 104, shown as 105: at least 6 came late."""
    world = World(proportion=False, splits=(), relations=relations)
    for subcontract, count in (("A", 33), ("B", 32), ("C", 32)):
        world.say(subcontract, MONTH, {Cell(subcontract, "lung", "05W", "all"): (Decimal(count), Decimal(0))})
    world.publish(MONTH)
    world.say("D", MONTH, {Cell("D", "lung", "05W", "all"): (Decimal(7), Decimal(0))})
    world.publish(MONTH)
    assert (closest(world) >= CRITERION) == is_safe
