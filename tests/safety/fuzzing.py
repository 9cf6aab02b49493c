"""Every operation fuzzed from its schema (A4): examples, boundaries, random and linked requests, with every role's key, against a served programme.

The requests are schemathesis' own. What is held of each answer: no 5xx, a status, type, headers and shape that the contract names, refusals of what
the contract does not allow, no way in without a key. The server's log is looked through for words of anybody's afterwards.
"""

import contextlib
import itertools
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS as KNOWN
from schemathesis.core.failures import FailureGroup

from app.db.schema import start_problems
from tests.safety.matrix import CALLERS, EXPECTED
from tests.safety.world import World
from tests.support.databases import Database
from tests.support.server import MAINSTEM, environment

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
ROLES: Final = ("spanning", *(name for name, caller in CALLERS.items() if name == caller.role and caller.programme is not None))


CASES: Final = 10_000
_LINKING: Final = ("contract_manager", "preparer", "commissioner_lead")
"""Who goes on from what an answer links to: one of each side."""
_PATIENCE_SECONDS: Final = 900


@dataclass(frozen=True)
class Served:
    """A world's database, served by a process of its own."""

    url: str
    log: Path


@contextlib.contextmanager
def served(database: Database) -> Iterator[Served]:
    """Serve a database until the block ends."""
    assert start_problems(database.engine) == []
    with tempfile.TemporaryDirectory(prefix="mainstem-fuzzed-") as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        log = Path(folder) / "log"
        settings = {
            "DATABASE_URL": database.urls.application,
            "CLIENT_REQUESTS_PER_SECOND": "1000000",
            "ADDRESS_REQUESTS_PER_SECOND": "1000000",
        }
        said = environment(Path(folder)) | {f"MAINSTEM_{name}": value for name, value in settings.items()}
        command = [str(MAINSTEM), "serve", "--host", "127.0.0.1", "--port", str(port)]
        with log.open("wb") as output, subprocess.Popen(command, env=said, stdout=output, stderr=output) as process:
            url = f"http://127.0.0.1:{port}"
            try:
                _wait(url, process, log)
                yield Served(url, log)
            finally:
                process.terminate()
                process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                # Made once, when it is first asked for.
                assert httpx.get(f"{url}/openapi.json", timeout=120).status_code == 200
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text()[-4000:])


@dataclass(frozen=True)
class Fuzzed:
    """How many requests one role made, and what was wrong with an answer."""

    cases: int
    faults: list[str]


@dataclass(frozen=True)
class Turn:
    """What one role does: some phases, with some of the operations or all of them."""

    role: str
    phases: str
    operations: tuple[str, ...] = ()


def turns() -> Iterator[Turn]:
    """Each operation is covered by a role that may do it, and fuzzed by any. Each turn makes as many cases as it makes, however long a busy machine takes."""
    covered, fuzzed = ({role: list[str]() for role in ROLES} for _ in range(2))
    for number, (name, expected) in enumerate(EXPECTED.items()):
        may = [role for role in ROLES if expected.own.get(role) not in {401, 403, 404, None}] or list(ROLES)
        covered[may[number % len(may)]].append(name)
        fuzzed[ROLES[number % len(ROLES)]].append(name)
    for role in ROLES:
        yield Turn(role, "examples,coverage", tuple(covered[role]))
        yield Turn(role, "fuzzing", tuple(fuzzed[role]))
    for role in _LINKING:
        yield Turn(role, "stateful")


def fuzz(world: World, service: Served, turn: Turn, *, seed: int) -> Fuzzed:
    """Let one role ask whatever the contract allows and does not allow."""
    with tempfile.TemporaryDirectory(prefix="mainstem-fuzz-") as folder:
        caller = CALLERS[turn.role]
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.url}/openapi.json", "--no-color",
            "--phases", turn.phases, "--checks", ",".join(CHECKS), "--seed", str(seed), "--max-examples", "10",
            "--no-shrink", "--continue-on-failure", "--generation-database", "none", "--warnings", "off",
            "--header", f"Authorization: Bearer {world.key(caller.role, **caller.scope)}", "--request-timeout", "30",
            "--report-dir", folder, "--suppress-health-check", "all",
        ]  # fmt: skip
        command += [word for name in turn.operations for word in ("--include-operation-id", name)]
        hooks = {**os.environ, "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("media_types.py"))}
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=hooks, timeout=_PATIENCE_SECONDS)
    return Fuzzed(_count(ran.stdout), [f"{turn.role}, {turn.phases}: {fault}" for fault in _failures(ran.stdout) or _unsaid(ran)])


def _count(said: str) -> int:
    found = re.search(r"(\d+) generated", said)
    return int(found[1]) if found else 0


def _failures(said: str) -> list[str]:
    """Each failure with the operation it was met at and the request that shows it."""
    found = re.search(r"^=+ (?:ERRORS|FAILURES) =+$(.*)^=+ SUMMARY =+$", said, re.MULTILINE | re.DOTALL)
    return [" ".join(part.split())[:900] for part in re.split(r"^_{3,} ", found[1], flags=re.MULTILINE)[1:]] if found else []


def _unsaid(ran: subprocess.CompletedProcess[str]) -> list[str]:
    return [] if ran.returncode == 0 and _count(ran.stdout) else [ran.stdout[-2000:] + ran.stderr[-2000:]]


def fuzz_all(world: World, *, seed: int) -> Fuzzed:
    """Every role in turn, in every phase."""
    cases, faults = 0, list[str]()
    with served(world.database) as service:
        for number, turn in enumerate(turns()):
            found = fuzz(world, service, turn, seed=seed + number)
            cases += found.cases
            faults += found.faults
        world.lines.write(service.log.read_text())
    faults += world.told_in_logs()
    return Fuzzed(cases, faults if cases >= CASES else [*faults, f"only {cases} of {CASES} cases were tried"])


def fuzz_in_short(world: World, *, cases: int) -> list[str]:
    """What is wrong with the answers to some cases, in this process, of each role in turn."""
    contract, turns, faults = schemathesis.openapi.from_dict(world.web.get("/openapi.json").json()), itertools.cycle(ROLES), list[str]()
    checks = KNOWN.get_by_names([name for name in CHECKS if name != "ignored_auth"])

    @settings(max_examples=cases, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(contract.as_strategy())
    def ask(case: Any) -> None:
        role = next(turns)
        sent = case.as_transport_kwargs(base_url="http://mainstem.test")
        headers = {**dict(sent["headers"]), "Authorization": f"Bearer {world.key(CALLERS[role].role, **CALLERS[role].scope)}"}
        bytes_sent = sent["data"] if isinstance(sent.get("data"), bytes) else None
        request = httpx.Request(
            sent["method"], sent["url"], params=sent.get("params"), json=sent.get("json"), content=bytes_sent, headers=headers
        )
        path = request.url.raw_path.decode()
        answer = world.web.request(request.method, path, content=request.read() or None, headers=dict(request.headers))
        answer.request, answer.elapsed = request, timedelta()
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as error:
            faults.append(f"{role}: {request.method} {request.url.path}: {[str(each) for each in error.exceptions]}")

    ask()
    return faults
