"""What settling refuses, and what is withdrawn: a contract year is settled once, when it is over and published, on what still stands."""

from collections.abc import Iterator

import pytest

from tests.settlement.parties import Parties, served_parties
from tests.support.databases import Database


@pytest.fixture(scope="module")
def parties(module_database: Database) -> Iterator[Parties]:
    with served_parties(module_database) as found:
        found.send("2026-09")
        found.publish("2026-09")
        yield found


def test_a_year_is_settled_once_when_it_is_over_and_on_what_stands(parties: Parties) -> None:
    parties.agree(1, "shadow", actual=96_000_000, measures=[], gate={})
    parties.programme.at("2026-10-25T09:00")
    assert {fault["code"] for fault in parties.declare(1, status=422)["errors"]} == {"not_ended"}
    parties.send("2026-10")
    assert {fault["code"] for fault in parties.declare(1, status=422)["errors"]} == {"not_published"}
    parties.publish("2026-10")
    early = parties.declare(1, "provisional")["settlement"]["run"]
    parties.post(f"settlements/1/{early}/approval", by="two", status=200)
    run = parties.declare(1)["settlement"]["run"]
    assert parties.declare(1, status=409)["code"] == "settled_already"
    parties.state(1, "actual_cost", 97_000_000)
    path = f"settlements/1/{run}"
    assert parties.post(f"{path}/approval", by="two", status=409)["code"] == "overtaken"
    gone = parties.post(f"{path}/withdrawal", {"reason": "The cost was corrected."}, status=200)["settlement"]
    assert (gone["state"], gone["acts"][-1]["reason"]) == ("withdrawn", "The cost was corrected.")
    assert parties.post(f"{path}/approval", by="two", status=409)["code"] == "wrong_step"
    assert parties.post(f"{path}/withdrawal", {"reason": "Again."}, status=409)["code"] == "wrong_step"
    other_rules(parties)
    parties.settle(1)
    assert parties.post(f"settlements/1/{early}/finance-approval", by="finance", status=409)["code"] == "settled_already"


def test_a_cost_is_whole_pence_and_a_factor_one_of_the_rules(parties: Parties) -> None:
    body = {"contract_year": 2, "kind": "actual_cost", "code": "x", "value": 1.5, "source": "Ledger"}
    wrong = parties.post("settlement-inputs", body, status=422)
    assert [fault["code"] for fault in wrong["errors"]] == ["whole_pence", "code"]
    wrong = parties.post("settlement-inputs", body | {"kind": "factor"}, status=422)
    assert [fault["code"] for fault in wrong["errors"]] == ["unknown_factor"]


def test_a_year_that_is_switched_off_is_not_settled(parties: Parties) -> None:
    parties.agree(2, "off", actual=96_000_000)
    assert {fault["code"] for fault in parties.declare(2, "provisional", status=422)["errors"]} == {"switched_off"}


def other_rules(parties: Parties) -> None:
    """Rules approved after a run was declared overtake it."""
    run = parties.declare(1)["settlement"]["run"]
    parties.agree(1, "shadow", actual=97_000_000, measures=[], gate={}, at_risk_share=0.2)
    assert parties.post(f"settlements/1/{run}/approval", by="two", status=409)["code"] == "overtaken"
    parties.post(f"settlements/1/{run}/withdrawal", {"reason": "Other rules."}, status=200)
