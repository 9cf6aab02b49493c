"""A month's returns over HTTP: what is owed, receipts, acceptance, and that each answer has its published shape."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from app.reports.effect_schemas import SubmittedView
from app.returns.schemas import ReturnDetailView, ReturnsView, RevisionDetailView
from app.web.intake import parse
from tests.returns.conftest import Programme
from tests.returns.programme import (
    CWT,
    HOSPICE,
    MIXED,
    MONTH,
    PROGRAMME,
    RETURNS,
    address,
    cwt_body,
    hospice_body,
    mixed_body,
    whole_document,
)


def has_shape(response: httpx.Response, model: type[BaseModel], status: int = 200) -> dict[str, Any]:
    """The answer's value, which states exactly what its shape does."""
    assert response.status_code == status, response.text
    value: dict[str, Any] = response.json()

    def members(shape: Any) -> Any:
        if isinstance(shape, dict):
            return {name: members(part) for name, part in shape.items()}
        return [members(part) for part in shape] if isinstance(shape, list) else None

    assert members(model.model_validate(parse(response.content)).model_dump(mode="json", by_alias=True)) == members(value)
    return value


def codes(response: httpx.Response) -> list[tuple[str, str]]:
    return [(error["code"], error.get("pointer")) for error in response.json()["errors"]]


def test_a_hospice_sends_its_month(programme: Programme) -> None:
    sent = json.dumps(hospice_body()).encode()
    answer = programme.web.request("POST", f"{address(HOSPICE)}/revisions", key=programme.preparer("SC-H9901"), content=sent)
    receipt = has_shape(answer, SubmittedView, 201)
    assert answer.headers["Location"] == f"{address(HOSPICE)}/revisions/1"
    assert answer.headers["ETag"]
    assert receipt["return"] == {"programme": PROGRAMME, "collection": "hospice", "subcontract": "SC-H9901", "month": "2026-10"}
    assert (receipt["revision"], receipt["outcome"], receipt["status"], receipt["duplicate_of"]) == (1, "received", "submitted", None)
    assert (receipt["timeliness"], receipt["changes"], receipt["warnings"]) == ("on_time", None, [])
    assert receipt["sha256"] == hashlib.sha256(sent).hexdigest()
    assert receipt["received_at"].startswith("2026-11-02T09:00:00.00000")
    assert receipt["submitted_as"] == "subcontract"
    assert [cell["category"] for cell in receipt["by_rest"]] == ["2-3", "4-up"]


def test_where_a_return_stands(programme: Programme) -> None:
    before = has_shape(programme.read(HOSPICE), ReturnDetailView)
    assert (before["status"], before["latest_revision"], before["current"], before["revisions"]) == ("expected", None, None, [])
    assert before["due"] == {
        "rule": "working day 10 after the end of 2026-10, 17:00 in London",
        "instant": "2026-11-13T17:00:00.000000Z",
    }
    assert (before["close"], before["overdue"], before["late"], before["timeliness"]) == (None, False, False, None)
    assert [measure["code"] for measure in before["measures"]] == ["E-BEDOCC", "HOSP-WAIT"]
    assert before["expected_cells"][1]["measure_name"] == "Days from referral to first contact"
    assert programme.submit(HOSPICE, hospice_body()).status_code == 201
    submitted = has_shape(programme.read(HOSPICE), ReturnDetailView)
    assert (submitted["status"], submitted["current"], submitted["accepted_revision"]) == ("submitted", None, None)
    accepted = has_shape(programme.accept(HOSPICE), ReturnDetailView)
    assert (accepted["status"], accepted["accepted_revision"]) == ("accepted", 1)
    assert [(cell["category"], cell["numerator"]) for cell in accepted["current"]["cells"]] == [
        ("all", 214),
        ("0-1", 15),
        ("2-3", 0),
        ("4-up", 0),
    ]
    assert has_shape(programme.read(HOSPICE, by=programme.preparer("SC-H9901")), ReturnDetailView) == {**accepted, "as_of": None}


