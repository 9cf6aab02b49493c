"""A form filled in as somebody would: what is typed where, and the file as a program saves it."""

import io
import re
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from python_calamine import CalamineWorkbook

from app.returns.columns import ALL_OTHERS_ARE_ZERO, DATA_SHEET

Entries = Mapping[tuple[int, int], str | Decimal]
"""What is entered, by row and column, from 0."""


def rows_of(form: bytes) -> list[list[Any]]:
    """What a form says, line by line."""
    return list(CalamineWorkbook.from_filelike(io.BytesIO(form)).get_sheet_by_name(DATA_SHEET).to_python())


def entries(form: bytes, body: Mapping[str, Any]) -> dict[tuple[int, int], str | Decimal]:
    """What somebody types into a form so that it states what a body does: figures in the printed lines, and in spare ones."""
    rows = rows_of(form)
    header = next(number for number, row in enumerate(rows) if {"measure", "numerator"} <= set(row))
    column = {name: number for number, name in enumerate(rows[header])}
    labels = {row[0]: number for number, row in enumerate(rows[:header])}
    typed: dict[tuple[int, int], str | Decimal] = {}
    if body.get("rest") == "zero":
        typed[labels[ALL_OTHERS_ARE_ZERO], 1] = "yes"
    if body.get("note"):
        typed[labels["Note"], 1] = body["note"]
    lines = {number: dict(zip(rows[header], rows[number], strict=True)) for number in range(header + 1, len(rows))}
    spare = iter(range(len(rows), len(rows) + 20))
    for cell in body["cells"]:
        places = {
            place: code for place, code in cell.items() if place in column and place not in {"numerator", "denominator", "state", "reason"}
        }
        found = [number for number, line in lines.items() if all(line[place] == code for place, code in places.items())]
        line = found[0] if found else next(spare)
        typed |= {(line, column[place]): code for place, code in ({} if found else places).items()}
        typed |= {(line, column[name]): Decimal(str(cell[name])) for name in ("numerator", "denominator") if name in cell}
        typed |= {(line, column[name]): cell[name] for name in ("state", "reason") if name in cell}
    return typed


def typed_in(form: bytes, cells: Entries, _folder: Path) -> bytes:
    """The form as a program leaves it that keeps a text with its cell."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(form)) as before, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.infolist():
            content = before.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                sheet = content.decode()
                for (row, column), value in cells.items():
                    sheet, count = re.subn(
                        rf'<c r="{chr(65 + column)}{row + 1}"( s="\d+")/>', _entered(value, f"{chr(65 + column)}{row + 1}"), sheet
                    )
                    assert count == 1, "what is entered is entered into an open, empty cell"
                content = sheet.encode()
            after.writestr(part, content)
    return held.getvalue()


def _entered(value: str | Decimal, place: str) -> str:
    if isinstance(value, Decimal):
        return rf'<c r="{place}"\1><v>{value}</v></c>'
    return rf'<c r="{place}"\1 t="inlineStr"><is><t>{escape(value)}</t></is></c>'
