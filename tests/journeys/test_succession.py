"""A community trust closes into its successor in 2018: who owes what, who reads what, and how its history is read afterwards."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from app.access.actions import create_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant, tenant_of
from app.kernel.actors import MACHINE, Actor
from app.subcontracts.actions import inheriting
from tests.make import subcontract
from tests.support.databases import Database
from tests.support.http import Web, serving

BEGINS: Final = datetime(2017, 12, 1, 9, tzinfo=UTC)
PROGRAMME: Final = "/v1/programmes/community"
TERM: Final = {"starts_on": "2018-01-01", "ends_on": "2027-12-31"}
R1E: Final = {"ods_code": "R1E", "name": "Staffordshire and Stoke on Trent Partnership NHS Trust", "kind": "community_trust"}
RRE: Final = {"ods_code": "RRE", "name": "Midlands Partnership NHS Foundation Trust", "kind": "mental_health_trust"}

DOCUMENT: Final[dict[str, Any]] = {
    "programme": {"code": "community", "name": "Community services", "prime": "X9901", **TERM},
    "organisations": [
        {"ods_code": "X9901", "name": "A fictional prime provider", "kind": "other"},
        {"ods_code": "RJE", "name": "University Hospitals of North Midlands NHS Trust", "kind": "acute_trust"},
        R1E,
        RRE,
    ],
    "commissioners": [{"ods_code": "05W", "name": "Stoke on Trent"}],
    "phases": [],
    "sites": [],
    "measures": [{"code": "CONTACTS", "name": "Contacts", "aggregation": "count_sum", "split_by": []}],
    "pathways": [
        {"code": "care", "name": "Care", "segments": [{"code": "community", "name": "Community care", "measures": ["CONTACTS"]}]},
    ],
    "collections": [
        {"code": "care", "name": "Care", "measures": ["CONTACTS"], "due": {"working_day": 10}, "auto_accept": True},
    ],
    "requirements": [],
    "subcontracts": [subcontract(f"SC-{code}", code, "community", **TERM) for code in ("R1E", "RRE", "RJE")],
    "assignments": [{"subcontract": f"SC-{code}", "pathway": "care", "segment": "community"} for code in ("R1E", "RRE", "RJE")],
}


class Parties:
    """The integrator, the two trusts and a third, on a clock that the journey moves."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.now = BEGINS

    def key(self, role: str, **scope: str) -> str:
        """The key of a client nobody else has: what an earlier key may read is remembered for half a second."""
        with open_session(self.web.database.engine, INSTALLATION) as session:
            lifetime = timedelta(days=4_000)
            _, key = create_client(session, name="Test", role=role, **scope, actor=MACHINE, now=self.now, lifetime=lifetime)
            session.commit()
        return key

    def of(self, code: str, role: str = "preparer") -> str:
        return self.key(role, programme="community", subcontract=f"SC-{code}")

    def put(self, path: str, body: Any, *, new: bool) -> None:
        key = self.key("administrator")
        headers = {"If-None-Match": "*"} if new else {"If-Match": self.web.get(path, key=key).headers["ETag"]}
        answer = self.web.put(path, body, key=key, headers=headers)
        assert answer.status_code == (201 if new else 200), answer.text

    def submit(self, code: str, month: str, count: int, *, by: str | None = None) -> httpx.Response:
        body = {"cells": [{"measure": "CONTACTS", "numerator": count}]}
        return self.web.post(f"{PROGRAMME}/returns/care/SC-{code}/{month}/revisions", body, key=by or self.of(code))

    def read(self, code: str, month: str, *, by: str) -> int:
        return self.web.get(f"{PROGRAMME}/returns/care/SC-{code}/{month}", key=by).status_code

    def contacts(self, succession: str, **query: str) -> dict[str, int]:
        """The report of June's rows by organisation, the year to date."""
        asked = {"slice": "subcontract", "period": "contract_year_to_date", "succession": succession, **query}
        path = f"{PROGRAMME}/reports/2018-06?{'&'.join(f'{name}={value}' for name, value in asked.items())}"
        answer = self.web.get(path, key=self.key("analyst", programme="community"))
        assert answer.status_code == 200, answer.text
        return {row["organisation"]: row["numerator"] for row in answer.json()["observations"]}


@contextlib.contextmanager
def begun(database: Database) -> Iterator[Parties]:
    """April and May 2018 are reported, and the register says who goes on from whom, from the first of June."""
    parties: list[Parties] = []
    with serving(database, clock=lambda: parties[0].now) as web:
        parties.append(Parties(web))
        there = parties[0]
        there.put(f"{PROGRAMME}/configuration", DOCUMENT, new=True)
        there.now = datetime(2018, 6, 1, tzinfo=UTC) - timedelta(days=10)
        for month, count in (("2018-04", 40), ("2018-05", 50)):
            assert there.submit("R1E", month, count).status_code == 201
        closed = {"legal": {"to": "2018-05-31"}, "operational": {"to": "2018-05-31"}}
        there.put("/v1/organisations/R1E", {"organisation": {**R1E, **closed}, "why": "It closes."}, new=False)
        opened = {"operational": {"from": "2018-06-01"}}
        there.put("/v1/organisations/RRE", {"organisation": {**RRE, **opened}, "why": "It opens."}, new=False)
        there.put("/v1/organisations/R1E/successors/RRE", {"legal_on": "2018-06-01", "why": "Its services go there."}, new=True)
        yield there


@pytest.fixture
def parties(database: Database) -> Iterator[Parties]:
    with begun(database) as parties:
        yield parties


