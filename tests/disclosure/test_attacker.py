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
        (1, {"relations": RELATIONS - {"places"}}),
        (1, {"above": {}}),
        (3, {"relations": RELATIONS - {"windows"}}),
    ],
    ids=["places", "parents", "windows"],
)
def test_a_step_that_is_left_out_is_noticed(seed: int, without: dict[str, Any]) -> None:
    assert closest(random_world(Random(seed), months=3, kind="proportion", **without)) < CRITERION
    assert closest(random_world(Random(seed), months=3, kind="proportion")) >= CRITERION


@pytest.mark.parametrize(("seed", "kind"), [(0, "proportion"), (1, "halves")])
def test_a_long_history_tells_no_more_than_its_months(seed: int, kind: str) -> None:
    world = random_world(Random(seed), months=14, kind=kind)
    found = Attacker(world, half=kind == "halves").closest(limit=40)
    assert min((apart for apart, *_ in found), default=CRITERION) >= CRITERION


@pytest.mark.parametrize(
    ("without", "is_safe"),
    [({"relations": RELATIONS - {"versions"}}, False), ({"remembers": False}, False), ({}, True)],
    ids=["versions", "what the public had before", "all"],
)
def test_a_late_return_is_not_told_by_what_it_moved(without: dict[str, Any], is_safe: bool) -> None:
    """From 97, shown as 95, to 104, shown as 105: at least 6 came late."""
    world = World(proportion=False, splits=(), **without)
    for subcontract, count in (("A", 33), ("B", 32), ("C", 32)):
        world.say(subcontract, MONTH, {Cell(subcontract, "lung", "05W", "all"): (Decimal(count), Decimal(0))})
    world.publish(MONTH)
    world.say("D", MONTH, {Cell("D", "lung", "05W", "all"): (Decimal(7), Decimal(0))})
    world.publish(MONTH)
    assert (closest(world) >= CRITERION) == is_safe


@pytest.mark.parametrize(("relations", "is_safe"), [(RELATIONS - {"crossings"}, False), (RELATIONS, True)])
def test_what_crosses_in_two_places_is_not_told_by_what_crosses_in_others(relations: frozenset[Relation], is_safe: bool) -> None:
    """B and C have only bladder: what bladder has of one commissioner is what the two have of it, 15 and nothing; the other's is the rest of 25."""
    world = World(proportion=False, relations=relations)
    counted = {"A": ("prostate", 25, 37), "B": ("bladder", 4, 0), "C": ("bladder", 3, 17)}
    for subcontract, (site, *counts) in counted.items():
        cells = {
            Cell(subcontract, each, commissioner, "all"): (Decimal(count if each == site else 0), Decimal(0))
            for each in ("prostate", "bladder")
            for commissioner, count in zip(("05G", "05W"), counts, strict=True)
        }
        world.say(subcontract, MONTH, cells)
    world.publish(MONTH)
    assert (closest(world) >= CRITERION) == is_safe
