"""Bodies off the wire: as far as the limit, and of the type that is read."""

from typing import Final

from fastapi import Request

from app.web.problems import BadRequest, TooLarge, UnsupportedMedia

METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
JSON: Final = "application/json"


async def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """The bytes of the body; TooLarge as soon as it is known to be, without reading on."""
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
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > limit_bytes:
            raise TooLarge(sentence)
        parts.append(part)
    return b"".join(parts)


def media_type(header: str | None) -> tuple[str, dict[str, str]]:
    """A content type in small letters and its parameters."""
    kind, *rest = (header or "").split(";")
    parameters = [part.partition("=") for part in rest if part.strip()]
    return kind.strip().lower(), {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in parameters}


def require_json(header: str | None) -> None:
    """Pass for `application/json`, in UTF-8 if it says in what."""
    kind, parameters = media_type(header)
    if kind != JSON or parameters.get("charset", "utf-8") not in {"utf-8", "utf8"}:
        raise UnsupportedMedia("Send `Content-Type: application/json`, in UTF-8.")
