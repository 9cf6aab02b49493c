"""Fixtures that every test may ask for: a real PostgreSQL, built by the migrations."""

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from app.cli.operators import COLLECT_AFTER
from app.settings import Settings
from tests.support.acts import watch_commits
from tests.support.databases import Database, Server, server_of
from tests.support.left_behind import none_left_behind
from tests.support.logs import told_below, told_in
from tests.support.memory import folder_in_memory, forget

# No test is timed: what a machine is at besides decides how long a case takes.
settings.register_profile("mainstem", deadline=None)
settings.register_profile("ten_thousand", deadline=None, max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mainstem")

watch_commits()


_LONGEST: Final = (
    "faults/test_short.py",
    "demo/test_cli.py",
    "web/test_hostile.py",
    "journeys/test_ten_years.py",
    "journeys/test_real_figures.py",
    "test_cli.py",
    "publications/test_publishing.py",
    "db/test_schema.py",
    "db/test_embedded.py",
    "demo/test_actions.py",
    "db/test_embedded_watch.py",
    "returns/test_api.py",
    "returns/test_review.py",
    "configuration/test_nouns.py",
    "reports/test_audit.py",
    "phases/test_api.py",
    "safety/test_matrix.py",
    "disclosure/test_attacker.py",
)
"""Whole modules go to whichever worker is free: what takes long comes first, or at the end one of them would wait for it alone."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.basetemp is None and (folder := folder_in_memory()) is not None:
        config.option.basetemp = str(folder)
        config.add_cleanup(lambda: forget(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {Path(__file__).parent / name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_collection_finish() -> None:
    """What was imported stays: as in the service, the collector does not walk it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


_TOLD: Final = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Before a test's folder goes, what its servers logged there is looked through."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    item.stash[_TOLD] = [] if folder is None else list(told_below(folder))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test fails where anything that was logged meanwhile says what no log may."""
    report = yield
    if call.when == "teardown" and report.passed:
        logged = [text for name, text in report.sections if name.startswith("Captured stderr")]
        told = [*item.stash[_TOLD], *(each for text in logged for each in told_in(text))]
        if told:
            report.outcome, report.longrepr = "failed", "\n".join(["A log says what it must not.", *told])
    return report


@pytest.fixture(scope="session", autouse=True)
def logs_tell_nothing(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[None]:
    """At the end of a run what its servers logged in folders that tests share."""
    yield
    assert not [told for folder in (tmp_path_factory.getbasetemp(), shared_data) for told in told_below(folder)]


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server that the workers of a run share."""
    base: Path = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "mainstem"


@pytest.fixture(scope="session", autouse=True)
def stopped_midway(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[None]:
    """A run that is killed leaves no server behind: neither the shared one nor any of a test's own."""
    with none_left_behind(shared_data, tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def server(shared_data: Path) -> Iterator[Server]:
    """The embedded server, shared by the workers of a run: the first to ask starts it, the last to end stops it."""
    with server_of(Settings(data=shared_data)) as started:
        yield started


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """A migrated database of the test's own."""
    with server.database() as made:
        yield made


@pytest.fixture(scope="module")
def module_database(server: Server) -> Iterator[Database]:
    """A migrated database that the tests of one module share."""
    with server.database() as made:
        yield made


@pytest.fixture
def empty_database(server: Server) -> Iterator[Database]:
    """A database without any table, of the test's own."""
    with server.database(empty=True) as made:
        yield made
