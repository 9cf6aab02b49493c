"""A patient's identifier is refused wherever it hides, with its place, and appears nowhere afterwards: answer, log lines, database."""

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.returns.columns import CSV, JSON, XLSX
from tests.returns.conftest import Programme, set_up
from tests.returns.files import ROWS, book_of, csv_of, edited, json_of, repacked, sheet_of, xlsx_of
from tests.returns.programme import HOSPICE, address, hospice_body
from tests.support.databases import Database

DIGITS = "9434765919"
SPACED = "943 476 5919"


@pytest.fixture(scope="module")
def log() -> io.StringIO:
    """The service's log lines."""
    return io.StringIO()


@pytest.fixture(scope="module")
def programme(module_database: Database, log: io.StringIO) -> Iterator[Programme]:
    with contextlib.redirect_stderr(log), set_up(module_database) as programme:
        yield programme


def hidden(write: Callable[[xlsxwriter.Workbook, Worksheet, Worksheet], Any]) -> bytes:
    """The hospice's month, and beside it a sheet that nobody sees; something is written into either, or into the workbook."""

    def both(book: xlsxwriter.Workbook) -> None:
        sheet = sheet_of(book, ROWS)
        other = sheet_of(book, [["Read me"]], "Lists")
        other.very_hidden()
        write(book, sheet, other)

    return book_of(both)


def chart(book: xlsxwriter.Workbook, sheet: Worksheet) -> None:
    made = book.add_chart({"type": "bar"})
    made.add_series({"values": "=Return!$C$2:$C$4"})
    made.set_title({"name": f"Of {SPACED}"})
    sheet.insert_chart("H9", made)


def table(sheet: Worksheet) -> None:
    sheet.add_table("H1:H3", {"columns": [{"header": DIGITS}], "name": "Named"})


def pivot(digits: str) -> bytes:
    cache = f'<pivotCacheRecords xmlns="x"><r><s v="{digits}"/></r></pivotCacheRecords>'
    return repacked(xlsx_of(), {"xl/pivotCache/pivotCacheRecords1.xml": cache.encode()})


def threaded() -> bytes:
    said = (
        f'<ThreadedComments xmlns="x"><threadedComment ref="C3" id="{{1}}"><text>see {SPACED}</text></threadedComment></ThreadedComments>'
    )
    return repacked(xlsx_of(), {"xl/threadedComments/threadedComment1.xml": said.encode()})


def commented(ref: str) -> bytes:
    content = hidden(lambda book, sheet, other: sheet.write_comment("B3", f"for {SPACED}"))
    return edited(content, "xl/comments1.xml", 'ref="B3"', f'ref="{ref}"')


def in_cell(xml: str) -> bytes:
    """The hospice's month with one cell written by hand."""
    return edited(xlsx_of(), "xl/worksheets/sheet1.xml", "</row></sheetData>", f'<c r="H5"{xml}</c></row></sheetData>')


def beside_cells(xml: str) -> bytes:
    """The hospice's month with settings of its sheet written by hand."""
    return edited(xlsx_of(), "xl/worksheets/sheet1.xml", "</sheetData>", f"</sheetData>{xml}")


