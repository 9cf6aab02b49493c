"""A return written as a table: its columns, the same in every format, whoever writes the file and whatever program saved it."""

from typing import Final

from app.returns.places import PLACES

JSON: Final = "application/json"
CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""The media types in which a return is submitted."""

CELL_COLUMNS: Final = (*PLACES, "state", "numerator", "denominator", "reason", "explanation_code", "explanation")
"""What a row states of its cell, by the names of JSON."""

RETURN_COLUMNS: Final = ("rest", "rest_reason", "note", "nil", "nil_reason")
"""What any row may state of the whole return, alone or beside a cell; `nil_reason` is the body's `reason` beside `nil`."""

IGNORED_COLUMNS: Final = (
    "pathway_name",
    "segment_name",
    "measure_name",
    "site_name",
    "commissioner_name",
    "category_name",
    "aggregation",
    "numerator_means",
    "denominator_means",
    "last_month_numerator",
    "last_month_denominator",
    "mean_12_months_numerator",
    "mean_12_months_denominator",
    "mean_12_months_of",
)
"""What a template prints beside the places for whoever fills it in; nothing of it is read as a figure."""

DATA_SHEET: Final = "Return"
"""The sheet of a workbook that states the return; its header row is the first that has `measure` and `numerator`."""

ALL_OTHERS_ARE_ZERO: Final = "All others are zero"
LABELS: Final = {
    ALL_OTHERS_ARE_ZERO: "rest",
    "Rest": "rest",
    "Rest reason": "rest_reason",
    "Note": "note",
    "Nothing to report": "nil_reason",
}
"""Labels in column A above the header row, whose column B states the whole return; `All others are zero` takes `yes`."""

LAST_HEADER_ROW: Final = 30
"""By this row of a sheet its header row has come."""
