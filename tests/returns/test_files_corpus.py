"""Broken and hostile files and bodies: each has its answer, repeats nothing that was sent, and leaves nothing behind."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
import xlsxwriter

from app.returns.columns import CSV, JSON, XLSX
from app.returns.csv_file import LONGEST_TEXT, MOST_COLUMNS, MOST_FIELDS, MOST_ROWS, read_csv
from app.returns.intake import ReturnInvalid
from app.returns.workbook import LONGEST_FORMULA, MOST_CHARACTERS
from app.returns.workbook_safety import DEEPEST, MOST_PARTS
from tests.returns.conftest import Programme, set_up
from tests.returns.files import ROWS, book_of, csv_of, edited, json_of, part_of, repacked, sheet_of, xlsx_of
from tests.returns.programme import HOSPICE, address, hospice_body
from tests.support.databases import Database

CANARY = "Qzvxanary"
"""A word that no answer repeats."""

Case = tuple[str, bytes, int, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def programme(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        assert programme.web.post(f"{address(HOSPICE)}/revisions", hospice_body(), key=programme.preparer("SC-H9901")).status_code == 201
        before = programme.rows()
        yield programme
        # Not one of all these left a row.
        assert programme.rows() == before


def replaced(row: int, *values: Any) -> list[list[Any]]:
    """The hospice's month with one row written otherwise."""
    return [list(values) if number == row else line for number, line in enumerate(ROWS)]


def as_csv(row: int, *values: Any, **dialect: Any) -> bytes:
    return csv_of(replaced(row, *values), **dialect)


def as_xlsx(row: int, *values: Any) -> bytes:
    return xlsx_of(replaced(row, *values))


def with_cell(at: str, value: Any, number_format: str | None = None) -> bytes:
    """A workbook of the hospice's month with one cell written otherwise."""

    def write(book: xlsxwriter.Workbook) -> None:
        sheet = sheet_of(book, ROWS)
        sheet.write(at, value, book.add_format({"num_format": number_format} if number_format else {}))

    return book_of(write)


def with_formula(formula: str, value: Any = 1) -> bytes:
    return book_of(lambda book: sheet_of(book, ROWS).write_formula("C2", formula, None, value) and None)


SHEET, CELL = "xl/worksheets/sheet1.xml", '<c r="C2"><v>15</v></c>'
ZIP = xlsx_of()
TYPES = "[Content_Types].xml"


def in_cell(xml: str) -> bytes:
    """The hospice's month with the XML of one cell written by hand."""
    return edited(ZIP, SHEET, CELL, xml)


def with_part(name: str, content: bytes = b"<x/>") -> bytes:
    return repacked(ZIP, {name: content})


def with_declaration(declaration: str) -> bytes:
    sheet = part_of(ZIP, SHEET).decode()
    head, _, rest = sheet.partition("?>")
    return repacked(ZIP, {SHEET: f"{head}?>{declaration}{rest}".replace(CELL, '<c r="C2"><v>&a;</v></c>').encode()})


def with_relation(kind: str, *, mode: str = "External") -> bytes:
    relation = f'<Relationship Id="rId99" Type="http://x/{kind}" Target="file:///{CANARY}" TargetMode="{mode}"/></Relationships>'
    return edited(ZIP, "xl/_rels/workbook.xml.rels", "</Relationships>", relation)


def with_duplicate() -> bytes:
    made = io.BytesIO(ZIP)
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SHEET, part_of(ZIP, SHEET))
    return made.getvalue()


def encrypted() -> bytes:
    """The flag of encryption on every entry, as archivers set it."""
    content = bytearray(ZIP)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


