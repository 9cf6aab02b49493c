"""Two contract years settled: one in the shadow, the gate and its decision, one that pays, and a correction after it that is trued up.

The programme is short, its contract years have two months each: what happens in them is what happens in twelve.
"""

import csv
import io
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from app.kernel.canonical import sha256
from app.settlement.schemas import SimulationView
from app.settlement.statement_schemas import DisputedLinesView, DisputedLineView
from app.settlement.statements import walk
from tests.reports.conftest import acute, of_62, of_fds
from tests.settlement.parties import PATH, Parties, rules, served_parties
from tests.settlement.recomputation import recompute
from tests.support.databases import Database


@pytest.fixture
def parties(database: Database) -> Iterator[Parties]:
    with served_parties(database) as found:
        yield found


def test_two_years(parties: Parties) -> None:
    a_shadow_year(parties)
    the_gate_and_its_decision(parties)
    a_live_year(parties)
    what_would_be(parties)
    a_dispute(parties)
    a_party_s_own_dispute(parties)
    a_commissioner_s_dispute(parties)
    a_late_correction(parties)


def a_shadow_year(parties: Parties) -> None:
    parties.send("2026-09")
    parties.send("2026-10", rje=(42, 50))
    parties.publish("2026-09")
    assert parties.post("settlements", {"contract_year": 1, "kind": "final", "reason": "x"}, status=409)["code"] == "no_rules"
    parties.agree(1, "shadow", actual=96_000_000)
    early = parties.post("settlements", {"contract_year": 1, "kind": "final", "reason": "x"}, status=409)
    assert {fault["code"] for fault in early["errors"]} == {"not_published"}
    parties.publish("2026-10")
    run = parties.settle(1)
    result = run["result"]
    # 62-day over the year: (40 + 16 + 42 + 16) of 140, from 0.70 to 0.85; FDS each month 0.70, from 0.60 to 0.80.
    assert Fraction(result["measures"][0]["score"]) == (Fraction(114, 140) - Fraction("0.70")) / Fraction("0.15")
    assert result["measures"][1]["score"] == "0.5"
    assert sum(line["pence"] for line in result["lines"]) == 0
    assert run["settlement"]["publications"] == sorted(set(run["settlement"]["publications"]))
    assert recompute(result["explanation"]) > 50
    for by in ("SC-RJE", "05W", "one"):
        found = parties.statement(1, by=by)
        assert found["statement"]["notice"].startswith("SHADOW")
        assert {total["payable_pence"] for total in found["totals"]} == {0}
    assert "pence" not in json.dumps(parties.statement(1, by="05W", query="?party=public"), default=str)
    parties.get("settlements/1/1/statement?party=subcontract.SC-RL4", by="SC-RJE", status=404)
    parties.get("settlements/1/1/statement?party=integrator", by="05W", status=404)
    parties.get("settlements/1/1", by="SC-RJE", status=403)
    files_of_the_shadow(parties)


def files_of_the_shadow(parties: Parties) -> None:
    table = parties.get("settlements/1/1/statement?format=csv", by="SC-RJE")
    assert "SHADOW-NOT-PAYABLE" in table.headers["Content-Disposition"]
    assert all(row["notice"].startswith("SHADOW") for row in csv.DictReader(io.StringIO(table.text)))
    book = parties.get("settlements/1/1/statement?format=xlsx", by="SC-RJE")
    assert "SHADOW-NOT-PAYABLE" in book.headers["Content-Disposition"]
    assert all(name.startswith("SHADOW") for name in CalamineWorkbook.from_filelike(io.BytesIO(book.content)).sheet_names)


def the_gate_and_its_decision(parties: Parties) -> None:
    parties.agree(2, "live", actual=94_000_000)
    assert parties.post("settlements", {"contract_year": 2, "kind": "final", "reason": "x"}, status=409)["code"] == "not_live"
    gate = parties.get("phases/1/gate")
    assert gate.json()["met"] is True
    evidence = {"evidence_as_of": gate.json()["as_of"], "evidence_sha256": sha256(gate.content)}
    parties.post("phases/1/decision", {"decision": "move_on", "from_month": "2026-11", "reason": "Met.", "conditions": [], **evidence})
    parties.post("phases/1/decision/approval", {"number": 1}, by="two", status=200)


