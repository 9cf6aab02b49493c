"""Where a run keeps its files: in the machine's memory if there is room, for making and dropping hundreds of databases is mostly waiting for a disk."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

_SHARED: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 6 << 30
"""Three times what a run needs."""


def folder_in_memory() -> Path | None:
    """A new folder of the caller's own; None where there is no such place, no room in it, or no program may be run from it."""
    try:
        found, memory = os.statvfs(_SHARED), Path("/proc/meminfo").read_text()
    except OSError:
        return None
    available = re.search(r"^MemAvailable: +(\d+) kB$", memory, re.MULTILINE)
    free_bytes = min(found.f_bavail * found.f_frsize, int(available[1]) * 1024 if available else 0)
    if free_bytes < _ROOM_BYTES or found.f_flag & os.ST_NOEXEC or not os.access(_SHARED, os.W_OK):
        return None
    return Path(tempfile.mkdtemp(prefix="mainstem-tests-", dir=_SHARED))


def is_in_memory(folder: Path) -> bool:
    return folder.is_relative_to(_SHARED)


def forget(folder: Path) -> None:
    """Give the memory back; what a process still holds goes with it."""
    shutil.rmtree(folder, ignore_errors=True)
