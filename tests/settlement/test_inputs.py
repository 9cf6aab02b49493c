"""What a contract year is settled on, as it is published."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.settlement.statements import Tree, walk
from tests.reports.conftest import acute, of_62, of_fds
from tests.settlement.parties import FROZEN, Parties, rules, served_parties
from tests.support.databases import Database

OF_62 = {"measure": "CWT-62", "weight": 1, "floor": 0.5, "target": 0.85}


@pytest.fixture(scope="module")
def parties(module_database: Database) -> Iterator[Parties]:
    with served_parties(module_database) as found:
        found.send("2026-09", rje=(2, 3), rl4=(2, 4))
        found.programme.at("2026-11-02T09:00")
        for reference in ("SC-RJE", "SC-RL4"):
            found.programme.send(reference, "2026-10", acute(of_62("urgent", 0, 0), of_fds(70, 100, commissioner="05G")))
        found.programme.at(FROZEN["2026-10"])
        found.publish("2026-09", "2026-10")
        yield found


def test_the_last_final_figure_counts_unrounded(parties: Parties) -> None:
    """Rows round their value; a figure is its numerator over its denominator whichever month it is of."""
    made = rules(1, "shadow") | {"missing": "last_final", "measures": [{**OF_62, "period": "month"}], "gain_share": None, "gate": {}}
    found = parties.post("settlements:simulate", {"contract_year": 1, "rules": made}, status=200)["before"]
    nodes: dict[str, Tree] = {node["name"]: node for node in walk(found["explanation"]) if node["formula"] != "as_above"}
    late = nodes["figure.CWT-62@2026-10"]
    assert late["value"] == "4/7"
    assert {(part["value"], part["source"]["kind"], part["source"]["month"]) for part in late["parts"]} == {
        ("4", "last_final", "2026-09"),
        ("7", "last_final", "2026-09"),
    }


def test_what_is_provisional_or_only_asked_is_not_payable_whatever_the_rules_say(parties: Parties) -> None:
    other: dict[str, Any] = {"measures": [{**OF_62, "period": "month"}], "gain_share": None, "gate": {}}
    parties.agree(1, "live", actual=96_000_000, **other)
    asked = parties.post("settlements:simulate", {"contract_year": 1}, status=200)
    declared = parties.declare(1, "provisional")
    for result in (asked["before"], asked["after"], declared["result"]):
        assert (result["mode"], result["payable"]) == ("live", False)


def test_a_quarter_that_does_not_fit_inside_the_contract_year_is_noted(parties: Parties) -> None:
    """Contract years start in November: the quarter from October to December is the end of one and the beginning of the next."""
    measures = [{**OF_62, "weight": 0.5, "period": "quarter"}, {"measure": "CWT-FDS", "weight": 0.5, "target": 0.8}]
    made = rules(2, "shadow") | {"measures": measures, "gain_share": None, "gate": {}}
    proposed = parties.post("settlement-rules", {"rules": made, "reason": "By quarters."})
    (note,) = proposed["notes"]
    assert (note["code"], note["pointer"]) == ("quarter_astride", "/rules/measures/0/period")
    assert "2026-10 to 2026-12" in note["detail"]
    asked = parties.post("settlements:simulate", {"contract_year": 2, "rules": made}, status=200)
    assert asked["notes"] == [note]
