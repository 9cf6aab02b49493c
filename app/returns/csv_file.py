"""A return as CSV, as people's programs write it: any usual delimiter, quotes, line ends and encoding, told by the text itself."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Final

from app.kernel.identifiers import identifiers_in
from app.kernel.refusals import Fault
from app.returns.columns import LAST_HEADER_ROW
from app.returns.faults import Faults
from app.returns.file_faults import file_fault
from app.returns.intake import MOST_CELLS, invalid
from app.returns.tables import Grid, Row, Value, header_of, is_figure, trimmed

MOST_ROWS: Final = MOST_CELLS
MOST_COLUMNS: Final = 200
MOST_FIELDS: Final = 500_000
"""Of all rows together, those that hold anything: a form of ten thousand lines prints half of them."""
LONGEST_TEXT: Final = 32_767
"""As many characters as a cell of Excel takes."""

CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
}
"""What `Content-Type: text/csv; charset=…` may say, by the names of the codecs; as on the web, ISO-8859-1 means Windows-1252."""

_MARKS: Final = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DELIMITERS: Final = (",", ";", "\t", "|")


def read_csv(content: bytes, *, charset: str | None = None) -> Grid:
    """The rows of a CSV; ReturnInvalid where it cannot be read as one. A line's number is that on which its record begins."""
    text = _text(content, charset)
    if not trimmed(text):
        raise invalid([file_fault("file_empty")])
    delimiter = _delimiter(text)
    rows: list[Row] = []
    faults = Faults()
    fields = 0
    for number, record in _records(text, delimiter):
        if len(rows) >= MOST_ROWS:
            raise invalid([file_fault("file_too_large", most=MOST_ROWS, what="rows")])
        if len(record) > MOST_COLUMNS:
            raise invalid([file_fault("file_too_large", {"line": number, "column": MOST_COLUMNS + 1}, most=MOST_COLUMNS, what="columns")])
        fields += len(record) - record.count("")
        if fields > MOST_FIELDS:
            raise invalid([file_fault("file_too_large", {"line": number, "column": 1}, most=MOST_FIELDS, what="cells")])
        values: dict[int, Value] = {column: value for column, field in enumerate(record, 1) if (value := trimmed(field))}
        faults += _faults(values, number)
        if values:
            rows.append(Row(number, values))
    if faults.beyond:
        raise invalid(faults)
    # Where the delimiter is a semicolon, commas are decimal points: 1,234 may be either.
    return Grid(rows, faults=tuple(faults), groups_by_commas=delimiter != ";")


def _faults(values: dict[int, Value], number: int) -> Iterator[Fault]:
    for column, value in values.items():
        text, place = str(value), {"line": number, "column": column}
        if len(text) > LONGEST_TEXT:
            yield file_fault("text_too_long", place, most=LONGEST_TEXT)
        if not is_figure(text):
            yield from (file_fault("patient_identifier", place, found=found) for found in identifiers_in(text))


def _text(content: bytes, charset: str | None) -> str:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise invalid([file_fault("file_not_text")])
    codec = next((codec for mark, codec in _MARKS.items() if content.startswith(mark)), None) or CHARSETS.get(charset or "")
    for attempt in (codec,) if codec else ("utf-8", "cp1252"):
        try:
            text = content.decode(attempt)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
        break
    if codec is None and content[1:2] == b"\0":
        return _text(content, "utf-16le")
    raise invalid([file_fault("file_not_text")])


def _delimiter(text: str) -> str:
    """What the first line says (`sep=;`, as Excel writes it), or else what makes a header row of most names."""
    if _names_delimiter(text):
        return text[4]

    def names(delimiter: str) -> int:
        rows: list[Row] = []
        try:
            for record in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), LAST_HEADER_ROW):
                if len(record) > MOST_COLUMNS:
                    return 1
                rows.append(Row(1, {column: name for column, name in enumerate(record, 1) if trimmed(name)}))
        except csv.Error:
            return 0
        rows = [row for row in rows if row.values]
        at = header_of(rows)
        return 0 if at is None else len(rows[at].values)

    return max(_DELIMITERS, key=names)


def _names_delimiter(text: str) -> bool:
    return text[:4].lower() == "sep=" and text[5:6] in {"\r", "\n"}


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    skipped = 1 if _names_delimiter(text) else 0
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error:
            raise invalid([file_fault("csv_syntax", {"line": line, "column": 1})]) from None
        if record is None:
            return
        if line > skipped:
            yield line, record
