"""What is not in order, and what variations add up to, over HTTP: who may read it, and page by page."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.access.actions import create_client
from app.assurance.schemas import AssuranceView, VariationsView
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.kernel.moments import LONDON, moment_text
from tests.make import document, subcontract
from tests.support.databases import Database
from tests.support.http import Web, serving

PROGRAMME = "/v1/programmes/test-cancer"
ASSURANCE = f"{PROGRAMME}/assurance"
VARIATIONS = f"{PROGRAMME}/subcontracts/SC-RJE/variations"
NOW = datetime.now(UTC)
STAFF = ("administrator", "contract_manager", "analyst", "finance", "auditor")

HELD = [
    {"item": item, "reference": f"R-{item}", "held_from": "2026-01-01"}
    for item in ("signature", "insurance", "ico", "cqc", "data_sharing_agreement")
]
RJE = subcontract(
    "SC-RJE",
    "RJE",
    "acute",
    annual_value_pence=2_500_000_000,
    assurance=[*HELD, {"item": "dspt", "reference": "D-1", "held_from": "2026-01-01", "expires_on": "2027-06-30"}],
    variations=[
        {"number": 1, "effective_on": "2027-04-01", "what": "A second clinic", "value_change_pence": 75_000_000},
        {"number": 2, "effective_on": "2028-04-01", "what": "It closes", "value_change_pence": -100_000_000},
        {"number": 3, "effective_on": "2028-04-01", "what": "Another contact", "value_change_pence": 0},
    ],
)
RL4 = subcontract(
    "SC-RL4",
    "RL4",
    "acute",
    material=True,
    status="agreed",
    status_history=[
        {"status": "agreed", "from_day": "2026-06-01", "reason": "Terms still open"},
        {"status": "signed", "from_day": "2027-05-02"},
    ],
    assurance=HELD,
)
H9901 = subcontract("SC-H9901", "H9901", "hospice", assurance=[*HELD, {"item": "dspt", "required": False}])


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with serving(module_database, clock=lambda: NOW) as web:
        body = document(subcontracts=[RJE, RL4, H9901])
        made = web.put(f"{PROGRAMME}/configuration", body, key=web.key("administrator"), headers={"If-None-Match": "*"})
        assert made.status_code == 201, made.text
        yield web


def caller(web: Web, role: str, subcontract: str = "SC-RJE") -> str:
    scope: dict[str, str] = {"programme": "test-cancer"}
    if role in {"preparer", "approver"}:
        scope["subcontract"] = subcontract
    if role.startswith("commissioner"):
        scope["commissioner"] = "05W"
    return web.key(role, **scope)


def told(body: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (row["subcontract"], row["finding"], row["item"], row["expires_on"], row["days_left"], row["since"]) for row in body["findings"]
    ]


def test_the_integrator_sees_what_is_not_in_order(web: Web) -> None:
    answer = web.get(f"{ASSURANCE}?on=2027-04-01", key=caller(web, "analyst"))
    assert answer.status_code == 200, answer.text
    assert told(answer.json()) == [
        ("SC-RJE", "lapsing", "dspt", "2027-06-30", 90, None),
        ("SC-RL4", "delivering_unsigned", None, None, None, "2026-07-01"),
        ("SC-RL4", "missing", "dspt", None, None, None),
        ("SC-RL4", "not_approved", None, None, None, None),
    ]
    AssuranceView.model_validate_json(answer.content, strict=True)
    lapsed = web.get(f"{ASSURANCE}?on=2027-07-01", key=caller(web, "analyst")).json()
    assert told(lapsed)[0] == ("SC-RJE", "lapsed", "dspt", "2027-06-30", -1, None)


def test_the_day_is_that_of_the_question_of_its_moment_or_today(web: Web) -> None:
    key = caller(web, "finance")
    assert web.get(ASSURANCE, key=key).json()["on"] == NOW.astimezone(LONDON).date().isoformat()
    assert web.get(f"{ASSURANCE}?as_of={moment_text(NOW)}", key=key).json()["on"] == NOW.astimezone(LONDON).date().isoformat()
    assert web.get(f"{ASSURANCE}?on=2031-07-01", key=key).json()["findings"] == []
    for day in ("2027-02-30", "tomorrow", "2027-04-01T00:00:00Z", "0001-01-01", "9999-12-31"):
        assert web.get(f"{ASSURANCE}?on={day}", key=key).status_code == 422
    for day in ("1900-01-01", "2199-12-31"):
        assert web.get(f"{ASSURANCE}?on={day}", key=key).status_code == 200


def test_the_same_question_with_the_moment_of_its_answer_has_the_same_answer_for_ever(database: Database) -> None:
    clock = [datetime(2026, 8, 3, 9, tzinfo=UTC)]
    with serving(database, clock=lambda: clock[0]) as web:
        with open_session(database.engine, INSTALLATION) as session:
            made = create_client(session, name="Keeper", role="administrator", actor=MACHINE, now=clock[0])
            session.commit()
        body = document(subcontracts=[RJE, RL4, H9901], collections=[])
        assert web.put(f"{PROGRAMME}/configuration", body, key=made[1], headers={"If-None-Match": "*"}).status_code == 201
        first = web.get(ASSURANCE, key=made[1])
        # Nothing was recorded since, and no deadline has passed.
        clock[0] += timedelta(days=40)
        assert (web.get(ASSURANCE, key=made[1]).content, first.json()["on"]) == (first.content, "2026-08-03")


def test_findings_and_variations_come_page_by_page(web: Web) -> None:
    key = caller(web, "contract_manager")
    for address, rows in ((f"{ASSURANCE}?on=2027-04-01", "findings"), (f"{VARIATIONS}?", "variations")):
        whole, found = web.get(address, key=key).json()[rows], []
        cursor: str | None = ""
        while cursor is not None:
            page = web.get(f"{address}&limit=1{cursor and f'&cursor={cursor}'}", key=key).json()
            found += page[rows]
            cursor = page["next"]
        assert found == whole
        assert len(whole) > 2
        other = web.get(f"{ASSURANCE if rows == 'variations' else VARIATIONS}?limit=1", key=key).json()["next"]
        assert web.get(f"{address}&cursor={other}", key=key).status_code == 422


def test_variations_add_up_against_the_original_value(web: Web) -> None:
    answer = web.get(VARIATIONS, key=caller(web, "analyst"))
    VariationsView.model_validate(json.loads(answer.content, parse_float=Decimal))
    body = answer.json()
    assert (body["original_value_pence"], body["cumulative_change_pence"], body["cumulative_change_ratio"]) == (
        12_500_000_000,
        -25_000_000,
        -0.002,
    )
    assert [(row["number"], row["cumulative_change_pence"], row["cumulative_change_ratio"]) for row in body["variations"]] == [
        (1, 75_000_000, 0.006),
        (2, -25_000_000, -0.002),
        (3, -25_000_000, -0.002),
    ]
    none = web.get(f"{PROGRAMME}/subcontracts/SC-RL4/variations", key=caller(web, "analyst")).json()
    assert (none["original_value_pence"], none["cumulative_change_ratio"], none["variations"]) == (None, None, [])


@pytest.mark.parametrize(
    ("role", "assurance", "variations"),
    [*((role, 200, 200) for role in STAFF), ("preparer", 403, 200), ("approver", 403, 200), ("commissioner", 403, 404)],
)
def test_who_may_read_them(web: Web, role: str, assurance: int, variations: int) -> None:
    assert web.get(ASSURANCE, key=caller(web, role)).status_code == assurance
    assert web.get(VARIATIONS, key=caller(web, role)).status_code == variations


def test_anothers_subcontract_looks_like_none(web: Web) -> None:
    key = caller(web, "approver", "SC-H9901")
    other, none = (web.get(f"{PROGRAMME}/subcontracts/{reference}/variations", key=key) for reference in ("SC-RJE", "SC-NONE"))
    assert (other.status_code, none.status_code) == (404, 404)
    assert {**other.json(), "instance": ""} == {**none.json(), "instance": ""}
    assert web.get(f"{PROGRAMME}/subcontracts/SC-H9901/variations", key=key).status_code == 200
    assert web.get("/v1/programmes/other/assurance", key=caller(web, "analyst")).status_code == 404
    assert web.get(ASSURANCE).status_code == 401


def test_a_subcontracts_members_are_kept_and_read_back(web: Web) -> None:
    stated = web.get(f"{PROGRAMME}/configuration", key=web.key("administrator"))
    by_reference = {line["reference"]: line for line in stated.json()["subcontracts"]}
    for line in (RJE, RL4, H9901):
        kept = by_reference[line["reference"]]
        for member in ("status_history", "assurance", "variations"):
            written = [{name: part for name, part in each.items() if part is not None} for each in kept[member]]
            assert written == line.get(member, [])
        assert (kept["material"], kept["extension"], kept["value_by_year"]) == (line.get("material", False), None, [])
    again = web.put(f"{PROGRAMME}/configuration", stated.json(), key=web.key("administrator"), headers={"If-Match": stated.headers["ETag"]})
    assert (again.status_code, again.headers["ETag"]) == (200, stated.headers["ETag"])


def test_faults_between_members_are_named_in_the_document(web: Web) -> None:
    bad = subcontract("SC-RJE", "RJE", "acute", extension={"ends_on": "2031-06-30"}, status_history=RL4["status_history"])
    body = document(subcontracts=[RL4, bad, H9901])
    answer = web.put(f"{PROGRAMME}/configuration?dry_run=true", body, key=web.key("administrator"))
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/subcontracts/1/extension/ends_on", "/subcontracts/1/status"}


def test_delivering_without_a_signature_is_shown_on_the_return_and_on_the_report(web: Web) -> None:
    key = caller(web, "analyst")
    flags = {}
    for reference, month in (
        ("SC-RJE", "2026-10"),
        ("SC-RL4", "2026-10"),
        ("SC-RL4", "2027-05"),
        ("SC-RL4", "2027-06"),
        ("SC-RL4", "2031-06"),
    ):
        read = web.get(f"{PROGRAMME}/returns/cwt/{reference}/{month}", key=key).json()
        flags[reference, month] = [flag for flag in ("part_month", "final", "unsigned") if read[flag]]
    assert list(flags.values()) == [[], ["unsigned"], ["unsigned"], [], ["final"]]
    listed = web.get(f"{PROGRAMME}/returns?month=2026-10", key=caller(web, "preparer", "SC-RL4")).json()["returns"]
    assert [(row["subcontract"], row["unsigned"]) for row in listed] == [("SC-RL4", True)]
    for month, period, told in (
        ("2026-10", "month", ["Delivered without a signed subcontract: SC-RL4 (2026-10)."]),
        ("2027-06", "month", []),
        ("2027-06", "quarter", ["Delivered without a signed subcontract: SC-RL4 (2027-04, 2027-05)."]),
    ):
        report = web.get(f"{PROGRAMME}/reports/{month}?slice=all&period={period}", key=key).json()
        assert [note["detail"] for note in report["notes"] if note["code"] == "unsigned"] == told
