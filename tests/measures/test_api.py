"""The catalogue and the differences between versions over HTTP, and measures and requirements through the document."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.measures.catalogue import CATALOGUE
from tests.make import document
from tests.support.databases import Database
from tests.support.http import Web, serving

CONFIGURATION = "/v1/programmes/test-cancer/configuration"
DIFFERENCES = "/v1/programmes/test-cancer/measures/HOSP-DAYS/differences"
DAYS = {"code": "HOSP-DAYS", "name": "Days", "aggregation": "count_sum", "numerator": "Days"}
WHOLE = document(
    measures=[*document()["measures"], DAYS, {**DAYS, "version": 2, "from_month": "2027-04", "split_by": ["site"]}, "H-62G"],
    requirements=[
        {
            "measure": "CWT-62",
            "weight": [{"contract_year": 2, "weight": 1}, {"contract_year": 1, "weight": 0.25}],
            "collectability": [{"subcontract": "SC-H9901", "grade": "C", "from_month": "2026-07"}],
        },
        {"measure": "CWT-FDS", "weight": [{"contract_year": 1, "weight": 0.75}]},
    ],
)


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with serving(module_database) as web:
        made = web.put(CONFIGURATION, WHOLE, key=web.key("contract_manager", programme="test-cancer"), headers={"If-None-Match": "*"})
        assert made.status_code == 201, made.text
        yield web


@pytest.fixture
def key(web: Web) -> str:
    return web.key("analyst", programme="test-cancer")


def test_the_document_keeps_what_measures_and_requirements_say(web: Web, key: str) -> None:
    read = web.get(CONFIGURATION, key=key).json()
    requirements = {line["measure"]: line for line in read["requirements"]}
    assert requirements["CWT-62"]["weight"] == [{"contract_year": 1, "weight": 0.25}, {"contract_year": 2, "weight": 1}]
    assert requirements["CWT-62"]["collectability"] == [
        {"subcontract": "SC-H9901", "grade": "C", "from_month": "2026-07", "to_month": None},
    ]
    measures = {line["code"]: line for line in read["measures"]}
    assert measures["H-62G"]["to_month"] == "2023-09"
    assert measures["CWT-62"] == CATALOGUE["CWT-62"].model_dump(mode="json")
    tried = web.put(f"{CONFIGURATION}?dry_run=true", read, key=web.key("contract_manager", programme="test-cancer"))
    assert tried.json()["differences"] == []


@pytest.mark.parametrize(
    ("role", "scope"),
    [("analyst", {}), ("preparer", {"subcontract": "SC-RJE"}), ("commissioner", {"commissioner": "05W"})],
)
def test_any_key_reads_the_catalogue(web: Web, role: str, scope: dict[str, Any]) -> None:
    key = web.key(role, programme="test-cancer", **scope)
    first = web.get("/v1/catalogue/measures?limit=40", key=key).json()
    rest = web.get(f"/v1/catalogue/measures?limit=40&cursor={first['next']}", key=key).json()
    assert rest["next"] is None
    assert [line["code"] for line in (*first["measures"], *rest["measures"])] == sorted(CATALOGUE)
    one = web.get("/v1/catalogue/measures/CWT-62", key=key)
    assert one.json() == CATALOGUE["CWT-62"].model_dump(mode="json")
    assert web.get("/v1/catalogue/measures/CWT-62", key=key, headers={"If-None-Match": one.headers["ETag"]}).status_code == 304


def test_the_catalogue_is_read_by_kind_and_by_nobody_unknown(web: Web, key: str) -> None:
    found = web.get("/v1/catalogue/measures?kind=data_quality&limit=200", key=key).json()["measures"]
    assert {line["kind"] for line in found} == {"data_quality"}
    assert web.get("/v1/catalogue/measures?kind=none", key=key).status_code == 422
    assert web.get("/v1/catalogue/measures?cursor=abc", key=key).status_code == 422
    assert web.get("/v1/catalogue/measures/NONE", key=key).status_code == 404
    assert web.get("/v1/catalogue/measures").status_code == 401


def test_two_versions_are_told_apart(web: Web, key: str) -> None:
    found = web.get(f"{DIFFERENCES}?from=1&to=2", key=key)
    assert found.status_code == 200, found.text
    value = found.json()
    assert (value["comparable"], value["because"]) == ("totals_only", ["split_by"])
    assert {change["member"] for change in value["changes"]} == {"version", "from_month", "split_by"}
    assert (value["from_version"], value["to_version"], value["categories_added"]) == (1, 2, [])


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=1&to=3", 404), ("from=1", 422), ("from=0&to=1", 422), ("from=1&to=2&as_of=2020-01-01T00:00:00Z", 404)],
)
def test_versions_that_are_not_there(web: Web, key: str, query: str, status: int) -> None:
    assert web.get(f"{DIFFERENCES}?{query}", key=key).status_code == status


def test_a_moment_to_come_is_refused_and_a_stranger_finds_nothing(web: Web, key: str) -> None:
    later = web.get(f"{DIFFERENCES}?from=1&to=2&as_of=2999-01-01T00:00:00Z", key=key)
    assert (later.status_code, later.json()["code"]) == (422, "as_of_in_future")
    stranger = web.key("analyst", programme="another")
    assert web.get(f"{DIFFERENCES}?from=1&to=2", key=stranger).status_code == 404
    preparer = web.key("preparer", programme="test-cancer", subcontract="SC-RJE")
    assert web.get(f"{DIFFERENCES}?from=1&to=2", key=preparer).status_code == 403
