"""A return as an Excel workbook: the cells of its sheets, streamed from their XML, with what a reader of values alone would not see.

Percent formats, formulas without a result, errors, dates and the very digits that were stored are told apart here.
"""

import re
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

from app.kernel.figures import of_double
from app.kernel.identifiers import Identifier, identifier_in
from app.returns.columns import DATA_SHEET
from app.returns.csv_file import LONGEST_TEXT, MOST_COLUMNS, MOST_FIELDS, MOST_ROWS
from app.returns.faults import Faults
from app.returns.file_faults import file_fault
from app.returns.intake import invalid
from app.returns.tables import Grid, Odd, Row, Value, has_header, letters, name_of, patient_columns, trimmed
from app.returns.workbook_safety import Package, broken, open_package, relations_part
from app.returns.workbook_texts import Texts, suspect_names, suspect_texts, suspected
from app.returns.written_months import day_of

MOST_SHEETS: Final = 50
MOST_CHARACTERS: Final = 20_000_000
"""Of all cells together: a shared text is stored once, and counts wherever it is shown."""
LONGEST_FORMULA: Final = 8_192
_LONGEST_FORMAT: Final = 255

_PLAIN_TITLE: Final = re.compile(r"[A-Za-z][A-Za-z _-]{0,30}[0-9]{0,3}")
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_QUOTED: Final = re.compile(r'"[^"]*"|\[[^\[\]]*\]|\\.|_.|\*.')
# Programs that a formula would ask: DDE (`cmd|…`), the web, real-time data.
_ASKS_OTHERS: Final = re.compile(r"\w'?\||\b(WEBSERVICE|RTD|CALL|REGISTER)\s*\(", re.IGNORECASE)
_DATE_CODES: Final = re.compile(r"[dmyhs]", re.IGNORECASE)
_DATES: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Built-in formats of dates and times; 9 and 10 are those of percentages (ECMA-376, 18.8.30)."""
_PERCENTAGES: Final = frozenset({9, 10})
_NOT_SHOWN: Final = "a text that no cell shows"


class _Sheet(NamedTuple):
    """A sheet of the workbook: its name, the one that may be repeated, its part, and whether it has cells."""

    title: str
    shown: str
    part: str
    has_cells: bool


class _Text(NamedTuple):
    """A shared text as cells show it, and what hides in it: trimmed and judged once, however many show it."""

    shown: str
    hidden: tuple[Identifier, ...]


class _Book:
    """What the sheets of a workbook share, and what was found in them."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.faults = Faults()
        self.cells = self.characters = 0
        self.from_1904 = False
        main = next((part for _, kind, part in package.relations("") if kind == "officeDocument" and part in package.parts), None)
        if main is None:
            raise broken()
        related = package.relations(main)
        self.sheets = self._sheets(main, {relation.id: relation for relation in related})
        parts = {kind: part for _, kind, part in related if part in package.parts}
        self.strings_part, styles = parts.get("sharedStrings"), parts.get("styles")
        self.strings: list[_Text] = _strings(self, self.strings_part) if self.strings_part else []
        self.formats: list[str | None] = _formats(package, styles) if styles else []
        self.shown_strings: set[int] = set()

    def _sheets(self, main: str, related: Mapping[str, Any]) -> list[_Sheet]:
        found: list[_Sheet] = []

        def start(element: str, said: Mapping[str, str]) -> None:
            if element == "workbookPr":
                self.from_1904 = said.get("date1904") in {"1", "true"}
            elif element == "sheet":
                relation = related.get(said.get("id", ""))
                if relation is None or relation.part not in self.package.parts:
                    raise broken()
                title = said.get("name", "")
                plain = _PLAIN_TITLE.fullmatch(title) and identifier_in(title) is None
                shown = title if plain else f"sheet {len(found) + 1}"
                found.append(_Sheet(title, shown, relation.part, relation.kind == "worksheet"))

        self.package.parse(main, start=start)
        if len(found) > MOST_SHEETS:
            raise invalid([file_fault("file_too_large", most=MOST_SHEETS, what="sheets")])
        return found

    def report(self, found: tuple[Identifier, ...], what: str, shown: str | None = None, cell: str | None = None) -> None:
        """Note the identifiers beside the cells, if there are any, at their sheet and cell where there are any."""
        place: dict[str, int | str] = {} if shown is None else {"sheet": shown}
        if shown is not None and cell is not None and _REFERENCE.fullmatch(cell):
            place["cell"] = cell
        self.faults += [file_fault("patient_identifier_in", place, found=kind, what=what) for kind in found]

    def look_beside_sheets(self) -> None:
        """Look through every part that is not a sheet of cells, each at the sheet that it belongs to."""
        belongs: dict[str | None, str] = {relations_part(sheet.part): sheet.shown for sheet in self.sheets}
        belongs |= {part: sheet.shown for sheet in self.sheets for _, _, part in self.package.relations(sheet.part)}
        with_cells = {sheet.part for sheet in self.sheets if sheet.has_cells}
        for name in self.package.parts.keys() - with_cells - {self.strings_part}:
            shown = belongs.get(name)
            suspect_texts(self.package, name, lambda found, what, cell, shown=shown: self.report(found, what, shown, cell))  # type: ignore[misc]  # `shown` is bound in this turn of the loop; mypy infers no lambda with a default
        for number in self.strings_beside():
            self.report(self.strings[number].hidden, _NOT_SHOWN)
        self.faults += (*suspect_names(self.package), *self.package.faults)

    def strings_beside(self) -> set[int]:
        return set(range(len(self.strings))) - self.shown_strings


