"""A report over HTTP in each of its formats, and that others' tools read it with no transformation: pandas, a spreadsheet reader and Vega-Lite."""

import io
import json
import re
from typing import Any, Final

import pandas as pd
import pytest
import vl_convert
from pandas.api.types import is_integer_dtype, is_numeric_dtype, is_string_dtype
from python_calamine import CalamineWorkbook

from app.publications.json_schemas import SCHEMAS
from app.reports.members import MEMBERS
from tests.reports.conftest import PROGRAMME, Programme

COUNTED: Final = {"numerator", "denominator", "value", "lower", "upper", "standard", "target", "floor", "stretch", "coverage"}
WHOLE: Final = {"measure_version", "returns_expected", "returns_included", "months_held"}
ALWAYS_TEXT: Final = {
    "slice",
    "measure",
    "month",
    "period",
    "period_start",
    "commissioner",
    "site",
    "subcontract",
    "contract_test",
    "status",
}
SPEC: Final[dict[str, Any]] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "width": 420,
    "layer": [
        {
            "mark": "bar",
            "encoding": {"y": {"field": "value", "type": "quantitative", "axis": {"format": "%"}, "title": "within 62 days"}},
        },
        {"mark": "rule", "encoding": {"y": {"field": "lower", "type": "quantitative"}, "y2": {"field": "upper"}}},
        {"mark": {"type": "tick", "color": "firebrick", "thickness": 3}, "encoding": {"y": {"field": "target", "type": "quantitative"}}},
    ],
    "encoding": {"x": {"field": "commissioner_name", "type": "nominal", "title": None}},
}


def served(programme: Programme, format_: str, query: str = "") -> bytes:
    key = programme.key("analyst", programme=PROGRAMME)
    answer = programme.web.get(f"/v1/programmes/{PROGRAMME}/reports/2026-10?format={format_}{query}", key=key)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture(scope="module")
def tables(october: Programme) -> dict[str, pd.DataFrame]:
    """The same report by each way that it is read."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(served(october, "xlsx"))).get_sheet_by_name("Rows").to_python()
    return {
        "json": pd.DataFrame(json.loads(served(october, "json"))["observations"]),
        "csv": pd.read_csv(io.BytesIO(served(october, "csv"))),
        "xlsx": pd.DataFrame(sheet[1:], columns=sheet[0]).replace("", None).infer_objects(),
    }


def test_pandas_reads_figures_as_numbers_and_places_as_text(tables: dict[str, pd.DataFrame]) -> None:
    for name in ("json", "csv"):
        frame = tables[name]
        assert list(frame.columns) == list(MEMBERS)
        assert {column for column in COUNTED if not is_numeric_dtype(frame[column])} == set()
        assert {column for column in WHOLE if not is_integer_dtype(frame[column])} == set()
        assert {column for column in ALWAYS_TEXT if not is_string_dtype(frame[column])} == set()


def test_the_three_ways_say_the_same(tables: dict[str, pd.DataFrame]) -> None:
    plain = tables["json"]
    for name in ("csv", "xlsx"):
        frame = tables[name]
        assert len(frame) == len(plain)
        for column in plain.columns:
            missing = plain[column].isna()
            assert (frame[column].isna() == missing).all(), (name, column)
            assert (frame[column][~missing] == plain[column][~missing]).all(), (name, column)


def test_a_figure_is_found_by_the_keys_of_its_row(tables: dict[str, pd.DataFrame]) -> None:
    for frame in tables.values():
        row = frame[(frame["slice"] == "all") & (frame["measure"] == "CWT-62") & (frame["period"] == "month")]
        assert row["value"].tolist() == [0.754717]
        parts = frame[(frame["slice"] == "commissioner") & (frame["measure"] == "CWT-62") & (frame["commissioner_scope"] == "exact")]
        assert parts["denominator"].sum() == row["denominator"].item()


@pytest.mark.parametrize("format_", ["json", "csv"])
def test_vega_lite_draws_the_bytes_that_are_served(october: Programme, format_: str) -> None:
    content = served(october, format_, "&measure=CWT-62&slice=commissioner").decode()
    how = {"type": "csv"} if format_ == "csv" else {"type": "json", "property": "observations"}
    drawn = vl_convert.vegalite_to_svg(
        {**SPEC, "data": {"values": content if format_ == "csv" else json.loads(content), "format": how}}, vl_version="5.21"
    )
    bars = re.findall(r'aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="bar"', drawn)
    assert sorted(label.partition(";")[0] for label in bars) == [
        f"commissioner_name: {name}" for name in ("North Staffordshire", "Staffordshire", "Stoke")
    ]
    assert "commissioner_name: Staffordshire; within 62 days: 75.471700%" in bars
    assert drawn.count('aria-roledescription="rule mark"') == 3


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


def test_what_the_public_would_be_shown_names_no_subcontract(october: Programme) -> None:
    address = "/v1/programmes/small/reports/2026-10"
    key = october.key("analyst", programme="small")
    assert "SC-RNA late" in october.web.get(address, key=key).text
    shown = october.web.get(f"{address}?rendition=public", key=key)
    assert any(row["excludes"] and "1 late" in row["excludes"] for row in shown.json()["observations"])
    assert "SC-" not in shown.text


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
    queries = '</v1/programmes/small/row-queries?month=2026-10&format=csv>; rel="related"; title="queries"'
    assert (asked.headers["Link"], plain.json()["links"]) == (queries, {"queries": "/v1/programmes/small/row-queries?month=2026-10"})
    assert "Link" not in october.web.get(f"{address}?format=csv&rendition=public", key=key).headers
    assert asked.headers["ETag"] == accepted.headers["ETag"] != plain.headers["ETag"]
    unchanged = october.web.get(address, key=key, headers={"Accept": "text/csv", "If-None-Match": asked.headers["ETag"]})
    assert unchanged.status_code == 304
    refused = october.web.get(address, key=key, headers={"Accept": "image/png"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    assert october.web.get(f"{address}?format=pdf", key=key).status_code == 422
    assert october.web.get(f"{address}?format=csv").status_code == 401


def test_a_live_report_is_also_a_workbook(october: Programme) -> None:
    key, address = october.key("analyst", programme="small"), "/v1/programmes/small/reports/2026-10?as_of=2026-11-30T00:00:00Z"
    first, again = (october.web.get(f"{address}&format=xlsx", key=key) for _ in range(2))
    assert first.content == again.content
    assert first.headers["content-type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert first.headers["content-disposition"] == 'attachment; filename="small 2026-10.xlsx"'
    known = {"Accept": first.headers["content-type"], "If-None-Match": first.headers["ETag"]}
    assert october.web.get(address, key=key, headers=known).status_code == 304
    rows = october.web.get(address, key=key).json()["observations"]
    header, *lines = CalamineWorkbook.from_filelike(io.BytesIO(first.content)).get_sheet_by_name("Rows").to_python()
    assert len(lines) == len(rows)
    assert [line[header.index("value")] for line in lines] == ["" if each["value"] is None else each["value"] for each in rows]
