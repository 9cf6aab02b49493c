"""What settling refuses, and what is withdrawn: a contract year is settled once, when it is over and published, on what still stands."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from time import sleep
from typing import Any

import pytest
from sqlalchemy import text

from app.db.ledger import hold_ledger
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import MACHINE
from app.kernel.codes import ALL
from app.settlement import actions
from app.settlement.runs import InputKey
from app.settlement.schemas import SimulationView
from tests.reports.conftest import PROGRAMME
from tests.settlement.parties import Parties, rules, served_parties
from tests.support.databases import Database


@pytest.fixture(scope="module")
def parties(module_database: Database) -> Iterator[Parties]:
    with served_parties(module_database) as found:
        found.send("2026-09")
        found.publish("2026-09")
        yield found


@pytest.fixture(scope="module")
def refused(parties: Parties) -> dict[str, set[str]]:
    """The first contract year settled with everything in the way of it; by what was in the way, how that was refused."""
    parties.agree(1, "shadow", actual=96_000_000, measures=[], gate={})
    parties.programme.at("2026-10-25T09:00")
    found = {"not over": {fault["code"] for fault in parties.declare(1, status=409)["errors"]}}
    parties.send("2026-10")
    found["not published"] = {fault["code"] for fault in parties.declare(1, status=409)["errors"]}
    parties.publish("2026-10")
    early = parties.declare(1, "provisional")["settlement"]["run"]
    parties.post(f"settlements/1/{early}/approval", by="two", status=200)
    path = f"settlements/1/{parties.declare(1)['settlement']['run']}"
    found["another waits"] = {parties.declare(1, status=409)["code"]}
    parties.state(1, "actual_cost", 97_000_000)
    found["another cost"] = {parties.post(f"{path}/approval", by="two", status=409)["code"]}
    gone = parties.post(f"{path}/withdrawal", {"reason": "The cost was corrected."}, status=200)["settlement"]
    assert (gone["state"], gone["acts"][-1]["reason"]) == ("withdrawn", "The cost was corrected.")
    found["withdrawn"] = {parties.post(f"{path}/approval", by="two", status=409)["code"]}
    found["withdrawn"] |= {parties.post(f"{path}/withdrawal", {"reason": "Again."}, status=409)["code"]}
    run = parties.declare(1)["settlement"]["run"]
    parties.agree(1, "shadow", actual=97_000_000, measures=[], gate={}, at_risk_share=0.2)
    found["other rules"] = {parties.post(f"settlements/1/{run}/approval", by="two", status=409)["code"]}
    parties.post(f"settlements/1/{run}/withdrawal", {"reason": "Other rules."}, status=200)
    parties.settle(1)
    found["settled"] = {parties.post(f"settlements/1/{early}/finance-approval", by="finance", status=409)["code"]}
    return found


def test_a_year_is_settled_once_when_it_is_over_and_on_what_stands(refused: dict[str, set[str]]) -> None:
    assert refused == {
        "not over": {"not_ended"},
        "not published": {"not_published"},
        "another waits": {"settled_already"},
        "another cost": {"overtaken"},
        "withdrawn": {"wrong_step"},
        "other rules": {"overtaken"},
        "settled": {"settled_already"},
    }


def test_a_cost_is_whole_pence_and_a_factor_one_of_the_rules(parties: Parties) -> None:
    body = {"contract_year": 2, "kind": "actual_cost", "code": "x", "value": 1.5, "source": "Ledger"}
    wrong = parties.post("settlement-inputs", body, status=422)
    assert [fault["code"] for fault in wrong["errors"]] == ["whole_pence", "code"]
    wrong = parties.post("settlement-inputs", body | {"kind": "factor"}, status=422)
    assert [fault["code"] for fault in wrong["errors"]] == ["unknown_factor"]


def test_a_year_that_is_switched_off_is_not_settled(parties: Parties) -> None:
    parties.agree(2, "off", actual=96_000_000)
    assert {fault["code"] for fault in parties.declare(2, "provisional", status=409)["errors"]} == {"switched_off"}


def test_of_what_was_approved_twice_each_answer_says_which_counts(parties: Parties) -> None:
    """Of rules the last approved; of costs the last stated of those approved, whichever was approved last. A run says which it took."""
    plain: dict[str, Any] = {"measures": [], "gate": {}, "at_risk_share": 0}
    body = {"rules": {**rules(2, "shadow"), **plain}, "reason": "As agreed."}
    agreed = parties.post("settlement-rules", body)["version"]
    first = parties.post(f"settlement-rules/2/{agreed}/approval", by="two", status=200)
    waiting = parties.post("settlement-rules", body)
    assert (first["in_force"], waiting["in_force"]) == (True, False)
    assert in_force(parties, "settlement-rules?contract_year=2&limit=1", "rules", "version") == [agreed]
    second = parties.post(f"settlement-rules/2/{waiting['version']}/approval", by="two", status=200)
    assert second["in_force"]
    assert in_force(parties, "settlement-rules?contract_year=2&limit=1", "rules", "version") == [waiting["version"]]
    before = parties.get(f"settlement-rules/2/{agreed}?as_of={first['approved_at']}").json()
    assert (before["in_force"], parties.get(f"settlement-rules/2/{agreed}").json()["in_force"]) == (True, False)

    cost = {"contract_year": 2, "kind": "actual_cost", "source": "Ledger"}
    old, new = (parties.post("settlement-inputs", {**cost, "value": value}, by="finance")["number"] for value in (1_000_000, 2_000_000))
    expected = parties.post("settlement-inputs", {**cost, "kind": "expected_cost", "value": 3_000_000}, by="finance")["number"]
    assert parties.declare(2, "provisional")["inputs"]["actual_cost"]["number"] == new
    newer = parties.post(f"settlement-inputs/2/actual_cost/{new}/approval", by="two", status=200)
    older = parties.post(f"settlement-inputs/2/actual_cost/{old}/approval", by="two", status=200)
    assert (newer["in_force"], older["in_force"]) == (True, False)
    parties.post(f"settlement-inputs/2/expected_cost/{expected}/approval", by="two", status=200)
    assert in_force(parties, "settlement-inputs?contract_year=2&limit=1", "inputs", "number") == [new, expected]
    run = parties.declare(2, "provisional")
    assert (run["settlement"]["rules_version"], run["inputs"]["actual_cost"]["number"]) == (waiting["version"], new)
    asked = parties.post("settlements:simulate", {"contract_year": 2}, status=200)
    sent = parties.post("settlements:simulate", {"contract_year": 2, "rules": body["rules"]}, status=200)
    assert [each["rules_version"] for each in (asked, sent)] == [waiting["version"], None]


def in_force(parties: Parties, path: str, member: str, number: str) -> list[int]:
    return [each[number] for each in parties.pages(path, member) if each["in_force"]]


def test_every_version_that_was_proposed_can_be_read_as_it_stood(parties: Parties) -> None:
    body = {"rules": rules(2, "shadow"), "reason": "A first thought."}
    first = parties.post("settlement-rules", body)["version"]
    second = parties.post("settlement-rules", {**body, "reason": "A better one."})
    versions = {each["version"]: each for each in parties.pages("settlement-rules?contract_year=2&limit=1", "rules")}
    assert [versions[number]["state"] for number in (first, second["version"])] == ["superseded", "proposed"]
    assert versions[first]["superseded_at"] == second["proposed_at"]
    assert parties.get(f"settlement-rules/2/{first}").json() == versions[first]
    assert parties.post(f"settlement-rules/2/{first}/approval", by="two", status=409)["code"] == "not_waiting"
    before = parties.get(f"settlement-rules/2/{first}?as_of={versions[first]['proposed_at']}").json()
    assert (before["state"], before["superseded_at"]) == ("proposed", None)
    parties.get(f"settlement-rules/2/{second['version']}?as_of={versions[first]['proposed_at']}", status=404)
    parties.get("settlement-rules?as_of=2050-01-01T00:00:00Z", status=422)


def test_the_same_mistake_has_the_same_place_wherever_rules_are_sent(parties: Parties) -> None:
    made = rules(2, "shadow")
    made["measures"][0] |= {"measure": "NO", "target": 0.6}
    made["gain_share"]["least_loss_rate"] = 0.9
    proposed = parties.post("settlement-rules", {"rules": made, "reason": "x"}, status=422)
    simulated = parties.post("settlements:simulate", {"contract_year": 2, "rules": made}, status=422)
    assert proposed["errors"] == simulated["errors"]
    assert [fault["pointer"] for fault in proposed["errors"]] == [
        "/rules/measures/0/target",
        "/rules/gain_share/most_loss_rate",
        "/rules/measures/0/measure",
    ]


def test_all_that_is_wrong_with_a_simulation_is_named_at_once(parties: Parties) -> None:
    """Rules, inputs that are sent, changes to them and what is swept: each fault where it is said."""
    made = {**rules(2, "shadow"), "at_risk_share": [{"contract_year": 1, "share": 0.1}]}
    figures = [
        {"measure": "CWT-62", "month": "2026-09", "period": "contract_year_to_date", "numerator": 9, "denominator": 8},
        {"measure": "NO", "month": "2026-11", "period": "month", "value": 0.5},
    ]
    changes = {"figures": [{"measure": "CWT-62", "month": "2026-12", "value": 0.7}], "missing_subcontracts": ["NO"]}
    body = {"rules": made, "inputs": {"figures": figures}, "changes": changes, "sweep": {"member": "no", "values": [1]}}
    wrong = parties.post("settlements:simulate", {"contract_year": 2, **body}, status=422)
    assert [(fault["code"], fault["pointer"]) for fault in wrong["errors"]] == [
        ("no_share", "/rules/at_risk_share"),
        ("unknown_measure", "/inputs/figures/1/measure"),
        ("unknown_month", "/inputs/figures/0/month"),
        ("outside_unit", "/inputs/figures/0"),
        ("unknown_member", "/sweep/member"),
        ("unknown_subcontract", "/changes/missing_subcontracts/0"),
        ("unknown_month", "/changes/figures/0/month"),
    ]


def test_as_many_inputs_as_a_large_year_has_are_looked_at(parties: Parties) -> None:
    returned = [{"numerator": number, "denominator": number} for number in range(50_000)]
    found = parties.post(
        "settlements:simulate", {"contract_year": 2, "rules": rules(2, "shadow"), "inputs": {"figures": returned}}, status=422
    )
    assert found["code"] != "malformed_json"


def test_what_is_lacking_has_its_place_where_it_was_sent_and_else_is_the_year_s(parties: Parties) -> None:
    """409 says that what stands does not do, and 422 that what was sent does not."""
    made = rules(2, "shadow") | {"gate": {}}
    asked: dict[str, Any] = {"contract_year": 2, "rules": made}
    zero = {"expected_cost": {"pence": 0, "source": "x"}}
    half = {"changes": {"actual_cost_pence": 1}}
    for body, status, places in (
        ({**asked, "inputs": {}}, 422, ["/inputs/expected_cost", "/inputs/actual_cost"]),
        ({**asked, "inputs": zero}, 422, ["/inputs/actual_cost", "/inputs/expected_cost/pence"]),
        ({**asked, "contract_year": 9}, 422, ["/rules/contract_year"]),
        ({"contract_year": 9}, 422, ["/contract_year"]),
        ({**asked, "inputs": {}, **half}, 422, ["/inputs/expected_cost"]),
    ):
        found = parties.post("settlements:simulate", body, status=status)
        assert [fault["pointer"] for fault in found["errors"]] == places
    assert parties.declare(9, status=422)["errors"][0]["pointer"] == "/contract_year"


def test_a_share_at_risk_is_a_share_or_one_for_each_year(parties: Parties) -> None:
    both = "A share from 0 to 1, or a list with one for each contract year."
    for said, detail in (("x", both), (None, both), ([], both), (2, "A share from 0 to 1.")):
        wrong = parties.post("settlement-rules", {"rules": {**rules(2, "shadow"), "at_risk_share": said}, "reason": "x"}, status=422)
        assert [(fault["pointer"], fault["detail"]) for fault in wrong["errors"]] == [("/rules/at_risk_share", detail)]


def test_what_looks_like_a_mistake_is_noted_and_allowed(parties: Parties) -> None:
    made = rules(2, "shadow")
    made["measures"][0] |= {"floor": 70, "target": 85}
    made["measures"][1] |= {"direction": "lower", "floor": 0.8, "target": 0.6}
    noted = [
        ("outside_unit", "/rules/measures/0/floor"),
        ("outside_unit", "/rules/measures/0/target"),
        ("direction", "/rules/measures/1/direction"),
    ]
    version = parties.post("settlement-rules", {"rules": made, "reason": "x"})
    assert [(note["code"], note["pointer"]) for note in version["notes"]] == noted
    assert parties.get(f"settlement-rules/2/{version['version']}").json()["notes"] == version["notes"]
    asked: dict[str, Any] = {"contract_year": 2, "rules": made, "changes": {"actual_cost_pence": 1, "expected_cost_pence": 1}}
    found = parties.post("settlements:simulate", asked, status=200)
    SimulationView.model_validate(found)
    assert [(note["code"], note["pointer"]) for note in found["notes"]] == noted
    changed = {**asked["changes"], "measures": [{"measure": "CWT-62", "target": 80}]}
    notes = parties.post("settlements:simulate", {**asked, "rules": rules(2, "shadow"), "changes": changed}, status=200)["notes"]
    assert [(note["code"], note["pointer"]) for note in notes] == [("outside_unit", "/changes/measures/0/target")]


@pytest.mark.usefixtures("refused")
def test_lists_come_in_pages_and_as_they_stood(parties: Parties) -> None:
    """Of the first year: costs that were stated several times, runs that were withdrawn, and one that stands."""
    for place, member in (("settlement-inputs", "inputs"), ("settlements", "settlements"), ("settlement-statements", "statements")):
        whole = parties.get(f"{place}?limit=200").json()
        assert whole["next"] is None
        assert parties.pages(f"{place}?limit=1", member) == whole[member] != []
    runs = parties.get("settlements?contract_year=1").json()["settlements"]
    declared = runs[1]["acts"][0]["at"]
    then = parties.get(f"settlements?contract_year=1&as_of={declared}").json()
    assert then["as_of"] == declared
    assert [(each["run"], each["state"]) for each in then["settlements"]] == [(1, "approved"), (2, "declared")]
    assert parties.get(f"settlements/1/2?as_of={declared}").json()["settlement"]["state"] == "declared"
    parties.get(f"settlements/1/3?as_of={declared}", status=404)
    issued = parties.get("settlement-statements", by="SC-RJE").json()["statements"]
    assert {each["party"] for each in issued} == {"subcontract.SC-RJE"}
    assert parties.get(f"settlement-statements?as_of={declared}", by="SC-RJE").json()["statements"] == []


def test_a_year_is_computed_without_holding_the_ledger(parties: Parties) -> None:
    """Who cannot settle is told while somebody else records; what moved while a run waited for that is computed again."""
    parties.agree(2, "shadow", actual=96_000_000, measures=[], gate={})
    programme = parties.programme
    with ThreadPoolExecutor(1) as beside, open_session(programme.database.engine, Tenant(PROGRAMME, "*", "*", "*")) as session:
        hold_ledger(session, PROGRAMME)
        assert {fault["code"] for fault in parties.declare(2, status=409)["errors"]} >= {"not_ended"}
        waiting = beside.submit(parties.declare, 2, "provisional")
        wait_until_somebody_waits(programme.database)
        key = InputKey(2, "actual_cost", ALL)
        actions.state_input(session, PROGRAMME, key, Decimal(90_000_000), source="Ledger", actor=MACHINE, now=programme.now)
        session.commit()
        assert waiting.result()["inputs"]["actual_cost"]["pence"] == 90_000_000


def wait_until_somebody_waits(database: Database) -> None:
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with database.engine.connect() as connection:
        for _ in range(500):
            if connection.execute(query).scalar_one():
                return
            connection.rollback()
            sleep(0.02)
    raise AssertionError("nobody waits for the ledger")
