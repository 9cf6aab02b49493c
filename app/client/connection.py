"""A connection that tries again where that is safe, and says plainly where it cannot."""

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

TRIES: Final = 6
LONGEST_WAIT_SECONDS: Final = 30.0
_FIRST_WAIT_SECONDS: Final = 0.25
_COME_AGAIN: Final = frozenset({429, 502, 503, 504})
_PATIENCE_SECONDS: Final = 3.0
_CONNECT_SECONDS: Final = 3.0
"""So soon is a network that swallows everything noticed, and told; a service that is there takes milliseconds."""
_TIMEOUT: Final = httpx.Timeout(60.0, connect=_CONNECT_SECONDS)
_PIECE_BYTES: Final = 65_536


class Unreachable(Exception):
    """No answer was had, however often it was tried. Whether the last try was kept is not known: the same `idempotency_key` finds out."""

    def __init__(self, sentence: str, *, idempotency_key: str | None) -> None:
        super().__init__(sentence)
        self.idempotency_key = idempotency_key


class Problem(Exception):
    """The service refused: its problem details (RFC 9457). `errors` names everything that is wrong, each with its place and its fix."""

    def __init__(self, status: int, details: Mapping[str, Any]) -> None:
        self.status = status
        self.code: str = str(details.get("code") or status)
        self.title: str = str(details.get("title") or f"The service answered {status}")
        self.detail: str = str(details.get("detail") or self.title)
        self.errors: list[dict[str, Any]] = list(details.get("errors") or [])
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Pause:
    """How a failed try is followed by the next: given in, so that a test waits for nothing. `say` is told what is waited for."""

    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    say: Callable[[str], None] | None = None

    def before(self, attempt: int, asked_seconds: float | None, *, why: str) -> None:
        """Wait before the attempt after this one (from 0): what the service asked for, else twice as long each time, by chance between half and whole."""
        spread = _FIRST_WAIT_SECONDS * 2**attempt * (0.5 + self.chance() / 2)
        seconds = min(LONGEST_WAIT_SECONDS, max(asked_seconds or 0.0, spread))
        if self.say is not None:
            self.say(f"{why}; trying again in {seconds:.1f} s.")
        self.sleep(seconds)

    @contextlib.contextmanager
    def waiting(self, host: str) -> Iterator[None]:
        """Whoever is told what is waited for is told so too where an answer is long in coming."""
        if self.say is None:
            yield
            return
        told = threading.Timer(_PATIENCE_SECONDS, self.say, [f"{host} has not answered yet; still waiting."])
        told.daemon = True
        told.start()
        try:
            yield
        finally:
            told.cancel()


class Connection:
    """Calls the service. A GET and a POST with an Idempotency-Key are tried again; the key stays the same, so it is done once."""

    def __init__(
        self, address: str, key: str, *, tries: int = TRIES, transport: httpx.BaseTransport | None = None, pause: Pause | None = None
    ) -> None:
        self._http = httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {key}", "User-Agent": "mainstem-client"},
            timeout=_TIMEOUT,
            transport=transport,
            follow_redirects=False,
        )
        self._tries = tries
        self._pause = pause or Pause()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int | bool | None) -> httpx.Response:
        """Read; Problem where it is refused, Unreachable where no answer is had."""
        return self._tried("GET", path, query, content=None, headers={}, idempotency_key=None)

    def post(
        self,
        path: str,
        content: bytes | Path,
        *,
        media_type: str,
        idempotency_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        answer_within_seconds: float | None = None,
        **query: str | int | bool | None,
    ) -> httpx.Response:
        """Write once, however often it has to be sent; a file is sent piece by piece."""
        key = idempotency_key or uuid4().hex
        said = {"Content-Type": media_type, "Idempotency-Key": key, **(headers or {})}
        timeout = _TIMEOUT if answer_within_seconds is None else httpx.Timeout(answer_within_seconds, connect=_CONNECT_SECONDS)
        return self._tried("POST", path, query, content=content, headers=said, idempotency_key=key, timeout=timeout)

    def pages(self, path: str, member: str, **query: str | int | bool | None) -> Iterator[dict[str, Any]]:
        """Every row of a list, page after page."""
        cursor: str | None = None
        while True:
            page = read_json(self.get(path, **query, cursor=cursor))
            yield from page[member]
            cursor = page["next"]
            if cursor is None:
                return

    def _tried(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int | bool | None],
        *,
        content: bytes | Path | None,
        headers: Mapping[str, str],
        idempotency_key: str | None,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> httpx.Response:
        asked = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items() if value is not None}
        host = self._http.base_url.host
        for attempt in range(self._tries):
            last = attempt == self._tries - 1
            try:
                sent = _pieces(content) if isinstance(content, Path) else content
                with self._pause.waiting(host):
                    answer = self._http.request(method, path, params=asked, content=sent, headers=dict(headers), timeout=timeout)
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(
                        f"No answer from {host} after {self._tries} tries ({type(error).__name__}).",
                        idempotency_key=idempotency_key,
                    ) from error
                self._pause.before(attempt, None, why=f"No answer from {host} ({type(error).__name__})")
                continue
            if answer.status_code not in _COME_AGAIN or last:
                return _good(answer)
            why = f"{host} is busy ({answer.status_code})"
            self._pause.before(attempt, _seconds(answer.headers.get("Retry-After")), why=why)
        raise AssertionError("the last try returns or raises")


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(_PIECE_BYTES):
            yield piece


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        details = answer.json()
    except ValueError:
        details = {}
    raise Problem(answer.status_code, details if isinstance(details, dict) else {})


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdigit() else None


def read_json(answer: httpx.Response) -> dict[str, Any]:
    """An answer's object; figures keep every digit."""
    read: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
    return read
