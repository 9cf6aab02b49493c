"""Around every request: its ids, its time, one line about it, the headers that every answer carries, and a last answer for defects."""

import re
import secrets
import time
import uuid
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.refusals import Refusal
from app.settings import Settings
from app.telemetry import Metrics, log
from app.web.problems import AddressTooLong, BadRequest, HeadTooLarge, answer_defect, problem

# What a stranger sends is logged and given back: it must not be able to be somebody's number.
_REQUEST_ID: Final = re.compile(r"(?=.*[A-Za-z])(?!(?:.*[^0-9A-Fa-f])?[0-9]{10}(?![0-9A-Fa-f]))[A-Za-z0-9_-]{8,64}\Z")
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})\Z")
SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""What every answer says, where it does not say otherwise."""
LONGEST_PATH_BYTES: Final = 2_048
LONGEST_QUERY_BYTES: Final = 8_192
MOST_PARAMETERS: Final = 100
MOST_HEADERS: Final = 100
_ONCE: Final = frozenset({b"authorization", b"content-type", b"idempotency-key"})
"""What is said once: of two, whoever stands in front of the service may have heeded the other."""
_UNROUTED: Final = "unrouted"
_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class InFlight:
    """How many requests are being answered, and whether the service is about to stop."""

    def __init__(self) -> None:
        self.count = 0
        self.draining = False


class Requests:
    """Pure ASGI, outermost but for Starlette's own last resort: a wrapper that copies bodies would cost more than the work."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, in_flight: InFlight, settings: Settings) -> None:
        self._app = app
        self._head_limit_bytes = settings.head_limit_bytes
        self._metrics = metrics
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        method = scope["method"]
        if method == "HEAD":
            # Everything that can be read can be asked about: it is read, and the body is left out.
            scope = {**scope, "method": "GET"}
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        trace_id, traceparent = _trace(headers.get("traceparent"))
        # A copy: what the server hands in may be shared between requests.
        state = scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = MutableHeaders(scope=message)
                said["X-Request-ID"] = request_id
                said["traceparent"] = traceparent
                for name, value in {**SECURITY, **_as_of(state)}.items():
                    said.setdefault(name, value)
                if self._in_flight.draining:
                    said["Connection"] = "close"
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        self._in_flight.count += 1
        self._metrics.in_flight.inc()
        try:
            refusal = too_much(scope, head_limit_bytes=self._head_limit_bytes)
            await (self._app if refusal is None else problem(refusal, request_id))(scope, receive, answer)
        except Exception as error:
            # Anything may go wrong in an endpoint; nobody ever sees a stack trace.
            self._metrics.defects.inc()
            response = answer_defect(error, request_id)
            if status:
                # Half an answer is out: only breaking the connection tells the reader that it is not whole.
                raise
            await response(scope, receive, answer)
        finally:
            self._in_flight.count -= 1
            self._metrics.in_flight.dec()
            self._note(scope, state, method=method, status=status, trace_id=trace_id, seconds=time.perf_counter() - started_at)

    def _note(self, scope: Scope, state: dict[str, Any], *, method: str, status: int, trace_id: str, seconds: float) -> None:
        route: str = getattr(scope.get("route"), "path", _UNROUTED)
        method = method if method in _KNOWN_METHODS else "other"
        self._metrics.seconds.labels(method, route, str(status)).observe(seconds)
        log.info(
            "request_answered",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            client=state.get("client"),
            request_id=state["request_id"],
            trace_id=trace_id,
        )


def _as_of(state: dict[str, Any]) -> dict[str, str]:
    """What is said where the request asked how things stood at a moment: which one that was."""
    return {"X-As-Of": state["as_of"]} if "as_of" in state else {}


def too_much(scope: Scope, *, head_limit_bytes: int) -> Refusal | None:
    """The refusal of an address or of headers that nobody needs here, or that say two things; None for all others."""
    if len(scope.get("raw_path") or scope["path"]) > LONGEST_PATH_BYTES:
        return AddressTooLong(f"An address here has at most {LONGEST_PATH_BYTES} bytes before its query.")
    query = scope["query_string"]
    if query and (len(query) > LONGEST_QUERY_BYTES or query.count(b"&") >= MOST_PARAMETERS):
        return AddressTooLong(f"A query here has at most {LONGEST_QUERY_BYTES} bytes and {MOST_PARAMETERS} parameters.")
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS or sum([len(name) + len(value) for name, value in headers]) > head_limit_bytes:
        return HeadTooLarge(f"A request here has at most {MOST_HEADERS} headers of {head_limit_bytes} bytes in all.")
    said = [name for name, _ in headers if name in _ONCE]
    if len(said) > len(set(said)):
        return BadRequest("Of Authorization, Content-Type and Idempotency-Key a request has one each at most.")
    return None


def _request_id(given: str | None) -> str:
    """The id that the caller gave, where it has the shape of one; else a new one."""
    return given if given is not None and _REQUEST_ID.match(given) else str(uuid.uuid4())


def _trace(given: str | None) -> tuple[str, str]:
    """The trace that the request belongs to, and the header that names our part of it (W3C Trace Context)."""
    match = _TRACEPARENT.match(given) if given is not None else None
    trace_id, flags = (match[1], match[2]) if match is not None else (secrets.token_hex(16), "00")
    return trace_id, f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"
