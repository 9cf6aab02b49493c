"""Assignments over HTTP: listed, ended, moved, split, reported by another, and volumes proposed out of what was accepted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.make import document
from tests.support.databases import Database
from tests.support.http import Web, serving

ADDRESS = "/v1/programmes/test-cancer"
LINE = {"subcontract": "SC-RJE", "pathway": "cancer", "segment": "treatment", "sites": ["lung"], "commissioners": ["05W", "05G"]}
MONTH = "2026-10"


@pytest.fixture
def web(database: Database) -> Iterator[Web]:
    with serving(database, clock=lambda: datetime(2026, 11, 20, 9, tzinfo=UTC)) as web:
        yield web


@pytest.fixture
def manager(web: Web) -> str:
    key = web.key("contract_manager", programme="test-cancer")
    lines = [{**LINE, "share": 60}, {**LINE, "subcontract": "SC-RL4", "share": 40, "segment": "diagnosis"}]
    put = web.put(f"{ADDRESS}/configuration", document(assignments=lines), key=key, headers={"If-None-Match": "*"})
    assert put.status_code == 201, put.text
    return key


def listed(web: Web, key: str, query: str = "") -> list[dict[str, Any]]:
    answer = web.get(f"{ADDRESS}/assignments{query}", key=key)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["assignments"]
    return rows


def told(rows: list[dict[str, Any]]) -> list[tuple[str, str, str, str | None, float]]:
    return [(row["subcontract"], row["segment"], row["from_month"], row["to_month"], row["share"]) for row in rows]


def accept(web: Web, manager: str, subcontract: str = "SC-RJE", **place: Any) -> Any:
    """State 6 patients at each place of the subcontract's return, and accept it."""
    own = f"{ADDRESS}/returns/cwt/{subcontract}/{MONTH}"
    categories = ("urgent", "breast_symptomatic", "screening", "upgrade")
    cells = [
        {"pathway": "cancer", "segment": "treatment", "measure": "CWT-62", "site": "lung", "commissioner": code, "category": category,
         "numerator": 1, "denominator": "1.5"}
        for code in ("05G", "05W") for category in categories
    ]  # fmt: skip
    sent = web.post(f"{own}/revisions", {"cells": cells}, key=manager)
    assert sent.status_code == 201, sent.text
    assert web.post(f"{own}/acceptance", key=manager).status_code == 200


def test_lines_are_listed_by_pages_and_read_one_by_one(web: Web, manager: str) -> None:
    rows = listed(web, manager)
    assert told(rows) == [("SC-RJE", "treatment", "2026-07", None, 60), ("SC-RL4", "diagnosis", "2026-07", None, 40)]
    for query, count in (
        ("?segment=diagnosis", 1), ("?subcontract=SC-RJE", 1), ("?site=lung", 2), ("?site=prostate", 0), ("?commissioner=05W&month=2026-07", 2),
        ("?month=2026-06", 0), ("?pathway=none", 0),
    ):  # fmt: skip
        assert len(listed(web, manager, query)) == count, query
    page = web.get(f"{ADDRESS}/assignments?limit=1", key=manager).json()
    rest = web.get(f"{ADDRESS}/assignments?limit=1&cursor={page['next']}", key=manager).json()
    assert ([*page["assignments"], *rest["assignments"]], rest["next"]) == (rows, None)
    assert web.get(f"{ADDRESS}/assignments/{rows[0]['assignment']}", key=manager).json() == rows[0]
    assert web.get(f"{ADDRESS}/assignments/0000000000000000", key=manager).status_code == 404
    assert web.get(f"{ADDRESS}/assignments", key=web.key("preparer", programme="test-cancer", subcontract="SC-RJE")).status_code == 403


