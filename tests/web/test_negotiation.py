"""Which format is answered, as a table: what `Accept` prefers, and `format` over it."""

import pytest
from fastapi import Request

from app.kernel.refusals import Invalid
from app.web.negotiation import NotAcceptable, format_of

FORMATS = {"json": "application/json", "csv": "text/csv; charset=utf-8"}


def chosen(accept: str | None, asked: str | None = None) -> str:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return format_of(FORMATS)(Request({"type": "http", "headers": headers}), asked)


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV; charset=utf-8", "csv"),
        ("text/*", "csv"),
        ("text/csv, */*", "json"),
        ("text/csv, */*;q=0.9", "csv"),
        ("text/csv;q=0.4, application/json;q=0.5", "json"),
        ("application/json;q=0, */*", "csv"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("text/csv;q=nonsense, application/json;q=0.5", "csv"),
        ("text/csv;q=7, application/json;q=0.5", "csv"),
        ("text/csv;q=NaN, application/json;q=0.5", "csv"),
    ],
)
def test_what_accept_prefers(accept: str | None, answered: str) -> None:
    assert chosen(accept) == answered
    assert chosen(accept, "csv") == "csv"


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json;q=0", "*/*;q=0", "nonsense"])
def test_what_cannot_be_answered(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        chosen(accept)
    assert refused.value.faults[0].fix == "Accept any of application/json, text/csv."


def test_a_format_that_there_is_not() -> None:
    with pytest.raises(Invalid) as refused:
        chosen(None, "pdf")
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [("unknown_value", "/query/format")]
