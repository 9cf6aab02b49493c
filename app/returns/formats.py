"""What was sent, in any of the formats of a return, as one body for one validator."""

from typing import Any, Final

from app.kernel.identifiers import identifiers_in
from app.returns.columns import CSV, JSON, XLSX
from app.returns.csv_file import read_csv
from app.returns.faults import Faults
from app.returns.file_faults import file_fault
from app.returns.intake import ReturnInvalid, invalid
from app.returns.tables import Stated, stated_by
from app.returns.workbook import read_workbook

EXTENSIONS: Final = {JSON: "json", CSV: "csv", XLSX: "xlsx"}
"""How the names of files end, by the media types in which a return is submitted."""


def kind_of(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0]


def read_sent(parsed: Any, content: bytes, *, media_type: str, file_name: str | None) -> Stated:
    """What was sent: JSON as it was parsed, or the table that a file holds; ReturnInvalid where a file cannot be read."""
    place = {"pointer": "/header/Content-Disposition"}
    hidden = identifiers_in(file_name or "")
    named = Faults(file_fault("patient_identifier_in", place, found=found, what="the file's name") for found in hidden)
    kind = kind_of(media_type)
    if kind == JSON:
        return Stated(parsed, named)
    try:
        _, _, charset = media_type.partition("charset=")
        stated = stated_by(read_csv(content, charset=charset) if kind == CSV else read_workbook(content))
    except ReturnInvalid as refused:
        raise invalid([*named, *refused.named], beyond=refused.beyond) from None
    stated.faults = Faults([*named, *stated.faults])
    return stated
