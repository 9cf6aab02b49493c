"""What is asked about rows and answered, in an exported workbook: a sheet of everything that was said, and the names of its queries beside the rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from xlsxwriter.worksheet import Worksheet

from app.reports.export_looks import Looks, height, write_text
from app.reports.row_words import Row, place_words, span_words

ROW_KEYS: Final = ("slice", "measure", "period", "commissioner", "site", "pathway", "segment", "subcontract", "category")
"""What names a row that is asked about."""

Line = Mapping[str, Any]
"""Something that was said: of which query, about which row's keys, by whom and when."""

_COLUMNS: Final = (
    ("Query", 12),
    ("Row", 60),
    ("Asked of publication", 12),
    ("State", 11),
    ("Answer due", 12),
    ("Said by", 14),
    ("What", 11),
    ("At", 28),
    ("Words", 80),
)
_NOTHING: Final = "Nothing has been asked about the rows of this month."


def key_of(named: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(named[name] for name in ROW_KEYS)


def asked_about(lines: Iterable[Line]) -> dict[tuple[str, ...], str]:
    """The names of the queries about each row, by its keys."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for line in lines:
        found.setdefault(key_of(line), {})[line["query"]] = None
    return {key: ", ".join(names) for key, names in found.items()}


def write_queries(sheet: Worksheet, first: int, lines: Sequence[Line], rows: Iterable[Row], looks: Looks) -> None:
    """Everything that was said, a line each, under the words of its row where the report has that."""
    by_key = {key_of(row): row for row in rows}
    for number, (heading, width) in enumerate(_COLUMNS):
        write_text(sheet, first, number, heading, looks.heading())
        sheet.set_column(number, number, width)
    for at, line in enumerate(lines, start=first + 1):
        said = (
            line["query"],
            _row_words(by_key.get(key_of(line)), line),
            str(line["sequence"]),
            line["state"],
            line["due_on"],
            line["party"],
            line["act"],
            line["at"],
            line["text"],
        )
        for number, text in enumerate(said):
            write_text(sheet, at, number, text, looks.cell(text_wrap=True))
        sheet.set_row(at, height(*zip(said, (width for _, width in _COLUMNS), strict=True)))
    if not lines:
        write_text(sheet, first + 1, 0, _NOTHING, looks.plain())


def _row_words(row: Row | None, line: Line) -> str:
    """What a row is about, in words; by its keys where the report does not have it."""
    if row is None:
        return " ".join(f"{name}={line[name]}" for name in ROW_KEYS)
    return f"{row['measure']}, {place_words(row) or 'all'}, {span_words(row)}"
