"""Servers of a test run that was killed: a process that outlives the run stops them, since nobody else would."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_CLEANER: Final = """
import sys
from pathlib import Path
sys.stdin.read()  # Ends when whoever holds the other end is gone.
from app.db.embedded import running
from app.settings import Settings
from tests.support.memory import forget, is_in_memory
for folder in map(Path, sys.argv[1:]):
    for left in list(folder.rglob("postgres-18/postmaster.pid")):
        # Whoever comes last stops it; where somebody lives on, it stays.
        with running(Settings(data=left.parents[1], database_url=None, owner_database_url=None)):
            pass
    if is_in_memory(folder) and not any(folder.rglob("postgres-18/postmaster.pid")):
        forget(folder)
"""


@contextlib.contextmanager
def none_left_behind(*folders: Path) -> Iterator[None]:
    """Should this process be killed inside the block, the embedded servers below the folders are stopped unless others use them."""
    cleaner = subprocess.Popen(
        [sys.executable, "-c", _CLEANER, *map(str, folders)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        cleaner.kill()
        cleaner.communicate()