def a_live_year(parties: Parties) -> None:
    parties.send("2026-11")
    parties.send("2026-12")
    parties.publish("2026-11", "2026-12")
    assert parties.settle(2)["result"]["payable"] is True
    everyone = parties.statement(2, by="one")
    assert everyone["statement"]["notice"].startswith("LIVE")
    assert sum(total["payable_pence"] for total in everyone["totals"]) == 0
    own = parties.statement(2, by="SC-RJE")
    assert {line["party"] for line in own["lines"]} == {"subcontract.SC-RJE"}
    assert own["totals"][0]["payable_pence"] > 0
    assert "SC-RL4" not in json.dumps(own, default=str)
    name = parties.get("settlements/2/1/statement?format=xlsx", by="SC-RJE").headers["Content-Disposition"]
    assert "NOT-PAYABLE" not in name
    assert parties.post("settlements", {"contract_year": 2, "kind": "final", "reason": "x"}, status=409)["code"] == "settled_already"
    again = {"rules": rules(2, "live"), "reason": "Other rules."}
    assert parties.post("settlement-rules", again, status=409)["code"] == "settled_already"
    figures = parties.get("settlements/2/1").json()["inputs"]["figures"]
    assert {each["status"] for each in figures} == {"final"}
    sources = parties.get(figures[0]["source"]["cells"].removeprefix(f"{PATH}/")).json()
    assert sources["cells"]
    assert sources["row"]["numerator"] == figures[0]["numerator"]
    down_to_the_cells(parties)


def down_to_the_cells(parties: Parties) -> None:
    """The integrator's pounds lead to the cells of every return, a party's to its own and to the rows that it may read."""
    everyone = parties.statement(2, by="finance")
    nodes = [node for node in walk(everyone["explanation"]) if node["source"] and node["source"]["kind"] == "return"]
    # Two measures of two trusts in two months, by both of their counts.
    assert len(nodes) == 16
    for node in nodes:
        assert Fraction(node["value"]) == sum_of_cells(parties, node["source"], node["name"].partition(".")[0], by="finance")
    for by, own in (("SC-RJE", {"SC-RJE"}), ("05W", set()), ("finance", {"SC-RJE", "SC-RL4"})):
        figures = parties.statement(2, by=by)["figures"]
        assert [(each["measure"], each["month"]) for each in figures] == [
            ("CWT-62", "2026-12"),
            ("CWT-FDS", "2026-11"),
            ("CWT-FDS", "2026-12"),
        ]
        for each in figures:
            (row,) = parties.get(each["row"].removeprefix(f"{PATH}/"), by=by).json()["observations"]
            assert row["subcontract"] == ("all" if by != "SC-RJE" else "SC-RJE")
            assert {part["subcontract"] for part in each["returns"]} == own
            for count in ("numerator", "denominator"):
                told = [Fraction(part[count]) for part in each["returns"]]
                assert told == [sum_of_cells(parties, {**part, "measure": each["measure"]}, count, by=by) for part in each["returns"]]
                assert not own or sum(told) == row[count]


def sum_of_cells(parties: Parties, said: dict[str, Any], count: str, *, by: str) -> Fraction:
    """What the cells of a revision come to, read where an explanation says."""
    revision = parties.get(said["cells"].removeprefix(f"{PATH}/"), by=by).json()
    assert (revision["content_sha256"], revision["revision"]) == (said["content_sha256"], said["revision"])
    return sum((Fraction(cell[count]) for cell in revision["cells"] if cell["measure"] == said["measure"]), Fraction(0))


def what_would_be(parties: Parties) -> None:
    body = {
        "contract_year": 2,
        "changes": {"missing_subcontracts": ["SC-RL4"]},
        "sweep": {"of": "gain_share", "member": "share", "values": [0, 0.5, 1]},
    }
    found = parties.post("settlements:simulate", body, status=200)
    SimulationView.model_validate(found)
    assert sum(found["difference_pence"].values()) == 0
    assert recompute(found["after"]["explanation"]) > 50
    totals = [each["total_pence"] for each in found["sweep"]]
    assert totals == sorted(totals)
    wrong = parties.post("settlements:simulate", {"contract_year": 2, "changes": {"missing_subcontracts": ["NO"]}}, status=422)
    assert [fault["code"] for fault in wrong["errors"]] == ["unknown_subcontract"]
    assert len(parties.get("settlements?contract_year=2").json()["settlements"]) == 1


