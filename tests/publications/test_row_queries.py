"""A commissioner's lead asks about a published row, the integrator answers, and both see it beside the row, which stays as it was published."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.db.session import open_session
from app.db.tenancy import Tenant
from tests.make import document
from tests.publications.published import of_commissioner, of_subcontract, parts, publish
from tests.support.databases import Database
from tests.support.http import Web, serving

PROGRAMME = "test-cancer"
PATH = f"/v1/programmes/{PROGRAMME}"
ROW = {"slice": "commissioner", "measure": "CWT-62", "commissioner": "05W"}
QUESTION = {"row": ROW, "text": "Nine fewer than in September: was a list cancelled?"}
READERS = (of_commissioner("05W"), of_commissioner("05G"), of_subcontract("SC-RJE"))


def publish_october(database: Database, sequence: int, supersedes: int | None = None) -> None:
    rows = {
        **parts("2026-10", {}, {"measure": "CWT-31"}),
        **parts("2026-10", {"commissioner": "05W"}, {"commissioner": "05G"}, slice_="commissioner"),
    }
    with open_session(database.engine, Tenant(PROGRAMME, "*", "*", "c")) as session:
        publish(session, sequence, "2026-10", rows, READERS, programme=PROGRAMME, supersedes=supersedes)
        session.commit()


class Asking:
    """A programme with a publication, and its readers."""

    def __init__(self, web: Web, database: Database) -> None:
        self.web, self.database = web, database
        self.lead = web.key("commissioner_lead", programme=PROGRAMME, commissioner="05W")
        self.other = web.key("commissioner_lead", programme=PROGRAMME, commissioner="05G")
        self.reader = web.key("commissioner", programme=PROGRAMME, commissioner="05W")
        self.manager = web.key("contract_manager", programme=PROGRAMME)

    def post(self, path: str, body: Any, *, key: str) -> Any:
        return self.web.post(f"{PATH}/publications/{path}", body, key=key)

    def get(self, path: str, *, key: str) -> Any:
        return self.web.get(f"{PATH}/{path}", key=key)

    def listed(self, path: str, *, key: str) -> list[str]:
        answer = self.get(path, key=key)
        assert answer.status_code == 200, answer.text
        return [each["query"] for each in answer.json()["queries"]]


@pytest.fixture(scope="module")
def asking(module_database: Database) -> Iterator[Asking]:
    with serving(module_database) as web:
        made = web.put(f"{PATH}/configuration", document(), key=web.key("administrator"), headers={"If-None-Match": "*"})
        assert made.status_code == 201, made.text
        publish_october(module_database, 1)
        yield Asking(web, module_database)


def test_a_row_is_asked_about_answered_and_closed_and_its_answer_stays_beside_it(asking: Asking) -> None:
    before = asking.get("observations", key=asking.lead)
    asked = asking.post("1/queries", QUESTION, key=asking.lead)
    assert asked.status_code == 201, asked.text
    found = asked.json()
    assert (found["query"], found["state"], found["month"], found["row"]["site"]) == ("05W-1", "open", "2026-10", "all")
    assert asked.headers["Location"] == f"{PATH}/publications/1/queries/05W-1"
    answered = asking.post("1/queries/05W-1/answer", {"text": "It was."}, key=asking.manager)
    assert (answered.status_code, answered.json()["state"]) == (200, "answered")
    assert [(each["act"], each["party"]) for each in answered.json()["thread"]] == [("asked", "commissioner"), ("answered", "integrator")]
    further = asking.post("1/queries/05W-1/follow-up", {"text": "And in November?"}, key=asking.lead)
    assert further.json()["state"] == "open"
    # Beside the row, for both, in this publication and the one that takes its place; what was published is as it was.
    publish_october(asking.database, 2, 1)
    row = "slice=commissioner&measure=CWT-62&commissioner=05W"
    for key in (asking.lead, asking.reader, asking.manager):
        assert asking.listed("row-queries", key=key) == asking.listed(f"publications/2/queries?{row}", key=key) == ["05W-1"]
        table = asking.get("observations?slice=commissioner", key=key).json()
        assert [each["query"] for each in table["queries"]] == ["05W-1"]
        assert table["queries"][0]["thread"][1]["text"] == "It was."
        assert asking.get("observations?slice=all", key=key).json()["queries"] == []
        assert asking.get("observations?rendition=public", key=key).json()["queries"] == []
    after = asking.get("observations", key=asking.lead)
    assert [{**row, "sequence": 1} for row in after.json()["observations"]] == before.json()["observations"]
    assert asking.listed("publications/1/queries?site=lung", key=asking.lead) == []
    tag = asking.get("observations", key=asking.lead).headers["ETag"]
    closed = asking.post("1/queries/05W-1/closing", {"outcome": "settled", "text": "Thank you."}, key=asking.lead)
    assert closed.json()["state"] == "closed"
    assert asking.get("observations", key=asking.lead).headers["ETag"] != tag
    assert asking.listed("row-queries?open=true", key=asking.manager) == []
    assert asking.post("1/queries/05W-1/answer", {"text": "Late."}, key=asking.manager).json()["code"] == "query_closed"
    assert asking.get("publications/1/queries/05W-1", key=asking.manager).json()["state"] == "closed"


def test_what_is_asked_and_answered_stands_beside_the_table(asking: Asking) -> None:
    asked = asking.post("1/queries", {**QUESTION, "text": "=1+1 fewer?"}, key=asking.lead).json()["query"]
    assert asking.post(f"1/queries/{asked}/answer", {"text": "It was, on the 14th."}, key=asking.manager).status_code == 200
    tables = ("publications/1?slice=commissioner&format=csv", "observations?format=csv", "observations?format=csv&limit=1")
    for key in (asking.lead, asking.reader, asking.manager):
        for path in tables:
            links = asking.get(path, key=key).headers["Link"]
            address = next(each for each in links.split(", ") if 'title="queries"' in each).partition(">")[0].removeprefix(f"<{PATH}/")
            lines = [line for line in csv.DictReader(io.StringIO(asking.get(address, key=key).text)) if line["query"] == asked]
            assert [(line["party"], line["text"]) for line in lines] == [
                ("commissioner", "'=1+1 fewer?"),
                ("integrator", "It was, on the 14th."),
            ]
            assert {name: lines[0][name] for name in ROW} == ROW
            assert (lines[0]["report_month"], lines[0]["site"], lines[0]["state"]) == ("2026-10", "all", "answered")
    subcontractor = asking.web.key("preparer", programme=PROGRAMME, subcontract="SC-RJE")
    assert all("queries" not in asking.get(path, key=subcontractor).headers.get("Link", "") for path in tables)
    assert "queries" not in asking.get("observations?format=csv&rendition=public", key=asking.lead).headers.get("Link", "")
    pages = asking.get("row-queries?format=csv&limit=1", key=asking.manager)
    assert (pages.text.count(asked), 'rel="next"' in pages.headers["Link"]) == (0, True)


def test_anothers_query_is_as_one_that_is_not_there(asking: Asking) -> None:
    assert asking.post("1/queries", {**QUESTION, "row": {"measure": "CWT-31"}}, key=asking.other).json()["query"] == "05G-1"
    assert asking.listed("row-queries", key=asking.other) == ["05G-1"]
    assert "05G-1" not in asking.listed("row-queries", key=asking.lead)
    theirs, none = (asking.get(f"publications/1/queries/{name}", key=asking.lead) for name in ("05G-1", "05W-9"))
    assert theirs.status_code == none.status_code == 404
    assert {**theirs.json(), "instance": ""} == {**none.json(), "instance": ""}
    for act, body in (("follow-up", {"text": "Mine?"}), ("closing", {"outcome": "settled", "text": "Mine."})):
        answers = [asking.post(f"1/queries/{name}/{act}", body, key=asking.lead) for name in ("05G-1", "05W-9", "nonsense")]
        assert {answer.status_code for answer in answers} == {404}
        assert len({json.dumps({**answer.json(), "instance": ""}) for answer in answers}) == 1


def test_who_may_not_ask_or_answer_is_told_so(asking: Asking) -> None:
    subcontractor = asking.web.key("preparer", programme=PROGRAMME, subcontract="SC-RJE")
    assert asking.post("1/queries", QUESTION, key=asking.reader).status_code == 403
    assert asking.post("1/queries", QUESTION, key=asking.manager).status_code == 403
    assert asking.post("1/queries", QUESTION, key=asking.web.key("administrator", programme=PROGRAMME)).status_code == 403
    assert asking.post("1/queries", QUESTION, key=subcontractor).status_code == 403
    assert asking.get("row-queries", key=subcontractor).status_code == 403
    assert asking.post("1/queries/05G-1/answer", {"text": "No."}, key=asking.lead).status_code == 403
    assert asking.post("9/queries", QUESTION, key=asking.lead).status_code == 404
    assert asking.get("publications/9/queries", key=asking.lead).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({**QUESTION, "row": {**ROW, "commissioner": "05G"}}, {"/row"}),
        ({**QUESTION, "row": {"measure": "NONE"}, "due_on": "2019-01-01"}, {"/row", "/due_on"}),
        ({"row": {"slice": "moon", "measure": "a b"}, "text": ""}, {"/row/slice", "/row/measure", "/text"}),
        ({"row": {"measure": "NONE"}, "text": "", "due_on": "2019-01-01", "more": 1}, {"/row", "/text", "/due_on", "/more"}),
        ({"row": ROW, "text": "Patient 943 476 5919?"}, {"/text"}),
    ],
)
def test_everything_wrong_is_named_at_once(asking: Asking, body: dict[str, Any], pointers: set[str]) -> None:
    refused = asking.post("1/queries", body, key=asking.lead)
    assert (refused.status_code, {fault["pointer"] for fault in refused.json()["errors"]}) == (422, pointers)
