"""What reads otherwise than in the publication before, in an exported workbook: a sentence for each row that moved."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from xlsxwriter.worksheet import Worksheet

from app.reports.export_looks import Looks, height, write_text
from app.reports.export_queries import ROW_KEYS

_COLUMNS: Final = (("Measure", 14), ("Change", 16), ("What moved, by how much, and why as far as its reader may know", 130), ("Row", 60))
_CHANGES: Final = {
    "first_reported": "first reported",
    "revised": "revised",
    "redefined": "redefined",
    "withdrawn": "withdrawn",
}
_NOTHING: Final = "No row that stands in this workbook reads otherwise."


def write_changes(sheet: Worksheet, first: int, moved: Sequence[Mapping[str, Any]], looks: Looks) -> None:
    """A line for each row of a change notice, in its order."""
    for number, (heading, width) in enumerate(_COLUMNS):
        write_text(sheet, first, number, heading, looks.heading())
        sheet.set_column(number, number, width)
    for at, entry in enumerate(moved, start=first + 1):
        named = " ".join(f"{name}={entry[name]}" for name in ROW_KEYS if entry[name] != "all" or name == "slice")
        said = (entry["measure"], _CHANGES[entry["change"]], entry["sentence"], named)
        for number, text in enumerate(said):
            write_text(sheet, at, number, text, looks.cell(text_wrap=True))
        sheet.set_row(at, height(*zip(said, (width for _, width in _COLUMNS), strict=True)))
    if not moved:
        write_text(sheet, first + 1, 0, _NOTHING, looks.plain())
