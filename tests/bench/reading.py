"""A published report with authentication, and the answer that it has not changed, against a bare route of the same application.

The bare route is a `def` endpoint that asks nobody who they are and gives the same bytes. The three take turns on one connection each.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from fastapi import FastAPI, Response
from rich.progress import track

from app.cli.operators import listening, serve_on
from app.db.embedded import ServerUrls
from app.db.engine import make_engine
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY
from app.main import create_app
from app.publications.domain import OF_PROGRAMME
from app.publications.renditions import inflated
from app.publications.store import compressed
from app.settings import Settings, load_settings
from tests.bench import payload
from tests.bench.servers import client_of, process
from tests.publications.published import parts, publish

ROUNDS: Final = 400
WARM_UP: Final = 100
PLACES: Final = 25
"""Rows of the published report: few, so that what it costs to answer is not hidden by what it costs to send."""

_BARE: Final = "/bare"
_BYTES: Final = "BENCH_BYTES"


class Asking:
    """A connection that stays open and asks one thing again and again; reading the answer costs as little as can be."""

    def __init__(self, port: int, path: str, headers: dict[str, str], status: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self._begins = f"HTTP/1.1 {status} ".encode()

    def ask(self) -> tuple[float, bytes, bytes]:
        """Seconds until the whole answer was there, its head and its body."""
        begun = time.perf_counter()
        self._socket.sendall(self._request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._received()
        head, _, body = received.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        rest = [body]
        while (lacking := length - sum(map(len, rest))) > 0:
            rest.append(self._socket.recv(max(lacking, 65536)))
        taken = time.perf_counter() - begun
        if not head.startswith(self._begins):
            raise SystemExit(f"{self._request[:60]!r} was answered {head[:200]!r}: {body[:500]!r}")
        return taken, head, b"".join(rest)

    def _received(self) -> bytes:
        some = self._socket.recv(65536)
        if not some:
            raise SystemExit(f"{self._request[:60]!r} was not answered")
        return some


def measured(folder: Path, urls: ServerUrls) -> dict[str, float]:
    """Milliseconds for a published report, for 304, and for the bare route."""
    content = _published(folder, urls)
    (folder / "bytes.json").write_bytes(content)
    with ExitStack() as stack:
        port = stack.enter_context(_serving(folder))
        key = client_of(port, folder, urls, payload.PROGRAMME, None).key
        path, authorized = f"/v1/programmes/{payload.PROGRAMME}/publications/1", {"Authorization": f"Bearer {key}"}
        first = Asking(port, path, authorized, 200).ask()
        tag = next(line[6:].decode() for line in first[1].split(b"\r\n") if line.lower().startswith(b"etag: "))
        ways = {
            "published": Asking(port, path, authorized, 200),
            "unchanged": Asking(port, path, {**authorized, "If-None-Match": tag}, 304),
            "bare": Asking(port, _BARE, {}, 200),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for number in track(range(WARM_UP + ROUNDS), "reading"):
            for way, asking in ways.items():
                seconds, _, body = asking.ask()
                if body != (b"" if way == "unchanged" else content):
                    raise SystemExit(f"{way} gave other bytes")
                if number >= WARM_UP:
                    taken[way].append(seconds)
    return {way: round(median(seconds) * 1000, 4) for way, seconds in taken.items()}


def _published(folder: Path, urls: ServerUrls) -> bytes:
    """Put a publication in; its bytes for the programme."""
    engine = make_engine(urls.application, Settings(data=folder))
    places = [{"subcontract": f"SC-{number}"} for number in range(PLACES)]
    with open_session(engine, Tenant(payload.PROGRAMME, EVERY, EVERY, EVERY)) as session:
        publish(session, 1, "2026-10", parts("2026-10", *places, slice_="subcontract"), [], programme=payload.PROGRAMME)
        session.flush()
        kept = compressed(session, payload.PROGRAMME, OF_PROGRAMME, 1)
        session.commit()
    engine.dispose()
    if kept is None:
        raise SystemExit("nothing was published")
    return inflated(kept)


@contextmanager
def _serving(folder: Path) -> Iterator[int]:
    """The service as it is run, with the bare route beside its own."""
    with listening("127.0.0.1", 0, or_next=False) as probe:
        port: int = probe.getsockname()[1]
    settings = {"MAINSTEM_DATA": str(folder), _BYTES: str(folder / "bytes.json")}
    with process([sys.executable, "-m", "tests.bench.reading", str(port)], settings, port, ready="/readyz", log=folder / "reading.log"):
        yield port


def _application(settings: Settings, content: bytes) -> FastAPI:
    app = create_app(settings)

    @app.get(_BARE)
    def bare() -> Response:
        return Response(content, media_type="application/json")

    return app


if __name__ == "__main__":
    _settings = load_settings()
    with listening("127.0.0.1", int(sys.argv[1]), or_next=False) as _listener:
        serve_on(_listener, _settings, application=_application(_settings, Path(os.environ[_BYTES]).read_bytes()))
