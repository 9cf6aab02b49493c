"""Two contract years settled: one in the shadow, the gate and its decision, one that pays, and a correction after it that is trued up.

The programme is short, its contract years have two months each: what happens in them is what happens in twelve.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import httpx
import pytest
from python_calamine import CalamineWorkbook

from app.kernel.canonical import sha256
from app.settlement.schemas import RulesVersionView, RunView, SimulationView, StatedInputView, StatementView
from tests.reports.conftest import PROGRAMME, Programme, acute, document, of_62, of_fds
from tests.settlement.recomputation import recompute
from tests.support.databases import Database
from tests.support.http import serving

PATH: Final = f"/v1/programmes/{PROGRAMME}"
TERM: Final = {
    "code": PROGRAMME,
    "name": "Small",
    "prime": "X9901",
    "starts_on": "2026-09-01",
    "ends_on": "2026-12-31",
    "contract_year_starts": "11-01",
}
GATE: Final = {"criteria": [{"criterion": "completeness", "threshold": "0.95", "months": 2}]}
PHASES: Final = [
    {"number": 1, "name": "Foundation", "from_month": "2026-09", "to_month": "2026-10", "payment": "shadow", "gate": GATE},
    {"number": 2, "name": "Outcomes", "from_month": "2026-11", "payment": "live"},
]
COLLECTION: Final = {
    "code": "cwt",
    "name": "Waiting times",
    "measures": ["CWT-62", "CWT-FDS"],
    "due": {"working_day": 5},
    "freeze": {"working_day": 10},
    "auto_accept": True,
}
REQUIREMENTS: Final = [
    {"measure": "CWT-62", "judged_on": "contract_year_to_date", "targets": [{"standard": 0.85}]},
    {"measure": "CWT-FDS", "judged_on": "month", "targets": [{"standard": 0.80}]},
]
ASSIGNED: Final = {"pathway": "cancer", "sites": ["lung"], "commissioners": ["05W", "05G"], "from_month": "2026-09"}
FROZEN: Final = {"2026-09": "2026-10-20T09:00", "2026-10": "2026-11-20T09:00", "2026-11": "2026-12-20T09:00", "2026-12": "2027-01-20T09:00"}


def rules(contract_year: int, mode: str) -> dict[str, Any]:
    return {
        "contract_year": contract_year,
        "title": "Outcomes, gain and loss share",
        "mode": mode,
        "annual_value_pence": 100_000_000,
        "at_risk_share": 0.10,
        "measures": [
            {"measure": "CWT-62", "weight": 0.6, "floor": 0.70, "target": 0.85},
            {"measure": "CWT-FDS", "weight": 0.4, "floor": 0.60, "target": 0.80},
        ],
        "gain_share": {"share": 0.5, "deadband": 0.01, "least_loss_rate": 0.4, "most_loss_rate": 0.75, "gain_cap": 0.05, "loss_cap": 0.03},
        "gate": {"quality": 0.1, "completeness": 0.9},
        "allocation": {
            "subcontracts": [
                {"subcontract": "SC-RJE", "gain": 0.55, "loss": 0.55},
                {"subcontract": "SC-RL4", "gain": 0.3, "protected": True},
            ],
            "commissioners": [{"commissioner": "05G", "share": 0.4}, {"commissioner": "05W", "share": 0.6}],
        },
    }


@dataclass
class Parties:
    """The programme as its people call it: two managers and finance settle, parties read."""

    programme: Programme

    def person(self, role: str, name: str) -> str:
        keys = self.programme.keys
        if name not in keys:
            keys[name] = self.programme.web.new_client(role, programme=PROGRAMME)[1]
        return keys[name]

    def by(self, who: str) -> str:
        roles = {"one": "contract_manager", "two": "contract_manager", "finance": "finance", "analyst": "analyst"}
        if who in roles:
            return self.person(roles[who], who)
        kind = "preparer" if who.startswith("SC-") else "commissioner"
        return self.programme.key(kind, programme=PROGRAMME, **{"subcontract" if kind == "preparer" else "commissioner": who})

    def post(self, path: str, body: Any = None, *, by: str = "one", status: int = 201) -> Any:
        answer = self.programme.web.post(f"{PATH}/{path}", body, key=self.by(by))
        assert answer.status_code == status, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def get(self, path: str, *, by: str = "one", status: int = 200) -> httpx.Response:
        answer = self.programme.web.get(f"{PATH}/{path}", key=self.by(by))
        assert answer.status_code == status, answer.text
        return answer

    def send(self, month: str, *, rje: tuple[int, int] = (40, 50), rl4: tuple[int, int] = (16, 20)) -> None:
        """Both trusts' returns of a month, which is then frozen."""
        self.programme.at(FROZEN[month].replace("-20T", "-02T"))
        for reference, (met, everyone) in (("SC-RJE", rje), ("SC-RL4", rl4)):
            self.programme.send(reference, month, acute(of_62("urgent", met, everyone), of_fds(70, 100, commissioner="05G")))
        self.programme.at(FROZEN[month])

    def publish(self, *months: str) -> None:
        for month in months:
            path = f"{PATH}/publications/drafts/{month}"
            key = self.by("analyst")
            tag = self.programme.web.get(path, key=key).headers.get("ETag")
            edited = self.programme.web.put(path, {"commentary": ""}, key=key, headers={"If-Match": tag} if tag else {"If-None-Match": "*"})
            assert edited.status_code in {200, 201}, edited.text
            self.post(f"publications/drafts/{month}/check", {"inputs_sha256": edited.json()["inputs_sha256"]}, status=200)
            self.post("publications", {"month": month, "reason": "Complete."})

    def agree(self, contract_year: int, mode: str, *, actual: int) -> None:
        """Rules and costs of a year, each by two people."""
        made = self.post("settlement-rules", {"rules": rules(contract_year, mode), "reason": "As agreed."})
        RulesVersionView.model_validate(made)
        path = f"settlement-rules/{contract_year}/{made['version']}/approval"
        assert self.post(path, status=409)["code"] == "same_person"
        assert self.post(path, by="two", status=200)["state"] == "approved"
        for kind, value in (("expected_cost", 100_000_000), ("actual_cost", actual)):
            body = {"contract_year": contract_year, "kind": kind, "value": value, "source": "Ledger"}
            stated = self.post("settlement-inputs", body, by="finance")
            StatedInputView.model_validate(stated)
            self.post(f"settlement-inputs/{contract_year}/{kind}/{stated['number']}/approval", by="two", status=200)

    def settle(self, contract_year: int) -> dict[str, Any]:
        """A final run, passed by three people; and that no two of the acts are one's."""
        made: dict[str, Any] = self.post("settlements", {"contract_year": contract_year, "kind": "final", "reason": "Complete."}, by="one")
        RunView.model_validate(made)
        path = f"settlements/{contract_year}/{made['settlement']['run']}"
        assert self.post(f"{path}/finance-approval", by="finance", status=409)["code"] == "wrong_step"
        assert self.post(f"{path}/approval", by="one", status=409)["code"] == "same_hand"
        self.get(f"{path}/statement", by="SC-RJE", status=404)
        self.post(f"{path}/approval", by="two", status=200)
        passed: dict[str, Any] = self.post(f"{path}/finance-approval", by="finance", status=200)
        assert passed["settlement"]["stands"] is True
        return passed

    def statement(self, contract_year: int, *, by: str, query: str = "") -> dict[str, Any]:
        answer = self.get(f"settlements/{contract_year}/1/statement{query}", by=by)
        found: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
        StatementView.model_validate(found)
        assert answer.headers["X-Statement-SHA256"] == sha256(answer.content)
        assert recompute(found["explanation"]) > 5
        return found


