"""Those who compute take turns, and nobody waits for long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from app.db.turns import turn


@pytest.fixture
def other() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


def test_the_next_begins_when_the_first_is_done(other: ThreadPoolExecutor) -> None:
    done, comes = list[str](), Event()

    def compute() -> None:
        comes.set()
        with turn():
            done.append("next")

    with turn():
        next_one = other.submit(compute)
        comes.wait()
        done.append("first")
    next_one.result()
    assert done == ["first", "next"]


def test_whoever_takes_long_is_not_waited_for(other: ThreadPoolExecutor) -> None:
    begun, enough = Event(), Event()

    def compute_long() -> None:
        with turn():
            begun.set()
            enough.wait()

    long = other.submit(compute_long)
    begun.wait()
    try:
        with turn():
            assert not long.done()
    finally:
        enough.set()
    long.result()
    with turn():
        pass


def test_a_failure_ends_the_turn(other: ThreadPoolExecutor) -> None:
    with pytest.raises(ValueError, match="wrong"), turn():
        raise ValueError("wrong")

    def compute() -> bool:
        with turn():
            return True

    assert other.submit(compute).result()
