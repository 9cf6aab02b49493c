"""The wire shapes of a submission in each of its formats."""

from typing import Any, Final

from app.returns.columns import CELL_COLUMNS, CSV, DATA_SHEET, LABELS, RETURN_COLUMNS, XLSX
from app.returns.schemas import SubmissionBody
from app.web.reference import json_body

_BY_CSV: Final = """\
measure,site,commissioner,category,state,numerator,denominator,reason,rest
CWT-31,lung,05W,,,41,43,,zero
CWT-62,lung,05W,upgrade,,2.5,3,,
CWT-62,lung,05W,screening,not_collected,,,system_change,
"""
_FILES: Final[dict[str, Any]] = {
    CSV: {
        "schema": {
            "type": "string",
            "description": f"A row of names, then a row for each cell, in any order of columns. Of a cell: {', '.join(CELL_COLUMNS)}. Of the"
            f" whole return, on any row: {', '.join(RETURN_COLUMNS)}. What the template prints beside them is ignored.",
        },
        "example": _BY_CSV,
    },
    XLSX: {
        "schema": {
            "type": "string",
            "contentMediaType": XLSX,
            "description": f"The sheet `{DATA_SHEET}`, or the only one with such a row of names. Above that row, column A may say"
            f" {', '.join(f'`{label}`' for label in LABELS)}, with the value beside it.",
        },
        "example": "",
    },
}


def body_in_any_format(example: Any) -> dict[str, Any]:
    """The `openapi_extra=` of an operation that takes a return as JSON or as a file."""
    said = json_body(SubmissionBody, example)
    said["requestBody"]["content"] |= _FILES
    return said
