"""Refusals: what the service says when it will not do something, complete and with a stable code."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from app.kernel.actors import Actor


class Kind(StrEnum):
    """What sort of refusal it is; `web/problems.py` maps each to an HTTP status."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    CONFLICT = "conflict"
    STALE = "stale"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    HEAD_TOO_LARGE = "head_too_large"
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"
    PRECONDITION_REQUIRED = "precondition_required"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a stable code, the place, what is wrong and how to put it right.

    Never carries the value that was sent.
    """

    code: str
    detail: str
    fix: str
    pointer: str | None = None
    line: int | None = None
    column: int | None = None
    sheet: str | None = None
    cell: str | None = None


class Refusal(Exception):
    """Base of every refusal. A subclass states its code, kind and title; an instance says what it is about."""

    code: ClassVar[str]
    kind: ClassVar[Kind]
    title: ClassVar[str]
    holder: Actor | None = None
    """Who is known to ask, where the answer does not say that they are known."""

    def __init__(self, detail: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)

    def of(self, holder: Actor) -> Self:
        """The same refusal, known to be this actor's: for the record, never for the answer."""
        self.holder = holder
        return self


class NotFound(Refusal):
    """There is no such thing, or it is not the caller's: the two look alike."""

    code = "not_found"
    kind = Kind.NOT_FOUND
    title = "There is no such thing here"


class Unauthenticated(Refusal):
    """Nobody is known by what was sent: no key, a mistyped, expired or revoked one. Which of these is not said."""

    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED
    title = "A valid key is needed here"


class Forbidden(Refusal):
    """The caller is known, sees the thing, and may not do this to it."""

    code = "forbidden"
    kind = Kind.FORBIDDEN
    title = "This role may not do that"


class Invalid(Refusal):
    """The request can be read but says something that cannot be: `errors` names everything."""

    code = "invalid"
    kind = Kind.INVALID
    title = "The request is not valid"


class AsOfInFuture(Invalid):
    """A read cannot be judged at a moment that has not come."""

    code = "as_of_in_future"
    title = "That moment has not come yet"


def refuse_reversed(first: Any, last: Any) -> None:
    """Pass where what is asked for ends no earlier than it begins, or is open; Invalid otherwise."""
    if first is not None and last is not None and last < first:
        fault = Fault("reversed", "to lies before from.", "Let it end no earlier than it begins.", pointer="/query/to")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault])
