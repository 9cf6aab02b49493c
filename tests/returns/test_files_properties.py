"""The same figures are the same revision in every format, and one thing wrong is called the same in each, at its own place."""

import csv
import io
import zipfile
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from app.kernel.refusals import Fault
from app.returns.columns import CSV, JSON, XLSX
from app.returns.faults import REASONS
from app.returns.workbook import read_workbook
from tests.returns.files import COLUMNS, ROWS, Layout, book_of, csv_of, json_of, judged, part_of, repacked, sheet_of, table_of, xlsx_of
from tests.returns.programme import CWT, MIXED, mixed_body, owed

EXPECTED = owed(MIXED)
TRUST = owed(CWT)
WHOLE = [{**dict.fromkeys(("numerator", "denominator")), **cell} for cell in mixed_body()["cells"]]
CELLS: list[dict[str, Any]] = [
    {name: str(value) if name in {"numerator", "denominator"} else value for name, value in cell.items() if value is not None}
    for cell in WHOLE
]
# What Windows-1252 can write too; a text keeps no blanks around it.
TEXTS = st.text("abcé£ ,;|\"'\n=%", min_size=1, max_size=30).map(str.strip).filter(bool)


@st.composite
def stated(draw: st.DrawFn, cell: dict[str, Any]) -> dict[str, Any]:
    place = {name: code for name, code in cell.items() if name not in {"numerator", "denominator"}}
    kind = draw(st.sampled_from(["value", "value", "value", "explained", "not_collected", "not_applicable"]))
    if kind == "not_collected":
        return {**place, "state": kind, "reason": draw(st.sampled_from(REASONS))}
    if kind == "not_applicable":
        return {**place, "state": kind}
    figures = draw(st.integers(0, 4000))
    denominator = {"denominator": str(figures + draw(st.integers(0, 4000)))} if "denominator" in cell else {}
    said = {"explanation_code": "checked", "explanation": draw(TEXTS)} if kind == "explained" else {}
    halves = ".5" if cell["measure"] == "M-MEAN" and denominator["denominator"] != "0" else ""
    return {**place, "numerator": f"{figures}{halves}", **denominator, **said}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A valid return: every cell, or not all of them and the rest."""
    whole: dict[str, Any] = {"note": draw(TEXTS)} if draw(st.booleans()) else {}
    if draw(st.integers(0, 9)) == 0:
        return {**whole, "nil": True, "reason": "no_service"}
    cells = [draw(stated(cell)) for cell in CELLS]
    if draw(st.booleans()):
        kept = draw(st.integers(0, len(cells)))
        return {**whole, "cells": cells[:kept], "rest": "not_collected", "rest_reason": "other"}
    return {**whole, "cells": cells}


def with_thousands(figure: str) -> str:
    whole, point, rest = figure.partition(".")
    return f"{int(whole):,}{point}{rest}"


HEADERS: list[Callable[[str], str]] = [str, str.upper, lambda name: f" {name.replace('_', ' ').title()} "]
WORDS: list[Callable[[str], str]] = [str, str.upper, lambda word: f"{word.replace('_', ' ')} "]
FIGURES: list[Callable[[str], Any]] = [
    str,
    lambda figure: f" {figure}\xa0",
    lambda figure: figure if "." in figure else f"{figure}.0",
]


@st.composite
def layouts(draw: st.DrawFn, *, thousands: bool = True) -> Layout:
    return Layout(
        columns=draw(st.permutations(COLUMNS)),
        blank_before=draw(st.lists(st.integers(0, 7), max_size=2)),
        header=draw(st.sampled_from(HEADERS)),
        figure=draw(st.sampled_from([*FIGURES, *([with_thousands] if thousands else [])])),
        word=draw(st.sampled_from(WORDS)),
        labels=draw(st.booleans()),
    )


DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    }
    # The writer leaves a line feed bare where lines end otherwise: nobody could tell it from the end of one.
).filter(lambda dialect: dialect["lineterminator"] != "\r" or dialect["quoting"] == csv.QUOTE_ALL)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])


@settings(deadline=None, max_examples=100)
@given(bodies(), st.data())
def test_the_same_figures_as_csv_of_any_dialect_are_the_same_revision(body: dict[str, Any], data: st.DataObject) -> None:
    dialect, encoding = data.draw(DIALECTS), data.draw(ENCODINGS)
    table = table_of(body, data.draw(layouts(thousands=dialect["delimiter"] != ";")))
    content = csv_of(table.rows, **dialect).decode().encode(encoding)
    digest = judged(json_of(body), JSON, EXPECTED)
    assert isinstance(digest, str)
    assert judged(content, CSV, EXPECTED) == digest


@settings(deadline=None, max_examples=60)
@given(bodies(), st.data())
def test_the_same_figures_as_a_workbook_are_the_same_revision(body: dict[str, Any], data: st.DataObject) -> None:
    layout = data.draw(layouts())
    if data.draw(st.booleans()):
        layout.figure = float
    table = table_of(body, layout)
    name = data.draw(st.sampled_from(["Return", "RETURN", "Sheet1"]))
    shared = data.draw(st.booleans())

    def write(book: Any) -> None:
        sheet_of(book, [["Read me"]], "Read me")
        sheet_of(book, table.rows, name)

    digest = judged(json_of(body), JSON, EXPECTED)
    # Written at once, texts stand in the cells; in memory, in a table that all sheets share.
    assert judged(book_of(write, constant_memory=not shared, in_memory=shared), XLSX, EXPECTED) == digest


CELL_VALUES = st.one_of(
    st.none(),
    TEXTS,
    st.text("<>&\u00a0_x0041\u20ac\t", max_size=8),
    st.integers(-(10**9), 10**9),
    st.decimals(0, 10**6, places=3).map(float),
    st.booleans(),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(CELL_VALUES, max_size=5), max_size=6), st.booleans())
def test_another_program_reads_the_same_cells(rows: list[list[Any]], shared: bool) -> None:
    """One sheet read by two readers that share nothing but the file: what one sees, the other must not miss."""
    content = book_of(lambda book: sheet_of(book, rows) and None, constant_memory=not shared, in_memory=shared)
    theirs = {
        (row, column): value.strip() if isinstance(value, str) else value
        for row, values in enumerate(
            CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("Return").to_python(skip_empty_area=False), 1
        )
        for column, value in enumerate(values, 1)
    }
    ours = {
        (row.number, column): float(value) if isinstance(value, Decimal) else value
        for row in read_workbook(content).rows
        for column, value in row.values.items()
    }
    assert ours == {place: value for place, value in theirs.items() if value != ""}


FAULTS = st.one_of(
    st.tuples(st.integers(0, 7), st.just("numerator"), st.sampled_from(["5%", "-1", "many", "12345678", "0.3125001", "1/2", "4_1"])),
    st.tuples(st.integers(0, 7), st.just("denominator"), st.sampled_from(["5%", "-1", "12345678", "n/a"])),
    st.tuples(st.integers(0, 7), st.just("measure"), st.sampled_from(["M-NONE", "M-IMPORT", "M-OTHER"])),
    st.tuples(
        st.integers(0, 7), st.sampled_from(["site", "commissioner", "pathway", "segment", "category"]), st.sampled_from(["lnug", "all"])
    ),
    st.tuples(st.integers(0, 7), st.just("state"), st.sampled_from(["valued", "not_collected", "not_applicable"])),
    st.tuples(st.integers(0, 7), st.just("reason"), st.sampled_from(["no_idea", "other"])),
    st.tuples(st.integers(0, 7), st.just("explanation"), st.just("y" * 501)),
    st.tuples(st.integers(0, 7), st.sampled_from(["leave_out", "repeat"]), st.none()),
    st.tuples(st.none(), st.just("note"), st.just("n" * 2001)),
    st.tuples(st.none(), st.just("rest"), st.just("nought")),
    st.tuples(st.none(), st.just("rest_reason"), st.just("other")),
)


def damaged(at: int | None, member: str, junk: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"cells": deepcopy(CELLS)}
    if at is None:
        body[member] = junk
    elif member == "leave_out":
        del body["cells"][at]
    elif member == "repeat":
        body["cells"].append(body["cells"][at])
    else:
        body["cells"][at][member] = junk
    return body


def named(faults: str | tuple[Fault, ...]) -> set[tuple[Any, ...]]:
    """Each fault by its code and place."""
    assert not isinstance(faults, str)
    places = (
        (fault.pointer,) if fault.pointer is not None else (fault.line or fault.sheet, fault.column or fault.cell) for fault in faults
    )
    return {(fault.code, *place) for fault, place in zip(faults, places, strict=True)}


@settings(deadline=None, max_examples=80)
@given(FAULTS, st.data())
def test_one_thing_wrong_is_called_the_same_in_each_format_at_its_own_place(damage: Any, data: st.DataObject) -> None:
    body = damaged(*damage)
    layout = data.draw(layouts())
    layout.word, layout.figure, layout.labels = str, str, False
    if damage[1] == "leave_out":
        layout.unfilled = [{name: code for name, code in CELLS[damage[0]].items() if name not in {"numerator", "denominator"}}]
    table = table_of(body, layout)
    by_pointer = judged(json_of(body), JSON, EXPECTED)
    if isinstance(by_pointer, str):
        assert judged(csv_of(table.rows), CSV, EXPECTED) == by_pointer
        return
    for sheet, found in (
        (None, judged(csv_of(table.rows), CSV, EXPECTED)),
        ("Return", judged(book_of(lambda book: sheet_of(book, table.rows) and None), XLSX, EXPECTED)),
    ):
        wanted = set()
        for fault in by_pointer:
            _, part, *rest = (fault.pointer or "/").split("/")
            row, column = (table.row_of[int(rest[0])], (rest[1:] or ["measure"])[0]) if rest else (table.header, part)
            if fault.code in {"cell_missing", "stock_by_rest"} and table.unfilled:
                row, column = table.unfilled[0], "numerator"
            elif not rest and part in body and part != "cells":
                row = table.row_of[0]
            elif not rest:
                column = "measure"
            wanted.add((fault.code, *table.place(row, column, sheet=sheet)))
        assert named(found) == wanted


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(TRUST.cells), st.integers(0, 9)), unique_by=lambda line: line[0], min_size=1))
def test_a_form_that_is_filled_in_part_names_each_line_that_is_left(lines: list[tuple[Any, int]]) -> None:
    rows: list[list[Any]] = [[*TRUST.cells[0]._fields, "numerator", "denominator"]]
    filled = dict(lines)
    rows += [[*cell, filled.get(cell), filled.get(cell)] for cell in TRUST.cells]
    left = {row for row, cell in enumerate(TRUST.cells, 2) if cell not in filled}
    found = judged(csv_of(rows), CSV, TRUST)
    assert isinstance(found, str) if not left else named(found) == {("cell_missing", row, 7) for row in left}


BOOK = xlsx_of()
"""Made once: a workbook says when it was made."""
SNIPPETS = [b"<", b"&", b'"', b"\0", b"\xff", b"<c/>", b"<v/>", b"9999999999", b"-1", b"</row>", b't="s"', b' r="A1"', b"../", b"%", b";"]


@settings(deadline=None, max_examples=150)
@given(st.randoms(use_true_random=False), st.sampled_from(["part", "archive", "text"]))
def test_whatever_is_done_to_a_file_it_is_judged_or_refused(random: Any, kind: str) -> None:
    whole = csv_of(ROWS) if kind == "text" else BOOK
    name = random.choice(zipfile.ZipFile(io.BytesIO(whole)).namelist()) if kind == "part" else ""
    content = bytearray(part_of(whole, name) if kind == "part" else whole)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(content))
        content[at : at + random.randrange(3)] = bytes([random.randrange(256)]) if kind == "archive" else random.choice(SNIPPETS)
    sent = repacked(whole, {name: bytes(content)}) if kind == "part" else bytes(content)
    judged(sent, CSV if kind == "text" else XLSX, EXPECTED)
