"""A short programme of two trusts, served, as the people who settle it and its parties call it: each contract year has two months."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx

from app.kernel.canonical import sha256
from app.settlement.schemas import RulesVersionView, RunView, StatedInputView
from app.settlement.statement_schemas import StatementView
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
        code = who.removeprefix("head of ")
        reads, signs, party = (
            ("preparer", "approver", "subcontract") if code.startswith("SC-") else ("commissioner", "commissioner_lead", "commissioner")
        )
        return self.programme.key(reads if code == who else signs, programme=PROGRAMME, **{party: code})

    def post(self, path: str, body: Any = None, *, by: str = "one", status: int = 201) -> Any:
        answer = self.programme.web.post(f"{PATH}/{path}", body, key=self.by(by))
        assert answer.status_code == status, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def get(self, path: str, *, by: str = "one", status: int = 200) -> httpx.Response:
        answer = self.programme.web.get(f"{PATH}/{path}", key=self.by(by))
        assert answer.status_code == status, answer.text
        return answer

    def pages(self, path: str, member: str, *, by: str = "one") -> list[dict[str, Any]]:
        """All of a list, page by page, each of whose cursors is of this list alone."""
        found: list[dict[str, Any]] = []
        following: str | None = ""
        while following is not None:
            page = self.get(f"{path}{following and f'&cursor={following}'}", by=by).json()
            found += page[member]
            following = page["next"]
        return found

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

    def agree(self, contract_year: int, mode: str, *, actual: int, **other: Any) -> None:
        """Rules and costs of a year, each by two people."""
        made = self.post("settlement-rules", {"rules": rules(contract_year, mode) | other, "reason": "As agreed."})
        RulesVersionView.model_validate(made)
        path = f"settlement-rules/{contract_year}/{made['version']}/approval"
        assert self.post(path, status=409)["code"] == "same_person"
        assert self.post(path, by="two", status=200)["state"] == "approved"
        for kind, value in (("expected_cost", 100_000_000), ("actual_cost", actual)):
            self.state(contract_year, kind, value)

    def state(self, contract_year: int, kind: str, value: int) -> None:
        body = {"contract_year": contract_year, "kind": kind, "value": value, "source": "Ledger"}
        stated = self.post("settlement-inputs", body, by="finance")
        StatedInputView.model_validate(stated)
        self.post(f"settlement-inputs/{contract_year}/{kind}/{stated['number']}/approval", by="two", status=200)

    def declare(self, contract_year: int, kind: str = "final", *, status: int = 201) -> Any:
        return self.post("settlements", {"contract_year": contract_year, "kind": kind, "reason": "Complete."}, status=status)

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
        assert recompute(found["explanation"]) > 5 or found["statement"]["audience"] == "public"
        return found


@contextmanager
def served_parties(database: Database) -> Iterator[Parties]:
    """The programme served, without any return yet."""
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
