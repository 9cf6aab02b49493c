"""The core that a serving process keeps to, for as long as others leave it to it."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from random import SystemRandom
from typing import Final

_LOOKS_SECONDS: Final = 1.0, 3.0
"""Between two looks at what others do; not always the same, or processes that share cores would all flee from one to the next."""
_LOT: Final = SystemRandom()
_CROWDED: Final = 0.33
"""Of the time: what others may work more on this core than on another."""


def keep_to_one_core() -> None:
    """From now on this thread, and those that it starts, work on one core; on another, once others work much on that one.

    Python lets one thread work at a time. Let loose, each hands over to one that wakes on another core, where nothing of what it
    works on is at hand: with eight requests at once that is a seventh of all work. Nothing happens where the system cannot be told so.
    """
    if sys.platform != "linux":
        return
    cores = os.sched_getaffinity(0)
    if len(cores) > 1 and cores <= _busy().keys():
        core = _LOT.choice(sorted(cores))
        threading.Thread(target=_look_around, args=(cores, core), name="core-watch", daemon=True).start()
        os.sched_setaffinity(0, {core})


def better_core(core: int, others_work: Mapping[int, float]) -> int:
    """The core to work on next, by the share of the time that others have worked on each."""
    idlest = min(others_work, key=lambda other: others_work[other])
    return idlest if others_work[core] - others_work[idlest] > _CROWDED else core


def worked_between(cores: Collection[int], before: Mapping[int, float], after: Mapping[int, float]) -> dict[int, float]:
    """Seconds that each core has worked between two looks; of one that was switched off or on meanwhile nobody knows."""
    return {core: after[core] - before[core] for core in cores if core in before and core in after}


if sys.platform == "linux":

    def _look_around(cores: set[int], core: int) -> None:
        while True:
            begun, before, worked = time.monotonic(), _busy(), time.process_time()
            # A thread of its own, which nobody waits for and which ends with the process.
            time.sleep(_LOT.uniform(*_LOOKS_SECONDS))
            seconds = time.monotonic() - begun
            work = worked_between(cores, before, _busy())
            if core not in work:
                continue  # The system has let go of it, and keeps to it again once it is back.
            work[core] -= time.process_time() - worked
            better = better_core(core, {other: work[other] / seconds for other in work})
            if better != core:
                _move(core, better)
                core = better

    def _busy() -> dict[int, float]:
        """Seconds that each core has worked since the machine started; empty where it is not told."""
        seconds: dict[int, float] = {}
        with contextlib.suppress(OSError):
            for line in Path("/proc/stat").read_text().splitlines():
                name, *ticks = line.split()
                if name.startswith("cpu") and name != "cpu":
                    user, nice, system, _idle, _waiting, *interrupts = map(int, ticks[:7])
                    seconds[int(name.removeprefix("cpu"))] = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
        return seconds

    def _move(core: int, better: int) -> None:
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # The thread has ended.
                if os.sched_getaffinity(int(thread.name)) == {core}:
                    os.sched_setaffinity(int(thread.name), {better})
