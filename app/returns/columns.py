"""How a return is written as a table: the names of its columns, sheet and labels, and the media types in which it is sent."""

from typing import Final

from app.returns.places import PLACES

JSON: Final = "application/json"
CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""The media types in which a return is submitted."""

FIGURES: Final = ("numerator", "denominator")
CELL_COLUMNS: Final = (*PLACES, "state", *FIGURES, "reason", "explanation_code", "explanation")
"""What a row states of its cell, by the names of JSON."""

RETURN_COLUMNS: Final = ("rest", "rest_reason", "note", "nil", "nil_reason")
"""What any row may state of the whole return, alone or beside a cell; `nil_reason` is the body's `reason` beside `nil`."""

KEY_COLUMNS: Final = ("collection", "subcontract", "month")
"""What names the return, where a table says it too: of many returns in one table every row does."""

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
    "Collection": "collection",
    "Subcontract": "subcontract",
    "Month": "month",
}
"""Labels in column A above the header row, whose column B states the whole return (`All others are zero` takes `yes`) or which one it is."""

LAST_HEADER_ROW: Final = 30
"""By this row of a table its header row has come."""