HIDING: dict[str, tuple[bytes, dict[str, str]]] = {
    "a number": (hidden(lambda book, sheet, other: sheet.write("H7", int(DIGITS))), {"sheet": "Return", "cell": "H7"}),
    "a number shown as a date": (
        hidden(lambda book, sheet, other: sheet.write("H7", int(DIGITS), book.add_format({"num_format": "0%"}))),
        {"sheet": "Return", "cell": "H7"},
    ),
    "a text": (hidden(lambda book, sheet, other: sheet.write("A9", f"about {SPACED}")), {"sheet": "Return", "cell": "A9"}),
    "runs of different fonts": (
        hidden(lambda book, sheet, other: sheet.write_rich_string("H7", "943 4", book.add_format({"bold": True}), "76 5919")),
        {"sheet": "Return", "cell": "H7"},
    ),
    "the row of names": (xlsx_of([[*ROWS[0], SPACED], *ROWS[1:]]), {"sheet": "Return", "cell": "E1"}),
    "above the row of names": (xlsx_of([["Note", SPACED], *ROWS]), {"sheet": "Return", "cell": "B1"}),
    "a column that is not read": (
        xlsx_of([[*ROWS[0], "measure_name"], ["HOSP-WAIT", "0-1", 15, None, DIGITS], *ROWS[2:]]),
        {"sheet": "Return", "cell": "E2"},
    ),
    "a formula": (hidden(lambda book, sheet, other: sheet.write_formula("H7", f'=LEFT("{SPACED}",1)', None, "9")), {"cell": "H7"}),
    "a formula's result": (hidden(lambda book, sheet, other: sheet.write_formula("H7", "=A1", None, SPACED)), {"cell": "H7"}),
    "a hidden sheet": (hidden(lambda book, sheet, other: other.write("C3", DIGITS)), {"sheet": "Lists", "cell": "C3"}),
    "a hidden row": (
        hidden(lambda book, sheet, other: (other.write("C9", DIGITS), other.set_row(8, None, None, {"hidden": True}))),
        {"sheet": "Lists", "cell": "C9"},
    ),
    "a hidden column": (
        hidden(lambda book, sheet, other: (other.write("F1", DIGITS), other.set_column("F:F", None, None, {"hidden": True}))),
        {"sheet": "Lists", "cell": "F1"},
    ),
    "a comment": (commented("B3"), {"sheet": "Return", "cell": "B3"}),
    "a comment at no cell": (commented("here"), {"sheet": "Return"}),
    "a comment's author": (hidden(lambda book, sheet, other: sheet.write_comment("B3", "for", {"author": SPACED})), {"sheet": "Return"}),
    "a threaded comment": (threaded(), {}),
    "a header": (hidden(lambda book, sheet, other: sheet.set_header(f"&L{SPACED}")), {"sheet": "Return"}),
    "a footer of a hidden sheet": (hidden(lambda book, sheet, other: other.set_footer(f"&R{SPACED}")), {"sheet": "Lists"}),
    "a defined name": (hidden(lambda book, sheet, other: book.define_name("Patient", f'="{SPACED}"')), {}),
    "what a name is called": (hidden(lambda book, sheet, other: book.define_name(f"No_{DIGITS}", "=1")), {}),
    "the name of a sheet": (xlsx_of(name=SPACED), {}),
    "what a filter looks for": (
        beside_cells(
            f'<autoFilter ref="A1:B2"><filterColumn colId="0"><filters><filter val="{DIGITS}"/></filters></filterColumn></autoFilter>'
        ),
        {"sheet": "Return"},
    ),
    "what a scenario puts in": (
        beside_cells(f'<scenarios><scenario name="x" count="1"><inputCells r="A1" val="{SPACED}"/></scenario></scenarios>'),
        {"sheet": "Return"},
    ),
    "who keeps a workbook to read only": (
        edited(xlsx_of(), "xl/workbook.xml", "<workbookPr", f'<fileSharing userName="{DIGITS}"/><workbookPr'),
        {},
    ),
    "the folder that a workbook was saved in": (
        edited(xlsx_of(), "xl/workbook.xml", "<workbookPr", f'<absPath url="D:\\{SPACED}\\"/><workbookPr'),
        {},
    ),
    "a drop-down list": (
        hidden(lambda book, sheet, other: sheet.data_validation("H1", {"validate": "list", "source": ["a", DIGITS]})),
        {"sheet": "Return"},
    ),
    "a message to whoever fills it in": (
        hidden(lambda book, sheet, other: sheet.data_validation("H1", {"validate": "any", "input_message": SPACED})),
        {"sheet": "Return"},
    ),
    "a link": (hidden(lambda book, sheet, other: sheet.write_url("H7", f"http://x/?q={DIGITS}", None, "link")), {"sheet": "Return"}),
    "a link's tip": (
        hidden(lambda book, sheet, other: sheet.write_url("H7", "http://x/", None, "link", tip=SPACED)),
        {"sheet": "Return"},
    ),
    "a text box": (hidden(lambda book, sheet, other: sheet.insert_textbox("H7", f"see {SPACED}")), {"sheet": "Return"}),
    "what a box is called": (
        hidden(lambda book, sheet, other: sheet.insert_textbox("H7", "x", {"description": SPACED})),
        {"sheet": "Return"},
    ),
    "a chart's title": (hidden(lambda book, sheet, other: chart(book, sheet)), {}),
    "a table": (hidden(lambda book, sheet, other: table(sheet)), {"sheet": "Return"}),
    "a pivot table's records": (pivot(DIGITS), {}),
    "the title of the document": (hidden(lambda book, sheet, other: book.set_properties({"title": f"Of {SPACED}"})), {}),
    "a keyword": (hidden(lambda book, sheet, other: book.set_properties({"keywords": DIGITS})), {}),
    "a property of one's own": (hidden(lambda book, sheet, other: book.set_custom_property("Patient", DIGITS)), {}),
    "what a property is called": (hidden(lambda book, sheet, other: book.set_custom_property(SPACED, "x")), {}),
    "the name of a part": (repacked(xlsx_of(), {f"customXml/{DIGITS}.xml": b"<x/>"}), {}),
    "a part of one's own": (repacked(xlsx_of(), {"customXml/item1.xml": f"<a><b>{SPACED}</b></a>".encode()}), {}),
    "a printer's settings": (repacked(xlsx_of(), {"xl/printerSettings/printerSettings1.bin": SPACED.encode("utf-16")}), {}),
    "a text with decimals": (hidden(lambda book, sheet, other: other.write("C3", f"{DIGITS}.0")), {"sheet": "Lists", "cell": "C3"}),
    "a header with decimals": (hidden(lambda book, sheet, other: sheet.set_header(f"{DIGITS}.0")), {"sheet": "Return"}),
    "a number with decimals": (in_cell(f"><v>{DIGITS}.5</v>"), {"cell": "H5"}),
    "a text in a cell for numbers": (in_cell(f"><is><t>{DIGITS}</t></is>"), {"cell": "H5"}),
    "a number in a cell for text": (in_cell(f' t="inlineStr"><is><t>x</t></is><v>{DIGITS}</v>'), {"cell": "H5"}),
    "how a text is pronounced": (in_cell(f' t="inlineStr"><is><t>x</t><rPh><t>{DIGITS}</t></rPh></is>'), {"cell": "H5"}),
    "what extends a cell": (in_cell(f"><v>1</v><extLst><ext>{DIGITS}</ext></extLst>"), {"cell": "H5"}),
    "between the cells": (
        edited(xlsx_of(), "xl/worksheets/sheet1.xml", "</row></sheetData>", f"{DIGITS}</row></sheetData>"),
        {"sheet": "Return"},
    ),
    "a remark in a sheet": (edited(xlsx_of(), "xl/worksheets/sheet1.xml", "</sheetData>", f"<!-- {SPACED} --></sheetData>"), {}),
    "an instruction in a part": (repacked(xlsx_of(), {"customXml/item1.xml": f"<a><?x {SPACED}?></a>".encode()}), {}),
    "how a shared text is pronounced": (
        edited(xlsx_of(), "xl/sharedStrings.xml", "</si>", f"<rPh><t>{SPACED}</t></rPh></si>"),
        {},
    ),
    "a format of numbers": (
        hidden(lambda book, sheet, other: sheet.write("H7", 1, book.add_format({"num_format": f'0"{SPACED}"'}))),
        {},
    ),
    "a text that no cell shows": (
        edited(xlsx_of(), "xl/sharedStrings.xml", "</sst>", f"<si><t>{SPACED}</t></si></sst>"),
        {},
    ),
}


