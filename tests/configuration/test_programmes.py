"""The programme's own endpoints: a programme begun by its line alone, changed, listed, and what it said before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.kernel.moments import moment_text
from tests.make import document
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.http import Web, serving

CREATE = {"If-None-Match": "*"}
TERM = {"starts_on": "2026-07-01", "ends_on": "2036-06-30"}
PRIME = {"ods_code": "X9901", "name": "A fictional prime provider", "kind": "other"}
LINE: dict[str, Any] = {"code": "begun", "name": "Begun by its line", "prime": "X9901", **TERM}
START = datetime(2026, 7, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def web(database: Database, clock: Clock) -> Iterator[Web]:
    with serving(database, clock=clock) as web:
        yield web


OPTIONAL = ("value_pence", "contract_year_starts", "quality", "publish_threshold", "rag", "publication")


def test_a_programme_is_begun_by_its_line_once_its_prime_is_registered(web: Web, clock: Clock) -> None:
    key = web.key("administrator")
    address = "/v1/programmes/begun"
    refused = web.put(address, LINE, key=key, headers=CREATE)
    assert (refused.status_code, refused.json()["code"]) == (422, "configuration_invalid")
    assert [(fault["code"], fault["pointer"]) for fault in refused.json()["errors"]] == [("unknown_organisation", "/prime")]
    assert "/v1/organisations/" in refused.json()["errors"][0]["fix"]
    assert web.get(address, key=key).status_code == 404
    assert web.put("/v1/organisations/X9901", {"organisation": PRIME, "why": "The prime."}, key=key, headers=CREATE).status_code == 201
    assert web.put(address, LINE, key=key).status_code == 428
    tried = web.put(f"{address}?dry_run=true", LINE, key=key)
    assert (tried.status_code, tried.json()["would_create"]) == (200, True)
    added = web.put(address, LINE, key=key, headers=CREATE)
    assert (added.status_code, added.headers["Location"]) == (201, address), added.text
    assert added.json() == {**LINE, **dict.fromkeys(OPTIONAL), "measures_need_approval": False}
    assert web.get(f"{address}/configuration", key=key).json()["programme"] == added.json()
    clock.now += timedelta(hours=1)
    other = {**added.json(), "value_pence": 68_700_000_000, "contract_year_starts": "04-01"}
    assert web.put(address, other, key=key, headers=CREATE).status_code == 412
    changed = web.put(address, other, key=key, headers={"If-Match": added.headers["ETag"]})
    assert (changed.status_code, changed.json()) == (200, other), changed.text
    assert web.get(address, key=key).headers["ETag"] == changed.headers["ETag"]
    assert web.get(f"{address}?as_of={moment_text(START + timedelta(minutes=1))}", key=key).json() == added.json()
    history = web.get(f"{address}/history", key=key).json()["versions"]
    assert [version["line"] for version in history] == [added.json(), other]
    # The other nouns follow one by one.
    site = web.put(f"{address}/sites/lung", {"code": "lung", "name": "Lung"}, key=key, headers=CREATE)
    assert site.status_code == 201, site.text


def test_programmes_are_listed_to_whoever_reads_them(web: Web) -> None:
    key = web.key("administrator")
    for code in ("a-one", "b-two", "c-three"):
        whole = document()
        whole["programme"] |= {"code": code}
        assert web.put(f"/v1/programmes/{code}/configuration", whole, key=key, headers=CREATE).status_code == 201

    def codes(query: str = "", *, by: str = key) -> list[str]:
        answer = web.get(f"/v1/programmes{query}", key=by)
        assert answer.status_code == 200, answer.text
        return [line["code"] for line in answer.json()["programmes"]]

    assert codes() == ["a-one", "b-two", "c-three"]
    assert codes(by=web.key("auditor")) == ["a-one", "b-two", "c-three"]
    assert codes(by=web.key("analyst", programme="b-two")) == ["b-two"]
    assert codes(by=web.key("contract_manager", programme="elsewhere")) == []
    page = web.get("/v1/programmes?limit=2", key=key)
    assert [line["code"] for line in page.json()["programmes"]] == ["a-one", "b-two"]
    following = page.headers["Link"].split(">")[0][1:]
    assert [line["code"] for line in web.get(following, key=key).json()["programmes"]] == ["c-three"]
    assert codes("?prime=NOBODY") == codes("?month=2020-01") == []
    assert codes("?month=2026-10&prime=X9901") == ["a-one", "b-two", "c-three"]
    assert codes(f"?as_of={moment_text(START - timedelta(days=1))}") == []
    assert web.get(f"/v1/programmes?as_of={moment_text(START + timedelta(days=1))}", key=key).json()["code"] == "as_of_in_future"


def test_only_who_may_reads_and_changes_a_programme(web: Web) -> None:
    key = web.key("administrator")
    web.put("/v1/programmes/test-cancer/configuration", document(), key=key, headers=CREATE)
    hospice = web.key("preparer", programme="test-cancer", subcontract="SC-H9901")
    lead = web.key("commissioner_lead", programme="test-cancer", commissioner="05W")
    stranger = web.key("contract_manager", programme="elsewhere")
    address = "/v1/programmes/test-cancer"
    line = web.get(address, key=key).json()
    for caller in (hospice, lead):
        assert [web.get(path, key=caller).status_code for path in ("/v1/programmes", address, f"{address}/history")] == [403] * 3
        assert web.put(address, line, key=caller, headers={"If-Match": "*"}).status_code == 403
    assert web.get(address, key=stranger).status_code == web.put(address, line, key=stranger).status_code == 404
    assert [web.get(path).status_code for path in ("/v1/programmes", address)] == [401, 401]
    differs = web.put(address, {**line, "code": "another"}, key=key, headers={"If-Match": "*"})
    assert [(fault["code"], fault["pointer"]) for fault in differs.json()["errors"]] == [("key_differs", "/code")]