def a_dispute(parties: Parties) -> None:
    line = {"party": "subcontract.SC-RJE", "element": "gain", "reason": "A transfer is counted twice."}
    parties.post("settlements/2/1/disputes", line)
    held = parties.statement(2, by="SC-RJE")["totals"][0]
    assert (held["payable_pence"], held["suspended_pence"]) == (0, held["pence"])
    assert parties.post("settlements/2/1/disputes", line, status=422)["code"] == "invalid"
    (said,) = parties.statement(2, by="SC-RJE")["disputes"]
    assert (said["element"], said["reason"]) == ("gain", line["reason"])
    ended = {**line, "reason": "It was not."}
    assert parties.post("settlements/2/1/disputes/resolution", ended, status=409)["code"] == "same_person"
    (kept,) = parties.post("settlements/2/1/disputes/resolution", ended, by="two", status=200)["disputes"]
    assert (kept["reason"], kept["resolution"]) == (line["reason"], "It was not.")
    assert parties.statement(2, by="SC-RJE")["totals"][0]["suspended_pence"] == 0


def a_party_s_own_dispute(parties: Parties) -> None:
    path, line = "settlements/2/1/statement/disputes", {"element": "gain", "reason": "A transfer of May is counted twice."}
    parties.post(path, line, by="SC-RJE", status=403)
    parties.post(path, line, by="one", status=403)
    parties.post("settlements/1/9/statement/disputes", line, by="head of SC-RJE", status=404)
    wrong = parties.post(path, {**line, "element": "consequences"}, by="head of SC-RJE", status=422)
    assert [fault["code"] for fault in wrong["errors"]] == ["unknown_line"]
    places = ("settlements/2/1/statement", "settlements/2/1/statement?party=public")
    before = [parties.get(place, by="SC-RL4").content for place in places]
    made = parties.post(path, line, by="head of SC-RJE")
    DisputedLineView.model_validate(made)
    assert (made["party"], made["by_party"], made["answer"]) == ("subcontract.SC-RJE", True, None)
    held = parties.statement(2, by="SC-RJE")["totals"][0]
    assert (held["payable_pence"], held["suspended_pence"]) == (0, held["pence"])
    assert before == [parties.get(place, by="SC-RL4").content for place in places]
    assert parties.get("settlement-disputes", by="SC-RL4").json()["disputes"] == []
    assert parties.get("settlement-disputes", by="05W").json()["disputes"] == []
    (told,) = parties.statement(2, by="05W")["disputes"]
    assert (told["party"], told["reason"], told["answer"]) == (None, None, None)
    named = {"party": "subcontract.SC-RJE", "element": "gain"}
    parties.post("settlements/2/1/disputes/answer", {**named, "answer": "x"}, by="head of SC-RJE", status=403)
    first, second = parties.post("settlements/2/1/disputes/answer", {**named, "answer": "We ask the trust."}, status=200)["disputes"]
    assert (first["number"], first["by_party"], first["resolution"]) == (1, False, "It was not.")
    assert (second["number"], second["by_party"], second["resolution"], second["opened_at"]) == (2, True, None, made["opened_at"])
    (read,) = parties.statement(2, by="SC-RJE")["disputes"]
    assert (read["reason"], read["answer"]) == (line["reason"], "We ask the trust.")
    parties.post("settlements/2/1/disputes/resolution", {**named, "reason": "It was counted once."}, status=200)
    answered = parties.get("settlement-disputes", by="SC-RJE").json()
    DisputedLinesView.model_validate(answered)
    before_it, ended = answered["disputes"]
    assert (before_it["number"], before_it["answer"], before_it["resolution"]) == (1, None, "It was not.")
    assert [each["number"] for each in parties.pages("settlement-disputes?limit=1", "disputes", by="SC-RJE")] == [1, 2]
    assert (ended["answer"], ended["resolution"], ended["reason"]) == ("We ask the trust.", "It was counted once.", line["reason"])
    assert parties.statement(2, by="SC-RJE")["totals"][0]["suspended_pence"] == 0
    then = parties.get(f"settlement-disputes?as_of={made['opened_at']}", by="SC-RJE").json()["disputes"]
    assert [(each["number"], each["answer"], each["resolution"]) for each in then] == [(1, None, "It was not."), (2, None, None)]
    held_then = parties.statement(2, by="SC-RJE", query=f"?as_of={made['opened_at']}")["totals"][0]
    assert held_then == held


