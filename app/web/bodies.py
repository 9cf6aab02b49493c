"""Bodies off the wire: as far as the limit, and of the type that is read."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.settings import Settings
from app.web.problems import BadRequest, Busy, TooLarge, TooSlow, UnsupportedMedia

METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
JSON: Final = "application/json"
LONGEST_FILE_NAME: Final = 200


Take = Callable[[int], None]
"""Counts so many bytes as held, or raises Busy."""


class HeldBodies:
    """How much of the bodies that are being read and worked on is held at once, in one process; one client's is half of it."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes: Counter[str] = Counter()

    @contextmanager
    def by(self, client: str) -> Iterator[Take]:
        """Count what is taken as the client's until the block ends."""
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            if self._bytes[client] + count > self._most_bytes // 2 or self._bytes.total() + count > self._most_bytes:
                raise Busy("More is being sent to the service than it can hold at once; nothing was done. Send it again a little later.")
            taken += count
            self._bytes[client] += count

        try:
            yield take
        finally:
            self._bytes[client] -= taken
            if not self._bytes[client]:
                del self._bytes[client]


async def read_body(request: Request, *, limit_bytes: int, take: Take = lambda _: None) -> bytes:
    """The bytes of the body; TooLarge as soon as it is known to be, without reading on."""
    parts = []
    async for part in body_parts(request, limit_bytes=limit_bytes):
        take(len(part))
        parts.append(part)
    return b"".join(parts)


async def body_parts(request: Request, *, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it comes; TooLarge or TooSlow as soon as it is known to be, without reading on."""
    sentence = f"A body here has at most {limit_bytes} bytes."
    announced = request.headers.get("content-length")
    if announced is not None:
        if not (announced.isascii() and announced.isdigit()):
            raise BadRequest("Content-Length is not a number.")
        if len(announced) > 18 or int(announced) > limit_bytes:
            raise TooLarge(sentence)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMedia("A body here is sent without a Content-Encoding.")
    settings: Settings = request.app.state.settings
    begun_at, length, parts = asyncio.get_running_loop().time(), 0, request.stream()
    while True:
        patience = settings.slow_seconds + length / settings.least_bytes_per_second
        try:
            async with asyncio.timeout_at(begun_at + patience):
                part = await anext(parts, None)
        except TimeoutError:
            raise TooSlow(
                f"After {settings.slow_seconds} seconds a body comes at {settings.least_bytes_per_second} bytes a second."
            ) from None
        except ClientDisconnect:
            # Nobody may be left to read it; it is no defect of ours.
            raise BadRequest("The body breaks off before its end.") from None
        if part is None:
            return
        length += len(part)
        if length > limit_bytes:
            raise TooLarge(sentence)
        yield part


def media_type(header: str | None) -> tuple[str, dict[str, str]]:
    """A content type in small letters and its parameters."""
    kind, *rest = (header or "").split(";")
    parameters = [part.partition("=") for part in rest if part.strip()]
    return kind.strip().lower(), {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in parameters}


def file_name(header: str | None) -> str | None:
    """The name that `Content-Disposition: attachment; filename="…"` gives a body, without folders and what cannot be seen."""
    if header is None:
        return None
    message = Message()
    # A header is read as Latin-1; programs send UTF-8 as it is.
    raw = header.encode("latin-1")
    message["Content-Disposition"] = raw.decode("utf-8") if _is_utf8(raw) else header
    names = [value for name, value in message.get_params([], "Content-Disposition") if name == "filename"]
    # Where both are said, the extended form is meant and the plain one is for who cannot read it (RFC 6266, 4.3).
    named = collapse_rfc2231_value(max(names, key=lambda value: isinstance(value, tuple), default=""))
    base = "".join(filter(str.isprintable, re.split(r"[/\\]", named)[-1])).strip()
    return base[:LONGEST_FILE_NAME] or None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def require_json(header: str | None) -> None:
    """Pass for `application/json`, in UTF-8 if it says in what."""
    kind, parameters = media_type(header)
    if kind != JSON or parameters.get("charset", "utf-8") not in {"utf-8", "utf8"}:
        raise UnsupportedMedia("Send `Content-Type: application/json`, in UTF-8.")
