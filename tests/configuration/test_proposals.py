"""Versions of measures by two people: proposed by one, approved by another, and changed in no other way where the programme has it so."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.configuration.proposal_schemas import MeasureProposalsView, MeasureProposalView
from app.kernel.moments import moment_text
from tests.make import document
from tests.support import commands
from tests.support.databases import Database
from tests.support.http import Web, serving

PROGRAMME = "/v1/programmes/test-cancer"
DOCUMENT = f"{PROGRAMME}/configuration"
SECOND = {"code": "CWT-62", "version": 2, "from_month": "2030-01", "name": "62 days, redefined", "split_by": ["site", "commissioner"]}
VERSION = f"{PROGRAMME}/measures/CWT-62/versions/2"
PROPOSAL = f"{VERSION}/proposal"
WHY = {"reason": "The national guidance changed."}


class Two:
    """Two contract managers of a programme whose measures need approval, and an analyst."""

    def __init__(self, web: Web) -> None:
        self.web = web
        whole = document()
        whole["programme"]["measures_need_approval"] = True
        self.known = {"one": web.new_client("administrator")}
        # The first document is one person's: nothing was counted by its measures.
        assert web.put(DOCUMENT, whole, key=self.key("one"), headers={"If-None-Match": "*"}).status_code == 201
        for name, role in (("other", "contract_manager"), ("analyst", "analyst")):
            self.known[name] = web.new_client(role, programme="test-cancer")

    def key(self, name: str) -> str:
        return self.known[name][1]

    def document(self) -> dict[str, Any]:
        whole: dict[str, Any] = self.web.get(DOCUMENT, key=self.key("one")).json()
        return whole

    def put(self, path: str, body: Any, *, dry_run: bool = False) -> httpx.Response:
        address = f"{path}?dry_run=true" if dry_run else path
        tag = self.web.get(path, key=self.key("one")).headers.get("ETag")
        return self.web.put(address, body, key=self.key("one"), headers={"If-Match": tag} if tag else {"If-None-Match": "*"})

    def post(self, name: str, path: str, body: Any) -> httpx.Response:
        return self.web.post(path, body, key=self.key(name))


@pytest.fixture(scope="module")
def two(module_database: Database) -> Iterator[Two]:
    now = datetime.now(UTC)
    with serving(module_database, clock=lambda: now) as web:
        yield Two(web)


def refused(answer: httpx.Response) -> list[tuple[str, str]]:
    assert (answer.status_code, answer.json()["code"]) == (409, "approval_needed"), answer.text
    return [(fault["code"], fault["pointer"]) for fault in answer.json()["errors"]]


def test_nobody_changes_a_measure_alone_in_any_way(two: Two, module_database: Database, tmp_path: Any) -> None:
    held = two.document()
    measures = held["measures"]
    at = next(number for number, each in enumerate(measures) if each["code"] == "CWT-62")
    changed = [{**each, "name": "Another"} if number == at else each for number, each in enumerate(measures)]
    whole = {**held, "measures": [*changed, SECOND]}
    assert refused(two.put(DOCUMENT, whole)) == [("approval_needed", f"/measures/{place}") for place in (at, len(measures))]
    assert refused(two.put(VERSION, SECOND)) == [("approval_needed", "")]
    unused = {**held, "measures": [*measures, {"code": "NEW", "name": "Begun"}]}
    tried = two.put(DOCUMENT, whole, dry_run=True)
    assert (tried.status_code, tried.json()["need_approval"]) == (200, [["CWT-62", 1], ["CWT-62", 2]])
    assert {each["noun"] for each in tried.json()["differences"]} == {"measures"}
    # What is new is set up with the rest; from then on it is there.
    assert two.put(DOCUMENT, unused, dry_run=True).json()["need_approval"] == []
    assert two.put(DOCUMENT, unused).status_code == 200
    gone = f"{PROGRAMME}/measures/NEW/versions/1"
    tag = two.web.get(gone, key=two.key("one")).headers["ETag"]
    answer = two.web.request("DELETE", gone, key=two.key("one"), headers={"If-Match": tag})
    assert refused(answer) == [("approval_needed", "")]
    file = tmp_path / "programme.yaml"
    file.write_text(str({**two.document(), "measures": measures}).replace("None", "null").replace("True", "true").replace("False", "false"))
    urls = module_database.urls
    said = {"MAINSTEM_DATABASE_URL": urls.application, "MAINSTEM_OWNER_DATABASE_URL": urls.owner}
    done = commands.run(["apply", str(file)], said)
    assert (done.returncode, "Version 1 of NEW is changed by two people" in done.stderr) == (1, True), done.stderr
    off = {**two.document(), "programme": {**held["programme"], "measures_need_approval": False}}
    assert [fault["code"] for fault in two.put(DOCUMENT, off).json()["errors"]] == ["stays_on"]
    assert "CWT-62" in str(two.document()["measures"][at])


def test_what_one_proposes_another_brings_into_force(two: Two) -> None:
    made = two.post("one", PROPOSAL, {"line": SECOND, **WHY})
    assert (made.status_code, made.headers["Location"]) == (201, PROPOSAL), made.text
    MeasureProposalView.model_validate_json(made.content)
    assert two.web.get(PROPOSAL, key=two.key("analyst")).json() == made.json()
    waiting = two.web.get(f"{PROGRAMME}/measure-proposals?waiting=true", key=two.key("other"))
    MeasureProposalsView.model_validate_json(waiting.content)
    assert waiting.json()["proposals"] == [made.json()]
    assert two.web.get(VERSION, key=two.key("one")).status_code == 404
    number = {"number": made.json()["number"]}
    assert two.post("one", f"{PROPOSAL}/approval", number).json()["code"] == "same_person"
    assert two.post("analyst", f"{PROPOSAL}/approval", number).status_code == 403
    again = two.post("one", PROPOSAL, {"line": {**SECOND, "name": "62 days, reworded"}, **WHY}).json()
    assert two.post("other", f"{PROPOSAL}/approval", number).json()["code"] == "nothing_proposed"
    approved = two.post("other", f"{PROPOSAL}/approval", {"number": again["number"]})
    assert approved.status_code == 200, approved.text
    assert (approved.json()["proposed_by"], approved.json()["approved_by"]) == (two.known["one"][0], two.known["other"][0])
    assert two.web.get(VERSION, key=two.key("one")).json()["name"] == "62 days, reworded"
    assert two.post("other", f"{PROPOSAL}/approval", {"number": again["number"]}).json()["code"] == "nothing_proposed"
    assert two.web.get(f"{PROGRAMME}/measure-proposals?waiting=true", key=two.key("other")).json()["proposals"] == []
    assert two.web.get(f"{PROGRAMME}/measure-proposals", key=two.key("other")).json()["proposals"] == [approved.json()]
    # What was approved is in the document, which is put again as it is.
    assert two.put(DOCUMENT, two.document()).status_code == 200


def test_a_lender_and_its_delegate_are_not_two(two: Two) -> None:
    two.known["third"] = two.web.new_client("administrator", programme="test-cancer")
    until = moment_text(two.web.clock() + timedelta(days=1))
    lent = two.post(
        "third", f"{PROGRAMME}/delegations", {"permission": "return_sign", "delegate": two.known["other"][0], "expires_at": until}
    )
    assert lent.status_code == 201, lent.text
    until_known = time.monotonic() + 2
    while two.post("other", f"{PROGRAMME}/returns/cwt/SC-RJE/1999-01/sign-off", {"revision": 1}).status_code == 403:
        assert time.monotonic() < until_known
        time.sleep(0.05)
    own = f"{PROGRAMME}/measures/CWT-FDS/versions/2/proposal"
    line = {"code": "CWT-FDS", "version": 2, "from_month": "2030-01", "name": "FDS, redefined", "split_by": ["segment"]}
    made = two.post("third", own, {"line": line, **WHY})
    assert made.status_code == 201, made.text
    refusal = two.post("other", f"{own}/approval", {"number": made.json()["number"]})
    assert (refusal.status_code, refusal.json()["code"]) == (409, "same_person")
    assert two.post("one", f"{own}/approval", {"number": made.json()["number"]}).status_code == 200


def test_a_proposal_is_refused_for_what_the_document_would_be(two: Two) -> None:
    def faults(body: dict[str, Any], path: str = PROPOSAL) -> list[tuple[str, str]]:
        answer = two.post("one", path, body)
        assert answer.status_code in {409, 422}, answer.text
        return [(fault["code"], fault["pointer"]) for fault in answer.json()["errors"]]

    third = f"{PROGRAMME}/measures/CWT-62/versions/3/proposal"
    assert faults({"line": SECOND, **WHY}, third) == [("key_differs", "/line/version")]
    assert faults({"line": {**SECOND, "version": 3, "aggregation": "banded"}, **WHY}, third)[0][1].startswith("/line")
    held = two.web.get(VERSION, key=two.key("one")).json()
    assert faults({"line": held, **WHY}) == [("nothing_changes", "/line")]
    assert faults({"line": held, "reason": ""}) == [("too_short", "/reason")]
    assert two.post("one", third, {"line": None, **WHY}).status_code == 404
    assert two.web.get(third, key=two.key("one")).status_code == 404


def test_what_was_changed_meanwhile_is_proposed_again_and_a_withdrawal_takes_two(two: Two) -> None:
    withdrawal = two.post("one", PROPOSAL, {"line": None, **WHY})
    assert withdrawal.status_code == 201, withdrawal.text
    approval = {"number": withdrawal.json()["number"]}
    assert two.post("other", f"{PROPOSAL}/approval", approval).status_code == 200
    assert two.web.get(VERSION, key=two.key("one")).status_code == 404
    # A version that was not there when it was proposed, and is by now.
    made = two.post("other", PROPOSAL, {"line": SECOND, **WHY}).json()
    assert made["replaces_sha256"] is None
    assert two.post("one", f"{PROPOSAL}/approval", {"number": made["number"]}).status_code == 200
    stale = two.post("other", PROPOSAL, {"line": {**SECOND, "name": "Once more"}, **WHY}).json()
    with_another = two.post("one", PROPOSAL, {"line": {**SECOND, "name": "Rather this"}, **WHY}).json()
    assert two.post("other", f"{PROPOSAL}/approval", {"number": stale["number"]}).json()["code"] == "nothing_proposed"
    assert two.post("other", f"{PROPOSAL}/approval", {"number": with_another["number"]}).status_code == 200


def test_where_no_approval_is_needed_one_person_does_it_and_what_waits_is_outdated(database: Database) -> None:
    with serving(database) as web:
        key, other = (web.new_client("administrator")[1] for _ in range(2))
        assert web.put(DOCUMENT, document(), key=key, headers={"If-None-Match": "*"}).status_code == 201
        assert web.get(PROGRAMME, key=key).json()["measures_need_approval"] is False
        made = web.post(PROPOSAL, {"line": SECOND, **WHY}, key=key)
        assert made.status_code == 201, made.text
        assert web.put(VERSION, {**SECOND, "name": "Alone"}, key=key, headers={"If-None-Match": "*"}).status_code == 201
        answer = web.post(f"{PROPOSAL}/approval", {"number": 1}, key=other)
        assert (answer.status_code, answer.json()["code"]) == (409, "proposal_outdated")
