"""The form of a return as a workbook: what is to be filled in is open and coloured, the rest is protected; nothing in it computes."""

import io
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from math import ceil
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from app.calendar.expected import CellKey
from app.kernel.figures import LARGEST_FIGURE
from app.measures.domain import Measure
from app.returns.columns import ALL_OTHERS_ARE_ZERO, DATA_SHEET, KEY_COLUMNS
from app.returns.faults import EXPLANATION_CODES, NIL_REASONS, REASONS
from app.returns.plain_words import (
    counted_words,
    denominator_carried,
    names_of,
    period_words,
    when_due,
)
from app.returns.submission import STATES
from app.returns.template import LOOKING_BACK, MEANS, PLACES_FOR_PEOPLE, TO_FILL_IN, Template, Written, tame

_DEFINITIONS: Final = "Definitions"
_LISTS: Final = "Lists"
_HOW: Final = (
    "Fill in the coloured cells, save the file and send it back. Where there was none, enter 0. "
    "Where something could not be counted, choose not_collected as its state, and a reason."
)
_ZERO: Final = "yes: whatever is left empty here, and whatever has no line here, is zero. What is counted at midnight is always entered."
_NOTHING: Final = "no_service: no such service was given. Then leave everything else empty."
_HEADINGS: Final = {
    "measure_name": "What is counted",
    "category_name": "Part",
    "site_name": "Site",
    "commissioner_name": "For the people of",
    "pathway_name": "Pathway",
    "segment_name": "Part of the pathway",
    "numerator_means": "What the count is",
    "denominator_means": "What it is out of",
    "numerator": "Count",
    "denominator": "Out of",
    "state": "State, unless counted",
    "reason": "Reason",
    "explanation_code": "Why unusual: code",
    "explanation": "Why unusual: words",
    "last_month_numerator": "Last time",
    "last_month_denominator": "out of",
    "mean_12_months_numerator": "12-month mean",
    "mean_12_months_denominator": "out of",
    "mean_12_months_of": "returns in the mean",
}
_WIDTHS: Final = {
    "measure_name": 26,
    "category_name": 14,
    "commissioner_name": 14,
    "state": 13,
    "reason": 14,
    "explanation": 20,
    "numerator_means": 40,
    "denominator_means": 40,
}
_WIDTH: Final = 10
_DEFINITION_WIDTHS: Final = (26, 12, 36, 36, 26, 44, 30)
_LINE_POINTS: Final = 13
_MARGIN_INCHES: Final = Decimal("0.4")
_COUNTS: Final = ("numerator", "denominator")
_ASKED_FOR_BESIDE: Final = tuple(column for column in TO_FILL_IN if column not in _COUNTS)
_LONGEST_PROMPT: Final = 255
"""A spreadsheet shows no more beside a cell."""
_LONGEST_TEXT: Final = 4000


class _Formats:
    """How cells look; only those to fill in are open."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        def made(**members: Any) -> Format:
            return book.add_format({"valign": "top", **members})

        border, coloured = {"border": 1, "border_color": "#BFBFBF"}, {"bg_color": "#FFF2CC", "locked": False}
        self.title = made(bold=True, font_size=14)
        self.plain = made()
        self.strong = made(bold=True)
        self.heading = made(bold=True, text_wrap=True, bg_color="#D9E2F3", **border)
        # Codes are text: of 0-1 a spreadsheet would make a date.
        self.code_heading = made(font_size=6, font_color="#7F7F7F", num_format="@", **border)
        self.code = made(font_size=8, font_color="#7F7F7F", num_format="@", **border)
        self.words = made(text_wrap=True, font_size=10, **border)
        self.seen = made(font_color="#595959", align="right", **border)
        self.shut = made(bg_color="#D9D9D9", **border)
        self.figure = made(**coloured, **border)
        self.text = made(num_format="@", text_wrap=True, **coloured, **border)


def workbook_of(template: Template) -> bytes:
    """The workbook's bytes: the same for the same form."""
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True})
    book.set_properties({"title": _title(template), "author": "Mainstem", "created": _after(template)})
    formats = _Formats(book)
    sheet, definitions, lists = (book.add_worksheet(name) for name in (DATA_SHEET, _DEFINITIONS, _LISTS))
    places = _write_lists(lists, template, formats)
    _write_definitions(definitions, template.measures, formats)
    _Form(sheet, template, formats, places).write()
    for each in (sheet, definitions, lists):
        each.protect("", {"format_columns": True, "format_rows": True})
    book.close()
    return held.getvalue()


