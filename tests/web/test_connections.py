"""The socket itself: slow heads, slow bodies, slow readers and too many connections end, and others are answered meanwhile."""

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from app.access.actions import create_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from tests.support.databases import Database
from tests.support.sockets import listening

CONNECTIONS = 24
"""In all; half of them from one address."""


@pytest.fixture(scope="module")
def address(module_database: Database) -> Iterator[str]:
    """A service that is patient for a second."""
    patience = {"head_seconds": 1, "slow_seconds": 1, "least_bytes_per_second": 1_000_000, "connections": CONNECTIONS}
    settings = module_database.settings.model_copy(update={**patience, "head_limit_bytes": 4_096})
    with listening(replace(module_database, settings=settings)) as address:
        yield address


def connected(address: str, *, source: str = "127.0.0.1") -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10, source_address=(source, 0))


def rest(connection: socket.socket) -> bytes:
    """Whatever comes until the other side closes."""
    said = b""
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:
            return said
        if not part:
            return said
        said += part


def told(said: bytes, status: int, code: str) -> None:
    assert said.startswith(f"HTTP/1.1 {status} ".encode()), said[:200]
    assert b"application/problem+json" in said
    assert f'"code":"{code}"'.encode() in said
    assert b"connection: close" in said.lower()
    assert b"x-content-type-options: nosniff" in said.lower()
    assert b"x-request-id: " in said.lower()


def alive(address: str) -> None:
    assert httpx.get(f"{address}/livez").status_code == 200


@pytest.mark.parametrize("sent", [b"GET /livez HTTP/1.1\r\nHost: x\r\n", b"GET /li", b"\r\n"])
def test_a_head_that_does_not_end_is_given_up(address: str, sent: bytes) -> None:
    with connected(address) as slow:
        slow.sendall(sent)
        alive(address)
        told(rest(slow), 408, "too_slow")


def test_a_head_that_trickles_is_given_up_all_the_same(address: str) -> None:
    with connected(address) as slow:
        begun_at = time.monotonic()
        slow.settimeout(0.1)
        slow.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        said = b""
        while not said and time.monotonic() - begun_at < 5:
            try:
                slow.sendall(b"X: 1\r\n")
                said = slow.recv(65_536)
            except TimeoutError:
                continue
        told(said, 408, "too_slow")


def test_a_connection_that_says_nothing_is_closed(address: str) -> None:
    with connected(address) as silent:
        assert rest(silent) == b""


def test_a_head_that_grows_is_given_up_before_it_is_whole(address: str) -> None:
    with connected(address) as large:
        large.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 5_000)
        told(rest(large), 431, "head_too_large")
    with connected(address) as whole:
        whole.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " + b"x" * 5_000 + b"\r\n\r\n")
        told(rest(whole), 431, "head_too_large")


def test_what_is_not_http_is_a_problem(address: str) -> None:
    with connected(address) as other:
        other.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        told(rest(other), 400, "bad_request")


def test_a_body_in_broken_pieces_is_a_problem_and_no_defect(address: str, module_database: Database) -> None:
    with open_session(module_database.engine, INSTALLATION) as session:
        _, key = create_client(session, name="Watching", role="administrator", actor=MACHINE, now=datetime.now(UTC))
        session.commit()

    def defects() -> list[str]:
        said = httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {key}"}).text
        return re.findall(r"^mainstem_defects_total (\S+)$", said, re.MULTILINE)

    head = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
    for pieces in ((head + b"ZZ\r\nxx",), (head, b"ZZ\r\nxx"), (head + b"2\r\nab\r\n", b"ZZ\r\nxx")):
        with connected(address) as broken:
            for piece in pieces:
                broken.sendall(piece)
                alive(address)
            told(rest(broken), 400, "bad_request")
    with connected(address) as gone:
        gone.sendall(head + b"2\r\nab\r\n")
        alive(address)
    alive(address)
    assert defects() == ["0.0"]


def test_a_body_that_trickles_is_given_up(address: str, module_database: Database) -> None:
    with open_session(module_database.engine, INSTALLATION) as session:
        _, key = create_client(session, name="Slow", role="administrator", actor=MACHINE, now=datetime.now(UTC))
        session.commit()
    for path, authorization in (("/v1/programmes/p/configuration", f"Authorization: Bearer {key}\r\n"), ("/oauth/token", "")):
        method = "POST" if path == "/oauth/token" else "PUT"
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        with connected(address) as slow:
            slow.sendall(head.encode() + b"{")
            alive(address)
            told(rest(slow), 408, "too_slow")


def test_who_does_not_read_is_dropped(address: str) -> None:
    asked = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(address) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.sendall(asked * 8)
        alive(address)
        for _ in range(100):
            time.sleep(0.05)
            try:
                deaf.sendall(b"\r\n")
            except OSError:
                break
        else:
            pytest.fail("a reader that takes nothing is kept")


def test_one_connection_too_many_is_told_so_and_who_comes_from_elsewhere_is_not(address: str) -> None:
    held = [connected(address) for _ in range(CONNECTIONS // 2)]
    try:
        for connection in held:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        with connected(address) as one_more:
            one_more.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            said = rest(one_more)
            told(said, 503, "unavailable")
            assert b"retry-after: " in said.lower()
        # From elsewhere there is room.
        with connected(address, source="127.0.0.2") as other:
            other.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert other.recv(65_536).startswith(b"HTTP/1.1 200 ")
    finally:
        for connection in held:
            connection.close()
    alive(address)
