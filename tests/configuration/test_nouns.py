"""Each noun's own endpoints: one line of the document at a time, under the document's rules, as every kind of caller."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.configuration.nouns import NOUNS, Noun, StatusOn
from app.kernel.moments import moment_text
from tests.make import contract, document, subcontract
from tests.support.clock import Clock
from tests.support.databases import Database, Server
from tests.support.http import Web, serving

PROGRAMME = "/v1/programmes/test-cancer"
CREATE = {"If-None-Match": "*"}
MEASURE_V2 = {"code": "CWT-62", "version": 2, "from_month": "2030-01", "name": "62 days, redefined", "split_by": ["site", "commissioner"]}
TRUSTS = {"code": "trust", "categories": [{"code": "SC-RJE"}, {"code": "SC-RL4"}]}
OUT = {"pathway": "cancer", "segment": "diagnosis", "measure": "H-OUT"}
IN = {"pathway": "cancer", "segment": "treatment", "measure": "H-IN"}
NEW: dict[str, tuple[str, dict[str, Any]]] = {
    "commissioners": ("commissioners/05D", {"ods_code": "05D", "name": "East Staffordshire", "parent": "QNC", "from_month": "2027-04"}),
    "phases": ("phases/2", {"number": 2, "name": "Delivery", "from_month": "2028-07", "payment": "live"}),
    "sites": ("sites/breast", {"code": "breast", "name": "Breast", "from_month": "2028-07"}),
    "measures": ("measures/CWT-62/versions/2", MEASURE_V2),
    "pathways": ("pathways/lung", {"code": "lung", "name": "Lung", "sites": ["lung"], "segments": [{"code": "triage", "name": "Triage"}]}),
    "collections": ("collections/outcomes", {"code": "outcomes", "name": "Outcomes", "measures": ["O-ONE"], "due": {"working_day": 20}}),
    "requirements": ("requirements/CWT-FDS", {"measure": "CWT-FDS", "targets": [{"from_month": "2026-07", "standard": "0.75"}]}),
    "subcontracts": (
        "subcontracts/SC-NEW",
        {"reference": "SC-NEW", "organisation": "RL4", "sector": "community", "starts_on": "2027-01-01", "ends_on": "2030-12-31"},
    ),
    "handovers": ("handovers/on", {"code": "on", "sent": OUT, "received": IN}),
}  # fmt: skip
SEGMENT: dict[str, Any] = {"setting": None, "measures": []}
CHANGE: dict[str, Any] = {
    "handovers": {"tolerance": {"absolute": 3, "relative": 0}},
    "pathways": {"segments": [{"code": code, "name": "Another", **SEGMENT} for code in ("referral", "triage")]},
}
"""What another version of each says; another name where nothing is said here."""
NAMED = {"requirements": "schedule_ref", "subcontracts": "annual_value_pence"}


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@contextlib.contextmanager
def served(database: Database, clock: Clock) -> Iterator[Web]:
    with serving(database, clock=clock) as web:
        whole = document()
        whole["measures"].append({"code": "O-ONE", "name": "An outcome", "aggregation": "count_sum"})
        whole["measures"] += [{"code": code, "name": code, "aggregation": "count_sum", "breakdown": TRUSTS} for code in ("H-OUT", "H-IN")]
        for segment, code in zip(whole["pathways"][0]["segments"], ("H-OUT", "H-IN"), strict=False):
            segment["measures"].append(code)
        whole["handovers"] = [{"code": "back", "sent": OUT, "received": IN, "tolerance": {"relative": "0.1"}}]
        assert web.put(f"{PROGRAMME}/configuration", whole, key=web.key("administrator"), headers=CREATE).status_code == 201
        yield web


@pytest.fixture
def web(database: Database, clock: Clock) -> Iterator[Web]:
    with served(database, clock) as web:
        yield web


@pytest.fixture(scope="module")
def unchanged(module_database: Database) -> Iterator[Web]:
    """For tests that change nothing."""
    with served(module_database, Clock(datetime.now(UTC))) as web:
        yield web


@pytest.fixture(scope="module")
def grown(server: Server) -> Iterator[Web]:
    """With a new line of every noun, for tests that change nothing."""
    with server.database() as made, served(made, Clock(datetime.now(UTC))) as web:
        for path, line in NEW.values():
            assert web.put(f"{PROGRAMME}/{path}", line, key=manager_of(web), headers=CREATE).status_code == 201
        yield web


def manager_of(web: Web) -> str:
    return web.key("contract_manager", programme="test-cancer")


@pytest.fixture
def manager(web: Web) -> str:
    return manager_of(web)


def changed(noun: Noun, line: dict[str, Any]) -> dict[str, Any]:
    member = NAMED.get(noun.section, "name")
    return {**line, **CHANGE.get(noun.section, {member: 5 if member.endswith("pence") else "Another"})}


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.section)
def test_a_line_is_added_read_changed_and_withdrawn_and_its_history_tells(noun: Noun, web: Web, manager: str, clock: Clock) -> None:
    path, line = NEW[noun.section]
    address = f"{PROGRAMME}/{path}"
    clock.now += timedelta(hours=1)
    assert web.get(address, key=manager).status_code == 404
    assert web.put(address, line, key=manager).status_code == 428
    added = web.put(address, line, key=manager, headers=CREATE)
    assert (added.status_code, added.headers["Location"]) == (201, address), added.text
    assert line.keys() <= added.json().keys()
    read = web.get(address, key=manager)
    assert (read.status_code, read.headers["ETag"], read.content) == (200, added.headers["ETag"], added.content)
    assert web.get(address, key=manager, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    assert added.json() in web.get(f"{PROGRAMME}/configuration", key=manager).json()[noun.section]
    then = clock.now
    clock.now += timedelta(hours=1)
    other = changed(noun, added.json())
    assert web.put(address, other, key=manager).status_code == 428
    assert web.put(address, other, key=manager, headers={"If-Match": '"x"'}).status_code == 412
    assert web.put(address, other, key=manager, headers=CREATE).status_code == 412
    put = web.put(address, other, key=manager, headers={"If-Match": read.headers["ETag"]})
    assert (put.status_code, put.json()) == (200, other), put.text
    assert web.get(f"{address}?as_of={moment_text(then)}", key=manager).content == added.content
    clock.now += timedelta(hours=1)
    assert web.request("DELETE", address, key=manager).status_code == 428
    assert web.request("DELETE", address, key=manager, headers={"If-Match": read.headers["ETag"]}).status_code == 412
    gone = web.request("DELETE", address, key=manager, headers={"If-Match": put.headers["ETag"]})
    assert (gone.status_code, gone.json()) == (200, other), gone.text
    assert web.get(address, key=manager).status_code == 404
    assert web.request("DELETE", address, key=manager, headers={"If-Match": "*"}).status_code == 404
    history = web.get(f"{address}/history", key=manager).json()["versions"]
    assert [version["line"] for version in history] == [added.json(), other]
    assert [version["recorded_by"] for version in history] == [version["closed_by"] for version in history]
    assert history[0]["closed_at"] == history[1]["recorded_at"] == moment_text(then + timedelta(hours=1))
    first = web.get(f"{address}/history?limit=1", key=manager).json()
    assert web.get(f"{address}/history?limit=1&cursor={first['next']}", key=manager).json()["versions"] == history[1:]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.section)
def test_a_dry_run_of_a_line_answers_the_difference_and_keeps_nothing(noun: Noun, unchanged: Web) -> None:
    manager = manager_of(unchanged)
    path, line = NEW[noun.section]
    before = unchanged.get(f"{PROGRAMME}/configuration", key=manager)
    tried = unchanged.put(f"{PROGRAMME}/{path}?dry_run=true", line, key=manager)
    assert tried.status_code == 200, tried.text
    told = {each["noun"]: each for each in tried.json()["differences"]}[noun.section]
    assert (len(told["added"]), told["changed"], told["withdrawn"]) == (1, [], [])
    assert told["lines"][0]["before"] is None
    assert unchanged.get(f"{PROGRAMME}/configuration", key=manager).content == before.content
    assert unchanged.get(f"{PROGRAMME}/{path}/history", key=manager).status_code == 404


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.section)
def test_lines_are_listed_by_pages_in_the_order_of_their_keys(noun: Noun, grown: Web) -> None:
    manager = manager_of(grown)
    stated = grown.get(f"{PROGRAMME}/configuration", key=manager).json()[noun.section]
    address, lines, pages = f"{PROGRAMME}/{noun.section}?limit=1", [], 0
    while address:
        page = grown.get(address, key=manager)
        lines += page.json()[noun.section]
        address = page.headers.get("Link", "<>").split(">")[0][1:]
        pages += 1
    assert (lines, pages) == (stated, len(stated))
    assert len(stated) > 1
    assert grown.get(f"{PROGRAMME}/{noun.section}?cursor=AAAA", key=manager).json()["code"] == "bad_cursor"


FILTERS = [
    ("commissioners?parent=QNC", ["05G", "05W"]),
    ("phases?month=2028-07", []),
    ("phases?payment=shadow&month=2028-06", [1]),
    ("sites?parent=urological", ["bladder", "prostate"]),
    ("sites?month=2026-10", ["bladder", "lung", "prostate", "urological"]),
    ("measures?measure=CWT-62", ["CWT-62"]),
    ("measures?kind=service_standard", ["CWT-62", "CWT-FDS"]),
    ("measures?aggregation=banded", ["HOSP-WAIT"]),
    ("measures?measure=CWT-62&month=2020-01", []),
    ("pathways?site=lung&month=2026-10", ["cancer"]),
    ("pathways?month=2026-06", []),
    ("collections?measure=CWT-62", ["cwt"]),
    ("collections?every=month&month=2026-10", ["cwt", "hospice"]),
    ("collections?every=year", []),
    ("requirements?judged_on=month&month=2026-10", ["CWT-62"]),
    ("requirements?month=2026-06", []),
    ("subcontracts?organisation=RJE", ["SC-RJE"]),
    ("subcontracts?sector=hospice&status=live&month=2031-06", ["SC-H9901"]),
    ("subcontracts?month=2031-07", []),
]  # fmt: skip


def test_lists_answer_their_filters(unchanged: Web) -> None:
    manager = manager_of(unchanged)
    for query, keys in FILTERS:
        section = query.split("?", maxsplit=1)[0]
        noun = next(noun for noun in NOUNS if noun.section == section)
        found = unchanged.get(f"{PROGRAMME}/{query}", key=manager)
        assert found.status_code == 200, found.text
        assert [line[noun.key[0]] for line in found.json()[section]] == keys, query
    for closed in (
        "sites?month=October", "subcontracts?status=alive", "subcontracts?sector=pub", "measures?kind=nice", "measures?aggregation=sum",
        "phases?payment=cash", "collections?every=week", "requirements?judged_on=day",
    ):  # fmt: skip
        assert unchanged.get(f"{PROGRAMME}/{closed}", key=manager).status_code == 422, closed
    for path in ("deadlines?from=2027-01&to=2026-12", "requirements/CWT-62/weights?month=2040-01"):
        assert unchanged.get(f"{PROGRAMME}/{path}", key=manager).status_code == 422, path
    assert unchanged.get("/v1/calendar/days?from=2027-01-02&to=2027-01-01", key=manager).status_code == 422


def test_a_status_is_asked_of_a_day() -> None:
    (noun,) = (noun for noun in NOUNS if noun.section == "subcontracts")
    history = [{"status": "live", "from_day": "2026-07-01"}, {"status": "suspended", "from_day": "2027-02-01"}]
    lines = [{**subcontract("SC-RJE", "RJE", "acute"), "status": None, "status_history": history}, *document()["subcontracts"][1:]]
    stood = contract(subcontracts=lines)
    for day, references in (("2027-01-31", ["SC-H9901", "SC-RJE", "SC-RL4"]), ("2027-02-01", ["SC-H9901", "SC-RL4"])):
        found = noun.asked_for(stood, {"status": StatusOn("live", date.fromisoformat(day))})
        assert [key[0] for key in found] == references


def test_what_is_wrong_with_a_line_is_named_in_it_and_what_lies_elsewhere_in_words(unchanged: Web) -> None:
    manager = manager_of(unchanged)
    answer = unchanged.put(f"{PROGRAMME}/sites/lung", {"code": "bladder", "name": "Lung"}, key=manager, headers={"If-Match": "*"})
    assert [(fault["code"], fault["pointer"]) for fault in answer.json()["errors"]] == [("key_differs", "/code")]
    answer = unchanged.put(f"{PROGRAMME}/sites/lung", {"code": "lung", "surprise": 1}, key=manager, headers={"If-Match": "*"})
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/name", "/surprise"}
    line = {"code": "lung", "name": "Lung", "parent": "nowhere"}
    answer = unchanged.put(f"{PROGRAMME}/sites/lung", line, key=manager, headers={"If-Match": "*"})
    assert [(fault["code"], fault["pointer"]) for fault in answer.json()["errors"]] == [("unknown_parent", "/parent")]
    answer = unchanged.request("DELETE", f"{PROGRAMME}/sites/lung", key=manager, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (422, "configuration_invalid")
    assert {fault["code"] for fault in answer.json()["errors"]} == {"unknown_site"}
    assert all("/assignments/" in fault["detail"] for fault in answer.json()["errors"])


def test_a_measure_that_is_still_named_comes_back_from_the_catalogue(unchanged: Web) -> None:
    manager = manager_of(unchanged)
    answer = unchanged.request("DELETE", f"{PROGRAMME}/measures/CWT-FDS/versions/1", key=manager, headers={"If-Match": "*"})
    assert (answer.status_code, [fault["code"] for fault in answer.json()["errors"]]) == (422, ["still_used"])


def test_saying_the_same_again_is_no_new_version(web: Web, manager: str) -> None:
    address = f"{PROGRAMME}/sites/lung"
    read = web.get(address, key=manager)
    again = web.put(address, {"code": "lung", "name": "Lung"}, key=manager, headers={"If-Match": read.headers["ETag"]})
    assert (again.status_code, again.headers["ETag"]) == (200, read.headers["ETag"])
    assert len(web.get(f"{address}/history", key=manager).json()["versions"]) == 1


def test_only_who_may_reads_and_changes_lines(unchanged: Web) -> None:
    readers = [unchanged.key("analyst", programme="test-cancer"), unchanged.key("auditor")]
    hospice = unchanged.key("preparer", programme="test-cancer", subcontract="SC-H9901")
    lead = unchanged.key("commissioner_lead", programme="test-cancer", commissioner="05W")
    stranger = unchanged.key("contract_manager", programme="elsewhere")
    for noun in NOUNS:
        path, line = NEW[noun.section]
        address = f"{PROGRAMME}/{path}"
        assert unchanged.put(address, line, headers=CREATE).status_code == 401
        for key in (*readers, hospice, lead):
            assert unchanged.put(address, line, key=key, headers=CREATE).status_code == 403, noun
            assert unchanged.request("DELETE", address, key=key, headers=CREATE).status_code == 403
        for key in (hospice, lead):
            assert unchanged.get(f"{PROGRAMME}/{noun.section}", key=key).status_code == 403
            assert unchanged.get(f"{address}/history", key=key).status_code == 403
        assert [unchanged.get(f"{PROGRAMME}/{noun.section}", key=key).status_code for key in readers] == [200, 200]
        for method in ("GET", "PUT", "DELETE"):
            assert unchanged.request(method, address, key=stranger, json=line, headers=CREATE).status_code == 404


def test_a_subcontracts_client_reads_its_own_subcontract_alone(unchanged: Web) -> None:
    hospice = unchanged.key("preparer", programme="test-cancer", subcontract="SC-H9901")
    own = unchanged.get(f"{PROGRAMME}/subcontracts/SC-H9901", key=hospice)
    assert (own.status_code, own.json()["organisation"]) == (200, "H9901")
    theirs, absent = (
        unchanged.get(f"{PROGRAMME}/subcontracts/{reference}", key=hospice, headers={"X-Request-ID": "same"})
        for reference in ("SC-RJE", "SC-NONE")
    )
    assert theirs.status_code == absent.status_code == 404
    assert {**theirs.json(), "instance": ""} == {**absent.json(), "instance": ""}
    lead = unchanged.key("commissioner_lead", programme="test-cancer", commissioner="05W")
    assert unchanged.get(f"{PROGRAMME}/subcontracts/SC-RJE", key=lead).status_code == 404


def test_a_document_of_before_brings_every_noun_back_as_new_facts(web: Web, manager: str, clock: Clock) -> None:
    address = f"{PROGRAMME}/configuration"
    first, then = web.get(address, key=manager), clock.now
    clock.now += timedelta(hours=1)
    for path, line in NEW.values():
        assert web.put(f"{PROGRAMME}/{path}", line, key=manager, headers=CREATE).status_code == 201
    whole = web.get(address, key=manager).json()
    whole["assignments"][0]["to_month"] = "2030-12"
    whole["programme"]["name"] = "Another"
    web.put(address, whole, key=manager, headers={"If-Match": "*"})
    lung = web.get(f"{PROGRAMME}/sites/lung", key=manager)
    clock.now += timedelta(hours=1)
    changed_lung = {**lung.json(), "name": "Lungs"}
    assert web.put(f"{PROGRAMME}/sites/lung", changed_lung, key=manager, headers={"If-Match": lung.headers["ETag"]}).status_code == 200
    stood = web.get(f"{address}?as_of={moment_text(then)}", key=manager)
    assert stood.content == first.content
    clock.now += timedelta(hours=1)
    back = web.put(address, stood.json(), key=manager, headers={"If-Match": "*"})
    assert (back.status_code, back.content) == (200, first.content)
    names = [version["line"]["name"] for version in web.get(f"{PROGRAMME}/sites/lung/history", key=manager).json()["versions"]]
    assert names == ["Lung", "Lungs", "Lung"]
    for path, _ in NEW.values():
        (version,) = web.get(f"{PROGRAMME}/{path}/history", key=manager).json()["versions"]
        assert version["closed_at"] == moment_text(clock.now)
        assert web.get(f"{PROGRAMME}/{path}", key=manager).status_code == 404


def test_a_new_version_of_a_measure_is_previewed(unchanged: Web) -> None:
    manager = manager_of(unchanged)
    path, line = NEW["measures"]
    told = unchanged.put(f"{PROGRAMME}/{path}?dry_run=true", line, key=manager).json()["effects"]
    months = {"from_month": "2030-01", "to_month": "2031-06"}
    assert told["obligations_changing"] == [{"collection": "cwt", "subcontract": each, **months} for each in ("SC-RJE", "SC-RL4")]
    assert (told["obligations_appearing"], told["obligations_disappearing"], told["publications_touched"]) == ([], [], [])
    ended = unchanged.request("DELETE", f"{PROGRAMME}/collections/hospice?dry_run=true", key=manager)
    assert ended.status_code == 200, ended.text
    (gone,) = ended.json()["effects"]["obligations_disappearing"]
    assert gone == {"collection": "hospice", "subcontract": "SC-H9901", "from_month": "2026-07", "to_month": "2031-06"}
    assert unchanged.get(f"{PROGRAMME}/collections/hospice", key=manager).status_code == 200


@pytest.mark.parametrize("address", ["measures/CWT-62/versions/{}", "phases/{}"])
def test_a_number_that_nothing_can_have_names_nothing(unchanged: Web, address: str) -> None:
    manager = manager_of(unchanged)
    for number, told in ((2**31 - 1, (404, "not_found")), (2**31, (422, "invalid")), ("9" * 25, (422, "invalid")), (0, (422, "invalid"))):
        for path in (address.format(number), f"{address.format(number)}/history"):
            answer = unchanged.get(f"{PROGRAMME}/{path}", key=manager)
            assert (answer.status_code, answer.json()["code"]) == told, path