def _title(template: Template) -> str:
    key, contract = template.expected.key, template.expected.contract
    collection = contract.collection[key.collection]
    return tame(f"{collection.name}: {period_words(collection, key.month)}")


def _after(template: Template) -> datetime:
    """The beginning of the day after the return's months: a form is not dated by the clock, or it would be another each time."""
    day = template.expected.key.month.last_day + timedelta(days=1)
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a property of the file, that has no zone


class _Form:
    """The sheet that is filled in."""

    def __init__(self, sheet: Worksheet, template: Template, formats: _Formats, lists: dict[str, str]) -> None:
        self.sheet, self.template, self.formats, self.lists = sheet, template, formats, lists
        measures = template.measures
        left_out = {f"{place}_name" for place in PLACES_FOR_PEOPLE if place not in template.places}
        if all(denominator_carried(measure) == "never" for measure in measures):
            left_out |= {"denominator", "denominator_means", "last_month_denominator", "mean_12_months_denominator"}
        names = [f"{place}_name" for place in PLACES_FOR_PEOPLE]
        # Figures stand beside those before them, so that a slip is seen; codes are for programs, and definitions too long for a printed form.
        self.printed = [column for column in (*names, *_COUNTS, *LOOKING_BACK, *_ASKED_FOR_BESIDE) if column not in left_out]
        self.columns = [*self.printed, *(column for column in MEANS if column not in left_out), *template.places]
        self.at = {column: number for number, column in enumerate(self.columns)}

    def write(self) -> None:
        header = self._write_above()
        first, end = header + 1, header + 1 + len(self.template.lines)
        self._write_headings(header)
        for number, cell in enumerate(self.template.lines, start=first):
            self._write_line(number, self.template.written(cell), self.template.expected.measures[cell.measure])
        for number in range(end, end + self.template.spare):
            for column in self.columns:
                self._open(number, column, spare=True)
        self._check(first, end)
        self._lay_out(header, end + self.template.spare)

    def _write_above(self) -> int:
        """What stands above the table, and what is said of the whole return; the row of the table's header."""
        sheet, formats, template = self.sheet, self.formats, self.template
        key, contract = template.expected.key, template.expected.contract
        organisation = contract.organisation.get(contract.subcontract[key.subcontract].organisation)
        sheet.write_string(0, 0, _title(template), formats.title)
        sheet.write_string(
            1, 0, tame(f"{organisation.name if organisation else key.subcontract}, for {contract.programme.name}"), formats.strong
        )
        sheet.write_string(2, 0, f"Due: {when_due(contract, key, template.deadlines)[1]}", formats.strong)
        sheet.write_string(3, 0, _HOW, formats.plain)
        asked = [("Nothing to report", _NOTHING, NIL_REASONS), ("Note", "", ())]
        if template.may_leave_to_zero:
            asked.insert(0, (ALL_OTHERS_ARE_ZERO, _ZERO, ("yes", "no")))
        for row, (label, hint, words) in enumerate(asked, start=4):
            sheet.write_string(row, 0, label, formats.strong)
            sheet.write_blank(row, 1, None, formats.text)
            sheet.write_string(row, 2, hint, formats.plain)
            if words:
                sheet.data_validation(row, 1, row, 1, {"validate": "list", "source": list(words), **_refusing("Choose one of the list.")})
        names = zip(KEY_COLUMNS, key, strict=True)
        for row, (name, value) in enumerate(names, start=4 + len(asked)):
            # Which return it is: last month's form, sent for this month by mistake, is noticed.
            sheet.write_string(row, 0, name.capitalize(), formats.plain)
            sheet.write_string(row, 1, str(value), formats.text if name == "month" else formats.code)
        return 4 + len(asked) + len(KEY_COLUMNS) + 2

    def _write_headings(self, header: int) -> None:
        self.sheet.set_row(header - 1, 3 * _LINE_POINTS)
        for number, column in enumerate(self.columns):
            self.sheet.write_string(header - 1, number, _HEADINGS.get(column, "Code"), self.formats.heading)
            self.sheet.write_string(header, number, column, self.formats.code_heading)

    def _write_line(self, number: int, printed: dict[str, Written], measure: Measure) -> None:
        texts = [(printed[column], column) for column in self.columns if column.endswith(("_name", "_means"))]
        self.sheet.set_row(number, _height((str(text), _WIDTHS.get(column, _WIDTH)) for text, column in texts))
        for position, column in enumerate(self.columns):
            if column in TO_FILL_IN:
                if column == "denominator" and denominator_carried(measure) == "never":
                    self.sheet.write_blank(number, position, None, self.formats.shut)
                else:
                    self._open(number, column)
                continue
            value = printed[column]
            style = self.formats.seen if column in LOOKING_BACK else self.formats.code if column in CellKey._fields else self.formats.words
            if isinstance(value, Decimal):
                self.sheet.write_number(number, position, value, style)
            else:
                self.sheet.write_string(number, position, value or "", style)

    def _open(self, number: int, column: str, *, spare: bool = False) -> None:
        """A cell to fill in; of a spare line its codes too."""
        if column in _COUNTS:
            self.sheet.write_blank(number, self.at[column], None, self.formats.figure)
        elif column in TO_FILL_IN or (spare and column in CellKey._fields):
            self.sheet.write_blank(number, self.at[column], None, self.formats.text)
        elif spare:
            self.sheet.write_blank(number, self.at[column], None, self.formats.shut)

    def _check(self, first: int, end: int) -> None:
        """What each open cell takes, said before it is wrong."""
        measures, spare = self.template.expected.measures, self.template.spare
        lines = enumerate(self.template.lines, start=first)
        for code, group in groupby(lines, key=lambda line: line[1].measure):
            rows = [number for number, _ in group]
            self._check_figures(rows[0], rows[-1], [measures[code]])
        last = end + spare - 1
        if spare:
            self._check_figures(end, last, list(measures.values()))
            for place in self.template.places:
                self._offer(end, last, self.at[place], self.lists[place])
        self._offer(first, last, self.at["state"], self.lists["state"])
        self._offer(first, last, self.at["reason"], self.lists["reason"])
        self._offer(first, last, self.at["explanation_code"], self.lists["explanation_code"], own=True)

    def _offer(self, first: int, last: int, column: int, source: str, *, own: bool = False) -> None:
        """A list to choose from; where a word of one's `own` may stand too, another one is only remarked on."""
        kind = {"error_type": "information", "error_title": "Not in the list"} if own else _refusing("Choose one of the list.")
        self.sheet.data_validation(first, column, last, column, {"validate": "list", "source": source, **kind})

    def _check_figures(self, first: int, last: int, measures: Sequence[Measure]) -> None:
        for column in _COUNTS:
            if column in self.at:
                kinds = {measure.numeric_kind for measure in measures}
                cell = f"{xl_col_to_name(self.at[column])}{first + 1}"
                rule = _figures(kinds, cell) | _prompt(measures, column)
                self.sheet.data_validation(first, self.at[column], last, self.at[column], rule)

    def _lay_out(self, header: int, end: int) -> None:
        sheet = self.sheet
        for number, column in enumerate(self.columns):
            sheet.set_column(number, number, _WIDTHS.get(column, _WIDTH))
        sheet.freeze_panes(header + 1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(header - 1, header)
        sheet.set_margins(left=_MARGIN_INCHES, right=_MARGIN_INCHES, top=_MARGIN_INCHES, bottom=2 * _MARGIN_INCHES)
        sheet.print_area(0, 0, max(end - 1, header), len(self.printed) - 1)
        key = self.template.expected.key
        sheet.set_footer(f"&L{key.collection} {key.subcontract} {key.month}&RPage &P of &N")


def _height(texts: Iterable[tuple[str, int]]) -> int:
    """How high a row is with texts in columns of these widths: not every program works that out when it opens a file."""
    return _LINE_POINTS * max(ceil(len(text) / width) or 1 for text, width in texts) + 2


def _refusing(why: str) -> dict[str, Any]:
    return {"error_title": "This cannot stand here", "error_message": why[:_LONGEST_PROMPT]}


def _figures(kinds: AbstractSet[str], cell: str) -> dict[str, Any]:
    """What a figure may be where these kinds are counted."""
    most = int(LARGEST_FIGURE)
    if kinds == {"integer"}:
        return {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": most, **_refusing("A whole number, 0 or more.")}
    if "decimal" not in kinds:
        halves = f"=AND(ISNUMBER({cell}),{cell}>=0,{cell}<={most},INT({cell}*2)={cell}*2)"
        return {"validate": "custom", "value": halves, **_refusing("A whole number or a half (2.5), 0 or more.")}
    return {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": most, **_refusing("A number, 0 or more.")}


def _prompt(measures: Sequence[Measure], column: str) -> dict[str, str]:
    """What a cell of one measure means, shown beside it."""
    if len(measures) > 1:
        return {}
    measure = measures[0]
    means = measure.numerator if column == "numerator" else measure.denominator
    example = f" For example: {measure.example}" if measure.example else ""
    said = _cut(f"{means or measure.name}.{example}", _LONGEST_PROMPT)
    return {"input_title": _cut(tame(measure.code), 32), "input_message": tame(said)[:_LONGEST_PROMPT]}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _write_definitions(sheet: Worksheet, measures: Iterable[Measure], formats: _Formats) -> None:
    headings = ("What is counted", "Code", "Count", "Out of", "How it is counted", "Worked example", "Parts")
    for number, heading in enumerate(headings):
        sheet.write_string(0, number, heading, formats.heading)
        sheet.set_column(number, number, _DEFINITION_WIDTHS[number])
    for row, measure in enumerate(measures, start=1):
        parts = measure.breakdown.categories if measure.breakdown else ()
        words = (
            measure.name,
            measure.code,
            measure.numerator or "",
            (measure.denominator or "") if denominator_carried(measure) != "never" else "",
            counted_words(measure),
            measure.example or "",
            "; ".join(f"{part.code}: {part.name}" if part.name else part.code for part in parts),
        )
        sheet.set_row(row, _height(zip(words, _DEFINITION_WIDTHS, strict=True)))
        for number, text in enumerate(words):
            sheet.write_string(row, number, _cut(tame(text), _LONGEST_TEXT), formats.words)
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write_lists(sheet: Worksheet, template: Template, formats: _Formats) -> dict[str, str]:
    """The codes that may be chosen, each beside its name; where each list stands."""
    lists: dict[str, list[tuple[str, ...]]] = {place: [] for place in template.places}
    for place in template.places:
        found = {getattr(cell, place): getattr(names_of(template.expected, cell), place) for cell in template.expected.cells}
        lists[place] = sorted(found.items())
    lists["state"] = [(state,) for state in STATES]
    lists["reason"] = [(reason,) for reason in (*REASONS, *NIL_REASONS)]
    lists["explanation_code"] = [(code,) for code in EXPLANATION_CODES]
    where: dict[str, str] = {}
    column = 0
    for name, entries in lists.items():
        for beside, heading in enumerate([name, f"{name}_name"][: len(entries[0])]):
            sheet.write_string(0, column + beside, heading, formats.heading)
            sheet.set_column(column + beside, column + beside, 32 if beside else 18)
            for row, entry in enumerate(entries, start=1):
                sheet.write_string(row, column + beside, tame(entry[beside]), formats.words if beside else formats.code)
        letter = xl_col_to_name(column)
        where[name] = f"={_LISTS}!${letter}$2:${letter}${len(entries) + 1}"
        column += len(entries[0])
    sheet.freeze_panes(1, 0)
    return where
