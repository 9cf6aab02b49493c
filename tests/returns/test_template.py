"""The form of a return: which lines it prints, that no text in it runs, that what is not to be touched is shut, and whose it is."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from app.calendar.contract import Contract
from app.calendar.expected import CellKey, ReturnKey
from app.kernel.months import Month
from app.returns.columns import ALL_OTHERS_ARE_ZERO, CELL_COLUMNS, DATA_SHEET, IGNORED_COLUMNS, KEY_COLUMNS, LAST_HEADER_ROW, RETURN_COLUMNS
from app.returns.domain import deadlines_of
from app.returns.faults import EXPLANATION_CODES, REST_STATES
from app.returns.plain_words import earlier_of
from app.returns.schemas import ExpectedCellView
from app.returns.submission import Cell, State
from app.returns.template import FEW, Template, tame, template_of
from app.returns.template_csv import csv_of
from app.returns.template_schemas import DueView, GuideView
from app.returns.template_workbook import workbook_of
from tests.make import contract, document
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import CWT, HOSPICE, MIXED, MONTH, PROGRAMME, address, cwt_body, mixed_body, owed, whole_document
from tests.returns.test_api import has_shape
from tests.support.databases import Database

Stated = Mapping[Month, Mapping[CellKey, Cell]]
SHEETS = (DATA_SHEET, "Definitions", "Lists")
FILES = ("template.xlsx", "template.csv", "guide")


def form(key: ReturnKey, within: Contract | None = None, stated: Stated | None = None) -> Template:
    expected = owed(key, within)
    deadlines = deadlines_of(expected.contract.collection[key.collection], key.month, expected.contract.days)
    return template_of(expected, deadlines, earlier_of(expected, stated or {}))


def wide(**more: Any) -> Contract:
    """A trust that serves eight sites: more cells than are printed anyway."""
    sites = [{"code": f"site{number}", "name": f"Site {number}"} for number in range(8)]
    codes = [site["code"] for site in sites]
    lines = [{**line, **({"sites": codes} if "sites" in line else {})} for line in document()["assignments"]]
    return contract(sites=sites, assignments=lines, requirements=[], **more)


def stated(key: CellKey, numerator: int, denominator: int, state: State = "value") -> Cell:
    above, below = (Decimal(numerator), Decimal(denominator)) if state == "value" else (None, None)
    return Cell(*key, state, above, below, False, False, None, None, None)


def rows_of(content: bytes, sheet: str = DATA_SHEET) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(sheet).to_python()


def table_of(content: bytes) -> list[dict[str, Any]]:
    """The lines under the names of the columns."""
    rows = rows_of(content)
    header = next(number for number, row in enumerate(rows) if {"measure", "numerator"} <= set(row))
    assert header < LAST_HEADER_ROW
    return [dict(zip(rows[header], row, strict=True)) for row in rows[header + 1 :]]


def test_few_cells_are_printed_all() -> None:
    template = form(MIXED)
    assert set(template.lines) == set(template.expected.cells)
    assert template.spare == 0


def test_without_a_history_all_cells_are_printed() -> None:
    template = form(CWT, wide())
    assert len(template.lines) == len(template.expected.cells) > FEW


def test_what_was_above_zero_is_printed_and_the_rest_has_spare_lines() -> None:
    within = wide()
    cells = owed(CWT, within).cells
    months = {MONTH.plus(-1): {key: stated(key, 0, 0) for key in cells}, MONTH.plus(-12): {cells[5]: stated(cells[5], 0, 3)}}
    months[MONTH.plus(-1)][cells[7]] = stated(cells[7], 0, 0, "not_collected")
    template = form(CWT, within, months)
    other = next(key for key in cells if key.measure not in {cells[5].measure, cells[7].measure})
    assert set(template.lines) == {cells[5], cells[7], other}, "and a line of each measure: without one the rest states no zero of it"
    assert template.spare == 20
    lines = table_of(workbook_of(template))
    assert len(lines) <= 3 + template.spare
    assert [line["measure"] for line in lines[:3]] == [key.measure for key in template.lines]


def test_a_census_is_always_printed_and_never_left_to_the_rest() -> None:
    codes = {"code": "CASELOAD", "name": "Caseload", "aggregation": "stock_last", "split_by": ["site", "commissioner"]}
    base = document()
    segments = [
        {**segment, "measures": ["CASELOAD"] if segment["code"] == "diagnosis" else []} for segment in base["pathways"][0]["segments"]
    ]
    within = wide(
        measures=[codes],
        pathways=[{**base["pathways"][0], "segments": segments}],
        collections=[{"code": "cwt", "name": "Census", "measures": ["CASELOAD"], "due": {"working_day": 5}, "every": "month"}],
    )
    template = form(CWT, within, {MONTH.plus(-1): {key: stated(key, 0, 0) for key in owed(CWT, within).cells}})
    assert len(template.lines) == len(template.expected.cells)
    assert not template.may_leave_to_zero
    assert ALL_OTHERS_ARE_ZERO not in {row[0] for row in rows_of(workbook_of(template))}
    assert ALL_OTHERS_ARE_ZERO in REST_STATES, "what is said of a line that was left out speaks of the form as it is"


def test_the_same_form_has_the_same_bytes() -> None:
    assert workbook_of(form(MIXED)) == workbook_of(form(MIXED))
    assert csv_of(form(MIXED)) == csv_of(form(MIXED))


@pytest.mark.parametrize("key", [HOSPICE, MIXED, CWT], ids=lambda key: key.collection)
def test_every_column_is_one_that_a_return_is_read_by(key: ReturnKey) -> None:
    known = {*CELL_COLUMNS, *RETURN_COLUMNS, *KEY_COLUMNS, *IGNORED_COLUMNS}
    template = form(key)
    assert set(table_of(workbook_of(template))[0]) <= known
    assert set(next(csv.reader(io.StringIO(csv_of(template).decode("utf-8-sig"))))) <= known


def test_codes_are_text_and_names_come_first() -> None:
    content = workbook_of(form(HOSPICE))
    lines = table_of(content)
    assert [(line["measure"], line["category"]) for line in lines] == [
        ("HOSP-WAIT", "0-1"),
        ("HOSP-WAIT", "2-3"),
        ("HOSP-WAIT", "4-up"),
        ("E-BEDOCC", "all"),
    ]
    assert list(lines[0])[:2] == ["measure_name", "category_name"]
    assert list(lines[0])[-2:] == ["measure", "category"]
    assert [name for name in SHEETS if rows_of(content, name)] == list(SHEETS)


HOSTILE = ("=1+1", "+SUM(A1)", "-2+3", "@now", "=cmd|' /C calc'!A0", " =1", "\t=1")


def test_no_text_runs_as_a_formula() -> None:
    assert [tame(text)[0] for text in HOSTILE] == ["'"] * len(HOSTILE)
    assert [tame(text) for text in ("Lung", "0-1", "2-3 days", "St Giles' Hospice", "")] == [
        "Lung",
        "0-1",
        "2-3 days",
        "St Giles' Hospice",
        "",
    ]
    base = document()
    measures = [
        *base["measures"][:3],
        {**base["measures"][3], "name": "=1+1", "numerator": "=2+2", "denominator": "@sum", "example": "+3+3"},
    ]
    collections = [{**base["collections"][0], "name": "=HYPERLINK(1)"}, base["collections"][1]]
    template = form(HOSPICE, contract(measures=measures, collections=collections))
    content = workbook_of(template)
    texts = [str(value) for sheet in SHEETS for row in rows_of(content, sheet) for value in row]
    texts += [value for row in csv.reader(io.StringIO(csv_of(template).decode("utf-8-sig"))) for value in row]
    assert {"'=1+1", "'=2+2", "'@sum", "'+3+3"} <= set(texts)
    assert not [text for text in texts if text[:1] in {"=", "+", "-", "@"}]


def sheets_of(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return {name: parts.read(name).decode() for name in parts.namelist()}


def test_what_is_not_to_be_touched_is_shut_and_nothing_computes() -> None:
    parts = sheets_of(workbook_of(form(MIXED)))
    for number in (1, 2, 3):
        sheet = parts[f"xl/worksheets/sheet{number}.xml"]
        assert "<f>" not in sheet
        assert re.search(r'<sheetProtection sheet="1"(?![^>]*(password|hash))', sheet), "shut against slips, open to whoever means it"
    sheet = parts["xl/worksheets/sheet1.xml"]
    validations = re.findall(r"<dataValidation [^>]*>", sheet)
    kinds = {match[1] for validation in validations if (match := re.search(r'type="(\w+)"', validation))}
    assert kinds == {"list", "whole", "custom", "decimal"}
    assert "<formula1>Lists!$" in sheet
    offered = [validation for validation in validations if 'errorStyle="information"' in validation]
    assert len(offered) == 1, "a code of one's own may stand where the usual ones are offered"
    assert set(EXPLANATION_CODES) <= {value for row in rows_of(workbook_of(form(MIXED)), "Lists") for value in row}
    assert '<pane xSplit="1"' in sheet
    assert 'orientation="landscape"' in sheet
    assert "_xlnm.Print_Area" in parts["xl/workbook.xml"]
    assert not [name for name in parts if "vba" in name.lower() or "external" in name.lower()]


def test_a_text_beyond_what_a_prompt_holds_is_cut() -> None:
    base = document()
    long = {**base["measures"][3], "numerator": "x" * 2000, "example": "y\u0001z\uffff" * 200}
    content = workbook_of(form(HOSPICE, contract(measures=[*base["measures"][:3], long])))
    prompts = re.findall(r'prompt="([^"]*)"', sheets_of(content)["xl/worksheets/sheet1.xml"])
    assert max(map(len, prompts)) <= 255
    assert any("yz" in str(value) for row in rows_of(content, "Definitions") for value in row)


@pytest.fixture(scope="module")
def served(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        yield programme


def test_the_form_tells_what_was_stated_before(served: Programme) -> None:
    earlier, key = (ReturnKey("mixed", "SC-MIX", Month.parse(month)) for month in ("2026-08", "2026-09"))
    assert served.submit(earlier, mixed_body()).status_code == 201
    content = served.read(key, by=served.preparer("SC-MIX"), query="/template.xlsx").content
    mean = next(line for line in table_of(content) if line["measure"] == "M-MEAN")
    assert (mean["last_month_numerator"], mean["last_month_denominator"], mean["mean_12_months_numerator"]) == (12.125, 3, 12.12)
    guide = has_shape(served.read(key, by=served.preparer("SC-MIX"), query="/guide"), GuideView)
    cell = next(cell for cell in guide["cells"] if cell["measure"] == "M-MEAN")
    assert (cell["last_state"], cell["last_month_numerator"], cell["mean_12_months_of"]) == ("value", 12.125, 1)
    assert guide["last_month"] == "2026-08"
    assert {measure["code"] for measure in guide["measures"]} == {"M-RATIO", "M-COUNT", "M-STOCK", "M-MEAN", "M-RISK"}


@pytest.mark.parametrize("file", FILES)
def test_the_same_question_has_the_same_bytes(served: Programme, file: str) -> None:
    moment = served.read(CWT).json()["as_of"]
    first, later = (served.read(CWT, query=f"/{file}?as_of={moment}") for _ in range(2))
    assert first.status_code == later.status_code == 200
    assert first.content == later.content
    assert (
        served.web.get(
            f"{address(CWT)}/{file}?as_of={moment}", key=served.manager(), headers={"If-None-Match": first.headers["ETag"]}
        ).status_code
        == 304
    )


@pytest.mark.parametrize("file", FILES)
def test_anothers_form_is_none(served: Programme, file: str) -> None:
    own = served.preparer("SC-RL4")
    absent = CWT._replace(subcontract="SC-NONE")
    answers = [served.read(key, by=own, query=f"/{file}") for key in (CWT, absent)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() | {"instance": ""} == answers[1].json() | {"instance": ""}
    assert served.web.get(f"{address(CWT)}/{file}").status_code == 401
    assert served.read(CWT, by=served.key("commissioner", commissioner="05W"), query=f"/{file}").status_code in {403, 404}


def test_what_is_due_is_listed_by_its_instant(served: Programme) -> None:
    due = f"/v1/programmes/{PROGRAMME}/subcontracts/SC-RJE/due"
    key = served.preparer("SC-RJE")
    said = has_shape(served.web.get(due, key=key), DueView)
    assert (said["today"], said["as_of"], said["prime_name"]) == ("2026-11-02", None, "A fictional prime provider")
    assert [(each["month"], each["to_do"], each["days_left"]) for each in said["due"]] == [
        ("2026-07", "frozen", -54), ("2026-08", "overdue", -26), ("2026-09", "open", 4), ("2026-10", "open", 36), ("2026-11", "upcoming", 70)
    ]  # fmt: skip
    assert [each["ods_code"] for each in said["due"][0]["for_commissioners"]] == ["05G", "05W"]
    page = served.web.get(f"{due}?limit=2", key=key).json()
    following = served.web.get(f"{due}?limit=2&cursor={page['next']}", key=key).json()
    assert [each["month"] for each in (*page["due"], *following["due"])] == ["2026-07", "2026-08", "2026-09", "2026-10"]
    assert served.web.get(f"{due}?cursor=nonsense", key=key).json()["code"] == "bad_cursor"


def test_what_was_received_is_no_longer_due(served: Programme) -> None:
    due = f"/v1/programmes/{PROGRAMME}/subcontracts/SC-RL4/due"
    before = served.web.get(due, key=served.manager()).json()["due"]
    sent = ReturnKey("cwt", "SC-RL4", Month.parse("2026-08"))
    assert served.submit(sent, cwt_body()).status_code == 201
    after = served.web.get(due, key=served.manager()).json()["due"]
    assert [each for each in before if each["month"] != "2026-08"] == after
    moment = (served.clock() - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    earlier = served.web.get(f"{due}?as_of={moment}", key=served.manager())
    assert earlier.status_code == 404, "there was no programme then"


def test_what_was_reopened_or_waits_for_a_signature_is_to_be_done(programme: Programme) -> None:
    base = whole_document()
    collections = [{**line, "sign_off": "required"} if line["code"] == "cwt" else line for line in base["collections"]]
    assert programme.apply({**base, "collections": collections}).status_code == 200
    key = CWT._replace(month=Month.parse("2026-07"))

    def to_do() -> str | None:
        due = programme.web.get(f"/v1/programmes/{PROGRAMME}/subcontracts/SC-RJE/due", key=programme.preparer("SC-RJE")).json()["due"]
        return next((each["to_do"] for each in due if each["month"] == "2026-07"), None)

    assert to_do() == "frozen"
    leave = {"reason": "A file was found", "expires_at": "2026-11-20T12:00:00Z"}
    assert programme.web.post(f"{address(key)}/reopening", leave, key=programme.manager()).status_code == 201
    assert to_do() == "reopened"
    assert programme.submit(key, cwt_body()).status_code == 201
    assert to_do() == "unsigned"
    signed = programme.web.post(f"{address(key)}/sign-off", {"revision": 1}, key=programme.key("approver", subcontract="SC-RJE"))
    assert (signed.status_code, to_do()) == (200, None)


def test_what_is_due_to_another_is_not_told(served: Programme) -> None:
    address = f"/v1/programmes/{PROGRAMME}/subcontracts/{{}}/due"
    answers = [served.web.get(address.format(code), key=served.preparer("SC-RL4")) for code in ("SC-RJE", "SC-NONE")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() | {"instance": ""} == answers[1].json() | {"instance": ""}
    assert served.web.get(address.format("SC-NONE"), key=served.manager()).status_code == 404
    assert served.web.get(address.format("SC-RJE")).status_code == 401
    assert served.web.get(address.format("SC-RJE"), key=served.key("commissioner", commissioner="05W")).status_code in {403, 404}


def test_expected_cells_tell_whoever_joins_what_a_value_carries(served: Programme) -> None:
    lines = list(csv.DictReader(io.StringIO(served.read(MIXED, query="/expected-cells.csv").text)))
    assert list(lines[0]) == list(ExpectedCellView.model_fields)
    carried = {line["measure"]: (line["aggregation"], line["denominator_carried"], line["numeric_kind"]) for line in lines}
    assert carried == {
        "M-RATIO": ("ratio_sum", "always", "integer"),
        "M-COUNT": ("count_sum", "never", "integer"),
        "M-STOCK": ("stock_last", "never", "integer"),
        "M-MEAN": ("mean_weighted", "always", "decimal"),
        "M-RISK": ("distinct_risk", "either", "half_unit"),
    }
