"""The form of a return as CSV: one line a printed cell, for whoever fills it in with a program, or with care."""

import csv
import io
from typing import Final

from app.returns.columns import KEY_COLUMNS, RETURN_COLUMNS
from app.returns.template import LOOKING_BACK, MEANS, PLACES_FOR_PEOPLE, TO_FILL_IN, Template, Written

COLUMNS: Final = (
    *(f"{place}_name" for place in PLACES_FOR_PEOPLE),
    *MEANS,
    *TO_FILL_IN,
    *LOOKING_BACK,
    *PLACES_FOR_PEOPLE,
    *RETURN_COLUMNS,
    *KEY_COLUMNS,
)
_MARK: Final = "\ufeff"
"""Without it a spreadsheet takes the letters of names for those of another alphabet."""


def csv_of(template: Template) -> bytes:
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\r\n", restval="")
    table.writeheader()
    named = {name: str(value) for name, value in zip(KEY_COLUMNS, template.expected.key, strict=True)}
    table.writerows({column: _written(value) for column, value in template.written(cell).items()} | named for cell in template.lines)
    return (_MARK + text.getvalue()).encode()


def _written(value: Written) -> str:
    return "" if value is None else str(value)
