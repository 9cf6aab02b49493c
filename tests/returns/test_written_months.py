"""A month that a spreadsheet has made a date of is still that month; what may be two months is none."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter

from app.kernel.months import Month
from app.returns.backfill import entries_of_csv
from app.returns.columns import CSV, XLSX
from app.returns.written_months import day_of, month_written
from tests.returns.files import ROWS, book_of, csv_of, edited, judged, sheet_of, xlsx_of
from tests.returns.programme import HOSPICE, owed

EXPECTED = owed(HOSPICE)
OCTOBER = Month.parse("2026-10")


def with_month(said: Any) -> Sequence[Sequence[Any]]:
    """The hospice's month, each row saying which it is."""
    return [[*ROWS[0], "month"], *([*row, *[None] * (4 - len(row)), said] for row in ROWS[1:])]


def codes(judgement: Any) -> list[str]:
    return [] if isinstance(judgement, str) else [fault.code for fault in judgement]


@pytest.mark.parametrize(
    "text",
    ["2026-10", "2026-10-01", "2026-10-31", "2026-10-31 00:00:00", "2026-10-31T00:00:00.000Z", "Oct-26", "October 2026", "31-oct-26"],
)
def test_a_month_is_written_in_any_way_that_means_but_one(text: str) -> None:
    assert month_written(text) == OCTOBER
    assert judged(csv_of(with_month(text)), CSV, EXPECTED) == judged(csv_of(ROWS), CSV, EXPECTED)


@pytest.mark.parametrize(
    "text", ["10/11/2026", "2026-13", "2026", "26-Oct", "Okt-26", "octo 2026", "Oct-126", "0000-01-01", "2026-10-99", "0-Oct-26"]
)
def test_what_names_no_month_or_may_be_two_is_none(text: str) -> None:
    assert month_written(text) is None
    assert codes(judged(csv_of(with_month(text)), CSV, EXPECTED)) == ["other_return"] * 4


@pytest.mark.parametrize("from_1904", [False, True])
def test_a_date_of_a_workbook_says_its_month_and_is_no_code_or_count(from_1904: bool) -> None:
    def form(book: xlsxwriter.Workbook, month: date, value: date | int) -> None:
        sheet = sheet_of(book, [["Month"], *ROWS])
        dated = book.add_format({"num_format": "mmm-yy"})
        sheet.write("B1", month, dated)
        sheet.write("C3", value, None if isinstance(value, int) else dated)

    made = [
        book_of(lambda book, of=of: form(book, *of), date_1904=from_1904)  # type: ignore[misc]  # `of` is bound in this turn of the loop; mypy infers no lambda with a default
        for of in ((date(2026, 10, 31), 15), (date(2026, 11, 1), 15), (date(2026, 10, 1), date(2026, 10, 1)))
    ]
    assert judged(made[0], XLSX, EXPECTED) == judged(xlsx_of(), XLSX, EXPECTED)
    assert [codes(judged(each, XLSX, EXPECTED)) for each in made[1:]] == [["other_return"], ["date_not_expected"]]
    in_words = edited(
        xlsx_of([["Month", "x"], *ROWS]), "xl/worksheets/sheet1.xml", '<c r="B1" t="s"><v>1</v>', '<c r="B1" t="d"><v>2026-10-31</v>'
    )
    assert judged(in_words, XLSX, EXPECTED) == judged(xlsx_of(), XLSX, EXPECTED)


def test_no_day_is_kept_beyond_what_spreadsheets_keep() -> None:
    days = [day_of(Decimal(serial), from_1904=False) for serial in ("-1", "0.5", "60", "61", "1E+300")]
    assert days == ["", "", "", "1900-03-01", ""]


def test_rows_of_one_return_belong_together_whichever_way_their_month_is_written() -> None:
    rows = [
        "collection,subcontract,month,measure,numerator",
        "hospice,SC-1,2026-10,A,1",
        "hospice,SC-1,Oct-26,B,2",
        "hospice,SC-1,Nov-26,A,1",
    ]
    entries = list(entries_of_csv([f"{row}\n".encode() for row in rows]))
    assert [entry.read()[0].month for entry in entries] == [OCTOBER, OCTOBER.plus(1)]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        # The column of codes is gone, or the whole row of names: `Note` above them is a label, not a name.
        ([["Note"], ["category", "numerator", "denominator"], *[row[1:] for row in ROWS[1:]]], ("column_missing", "D2")),
        ([["Note"], *ROWS[1:]], ("header_missing", "A1")),
    ],
)
def test_a_label_is_not_taken_for_the_row_of_names(rows: list[list[Any]], fault: tuple[str, str]) -> None:
    found = judged(xlsx_of(rows), XLSX, EXPECTED)
    assert [(each.code, each.cell) for each in found if not isinstance(each, str)] == [fault]
