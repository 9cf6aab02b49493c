"""SIGTERM lets what is in flight finish, on the real server: `mainstem serve`."""

import json
import socket
import time
from pathlib import Path

import httpx

from tests.support.server import installation


def test_a_request_in_flight_is_answered_and_then_the_service_ends(tmp_path: Path) -> None:
    with installation(tmp_path) as service:
        key = service.create_client("An administrator", "administrator")
        host, port = service.url.removeprefix("http://").split(":")
        body = json.dumps({"programme": {"code": "p"}}).encode()
        head = (
            f"PUT /v1/programmes/p/configuration HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((host, int(port)), timeout=20) as slow, httpx.Client(base_url=service.url) as other:
            assert other.get("/readyz").status_code == 200
            slow.sendall(head.encode() + body[:5])
            wait_until_in_flight(other, key, 2)
            service.process.terminate()
            wait_until_closed(host, int(port))
            assert service.process.poll() is None
            slow.sendall(body[5:])
            answer = slow.recv(65536)
        assert answer.startswith(b"HTTP/1.1 422 ")
        assert b"connection: close" in answer.lower()
        assert service.process.wait(timeout=20) == 0


def wait_until_in_flight(client: httpx.Client, key: str, count: int) -> None:
    for _ in range(200):
        numbers = client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).text
        if f"mainstem_requests_in_flight {count}.0" in numbers:
            return
        time.sleep(0.02)
    raise AssertionError("the slow request was not seen to arrive")


def wait_until_closed(host: str, port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.02)
    raise AssertionError("the service went on listening after SIGTERM")
