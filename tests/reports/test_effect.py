"""What a revision does to the month's report: told before it is sent and between two revisions, and never by another's figures."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.make import exact
from tests.reports.conftest import PROGRAMME, Programme, acute, of_62, of_fds, running, send_october
from tests.support.databases import Database

OCTOBER = "2026-10"
RETURN = f"/v1/programmes/{PROGRAMME}/returns/cwt/SC-RL4/{OCTOBER}"


@pytest.fixture(scope="module")
def october(module_database: Database) -> Iterator[Programme]:
    with running(module_database) as programme:
        yield send_october(programme)


def sent(programme: Programme, path: str, body: Any = None, *, role: str = "contract_manager", **scope: str) -> Any:
    key = programme.key(role, programme=PROGRAMME, **scope)
    answer = programme.web.post(path, exact(body), key=key) if body else programme.web.get(path, key=key)
    assert answer.status_code in {200, 201}, answer.text
    return json.loads(answer.content, parse_float=Decimal)


def rows(programme: Programme) -> dict[tuple[str, ...], dict[str, Any]]:
    names = ("slice", "measure", "commissioner", "site", "pathway", "segment", "subcontract", "category")
    slices = {"slice": "all&slice=commissioner&slice=site&slice=pathway&slice=segment&slice=category&slice=subcontract"}
    return {tuple(row[name] for name in names): row for row in programme.rows(OCTOBER, **slices)}


CORRECTED = acute(of_62("urgent", 20, 25), of_62("urgent", 3, 4, site="prostate"), of_fds(10, 20))


def test_a_dry_run_tells_what_the_report_would_say(own: Programme) -> None:
    before, counts = rows(own), own.web.get(f"{RETURN}", key=own.key("contract_manager", programme=PROGRAMME)).json()
    told = sent(own, f"{RETURN}/revisions?dry_run=true", CORRECTED)
    assert (told["revision"], told["received_at"]) == (None, None)
    assert rows(own) == before
    assert own.web.get(f"{RETURN}", key=own.key("contract_manager", programme=PROGRAMME)).json() == counts
    receipt = sent(own, f"{RETURN}/revisions", CORRECTED)
    assert (receipt["effect"], receipt["status"]) == (None, "accepted")
    after = rows(own)
    said = {tuple(row[name] for name in list(row)[:8]): row for row in told["effect"]}
    shown = ("numerator", "denominator", "value", "coverage", "contract_test", "missing_reason")
    moved = {
        key
        for key in before.keys() | after.keys()
        if [before.get(key, {}).get(name) for name in shown] != [after.get(key, {}).get(name) for name in shown]
    }
    assert said.keys() == moved
    for key, row in said.items():
        for name in shown:
            assert row[f"{name}_before"] == before.get(key, {}).get(name)
            assert row[f"{name}_after"] == after.get(key, {}).get(name)
    whole = said["all", "CWT-62", "all", "all", "all", "all", "all", "all"]
    assert whole["numerator_after"] - whole["numerator_before"] == 6


def test_a_dry_run_of_what_was_sent_already_moves_nothing(own: Programme) -> None:
    sent(own, f"{RETURN}/revisions", CORRECTED)
    again = sent(own, f"{RETURN}/revisions?dry_run=true", CORRECTED)
    assert (again["duplicate_of"], again["effect"]) == (2, [])


def test_a_subcontract_is_told_of_its_own_rows_only(own: Programme) -> None:
    told = sent(own, f"{RETURN}/revisions?dry_run=true", CORRECTED, role="preparer", subcontract="SC-RL4")
    assert {row["subcontract"] for row in told["effect"]} == {"SC-RL4"}
    assert {row["slice"] for row in told["effect"]} == {
        "subcontract",
        "commissioner+subcontract",
        "site+subcontract",
        "category+subcontract",
    }
    (whole,) = (row for row in told["effect"] if row["slice"] == "subcontract" and row["measure"] == "CWT-62")
    assert (whole["numerator_before"], whole["numerator_after"]) == (17, 23)
    assert own.web.get(f"{RETURN}/revisions/2", key=own.key("preparer", programme=PROGRAMME, subcontract="SC-RL4")).status_code == 404


def test_two_revisions_are_compared_with_their_effect(own: Programme) -> None:
    sent(own, f"{RETURN}/revisions", CORRECTED)
    told = sent(own, f"{RETURN}/revisions/2/differences")
    (whole,) = (row for row in told["effect"] if row["slice"] == "all" and row["measure"] == "CWT-62")
    assert (whole["numerator_after"] - whole["numerator_before"], told["against"]) == (6, 1)
    first = sent(own, f"{RETURN}/revisions/1/differences")
    (whole,) = (row for row in first["effect"] if row["slice"] == "subcontract" and row["measure"] == "CWT-62")
    assert (whole["numerator_before"], whole["numerator_after"], whole["missing_reason_before"]) == (None, 17, "late")
    of_own = sent(own, f"{RETURN}/revisions/2/differences", role="approver", subcontract="SC-RL4")
    assert {row["subcontract"] for row in of_own["effect"]} == {"SC-RL4"}
