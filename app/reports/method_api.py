"""The method note as a page: open to everybody, with nothing of any programme in it and nothing fetched from elsewhere."""

from typing import Final

from fastapi import APIRouter, Response

from app.reports import method
from app.web.reference import page

router: Final = APIRouter(include_in_schema=False)

_STYLE: Final = (
    "main{max-width:75em;margin:2em auto;padding:0 1em;line-height:1.5}main.swagger-ui table{width:auto;margin:0 0 2em}"
    "main.swagger-ui caption{text-align:left;font-style:italic;padding:.5em 0}main.swagger-ui td,main.swagger-ui th"
    "{padding:.3em 1em .3em 0;text-align:left;border-bottom:1px solid #ccc;font-variant-numeric:tabular-nums}pre{white-space:pre-wrap}"
)


@router.get("/docs/method")
def method_note() -> Response:
    """How every figure of a report is computed: the formula of each method with its source, and worked examples."""
    return note_page(method.TITLE, method.html())


def note_page(title: str, body: str) -> Response:
    """A method note as a page."""
    return page(f"Mainstem: {title.lower()}", f'<style>{_STYLE}</style><main class="swagger-ui">{body}</main>')
