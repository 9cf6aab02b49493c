"""Hostile payloads at every operation: no 5xx, always a problem, nothing repeated."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts

from app.main import OPEN
from tests.support.databases import Database
from tests.support.http import Web, serving

CANARY = "zqxcanary"
WORDS = [
    CANARY,
    f"{CANARY}'; DROP TABLE clients; --",
    f"{CANARY}\x00",
    f"../../{CANARY}",
    f"<script>{CANARY}</script>",
    f"{CANARY}%s%n{{0}}${{7*7}}",
    f"{CANARY}\u202e\U0001f4a9",
    CANARY * 500,
    f"{CANARY}\r\nX-Injected: 1",
    "9" * 400,
    "-1",
    "1e999",
    "NaN",
    "2026-13",
    "0000-01",
    "9999-12",
    "",
    "*",
    "all",
]
BODIES = [
    b"",
    b"null",
    b"[]",
    b"true",
    b"{}",
    b'{"cells": null}',
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b"\xff\xfe",
    b"1" * 5_000,
    b'{"programme": NaN}',
    json.dumps({"programme": {"code": CANARY + "\x00"}, CANARY: [CANARY], "cells": [{CANARY: CANARY}] * 50}).encode(),
    json.dumps({"programme": {"code": "p", "name": CANARY, "prime": "X", "starts_on": "9999-99-99", "ends_on": CANARY}}).encode(),
    json.dumps({"rest": CANARY, "cells": [{"measure": CANARY, "numerator": "1e400", "denominator": True}], "note": [CANARY]}).encode(),
    json.dumps({"cells": [[[]], CANARY, 1e308, None, {"numerator": {}}]}).encode(),
    b'{"cells": [{"numerator": 1e400}, {"numerator": 1E-400}, {"numerator": 00}]}',
    b'{"cells": [], "cells": [], "rest": "\\ud800"}',
]


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with serving(module_database) as web:
        yield web


def operations(web: Web) -> list[tuple[str, str]]:
    found = []
    for context in iter_route_contexts(web.app.routes):
        if context.path not in OPEN:
            # HEAD is GET without the body: the same endpoint.
            found += [(method, str(context.path)) for method in sorted(context.methods or ()) if method != "HEAD"]
    return found


SUBJECT = re.compile(r'"subject":\{[^{}]*\}')
"""What an event is about. Of an act that was refused it names the codes in the address, and the plain word has the shape of one."""


def check(web: Web, method: str, path: str, *, content: bytes | None = None, headers: dict[str, str] | None = None) -> None:
    answer = web.request(method, path, key=web.key("administrator"), content=content, headers=headers)
    place = f"{method} {path[:200]!r} {(content or b'')[:80]!r} answered {answer.status_code}: {answer.text[:300]}"
    assert answer.status_code < 500, place
    assert CANARY not in (SUBJECT.sub("", answer.text) if "/audit" in path else answer.text), place
    assert CANARY not in str(answer.headers), place
    assert "x-injected" not in answer.headers, place
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", place


def in_turn(words: Sequence[str], turns: Iterator[int], *, of: int) -> Sequence[str]:
    """Every so-manieth word, another each time: all of them come at many places, and each place meets some."""
    return words[next(turns) % of :: of]


def test_hostile_words_in_every_place_of_every_path(web: Web) -> None:
    turns = itertools.count()
    for method, path in operations(web):
        for parameter in re.findall(r"{(\w+)}", path):
            for word in in_turn(WORDS, turns, of=3):
                hostile = path.replace(f"{{{parameter}}}", quote(word, safe=""))
                check(web, method, re.sub(r"{\w+}", "2026-10", hostile), content=b"{}" if method != "GET" else None)


def test_hostile_words_in_every_parameter(web: Web) -> None:
    contract, turns = web.get("/openapi.json").json(), itertools.count()
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query" and path not in OPEN:
                    for word in in_turn(WORDS, turns, of=3):
                        query = f"{parameter['name']}={quote(word, safe='')}"
                        check(
                            web,
                            method.upper(),
                            f"{re.sub(r'{[a-z_]+}', '2026-10', path)}?{query}",
                            content=b"{}" if method != "get" else None,
                        )


def test_hostile_bodies(web: Web) -> None:
    for method, path in operations(web):
        if method in {"POST", "PUT", "PATCH"}:
            for content in BODIES:
                check(web, method, re.sub(r"{\w+}", "2026-10", path), content=content, headers={"If-None-Match": "*"})


def test_hostile_headers(web: Web) -> None:
    turns = itertools.count()
    for method, path in operations(web):
        for name in (
            "If-Match",
            "If-None-Match",
            "Idempotency-Key",
            "X-Request-ID",
            "traceparent",
            "Content-Type",
            "Accept",
            "X-Other",
            "Range",
        ):
            for word in in_turn([f'"{CANARY}', f"{CANARY}, W/", '","' * 200, CANARY * 100, "*, *"], turns, of=3):
                content = b"{}" if method != "GET" else None
                check(web, method, re.sub(r"{\w+}", "2026-10", path), content=content, headers={name: word.replace(CANARY, "zqx canary;")})