@pytest.fixture
def parties(database: Database) -> Iterator[Parties]:
    programmes: list[Programme] = []
    with serving(database, clock=lambda: programmes[0].now) as web:
        programmes.append(Programme(database, web))
        own = document()
        subcontracts = [line for line in own["subcontracts"] if line["reference"] in {"SC-RJE", "SC-RL4"}]
        programmes[0].configure(
            programme=TERM,
            phases=PHASES,
            measures=["CWT-FDS", "CWT-62"],
            pathways=[{**own["pathways"][0], "segments": own["pathways"][0]["segments"][:2]}],
            collections=[COLLECTION],
            requirements=REQUIREMENTS,
            subcontracts=[{**line, "starts_on": "2026-09-01", "ends_on": "2026-12-31"} for line in subcontracts],
            assignments=[
                {"subcontract": reference, "segment": segment, "expected_volume": volume, **ASSIGNED}
                for reference, volume in (("SC-RJE", 60), ("SC-RL4", 30))
                for segment in ("diagnosis", "treatment")
            ],
        )
        yield Parties(programmes[0])


def test_two_years(parties: Parties) -> None:
    a_shadow_year(parties)
    the_gate_and_its_decision(parties)
    a_live_year(parties)
    what_would_be(parties)
    a_dispute(parties)
    a_late_correction(parties)


def a_shadow_year(parties: Parties) -> None:
    parties.send("2026-09")
    parties.send("2026-10", rje=(42, 50))
    parties.publish("2026-09")
    assert parties.post("settlements", {"contract_year": 1, "kind": "final", "reason": "x"}, status=409)["code"] == "no_rules"
    parties.agree(1, "shadow", actual=96_000_000)
    early = parties.post("settlements", {"contract_year": 1, "kind": "final", "reason": "x"}, status=422)
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
    parties.settle(2)
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
    parties.post("settlements/2/1/disputes/resolution", line, status=200)
    assert parties.statement(2, by="SC-RJE")["totals"][0]["suspended_pence"] == 0


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
    everyone = parties.statement(2, by="finance")
    assert sum(total["payable_pence"] for total in everyone["totals"]) == 0
    assert everyone["true_ups"][0]["made_on"] == "2027-02-21"
    assert parties.get("settlements/2/1").json()["settlement"]["amounts"]["subcontract.SC-RJE"]["gain"] == before