def test_an_assignment_is_moved_split_and_ended(web: Web, manager: str) -> None:
    first, other = listed(web, manager)
    moved = web.post(f"{ADDRESS}/assignments/{first['assignment']}/move", {"from_month": "2027-04", "subcontract": "SC-RL4"}, key=manager)
    assert moved.status_code == 200, moved.text
    assert told(moved.json()["assignments"]) == [
        ("SC-RJE", "treatment", "2026-07", "2027-03", 60),
        ("SC-RL4", "treatment", "2027-04", None, 60),
    ]
    later = moved.json()["assignments"][1]["assignment"]
    parts = [{"subcontract": "SC-RL4", "share": 50}, {"subcontract": "SC-RJE", "share": 50}]
    split = web.post(f"{ADDRESS}/assignments/{later}/split", {"from_month": "2028-01", "parts": parts}, key=manager)
    assert split.status_code == 200, split.text
    last = split.json()["assignments"][2]["assignment"]
    assert web.post(f"{ADDRESS}/assignments/{last}/ending", {"to_month": "2028-12"}, key=manager).status_code == 200
    assert told(listed(web, manager, "?segment=treatment")) == [
        ("SC-RJE", "treatment", "2026-07", "2027-03", 60),
        ("SC-RJE", "treatment", "2028-01", "2028-12", 50),
        ("SC-RL4", "treatment", "2027-04", "2027-12", 60),
        ("SC-RL4", "treatment", "2028-01", None, 50),
    ]
    # The line is another one now; the one that nobody touched is the same.
    assert web.post(f"{ADDRESS}/assignments/{later}/ending", {"to_month": "2028-12"}, key=manager).status_code == 404
    assert listed(web, manager, "?segment=diagnosis") == [other]


def test_a_change_keeps_every_rule_and_says_where_it_does_not(web: Web, manager: str) -> None:
    name = listed(web, manager)[0]["assignment"]
    before = web.get(f"{ADDRESS}/configuration", key=manager).content
    parts = [{"subcontract": "SC-RJE", "share": 60}, {"subcontract": "SC-RL4", "share": 60}]
    for act, body, fault in (
        ("split", {"from_month": "2027-04", "parts": parts}, ("share_above_100", "/parts/1/share")),
        (
            "split",
            {"from_month": "2027-04", "parts": [{"subcontract": "SC-NONE", "share": 1}]},
            ("unknown_subcontract", "/parts/0/subcontract"),
        ),
        ("move", {"from_month": "2027-04", "subcontract": "SC-NONE"}, ("unknown_subcontract", "/subcontract")),
        ("move", {"from_month": "2026-06", "subcontract": "SC-RL4"}, ("not_within_assignment", "/from_month")),
        ("move", {"from_month": "2027-04", "subcontract": "SC-RJE"}, ("same_subcontract", "/subcontract")),
        ("ending", {"to_month": "2026-06"}, ("not_within_assignment", "/to_month")),
        ("ending", {"to_month": "2026-13"}, ("month", "/to_month")),
        ("split", {"from_month": "2027-04", "parts": [{"subcontract": "SC-RL4", "share": 101}]}, ("percent", "/parts/0/share")),
    ):
        answer = web.post(f"{ADDRESS}/assignments/{name}/{act}", body, key=manager)
        assert answer.status_code == 422, answer.text
        assert [(each["code"], each["pointer"]) for each in answer.json()["errors"]] == [fault]
    accept(web, manager)
    answer = web.post(f"{ADDRESS}/assignments/{name}/move", {"from_month": "2026-10", "subcontract": "SC-RL4"}, key=manager)
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert web.get(f"{ADDRESS}/configuration", key=manager).content == before
    assert (
        web.post(
            f"{ADDRESS}/assignments/{name}/ending", {"to_month": "2027-04"}, key=web.key("analyst", programme="test-cancer")
        ).status_code
        == 403
    )


def test_the_same_key_answers_the_same_change_again(web: Web, manager: str) -> None:
    name = listed(web, manager)[0]["assignment"]
    said = {"Idempotency-Key": "once"}
    first, again = (web.post(f"{ADDRESS}/assignments/{name}/ending", {"to_month": "2027-03"}, key=manager, headers=said) for _ in range(2))
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert first.content == again.content


def test_who_reports_for_another_sees_and_owes_the_return(web: Web) -> None:
    manager = web.key("contract_manager", programme="test-cancer")
    made = document(assignments=[{**LINE, "reported_by": "SC-RL4"}])
    assert web.put(f"{ADDRESS}/configuration", made, key=manager, headers={"If-None-Match": "*"}).status_code == 201
    for subcontract, count in (("SC-RL4", 1), ("SC-RJE", 0)):
        key = web.key("preparer", programme="test-cancer", subcontract=subcontract)
        for caller in (key, manager):
            answer = web.get(f"{ADDRESS}/returns?month={MONTH}&subcontract={subcontract}", key=caller)
            assert (answer.status_code, len(answer.json()["returns"])) == (200, count), answer.text
    accept(web, manager, "SC-RL4")
    # The deliverer ends: its reporter sees that nothing more is owed of it, and nothing else that is the deliverer's.
    ended = {"reference": "SC-RJE", "organisation": "RJE", "sector": "acute", "starts_on": "2026-07-01", "ends_on": "2026-10-31"}
    assert web.put(f"{ADDRESS}/subcontracts/SC-RJE", ended, key=manager, headers={"If-Match": "*"}).status_code == 200
    reporter = web.key("preparer", programme="test-cancer", subcontract="SC-RL4")
    for caller in (reporter, manager):
        rows = web.get(f"{ADDRESS}/returns?subcontract=SC-RL4", key=caller).json()["returns"]
        assert [(row["month"], row["final"]) for row in rows][-1] == (MONTH, True)
        assert web.get(f"{ADDRESS}/returns/cwt/SC-RL4/2026-11", key=caller).status_code == 404
    assert {row["subcontract"] for row in web.get(f"{ADDRESS}/returns", key=reporter).json()["returns"]} == {"SC-RL4"}
    assert web.get(f"{ADDRESS}/subcontracts/SC-RJE", key=reporter).status_code == 404
    assert web.get(f"{ADDRESS}/subcontracts/SC-RJE/variations", key=reporter).status_code == 404


