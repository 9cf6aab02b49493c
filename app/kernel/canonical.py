"""Digests and JSON text that mean the same thing everywhere."""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.kernel.figures import json_number
from app.kernel.moments import moment_text
from app.kernel.months import Month


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _special(value: object) -> object:
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, Month):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8, members in the order given; decimals exact, moments and months as text."""
    return json.dumps(value, default=_special, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def digest(value: Any) -> str:
    """The SHA-256 of a value's JSON with its members sorted: equal values, equal digests."""
    text = json.dumps(value, default=_special, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return sha256(text.encode())
