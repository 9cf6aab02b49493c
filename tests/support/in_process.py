"""HTTP without a network: an application called in this process, for little more than its own work."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import httpx
from fastapi import FastAPI

Message = MutableMapping[str, Any]


class InProcess(httpx.AsyncBaseTransport):
    """As `httpx.ASGITransport`, which at each request looks for event loops that are not installed. What the application raises is not: only its answer counts."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        chunks, ended = aiter(request.stream), False
        answered = asyncio.Event()
        status, headers, parts = 500, [], list[bytes]()

        async def receive() -> Message:
            nonlocal ended
            if ended:
                await answered.wait()
                return {"type": "http.disconnect"}
            chunk = await anext(chunks, None)
            ended = chunk is None
            return {"type": "http.request", "body": chunk or b"", "more_body": not ended}

        async def send(message: Message) -> None:
            nonlocal status, headers
            assert not answered.is_set()
            if message["type"] == "http.response.start":
                status, headers = message["status"], message.get("headers", [])
                return
            parts.append(message.get("body", b"") if request.method != "HEAD" else b"")
            if not message.get("more_body", False):
                answered.set()

        try:
            await self._app(_scope(request), receive, send)
            assert answered.is_set()
        except Exception:  # noqa: BLE001 - whatever it is, a server answers 500 or breaks off
            answered.set()
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"".join(parts)), request=request)


def _scope(request: httpx.Request) -> Message:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }
