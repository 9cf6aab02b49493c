"""Canonical JSON is RFC 8785's, byte for byte, for every value that a row can carry."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.canonical import canonical_bytes
from app.kernel.figures import carried, json_number
from app.kernel.months import Month


def plainly(value: Any) -> Any:
    """The same value as the library takes it."""
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, dict):
        return {name: plainly(part) for name, part in value.items()}
    return [plainly(part) for part in value] if isinstance(value, list) else value


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# As rows carry them: what a double holds exactly, small and large, with and without places.
figures = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1).map(Decimal),
    st.decimals(min_value=-9_999_999, max_value=9_999_999, places=6).map(carried),
    st.tuples(st.integers(-(10**15), 10**15), st.integers(-25, -1)).map(lambda parts: carried(Decimal(parts[0]).scaleb(parts[1]))),
)
scalars = st.one_of(st.none(), st.booleans(), texts, figures, st.integers(-(2**53) + 1, 2**53 - 1))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=6), max_leaves=12)


@settings(max_examples=300)
@given(value=values)
def test_it_is_what_the_library_writes(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(plainly(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.000001"), "0.000001"),
        (Decimal("0.0000012"), "0.0000012"),
        (Decimal("1E-7"), "1e-7"),
        (Decimal("-0.0"), "0"),
        (Decimal("41.50"), "41.5"),
        ({"b": 1, "a": [True, None], "\N{GRINNING FACE}": "\x7f\x01\t/\u2028", "\ufb33": ""}, '{"a":[true,null],"b":1,"😀":"\x7f\\u0001\\t/\u2028","\ufb33":""}'),
        ({"month": Month.parse("2026-10"), "at": datetime(2026, 11, 1, tzinfo=UTC)}, '{"at":"2026-11-01T00:00:00.000000Z","month":"2026-10"}'),
    ],
)  # fmt: skip
def test_what_javascript_would_write(value: Any, text: str) -> None:
    assert canonical_bytes(value) == text.encode()


@pytest.mark.parametrize("value", [Decimal(2**53), Decimal("0.12345678901234567"), Decimal("NaN"), "\ud800"])
def test_what_a_reader_could_not_read_back_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical_bytes(value)
