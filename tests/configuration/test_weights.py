"""What a requirement weighs for each subcontract: nothing where the measure is not collected as routine, and the report says so."""

from datetime import UTC, datetime

from tests.make import document
from tests.support.databases import Database
from tests.support.http import serving

PROGRAMME = "/v1/programmes/test-cancer"
GRADES = [{"subcontract": "SC-RL4", "grade": "C", "to_month": "2026-11"}, {"subcontract": "SC-H9901", "grade": "B"}]
REQUIREMENT = {**document()["requirements"][0], "weight": 1, "collectability": GRADES}


def test_a_measure_that_is_not_collectable_carries_no_weight_and_says_so(database: Database) -> None:
    with serving(database, clock=lambda: datetime(2026, 11, 20, 9, tzinfo=UTC)) as web:
        key = web.key("contract_manager", programme="test-cancer")
        whole = document(requirements=[REQUIREMENT])
        assert web.put(f"{PROGRAMME}/configuration", whole, key=key, headers={"If-None-Match": "*"}).status_code == 201
        address = f"{PROGRAMME}/requirements/CWT-62/weights"
        told = web.get(f"{address}?month=2026-10", key=key).json()
        assert (told["contract_year"], told["weight"]) == (1, 1)
        weights = {row["subcontract"]: (row["collectability"], row["weight"], row["reason"]) for row in told["subcontracts"]}
        reason = "CWT-62 is graded C (not collectable) for SC-RL4 in 2026-10: it carries no weight."
        assert weights["SC-RL4"] == ("not collectable", None, reason)
        assert weights["SC-RJE"] == ("routine", 1, None)
        assert weights["SC-H9901"][:2] == ("manual", None)
        later = web.get(f"{address}?month=2026-12", key=key).json()["subcontracts"]
        assert {row["subcontract"]: row["weight"] for row in later} == {"SC-H9901": None, "SC-RJE": 1, "SC-RL4": 1}
        assert web.get(address, key=key).json()["month"] == "2026-11"
        for month, noted in (("2026-10", True), ("2026-12", False)):
            report = web.get(f"{PROGRAMME}/reports/{month}", key=key)
            notes = {note["code"]: note["detail"] for note in report.json()["notes"]}
            assert (reason in notes.get("carries_no_weight", "")) == noted
        assert web.get(f"{PROGRAMME}/requirements/CWT-FDS/weights", key=key).status_code == 404
        hospice = web.key("preparer", programme="test-cancer", subcontract="SC-H9901")
        assert web.get(address, key=hospice).status_code == 403
