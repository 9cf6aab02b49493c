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
    # The phase that would pay is planned and not decided on.
    assert [(note["code"], note["pointer"]) for note in asked["notes"]] == [("phase_payment", "/rules/mode")]


def by_quarters(year: int, mode: str) -> dict[str, Any]:
    measures = [{**OF_62, "weight": 0.5, "period": "quarter"}, {"measure": "CWT-FDS", "weight": 0.5, "target": 0.8}]
    return rules(year, mode) | {"measures": measures, "gain_share": None, "gate": {}}


def test_a_quarter_that_is_partly_of_another_contract_year_counts_in_neither(parties: Parties) -> None:
    """Contract years start in November: the quarter from October to December is the end of one and the beginning of the next."""
    made = by_quarters(2, "shadow")
    note = parties.post("settlement-rules", {"rules": made, "reason": "By quarters."})["notes"][0]
    assert (note["code"], note["pointer"]) == ("outside_year", "/rules/measures/0/period")
    assert "2026-10 to 2026-12" in note["detail"]
    asked = parties.post("settlements:simulate", {"contract_year": 2, "rules": made}, status=200)
    assert note in asked["notes"]
    missing = next(node for node in walk(asked["before"]["explanation"]) if node["name"] == "score.CWT-62")
    assert missing["source"]["reason"] == "outside_year"


def test_the_quarter_in_which_a_programme_begins_counts(parties: Parties) -> None:
    made = by_quarters(1, "shadow")
    asked = parties.post("settlements:simulate", {"contract_year": 1, "rules": made}, status=200)
    assert [note["code"] for note in asked["notes"][:2]] == ["outside_year", "part_of_quarter"]
    (figure,) = (node for node in walk(asked["before"]["explanation"]) if node["name"] == "figure.CWT-62")
    assert figure["value"] == "4/7"
    assert {(part["source"]["month"], part["source"]["period"]) for part in figure["parts"]} == {("2026-09", "quarter")}


def test_money_hangs_on_no_quarter_of_another_contract_year(parties: Parties) -> None:
    made = by_quarters(2, "live")
    made["consequences"] = {"applies": True, "lines": [{"measure": "CWT-62", "threshold": 0.9, "pence_each": 1}]}
    for path, body in (("settlement-rules", {"rules": made, "reason": "x"}), ("settlements:simulate", {"contract_year": 2, "rules": made})):
        (fault,) = parties.post(path, body, status=422)["errors"]
        assert (fault["code"], fault["pointer"]) == ("outside_year", "/rules/measures/0/period")


def test_figures_that_are_sent_are_of_the_periods_that_are_judged(parties: Parties) -> None:
    """A figure of another period, of no period that counts, or beside one of the same is refused, each at its place; one that nobody reads is noted."""
    made = by_quarters(1, "shadow")
    made["measures"][1]["period"] = "contract_year_to_date"
    quarter = {"measure": "CWT-62", "month": "2026-09", "period": "quarter", "value": 0.7}
    to_date = {"measure": "CWT-FDS", "month": "2026-10", "period": "contract_year_to_date", "numerator": 7, "denominator": 10}
    wrong = [
        {**quarter, "month": "2026-10"},
        {**quarter, "period": "month"},
        to_date,
        {**to_date, "month": "2026-09"},
        {**to_date, "period": "month", "denominator": None},
    ]
    faults = parties.post("settlements:simulate", {"contract_year": 1, "rules": made, "inputs": {"figures": wrong}}, status=422)["errors"]
    assert sorted((fault["code"], fault["pointer"]) for fault in faults) == [
        ("another_period", "/inputs/figures/1/period"),
        ("another_period", "/inputs/figures/4/period"),
        ("denominator", "/inputs/figures/4/denominator"),
        ("repeated", "/inputs/figures/3/month"),
        ("repeated", "/inputs/figures/4"),
        ("unknown_month", "/inputs/figures/0/month"),
    ]
    made["measures"] = [made["measures"][0] | {"weight": 1}]
    body = {"contract_year": 1, "rules": made, "inputs": {"figures": [quarter, to_date]}}
    notes = parties.post("settlements:simulate", body, status=200)["notes"]
    assert ("not_read", "/inputs/figures/1/measure") in [(note["code"], note["pointer"]) for note in notes]


def test_a_late_return_of_who_reports_the_measure_is_not_noted(parties: Parties) -> None:
    made = rules(2, "shadow") | {"measures": [{**OF_62, "period": "month"}], "gain_share": None, "gate": {}}
    late = {"subcontract": "SC-RJE", "measure": "CWT-62", "month": "2026-11", "numerator": 1, "denominator": 2}
    body = {"contract_year": 2, "rules": made, "changes": {"late_returns": [late]}}
    found = parties.post("settlements:simulate", body, status=200)
    assert found["notes"] == []
    assert found["after"] != found["before"]


def test_costs_that_a_year_has_not_are_of_its_state(parties: Parties) -> None:
    """Nothing that was sent is wrong, so that it is 409; and there is no place in it but the year."""
    lacking = parties.post("settlements:simulate", {"contract_year": 2, "rules": rules(2, "shadow") | {"gate": {}}}, status=409)
    assert lacking["code"] == "cannot_settle"
    assert [(fault["code"], fault["pointer"]) for fault in lacking["errors"]] == [("cost_missing", "/contract_year")] * 2
