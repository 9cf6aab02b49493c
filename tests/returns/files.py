"""Files of returns for tests: written by code in each format, and taken apart to be made wrong."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.kernel.refusals import Fault
from app.returns.columns import CELL_COLUMNS, JSON, RETURN_COLUMNS
from app.returns.expectation import ExpectedReturn
from app.returns.formats import read_sent
from app.returns.intake import ReturnInvalid, read_submission
from app.returns.submission import digest
from app.returns.tables import letters
from app.web.intake import parse

ROWS: list[list[Any]] = [
    ["measure", "category", "numerator", "denominator"],
    ["HOSP-WAIT", "0-1", 15],
    ["HOSP-WAIT", "2-3", 0],
    ["HOSP-WAIT", "4-up", 0],
    ["E-BEDOCC", None, 214, 300],
]
"""A hospice's month as a table, whole and without a rest."""


def csv_of(rows: Iterable[Iterable[Any]], **dialect: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, **dialect).writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue().encode()


def book_of(write: Callable[[xlsxwriter.Workbook], None], **options: Any) -> bytes:
    """A workbook that a function wrote."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, options)
    write(book)
    book.close()
    return content.getvalue()


def sheet_of(book: xlsxwriter.Workbook, rows: Sequence[Sequence[Any]], name: str = "Return", *, first: int = 0) -> Worksheet:
    """A sheet with these rows, every text as a text and every number as a number."""
    sheet: Worksheet = book.add_worksheet(name)
    for number, row in enumerate(rows, first):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write(number, column, value)
    return sheet


def xlsx_of(rows: Sequence[Sequence[Any]] = ROWS, name: str = "Return") -> bytes:
    return book_of(lambda book: sheet_of(book, rows, name) and None)


def repacked(content: bytes, changes: Mapping[str, bytes | None], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook with parts replaced, added, or (None) left out."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w", method) as after:
        for name in before.namelist():
            if name not in changes:
                after.writestr(name, before.read(name))
        for name, part in changes.items():
            if part is not None:
                after.writestr(name, part)
    return made.getvalue()


def part_of(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


def edited(content: bytes, part: str, before: str, after: str) -> bytes:
    """A workbook with one thing in one part written otherwise."""
    text = part_of(content, part).decode()
    assert before in text, text[:2000]
    return repacked(content, {part: text.replace(before, after, 1).encode()})


@dataclass
class Layout:
    """How a body is written as a table."""

    columns: list[str]
    blank_before: list[int]
    """Before which of the cells a blank row stands."""
    header: Callable[[str], str] = str
    figure: Callable[[str], Any] = str
    word: Callable[[str], str] = str
    labels: bool = False
    unfilled: list[dict[str, str]] = field(default_factory=list)
    """Places printed at the end of which nothing is stated."""


@dataclass
class Written:
    """A table, and where what it states stands."""

    rows: list[list[Any]]
    columns: list[str]
    header: int
    row_of: list[int]
    unfilled: list[int]

    def place(self, row: int, column: str, *, sheet: str | None) -> tuple[Any, ...]:
        """Line and column, or sheet and cell, of a row's column; of one that is not there, of the measure."""
        at = self.columns.index(column if column in self.columns else "measure") + 1
        return (row, at) if sheet is None else (sheet, f"{letters(at)}{row}")


_LABELS = {"rest": "Rest", "rest_reason": "Rest reason", "note": "Note"}


def table_of(body: Mapping[str, Any], layout: Layout) -> Written:
    """What a body states, as rows."""
    whole = {("nil_reason" if name == "reason" else name): value for name, value in body.items() if name != "cells"}
    if whole.get("nil") is True:
        whole["nil"] = layout.word("yes")
    rows: list[list[Any]] = []
    if layout.labels and whole.keys() <= _LABELS.keys():
        rows += [[_LABELS[name], layout.word(value) if name != "note" else value] for name, value in whole.items()]
        whole = {}
    rows.append([layout.header(name) for name in layout.columns])
    header, row_of = len(rows), []

    def written(name: str, value: Any) -> Any:
        if name in {"numerator", "denominator"} and isinstance(value, str):
            return layout.figure(value)
        return layout.word(value) if name in {"state", "reason", "rest", "rest_reason", "nil_reason"} else value

    def add(line: Mapping[str, Any]) -> int:
        rows.append([None if line.get(name) is None else written(name, line[name]) for name in layout.columns])
        return len(rows)

    for position, cell in enumerate(body.get("cells", [])):
        if position in layout.blank_before:
            rows.append([])
        row_of.append(add({**cell, **whole}))
        whole = {}
    if whole:
        add(whole)
    unfilled = [add(places) for places in layout.unfilled]
    return Written(rows, layout.columns, header, row_of, unfilled)


COLUMNS = (*CELL_COLUMNS, *RETURN_COLUMNS)


def json_of(body: Any) -> bytes:
    return json.dumps(body).encode()


def judged(content: bytes, media_type: str, expected: ExpectedReturn) -> str | tuple[Fault, ...]:
    """The digest of what a file states, or everything that is wrong with it."""
    try:
        stated = read_sent(parse(content) if media_type == JSON else None, content, media_type=media_type, file_name=None)
        with stated.located(expected):
            submission = read_submission(stated.body, expected)
    except ReturnInvalid as refused:
        return refused.faults
    return digest(submission)
