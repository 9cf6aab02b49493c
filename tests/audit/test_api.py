"""The record as it is read: by whoever audits all of it, by each party its own part, and with what was refused."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.events import event_digest
from app.web.refused import MOST_A_MINUTE
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import CWT, HOSPICE, PROGRAMME, cwt_body, hospice_body
from tests.support.databases import Database

AUDIT = "/v1/audit"


@pytest.fixture(scope="module")
def acted(module_database: Database) -> Iterator[Programme]:
    """Two subcontracts' returns, one of them accepted, and acts that were refused."""
    with set_up(module_database) as programme:
        programme.submit(CWT, cwt_body())
        programme.submit(HOSPICE, hospice_body())
        assert programme.accept(CWT).status_code == 200
        yield programme


def events(programme: Programme, key: str, query: str = "") -> list[dict[str, Any]]:
    answer = programme.web.get(f"{AUDIT}?limit=200{query}", key=key)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["events"]
    return found


def test_an_auditor_reads_every_act_with_its_place_in_the_chain(acted: Programme) -> None:
    found = events(acted, acted.key("auditor"), "&action=return.submitted")
    assert {event["subject"]["subcontract"] for event in found} == {"SC-RJE", "SC-H9901"}
    whole = [event for event in events(acted, acted.key("auditor")) if event["chain"] == PROGRAMME]
    assert [event["sequence"] for event in whole] == list(range(len(whole), 0, -1))
    assert [event["previous_sha256"] for event in whole[:-1]] == [event["sha256"] for event in whole[1:]]


def test_an_event_says_who_by_which_request_and_what_the_thing_was_and_is(acted: Programme) -> None:
    found = events(acted, acted.key("auditor"))
    assert all(event["request_id"] for event in found if event["client"] != "machine")
    told = {event["action"]: event for event in reversed(found)}
    applied, submitted, accepted = (told[action] for action in ("configuration.applied", "return.submitted", "return.accepted"))
    assert applied["before_sha256"] is submitted["before_sha256"] is None
    for event in (applied, submitted, accepted):
        assert len(event["after_sha256"]) == 64
    assert accepted["before_sha256"] not in {None, accepted["after_sha256"]}
    assert told["client.created"]["after_sha256"] is not None


def test_filters_and_pages_lead_through_the_whole_record_once(acted: Programme) -> None:
    key = acted.key("auditor")
    whole = events(acted, key)
    read, address = [], f"{AUDIT}?limit=2"
    while address:
        page = acted.web.get(address, key=key).json()
        read += page["events"]
        address = page["next"] and f"{AUDIT}?limit=2&cursor={page['next']}"
    assert read == whole
    accepted = events(
        acted, key, "&action=return.accepted&subcontract=SC-RJE&collection=cwt&month=2026-10&refused=false&role=contract_manager"
    )
    assert [event["subject"]["revision"] for event in accepted] == [1]
    assert events(acted, key, f"&request_id={accepted[0]['request_id']}&client={accepted[0]['client']}") == accepted
    assert events(acted, key, f"&from={accepted[0]['recorded_at']}&to={accepted[0]['recorded_at']}") == accepted
    assert events(acted, key, "&to=2020-01-01T00:00:00Z") == events(acted, key, "&programme=another") == []
    assert acted.web.get(f"{AUDIT}?from=yesterday", key=key).json()["errors"][0]["pointer"] == "/query/from"


def test_a_party_reads_what_is_about_it_and_counts_nobody_elses(acted: Programme) -> None:
    found = events(acted, acted.preparer("SC-RJE"))
    assert {event["action"] for event in found} >= {"return.submitted", "return.accepted"}
    assert "SC-H9901" not in str(found)
    assert {(event["sequence"], event["sha256"], event["previous_sha256"]) for event in found} == {(None, None, None)}
    accepted = next(event for event in found if event["action"] == "return.accepted")
    submitted = next(event for event in found if event["action"] == "return.submitted")
    assert (accepted["client_name"], accepted["request_id"], submitted["client_name"]) == (None, None, "Test preparer")
    assert all(event["subject"].get("commissioner") == "05W" for event in events(acted, acted.key("commissioner", commissioner="05W")))


def test_the_integrators_staff_read_what_the_integrator_did_and_no_other_party(acted: Programme) -> None:
    found = events(acted, acted.key("analyst"))
    assert {event["action"] for event in found} >= {"configuration.applied", "return.accepted"}
    assert {event["role"] for event in found} <= {"administrator", "contract_manager", "analyst", "finance", "auditor"}
    assert {event["client_name"] for event in found} >= {"the machine itself", "Test contract_manager"}
    assert {event["sequence"] for event in found} == {None}
    assert acted.web.get(f"{AUDIT}/checkpoints", key=acted.key("analyst")).status_code == 403


