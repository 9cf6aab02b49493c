"""No patient in the register's or a document's free text: the place is named, the value is not repeated, and what was recorded is still read."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.kernel.identifiers import is_patient_identifier
from app.organisations.domain import Organisation
from app.web.shapes import read_as
from tests.make import document
from tests.support.databases import Database
from tests.support.http import Web, serving

NHS_NUMBER = "943 476 5919"
HIDDEN = f"asked for by {NHS_NUMBER}."
NEW = {"If-None-Match": "*"}
ORGANISATION: dict[str, Any] = {"ods_code": "R1E", "name": "A trust", "kind": "community_trust"}
STEP = {"status": "live", "from_day": "2026-07-01", "reason": HIDDEN}


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with serving(module_database) as web:
        yield web


def refused_at(web: Web, path: str, body: Any) -> list[str]:
    """The pointers at which a body is refused for a patient's identifier."""
    answer = web.put(path, body, key=web.key("administrator"), headers=NEW)
    assert answer.status_code == 422, answer.text
    assert not {"943", "476", "5919"} & set(answer.text.replace('"', " ").replace(".", " ").split())
    assert {fault["code"] for fault in answer.json()["errors"]} == {"patient_identifier"}
    return [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("section", "members", "pointer"),
    [
        ("programme", {"name": HIDDEN}, "/programme/name"),
        ("organisations", {"name": HIDDEN}, "/organisations/0/name"),
        ("organisations", {"identifiers": [{"scheme": "cqc", "value": "9434765919"}]}, "/organisations/0/identifiers/0/value"),
        ("commissioners", {"name": HIDDEN}, "/commissioners/0/name"),
        ("requirements", {"schedule_ref": HIDDEN}, "/requirements/0/schedule_ref"),
        ("subcontracts", {"contacts": [{"role": "Lead", "name": HIDDEN}]}, "/subcontracts/0/contacts/0/name"),
        ("subcontracts", {"contacts": [{"role": "Lead", "phone": NHS_NUMBER}]}, "/subcontracts/0/contacts/0/phone"),
        ("subcontracts", {"status": None, "status_history": [STEP]}, "/subcontracts/0/status_history/0/reason"),
        (
            "subcontracts",
            {"variations": [{"number": 1, "effective_on": "2026-08-01", "what": HIDDEN}]},
            "/subcontracts/0/variations/0/what",
        ),
        ("assignments", {"waiver": {"reason": HIDDEN, "approved_by": "A lead"}}, "/assignments/0/waiver/reason"),
    ],
)
def test_a_document_names_no_patient(web: Web, section: str, members: dict[str, Any], pointer: str) -> None:
    lines = document()[section]
    body = {**lines, **members} if section == "programme" else [{**lines[0], **members}, *lines[1:]]
    if section == "requirements":
        body = [{"measure": "CWT-62", **members}]
    changed = {"requirements": [], section: body}
    assert refused_at(web, "/v1/programmes/test-cancer/configuration", document(**changed)) == [pointer]


def test_the_register_names_no_patient(web: Web) -> None:
    body = {"organisation": {**ORGANISATION, "name": HIDDEN}, "why": HIDDEN}
    assert refused_at(web, "/v1/organisations/R1E", body) == ["/organisation/name", "/why"]
    link = {"legal_on": "2018-06-01", "note": HIDDEN, "why": HIDDEN}
    assert refused_at(web, "/v1/organisations/R1E/successors/RRE", link) == ["/note", "/why"]
    path = "/v1/organisations/R1E/successors/RRE?why=943%20476%205919"
    gone = web.request("DELETE", path, key=web.key("administrator"), headers={"If-Match": "*"})
    assert (gone.status_code, [fault["pointer"] for fault in gone.json()["errors"]]) == (422, ["/query/why"])
    assert "5919" not in gone.text


def test_what_is_a_number_by_its_nature_may_hold_ten_digits() -> None:
    line = {**ORGANISATION, "identifiers": [{"scheme": "cqc", "value": "1-9434765919"}]}
    assert read_as(Organisation, line).identifiers[0].value == "1-9434765919"
    assert [is_patient_identifier(text) for text in (NHS_NUMBER, "9434765919", "+44 9434 765919", "943-476-5918")] == [
        True,
        True,
        False,
        False,
    ]


def test_what_was_recorded_before_is_still_read() -> None:
    assert Organisation.model_validate({**ORGANISATION, "name": HIDDEN}).name == HIDDEN
