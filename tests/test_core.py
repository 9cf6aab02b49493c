"""A serving process keeps to one core, and goes elsewhere when others crowd it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from app.cli.core import better_core, worked_between

_TOLD = """
import json, os, threading, time
from app.cli import core

before, after, started = [threading.get_native_id()], [], threading.Event()
def wait(ids):
    ids.append(threading.get_native_id())
    started.set()
    time.sleep(60)
def start(ids):
    started.clear()
    threading.Thread(target=wait, args=(ids,), daemon=True).start()
    started.wait()
before.clear()
start(before)
core.keep_to_one_core()
start(after)
cores = lambda thread: sorted(os.sched_getaffinity(thread))
kept = cores(after[0])
moved = min(os.sched_getaffinity(before[0]) - {kept[0]})
core._move(kept[0], moved)
print(json.dumps({"before": cores(before[0]), "kept": kept, "moved": moved, "main": cores(0), "after": cores(after[0])}))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) == 1, reason="only Linux keeps a process to one of several cores"
)
def test_threads_started_from_then_on_keep_to_one_core_and_move_together() -> None:
    told = json.loads(subprocess.run([sys.executable, "-c", _TOLD], check=True, capture_output=True, text=True).stdout)
    assert told["before"] == sorted(os.sched_getaffinity(0))
    assert len(told["kept"]) == 1
    assert told["main"] == told["after"] == [told["moved"]] != told["kept"]


def test_a_core_that_has_come_or_gone_meanwhile_is_passed_over() -> None:
    assert worked_between({0, 1, 2}, before={0: 1.0, 1: 5.0, 3: 1.0}, after={0: 1.5, 2: 9.0, 3: 2.0}) == {0: 0.5}


@pytest.mark.parametrize(
    ("others_work", "better"),
    [
        ({0: 0.0, 1: 0.0}, 0),
        ({0: 0.2, 1: 0.5}, 0),
        ({0: 0.5, 1: 0.2}, 0),
        ({0: 0.6, 1: 0.2}, 1),
        ({0: 1.0, 1: 1.0}, 0),
        ({0: 1.0, 1: 0.5, 2: 0.1}, 2),
    ],
)
def test_a_core_is_left_for_one_on_which_others_work_much_less(others_work: Mapping[int, float], better: int) -> None:
    assert better_core(0, others_work) == better
