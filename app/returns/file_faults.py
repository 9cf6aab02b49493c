"""The faults of files beside those of what they state: codes shared by CSV and workbooks, each with what is wrong and how to put it right.

Only known words stand in a fault, never what was sent.
"""

from collections.abc import Mapping
from typing import Final

from app.kernel.refusals import Fault
from app.returns.faults import FAULTS

_COUNTS: Final = "Send counts only; nothing of this file was kept."
_SAVE_AS_XLSX: Final = "Open it in a spreadsheet program and save it as an Excel workbook (.xlsx), or send text/csv."
_LESS: Final = "Send the template filled in, without what else is in the workbook."

FILE_FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "patient_identifier": FAULTS["patient_identifier"],
    "patient_identifier_in": ("{found.detail} It stands in {what}.", "{found.fix}"),
    "patient_columns": ("Columns of this name hold what belongs to single patients.", _COUNTS),
    "header_missing": (
        "There is no row of column names: none of the first {most} rows has measure and numerator.",
        "Put the row of names first, as the template has it.",
    ),
    "column_missing": ("There is no column {name}.", "Add it, as the template has it."),
    "missing": ("This row names no measure.", "Name its measure; leave totals and remarks out."),
    "column_twice": ("Two columns are called {name}.", "Keep one of the two."),
    "unknown_column": ("There is no column of this name in a return.", "Leave it out, or correct its name: {names}."),
    "column_without_name": ("This column holds something and has no name.", "Give the column its name, or empty it."),
    "ratio_not_accepted": FAULTS["ratio_not_accepted"],
    "not_one_of": FAULTS["not_one_of"],
    "stated_twice": ("The whole return's {name} is stated in two ways.", "Keep one of them."),
    "other_return": (
        "This says another {name} than that of the return that it was sent for.",
        "Send it for the return that it is of; if the figures are of this one, correct the {name} here.",
    ),
    "return_split": (
        "Rows of the return of this row stand further up too, with others between: each part would be taken for the whole.",
        "Sort the rows by collection, subcontract and month, and send them again; nothing was kept.",
    ),
    "return_not_named": (
        "This does not say the return's {name}.",
        "Write the {name} as the list of returns has it: codes exactly, a month as 2026-10.",
    ),
    "percentage": (FAULTS["percentage"][0], "Send the counts as numerator and denominator, in cells formatted as numbers."),
    "error_value": ("This cell holds an error of the spreadsheet.", "Put in the count or text itself."),
    "formula_without_value": (
        "This cell holds a formula and no result of it.",
        "Open the file in a spreadsheet program and save it, or put in the result itself.",
    ),
    "date_not_expected": (
        "The spreadsheet has made a date of this.",
        "Format the cell as text (for a code) or as a number (for a count), and enter it again.",
    ),
    "digits_lost": (
        "This number is written with an exponent: digits may have been lost.",
        "Format the cell as a number and send it again.",
    ),
    "text_too_long": ("This text has more than {most} characters.", "Write less."),
    "not_text": ("This text holds what is no character.", "Write it anew."),
    "csv_syntax": ("The text stops being CSV here.", "Check the quotes at this place; save it as CSV (UTF-8) again."),
    "file_not_text": (
        "The file is not text in its encoding.",
        "Save it as CSV (UTF-8), or, for a single return, send a workbook with its own media type.",
    ),
    "file_empty": ("The file is empty.", "Send the template filled in."),
    "file_not_xlsx": ("The file is not an Excel workbook (.xlsx).", _SAVE_AS_XLSX),
    "file_encrypted": ("The file is protected by a password, or of Excel's old format, and cannot be read.", _SAVE_AS_XLSX),
    "file_broken": ("The workbook is damaged and cannot be read.", _SAVE_AS_XLSX),
    "file_declarations": ("The workbook declares entities of its own, as no spreadsheet program does.", _SAVE_AS_XLSX),
    "file_too_large": ("The file holds more than {most} {what}.", _LESS),
    "file_macros": ("The workbook holds macros.", "Save it without them, as .xlsx."),
    "file_external_links": (
        "The workbook takes values from other files or sources.",
        "Break the links (Data, Edit Links) so that the values stand in the workbook, and save it.",
    ),
    "file_embedded": ("The workbook holds embedded objects or controls.", _LESS),
    "file_pictures": ("The workbook holds pictures, which cannot be looked through for patients' identifiers.", _LESS),
    "sheet_missing": (
        "There is no sheet called Return, and not just one sheet with measure and numerator among its names.",
        "Call the sheet with the figures Return, as the template does.",
    ),
}


def file_fault(code: str, place: Mapping[str, int | str] | None = None, **names: object) -> Fault:
    """A fault of a file, at a line and column, a sheet and cell, or of the whole; `names` are known words and codes."""
    detail, fix = FILE_FAULTS[code]
    said = code.removesuffix("_in")
    return Fault(said, detail.format_map(names), fix.format_map(names), **(place or {}))  # type: ignore[arg-type]  # a place's members are named as Fault's are