def a_commissioner_s_dispute(parties: Parties) -> None:
    path, line = "settlements/2/1/statement/disputes", {"element": "fixed_fee", "reason": "The fee was agreed at less."}
    untold = [parties.get("settlements/2/1/statement", by=who).content for who in ("SC-RJE", "SC-RL4")]
    assert parties.post(path, line, by="head of 05W")["party"] == "commissioner.05W"
    assert untold == [parties.get("settlements/2/1/statement", by=who).content for who in ("SC-RJE", "SC-RL4")]
    assert parties.get("settlement-disputes", by="05G").json()["disputes"] == []
    (fee,) = [each for each in parties.statement(2, by="05W")["lines"] if each["element"] == "fixed_fee"]
    assert (fee["payable_pence"], fee["suspended_pence"]) == (0, fee["pence"])
    ours = parties.statement(2, by="finance")
    assert [(each["party"], each["reason"]) for each in ours["disputes"]] == [("commissioner.05W", line["reason"])]
    assert sum(each["suspended_pence"] for each in ours["totals"]) == 0
    parties.post("settlements/2/1/disputes/resolution", {"party": "commissioner.05W", **line}, by="two", status=200)


def a_late_correction(parties: Parties) -> None:
    nothing = parties.post("settlements/2/1/true-ups", {"reason": "x"}, status=409)
    assert nothing["code"] == "nothing_to_true_up"
    before = parties.statement(2, by="SC-RJE")["totals"][0]["payable_pence"]
    leave = {"reason": "Two treatments were late after all.", "expires_at": "2027-02-20T00:00:00Z"}
    parties.post("returns/cwt/SC-RJE/2026-12/reopening", leave)
    corrected = acute(of_62("urgent", 36, 50), of_fds(70, 100, commissioner="05G"))
    parties.programme.send("SC-RJE", "2026-12", corrected)
    parties.programme.at("2027-02-21T09:00")
    parties.publish("2026-12")
    made = parties.post("settlements/2/1/true-ups", {"reason": "The corrected return of December."})
    assert made["true_ups"][0]["causes"][0].startswith("The figure of CWT-62 for 2026-12 was 112/140 and is 108/140")
    assert parties.post("settlements/2/1/true-ups", {"reason": "x"}, status=409)["code"] == "wrong_step"
    assert parties.statement(2, by="SC-RJE")["totals"][0]["payable_pence"] == before
    parties.post("settlements/2/1/true-ups/1/approval", by="two", status=200)
    parties.post("settlements/2/1/true-ups/1/finance-approval", by="finance", status=200)
    own = parties.statement(2, by="SC-RJE")
    assert own["totals"][0]["payable_pence"] < before
    assert own["true_ups"][0]["lines"][0]["pence"] == own["totals"][0]["pence"] - before
    assert not any(counts in json.dumps(own, default=str) for counts in ('"112"', '"140"', "112/140", "108/140"))
    whole = parties.get("settlements/2/1/true-ups/1").json()
    assert recompute(whole["result"]["explanation"]) > 50
    everyone = parties.statement(2, by="finance")
    assert everyone["summary"]["quality"] == whole["result"]["quality"]
    assert recompute(everyone["true_ups"][0]["explanation"]) > 50
    assert sum(total["payable_pence"] for total in everyone["totals"]) == 0
    assert everyone["true_ups"][0]["made_on"] == "2027-02-21"
    assert parties.get("settlements/2/1").json()["settlement"]["amounts"]["subcontract.SC-RJE"]["gain"] == before
