"""The method of settlement as a page: open to everybody, with nothing of any programme in it."""

from typing import Final

from fastapi import APIRouter, Response

from app.reports.method_api import note_page
from app.settlement import method

router: Final = APIRouter(include_in_schema=False)


@router.get("/docs/settlement")
def settlement_method_note() -> Response:
    """How a contract year is settled: the formula of each part with its source, and worked examples."""
    return note_page(method.TITLE, method.html())
