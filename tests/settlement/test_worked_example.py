"""The worked example of risk and gain share, to the penny, with each figure on the way."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.settlement.computation import Settlement, settle
from app.settlement.explanation import Node, tree_of
from tests.settlement.made import OVERSPENT, SAVED, inputs, rules
from tests.settlement.recomputation import recompute


def nodes(node: Node) -> dict[str, Node]:
    found = {node.name: node}
    for part in node.parts:
        found |= nodes(part)
    return found


@pytest.fixture(scope="module")
def saved() -> Settlement:
    return settle(rules(), inputs(SAVED))


@pytest.fixture(scope="module")
def overspent() -> Settlement:
    return settle(rules(), inputs(OVERSPENT))


def places(value: Fraction, count: int) -> Decimal:
    return Decimal(round(value * 10**count)).scaleb(-count)


# measure, score, weighted score
SCORES = [
    ("CWT-62", "0.5060", "0.1771"),
    ("CWT-FDS", "0.8400", "0.1680"),
    ("EARLY-STAGE", "0.5000", "0.1000"),
    ("CPES-OVERALL", "0.6667", "0.1000"),
    ("DQ-COMPLETE", "0.9000", "0.0900"),
]


@pytest.mark.parametrize(("measure", "score", "weighted"), SCORES)
def test_scores(saved: Settlement, measure: str, score: str, weighted: str) -> None:
    found = nodes(saved.explanation)
    assert places(found[f"score.{measure}"].value, 4) == Decimal(score)
    assert places(found[f"weighted.{measure}"].value, 4) == Decimal(weighted)


# name of the node, in which case, value in pence or as a share, and to how many places the reference gives it (pounds in millions, shares)
FIGURES: list[tuple[str, str, str, int]] = [
    ("quality", "saved", "0.6351", 4),
    ("at_risk", "saved", "343500000", 0),
    ("fixed_fee.exact", "saved", "6526500000", 0),
    ("outcome.exact", "saved", "218152473", 0),
    ("withheld.exact", "saved", "125347527", 0),
    ("saved", "saved", "250000000", 0),
    ("difference", "saved", "0.03639", 5),
    ("beyond_deadband", "saved", "181300000", 0),
    ("gain", "saved", "57570660", 0),
    ("gain.cap", "saved", "343500000", 0),
    ("loss", "saved", "0", 0),
    ("saved", "overspent", "-320000000", 0),
    ("difference", "overspent", "-0.04658", 5),
    ("beyond_deadband", "overspent", "251300000", 0),
    ("loss_rate", "overspent", "0.6825", 4),
    ("loss", "overspent", "171501286", 0),
    ("loss.cap", "overspent", "206100000", 0),
    ("gain", "overspent", "0", 0),
]


@pytest.mark.parametrize(("name", "case", "value", "to"), FIGURES)
def test_figures_on_the_way(name: str, case: str, value: str, to: int, request: pytest.FixtureRequest) -> None:
    settlement: Settlement = request.getfixturevalue(case)
    assert places({**nodes(settlement.explanation), "withheld.exact": withheld(settlement)}[name].value, to) == Decimal(value)


def withheld(settlement: Settlement) -> Node:
    (found,) = [part for part in settlement.elements["outcome"].pence.parts if part.name == "withheld.exact"]
    return found


def test_every_party_s_pence(saved: Settlement, overspent: Settlement) -> None:
    assert lines(saved) == {
        "integrator": {"fixed_fee": 6_526_500_000, "outcome": 218_152_473, "gain": 0, "loss": 0},
        "subcontract.SC-A": {"outcome": 0, "gain": 31_663_863, "loss": 0},
        "subcontract.SC-B": {"outcome": 0, "gain": 14_392_665, "loss": 0},
        "subcontract.SC-C": {"outcome": 0, "gain": 6_908_479, "loss": 0},
        "subcontract.SC-D": {"outcome": 0, "gain": 4_605_653, "loss": 0},
        "commissioner.all": {"fixed_fee": -6_526_500_000, "outcome": -218_152_473, "gain": -57_570_660, "loss": 0},
    }
    assert saved.withheld_pence == 125_347_527
    assert saved.total_pence == 6_526_500_000 + 218_152_473 + 57_570_660
    assert [line["loss"] for line in lines(overspent).values()] == [0, -94_325_707, -42_875_322, -20_580_154, -13_720_103, 171_501_286]


def lines(settlement: Settlement) -> dict[str, dict[Any, int]]:
    return {line.party.name: dict(line.pence) for line in settlement.lines}


@pytest.mark.parametrize("case", ["saved", "overspent"])
def test_the_exported_explanation_is_enough(case: str, request: pytest.FixtureRequest) -> None:
    settlement: Settlement = request.getfixturevalue(case)
    assert recompute(tree_of(settlement.explanation)) > 100
    assert settlement.explanation.value == 0
