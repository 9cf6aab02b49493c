"""Keyset pages: a limit, an opaque cursor, and where the next page is."""

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query

from app.kernel.actors import Actor
from app.kernel.canonical import json_bytes
from app.kernel.refusals import Fault, Kind, Refusal
from app.web.work import Unit

R = TypeVar("R")
Key = tuple[str | int, ...]
Parameters = Sequence[tuple[str, str]]

LIMIT: Final = 50
LARGEST_LIMIT: Final = 200
MOST: Final = 2**31 - 1
"""No number of a key is larger: what is larger was never given out."""


class BadCursor(Refusal):
    """A cursor is taken from the page before, of the same list as the same reader asked for it, and from nowhere else."""

    code: ClassVar[str] = "bad_cursor"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "That is no cursor of this list"


@dataclass(frozen=True, slots=True)
class Page:
    """What was asked for: at most `limit` rows whose key comes after `after` (from the start where it is None)."""

    limit: int
    after: Key | None
    path: str
    query: Parameters
    asked: bytes
    """What its cursors are bound to."""

    def after_as(self, *kinds: type[str] | type[int]) -> Any:
        """The key to go on after, whose parts are of these kinds, or None; BadCursor where it is another list's: a cursor is no secret."""
        if self.after is not None and list(map(type, self.after)) != list(kinds):
            raise bad_cursor()
        return self.after

    def cut(self, rows: Sequence[R], key: Callable[[R], Key]) -> tuple[Sequence[R], str | None, dict[str, str]]:
        """Of rows read with `limit + 1`: those of this page, the next cursor or None, and the `Link` header that names it."""
        if len(rows) <= self.limit:
            return rows, None, {}
        rows = rows[: self.limit]
        following = encode_cursor(self.asked, key(rows[-1]))
        address = f"{self.path}?{urlencode([*_filters(self.query), ('limit', str(self.limit)), ('cursor', following)])}"
        return rows, following, {"Link": f'<{address}>; rel="next"'}


def asked_for(path: str, query: Parameters, actor: Actor) -> bytes:
    """What makes a list: its address, what it is filtered by in whatever order, and whose rows its reader sees."""
    reach = (actor.programme, actor.subcontract, actor.commissioner, actor.inherited_subcontracts, actor.inherited_commissioners)
    return json_bytes([path, sorted(_filters(query)), reach])


def _filters(query: Parameters) -> list[tuple[str, str]]:
    return [(name, value) for name, value in query if name not in {"cursor", "limit"}]


def encode_cursor(asked: bytes, key: Key) -> str:
    """An opaque cursor of one list; the checksum keeps cursors of other lists and typing errors out, it keeps no secret."""
    text = json_bytes(list(key))
    return base64.urlsafe_b64encode(_checksum(asked, text) + text).decode().rstrip("=")


def decode_cursor(asked: bytes, cursor: str) -> Key:
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        checksum, text = content[:4], content[4:]
        key: Any = json.loads(text) if checksum == _checksum(asked, text) else None
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or not all(_is_part(part) for part in key):
        raise bad_cursor()
    return tuple(key)


def _is_part(part: object) -> bool:
    """A text, or a whole number that a column of the database can be."""
    return isinstance(part, str) or (type(part) is int and -MOST <= part <= MOST)


def bad_cursor() -> BadCursor:
    """What is said of a cursor that is none of the list's: also by a list that finds out what its parts mean."""
    fault = Fault(
        "cursor",
        "This cursor is not of this list, or not of this list as it is asked for here.",
        "Take it from `next` of the page before and send it with the same parameters and as the same reader; to ask otherwise, leave it out.",
        pointer="/query/cursor",
    )
    return BadCursor("The cursor is not one that this list gave.", faults=[fault])


def _checksum(asked: bytes, text: bytes) -> bytes:
    return zlib.crc32(asked + b"\0" + text).to_bytes(4, "big")


def pages(*, largest: int = LARGEST_LIMIT, usual: int = LIMIT) -> Callable[..., Page]:
    """The dependency of a list whose pages hold up to `largest` rows, and `usual` ones unless asked otherwise."""

    def page(
        unit: Unit,
        limit: Annotated[int, Query(ge=1, le=largest, description="Rows of a page.")] = usual,
        cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")] = None,
    ) -> Page:
        asked = asked_for(unit.path, unit.query, unit.actor)
        return Page(limit, None if cursor is None else decode_cursor(asked, cursor), unit.path, unit.query, asked)

    return page


PageOf = Annotated[Page, Depends(pages())]
"""A page of at most 200 rows, 50 unless asked otherwise."""
