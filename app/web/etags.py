"""ETags and the preconditions that go with them: nobody overwrites what they have not seen."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from app.kernel.canonical import sha256
from app.kernel.refusals import Kind, Refusal

_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|\Z)')


class PreconditionRequired(Refusal):
    """The request must say which state it was made for."""

    code: ClassVar[str] = "precondition_required"
    kind: ClassVar[Kind] = Kind.PRECONDITION_REQUIRED
    title: ClassVar[str] = "Say which state this is meant for"


class Stale(Refusal):
    """The thing is no longer (or not yet) as the request assumed."""

    code: ClassVar[str] = "stale"
    kind: ClassVar[Kind] = Kind.STALE
    title: ClassVar[str] = "The state has changed since it was read"


def tag_of(content: bytes) -> str:
    """The ETag of a representation: strong, and the same wherever the bytes are."""
    return f'"{sha256(content)}"'


def strong(tag: str) -> str:
    """An ETag out of a digest or an ETag."""
    return tag if tag.startswith('"') else f'"{tag}"'


def _tags(header: str) -> list[tuple[bool, str]]:
    """The tags that a list names, each with whether it is weak. What is no tag matches nothing."""
    return [(weak != "", f'"{tag}"') for weak, tag in _TAG.findall(header)]


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a request's If-Match and If-None-Match say; each the header's text or None."""

    if_match: str | None = None
    if_none_match: str | None = None

    def unchanged(self, current: str) -> bool:
        """Whether a reader already has the representation of this tag (weak comparison): 304."""
        header = self.if_none_match
        return header is not None and (header.strip() == "*" or any(tag == strong(current) for _, tag in _tags(header)))

    def check(self, current: str | None) -> None:
        """For PUT, PATCH and DELETE, once what it concerns is locked: `current` is its tag, None where there is none yet.

        Something that exists takes If-Match; a PUT that creates takes `If-None-Match: *`.
        """
        if current is None:
            if self.if_match is not None:
                raise Stale("If-Match names a state, but there is nothing here yet.")
            if self.if_none_match is None or self.if_none_match.strip() != "*":
                raise PreconditionRequired("There is nothing here yet: send `If-None-Match: *` to create it.")
            return
        if self.if_none_match is not None and self.unchanged(current):
            raise Stale("If-None-Match says that this is new, but it is there already.")
        if self.if_match is None:
            raise PreconditionRequired("This exists: send the ETag you read in `If-Match`.")
        if self.if_match.strip() != "*" and not any(not weak and tag == strong(current) for weak, tag in _tags(self.if_match)):
            raise Stale("It has changed since you read that ETag: read it again.")
