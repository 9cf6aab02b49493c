"""Delegations over HTTP: lent until a moment, shown on what they produced, dead within a second, and never two people."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.access.delegation_schemas import DelegationsView, DelegationView
from app.kernel.moments import moment_text
from tests.reports.conftest import Programme, acute, of_62, of_fds, running
from tests.support.databases import Database

BASE = "/v1/programmes/small"
LENT = f"{BASE}/delegations"
OCTOBER = f"{BASE}/returns/cwt/SC-RJE/2026-10"
RULES = {
    "contract_year": 1,
    "title": "Rules",
    "mode": "shadow",
    "annual_value_pence": 90_000_000,
    "at_risk_share": 0.1,
    "measures": [{"measure": "CWT-FDS", "weight": 1, "floor": 0.5, "target": 0.95}],
    "allocation": {"subcontracts": [{"subcontract": "SC-RJE", "outcome": 1}], "commissioners": [{"commissioner": "QNC", "share": 1}]},
}


class People:
    """Clients by any name, each with its id and key, on a programme that runs."""

    def __init__(self, own: Programme) -> None:
        self.own = own.at("2026-11-10T09:00")
        self.known: dict[str, tuple[str, str]] = {}

    def add(self, name: str, role: str, **scope: str) -> None:
        self.known[name] = self.own.web.new_client(role, programme="small", **scope)

    def id(self, name: str) -> str:
        return self.known[name][0]

    def get(self, name: str, path: str) -> Any:
        answer = self.own.web.get(path, key=self.known[name][1])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, name: str, path: str, body: Any = None) -> httpx.Response:
        return self.own.web.post(path, body, key=self.known[name][1])

    def lend(self, lender: str, permission: str, to: str, *, days: int = 7) -> httpx.Response:
        until = moment_text(self.own.now + timedelta(days=days))
        return self.post(lender, LENT, {"permission": permission, "delegate": self.id(to), "expires_at": until})


@pytest.fixture(scope="module")
def people(module_database: Database) -> Iterator[People]:
    with running(module_database) as own:
        people = People(own)
        for name, role in (("manager", "contract_manager"), ("other manager", "contract_manager"), ("analyst", "analyst")):
            people.add(name, role)
        for name, role in (("finance", "finance"), ("administrator", "administrator"), ("auditor", "auditor")):
            people.add(name, role)
        for name, role in (("approver", "approver"), ("preparer", "preparer"), ("colleague", "preparer"), ("bystander", "preparer")):
            people.add(name, role, subcontract="SC-RJE")
        people.add("rival", "preparer", subcontract="SC-RL4")
        yield people


def soon(ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """The answer, once whatever was lent or ended is known: within a second."""
    until = time.monotonic() + 2
    while (answer := ask()).status_code != status and time.monotonic() < until:
        time.sleep(0.05)
    assert answer.status_code == status, answer.text
    return answer


def granted(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    DelegationView.model_validate_json(answer.content)
    return str(answer.json()["delegation"])


def sign(people: People, name: str) -> Callable[[], httpx.Response]:
    return lambda: people.post(name, f"{OCTOBER}/sign-off", {"revision": 1})


def test_a_signature_is_lent_until_a_moment_and_says_whose_it_is(people: People, module_database: Database) -> None:
    body = acute(of_62("urgent", 40, 50), of_fds(90, 100, site="urological"))
    assert people.post("preparer", f"{OCTOBER}/revisions", body).status_code == 201
    assert sign(people, "colleague")().status_code == 403
    own = granted(people.lend("approver", "return_sign", "preparer"))
    # Whoever prepared it does not sign it with a borrowed hand either.
    assert soon(sign(people, "preparer"), 409).json()["code"] == "own_revision"
    assert people.post("preparer", f"{LENT}/{own}/revocation").json()["state"] == "revoked"
    made = people.lend("approver", "return_sign", "colleague")
    assert made.headers["Location"] == f"{LENT}/{granted(made)}"
    assert people.get("colleague", made.headers["Location"]) == made.json()
    signed = soon(sign(people, "colleague"), 200).json()["sign_off"]
    assert (signed["signed_by"], signed["on_behalf_of"]) == (people.id("colleague"), people.id("approver"))
    with module_database.superuser_engine.connect() as connection:
        query = "SELECT recorded_by, details->>'on_behalf_of' FROM events WHERE action = 'return.signed'"
        assert [tuple(row) for row in connection.execute(text(query))] == [(people.id("colleague"), people.id("approver"))]
    assert people.own.web.get(f"{LENT}/{own}", key=people.known["rival"][1]).status_code == 404
    assert people.get("rival", LENT) == {"delegations": [], "next": None}
    listed = people.get("approver", LENT)
    DelegationsView.model_validate(listed)
    assert {each["delegation"]: each["state"] for each in listed["delegations"]}.items() >= {(own, "revoked")}
    before, people.own.now = people.own.now, people.own.now + timedelta(days=7)
    soon(sign(people, "colleague"), 403)
    assert people.get("colleague", made.headers["Location"])["state"] == "expired"
    people.own.now = before


def test_what_a_lent_permission_produced_says_whose_it_was(people: People) -> None:
    manager, analyst = people.id("manager"), people.id("analyst")
    for permission in ("return_submit", "query_ask"):
        granted(people.lend("manager", permission, "analyst"))
    body = acute(of_62("urgent", 41, 50), of_fds(90, 100, site="urological"))
    receipt = soon(lambda: people.post("analyst", f"{OCTOBER}/revisions", body), 201).json()
    again = people.post("analyst", f"{OCTOBER}/revisions", body)
    assert again.status_code == 200
    revision = people.get("preparer", f"{OCTOBER}/revisions/{receipt['revision']}")
    for said in (receipt, again.json(), revision, people.get("preparer", OCTOBER)["revisions"][-1]):
        assert (said["submitted_by"], said["submitted_on_behalf_of"]) == (analyst, manager)
    assert people.get("preparer", OCTOBER)["revisions"][0]["submitted_on_behalf_of"] is None
    question = {"text": "Is this right?", "cells": [{"measure": "CWT-62"}]}
    asked = people.post("analyst", f"{OCTOBER}/queries", question)
    assert asked.status_code == 201, asked.text
    (message,) = asked.json()["thread"]
    assert (message["by"], message["on_behalf_of"]) == (analyst, manager)
    for each in (asked.json(), *people.get("preparer", f"{OCTOBER}/queries")["queries"]):
        assert (each["asked_by"], each["asked_on_behalf_of"]) == (analyst, manager)
    granted(people.lend("manager", "report_edit", "finance"))
    address = f"{BASE}/publications/drafts/2026-10"
    draft = soon(lambda: people.own.web.put(address, {}, key=people.known["finance"][1], headers={"If-None-Match": "*"}), 201)
    assert (draft.json()["edited_by"], draft.json()["edited_on_behalf_of"]) == (people.id("finance"), manager)
    assert people.get("analyst", address)["edited_on_behalf_of"] == manager


def propose(people: People, name: str) -> str:
    made = soon(lambda: people.post(name, f"{BASE}/settlement-rules", {"rules": RULES, "reason": "As agreed."}), 201).json()
    return f"{BASE}/settlement-rules/1/{made['version']}/approval"


def test_lender_and_delegates_are_one_person(people: People) -> None:
    approving = granted(people.lend("manager", "settlement_approve", "finance"))
    proposing = granted(people.lend("manager", "settlement_propose", "analyst"))
    waits = propose(people, "manager")
    (fault,) = soon(lambda: people.post("finance", waits), 409).json()["errors"]
    assert (fault["code"], "lends" in fault["fix"]) == ("same_person", True)
    # Two delegates of one manager, and the manager afterwards, when everything has been handed back.
    waits = propose(people, "analyst")
    assert people.post("finance", waits).json()["code"] == "same_person"
    for each in (approving, proposing):
        assert people.post("manager", f"{LENT}/{each}/revocation").status_code == 200
    people.own.now += timedelta(minutes=1)
    soon(lambda: people.post("finance", waits), 403)
    assert people.post("manager", waits).json()["code"] == "same_person"
    approved = people.post("other manager", waits).json()
    assert (approved["proposed_by"], approved["proposed_on_behalf_of"]) == (people.id("analyst"), people.id("manager"))
    assert (approved["approved_by"], approved["approved_on_behalf_of"]) == (people.id("other manager"), None)


def test_who_lent_what_was_begun_in_time_is_no_second_person_however_late_it_is_recorded(people: People, module_database: Database) -> None:
    """Or a delegate would begin slowly, the lender's permission would end meanwhile, and the lender would approve."""
    granted(people.lend("other manager", "settlement_propose", "analyst", days=1))
    propose(people, "analyst")
    with module_database.superuser_engine.begin() as holding, ThreadPoolExecutor() as threads:
        holding.execute(text("SELECT 1 FROM ledger WHERE programme = 'small' FOR UPDATE"))
        late = threads.submit(propose, people, "analyst")
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        with module_database.superuser_engine.connect() as looking:
            while not (late.done() or looking.execute(waiting).scalar_one()):
                looking.rollback()
        people.own.now += timedelta(days=2)
        holding.rollback()
        waits = late.result(timeout=60)
    assert people.post("other manager", waits).json()["code"] == "same_person"
    assert people.post("administrator", waits).status_code == 200