def archive_of(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return made.getvalue()


def typed(kind: str) -> bytes:
    return edited(ZIP, TYPES, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", kind)


def two_sheets(*names: str) -> bytes:
    def write(book: xlsxwriter.Workbook) -> None:
        for name in names:
            sheet_of(book, ROWS, name)

    return book_of(write)


def echoed() -> bytes:
    """One long text, stored once, in so many cells that they show more than a workbook may."""
    return with_hidden([["x " * (LONGEST_TEXT // 2)] * 100] * (MOST_CHARACTERS // LONGEST_TEXT // 100 + 1))


def with_hidden(rows: list[list[Any]]) -> bytes:
    def write(book: xlsxwriter.Workbook) -> None:
        sheet_of(book, ROWS)
        sheet_of(book, rows, "x").hide()

    return book_of(write)


IDENTIFIERS: list[tuple[Any, ...]] = [("patient_identifier", line, 1) for line in range(len(ROWS) + 1, len(ROWS) + 1001)]
BODIES: dict[str, Case] = {
    "no JSON": (JSON, b'{"cells": [' + CANARY.encode(), 400, [("syntax", 1, 12)]),
    "a member twice": (JSON, b'{"cells": [], "cells": []}', 400, [("duplicate_member", "/cells")]),
    "not a number": (JSON, b'{"cells": [{"numerator": NaN}]}', 400, [("not_a_number", "/cells/0/numerator")]),
    "a number of fifty digits": (JSON, b'{"cells": [{"numerator": ' + b"7" * 50 + b"}]}", 400, [("number_too_long", "/cells/0/numerator")]),
    "JSON with a byte order mark": (JSON, b"\xef\xbb\xbf{}", 400, [("byte_order_mark", 1, 1)]),
    "JSON in Latin-1": (JSON, b'{"note": "\xe9"}', 400, [("not_utf8", 1, 11)]),
    "JSON a thousand deep": (JSON, b"[" * 1000 + b"]" * 1000, 400, [("too_deep", "")]),
    "a lone surrogate": (JSON, rb'{"note": "\ud800"}', 400, [("lone_surrogate", "/note")]),
    "no JSON at all": (JSON, b"", 400, [("empty", "")]),
    "an array": (JSON, b"[]", 422, [("wrong_type", "")]),
    "true for a number": (JSON, json_of({**hospice_body(), "rest": True}), 422, [("wrong_type", "/rest")]),
    "a file of another type": ("text/plain", csv_of(ROWS), 415, []),
    "a file of no type": ("", csv_of(ROWS), 415, []),
    "a character set that nobody knows": (f"{CSV}; charset=ebcdic", csv_of(ROWS), 415, []),
    "more than a body may be": (CSV, b"x" * 17_000_000, 413, []),
}
TABLES: dict[str, Case] = {
    "nothing": (CSV, b"", 422, [("file_empty",)]),
    "blanks": (CSV, b"\xef\xbb\xbf \r\n\r\n", 422, [("file_empty",)]),
    "names and nothing below": (CSV, csv_of(ROWS[:1]), 422, [("cell_missing", 1, 1)] * 4),
    "no names": (CSV, csv_of(ROWS[1:]), 422, [("header_missing", 1, 1)]),
    "prose": (CSV, f"Dear all, {CANARY}".encode(), 422, [("header_missing", 1, 1)]),
    "names that come too late": (CSV, b"-\r\n" * 30 + csv_of(ROWS), 422, [("header_missing", 1, 1)]),
    "no column of measures": (CSV, csv_of([["site", "numerator"], ["lung", 3]]), 422, [("column_missing", 1, 3)]),
    "a column twice": (CSV, as_csv(0, "measure", "category", "Measure ", "numerator"), 422, [("column_twice", 1, 3)]),
    "a column that is none": (CSV, as_csv(0, *ROWS[0], CANARY), 422, [("unknown_column", 1, 5)]),
    "a column of ratios": (CSV, as_csv(0, *ROWS[0], "Performance"), 422, [("ratio_not_accepted", 1, 5)]),
    "a column of percentages": (CSV, as_csv(0, *ROWS[0], f"{CANARY} %"), 422, [("ratio_not_accepted", 1, 5)]),
    "a column without a name": (CSV, as_csv(2, *ROWS[2], None, CANARY), 422, [("column_without_name", 3, 5)]),
    "a list of patients": (
        CSV,
        csv_of([["NHS No", "Name", "DOB"], ["1", CANARY, "2"]]),
        422,
        [("patient_columns", 1, at) for at in (1, 3)],
    ),
    "a column of birthdays": (CSV, as_csv(0, *ROWS[0], "Date of birth"), 422, [("patient_columns", 1, 5)]),
    "names and postcodes": (CSV, as_csv(0, *ROWS[0], "Name", "Postcode"), 422, [("patient_columns", 1, 5), ("patient_columns", 1, 6)]),
    "a quote that never ends": (CSV, csv_of(ROWS) + b'"' + CANARY.encode(), 422, [("csv_syntax", 6, 1)]),
    "text behind a quote": (CSV, csv_of(ROWS[:2]) + b'"E"-BEDOCC,,1,2\r\n', 422, [("csv_syntax", 3, 1)]),
    "NUL": (CSV, csv_of(ROWS) + b"a\0b", 422, [("file_not_text",)]),
    "bytes that are no text": (CSV, b"measure,numerator\r\n\x81\x8d", 422, [("file_not_text",)]),
    "a workbook said to be CSV": (CSV, ZIP, 422, [("file_not_text",)]),
    "an old workbook said to be CSV": (CSV, b"\xd0\xcf\x11\xe0" + b" " * 600, 422, [("file_not_text",)]),
    "UTF-16 cut in half": (CSV, csv_of(ROWS).decode().encode("utf-16")[:-1], 422, [("file_not_text",)]),
    "Latin-1 said to be UTF-8": (f"{CSV}; charset=utf-8", b"measure,numerator\r\n\xe9", 422, [("file_not_text",)]),
    "too many columns": (CSV, b"a" + b"," * MOST_COLUMNS, 422, [("file_too_large", 1, 201)]),
    "a record of ever so many columns": (CSV, b"," * 300_000 + b"a\r\n", 422, [("file_too_large", 1, MOST_COLUMNS + 1)]),
    "an identifier in each of ever so many rows": (CSV, csv_of(ROWS) + b"9434765919\r\n" * 1500, 422, [("more",), *IDENTIFIERS]),
    "too many fields": (
        CSV,
        csv_of(ROWS[:1]) + (b"1" + b",1" * 19 + b"\r\n") * (MOST_FIELDS // 20),
        422,
        [("file_too_large", MOST_FIELDS // 20 + 1, 1)],
    ),
    "too many rows": (CSV, csv_of(ROWS) + b"x\r\n" * MOST_ROWS, 422, [("file_too_large",)]),
    "a field without end": (CSV, csv_of(ROWS) + b"x" * 200_000, 422, [("csv_syntax", 6, 1)]),
    "a long text": (CSV, as_csv(0, *ROWS[0], "note") + b",,,," + b"n" * 32_768, 422, [("text_too_long", 6, 5), ("too_long", 6, 5)]),
    "a percentage": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "41%"), 422, [("percentage", 2, 3)]),
    "a word for a figure": (CSV, as_csv(1, "HOSP-WAIT", "0-1", CANARY), 422, [("not_a_number", 2, 3)]),
    "a formula": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "=1+1"), 422, [("not_a_number", 2, 3)]),
    "true": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "TRUE"), 422, [("not_a_number", 2, 3)]),
    "no finite number": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "Infinity"), 422, [("not_a_number", 2, 3)]),
    "an underscore": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "1_000"), 422, [("not_a_number", 2, 3)]),
    "digits of another script": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "\u0664\u0661"), 422, [("not_a_number", 2, 3)]),
    "commas that group nothing": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "1,23"), 422, [("not_a_number", 2, 3)]),
    "a comma that may be a point": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "1,234", delimiter=";"), 422, [("not_a_number", 2, 3)]),
    "below zero": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "-1"), 422, [("negative", 2, 3)]),
    "half a patient": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "0.5"), 422, [("numeric_kind", 2, 3)]),
    "an exponent": (CSV, as_csv(1, "HOSP-WAIT", "0-1", "1.5E+01"), 422, [("digits_lost", 2, 3)]),
    "a date for a code": (CSV, as_csv(2, "HOSP-WAIT", "02-Mar", "0"), 422, [("date_not_expected", 3, 2), ("cell_missing", 1, 1)]),
    "a code that is no date": (CSV, as_csv(2, "CWT-99", "2-3", "0"), 422, [("unknown_measure", 3, 1), ("cell_missing", 1, 1)]),
    "a band that is none": (CSV, as_csv(2, "HOSP-WAIT", "5-6", "0"), 422, [("unknown_category", 3, 2), ("cell_missing", 1, 1)]),
    "a code that is none": (CSV, as_csv(2, "HOSP-WAIT", CANARY, "0"), 422, [("unknown_category", 3, 2), ("cell_missing", 1, 1)]),
    "a row twice": (CSV, csv_of([*ROWS, ROWS[1]]), 422, [("duplicate_cell", 6, 1)]),
    "a row of totals": (CSV, csv_of([*ROWS, ["Total", None, 229, 300]]), 422, [("unknown_measure", 6, 1)]),
    "a line left out": (CSV, as_csv(2, "HOSP-WAIT", "2-3"), 422, [("cell_missing", 3, 3)]),
    "a total under the table": (CSV, csv_of([*ROWS, [None, None, 229]]), 422, [("missing", len(ROWS) + 1, 1)]),
    "two notes": (
        CSV,
        csv_of([[*ROWS[0], "note"], [*ROWS[1], None, "one"], [*ROWS[2], None, "two"], *ROWS[3:]]),
        422,
        [("stated_twice", 3, 5)],
    ),
    "nil beside figures": (
        CSV,
        csv_of([[*ROWS[0], "nil", "nil_reason"], [*ROWS[1], None, "yes", "no_service"]]),
        422,
        [("nil_with_cells", 2, 1)],
    ),
    "nil that is neither": (CSV, csv_of([["nil"], [CANARY]]), 422, [*[("cell_missing", 1, 1)] * 4, ("wrong_type", 2, 1)]),
    "a rest that is none": (CSV, csv_of([[*ROWS[0], "rest"], [*ROWS[1], None, CANARY], *ROWS[2:]]), 422, [("not_one_of", 2, 5)]),
    "a label that is neither": (CSV, csv_of([["All others are zero", CANARY], *ROWS]), 422, [("not_one_of", 1, 2)]),
    "what is not counted without why": (
        CSV,
        csv_of([[*ROWS[0], "state"], [*ROWS[1][:2], None, None, "not_collected"], *ROWS[2:]]),
        422,
        [("reason_missing", 2, 1)],
    ),
}
WORKBOOKS: dict[str, Case] = {
    "no bytes": (XLSX, b"", 422, [("file_empty",)]),
    "CSV said to be a workbook": (XLSX, csv_of(ROWS), 422, [("file_not_xlsx",)]),
    "a workbook of the old kind, or with a password": (XLSX, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, 422, [("file_encrypted",)]),
    "half a workbook": (XLSX, ZIP[: len(ZIP) // 2], 422, [("file_broken",)]),
    "a part with other bytes": (
        XLSX,
        ZIP.replace(b"PK\x03\x04", b"PK\x03\x05", 3).replace(b"PK\x03\x05", b"PK\x03\x04", 1),
        422,
        [("file_broken",)],
    ),
    "XML that stops": (XLSX, edited(ZIP, SHEET, "</sheetData>", ""), 422, [("file_broken",)]),
    "a document of another program": (XLSX, archive_of(TYPES, "word/document.xml"), 422, [("file_not_xlsx",)]),
    "an open document": (XLSX, archive_of("mimetype", "content.xml"), 422, [("file_not_xlsx",)]),
    "an archive": (XLSX, archive_of(f"{CANARY}.csv"), 422, [("file_not_xlsx",)]),
    "a binary workbook": (XLSX, typed("application/vnd.ms-excel.sheet.binary.macroEnabled.main"), 422, [("file_not_xlsx",)]),
    "a workbook for macros": (XLSX, typed("application/vnd.ms-excel.sheet.macroEnabled.main+xml"), 422, [("file_macros",)]),
    "macros": (XLSX, with_part("xl/vbaProject.bin", CANARY.encode()), 422, [("file_macros",)]),
    "macros of the old kind": (XLSX, with_part("xl/macrosheets/sheet1.xml"), 422, [("file_macros",)]),
    "a link to another workbook": (XLSX, with_part("xl/externalLinks/externalLink1.xml"), 422, [("file_external_links",)]),
    "a relation to another file": (XLSX, with_relation("image"), 422, [("file_external_links",)]),
    "a link that is called otherwise": (XLSX, with_relation("externalLink", mode="Internal"), 422, [("file_external_links",)]),
    "a connection": (XLSX, with_part("xl/connections.xml"), 422, [("file_external_links",)]),
    "DDE": (XLSX, with_formula("=cmd|'/c calc'!A1"), 422, [("file_external_links", "Return", "C2")]),
    "a formula that asks the web": (XLSX, with_formula('=_xlfn.WEBSERVICE("http://x/")'), 422, [("file_external_links", "Return", "C2")]),
    "an embedded document": (XLSX, with_part("xl/embeddings/oleObject1.bin"), 422, [("file_embedded",)]),
    "a control": (XLSX, with_part("xl/activeX/activeX1.xml"), 422, [("file_embedded",)]),
    "a part of no known kind": (XLSX, with_part("xl/model/item.data"), 422, [("file_embedded",)]),
    "a picture": (XLSX, with_part("xl/media/image1.png"), 422, [("file_pictures",)]),
    "macros, links and a picture": (
        XLSX,
        repacked(ZIP, {"xl/vbaProject.bin": b"", "xl/connections.xml": b"<x/>", "docProps/thumbnail.emf": b""}),
        422,
        [("file_external_links",), ("file_macros",), ("file_pictures",)],
    ),
    "a password on the archive": (XLSX, encrypted(), 422, [("file_encrypted",)]),
    "a bomb": (XLSX, with_part("xl/theme/theme1.xml", b" " * 40_000_000), 422, [("file_too_large",)]),
    "ever deeper": (XLSX, with_part("customXml/item1.xml", b"<a>" * (DEEPEST + 1) + b"</a>" * (DEEPEST + 1)), 422, [("file_broken",)]),
    "a long formula": (
        XLSX,
        in_cell(f'<c r="C2"><f>{"A" * (LONGEST_FORMULA + 1)}</f><v>15</v></c>'),
        422,
        [("text_too_long", "Return", "C2")],
    ),
    "one text in ever so many cells": (XLSX, echoed(), 422, [("file_too_large", "x", "K7")]),
    "a cell in a cell": (XLSX, in_cell('<c r="C2"><is><t>x</t></is><c r="D2"><v>15</v></c></c>'), 422, [("file_broken",)]),
    "two values in a cell": (XLSX, in_cell('<c r="C2"><v>1</v><v>5</v></c>'), 422, [("file_broken",)]),
    "many parts": (XLSX, repacked(ZIP, {f"customXml/{number}.xml": b"" for number in range(MOST_PARTS)}), 422, [("file_too_large",)]),
    "entities within entities": (
        XLSX,
        with_declaration('<!DOCTYPE x [<!ENTITY a "1"><!ENTITY b "&a;&a;">]>'),
        422,
        [("file_declarations",)],
    ),
    "an entity from elsewhere": (
        XLSX,
        with_declaration('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        422,
        [("file_declarations",)],
    ),
    "a part twice": (XLSX, with_duplicate(), 422, [("file_broken",)]),
    "a part outside": (XLSX, with_part(f"../{CANARY}.xml"), 422, [("file_broken",)]),
    "no sheet of that name": (XLSX, xlsx_of([["Read me", CANARY]], "Read me"), 422, [("sheet_missing",)]),
    "two sheets that may be it": (XLSX, two_sheets("October", "November"), 422, [("sheet_missing",)]),
    "fifty-one sheets": (XLSX, two_sheets(*[f"S{number}" for number in range(51)]), 422, [("file_too_large",)]),
    "a hidden list of patients": (
        XLSX,
        with_hidden([["NHS number"], [CANARY]]),
        422,
        [("patient_columns", "x", "A1")],
    ),
    "a sheet of hostile name": (
        XLSX,
        xlsx_of(replaced(1, "HOSP-WAIT", "0-1", "x"), f"<{CANARY}>"),
        422,
        [("not_a_number", "sheet 1", "C2")],
    ),
    "a cell shown as percent": (XLSX, with_cell("C2", 0.5, "0%"), 422, [("percentage", "Return", "C2")]),
    "a percent format of one's own": (XLSX, with_cell("C2", 15, '[Red]0.0" of "%'), 422, [("percentage", "Return", "C2")]),
    "a percentage as text": (XLSX, as_xlsx(1, "HOSP-WAIT", "0-1", "41 %"), 422, [("percentage", "Return", "C2")]),
    "an error": (XLSX, with_formula("=1/0", "#DIV/0!"), 422, [("error_value", "Return", "C2")]),
    "a formula without a result": (XLSX, in_cell('<c r="C2"><f>1+1</f></c>'), 422, [("formula_without_value", "Return", "C2")]),
    "a date for a figure": (
        XLSX,
        with_cell("C2", datetime(2026, 10, 31, tzinfo=UTC).replace(tzinfo=None), "dd/mm/yyyy"),
        422,
        [("date_not_expected", "Return", "C2")],
    ),
    "a date for a band": (
        XLSX,
        with_cell("B3", date(2026, 3, 2), "d-mmm"),
        422,
        [("date_not_expected", "Return", "B3"), ("cell_missing", "Return", "A1")],
    ),
    "true in a cell": (XLSX, with_cell("C2", True), 422, [("not_a_number", "Return", "C2")]),
    "a sum of tenths": (XLSX, with_cell("C2", 0.1 + 0.2), 422, [("numeric_kind", "Return", "C2")]),
    "a number beyond all": (XLSX, with_cell("C2", 1e300), 422, [("too_large", "Return", "C2")]),
    "a huge code": (XLSX, with_cell("B3", 1e300), 422, [("cell_missing", "Return", "A1"), ("too_long", "Return", "B3")]),
    "ten digits": (XLSX, with_cell("C2", 9434765919), 422, [("patient_identifier", "Return", "C2"), ("too_large", "Return", "C2")]),
    "a text that is not there": (XLSX, in_cell('<c r="C2" t="s"><v>9999</v></c>'), 422, [("file_broken",)]),
    "no number": (XLSX, in_cell(f'<c r="C2"><v>{CANARY}</v></c>'), 422, [("file_broken",)]),
    "no finite number in a cell": (XLSX, in_cell('<c r="C2"><v>INF</v></c>'), 422, [("file_broken",)]),
    "a style that is not there": (XLSX, in_cell('<c r="C2" s="x"><v>1</v></c>'), 422, [("file_broken",)]),
    "a kind of cell that is none": (XLSX, in_cell('<c r="C2" t="zz"><v>1</v></c>'), 422, [("file_broken",)]),
    "a cell in another row": (XLSX, in_cell('<c r="C3"><v>1</v></c>'), 422, [("file_broken",)]),
    "a cell twice": (XLSX, in_cell(CELL + CELL), 422, [("file_broken",)]),
    "a cell at no place": (XLSX, in_cell('<c r="C0"><v>1</v></c>'), 422, [("file_broken",)]),
    "a cell far out": (XLSX, with_cell("ZZ9", "x"), 422, [("file_too_large", "Return", "ZZ9")]),
    "rows out of order": (XLSX, edited(ZIP, SHEET, '<row r="3"', '<row r="2"'), 422, [("file_broken",)]),
    "a sheet without its part": (XLSX, repacked(ZIP, {SHEET: None}), 422, [("file_broken",)]),
    "no relations": (XLSX, repacked(ZIP, {"_rels/.rels": None}), 422, [("file_broken",)]),
    "another encoding than it says": (XLSX, edited(ZIP, SHEET, "UTF-8", "UTF-16"), 422, [("file_broken",)]),
    "an encoding that nobody knows": (XLSX, edited(ZIP, SHEET, "UTF-8", CANARY), 422, [("file_broken",)]),
}
CORPUS = {**BODIES, **TABLES, **WORKBOOKS}


def told(answer: httpx.Response) -> list[tuple[Any, ...]]:
    """Each fault by its code and place."""
    places = ("pointer", "line", "column", "sheet", "cell")
    return sorted((fault["code"], *(fault[place] for place in places if place in fault)) for fault in answer.json()["errors"])


def test_a_record_of_ever_so_many_columns_is_held_once() -> None:
    content = b"," * 1_000_000 + b"a\r\n"
    tracemalloc.start()
    with pytest.raises(ReturnInvalid):
        read_csv(content)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A list of its fields and its text, and no more.
    assert most < 32 * len(content)


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) == len(BODIES) + len(TABLES) + len(WORKBOOKS) >= 100


@pytest.mark.parametrize("name", CORPUS)
def test_what_is_broken_or_hostile_has_its_answer(programme: Programme, name: str) -> None:
    media_type, content, status, faults = CORPUS[name]
    headers = {"Content-Type": media_type}
    path = f"{address(HOSPICE)}/revisions"
    answer = programme.web.request("POST", path, key=programme.preparer("SC-H9901"), content=content, headers=headers)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, told(answer)) == (status, sorted(faults))
    assert CANARY.lower() not in answer.text.lower()
    assert all(fault["fix"] and fault["detail"] for fault in answer.json()["errors"])


@pytest.mark.parametrize("line", [b"9434765919", b"HOSP-WAIT,0-1,1e3,"])
def test_faults_beyond_those_that_are_named_are_counted_once(programme: Programme, line: bytes) -> None:
    content = csv_of(ROWS) + (line + b"\r\n") * 1500
    path = f"{address(HOSPICE)}/revisions"
    answer = programme.web.request("POST", path, key=programme.preparer("SC-H9901"), content=content, headers={"Content-Type": CSV})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The return has 1500 faults ")
    *named, more = answer.json()["errors"]
    assert len(named) == 1000
    assert more["detail"] == "There are 500 more faults."
