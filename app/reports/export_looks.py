"""How an exported workbook looks: colours, formats of cells by what stands in them, and the marks beside a figure."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from math import ceil
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from app.reports.row_words import Row, is_percent, places_for
from app.returns.template import tame

DARK: Final = "#1F3864"
GREY: Final = "#7F7F7F"
LINE: Final = "#BFBFBF"
AMBER: Final = "#FFE699"
GREEN: Final = "#C6E0B4"
RED: Final = "#F4B6B6"
GOOD: Final = "#1F77B4"
BAD: Final = "#E6550D"
TARGET: Final = "#C00000"
"""Blue is for the better and orange for the worse, as in NHS England's charts: they are told apart without red and green."""

MARKS: Final = {
    "p": "provisional: may still change",
    "i": "incomplete: too little is in, so it is not judged",
    "w": "withheld or rounded, so that nobody can be recognised",
    "n": "from a national publication",
}
_COLOURS: Final = {"green": GREEN, "amber": AMBER, "red": RED}
_LINE_POINTS: Final = 15
_LONGEST: Final = 32_767
"""A cell takes no more letters."""


def marks_of(row: Row) -> str:
    """The letters beside a row's figure."""
    said = {
        "p": row["status"] == "provisional",
        "i": row["coverage_test"] in {"incomplete", "unknown"},
        "w": row["suppression"] is not None,
        "n": row["source"] == "import",
    }
    return " ".join(mark for mark, stands in said.items() if stands)


def number_format(row: Row, figure: Decimal | int | None, *beside: Decimal | None) -> str:
    """The format of a figure in its row's unit, with as many decimals as keep it apart from what it is shown beside."""
    if is_percent(row):
        places = places_for(row, *beside) if row["value"] is not None else 1
        return f"0.{'0' * places}%"
    return count_format(figure)


def count_format(figure: Decimal | int | None) -> str:
    return "#,##0" if figure is None or figure == int(figure) else "#,##0.0##"


class Looks:
    """The workbook's formats, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def made(self, **members: Any) -> Format:
        key = tuple(sorted(members.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"valign": "top", "font_size": 10, **members})
        return self._made[key]

    def title(self) -> Format:
        return self.made(bold=True, font_size=16, font_color=DARK)

    def section(self) -> Format:
        return self.made(bold=True, font_size=12, font_color=DARK, bottom=2, bottom_color=DARK)

    def heading(self) -> Format:
        return self.made(bold=True, text_wrap=True, font_color="#FFFFFF", bg_color=DARK, border=1, border_color=LINE)

    def plain(self) -> Format:
        return self.made()

    def small(self) -> Format:
        return self.made(font_color=GREY, italic=True)

    def label(self) -> Format:
        return self.made(bold=True)

    def words(self) -> Format:
        return self.made(text_wrap=True)

    def banner(self, *, final: bool) -> Format:
        return self.made(bold=True, font_size=12, bg_color=GREEN if final else AMBER, text_wrap=True, valign="vcenter", indent=1)

    def cell(self, **members: Any) -> Format:
        return self.made(border=1, border_color=LINE, **members)

    def figure(self, row: Row, number: str) -> Format:
        """A figure that may still change stands in italics, one that is not judged in grey."""
        italic = {"italic": True} if row["status"] == "provisional" else {}
        judged = {"font_color": GREY, "bg_color": "#EDEDED"} if row["coverage_test"] in {"incomplete", "unknown"} else {}
        return self.cell(num_format=number, **italic, **judged)

    def verdict(self, word: str | None) -> Format:
        colour = {"met": GOOD, "better": GOOD, "improvement": GOOD, "not_met": BAD, "worse": BAD, "concern": BAD}.get(word or "")
        return self.cell(text_wrap=True, indent=1, **({"font_color": colour, "bold": True} if colour else {}))

    def colour(self, word: str | None) -> Format:
        return self.cell(indent=1, **({"bg_color": _COLOURS[word]} if word in _COLOURS else {}))

    def status(self, word: str) -> Format:
        return self.cell(indent=1, **({"bg_color": AMBER} if word == "provisional" else {}))


_tamed = lru_cache(maxsize=4096)(tame)


def write_text(sheet: Worksheet, row: int, column: int, text: str | None, look: Format) -> None:
    """A text as text, whatever it begins with."""
    said = _tamed(text or "")
    sheet.write_string(row, column, said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…", look)


def write_figure(sheet: Worksheet, row: int, column: int, figure: Decimal | int | None, look: Format) -> None:
    """A number as a number; none as an empty cell."""
    if figure is None:
        sheet.write_blank(row, column, None, look)
    else:
        sheet.write_number(row, column, figure, look)


def height(*texts: tuple[str | None, int]) -> int:
    """How high a row is with texts in columns of these widths: not every program works that out when it opens a file."""
    lines = (sum(ceil(len(line) / width) or 1 for line in (text or "").split("\n")) for text, width in texts)
    return _LINE_POINTS * max(lines)


def dated(moment: str) -> datetime:
    """When a workbook says that it was made: the moment that its report is judged at, for the clock would make it another each time."""
    return datetime.fromisoformat(moment).replace(tzinfo=None)