def test_volumes_are_proposed_out_of_a_year_before(web: Web, manager: str) -> None:
    accept(web, manager)
    answer = web.post(f"{ADDRESS}/expected-volumes:propose", {"measure": "CWT-62", "from_month": "2027-07"}, key=manager)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["assignments"]
    assert (row["subcontract"], row["proposed_volume"], row["reason"]) == ("SC-RJE", 12, None)
    beyond = web.post(f"{ADDRESS}/expected-volumes:propose", {"measure": "CWT-62", "from_month": "2199-06"}, key=manager)
    assert (beyond.status_code, beyond.json()["errors"][0]["pointer"]) == (422, "/from_month")
    assert {each["of_month"]: each["volume"] for each in row["months"] if each["volume"] is not None} == {MONTH: 12}
    assert [each["month"] for each in row["months"]][::11] == ["2027-07", "2028-06"]
    none = web.post(f"{ADDRESS}/expected-volumes:propose", {"measure": "CWT-FDS", "from_month": "2027-07"}, key=manager).json()
    assert [(each["subcontract"], each["proposed_volume"], each["reason"]) for each in none["assignments"]] == [
        ("SC-RL4", None, "nothing_reported")
    ]
    unknown = web.post(f"{ADDRESS}/expected-volumes:propose", {"measure": "NONE", "from_month": "2027-07"}, key=manager)
    assert (unknown.status_code, [fault["pointer"] for fault in unknown.json()["errors"]]) == (422, ["/measure"])


def test_a_volume_is_not_proposed_for_one_line_out_of_cells_that_hold_two(web: Web) -> None:
    manager = web.key("contract_manager", programme="test-cancer")
    lines = [{**LINE, "commissioners": [code]} for code in ("05W", "05G")]
    measures = [{"code": "CWT-62", "name": "Of all commissioners", "split_by": ["site"]}, *document()["measures"][2:], "CWT-FDS"]
    made = document(assignments=lines, measures=measures, requirements=[])
    put = web.put(f"{ADDRESS}/configuration", made, key=manager, headers={"If-None-Match": "*"})
    assert put.status_code == 201, put.text
    answer = web.post(f"{ADDRESS}/expected-volumes:propose", {"measure": "CWT-62", "from_month": "2027-07"}, key=manager).json()
    assert [(row["reason"], row["proposed_volume"]) for row in answer["assignments"]] == [("shared_cells", None)] * 2


