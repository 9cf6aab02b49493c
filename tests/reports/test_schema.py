"""The published schema of reports: open to everyone, whole, and that it notices what a report must not be."""

import json
from typing import Any

import pytest
from jsonschema_rs import meta

from app.kernel.canonical import json_bytes
from app.reports.json_schema import SCHEMAS, report_schema
from app.reports.schemas import ObservationView
from tests.reports.conftest import Programme
from tests.reports.made_rows import report, row
from tests.support.schemas import faults_of


def test_the_schema_is_one_of_its_dialect_and_says_what_each_member_means() -> None:
    schema = report_schema()
    meta.validate(schema)
    members = schema["$defs"]["ObservationView"]
    assert list(members["properties"]) == members["required"] == list(ObservationView.model_fields)
    assert all(said["description"] for said in members["properties"].values())


def test_reports_live_and_published_validate() -> None:
    assert faults_of(json_bytes(report(row()))) == []
    assert faults_of(json_bytes(report(row(), published=True))) == []


@pytest.mark.parametrize(
    ("changes", "of_row", "place"),
    [
        ({}, {"slice": "everything"}, "observations/0/slice"),
        ({}, {"value": "0.775895"}, "observations/0/value"),
        ({}, {"period_start": "2026-10-32"}, "observations/0/period_start"),
        ({}, {"coverage": 1.5}, "observations/0/coverage"),
        ({"schema_version": "2.0"}, {}, "schema_version"),
        ({"signature": {"algorithm": "none"}}, {}, "report"),
        ({"notes": [{"code": "one"}]}, {}, "notes/0"),
    ],
)
def test_what_is_no_report_is_noticed(changes: dict[str, Any], of_row: dict[str, Any], place: str) -> None:
    wrong = json.loads(json_bytes(report(row()))) | changes
    wrong["observations"][0].update(of_row)
    assert any(fault.startswith(f"{place}: ") for fault in faults_of(json.dumps(wrong).encode()))


def test_a_row_without_a_member_is_noticed() -> None:
    wrong = json.loads(json_bytes(report(row())))
    del wrong["observations"][0]["missing_reason"]
    assert faults_of(json.dumps(wrong).encode())


def test_the_schemas_are_open_and_known_again(october: Programme) -> None:
    web = october.web
    listed = web.get("/v1/schemas/")
    assert [each["name"] for each in listed.json()["schemas"]] == sorted(SCHEMAS)
    for each in listed.json()["schemas"]:
        answer = web.get(each["href"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
        assert answer.json() == SCHEMAS[each["name"]]()
        assert web.get(each["href"], headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert web.get("/v1/schemas/report-0.9.json").status_code == 404


def test_a_report_names_its_schema_and_is_also_a_table(october: Programme) -> None:
    key, address = october.key("analyst", programme="small"), "/v1/programmes/small/reports/2026-10"
    plain = october.web.get(address, key=key)
    assert plain.headers["Link"] == '</v1/schemas/report-1.0.json>; rel="describedby"'
    asked = october.web.get(f"{address}?format=csv", key=key)
    accepted = october.web.get(address, key=key, headers={"Accept": "text/csv"})
    assert asked.content == accepted.content
    assert asked.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert asked.headers["content-disposition"] == 'attachment; filename="small 2026-10.csv"'
    assert asked.headers["vary"] == "Accept, Authorization"
    assert asked.headers["ETag"] == accepted.headers["ETag"] != plain.headers["ETag"]
    unchanged = october.web.get(address, key=key, headers={"Accept": "text/csv", "If-None-Match": asked.headers["ETag"]})
    assert unchanged.status_code == 304
    refused = october.web.get(address, key=key, headers={"Accept": "image/png"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    assert october.web.get(f"{address}?format=pdf", key=key).status_code == 422
    assert october.web.get(f"{address}?format=csv").status_code == 401
