"""`mainstem demo` and `mainstem run` as programs: a newcomer's first hour, twice."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.demo.document import PROGRAMME
from tests.support import commands
from tests.support.forms import entries, typed_in
from tests.support.server import MAINSTEM, STARTS_IN_SECONDS, STOPS_IN_SECONDS, environment

ROOT = Path(__file__).resolve().parents[2]
CALL = re.compile(r"curl --header '([^:]+): ([^']+)' '([^']+)'")


class Running:
    """`mainstem run`, as far as it says which calls to try."""

    def __init__(self, data: Path) -> None:
        self.said = data.parent / "said"
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [str(MAINSTEM), "run", "--port", "0"], env=environment(data), stdout=output, stderr=subprocess.DEVNULL
            )
        self.calls = self._calls()

    def _calls(self) -> list[httpx.Request]:
        until = time.monotonic() + STARTS_IN_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            found = CALL.findall(self.said.read_text())
            if len(found) == 3:
                return [httpx.Request("GET", url, headers={name: value}) for name, value, url in found]
            time.sleep(0.05)
        raise AssertionError(f"mainstem run said: {self.said.read_text()}")

    def answers(self, requests: list[httpx.Request]) -> list[httpx.Response]:
        with httpx.Client(transport=httpx.HTTPTransport(retries=10), timeout=30) as client:
            self._wait_until_ready(client, requests[0].url.copy_with(path="/readyz"))
            return [client.send(request) for request in requests]

    @staticmethod
    def _wait_until_ready(client: httpx.Client, url: httpx.URL) -> None:
        until = time.monotonic() + STARTS_IN_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if client.get(url).status_code == httpx.codes.OK:
                    return
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOPS_IN_SECONDS)


class Told(NamedTuple):
    """What `mainstem demo` said, and the installation that holds the demonstration since."""

    said: subprocess.CompletedProcess[str]
    data: Path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    data = tmp_path_factory.mktemp("told") / "data"
    return Told(commands.run(["demo"], environment(data)), data)


@contextlib.contextmanager
def run(data: Path) -> Iterator[Running]:
    running = Running(data)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()


def test_two_runs_serve_the_same_data_with_keys_of_their_own_and_stop_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with run(data) as first:
        report, owed, published = first.answers(first.calls)
        assert (report.status_code, owed.status_code, published.status_code) == (200, 200, 200)
        assert report.json()["report"]["programme"] == PROGRAMME
        assert {each["subcontract"] for each in owed.json()["returns"]} == {"SC-H9903"}
        assert (published.json()["report"]["audience_code"], published.json()["report"]["sequence"]) == ("05W", 3)
        assert first.end(signal.SIGINT) == 0
    with run(data) as second:
        again, _, republished = second.answers(second.calls)
        assert again.json()["observations"] == report.json()["observations"]
        assert republished.content == published.content
        stale = [
            httpx.Request("GET", now.url, headers={"Authorization": old.headers["Authorization"]})
            for old, now in zip(first.calls, second.calls, strict=True)
        ]
        assert [answer.status_code for answer in second.answers(stale)] == [401, 401, 401]
        assert second.end(signal.SIGTERM) == 0
    assert not (data / "postgres-18" / "postmaster.pid").exists()


OK, MADE = "200", "201"
# What each call of the README's month answers, in order; the collection has accepted the return by itself.
README_ANSWERS = [*[OK] * 7, MADE, "409", *[OK] * 7, MADE, OK, MADE, *[OK] * 10, MADE, *[OK] * 6]
GUIDE_ANSWERS = [
    *(MADE, OK, MADE, OK, OK, OK, MADE, OK),  # a year settled, a line disputed
    *(OK, MADE, OK),  # a phase left
    *(OK, MADE, OK),  # what a measure says, changed by two
    *(MADE, OK, MADE, OK, OK, OK, OK, OK, OK),  # a client, its keys and tokens
    *(OK, MADE, OK, OK),  # a permission lent
    *[OK] * 5,  # the record
]
# What each command of both says, in order.
COMMANDS = [
    ("returns due", "SC-H9903"),
    ("returns template", "hospice SC-H9903"),
    ("returns check", "would be received (late)"),
    ("returns submit", "revision 1, accepted"),
    ("receipt verify", "to the byte"),
    ("publication verify", "byte for byte."),
    ("audit verify", "Every chain holds"),
    ("audit checkpoint", '"kind":"checkpoint"'),
    ("audit export", ""),
    ("audit verify", "The file holds"),
]
FILLED_IN = [
    {"measure": "HOSP-WAIT", "category": "0-1", "numerator": 15},
    {"measure": "E-BEDOCC", "numerator": 214, "denominator": 300},
    {"measure": "E-PPDR", "numerator": 9, "denominator": 12},
    {"measure": "E-PPDA", "numerator": 7, "denominator": 9},
    {"measure": "CASELOAD", "numerator": 41},
]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="the README's calls are pasted into a shell with curl")
def test_the_readme_and_its_guide_can_be_pasted(told: Told) -> None:
    with run(told.data) as running:
        running.answers(running.calls)
        exports = [line for line in running.said.read_text().splitlines() if line.strip().startswith("export ")]
        newcomer = Newcomer(told.data, exports)
        for text, answers in (("README.md", README_ANSWERS), ("app/demo/GUIDE.md", GUIDE_ANSWERS)):
            newcomer.answers.clear()
            for block in re.findall(r"```sh\n(.*?)```", (ROOT / text).read_text(), re.DOTALL):
                newcomer.paste(block)
            assert newcomer.answers == answers, text
        assert running.end(signal.SIGTERM) == 0
    assert [name for name, _ in newcomer.commands] == [name for name, _ in COMMANDS]
    for (_, said), (_, says) in zip(newcomer.commands, COMMANDS, strict=True):
        assert says in said
    public = json.loads((newcomer.home / "returns" / "public.json").read_text())
    assert {row["suppression"] for row in public["observations"]} > {"small_count", "complement", "rounded_5"}


class Newcomer:
    """Who pastes block after block into a shell on the machine that serves, and fills in the form that comes.

    What each call answers is written down; the commands of a block follow its calls, out of a process that has imported them already.
    """

    def __init__(self, data: Path, exports: list[str]) -> None:
        self.data, self.home = data, data.parent
        self.kept = exports
        self.answers: list[str] = []
        self.commands: list[tuple[str, str]] = []

    def paste(self, block: str) -> None:
        # A call that names a file leaves it there; of the others only the status is wanted.
        curl = 'curl() { [[ " $* " == *\' -o \'* ]] || set -- -o /dev/null "$@"; command curl -s -w \'%{http_code}\\n\' "$@"; }'
        asked = self.home / "asked"
        asked.touch()
        noted = f'mainstem() {{ printf "%s\\0" "$#" "$@" "$MAINSTEM_URL" "$MAINSTEM_KEY" >> {shlex.quote(str(asked))}; }}'
        block = block.replace(".venv/bin/mainstem ", "mainstem ").replace(".venv/bin/python", sys.executable)
        script = "\n".join([curl, noted, *self.kept, block])
        # What a shell still knows in the next block.
        self.kept += re.findall(r"^(?:export |\w+\(\) ).*$", block, re.MULTILINE)
        home = {**os.environ, "HOME": str(self.home)}
        pasted = subprocess.run(["bash", "-euc", script], cwd=self.home, env=home, capture_output=True, text=True, check=False, timeout=60)
        assert (pasted.returncode, pasted.stderr) == (0, "")
        self.answers += pasted.stdout.splitlines()
        words = deque(asked.read_text().split("\0")[:-1])
        asked.unlink()
        while words:
            self._run([words.popleft() for _ in range(int(words.popleft()))], url=words.popleft(), key=words.popleft())

    def _run(self, arguments: list[str], *, url: str, key: str) -> None:
        done = commands.run(arguments, environment(self.data) | {"COLUMNS": "200", "MAINSTEM_URL": url, "MAINSTEM_KEY": key})
        assert done.returncode == 0, done.stdout + done.stderr
        self.commands.append((" ".join(arguments[:2]), done.stdout))
        if arguments[:2] == ["returns", "template"]:
            (form,) = (self.home / "returns").iterdir()
            form.write_bytes(typed_in(form.read_bytes(), entries(form.read_bytes(), {"rest": "zero", "cells": FILLED_IN}), self.home))


def test_the_demonstration_is_told_once(told: Told) -> None:
    assert (told.said.returncode, told.said.stdout.count(PROGRAMME)) == (0, 1)
    again = commands.run(["demo"], environment(told.data))
    assert again.returncode == 1
    assert again.stderr.strip().splitlines()[-1] == "The demonstration programme is there already."
    assert again.stdout == ""