def in_any_table(programme: Programme) -> bool:
    tables = [name for (name,) in programme.all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return any(
        programme.all(f"SELECT FROM \"{table}\" AS row WHERE regexp_replace(row::text, '[^0-9]', '', 'g') LIKE '%{DIGITS}%' LIMIT 1")
        for table in tables
    )


def refused(programme: Programme, content: bytes, media_type: str, **headers: str) -> list[dict[str, Any]]:
    """The faults of what is refused."""
    said = {"Content-Type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    path, key = f"{address(HOSPICE)}/revisions", programme.preparer("SC-H9901")
    answer = programme.web.request("POST", path, key=key, content=content, headers=said)
    assert (answer.status_code, answer.json()["code"]) == (422, "return_invalid"), answer.text
    assert DIGITS not in "".join(filter(str.isdigit, json.dumps(answer.json()["errors"])))
    assert SPACED not in answer.text
    found: list[dict[str, Any]] = answer.json()["errors"]
    return found


def identifiers(faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [fault for fault in faults if fault["code"] == "patient_identifier"]


@pytest.mark.parametrize("name", HIDING)
def test_wherever_it_hides_in_a_workbook_its_place_is_told(programme: Programme, name: str) -> None:
    content, place = HIDING[name]
    found = identifiers(refused(programme, content, XLSX))
    assert any(place.items() <= fault.items() for fault in found), found
    assert all("One in eleven" in fault["fix"] for fault in found)


def test_nor_in_csv_json_or_the_name_of_a_file(programme: Programme) -> None:
    in_csv = {
        (2, 3): csv_of([ROWS[0], ["HOSP-WAIT", "0-1", DIGITS], *ROWS[2:]]),
        (1, 2): csv_of([["About", SPACED], *ROWS]),
        (1, 5): csv_of([[*ROWS[0], SPACED], *ROWS[1:]]),
        (3, 5): csv_of([[*ROWS[0], "note"], ROWS[1], [*ROWS[2], None, f"see {SPACED}"], *ROWS[3:]]),
        (2, 5): csv_of([[*ROWS[0], "site_name"], [*ROWS[1], None, DIGITS], *ROWS[2:]]),
    }
    for (line, column), content in in_csv.items():
        assert [(fault["line"], fault["column"]) for fault in identifiers(refused(programme, content, CSV))] == [(line, column)]
    body = {**hospice_body(), "note": SPACED}
    assert [fault["pointer"] for fault in identifiers(refused(programme, json_of(body), JSON))] == ["/note"]
    for name in (f'attachment; filename="{DIGITS}.csv"', "attachment; filename*=UTF-8''943%20476%205919.csv"):
        for content, media_type in ((csv_of(ROWS), CSV), (xlsx_of(), XLSX), (json_of(hospice_body()), JSON)):
            (fault,) = identifiers(refused(programme, content, media_type, content_disposition=name))
            assert fault["pointer"] == "/header/Content-Disposition"


def test_none_of_it_was_kept_or_logged(programme: Programme, log: io.StringIO) -> None:
    path, key = f"{address(HOSPICE)}/revisions", programme.preparer("SC-H9901")
    for content, _ in HIDING.values():
        refused(programme, content, XLSX)
    assert programme.web.request("POST", path, key=key, content=xlsx_of(), headers={"Content-Type": XLSX}).status_code == 201
    assert not in_any_table(programme)
    assert log.getvalue().count("request_answered") > len(HIDING)
    assert DIGITS not in "".join(filter(str.isdigit, log.getvalue()))


@pytest.mark.parametrize(
    "row",
    [["note", "41.58333333"], ["note", "16.11.2026"], ["mean_12_months_numerator", 41.5833333333], ["last_month_numerator", 1234567.891]],
)
def test_figures_with_decimals_are_no_identifiers(programme: Programme, row: list[Any]) -> None:
    rows = [[*ROWS[0], row[0]], [*ROWS[1], None, row[1]], *ROWS[2:]]
    path, key = f"{address(HOSPICE)}/revisions?dry_run=true", programme.preparer("SC-H9901")
    for content, media_type in ((csv_of(rows), CSV), (xlsx_of(rows), XLSX)):
        assert programme.web.request("POST", path, key=key, content=content, headers={"Content-Type": media_type}).status_code == 200
