"""Events of the record as anybody can check them: what the digest of one is of."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import to_jsonable_python

from app.kernel.canonical import digest

FIRST_HASH: Final = "0" * 64
"""What the first event of a chain follows."""
ERASED: Final = "[erased]"
"""Stands where words or a name were struck out; the chain says when."""

_LATER: Final = frozenset({"client_programme", "client_subcontract", "client_commissioner"})
"""Members that came after the first events: where null they are no part of the digest."""


def hashed_part(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the digest of an event is of: everything that it says, its predecessor's digest included."""
    return {name: value for name, value in event.items() if name != "sha256" and not (value is None and name in _LATER)}


def state_digest(thing: Any) -> str:
    """The digest of a thing as it stands, whatever values it is made of: what events say of it before and after an act."""
    return digest(to_jsonable_python(thing, fallback=str))


def event_digest(event: Mapping[str, Any]) -> str:
    """The digest of an event."""
    return digest(hashed_part(event))
