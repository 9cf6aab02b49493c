"""The published schema of reports: that it is whole, and notices what a report must not be."""

import json
from typing import Any

import pytest
from jsonschema_rs import meta

from app.kernel.canonical import json_bytes
from app.reports.json_schema import report_schema
from app.reports.schemas import ObservationView
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
