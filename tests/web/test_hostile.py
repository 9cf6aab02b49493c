"""Hostile payloads at every operation: no 5xx, always a problem, nothing repeated."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts

from app.main import OPEN
from tests.support.databases import Database
from tests.support.http import Web, serving

W = TypeVar("W", str, bytes)
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
    f"{CANARY}' OR '1'='1",
    f"{CANARY}'); SELECT pg_sleep(9); --",
    f"{CANARY}%00",
    f"%2e%2e%2f{CANARY}",
    f"..\\..\\{CANARY}",
    f"=cmd|'/c {CANARY}'!A1",
    f"@SUM(1+1)*{CANARY}",
    f"javascript:{CANARY}",
    f"{{{{{CANARY}}}}}",
    f"${{jndi:ldap://{CANARY}}}",
    f"{CANARY}\x1b[31m",
    f"{CANARY}\ufeff\u0000\ud7ff",
    "-9223372036854775809",
    "0x10",
    "\uff11\uff12",
    "2026-10-32T99:99:99Z",
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
    b"{" + b'"a": {' * 3_000,
    b'{"month": "2026-10", "reason": ' + b'"' + CANARY.encode() * 20_000 + b'"}',
    b'{"__proto__": {"role": "administrator"}, "constructor": null}',
    b'{"role": "administrator", "programme": "*", "name": "x", "subcontract": "*", "commissioner": "*"}',
    b'\xef\xbb\xbf{"text": "a"}',
    b'{"text": "\x00"}',
    b'{"cells": [' + b'{"measure": "CWT-62"},' * 2_000 + b"{}]}",
    b'{"number": 9223372036854775808, "revision": -1, "month": 202610}',
    b'{"rest": "zero", "cells": [{"measure": "CWT-62", "numerator": "\xd9\xa1\xd9\xa2", "denominator": "1_000"}]}',
    b'{"keys": [{"kty": "oct", "k": "' + CANARY.encode() + b'", "alg": "HS256", "kid": "../../etc/passwd"}]}',
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"PK\x03\x04" + b"\x00" * 64,
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


def in_turn(words: Sequence[W], turns: Iterator[int], *, of: int) -> Sequence[W]:
    """Every so-manieth word, another each time: all of them come at many places, and each place meets some."""
    return words[next(turns) % of :: of]


def test_there_are_sixty_of_them() -> None:
    assert len({*WORDS}) + len({*BODIES}) >= 60


def test_hostile_words_in_every_place_of_every_path(web: Web) -> None:
    turns = itertools.count()
    for method, path in operations(web):
        for parameter in re.findall(r"{(\w+)}", path):
            for word in in_turn(WORDS, turns, of=5):
                hostile = path.replace(f"{{{parameter}}}", quote(word, safe=""))
                check(web, method, re.sub(r"{\w+}", "2026-10", hostile), content=b"{}" if method != "GET" else None)


def test_hostile_words_in_every_parameter(web: Web) -> None:
    contract, turns = web.get("/openapi.json").json(), itertools.count()
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query" and path not in OPEN:
                    for word in in_turn(WORDS, turns, of=5):
                        query = f"{parameter['name']}={quote(word, safe='')}"
                        check(
                            web,
                            method.upper(),
                            f"{re.sub(r'{[a-z_]+}', '2026-10', path)}?{query}",
                            content=b"{}" if method != "get" else None,
                        )


def test_hostile_bodies(web: Web) -> None:
    turns = itertools.count()
    for method, path in operations(web):
        if method in {"POST", "PUT", "PATCH"}:
            for content in in_turn(BODIES, turns, of=2):
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