def test_nobody_lends_more_than_its_own_nor_outside_its_party(people: People) -> None:
    assert people.lend("analyst", "report_edit", "finance").status_code == 403
    lent = granted(people.lend("manager", "settlement_approve", "finance"))
    soon(lambda: people.post("finance", f"{BASE}/settlement-rules/1/99/approval"), 409)
    rows = len(people.get("administrator", LENT)["delegations"])
    for lender, permission, to, days, found in (
        ("finance", "settlement_approve", "analyst", 7, ["not_delegable"]),
        ("administrator", "client_manage", "analyst", 7, ["not_delegable"]),
        ("administrator", "delegate", "analyst", 7, ["not_delegable"]),
        ("manager", "report_read", "auditor", 7, ["not_delegable", "already_may"]),
        ("manager", "phase_decide", "approver", 7, ["not_a_colleague"]),
        ("manager", "phase_decide", "manager", 7, ["not_a_colleague"]),
        ("manager", "phase_decide", "other manager", 7, ["already_may"]),
        ("manager", "phase_decide", "analyst", 91, ["expires_when"]),
        ("approver", "return_accept", "rival", 0, ["not_delegable", "not_a_colleague", "expires_when"]),
    ):
        refused = people.lend(lender, permission, to, days=days)
        assert (refused.status_code, [fault["code"] for fault in refused.json()["errors"]]) == (422, found), (lender, permission, to)
    assert people.lend("manager", "reign", "analyst").json()["errors"][0]["code"] == "not_one_of"
    assert len(people.get("administrator", LENT)["delegations"]) == rows
    assert people.post("other manager", f"{LENT}/{lent}/revocation").status_code == 404
    assert people.post("administrator", f"{LENT}/{lent}/revocation").json()["revoked_by"] == people.id("administrator")


@pytest.mark.parametrize("leaves", ["lender", "delegate"])
def test_a_delegation_ends_with_either_client(people: People, leaves: str) -> None:
    people.add("lender", "contract_manager")
    people.add("delegate", "analyst")
    lent = granted(people.lend("lender", "phase_decide", "delegate"))

    def decide() -> httpx.Response:
        return people.post("delegate", f"{BASE}/phases/1/decision/approval", {"number": 99})

    assert soon(decide, 409).json()["code"] == "nothing_proposed"
    waits = granted(people.lend("manager", "import_record", "analyst"))
    assert people.post("administrator", f"/v1/clients/{people.id(leaves)}/revocation").status_code == 200
    assert people.get("administrator", f"{LENT}/{lent}")["state"] == "revoked"
    assert people.get("administrator", f"{LENT}/{waits}")["state"] == "live"
    if leaves == "lender":
        soon(decide, 403)
    assert people.lend("manager", "phase_decide", leaves).json()["errors"][0]["code"] == "not_a_colleague"
