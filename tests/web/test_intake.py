"""Strict JSON: exact numbers, no coercion, every place named; fast for a thousand cells and cheap for hostile ones."""

import contextlib
import json
import subprocess
import sys
import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, Many
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid
from app.web.intake import MOST_FAULTS, Malformed, parse, pointer
from app.web.shapes import read_as


def faults(body: bytes) -> list[Fault]:
    with pytest.raises(Malformed) as refused:
        parse(body)
    return list(refused.value.faults)


def places(body: bytes) -> list[tuple[str, str | None]]:
    return [(fault.code, fault.pointer) for fault in faults(body)]


def test_numbers_keep_every_digit() -> None:
    value = parse(b"[1, -0, 41.50, 0.1, 123456789012345678.123456789, 1e3, 1E-3, true, null]")
    assert [str(each) for each in value] == ["1", "0", "41.50", "0.1", "123456789012345678.123456789", "1E+3", "0.001", "True", "None"]
    assert [type(each) for each in value[:3]] == [int, int, Decimal]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}', [("duplicate_member", "/a"), ("duplicate_member", "/b/c")]),
        (b'{"a": [NaN, {"b": -Infinity}]}', [("not_a_number", "/a/0"), ("not_a_number", "/a/1/b")]),
        (b'["\\ud800", {"x": "\\udc00a", "\\udfff": 1}]', [("lone_surrogate", "/0"), ("lone_surrogate", "/1/x"), ("lone_surrogate", "/1")]),
        (b'{"a": "\\u0000", "\\u0000": 1}', [("nul", "/a"), ("nul", "")]),
        (b"[" + b"9" * 41 + b", 1e41, 0e999999999, 1e99999999999999999999999]", [("number_too_long", f"/{place}") for place in range(4)]),
        (b"[" * 33 + b"]" * 33, [("too_deep", "")]),
        (b'{"a":' * 50_000, [("too_deep", "")]),
        (b"", [("empty", "")]),
        (b" \n", [("empty", "")]),
        (b'{"a~/b": NaN, "with space": [NaN]}', [("not_a_number", "/a~0~1b"), ("not_a_number", "")]),
    ],
)
def test_what_is_not_strict_json_is_refused_with_its_place(body: bytes, expected: list[tuple[str, str]]) -> None:
    assert places(body) == expected


@pytest.mark.parametrize(
    ("body", "code", "line", "column"),
    [
        (b'{"a": 1,}', "syntax", 1, 9),
        (b"[1]\n[2]", "syntax", 2, 1),
        (b'{"a":\n\t"\x01"}', "syntax", 2, 3),
        (b'["\xe9"]', "not_utf8", 1, 3),
        (b'["\xed\xa0\x80"]', "not_utf8", 1, 3),
        (b"\xef\xbb\xbf{}", "byte_order_mark", 1, 1),
        (b"'a'", "syntax", 1, 1),
        ('{"é": 01}'.encode(), "syntax", 1, 8),
    ],
)
def test_what_cannot_be_read_is_refused_with_line_and_column(body: bytes, code: str, line: int, column: int) -> None:
    assert [(fault.code, fault.line, fault.column) for fault in faults(body)] == [(code, line, column)]


