"""Whoever uses the embedded server brings it back when it was killed, without anybody running a command."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.db.embedded import Cluster, running
from app.settings import CannotStart, Settings
from tests.db.test_embedded import User, answers, one, postmaster, use
from tests.make import document
from tests.support.server import Caller, installation

__all__ = ["use"]  # The fixture, for this module's tests too.

BACK_IN_SECONDS = 20
"""Promised are a few seconds; here tests share two processors."""


def kill_server(data: Path) -> int:
    number = postmaster(data)
    os.kill(number, signal.SIGKILL)
    return number


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + BACK_IN_SECONDS
    while not holds():
        assert time.monotonic() < until, f"not so within {BACK_IN_SECONDS} seconds"
        time.sleep(0.02)


def watchers() -> set[int | None]:
    """The threads that watch; the server that the tests share has one too."""
    return {thread.ident for thread in threading.enumerate() if thread.name == "postgres-watch"}


def cores_of(process: int) -> set[int]:
    """Those that it may work on; where the system tells of none, none."""
    return os.sched_getaffinity(process) if sys.platform == "linux" else set()


@contextlib.contextmanager
def keeping_to_one_core() -> Iterator[set[int]]:
    """This thread and those that it starts, as of a service that serves; what it may have otherwise."""
    cores = cores_of(0)
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(cores)})
    try:
        yield cores
    finally:
        if sys.platform == "linux":
            os.sched_setaffinity(0, cores)


def test_a_killed_server_comes_back_to_its_user_alone_and_on_every_core(tmp_path: Path) -> None:
    before = watchers()
    data = tmp_path / "data"
    told: list[str] = []
    with keeping_to_one_core() as cores, running(Settings(data=data), progress=told.append) as urls:
        one(urls, "CREATE TABLE kept AS SELECT 7 AS seven")
        for _ in range(2):
            killed = kill_server(data)
            wait_until(lambda: answers(urls.application))
            assert postmaster(data) != killed
            assert cores_of(postmaster(data)) == cores
            assert one(urls, "SELECT seven FROM kept") == 7
        assert "PostgreSQL has ended; it is started again" in told
    assert not answers(urls.application)
    assert watchers() == before


def test_users_of_a_killed_server_agree_and_the_last_still_stops_it(use: Callable[[], User], tmp_path: Path) -> None:
    users = [use() for _ in range(3)]
    urls = {user.url() for user in users}
    kill_server(tmp_path / "data")
    wait_until(lambda: answers(next(iter(urls))))
    # The one that has ended leaves the watch to the others.
    assert users[0].end() == 0
    kill_server(tmp_path / "data")
    wait_until(lambda: answers(next(iter(urls))))
    assert [user.end() for user in users[1:]] == [0, 0]
    assert not answers(urls.pop())
    assert not (tmp_path / "data" / "postgres-18" / "postmaster.pid").exists()


def test_nothing_is_made_anew_where_the_data_are_gone(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, lambda _: None)
    with pytest.raises(CannotStart, match="is gone"):
        cluster.bring_back()
    assert not cluster.folder.exists()


def test_leaving_does_not_wait_for_a_server_that_cannot_come_back(tmp_path: Path) -> None:
    before = watchers()
    data = tmp_path / "data"
    told: list[str] = []
    with running(Settings(data=data), progress=told.append):
        (data / "postgres-18" / "PG_VERSION").write_text("17\n")
        kill_server(data)
        wait_until(lambda: any("does not start" in sentence for sentence in told))
    assert watchers() == before


def test_a_server_that_is_named_is_not_watched(tmp_path: Path) -> None:
    before = watchers()
    with running(Settings(data=tmp_path / "data", database_url=SecretStr("postgresql://role@127.0.0.1:1/database"))):
        assert watchers() == before


def test_a_service_outlives_its_server(tmp_path: Path) -> None:
    with (
        installation(tmp_path) as service,
        contextlib.closing(service.caller(service.create_client("Integrator", "administrator")).http) as http,
    ):
        integrator = Caller(http)
        path = f"/v1/programmes/{document()['programme']['code']}/configuration"
        integrator.put_new(path, document())
        before = integrator.get(path).content
        killed = kill_server(service.data)
        refused: list[httpx.Response] = []

        def is_back() -> bool:
            answer = http.get(path)
            if answer.status_code != 200:
                refused.append(answer)
            return bool(refused) and answer.status_code == 200

        wait_until(is_back)
        assert postmaster(service.data) != killed
        assert integrator.get(path).content == before
        assert {answer.status_code for answer in refused} == {503}
        assert all("retry-after" in answer.headers for answer in refused)
        assert httpx.get(f"{service.url}/readyz").status_code == 200