def test_row_level_security_shows_each_party_the_same_without_our_filters(acted: Programme) -> None:
    def seen(tenant: Tenant) -> set[tuple[str, str | None]]:
        with open_session(acted.database.engine, tenant) as session:
            rows = session.execute(text("SELECT action, subject->>'subcontract', client_subcontract FROM events"))
            return {(action, about or by) for action, about, by in rows}

    own = seen(Tenant(programme=PROGRAMME, subcontract="SC-RJE"))
    assert {of for _, of in own} == {"SC-RJE"}
    assert ("return.submitted", "SC-H9901") in seen(Tenant(programme=PROGRAMME, subcontract="*"))
    assert seen(Tenant(programme="another", subcontract="*")) == seen(Tenant(programme=PROGRAMME)) == set()


def test_what_is_anothers_and_what_is_absent_are_refused_and_recorded_alike(acted: Programme) -> None:
    preparer, manager = acted.preparer("SC-RJE"), acted.manager()
    returns = f"/v1/programmes/{PROGRAMME}/returns"
    before = acted.all("SELECT * FROM ledger WHERE programme <> '*refused'")
    for address in (f"{returns}/hospice/SC-H9901/2026-10", f"{returns}/hospice/SC-NONE/2026-10", "/v1/programmes/absent/returns"):
        assert acted.web.get(address, key=preparer).status_code == 404
    assert acted.web.post(f"{returns}/cwt/SC-RJE/2026-10/acceptance", key=preparer).status_code == 403
    assert acted.web.get(f"{returns}/hospice/943%20476%205919/2026-10", key=preparer).status_code == 404
    assert acted.all("SELECT * FROM ledger WHERE programme <> '*refused'") == before
    found = events(acted, acted.key("auditor"), "&refused=true&role=preparer")
    parts = [(event["details"]["refusal"], event["subject"].get("subcontract"), event["subject"]["programme"]) for event in found]
    assert parts == [
        ("not_found", None, PROGRAMME),
        ("forbidden", "SC-RJE", PROGRAMME),
        ("not_found", None, "absent"),
        ("not_found", "SC-NONE", PROGRAMME),
        ("not_found", "SC-H9901", PROGRAMME),
    ]
    assert {event["chain"] for event in found} == {"refused"}
    assert {event["sequence"] for event in found} == {None}
    assert events(acted, preparer, "&refused=true") == found
    assert "SC-NONE" not in str(events(acted, acted.preparer("SC-H9901")))
    assert acted.web.get(f"{returns}/hospice/SC-NONE/2026-10", key=manager).status_code == 404
    assert len(events(acted, acted.key("auditor"), "&refused=true&role=contract_manager")) == 1


def test_a_dead_key_is_recorded_and_an_unknown_one_is_not(acted: Programme) -> None:
    client, key = acted.web.new_client("analyst", programme=PROGRAMME)
    assert acted.web.post(f"/v1/clients/{client}/revocation", key=acted.key("administrator")).status_code == 200
    answers = [acted.web.get(AUDIT, key=each) for each in (key, key[:-9] + "00000000", "ms_live_none")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content.replace(answer.headers["X-Request-ID"].encode(), b"") for answer in answers}) == 1
    found = events(acted, acted.key("auditor"), f"&client={client}")
    assert [event["details"]["refusal"] for event in found] == ["unauthenticated"]


def test_nobody_fills_the_disk_with_refusals(acted: Programme) -> None:
    key = acted.key("finance")
    acted.clock.now += timedelta(minutes=2)
    for _ in range(MOST_A_MINUTE + 5):
        assert acted.web.get(f"{AUDIT}/checkpoints", key=key).status_code == 403
    assert len(events(acted, acted.key("auditor"), "&role=finance")) == MOST_A_MINUTE
    acted.clock.now += timedelta(minutes=2)
    assert acted.web.get(f"{AUDIT}/checkpoints", key=key).status_code == 403
    assert [event["action"] for event in events(acted, acted.key("auditor"), "&role=finance")[:2]] == [
        "act.refused",
        "act.refused_repeatedly",
    ]
    (counted,) = events(acted, acted.key("auditor"), "&action=act.refused_repeatedly")
    assert counted["details"]["count"] == 5


def test_the_chain_of_refusals_holds_and_no_failure_to_record_is_told(acted: Programme) -> None:
    rows = acted.all("SELECT row_to_json(events) FROM events WHERE programme = '*refused' ORDER BY sequence")
    previous = "0" * 64
    with open_session(acted.database.engine, INSTALLATION) as session:
        for event in session.execute(text("SELECT * FROM events WHERE programme = '*refused' ORDER BY sequence")).mappings():
            assert (event["previous_sha256"], event["sha256"]) == (previous, event_digest(dict(event)))
            previous = event["sha256"]
    assert rows
    with acted.database.superuser_engine.begin() as connection:
        connection.execute(text("REVOKE INSERT ON events FROM mainstem_application"))
    assert acted.web.get("/v1/programmes/absent/returns", key=acted.manager()).status_code == 404
    with acted.database.superuser_engine.begin() as connection:
        connection.execute(text("GRANT INSERT ON events TO mainstem_application"))
