"""The sample configuration with a real nginx in front: TLS, slow clients, real addresses, and problems in nginx's own name."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.access.actions import create_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.web.proxy import nginx_configuration
from tests.support.databases import Database
from tests.support.sockets import listening

NGINX: Final = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
NAME: Final = "localhost"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not on this machine")


@dataclass
class Front:
    """A service behind nginx: its address and how to trust it, and the service's own address."""

    port: int
    trust: ssl.SSLContext
    service: str
    key: str

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}"

    @contextlib.contextmanager
    def connected(self, sent: bytes) -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            self.trust.wrap_socket(plain, server_hostname=NAME) as connection,
        ):
            connection.sendall(sent)
            yield connection


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@pytest.fixture(scope="module")
def front(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    certificate, key_file = certified(folder)
    settings = module_database.settings.model_copy(
        update={"head_seconds": 1, "slow_seconds": 1, "trusted_proxies": ("127.0.0.1",), "address_requests_per_second": 1}
    )
    with open_session(module_database.engine, INSTALLATION) as session:
        _, key = create_client(session, name="Behind", role="auditor", actor=MACHINE, now=datetime.now(UTC))
        session.commit()
    with listening(replace(module_database, settings=settings)) as service, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        site = nginx_configuration(
            settings,
            name=NAME,
            certificate=certificate,
            key=key_file,
            upstream=service.removeprefix("http://"),
            listen=f"127.0.0.1:{port}",
        )
        (folder / "site.conf").write_text(site)
        places = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\nevents {{ worker_connections 512; }}\n"
            f"http {{ {places} include site.conf; }}\n"
        )
        command = [str(NGINX), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as nginx:
            try:
                wait_until_listening(port, nginx)
                yield Front(port, ssl.create_default_context(cafile=certificate), service, key)
            finally:
                nginx.terminate()
                nginx.communicate(timeout=10)


def wait_until_listening(port: int, nginx: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        assert nginx.poll() is None, nginx.communicate()[1].decode()
        time.sleep(0.02)
    pytest.fail("nginx did not begin to listen")


def ended(connection: ssl.SSLSocket) -> bool:
    """Whether the other side gives up, within the time that the socket waits."""
    try:
        while connection.recv(65_536):
            pass
    except (ConnectionResetError, ssl.SSLError):
        return True
    return True


def test_others_are_answered_while_slow_heads_and_bodies_wait(front: Front) -> None:
    authorized = {"Authorization": f"Bearer {front.key}"}
    head = f"POST /v1/programmes/p/x HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {front.key}\r\nContent-Length: 1000\r\n\r\n"
    with contextlib.ExitStack() as stack, httpx.Client(base_url=front.url, verify=front.trust) as client:
        slow = [stack.enter_context(front.connected(f"GET /livez HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: ".encode())) for _ in range(20)]
        slow += [stack.enter_context(front.connected(head.encode() + b"{")) for _ in range(20)]
        answers = [client.get("/v1/me", headers=authorized) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}
        assert answers[0].headers["strict-transport-security"]
        assert "server" not in answers[0].headers or "/" not in answers[0].headers["server"]
        # None of them has reached the service: this one request is all that it is at.
        assert "mainstem_requests_in_flight 1.0" in client.get("/metrics", headers=authorized).text
        assert all(ended(connection) for connection in slow)
        assert client.get("/v1/me", headers=authorized).status_code == 200


def test_what_nginx_refuses_is_a_problem_too(front: Front) -> None:
    with httpx.Client(base_url=front.url, verify=front.trust) as client:
        large = client.post("/v1/me", content=b"x" * 17_000_000)
        longest = client.get("/" + "x" * 10_000)
        header = client.get("/livez", headers={"X-Large": "x" * 10_000})
    for answer, status, code in ((large, 413, "too_large"), (longest, 414, "address_too_long"), (header, 400, "bad_request")):
        assert (answer.status_code, json.loads(answer.text or "{}").get("code")) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_forged_address_is_not_believed(front: Front) -> None:
    def asked(url: str, trust: ssl.SSLContext | bool) -> list[int]:
        with httpx.Client(base_url=url, verify=trust) as client:
            return [client.get("/v1/schemas/", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code for number in range(12)]

    # nginx puts the caller's own address instead, and all count as one.
    assert 429 in asked(front.url, front.trust)
    # What the proxy says is believed: each is another.
    assert asked(front.service, trust=False) == [200] * 12


def test_nobody_is_believed_by_default(module_database: Database) -> None:
    settings = module_database.settings.model_copy(update={"address_requests_per_second": 1})
    with listening(replace(module_database, settings=settings)) as service, httpx.Client(base_url=service) as client:
        statuses = [client.get("/v1/schemas/", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code for number in range(12)]
    assert 429 in statuses