def test_a_line_is_added_changed_and_withdrawn_by_itself(web: Web, manager: str) -> None:
    address = f"{ADDRESS}/assignments"
    line = {**LINE, "sites": ["prostate"], "share": 50}
    before = web.get(f"{ADDRESS}/configuration", key=manager).content
    for method, path in (("POST", address), ("PUT", f"{address}/{listed(web, manager)[0]['assignment']}")):
        tried = web.request(method, f"{path}?dry_run=true", json=line, key=manager)
        assert (tried.status_code, tried.json()["differences"][0]["noun"]) == (200, "assignments"), tried.text
        would_be = tried.json()["assignment"]
    assert web.get(f"{ADDRESS}/configuration", key=manager).content == before
    added = web.post(address, line, key=manager)
    assert added.status_code == 201, added.text
    first = added.headers["Location"]
    assert first.endswith(would_be), "a dry run says by which name the line will stand"
    read = web.get(first, key=manager)
    assert (read.content, read.headers["ETag"]) == (added.content, added.headers["ETag"])
    again = web.post(address, line, key=manager)
    assert (again.status_code, [fault["code"] for fault in again.json()["errors"]]) == (422, ["assigned_twice"])
    # By their names: whoever sends one line has not seen the document and its numbers.
    assert f"what assignment {would_be} holds already" in again.json()["errors"][0]["detail"]
    assert "/assignments/" not in again.text.replace(again.json()["instance"], "")
    other = {**line, "share": 60, "expected_volume": 12}
    assert web.put(first, other, key=manager).status_code == 428
    assert web.put(first, other, key=manager, headers={"If-Match": '"x"'}).status_code == 412
    put = web.put(first, other, key=manager, headers={"If-Match": added.headers["ETag"]})
    assert (put.status_code, put.json()["share"], put.json()["expected_volume"]) == (200, 60, 12), put.text
    second = put.headers["Location"]
    assert second == f"{address}/{put.json()['assignment']}" != first
    assert [web.get(path, key=manager).status_code for path in (first, second)] == [404, 200]
    assert web.get(second, key=manager).headers["ETag"] == put.headers["ETag"]
    wrong = web.put(second, {**other, "subcontract": "SC-NONE"}, key=manager, headers={"If-Match": "*"})
    assert [(fault["code"], fault["pointer"]) for fault in wrong.json()["errors"]] == [("unknown_subcontract", "/subcontract")]
    assert web.request("DELETE", second, key=manager).status_code == 428
    would_go = web.request("DELETE", f"{second}?dry_run=true", key=manager).json()
    assert (bool(would_go["effects"]["gaps_opened"]), would_go["assignment"]) == (True, None)
    gone = web.request("DELETE", second, key=manager, headers={"If-Match": put.headers["ETag"]})
    assert (gone.status_code, gone.content) == (200, put.content)
    assert web.request("DELETE", second, key=manager, headers={"If-Match": "*"}).status_code == 404
    assert web.get(f"{ADDRESS}/configuration", key=manager).content == before
    # What stood is told under each name, and which came after it.
    (stood,) = web.get(f"{first}/history", key=manager).json()["versions"]
    (stands,) = web.get(f"{second}/history", key=manager).json()["versions"]
    names = [path.rsplit("/", maxsplit=1)[1] for path in (first, second)]
    assert (stood["preceded_by"], stood["followed_by"], stands["preceded_by"], stands["followed_by"]) == ([], names[1:], names[:1], [])
    assert (stood["line"]["share"], stood["closed_at"], stood["recorded_by"]) == (50, stands["recorded_at"], stood["closed_by"])
    web.post(address, line, key=manager)
    versions = web.get(f"{first}/history", key=manager).json()["versions"]
    assert [version["closed_at"] is None for version in versions] == [False, True]
    assert web.get(f"{address}/0000000000000000/history", key=manager).status_code == 404


def test_a_line_stands_while_the_places_of_all_come_and_go(web: Web, manager: str) -> None:
    line = {"subcontract": "SC-H9901", "pathway": "cancer", "segment": "palliative"}
    path = web.post(f"{ADDRESS}/assignments", line, key=manager).headers["Location"]
    breast = f"{ADDRESS}/sites/breast"
    for _ in range(2):
        assert web.put(breast, {"code": "breast", "name": "Breast"}, key=manager, headers={"If-None-Match": "*"}).status_code == 201
        (stands,) = web.get(f"{path}/history", key=manager).json()["versions"]
        assert stands["closed_at"] is None
        assert web.request("DELETE", breast, key=manager, headers={"If-Match": "*"}).status_code == 200
    (stands,) = web.get(f"{path}/history", key=manager).json()["versions"]
    assert stands["closed_at"] is None


def test_only_who_may_changes_a_line(web: Web, manager: str) -> None:
    path = f"{ADDRESS}/assignments/{listed(web, manager)[0]['assignment']}"
    for key, status in ((web.key("analyst", programme="test-cancer"), 403), (web.key("contract_manager", programme="other"), 404)):
        assert web.post(f"{ADDRESS}/assignments", LINE, key=key).status_code == status
        assert web.put(path, LINE, key=key, headers={"If-Match": "*"}).status_code == status
        assert web.request("DELETE", path, key=key, headers={"If-Match": "*"}).status_code == status
    preparer = web.key("preparer", programme="test-cancer", subcontract="SC-RJE")
    assert web.get(f"{path}/history", key=preparer).status_code == 403
    accept(web, manager)
    used = web.request("DELETE", path, key=manager, headers={"If-Match": "*"})
    assert (used.status_code, used.json()["code"]) == (409, "in_use")
