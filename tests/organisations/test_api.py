"""The register over HTTP: who may read and change it, what is kept of each change, and what programmes see of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.kernel.events import event_digest
from app.kernel.moments import moment_text
from tests.make import document
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.http import Web, serving

REGISTER = "/v1/organisations"
CONFIGURATION = "/v1/programmes/test-cancer/configuration"
NEW = {"If-None-Match": "*"}
R1E = {"ods_code": "R1E", "name": "Staffordshire and Stoke on Trent Partnership NHS Trust", "kind": "community_trust"}
RRE = {"ods_code": "RRE", "name": "Midlands Partnership NHS Foundation Trust", "kind": "mental_health_trust"}
EMPTY: dict[str, Any] = {"identifiers": [], "legal": None, "operational": None}
MERGED = {"legal_on": "2018-06-01", "why": "Its services went to RRE."}


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC) + timedelta(minutes=1))


@pytest.fixture
def web(database: Database, clock: Clock) -> Iterator[Web]:
    with serving(database, clock=clock) as web:
        yield web


@pytest.fixture
def administrator(web: Web) -> str:
    return web.key("administrator")


@pytest.fixture(scope="module")
def two_merged(module_database: Database) -> Iterator[Web]:
    """R1E merged into RRE, for tests of who may do what: none of them changes anything."""
    with serving(module_database, clock=Clock(datetime.now(UTC) + timedelta(minutes=1))) as web:
        assert merged(web, web.key("administrator")).status_code == 201
        yield web


def put(web: Web, line: dict[str, Any], *, key: str, headers: dict[str, str] = NEW, why: str = "Known since 2011.") -> httpx.Response:
    return web.put(f"{REGISTER}/{line['ods_code']}", {"organisation": line, "why": why}, key=key, headers=headers)


def changed(web: Web, line: dict[str, Any], *, key: str, why: str) -> httpx.Response:
    etag = web.get(f"{REGISTER}/{line['ods_code']}", key=key).headers["ETag"]
    return put(web, line, key=key, headers={"If-Match": etag}, why=why)


def merged(web: Web, key: str) -> httpx.Response:
    for line in (R1E, RRE):
        assert put(web, line, key=key).status_code == 201
    return web.put(f"{REGISTER}/R1E/successors/RRE", MERGED, key=key, headers=NEW)


def kept(database: Database) -> list[tuple[Any, ...]]:
    """Everything that a change of the register writes; what was refused is a record of its own."""
    tables = (
        "organisations",
        "successions",
        "contract_changes",
        *(f"{table} WHERE programme <> '*refused'" for table in ("events", "ledger")),
    )
    with database.superuser_engine.connect() as connection:
        return [
            tuple(row) for table in tables for row in connection.execute(text(f"SELECT t::text FROM (SELECT * FROM {table}) t ORDER BY 1"))
        ]


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [line["ods_code"] for line in answer.json()["organisations"]]


def test_an_organisation_is_added_read_changed_and_closed(web: Web, administrator: str) -> None:
    added = put(web, R1E, key=administrator)
    assert (added.status_code, added.headers["Location"]) == (201, f"{REGISTER}/R1E")
    read = web.get(f"{REGISTER}/R1E", key=administrator)
    assert (read.content, read.headers["ETag"]) == (added.content, added.headers["ETag"])
    assert read.json() | {"recorded_at": ""} == {"organisation": R1E | EMPTY, "recorded_at": "", "predecessors": [], "successors": []}
    days = {"from": "2011-09-01", "to": "2018-05-31"}
    closed = R1E | {"identifiers": [{"scheme": "cqc_provider", "value": "R1E"}], "legal": days, "operational": days}
    answer = put(web, closed, key=administrator, headers={"If-Match": added.headers["ETag"]}, why="Closed.")
    assert (answer.status_code, answer.json()["organisation"]) == (200, closed)
    assert web.get(f"{REGISTER}/R1E", key=administrator, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_the_same_again_changes_nothing(web: Web, administrator: str, database: Database) -> None:
    link = merged(web, administrator)
    before = kept(database)
    assert changed(web, R1E | EMPTY, key=administrator, why="Again.").status_code == 200
    again = web.put(f"{REGISTER}/R1E/successors/RRE", MERGED, key=administrator, headers={"If-Match": link.headers["ETag"]})
    assert (again.status_code, again.content) == (200, link.content)
    assert kept(database) == before


def test_preconditions_guard_against_what_was_not_seen(web: Web, administrator: str, database: Database) -> None:
    merged(web, administrator)
    before = kept(database)
    address = f"{REGISTER}/R1E/successors/RRE"
    other = R1E | {"name": "Another name"}
    for headers, status in (({}, 428), (NEW, 412), ({"If-Match": '"x"'}, 412)):
        assert put(web, other, key=administrator, headers=headers).status_code == status
        assert web.put(address, MERGED | {"legal_on": "2018-07-01"}, key=administrator, headers=headers).status_code == status
    for headers, status in (({}, 428), ({"If-Match": '"x"'}, 412)):
        assert web.request("DELETE", f"{address}?why=Wrong", key=administrator, headers=headers).status_code == status
    unseen = R1E | {"ods_code": "RJD"}
    assert put(web, unseen, key=administrator, headers={}).status_code == 428
    assert put(web, unseen, key=administrator, headers={"If-Match": '"x"'}).status_code == 412
    assert kept(database) == before


def test_a_link_joins_two_is_corrected_and_withdrawn(web: Web, administrator: str) -> None:
    link = merged(web, administrator)
    address = f"{REGISTER}/R1E/successors/RRE"
    said = {"predecessor": "R1E", "successor": "RRE", "legal_on": "2018-06-01", "operational_on": "2018-06-01", "note": None}
    assert (link.status_code, link.json(), link.headers["Location"]) == (201, said, address)
    assert web.get(f"{REGISTER}/R1E", key=administrator).json()["successors"] == [said]
    assert web.get(f"{REGISTER}/RRE", key=administrator).json()["predecessors"] == [said]
    later = MERGED | {"operational_on": "2018-07-01", "note": "Staff moved in July."}
    corrected = web.put(address, later, key=administrator, headers={"If-Match": link.headers["ETag"]})
    assert (corrected.status_code, corrected.json()["operational_on"]) == (200, "2018-07-01")
    read = web.get(address, key=administrator)
    assert (read.content, read.headers["ETag"]) == (corrected.content, corrected.headers["ETag"])
    withdrawn = web.request("DELETE", f"{address}?why=Wrong", key=administrator, headers={"If-Match": read.headers["ETag"]})
    assert (withdrawn.status_code, withdrawn.content) == (200, corrected.content)
    assert web.get(address, key=administrator).status_code == 404
    assert web.get(f"{REGISTER}/R1E", key=administrator).json()["successors"] == []


def test_history_tells_who_when_and_why(web: Web, administrator: str, clock: Clock) -> None:
    merged(web, administrator)
    clock.now += timedelta(hours=1)
    changed(web, R1E | {"operational": {"to": "2018-05-31"}}, key=administrator, why="Closed into RRE.")
    etag = web.get(f"{REGISTER}/R1E/successors/RRE", key=administrator).headers["ETag"]
    web.request("DELETE", f"{REGISTER}/R1E/successors/RRE?why=It+was+RLY.", key=administrator, headers={"If-Match": etag})
    analyst = web.key("analyst", programme="elsewhere")
    first, link, second = web.get(f"{REGISTER}/R1E/history", key=analyst).json()["versions"]
    assert [first["organisation"]["operational"], second["organisation"]["operational"]] == [None, {"from": None, "to": "2018-05-31"}]
    assert [first["recorded"]["why"], first["closed"]["why"]] == ["Known since 2011.", "Closed into RRE."]
    assert first["closed"] == second["recorded"]
    assert second["recorded"] | {"client": ""} == {
        "at": moment_text(clock.now),
        "client": "",
        "client_name": "Test administrator",
        "why": "Closed into RRE.",
    }
    assert second["closed"] is None
    assert (link["succession"]["successor"], link["recorded"]["why"], link["closed"]["why"]) == ("RRE", MERGED["why"], "It was RLY.")
    page = web.get(f"{REGISTER}/R1E/history?limit=2", key=analyst)
    assert page.json()["versions"] == [first, link]
    rest = web.get(f"{REGISTER}/R1E/history?limit=2&cursor={page.json()['next']}", key=analyst).json()
    assert (rest["versions"], rest["next"]) == ([second], None)


def test_every_change_is_an_event_of_the_installations_chain(web: Web, administrator: str, database: Database) -> None:
    merged(web, administrator)
    with database.superuser_engine.connect() as connection:
        query = "SELECT * FROM events WHERE programme = '*' AND action NOT LIKE 'client.%' ORDER BY sequence"
        events = [dict(row) for row in connection.execute(text(query)).mappings()]
    assert [event["action"] for event in events] == ["organisation.added", "organisation.added", "succession.added"]
    assert events[-1]["subject"] == {"organisation": "R1E", "successor": "RRE"}
    assert events[-1]["details"]["why"] == MERGED["why"]
    for event in events:
        event["recorded_at"] = event["recorded_at"].astimezone(UTC)
        assert event_digest(event) == event["sha256"]


def test_the_list_is_filtered_and_paged(web: Web, administrator: str) -> None:
    hospice = {"scheme": "charity_commission", "value": "1011712"}
    for line in (
        R1E | {"legal": {"from": "2011-09-01", "to": "2018-05-31"}},
        RRE | {"operational": {"from": "2018-06-01"}, "legal": {"from": "2000-01-01"}},
        {"ods_code": "H9901", "name": "A fictional hospice", "kind": "hospice", "identifiers": [hospice]},
        {"ods_code": "X9901", "name": "A fictional prime provider", "kind": "other"},
    ):
        assert put(web, line, key=administrator).status_code == 201
    for query, expected in (
        ("", ["H9901", "R1E", "RRE", "X9901"]),
        ("?kind=hospice", ["H9901"]),
        ("?open_on=2018-05-31", ["H9901", "R1E", "X9901"]),
        ("?open_on=2018-06-01", ["H9901", "RRE", "X9901"]),
        ("?open_on=2018-06-01&kind=community_trust", []),
        ("?scheme=charity_commission", ["H9901"]),
        ("?scheme=charity_commission&value=1011712", ["H9901"]),
        ("?scheme=companies_house&value=1011712", []),
    ):
        assert codes(web.get(REGISTER + query, key=administrator)) == expected, query
    page = web.get(f"{REGISTER}?limit=3&open_on=2026-10-01", key=administrator)
    assert (codes(page), page.json()["next"]) == (["H9901", "RRE", "X9901"], None)
    page = web.get(f"{REGISTER}?limit=3", key=administrator)
    assert codes(page) == ["H9901", "R1E", "RRE"]
    assert codes(web.get(page.links["next"]["url"], key=administrator)) == ["X9901"]
    for query in ("?value=1011712", "?open_on=20180601", "?open_on=1", "?kind=trust", "?limit=0", "?cursor=x"):
        assert web.get(REGISTER + query, key=administrator).status_code == 422, query


def test_what_the_register_said_can_be_asked(web: Web, administrator: str, clock: Clock) -> None:
    put(web, R1E, key=administrator)
    first = web.get(f"{REGISTER}/R1E", key=administrator)
    then = moment_text(clock.now)
    clock.now += timedelta(hours=1)
    changed(web, R1E | {"legal": {"to": "2018-05-31"}}, key=administrator, why="Closed.")
    put(web, RRE, key=administrator)
    web.put(f"{REGISTER}/R1E/successors/RRE", MERGED, key=administrator, headers=NEW)
    assert web.get(f"{REGISTER}/R1E?as_of={then}", key=administrator).content == first.content
    assert codes(web.get(f"{REGISTER}?as_of={then}", key=administrator)) == ["R1E"]
    for address in ("R1E/successors/RRE", "RRE"):
        assert web.get(f"{REGISTER}/{address}", key=administrator).status_code == 200
        assert web.get(f"{REGISTER}/{address}?as_of={then}", key=administrator).status_code == 404
    future = moment_text(clock.now + timedelta(seconds=1))
    for address in (REGISTER, f"{REGISTER}/R1E", f"{REGISTER}/R1E/successors/RRE"):
        refused = web.get(f"{address}?as_of={future}", key=administrator)
        assert (refused.status_code, refused.json()["code"]) == (422, "as_of_in_future")


@pytest.mark.parametrize("role", ["contract_manager", "analyst", "finance", "auditor", "administrator"])
def test_who_sees_every_subcontract_reads_and_does_not_write(two_merged: Web, role: str) -> None:
    reader = two_merged.key(role, programme="test-cancer")
    for address in ("", "/R1E", "/R1E/history", "/R1E/successors/RRE"):
        assert two_merged.get(REGISTER + address, key=reader).status_code == 200
    assert two_merged.get(f"{REGISTER}/RLY", key=reader).status_code == 404
    refused_to_write(two_merged, reader)


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        ("preparer", {"subcontract": "SC-RJE"}),
        ("approver", {"subcontract": "SC-RJE"}),
        ("commissioner_lead", {"commissioner": "QNC"}),
        ("commissioner", {"commissioner": "QNC"}),
    ],
)
def test_others_learn_nothing_of_who_else_there_is(two_merged: Web, role: str, scope: dict[str, str]) -> None:
    key = two_merged.key(role, programme="test-cancer", **scope)
    same = {"X-Request-ID": "same-for-all"}
    for path in ("{}", "{}/history", "{}/successors/RRE"):
        there, absent = (two_merged.get(f"{REGISTER}/{path.format(code)}", key=key, headers=same) for code in ("R1E", "RLY"))
        assert there.status_code == 403
        assert there.content == absent.content
    assert two_merged.get(REGISTER, key=key).status_code == 403
    refused_to_write(two_merged, key)


def refused_to_write(web: Web, key: str) -> None:
    before = kept(web.database)
    for line in (R1E | {"name": "Another name"}, R1E | {"ods_code": "RJD"}):
        assert put(web, line, key=key).status_code == 403
    assert web.put(f"{REGISTER}/RRE/successors/R1E", MERGED, key=key, headers=NEW).status_code == 403
    assert web.request("DELETE", f"{REGISTER}/R1E/successors/RRE?why=x", key=key, headers={"If-Match": "*"}).status_code == 403
    assert kept(web.database) == before


def test_without_a_key_nothing(web: Web) -> None:
    assert web.get(REGISTER).status_code == 401
    assert put(web, R1E, key="ms_live_no").status_code == 401


def test_a_refused_change_leaves_the_register_as_it_was(web: Web, administrator: str, database: Database) -> None:
    merged(web, administrator)
    before = kept(database)
    cases: list[tuple[str, Any, int, set[str]]] = [
        ("R1E/successors/R1E", MERGED, 409, set()),
        ("RRE/successors/R1E", MERGED, 409, set()),
        ("R1E/successors/RLY", MERGED, 404, set()),
        ("RLY/successors/RRE", MERGED, 404, set()),
        ("RRE/successors/RRE", {"legal_on": "2018-06-01"}, 422, {"/why"}),
        ("R1E/successors/RLY", {"legal_on": "soon", "why": " "}, 422, {"/legal_on", "/why"}),
        ("RJD", {"organisation": R1E, "why": "x"}, 422, {"/organisation/ods_code"}),
        ("all", {"organisation": R1E | {"ods_code": "all"}, "why": "x"}, 422, {"/organisation/ods_code"}),
        (
            "R1E",
            {"organisation": R1E | {"kind": "trust", "legal": {"to": 1}}},
            422,
            {"/organisation/kind", "/organisation/legal/to", "/why"},
        ),
        ("R1E", {"organisation": R1E | {"legal": {"from": "2018-06-01", "to": "2018-05-31"}}, "why": "x"}, 422, {"/organisation/legal"}),
    ]
    for address, body, status, pointers in cases:
        answer = web.put(f"{REGISTER}/{address}", body, key=administrator, headers=NEW)
        assert (answer.status_code, {fault["pointer"] for fault in answer.json()["errors"] if "pointer" in fault}) == (status, pointers), (
            answer.text
        )
    assert web.request("DELETE", f"{REGISTER}/RRE/successors/R1E?why=x", key=administrator, headers={"If-Match": "*"}).status_code == 404
    assert web.request("DELETE", f"{REGISTER}/R1E/successors/RRE", key=administrator, headers={"If-Match": "*"}).status_code == 422
    assert kept(database) == before


def test_a_programmes_document_adds_or_repeats_and_never_changes(web: Web, administrator: str) -> None:
    created = web.put(CONFIGURATION, document(), key=administrator, headers=NEW)
    assert created.status_code == 201, created.text
    assert created.json()["organisations"][0] | EMPTY == created.json()["organisations"][0]
    (version,) = web.get(f"{REGISTER}/RJE/history", key=administrator).json()["versions"]
    assert (version["recorded"]["why"], version["closed"]) == (None, None)
    rje = version["organisation"]
    days = {"from": None, "to": "2030-03-31"}
    assert changed(web, rje | {"legal": days}, key=administrator, why="To be merged.").status_code == 200
    # The contract has changed at that moment, by the register's doing: whoever read it before has to read it again.
    read = web.get(CONFIGURATION, key=administrator)
    assert read.headers["ETag"] != created.headers["ETag"]
    assert next(line for line in read.json()["organisations"] if line["ods_code"] == "RJE")["legal"] == days
    match = {"If-Match": read.headers["ETag"]}
    other = document(organisations=[*document()["organisations"][:1], {**rje, "name": "Nobody ever said so"}])
    never_said = web.put(CONFIGURATION, other, key=administrator, headers=match)
    assert (never_said.status_code, never_said.json()["code"]) == (409, "register_conflict")
    # What was in force before the register's change can be put back in force: the register stays as it is.
    before = web.get(f"{CONFIGURATION}?as_of={version['recorded']['at']}", key=administrator)
    assert before.content == created.content
    assert web.put(CONFIGURATION, before.json(), key=administrator, headers=match).content == read.content
    assert web.put(CONFIGURATION, read.json(), key=administrator, headers=match).content == read.content
    without = document(organisations=[line for line in document()["organisations"] if line["ods_code"] != "RJE"])
    assert web.put(CONFIGURATION, without, key=administrator, headers=match).content == read.content


def test_what_a_programme_answered_before_a_change_stays_its_answer(web: Web, administrator: str, clock: Clock) -> None:
    created = web.put(CONFIGURATION, document(), key=administrator, headers=NEW)
    assert created.status_code == 201, created.text
    then = moment_text(clock.now)
    clock.now -= timedelta(hours=1)  # another machine's clock, which is behind
    rje = web.get(f"{REGISTER}/RJE", key=administrator).json()["organisation"]
    assert changed(web, rje | {"name": "Renamed"}, key=administrator, why="Its new name.").status_code == 200
    assert put(web, R1E, key=administrator).status_code == 201
    names = {line["ods_code"]: line["name"] for line in web.get(CONFIGURATION, key=administrator).json()["organisations"]}
    assert names["RJE"] == "Renamed"
    clock.now += timedelta(hours=2)
    assert web.get(f"{CONFIGURATION}?as_of={then}", key=administrator).content == created.content