def read_workbook(content: bytes) -> Grid:
    """The rows of the sheet that states the return; ReturnInvalid where the workbook may not or cannot be read, or none of its sheets does."""
    book = _Book(open_package(content))
    grids = [(sheet, _Cells(book, sheet).read()) for sheet in book.sheets if sheet.has_cells]
    book.look_beside_sheets()
    named = [grid for sheet, grid in grids if name_of(sheet.title) == name_of(DATA_SHEET)]
    found = named or [grid for _, grid in grids if has_header(grid.rows)]
    for _, grid in grids:
        if grid not in found:
            book.faults += patient_columns(grid, None)
    if book.faults.beyond:
        raise invalid(book.faults)
    if len(found) != 1:
        book.faults.append(file_fault("sheet_missing"))
        raise invalid(dict.fromkeys(book.faults))
    return Grid(found[0].rows, found[0].sheet, tuple(dict.fromkeys(book.faults)))


def _strings(book: _Book, part: str) -> list[_Text]:
    """The shared texts, each with its runs joined; how a word is pronounced is no part of it."""
    strings: list[_Text] = []
    pieces: list[str] = []
    aside: list[str] = []
    within: list[str] = []
    pronounced = 0

    def start(element: str, _: Mapping[str, str]) -> None:
        nonlocal pronounced
        pronounced += element == "rPh"
        within.append(element)

    def text(piece: str) -> None:
        (pieces if within[-1] == "t" and not pronounced else aside).append(piece)

    def end(element: str) -> None:
        nonlocal pronounced
        pronounced -= within.pop() == "rPh"
        if element == "si":
            shown = trimmed(_unescaped("".join(pieces)))
            strings.append(_Text(shown, suspected(shown)))
            book.report(suspected("".join(aside)), _NOT_SHOWN)
            pieces.clear()
            aside.clear()

    book.package.parse(part, start=start, end=end, text=text)
    book.report(suspected("".join(aside)), _NOT_SHOWN)
    return strings


def _unescaped(text: str) -> str:
    """`_x000A_` and the like as the characters that they stand for; those that no text may hold stay as they are."""

    def character(match: re.Match[str]) -> str:
        code = int(match[1], 16)
        return match[0] if (code < 32 and code not in {9, 10, 13}) or 0xD800 <= code <= 0xDFFF else chr(code)

    return _ESCAPED.sub(character, text) if "_x" in text else text


