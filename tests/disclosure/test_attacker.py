"""Nobody who has every public rendition, and knows every rule, can tell a hidden count closely; and each step that sees to it is needed."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.disclosure.releases import RELATIONS
from tests.disclosure.attacker import CRITERION, Attacker
from tests.disclosure.world import World, random_world


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
        (11, {"relations": RELATIONS - {"versions"}}),
        (0, {"remembers": False}),
    ],
    ids=["places", "parents", "windows", "versions", "what the public had before"],
)
def test_a_step_that_is_left_out_is_noticed(seed: int, without: dict[str, Any]) -> None:
    assert closest(random_world(Random(seed), months=3, kind="proportion", **without)) < CRITERION
    assert closest(random_world(Random(seed), months=3, kind="proportion")) >= CRITERION