def test_whole_surrogate_pairs_and_escaped_backslashes_pass() -> None:
    assert parse(b'["\\ud83d\\ude00", "\\\\ud800", "\\\\u0000"]') == ["\N{GRINNING FACE}", "\\ud800", "\\u0000"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
        lambda part: st.lists(part) | st.dictionaries(st.text(), part),
        max_leaves=20,
    )
)
def test_what_is_strict_json_reads_as_it_was_written(value: Any) -> None:
    text = json.dumps(value)
    if "\\u0000" not in text:
        assert parse(text.encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(Malformed):
        parse(body)


def test_a_great_many_faults_are_capped() -> None:
    found = faults(b"[" + b"NaN," * 5000 + b"1]")
    assert len(found) == MOST_FAULTS + 1
    assert found[-1].code == "more"


def test_a_body_of_too_many_values_is_refused_before_they_are_read() -> None:
    assert parse(b'[{"a": [1, 2]}, "x"]', most_values=5)
    with pytest.raises(Malformed) as refused:
        parse(b'[{"a": [1, 2]}, "x", ', most_values=5)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [("too_many_values", "")]


_GROWTH = """
import resource
from contextlib import suppress
from app.web.intake import Malformed, parse

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for part, most in ((b"{},", 100_000), (b"NaN,", 650_000), (b'{"a":1,"a":2},', 650_000), (b'{"a":1},', 650_000)):
    for count in (2**24 // len(part), most // (part.count(b"{") + part.count(b",")) - 1):
        with suppress(Malformed):
            parse(b"[" + part * count + b'{"a":1,"a":1}]', most_values=most)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_hostile_bodies_take_little_memory() -> None:
    """Sixteen megabytes of small objects, or of what is wrong in each place, took a gigabyte."""
    asked = subprocess.run([sys.executable, "-c", _GROWTH], capture_output=True, text=True, check=True)
    assert int(asked.stdout) < 200


def test_hostile_bodies_cost_no_more_than_long_ones() -> None:
    plain = json.dumps([{"a": 1}] * 100_000).encode()

    def seconds(body: bytes) -> float:
        started = time.perf_counter()
        with contextlib.suppress(Malformed):
            parse(body, most_values=len(body))
        return time.perf_counter() - started

    bound = 20 * seconds(plain) + 1
    size = len(plain)
    for body in (
        b"9" * size,
        b"1e" + b"9" * size,
        b"[" * size,
        b'"' + b"\\ud800" * (size // 6) + b'"',
        b'{"a":0,' * (size // 7),
        b'{"a":0' + b',"a":0' * (size // 6) + b"}",
    ):
        assert seconds(body) < bound


class Kind(StrEnum):
    ONE = "one"


class Entry(Line):
    code: Code
    count: int = 1


class Document(Line):
    month: Month
    kind: Annotated[Kind, Field(strict=False)] = Kind.ONE
    figure: ExactDecimal | None = None
    entries: Many[Code | Entry] = ()
    names: dict[str, Code] = {}
    note: Annotated[str, Field(max_length=5)] = ""


def shape_faults(body: bytes) -> list[tuple[str, str | None]]:
    with pytest.raises(Invalid) as refused:
        read_as(Document, parse(body))
    assert "canary" not in str(refused.value.faults)
    return [(fault.code, fault.pointer) for fault in refused.value.faults]


def test_a_value_becomes_its_model() -> None:
    document = read_as(Document, parse(b'{"month": "2026-10", "figure": 41.5, "entries": ["a", {"code": "b"}], "kind": "one"}'))
    assert (document.figure, document.entries) == (Decimal("41.5"), ("a", Entry(code="b")))


def test_all_that_is_wrong_is_named_once() -> None:
    body = (
        b'{"kind": "canary", "figure": true, "note": "canary", "entries": ["a", {"code": 1, "canary!": 2}, 7, {"count": 2.5}, "no code"],'
        b' "names": {"x": "canary !", "1234567890": "canary !"}, "more": 1}'
    )
    assert shape_faults(body) == [
        ("missing", "/month"),
        ("not_one_of", "/kind"),
        ("number", "/figure"),
        ("wrong_type", "/entries/1/code"),
        ("unknown_member", "/entries/1"),
        ("wrong_type", "/entries/2"),
        ("missing", "/entries/3/code"),
        ("wrong_type", "/entries/3/count"),
        ("pattern", "/entries/4"),
        ("pattern", "/names/x"),
        ("pattern", "/names"),
        ("too_long", "/note"),
        ("unknown_member", "/more"),
    ]


@pytest.mark.parametrize("body", [b"[]", b'"canary"', b"1", b"null"])
def test_another_shape_altogether(body: bytes) -> None:
    assert shape_faults(body) == [("wrong_type", "")]


def test_pointers_escape_and_stop_at_what_they_must_not_repeat() -> None:
    assert pointer(("a/b", 0, "m~n")) == "/a~1b/0/m~0n"
    assert pointer(("a", "943 476 5919", "b")) == "/a"
    assert pointer(("a", "9434765919", "b")) == "/a"
