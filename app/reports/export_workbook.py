"""A report as a workbook for people: a sheet that says what it is and what is missing, a sheet for each theme with charts, definitions, and every row.

The same report gives the same bytes. Figures are numbers; those that may change, are incomplete or withheld are marked where they stand.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.kernel.months import Month, month_words
from app.measures.domain import Measure
from app.reports.export_changes import write_changes
from app.reports.export_charts import CHART_SHEET, HEIGHT, WIDTH, Figures, bars, funnel_chart, trend
from app.reports.export_csv import columns_of
from app.reports.export_definitions import write_definitions
from app.reports.export_front import banner_words, write_front
from app.reports.export_looks import MARKS, Looks, dated, write_figure, write_text
from app.reports.export_queries import Line, asked_about, write_queries
from app.reports.export_tables import write_head, write_others
from app.reports.export_themes import Theme, beside, compared, drawn, place_of, series_of, themes_of
from app.reports.row_words import Row
from app.returns.template import tame

XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS: Final = 10_000
"""A workbook of more would take its reader's program, and this one, too long: it is what tables are for."""

FRONT: Final = "Report"
CHANGES: Final = "Changes"
QUERIES: Final = "Queries"
DEFINITIONS: Final = "Definitions"
ROWS: Final = "Rows"
_LINE_PIXELS: Final = 20
_MARGIN_INCHES: Final = Decimal("0.4")
_TABS: Final = {"final": "#70AD47", "provisional": "#FFC000"}
_KEY: Final = "  ·  ".join(f"{mark}  {meaning}" for mark, meaning in MARKS.items())

_UNDER_BANNER: Final = 3
_LONGEST_HEADER: Final = 240


@dataclass(frozen=True, slots=True)
class Behind:
    """What a workbook shows that is not in the report itself: the programme's name, its measures as they were defined then, the rows of earlier
    months (of the same audience) for charts over time; of a publication its digest, the one that has taken its place since, which of its
    rows read otherwise than in the one whose place it took (None where it took none's), and what is asked about them (None for whom that is not to know).
    """

    programme_name: str
    measures: Iterable[Measure] = ()
    earlier: Iterable[Row] = ()
    superseded_by: int | None = None
    sha256: str | None = None
    moved: Sequence[Mapping[str, Any]] | None = None
    queries: Sequence[Line] | None = None


def workbook_of(report: Mapping[str, Any], behind: Behind) -> bytes:
    """A report, live or published, as a workbook's bytes; its figures are exact, never floats."""
    held = io.BytesIO()
    # Each sheet is written line by line from its top: only its last line is held, however many there are.
    book = xlsxwriter.Workbook(held, {"constant_memory": True})
    _Workbook(book, report, behind).write()
    book.close()
    # The sheets know the book and it knows them: ten megabytes of charts and lines would stay until the collector looks for rings.
    book.worksheets_objs.clear()
    book.sheetnames.clear()
    return held.getvalue()


