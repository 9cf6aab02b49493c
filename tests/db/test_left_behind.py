"""A test run that is killed leaves no PostgreSQL behind."""

import subprocess
import sys
import time
from pathlib import Path

from app.db.embedded import running
from app.settings import Settings
from tests.db.test_embedded import postmaster
from tests.support.left_behind import ROOT

RUN = """
import sys, time
from pathlib import Path
from app.db.embedded import running
from app.settings import Settings
from tests.support.left_behind import none_left_behind
folder = Path(sys.argv[1])
with none_left_behind(folder), running(Settings(data=folder / "first")), running(Settings(data=folder / "second")):
    print("running", flush=True)
    time.sleep(300)
"""
GONE_IN_SECONDS = 60


def wait_until_stopped(data: Path) -> None:
    until = time.monotonic() + GONE_IN_SECONDS
    while (data / "postgres-18" / "postmaster.pid").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_servers_of_a_killed_run_are_stopped_unless_others_use_them(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "running\n"
        with running(Settings(data=second)):
            kept = postmaster(second)
            killed.kill()
            wait_until_stopped(first)
            assert postmaster(second) == kept
        # By us, or by the one that cleans up, whoever used it last.
        wait_until_stopped(second)