def test_who_sees_the_whole_programme_is_told_the_moment_that_others_are_not(programme: Programme) -> None:
    received_at = programme.submit(HOSPICE, hospice_body()).json()["received_at"]
    mine = programme.preparer("SC-H9901")
    for path in (address(HOSPICE), RETURNS):
        assert programme.web.get(path, key=programme.manager()).json()["as_of"] == received_at
        # When anything was last recorded would tell when others act.
        assert programme.web.get(path, key=mine).json()["as_of"] is None
        assert programme.web.get(f"{path}?as_of={received_at}", key=mine).json()["as_of"] == received_at
    accepted = programme.accept(HOSPICE).json()
    assert accepted["as_of"] == programme.read(HOSPICE).json()["as_of"] > received_at


def test_an_acceptance_of_a_revision_that_is_not_the_latest_is_refused(programme: Programme) -> None:
    programme.submit(HOSPICE, hospice_body())
    programme.submit(HOSPICE, {**hospice_body(), "note": "corrected"})
    refused = programme.accept(HOSPICE, revision=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_latest")
    assert programme.accept(HOSPICE, revision=2).json()["accepted_revision"] == 2


def test_a_return_that_must_be_signed_is_not_accepted_unsigned(programme: Programme) -> None:
    document = whole_document()
    document["collections"] = [{**line, "sign_off": "required"} for line in document["collections"]]
    assert programme.apply(document).status_code == 200
    assert programme.submit(HOSPICE, hospice_body()).json()["status"] == "submitted"
    refused = programme.accept(HOSPICE)
    assert (refused.status_code, refused.json()["code"]) == (409, "sign_off_missing")


def test_reads_are_judged_at_their_moment_and_not_sent_twice(programme: Programme) -> None:
    programme.submit(HOSPICE, hospice_body())
    first = programme.read(HOSPICE)
    assert programme.web.get(address(HOSPICE), key=programme.manager(), headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    programme.clock.now = datetime(2026, 11, 12, 9, tzinfo=UTC)
    programme.accept(HOSPICE)
    assert programme.read(HOSPICE).json()["status"] == "accepted"
    then = programme.read(HOSPICE, query="?as_of=2026-11-11T00:00:00Z").json()
    assert (then["status"], then["as_of"], len(then["revisions"])) == ("submitted", "2026-11-11T00:00:00.000000Z", 1)
    assert programme.read(HOSPICE, query="?as_of=2027-01-01T00:00:00Z").json()["code"] == "as_of_in_future"


def test_the_expected_cells_as_a_table(programme: Programme) -> None:
    answer = programme.web.get(f"{address(CWT)}/expected-cells.csv", key=programme.preparer("SC-RJE"))
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.text.startswith("pathway,segment,measure,site,commissioner,category,")
    assert "\r\n" in answer.text
    assert len(rows) == 2 * 2 * 4 + 2 * 2
    assert {row["site"] for row in rows if row["measure"] == "CWT-FDS"} == {"lung", "urological"}
    keys = ("pathway", "segment", "measure", "site", "commissioner", "category")
    whole = {"cells": [{**{name: row[name] for name in keys}, "numerator": 0, "denominator": 0} for row in rows]}
    assert programme.submit(CWT, whole).status_code == 201


def test_halves_come_back_as_halves(programme: Programme) -> None:
    assert programme.submit(CWT, cwt_body("2.5")).status_code == 201
    read = has_shape(programme.web.get(f"{address(CWT)}/revisions/1", key=programme.preparer("SC-RJE")), RevisionDetailView)
    (cell,) = (cell for cell in read["cells"] if cell["measure"] == "CWT-62" and not cell["by_rest"])
    assert (cell["numerator"], cell["denominator"]) == (2.5, 3)
    assert read["cell_count"] == len(read["cells"]) == 20


def test_every_aggregation_is_received_and_accepts_itself(programme: Programme) -> None:
    receipt = has_shape(programme.submit(MIXED, mixed_body()), SubmittedView, 201)
    assert (receipt["status"], receipt["accepted_revision"]) == ("accepted", 1)
    assert [row[0] for row in programme.all("SELECT action FROM events WHERE action LIKE 'return.%' ORDER BY sequence")] == [
        "return.submitted",
        "return.accepted",
    ]
    assert programme.accept(MIXED).json()["code"] == "wrong_status"


def test_a_warning_waits_for_a_hand_unless_it_is_explained(programme: Programme) -> None:
    stray = {"measure": "M-RATIO", "site": "lung", "commissioner": "05G", "numerator": 1, "denominator": 1}
    body = mixed_body()
    receipt = has_shape(programme.submit(MIXED, {**body, "cells": [*body["cells"], stray]}), SubmittedView, 201)
    assert (receipt["outcome"], receipt["status"]) == ("received_with_warnings", "submitted")
    assert [(each["code"], each["commissioner"], each["explained"]) for each in receipt["warnings"]] == [
        ("outside_assignment", "05G", False)
    ]
    explained = {**stray, "explanation_code": "visitor", "explanation": "treated on holiday"}
    receipt = programme.submit(MIXED, {**body, "cells": [*body["cells"], explained]}).json()
    assert (receipt["outcome"], receipt["status"], receipt["warnings"][0]["explained"]) == ("received_with_warnings", "accepted", True)
    assert programme.submit(MIXED, {**body, "cells": [*body["cells"], stray]}).json()["accepted_revision"] == 2
    assert programme.accept(MIXED).json()["accepted_revision"] == 3


def test_the_same_again_is_a_duplicate_and_stores_nothing(programme: Programme) -> None:
    assert programme.submit(HOSPICE, hospice_body()).status_code == 201
    before = programme.rows()
    events = programme.all("SELECT last_recorded_at, last_event_sequence FROM ledger WHERE programme <> '*refused' ORDER BY programme")
    again = programme.submit(HOSPICE, {**hospice_body(), "note": ""})
    receipt = has_shape(again, SubmittedView)
    # Its bytes are not kept either: the receipt is the revision's, and says which bytes came now.
    kept = programme.web.get(f"{address(HOSPICE)}/revisions/1/file", key=programme.manager()).content
    assert (receipt["sha256"], receipt["sent_sha256"]) == (
        hashlib.sha256(kept).hexdigest(),
        hashlib.sha256(again.request.content).hexdigest(),
    )
    assert receipt["sha256"] != receipt["sent_sha256"]
    assert (receipt["duplicate_of"], receipt["revision"]) == (1, 1)
    assert receipt["changes"] == {"since": 1, "added": 0, "changed": 0, "removed": 0, "cells": []}
    assert programme.rows() == before
    assert (
        programme.all("SELECT last_recorded_at, last_event_sequence FROM ledger WHERE programme <> '*refused' ORDER BY programme") == events
    )


def test_a_correction_is_the_next_revision_and_says_what_changed(programme: Programme) -> None:
    programme.submit(CWT, cwt_body(2))
    programme.accept(CWT)
    receipt = has_shape(programme.submit(CWT, cwt_body(3)), SubmittedView, 201)
    assert (receipt["revision"], receipt["status"], receipt["accepted_revision"]) == (2, "submitted", 1)
    changes = receipt["changes"]
    assert (changes["since"], changes["added"], changes["changed"], changes["removed"]) == (1, 0, 1, 0)
    (change,) = changes["cells"]
    assert (change["measure"], change["category"]) == ("CWT-62", "urgent")
    assert (change["before"]["numerator"], change["after"]["numerator"]) == (2, 3)
    read = programme.read(CWT).json()
    assert (read["current"]["revision"], read["latest_revision"], [each["revision"] for each in read["revisions"]]) == (1, 2, [1, 2])


def test_a_nil_return(programme: Programme) -> None:
    receipt = programme.submit(HOSPICE, {"nil": True, "reason": "no_service"}).json()
    assert (receipt["revision"], receipt["outcome"], receipt["by_rest"]) == (1, "received", [])
    read = programme.web.get(f"{address(HOSPICE)}/revisions/1", key=programme.manager()).json()
    assert (read["nil"], read["nil_reason"], {cell["state"] for cell in read["cells"]}) == (True, "no_service", {"not_applicable"})


@pytest.mark.parametrize("key", [None, "the-same"])
def test_a_refused_return_leaves_nothing_anywhere(programme: Programme, key: str | None) -> None:
    programme.submit(CWT, cwt_body())
    programme.preparer("SC-H9901")
    before = programme.rows()
    headers = {"Idempotency_Key": key} if key else {}
    refused = programme.submit(CWT, cwt_body(5, note=7, rest="nought"), **headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "return_invalid")
    assert codes(refused) == [("numerator_above_denominator", "/cells/1/numerator"), ("wrong_type", "/note"), ("not_one_of", "/rest")]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert programme.submit(HOSPICE, {}).status_code == 422
    assert programme.submit(HOSPICE, []).status_code == 422
    assert programme.rows() == before


def test_a_dry_run_answers_with_the_receipt_and_keeps_nothing(programme: Programme) -> None:
    programme.submit(MIXED, mixed_body())
    before = programme.rows()
    other = mixed_body()
    other["cells"][2]["numerator"] = 70
    receipt = has_shape(programme.submit(MIXED, other, query="?dry_run=true"), SubmittedView)
    assert (receipt["revision"], receipt["received_at"], receipt["status"]) == (None, None, "accepted")
    assert (receipt["changes"]["since"], receipt["changes"]["changed"]) == (1, 1)
    assert programme.submit(MIXED, {}, query="?dry_run=true").status_code == 422
    assert programme.submit(HOSPICE, hospice_body(), query="?dry_run=true").json()["changes"] is None
    assert programme.rows() == {
        **before,
        "clients": before["clients"] + 1,
        "client_keys": before["client_keys"] + 1,
        "events": before["events"] + 1,
    }


def test_only_the_parties_of_a_return_may_act_and_others_see_nothing(programme: Programme) -> None:
    absent = CWT._replace(subcontract="SC-NONE")
    stranger = programme.preparer("SC-RL4")
    for key in (CWT, absent, CWT._replace(collection="none"), CWT._replace(collection="hospice"), CWT._replace(month=MONTH.plus(-12))):
        answers = [
            programme.read(key, by=stranger),
            programme.submit(key, cwt_body(), by=stranger),
            programme.accept(key, by=stranger),
            programme.web.get(f"{address(key)}/expected-cells.csv", key=stranger),
            programme.web.get(f"{address(key)}/revisions/1", key=stranger),
        ]
        assert [answer.status_code for answer in answers] == [404] * 5
    mine = programme.preparer("SC-RJE")
    approver = programme.key("approver", subcontract="SC-RJE")
    analyst = programme.key("analyst")
    commissioner = programme.key("commissioner", commissioner="QNC")
    assert programme.submit(CWT, cwt_body(), by=approver).status_code == 403
    assert programme.submit(CWT, cwt_body(), by=analyst).status_code == 403
    assert programme.submit(CWT, cwt_body(), by=commissioner).status_code == 404
    assert programme.web.get(RETURNS, key=commissioner).status_code == 403
    assert programme.submit(CWT, cwt_body(), by=mine).status_code == 201
    assert programme.accept(CWT, by=mine).status_code == 403
    assert programme.read(CWT, by=approver).status_code == 200
    assert programme.read(CWT, by=analyst).status_code == 200
    assert programme.read(absent).status_code == 404
    assert programme.web.get(f"{RETURNS}/cwt/SC-RJE/2026-13", key=mine).status_code == 422


def test_a_contract_manager_may_submit_on_a_subcontracts_behalf(programme: Programme) -> None:
    receipt = programme.submit(CWT, cwt_body(), by=programme.manager()).json()
    assert (receipt["submitted_as"], receipt["return"]["subcontract"]) == ("integrator", "SC-RJE")
    (revision,) = programme.read(CWT, by=programme.preparer("SC-RJE")).json()["revisions"]
    assert (revision["submitted_as"], revision["submitted_by"]) == ("integrator", receipt["submitted_by"])


def test_the_list_of_what_is_owed(programme: Programme) -> None:
    page = has_shape(programme.web.get(f"{RETURNS}?month=2026-10", key=programme.manager()), ReturnsView)
    assert [(each["collection"], each["subcontract"]) for each in page["returns"]] == [
        ("cwt", "SC-RJE"),
        ("cwt", "SC-RL4"),
        ("hospice", "SC-H9901"),
        ("mixed", "SC-MIX"),
    ]
    months = [each["month"] for each in programme.listed("?limit=200")]
    assert months == sorted(months)
    assert (set(months), len(months)) == ({"2026-07", "2026-08", "2026-09", "2026-10", "2026-11"}, 20)
    programme.submit(HOSPICE, hospice_body())
    assert [each["collection"] for each in programme.listed("?status=submitted")] == ["hospice"]
    overdue = programme.listed("?overdue=true&limit=200")
    assert {(each["month"], each["overdue"], each["late"]) for each in overdue} == {
        ("2026-07", True, True),
        ("2026-08", True, True),
        ("2026-09", True, True),
    }
    assert {each["month"] for each in programme.listed("?overdue=false")} == {"2026-09", "2026-10", "2026-11"}
    assert {each["subcontract"] for each in programme.listed("?subcontract=SC-RL4")} == {"SC-RL4"}
    assert {each["collection"] for each in programme.listed("?collection=mixed")} == {"mixed"}
    assert {each["subcontract"] for each in programme.listed(by=programme.preparer("SC-RL4"))} == {"SC-RL4"}
    assert programme.listed("?subcontract=SC-RJE", by=programme.preparer("SC-RL4")) == []
    assert programme.listed("?subcontract=SC-NONE") == []
    assert programme.web.get(f"{RETURNS}?status=lost", key=programme.manager()).status_code == 422


def test_the_list_in_pages(programme: Programme) -> None:
    seen, query = [], "?limit=3"
    for _ in range(10):
        answer = programme.web.get(f"{RETURNS}{query}", key=programme.manager())
        page = answer.json()
        seen += [(each["month"], each["collection"], each["subcontract"]) for each in page["returns"]]
        if page["next"] is None:
            break
        assert answer.headers["Link"].endswith('rel="next"')
        query = f"?limit=3&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 20
    assert seen == sorted(seen)
    assert programme.web.get(f"{RETURNS}?cursor=nonsense", key=programme.manager()).json()["code"] == "bad_cursor"


def test_lateness_is_kept_twice_and_never_refuses(programme: Programme) -> None:
    programme.preparer("SC-H9901")
    programme.clock.now = datetime(2026, 11, 13, 17, tzinfo=UTC)
    assert programme.submit(HOSPICE, hospice_body()).json()["timeliness"] == "on_time"
    programme.clock.now = datetime(2026, 11, 13, 17, 0, 1, tzinfo=UTC)
    receipt = programme.submit(HOSPICE, {**hospice_body(), "note": "corrected"}).json()
    assert (receipt["timeliness"], receipt["timeliness_first"]) == ("late", "on_time")
    (stands,) = programme.listed("?month=2026-10&collection=hospice")
    assert (stands["late"], stands["timeliness"], stands["timeliness_first"]) == (False, "late", "on_time")


def test_a_frozen_return_takes_nothing_more(programme: Programme) -> None:
    programme.submit(CWT, cwt_body())
    programme.clock.now = datetime(2027, 6, 1, tzinfo=UTC)
    before = programme.rows()
    assert programme.submit(CWT, cwt_body(1)).json()["code"] == "return_frozen"
    assert programme.accept(CWT).json()["code"] == "return_frozen"
    assert programme.submit(CWT, cwt_body()).json()["duplicate_of"] == 1
    assert programme.rows() == before
    stands = programme.read(CWT).json()
    assert (stands["frozen"], stands["closed"], stands["status"]) == (True, True, "submitted")


def test_acceptance_takes_no_body_or_an_empty_one_and_needs_a_revision(programme: Programme) -> None:
    assert programme.accept(CWT).json()["code"] == "wrong_status"
    programme.submit(CWT, cwt_body())
    at = f"{address(CWT)}/acceptance"
    assert programme.web.post(at, {"remark": 1}, key=programme.manager()).status_code == 422
    assert programme.web.post(at, {}, key=programme.manager()).status_code == 200
    assert programme.web.post(at, {}, key=programme.manager()).status_code == 409


def test_what_is_no_json_is_refused_before_anything_is_read(programme: Programme) -> None:
    at, key = f"{address(CWT)}/revisions", programme.preparer("SC-RJE")
    assert programme.web.request("POST", at, key=key, content=b'{"cells": [}').status_code == 400
    assert programme.web.request("POST", at, key=key, content=b'{"cells": [], "cells": []}').status_code == 400
    assert programme.web.request("POST", at, key=key, content=b"a,b", headers={"Content-Type": "text/plain"}).status_code == 415