def _formats(package: Package, part: str) -> list[str | None]:
    """By the number of a cell's style: the fault that its number format makes of a number, or None."""
    custom: dict[str, str] = {}
    used: list[str] = []
    within: list[str] = []

    def start(element: str, said: Mapping[str, str]) -> None:
        if element == "numFmt":
            custom[said.get("numFmtId", "")] = said.get("formatCode", "")
        elif element == "xf" and within[-1:] == ["cellXfs"]:
            used.append(said.get("numFmtId", "0"))
        within.append(element)

    def end(_: str) -> None:
        within.pop()

    package.parse(part, start=start, end=end)
    faults = {number: _fault_of_format(number, custom.get(number)) for number in set(used)}
    return [faults[number] for number in used]


def _fault_of_format(number: str, code: str | None) -> str | None:
    if code is None:
        known = int(number) if number.isascii() and number.isdigit() else 0
        return "percentage" if known in _PERCENTAGES else "date_not_expected" if known in _DATES else None
    if len(code) > _LONGEST_FORMAT:
        raise broken()
    bare = _QUOTED.sub("", code)
    return "percentage" if "%" in bare else "date_not_expected" if _DATE_CODES.search(bare) else None


class _Cells:
    """Reads one sheet: rows of values, and what is suspect in and beside them."""

    def __init__(self, book: _Book, sheet: _Sheet) -> None:
        self.book = book
        self.sheet = sheet
        self.rows: list[Row] = []
        self.beside = Texts(sheet.part, lambda found, what, cell: book.report(found, what, sheet.shown, cell))
        self.in_cells = False
        self.row = 0
        self.column = 0
        self.values: dict[int, Value] = {}
        self.cell: Mapping[str, str] | None = None
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.pronounced = 0

    def read(self) -> Grid:
        self.book.package.parse(self.sheet.part, start=self.start, end=self.end, text=self.text)
        return Grid(self.rows, self.sheet.shown)

    def start(self, element: str, said: Mapping[str, str]) -> None:
        if not self.in_cells:
            self.in_cells = element == "sheetData"
            if not self.in_cells:
                self.beside.start(element, said)
        elif self.cell is not None and element in {"row", "c"}:
            raise broken()
        elif element == "row":
            self._go_to_row(said.get("r"))
        elif element == "c":
            self._go_to_column(said.get("r"))
            self.cell = said
            self.texts = {}
        elif self.cell is not None:
            self.open.append(element)
            self.pronounced += element == "rPh"
            if element in {"v", "f"}:
                if element in self.texts:
                    raise broken()
                self.texts[element] = []

    def text(self, piece: str) -> None:
        if not self.in_cells:
            self.beside.text(piece)
        elif self.open and self.open[-1] in {"v", "f", "t"} and not self.pronounced:
            self.texts.setdefault(self.open[-1], []).append(piece)
        elif self.cell is not None:
            self.texts.setdefault("", []).append(piece)
        elif piece.strip():
            self.beside.text(piece)

    def end(self, element: str) -> None:
        if not self.in_cells:
            self.beside.end(element)
        elif element == "sheetData":
            self.in_cells = False
            self.beside.end(element)
        elif element == "row":
            self._end_row()
        elif element == "c":
            if self.cell is not None and self.texts:
                self._keep(self.cell)
            self.cell = None
        elif self.open:
            self.pronounced -= self.open.pop() == "rPh"

    def _go_to_row(self, number: str | None) -> None:
        row = self.row + 1 if number is None else int(number) if re.fullmatch("[1-9][0-9]{0,6}", number) else 0
        if row <= self.row:
            raise broken()
        self.row, self.column, self.values = row, 0, {}

    def _go_to_column(self, reference: str | None) -> None:
        if reference is None:
            self.column += 1
            return
        match = _REFERENCE.fullmatch(reference)
        if match is None or int(match[2]) != self.row:
            raise broken()
        column = 0
        for letter in match[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        if column <= self.column:
            raise broken()
        self.column = column

    def _end_row(self) -> None:
        if self.values:
            self.rows.append(Row(self.row, self.values))
            if len(self.rows) > MOST_ROWS:
                raise invalid([file_fault("file_too_large", {"sheet": self.sheet.shown}, most=MOST_ROWS, what="rows")])

    def _keep(self, cell: Mapping[str, str]) -> None:
        formula = "".join(self.texts.get("f", ()))
        place: dict[str, int | str] = {"sheet": self.sheet.shown, "cell": f"{letters(self.column)}{self.row}"}
        if len(formula) > LONGEST_FORMULA:
            raise invalid([file_fault("text_too_long", place, most=LONGEST_FORMULA)])
        if formula and _ASKS_OTHERS.search(_QUOTED.sub("", formula)):
            raise invalid([file_fault("file_external_links", place)])
        value, length, hidden = self._value(cell)
        if length > LONGEST_TEXT:
            self.book.faults.append(file_fault("text_too_long", place, most=LONGEST_TEXT))
        shown = "t" if cell.get("t") == "inlineStr" else "v"
        beside = (suspected("".join(pieces)) for name, pieces in self.texts.items() if name != shown)
        found = dict.fromkeys(chain(hidden, *beside))
        self.book.faults += [file_fault("patient_identifier", place, found=kind) for kind in found]
        if value == "":
            return
        self.book.cells += 1
        self.book.characters += length
        if self.column > MOST_COLUMNS:
            raise invalid([file_fault("file_too_large", place, most=MOST_COLUMNS, what="columns")])
        if self.book.cells > MOST_FIELDS:
            raise invalid([file_fault("file_too_large", place, most=MOST_FIELDS, what="cells")])
        if self.book.characters > MOST_CHARACTERS:
            raise invalid([file_fault("file_too_large", place, most=MOST_CHARACTERS, what="characters in its cells")])
        self.values[self.column] = value

    def _value(self, cell: Mapping[str, str]) -> tuple[Value, int, tuple[Identifier, ...]]:
        """What a cell holds (an empty text where nothing), how many characters or digits it shows, and what hides in them."""
        kind, stored = cell.get("t", "n"), "".join(self.texts.get("v", ()))
        if kind in {"str", "inlineStr"}:
            text = trimmed(_unescaped(stored if kind == "str" else "".join(self.texts.get("t", ()))))
            return text, len(text), suspected(text)
        if stored == "":
            return (Odd("formula_without_value") if "f" in self.texts else ""), 0, ()
        if kind == "s":
            number = int(stored) if stored.isascii() and stored.isdigit() and len(stored) < 10 else len(self.book.strings)
            if number >= len(self.book.strings):
                raise broken()
            self.book.shown_strings.add(number)
            text, hidden = self.book.strings[number]
            return text, len(text), hidden
        if kind == "b":
            return stored == "1", 1, suspected(stored)
        if kind in {"e", "d"}:
            return Odd("error_value") if kind == "e" else Odd("date_not_expected", stored), len(stored), suspected(stored)
        if kind != "n":
            raise broken()
        return self._number(cell, stored)

    def _number(self, cell: Mapping[str, str], stored: str) -> tuple[Value, int, tuple[Identifier, ...]]:
        figure = of_double(stored)
        style = cell.get("s", "0")
        if figure is None or not (style.isascii() and style.isdigit() and len(style) < 10):
            raise broken()
        digits = format(figure.to_integral_value() if figure == figure.to_integral_value() else figure, "f")
        odd = self.book.formats[int(style)] if int(style) < len(self.book.formats) else None
        day = day_of(figure, from_1904=self.book.from_1904) if odd == "date_not_expected" else ""
        return (figure if odd is None else Odd(odd, day)), len(digits), suspected(digits)