def test_what_is_owed_ends_and_begins_with_the_trusts(parties: Parties) -> None:
    parties.now = datetime(2018, 7, 2, 9, tzinfo=UTC)
    manager = parties.key("contract_manager", programme="community")
    owed = parties.web.get(f"{PROGRAMME}/returns", key=manager).json()["returns"]
    by_trust = {code: [line["month"] for line in owed if line["organisation"] == code] for code in ("R1E", "RRE")}
    assert by_trust == {"R1E": [f"2018-0{month}" for month in range(1, 6)], "RRE": ["2018-06", "2018-07"]}
    assert [line["month"] for line in owed if line["final"]] == ["2018-05"]
    refused = parties.submit("R1E", "2018-06", 1)
    assert (refused.status_code, refused.json()["code"]) == (422, "return_invalid")
    assert [(fault["code"], fault["pointer"]) for fault in refused.json()["errors"]] == [("organisation_closed", "/path/month")]
    assert parties.submit("RRE", "2018-05", 1).status_code == 422
    # A month that it worked in can still be corrected, under its own name.
    assert parties.submit("R1E", "2018-05", 51).status_code == 201
    assert parties.submit("RRE", "2018-06", 60).status_code == 201
    assert parties.submit("R1E", "2018-06", 1, by=parties.of("RJE")).status_code == 404


def test_a_closing_holds_up_no_later_document(parties: Parties) -> None:
    """A month that was reported before the register said that the trust was closed in it stays, and blocks nothing."""
    line = {**R1E, "operational": {"to": "2018-04-30"}}
    parties.put("/v1/organisations/R1E", {"organisation": line, "why": "It had closed earlier."}, new=False)
    parties.put(f"{PROGRAMME}/configuration", {**DOCUMENT, "organisations": [], "phases": [{"number": 1, "name": "First"}]}, new=False)
    assert parties.contacts("as_reported", period="year_to_date")["R1E"] == 90


def test_history_is_read_under_its_own_name_or_the_successors(parties: Parties) -> None:
    parties.now = datetime(2018, 7, 2, 9, tzinfo=UTC)
    assert parties.submit("RRE", "2018-06", 60).status_code == 201
    assert parties.contacts("as_reported") == {"R1E": 90, "RRE": 60, "RJE": None}
    assert parties.contacts("restated") == {"RRE": 150, "RJE": None}


def test_a_successor_reads_from_its_legal_day_and_changes_nothing(parties: Parties) -> None:
    early = parties.of("RRE", "approver")
    assert parties.read("R1E", "2018-05", by=early) == 404
    parties.now = datetime(2018, 5, 31, 23, 30, tzinfo=UTC)  # the first of June in London
    successor, stranger = parties.of("RRE"), parties.of("RJE")
    assert [parties.read("R1E", "2018-05", by=key) for key in (successor, stranger)] == [200, 404]
    web = parties.web
    listed = web.get(f"{PROGRAMME}/returns?status=accepted", key=successor).json()["returns"]
    assert [(line["subcontract"], line["month"]) for line in listed] == [("SC-R1E", "2018-04"), ("SC-R1E", "2018-05")]
    assert web.get(f"{PROGRAMME}/returns?subcontract=SC-R1E&month=2018-05", key=successor).json()["returns"]
    assert web.get(f"{PROGRAMME}/returns?subcontract=SC-R1E", key=stranger).json()["returns"] == []
    for path in (
        "returns/care/SC-R1E/2018-05/revisions/1",
        "returns/care/SC-R1E/2018-05/expected-cells.csv",
        "subcontracts/SC-R1E/variations",
    ):
        assert [web.get(f"{PROGRAMME}/{path}", key=key).status_code for key in (successor, stranger)] == [200, 404], path
    refused = parties.submit("R1E", "2018-05", 99, by=successor)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert parties.submit("RRE", "2018-06", 60, by=successor).status_code == 201
    # It does not go the other way, and it does not reach other subcontracts.
    assert parties.read("RRE", "2018-06", by=parties.of("R1E")) == 404
    assert parties.read("RJE", "2018-05", by=successor) == 404


def test_a_link_that_is_withdrawn_shows_nothing_any_more(parties: Parties) -> None:
    parties.now = datetime(2018, 6, 15, tzinfo=UTC)
    assert parties.read("R1E", "2018-05", by=parties.of("RRE")) == 200
    path, key = "/v1/organisations/R1E/successors/RRE", parties.key("administrator")
    tag = parties.web.get(path, key=key).headers["ETag"]
    gone = parties.web.request("DELETE", f"{path}?why=A+mistake.", key=key, headers={"If-Match": tag})
    assert gone.status_code == 200, gone.text
    assert parties.read("R1E", "2018-05", by=parties.of("RRE")) == 404


def test_a_commissioner_inherits_its_predecessors_codes(parties: Parties) -> None:
    """What is published for them is read by whoever carries them on; their own transactions carry the codes."""
    engine = parties.web.database.engine
    actor = Actor("client", "Test", "commissioner", "community", None, "RRE")
    with open_session(engine, Tenant("community", "*")) as session:
        days = [date(2018, 5, 31), date(2018, 6, 1)]
        before, after = (inheriting(session, actor, on=day) for day in days)
    assert [heir.inherited_commissioners for heir in (before, after)] == [(), ("R1E",)]
    assert (after.inherited_subcontracts, before) == ((), actor)
    with open_session(engine, tenant_of(after, programme="community")) as session:
        assert session.execute(text("SELECT current_setting('mainstem.inherited_commissioners')")).scalar_one() == "R1E"
