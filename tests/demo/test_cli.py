"""`mainstem demo` and `mainstem run` as programs: a newcomer's first hour, twice."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.demo.document import PROGRAMME
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
            if len(found) == 2:
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


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@contextlib.contextmanager
def run(data: Path) -> Iterator[Running]:
    running = Running(data)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()


def test_two_runs_serve_the_same_data_with_keys_of_their_own_and_stop_at_once(data: Path) -> None:
    with run(data) as first:
        report, owed = first.answers(first.calls)
        assert (report.status_code, owed.status_code) == (200, 200)
        assert report.json()["report"]["programme"] == PROGRAMME
        assert {each["subcontract"] for each in owed.json()["returns"]} == {"SC-H9903"}
        assert first.end(signal.SIGINT) == 0
    with run(data) as second:
        again, _ = second.answers(second.calls)
        assert again.json()["observations"] == report.json()["observations"]
        stale = [
            httpx.Request("GET", now.url, headers={"Authorization": old.headers["Authorization"]})
            for old, now in zip(first.calls, second.calls, strict=True)
        ]
        assert [answer.status_code for answer in second.answers(stale)] == [401, 401]
        assert second.end(signal.SIGTERM) == 0
    assert not (data / "postgres-18" / "postmaster.pid").exists()


# What each call of the README's month answers, in order; the collection has accepted the return by itself.
README_ANSWERS = ["200", "200", "200", "200", "200", "201", "409", "200", "200"]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="the README's calls are pasted into a shell with curl")
def test_the_month_in_the_readme_can_be_pasted(data: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    with run(data) as running:
        running.answers(running.calls)
        exports = next(line for line in running.said.read_text().splitlines() if line.strip().startswith("export "))
        script = "\n".join(["curl() { command curl -s -o /dev/null -w '%{http_code}\\n' \"$@\"; }", exports, *blocks])
        pasted = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=False, timeout=60)
        assert running.end(signal.SIGTERM) == 0
    said = pasted.stdout.splitlines()
    answers, shell = said[: len(README_ANSWERS)], said[len(README_ANSWERS) :]
    assert (answers, pasted.stderr) == (README_ANSWERS, "")
    assert any("SC-H9903" in line for line in shell), "what is due, asked at the shell"


def test_the_demonstration_is_told_once(data: Path) -> None:
    command = [str(MAINSTEM), "demo"]
    told = subprocess.run(command, env=environment(data), capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout.count(PROGRAMME)) == (0, 1)
    again = subprocess.run(command, env=environment(data), capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert again.stderr.strip().splitlines()[-1] == "The demonstration programme is there already."
    assert json.dumps(again.stdout) == '""'
