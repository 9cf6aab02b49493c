"""A hospice is suspended, comes back and is terminated, while its returns come in."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.reports.conftest import PROGRAMME, Programme, document, running, waits
from tests.support.databases import Database

ADDRESS = f"/v1/programmes/{PROGRAMME}"
OCTOBER = [
    {"measure": "BEDS", "numerator": 14},
    *({"measure": "CONTACTS", "commissioner": commissioner, "numerator": 5} for commissioner in ("05W", "05G")),
    {"measure": "DEATHS", "numerator": 9},
]


@pytest.fixture
def programme(database: Database) -> Iterator[Programme]:
    with running(database) as programme:
        programme.at("2026-11-10T09:00").send("SC-H9901", "2026-10", {"cells": [*waits(4, 5, 6), *OCTOBER]}, collection="care")
        yield programme.at("2026-11-10T10:00")


def put(programme: Programme, *steps: str) -> httpx.Response:
    """The document with these steps in the hospice's history."""
    history = [{"from_day": step.split()[0], "status": step.split()[1], "reason": "As was agreed"} for step in steps]
    lines: list[dict[str, Any]] = document()["subcontracts"]
    changed = [{**line, "status_history": history} if line["reference"] == "SC-H9901" else line for line in lines]
    key = programme.key("administrator")
    tag = programme.web.get(f"{ADDRESS}/configuration", key=key).headers["ETag"]
    return programme.web.put(f"{ADDRESS}/configuration", document(subcontracts=changed), key=key, headers={"If-Match": tag})


def owed(programme: Programme, query: str = "") -> list[str]:
    """The hospice's returns up to now: each month with its flags."""
    address = f"{ADDRESS}/returns?subcontract=SC-H9901{query}"
    rows = programme.web.get(address, key=programme.key("preparer", programme=PROGRAMME, subcontract="SC-H9901")).json()["returns"]
    return [" ".join([row["month"], *(flag for flag in ("part_month", "final") if row[flag])]) for row in rows]


def test_a_suspension_takes_away_what_was_not_reported_and_nothing_else(programme: Programme) -> None:
    before = ["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"]
    assert owed(programme) == before
    refused = put(programme, "2026-07-01 live", "2026-10-01 suspended")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    then = "2026-11-10T10:00:00Z"
    programme.at("2026-11-10T11:00")
    assert put(programme, "2026-07-01 live", "2026-10-15 suspended", "2027-01-01 live", "2027-02-01 terminated").status_code == 200
    assert owed(programme) == ["2026-07", "2026-08", "2026-09", "2026-10 part_month"]
    # What was reported stands, and what was owed then can still be asked.
    kept = programme.web.get(f"{ADDRESS}/returns/care/SC-H9901/2026-10", key=programme.key("administrator")).json()
    assert (kept["status"], kept["accepted_revision"]) == ("accepted", 1)
    assert owed(programme, f"&as_of={then}") == before
    programme.at("2027-04-10T09:00")
    assert owed(programme) == ["2026-07", "2026-08", "2026-09", "2026-10 part_month", "2027-01 final"]
    late = programme.web.get(f"{ADDRESS}/returns/care/SC-H9901/2027-02", key=programme.key("administrator"))
    assert late.status_code == 404
