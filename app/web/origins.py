"""Who asks without a key: pages of other origins in a browser, which are strangers unless named, and addresses that ask what is open to all."""

from collections.abc import Collection
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.refusals import Refusal
from app.web.problems import problem
from app.web.rates import neighbourhood

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT: Final = (
    "Authorization",
    "Content-Type",
    "Content-Disposition",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-ID",
    "traceparent",
)
_SHOWN: Final = (
    "ETag",
    "Link",
    "Location",
    "Content-Disposition",
    "Content-Location",
    "Retry-After",
    "Idempotent-Replayed",
    "X-Request-ID",
    "traceparent",
)


class OtherOrigins:
    """Pure ASGI: CORS for the origins that are named, and for no other, which then meets the service as if there were no such thing."""

    def __init__(self, app: ASGIApp, *, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = {origin.encode("ascii") for origin in allowed}
        self._open = CORSMiddleware(
            app, allow_origins=list(allowed), allow_methods=_METHODS, allow_headers=_SENT, expose_headers=_SHOWN, max_age=600
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"origin") in self._allowed:
            await self._open(scope, receive, send)
            return

        async def varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)

        await self._app(scope, receive, varying)


class OpenToAll:
    """Pure ASGI: what needs no key is counted for the address that asks."""

    def __init__(self, app: ASGIApp, *, addresses: Collection[str]) -> None:
        self._app = app
        # An address with a parameter in it stands for what begins like it.
        self._whole = frozenset(address for address in addresses if "{" not in address)
        self._openings = tuple({address.partition("{")[0] for address in addresses if "{" in address})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] in self._whole or scope["path"].startswith(self._openings)):
            try:
                scope["app"].state.strangers.take(neighbourhood((scope["client"] or [None])[0]))
            except Refusal as refusal:
                await problem(refusal, scope["state"]["request_id"])(scope, receive, send)
                return
        await self._app(scope, receive, send)