class _Workbook:
    """The sheets of one report's workbook, in their order."""

    def __init__(self, book: xlsxwriter.Workbook, report: Mapping[str, Any], behind: Behind) -> None:
        self.book, self.report, self.behind, self.looks = book, report, behind, Looks(book)
        head, self.asked = report["report"], asked_about(behind.queries or ())
        self.status: str = head["status"]
        self.title = f"{behind.programme_name}: {month_words(Month.parse(head['month']))}"
        self.banner = banner_words(head, report["observations"], superseded_by=behind.superseded_by)
        self.earlier: dict[tuple[str, ...], dict[str, Row]] = defaultdict(dict)
        for row in behind.earlier:
            self.earlier[place_of(row)][row["month"]] = row
        book.set_properties({"title": tame(self.title), "author": "Mainstem", "status": self.status, "created": dated(head["as_of"])})

    def write(self) -> None:
        rows, looks, themes = self.report["observations"], self.looks, themes_of(self.report["observations"])
        moved, queries = self.behind.moved, self.behind.queries
        beside = [name for name, told in ((CHANGES, moved), (QUERIES, queries)) if told is not None]
        names = (FRONT, *(theme.name for theme in themes), *beside, DEFINITIONS, ROWS, CHART_SHEET)
        named = {name: self.book.add_worksheet(name) for name in names}
        self._open(named[FRONT], self.title, last=1)
        own = {"superseded_by": self.behind.superseded_by, "sha256": self.behind.sha256}
        write_front(named[FRONT], {**self.report["report"], **own}, self.report["notes"], themes=themes, earlier=self.earlier, looks=looks)
        self._open(named[CHART_SHEET], f"{CHART_SHEET}. {self.title}", last=8)
        figures = Figures(named[CHART_SHEET], looks, first=_UNDER_BANNER)
        for theme in themes:
            self._write_theme(named[theme.name], theme, figures)
        if moved is not None:
            self._open(named[CHANGES], f"{CHANGES}. {self.title}", last=3)
            write_changes(named[CHANGES], _UNDER_BANNER, moved, looks)
        if queries is not None:
            self._open(named[QUERIES], f"{QUERIES}. {self.title}", last=8)
            write_queries(named[QUERIES], _UNDER_BANNER, queries, rows, looks)
        self._open(named[DEFINITIONS], f"{DEFINITIONS}. {self.title}", last=6)
        write_definitions(named[DEFINITIONS], _UNDER_BANNER, self.behind.measures, rows, looks)
        _write_rows(named[ROWS], rows, looks)
        for sheet in named.values():
            _print_as(sheet, f"{self.title}. {self.banner}", status=self.status)

    def _open(self, sheet: Worksheet, title: str, *, last: int) -> None:
        """What stands above every sheet but that for programs: of what it is, and how final."""
        look = self.looks.banner(final=self.status == "final" and self.behind.superseded_by is None)
        sheet.set_row(0, 26)
        write_text(sheet, 0, 0, title, self.looks.title())
        sheet.set_row(1, 36)
        sheet.merge_range(1, 0, 1, last, "", look)
        write_text(sheet, 1, 0, self.banner, look)

    def _write_theme(self, sheet: Worksheet, theme: Theme, figures: Figures) -> None:
        self._open(sheet, f"{theme.name}. {self.title}", last=11)
        write_text(sheet, 2, 0, f"Marks:  {_KEY}", self.looks.small())
        line = write_head(sheet, _UNDER_BANNER + 1, theme.head, self.looks, self.asked) + 1
        for row in drawn(theme):
            line = self._draw(sheet, line, theme, row, figures)
        if theme.others:
            write_others(sheet, line, theme.others, self.looks, self.asked)
        sheet.freeze_panes(2, 1)

    def _draw(self, sheet: Worksheet, line: int, theme: Theme, row: Row, figures: Figures) -> int:
        """The charts of one row at the head, side by side; the line under them."""
        series, others = series_of(row, self.earlier), beside(theme, row)
        charts = [
            trend(self.book, figures, row, series) if series else None,
            bars(self.book, figures, row, others) if others else None,
            funnel_chart(self.book, figures, row, compared(theme, row)),
        ]
        drawn_ones = [chart for chart in charts if chart is not None]
        for number, chart in enumerate(drawn_ones):
            sheet.insert_chart(line, 0, chart, {"x_offset": 5 + number * (WIDTH + 15), "y_offset": 5, "object_position": 2})
        return line + (HEIGHT // _LINE_PIXELS + 2 if drawn_ones else 0)


def _write_rows(sheet: Worksheet, rows: Iterable[Row], looks: Looks) -> None:
    """Every row under its own keys, for programs that read the workbook as a table."""
    rows = list(rows)
    columns, plain = columns_of(rows), looks.plain()
    for number, name in enumerate(columns):
        write_text(sheet, 0, number, name, looks.heading())
    for line, row in enumerate(rows, start=1):
        for number, name in enumerate(columns):
            value = row[name]
            if isinstance(value, str):
                write_text(sheet, line, number, value, plain)
            elif value is not None:
                write_figure(sheet, line, number, value, plain)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    sheet.set_column(0, len(columns) - 1, 14)
    sheet.set_column(2, 2, 34)


def _print_as(sheet: Worksheet, said: str, *, status: str) -> None:
    """What is printed says on each page what it is, and how final."""
    sheet.set_tab_color(_TABS[status])
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=_MARGIN_INCHES, right=_MARGIN_INCHES, top=2 * _MARGIN_INCHES, bottom=2 * _MARGIN_INCHES)
    # An ampersand is a command there.
    sheet.set_header(f"&L&9{said.replace('&', 'and')[:_LONGEST_HEADER]}")
    sheet.set_footer("&L&A&RPage &P of &N")
