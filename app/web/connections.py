"""Connections that nobody holds for nothing: heads, readers and their number are bounded where the server itself bounds none of them.

Bodies are bounded where they are read (`bodies`). What is counted here is counted per process.
"""

import asyncio
import uuid
from collections import Counter
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.kernel.refusals import Refusal
from app.settings import Settings
from app.telemetry import log
from app.web.problems import BadRequest, HeadTooLarge, TooSlow, Unavailable, problem
from app.web.requests import SECURITY

_TALL: Final = "A request's line and headers have at most {} bytes."
_SLOW: Final = "A request's line and headers are to come within {} seconds."


class Connection(HttpToolsProtocol):
    """One connection. Whatever is refused here, before there is a request, is a problem like any other, and ends the connection."""

    bounds: ClassVar[Settings]
    of_address: ClassVar[Counter[str]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = False
        self._one_too_many = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn asks for a narrower transport than asyncio promises
        self._address = self.client[0] if self.client else ""
        self.of_address[self._address] += 1
        most_of_one = self.bounds.connections if _is_proxy(self._address, self.bounds) else self.bounds.connections // 2
        self._one_too_many = len(self.connections) > self.bounds.connections or self.of_address[self._address] > most_of_one
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timer = _stopped(self._head_timer)
        self._reader_timer = _stopped(self._reader_timer)
        self.of_address[self._address] -= 1
        if not self.of_address[self._address]:
            del self.of_address[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._one_too_many:
            # Told once it has asked: an answer to what was not asked yet may be lost.
            self._refuse(Unavailable("The service has as many connections as it takes; try again shortly."))
            return
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head or self._is_idle():
            self._head_bytes += len(data)
            if self._head_bytes > self.bounds.head_limit_bytes:
                self._refuse(HeadTooLarge(_TALL.format(self.bounds.head_limit_bytes)))
            elif self._head_timer is None:
                self._wait_for_head()
        else:
            self._head_timer = _stopped(self._head_timer)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        cycle = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_started and not self.pipeline:
            # Its own body broke the request that is read: it is answered here, and whoever waits for the rest is told that there is none.
            cycle.disconnected = cycle.response_complete = True
            cycle.message_event.set()
        self._refuse(BadRequest("What was sent is not HTTP/1.1."))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._reader_timer = _stopped(self._reader_timer)
        super().resume_writing()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._give_up_head)

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self.transport.is_closing() or not (self._in_head or self._is_idle()):
            return
        if self._head_bytes:
            self._refuse(TooSlow(_SLOW.format(self.bounds.head_seconds)))
        else:
            # Opened ahead of need, as browsers do: there is nobody to tell.
            self.transport.close()

    def _watch_reader(self, left_bytes: int) -> None:
        self._reader_timer = self.loop.call_later(self.bounds.slow_seconds, self._look_at_reader, left_bytes)

    def _look_at_reader(self, left_bytes: int) -> None:
        """Drop whoever takes an answer more slowly than it may be sent to us."""
        still_left = self.transport.get_write_buffer_size()
        if left_bytes - still_left < self.bounds.least_bytes_per_second * self.bounds.slow_seconds:
            self.transport.abort()
        else:
            self._watch_reader(still_left)

    def _refuse(self, refusal: Refusal) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # In the midst of another's answer nothing can be said.
            self.transport.abort()
            return
        request_id = str(uuid.uuid4())
        answer = problem(refusal, request_id)
        headers = {**SECURITY, **answer.headers, "X-Request-ID": request_id, "Connection": "close"}
        lines = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers.items())
        self.transport.write(STATUS_LINE[answer.status_code] + lines + b"\r\n" + bytes(answer.body))
        self.transport.close()
        log.info("request_unread", status=answer.status_code, code=refusal.code, request_id=request_id)


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What a timer's name holds once it is stopped: none."""
    if timer is not None:
        timer.cancel()
    return None


def _is_proxy(address: str, settings: Settings) -> bool:
    """Whether many callers may come from this address."""
    return any(ip_address(address) in ip_network(proxy) for proxy in settings.trusted_proxies)


def server_config(application: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How the service is served, by whoever serves it."""
    return uvicorn.Config(
        application,
        http=_bounded(settings),
        ws="none",
        lifespan="on",
        # Log lines are our own events; uvicorn's would hold paths and queries.
        log_config=None,
        access_log=False,
        server_header=False,
        # Left alone, uvicorn believes whatever calls from this machine.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _bounded(settings: Settings) -> type[Connection]:
    """The class of an installation's connections: uvicorn makes them itself, and knows nothing of settings."""

    class Bounded(Connection):
        bounds = settings
        of_address = Counter()

    return Bounded
