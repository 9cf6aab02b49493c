"""Gates, decisions by two people and baselines over HTTP: figures of a real month, who may decide, and what cites what."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.kernel.canonical import sha256
from app.kernel.moments import moment_text
from app.phases.schemas import BaselinesView, DecisionsView, DecisionView, GateView
from tests.reports.conftest import Programme, running, send_october
from tests.support.databases import Database

PHASES = "/v1/programmes/small/phases"
GATE = {
    "criteria": [
        {"criterion": "completeness", "threshold": "0.95", "months": 1},
        {"criterion": "timeliness", "threshold": "0.75", "months": 1},
        {"criterion": "validity", "threshold": 1, "months": 1},
        {"criterion": "coverage", "threshold": "0.95", "months": 1, "measures": ["CWT-62", "CWT-FDS"]},
        {"criterion": "baselines_agreed", "threshold": 1, "measures": ["CWT-62"]},
    ]
}
LINES = [
    {"number": 1, "name": "Foundation", "to_month": "2026-11", "gate": GATE},
    {"number": 2, "name": "Transformation", "from_month": "2026-12", "payment": "live"},
]
AGREED = {"measures": ["CWT-62"], "commissioner": "QNC", "agreed_on": "2026-11-30", "document_sha256": "a" * 64}


@pytest.fixture
def own(database: Database) -> Iterator[Programme]:
    with running(database) as programme:
        programme.configure(phases=LINES)
        yield send_october(programme)


@pytest.fixture(scope="module")
def shared(module_database: Database) -> Iterator[Programme]:
    """The same, for tests whose requests are refused or hold whoever made some before."""
    with running(module_database) as programme:
        programme.configure(phases=LINES)
        yield send_october(programme)


def key(own: Programme, role: str = "contract_manager", name: str = "", **scope: str) -> str:
    """A client of the programme; another `name`, another person."""
    if not name:
        return own.key(role, programme="small", **scope)
    if name not in own.keys:
        own.keys[name] = own.web.new_client(role, programme="small")[1]
    return own.keys[name]


def gate(own: Programme, **query: str) -> httpx.Response:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = own.web.get(f"{PHASES}/1/gate?{asked}", key=key(own))
    assert answer.status_code == 200, answer.text
    return answer


def proposal(answer: httpx.Response, **changes: Any) -> dict[str, Any]:
    evidence = {"evidence_as_of": answer.json()["as_of"], "evidence_sha256": sha256(answer.content)}
    return {"decision": "move_on", "from_month": "2026-12", "reason": "Everything is there.", **evidence, **changes}


def propose(own: Programme, *, by: str = "one", **changes: Any) -> httpx.Response:
    return own.web.post(f"{PHASES}/1/decision", proposal(gate(own), **changes), key=key(own, name=by))


def approve(own: Programme, number: int = 1, *, by: str = "two") -> httpx.Response:
    return own.web.post(f"{PHASES}/1/decision/approval", {"number": number}, key=key(own, name=by))


def phase_of(own: Programme, month: str, **query: str) -> int:
    number: int = own.ask(month, **query)["report"]["phase"]
    return number


def test_a_gate_tells_each_criterion_with_who_is_failing_since_when(own: Programme) -> None:
    answer = gate(own)
    GateView.model_validate(json.loads(answer.content, parse_float=Decimal))
    told = answer.json()
    assert answer.headers["ETag"] == f'"{sha256(answer.content)}"'
    assert (told["met"], told["next_phase"], told["planned_month"], told["undecided_month"]) == (False, 2, "2026-12", None)
    assert gate(own, as_of=moment_text(own.now)).json()["undecided_month"] == "2026-12"
    by_name = {row["criterion"]: row for row in told["criteria"]}
    assert {(row["from_month"], row["to_month"]) for row in told["criteria"]} == {("2026-10", "2026-10"), (None, None)}
    owed = {
        (collection, subcontract): len(
            own.web.get(f"/v1/programmes/small/returns/{collection}/{subcontract}/2026-10", key=key(own)).json()["expected_cells"]
        )
        for collection, subcontract in (
            ("cwt", "SC-RJE"),
            ("cwt", "SC-RL4"),
            ("cwt", "SC-RNA"),
            ("care", "SC-RRE"),
            ("care", "SC-H9901"),
        )
    }
    complete = by_name["completeness"]
    missing = owed["cwt", "SC-RNA"] + 1
    assert (complete["numerator"], complete["denominator"], complete["met"]) == (sum(owed.values()) - missing, sum(owed.values()), False)
    assert [(row["subcontract"], row["since"]) for row in complete["failing"]] == [("SC-RNA", "2026-10")]
    timely = by_name["timeliness"]
    assert (timely["numerator"], timely["denominator"], timely["value"], timely["met"]) == (4, 5, 0.8, True)
    assert [row["subcontract"] for row in timely["failing"]] == ["SC-RNA"]
    assert (by_name["validity"]["met"], by_name["validity"]["failing"]) == (True, [])
    # 60, 30 and 10 patients a month in two segments each; RL4 has a gap, RNA sent nothing.
    assert (by_name["coverage"]["numerator"], by_name["coverage"]["denominator"], by_name["coverage"]["value"]) == (120, 200, 0.6)
    assert [row["subcontract"] for row in by_name["coverage"]["failing"]] == ["SC-RL4", "SC-RNA"]
    assert [row["measure"] for row in by_name["baselines_agreed"]["failing"]] == ["CWT-62"]


def test_the_same_question_has_the_same_bytes_for_ever(own: Programme) -> None:
    before = gate(own)
    moment = before.json()["as_of"]
    own.at("2026-12-02T09:00")
    own.web.post(f"{PHASES}/1/baselines", AGREED, key=key(own))
    own.configure(phases=[{**LINES[0], "gate": None}, LINES[1]])
    assert gate(own, as_of=moment).content == before.content
    assert gate(own).json()["met"] is None
    asked = own.web.get(f"{PHASES}/1/gate?as_of={moment_text(own.now + timedelta(days=1))}", key=key(own))
    assert asked.status_code == 422


def test_two_people_move_the_programme_on(own: Programme) -> None:
    made = propose(own)
    assert (made.status_code, made.headers["Location"]) == (201, f"{PHASES}/1/decision")
    DecisionView.model_validate_json(made.content)
    assert (made.json()["state"], made.json()["to_phase"], made.json()["approved_by"]) == ("proposed", 2, None)
    assert phase_of(own, "2026-12") == 1
    same = approve(own, by="one")
    assert (same.status_code, same.json()["code"]) == (409, "same_person")
    before = own.now
    own.at("2026-12-03T09:00")
    approved = approve(own)
    assert (approved.status_code, approved.json()["state"], approved.json()["approved_at"]) == (200, "approved", moment_text(own.now))
    assert [phase_of(own, month) for month in ("2026-11", "2026-12", "2027-12")] == [1, 2, 2]
    assert phase_of(own, "2026-12", as_of=moment_text(before)) == 1
    found = own.web.get(f"{PHASES}/1/decision", key=key(own))
    DecisionsView.model_validate_json(found.content)
    assert found.json() == {
        "programme": "small",
        "phase": 1,
        "planned_month": "2026-12",
        "undecided_month": None,
        "decisions": [approved.json()],
    }
    assert approve(own).json()["code"] == "nothing_proposed"
    again = propose(own, by="one", from_month="2027-02")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_phase")
    gone = own.web.get("/v1/programmes/small/configuration", key=key(own, "administrator"))
    body = {**gone.json(), "phases": gone.json()["phases"][:1]}
    refused = own.web.put(
        "/v1/programmes/small/configuration", body, key=key(own, "administrator"), headers={"If-Match": gone.headers["ETag"]}
    )
    assert [fault["code"] for fault in refused.json()["errors"]] == ["phase_decided"]


def test_evidence_is_what_the_gate_answered_at_that_moment(own: Programme) -> None:
    for changes in ({"evidence_sha256": "0" * 64}, {"evidence_as_of": moment_text(own.now - timedelta(days=1))}):
        refused = propose(own, **changes)
        assert (refused.status_code, refused.json()["code"]) == (422, "evidence_differs")
    assert propose(own, evidence_as_of=moment_text(own.now + timedelta(days=1))).json()["code"] == "as_of_in_future"
    earlier = gate(own)
    own.at("2026-12-02T09:00")
    own.web.post(f"{PHASES}/1/baselines", AGREED, key=key(own))
    named = {"evidence_sha256": earlier.json()["evidence_sha256"]}
    assert own.web.post(f"{PHASES}/1/decision", proposal(earlier, **named), key=key(own)).status_code == 201
    # The ETag is another digest of the same answer, and may be cited too.
    cited = own.web.post(f"{PHASES}/1/decision", proposal(earlier), key=key(own))
    assert (cited.status_code, cited.json()["evidence_as_of"]) == (201, earlier.json()["as_of"])


def test_a_proposal_takes_the_place_of_one_that_waits(own: Programme, database: Database) -> None:
    assert propose(own).json()["number"] == 1
    other = propose(own, by="two", decision="stay", reason="Two returns are missing.")
    assert (other.json()["number"], other.json()["to_phase"]) == (2, 1)
    assert approve(own, 1, by="three").status_code == 409
    assert approve(own, 2, by="one").status_code == 200
    assert phase_of(own, "2026-12") == 1
    assert gate(own).json()["as_of"] >= "2026-12-01"
    assert gate(own).json()["undecided_month"] is None
    moved = propose(own, decision="move_on_with_conditions", conditions=["RNA sends its returns."], from_month="2027-02")
    assert (moved.status_code, approve(own, 3).status_code) == (201, 200)
    assert [phase_of(own, month) for month in ("2027-01", "2027-02")] == [1, 2]
    with database.superuser_engine.connect() as connection:
        query = "SELECT action, subject->>'decision', details->>'decision' FROM events WHERE action LIKE 'phase.%' ORDER BY sequence"
        events = [tuple(row) for row in connection.execute(text(query))]
    assert events == [
        ("phase.decision_proposed", "1", "move_on"),
        ("phase.decision_proposed", "2", "stay"),
        ("phase.decision_approved", "2", "stay"),
        ("phase.decision_proposed", "3", "move_on_with_conditions"),
        ("phase.decision_approved", "3", "move_on_with_conditions"),
    ]


def test_a_decision_that_a_later_one_took_the_place_of_says_so(own: Programme) -> None:
    assert (propose(own, from_month="2027-02").status_code, approve(own, 1).status_code) == (201, 200)
    assert propose(own, decision="stay", from_month="2027-01").json()["overtaken_by"] is None
    told = own.web.get(f"{PHASES}/1/decision", key=key(own))
    assert [each["overtaken_by"] for each in told.json()["decisions"]] == [None, None], "a proposal takes nothing's place"
    assert approve(own, 2).status_code == 200
    told = own.web.get(f"{PHASES}/1/decision", key=key(own))
    assert [(each["number"], each["state"], each["overtaken_by"]) for each in told.json()["decisions"]] == [
        (1, "approved", 2),
        (2, "approved", None),
    ]


def test_a_move_that_has_begun_is_not_taken_back(own: Programme) -> None:
    """Staying undoes what lies ahead only, when it is proposed and when it is approved."""
    assert (propose(own, from_month="2027-01").status_code, approve(own).status_code) == (201, 200)
    waits = propose(own, decision="stay", from_month="2027-01")
    assert waits.status_code == 201
    own.at("2027-01-01T09:00")
    assert [approve(own, 2).json()["code"], propose(own, decision="stay", from_month="2026-12").json()["code"]] == ["wrong_phase"] * 2
    assert phase_of(own, "2027-01") == 2


def test_a_proposal_leads_to_the_phase_that_still_follows(own: Programme) -> None:
    third = {"number": 3, "name": "Sustaining", "from_month": "2030-12"}
    lines = [LINES[0], {**LINES[1], "to_month": "2030-11"}, third]
    own.configure(phases=lines)
    made = propose(own)
    assert made.json()["to_phase"] == 2
    path, admin = "/v1/programmes/small/configuration", key(own, "administrator")
    stood = own.web.get(path, key=admin)
    without = {**stood.json(), "phases": [line for line in stood.json()["phases"] if line["number"] != 2]}
    refused = own.web.put(path, without, key=admin, headers={"If-Match": stood.headers["ETag"]})
    assert [(fault["code"], fault["pointer"]) for fault in refused.json()["errors"]] == [("phase_decided", "/phases")]
    assert propose(own, decision="stay").status_code == 201
    own.configure(phases=[LINES[0], third])
    assert propose(own).json()["to_phase"] == 3
    own.configure(phases=lines)
    other = approve(own, 3)
    assert (other.status_code, other.json()["code"], phase_of(own, "2026-12")) == (409, "wrong_phase", 1)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"decision": "move"}, "/decision"),
        ({"decision": "move_on_with_conditions"}, ""),
        ({"conditions": ["One."]}, ""),
        ({"from_month": "2026-06"}, "/from_month"),
        ({"from_month": "2036-07"}, "/from_month"),
        ({"evidence_sha256": "x"}, "/evidence_sha256"),
        ({"evidence_as_of": "yesterday"}, "/evidence_as_of"),
        ({"reason": " "}, "/reason"),
    ],
)
def test_what_is_no_decision_is_refused(shared: Programme, changes: dict[str, Any], pointer: str) -> None:
    refused = propose(shared, **changes)
    assert (refused.status_code, [fault["pointer"] for fault in refused.json()["errors"]]) == (422, [pointer])


def test_the_last_phase_is_not_left_and_unknown_ones_are_not_there(own: Programme) -> None:
    own.configure(phases=LINES[:1])
    assert propose(own).json()["code"] == "wrong_phase"
    assert propose(own, decision="stay").status_code == 201
    for path in ("gate", "decision", "baselines"):
        assert own.web.get(f"{PHASES}/2/{path}", key=key(own)).status_code == 404
        assert own.web.get(f"{PHASES}/x/{path}", key=key(own)).status_code == 422
    assert own.web.post(f"{PHASES}/2/decision/approval", {"number": 1}, key=key(own)).status_code == 404


def test_baselines_are_agreed_replaced_and_read_as_they_stood(own: Programme) -> None:
    before = own.now
    own.at("2026-12-02T09:00")
    made = own.web.post(f"{PHASES}/1/baselines", AGREED, key=key(own))
    assert (made.status_code, made.headers["Location"]) == (201, f"{PHASES}/1/baselines")
    BaselinesView.model_validate_json(made.content)
    assert gate(own).json()["criteria"][0] | {"failing": None} == {
        "criterion": "baselines_agreed",
        "threshold": 1,
        "months": None,
        "measures": ["CWT-62"],
        "from_month": None,
        "to_month": None,
        "numerator": 1,
        "denominator": 1,
        "value": 1,
        "met": True,
        "why": None,
        "failing": None,
    }
    replaced = own.web.post(f"{PHASES}/1/baselines", {**AGREED, "document_sha256": "b" * 64}, key=key(own)).json()["baselines"]
    assert [(row["measure"], row["document_sha256"][0]) for row in replaced] == [("CWT-62", "b")]
    assert own.web.get(f"{PHASES}/1/baselines?as_of={moment_text(before)}", key=key(own)).json()["baselines"] == []
    wrong = {**AGREED, "measures": ["CWT-62", "M-9"], "commissioner": "05X", "agreed_on": "2026-12-03"}
    refused = own.web.post(f"{PHASES}/1/baselines", wrong, key=key(own))
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/measures/1", "/commissioner", "/agreed_on"]


def test_a_baseline_is_withdrawn_with_its_reason_and_stays_in_what_was_answered_before(own: Programme) -> None:
    address = f"{PHASES}/1/baselines"
    agreed = own.web.post(address, AGREED, key=key(own))
    then = own.now
    own.at("2026-12-02T12:00")
    withdrawal = {"measures": ["CWT-62"], "reason": "It was drawn from the wrong year."}
    refused = own.web.post(f"{address}/withdrawal", {**withdrawal, "measures": ["CWT-62", "M-9"]}, key=key(own))
    assert [(fault["code"], fault["pointer"]) for fault in refused.json()["errors"]] == [("not_agreed", "/measures/1")]
    assert own.web.post(f"{address}/withdrawal", {"measures": ["CWT-62"]}, key=key(own)).status_code == 422
    assert own.web.post(f"{address}/withdrawal", withdrawal, key=key(own, "analyst")).status_code == 403
    gone = own.web.post(f"{address}/withdrawal", withdrawal, key=key(own))
    assert (gone.status_code, gone.json()["baselines"]) == (200, []), gone.text
    assert not gate(own).json()["criteria"][0]["met"]
    assert own.web.get(address, key=key(own)).json()["baselines"] == []
    stood = own.web.get(f"{address}?as_of={moment_text(then + timedelta(seconds=1))}", key=key(own)).json()
    assert stood["baselines"] == agreed.json()["baselines"]
    assert own.web.post(f"{address}/withdrawal", withdrawal, key=key(own)).status_code == 422


@pytest.mark.parametrize(
    ("role", "scope", "reads", "decides"),
    [
        ("administrator", {}, 200, 201),
        ("analyst", {}, 200, 403),
        ("finance", {}, 200, 403),
        ("auditor", {}, 200, 403),
        ("approver", {"subcontract": "SC-RJE"}, 403, 403),
        ("commissioner_lead", {"commissioner": "05W"}, 403, 403),
    ],
)
def test_who_may_read_a_gate_and_decide(shared: Programme, role: str, scope: dict[str, str], reads: int, decides: int) -> None:
    body, caller = proposal(gate(shared)), key(shared, role, **scope)
    for path in ("gate", "decision", "baselines"):
        assert shared.web.get(f"{PHASES}/1/{path}", key=caller).status_code == reads
    assert shared.web.post(f"{PHASES}/1/decision", body, key=caller).status_code == decides
    assert shared.web.post(f"{PHASES}/1/baselines", AGREED, key=caller).status_code == decides
    if decides == 403:
        assert shared.web.post(f"{PHASES}/1/decision/approval", {"number": 1}, key=caller).status_code == 403
    assert shared.web.get("/v1/programmes/other/phases/1/gate", key=caller).status_code == 404
    assert shared.web.get(f"{PHASES}/1/gate").status_code == 401
