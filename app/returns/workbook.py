"""A return as an Excel workbook."""

from app.returns.file_faults import file_fault
from app.returns.intake import invalid
from app.returns.tables import Grid


def read_workbook(content: bytes) -> Grid:
    """The rows of the sheet that states the return; ReturnInvalid where the workbook cannot be read."""
    raise invalid([file_fault("file_not_xlsx")])
