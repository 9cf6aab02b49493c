"""Importing a module has no effect: no file, no thread, no socket, no process, nothing asked of the environment (rule 13).

And a program loads no more than it takes: what is needed now and then is loaded then.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, sources

WATCH = """
import importlib, os, sys, threading
sys.path.insert(0, sys.argv[1])
seen = []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def watch(event, args):
    if event == "open" and isinstance(args[2], int) and args[2] & WRITES and args[0] != os.devnull:
        seen.append(f"opens {args[0]} to write")
    elif event in {"socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.mkdir", "os.fork", "os.posix_spawn", "_thread.start_new_thread"}:
        seen.append(f"{event} {args!r}")
sys.addaudithook(watch)
for name in sys.argv[2:]:
    before = len(seen)
    environment = dict(os.environ)
    importlib.import_module(name)
    if dict(os.environ) != environment:
        seen.append("changes the environment")
    for effect in seen[before:]:
        print(f"{name}: {effect}")
if threading.active_count() > 1:
    print("threads are left running")
"""


def effects(root: Path, modules: list[str], folder: Path) -> list[str]:
    """What happens when a program with no environment imports the modules one after another."""
    ended = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", WATCH, str(root), *modules],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    left = [f"leaves {path.name} behind" for path in folder.iterdir()]
    failed = [f"fails: {ended.stderr.strip().splitlines()[-1]}"] if ended.returncode else []
    return ended.stdout.splitlines() + left + failed


def test_importing_has_no_effect(tmp_path: Path) -> None:
    modules = [source.module for source in sources("app") if not source.module.endswith("__main__")]
    assert not effects(ROOT, modules, tmp_path)


@pytest.mark.parametrize(
    "effect",
    [
        "open('left', 'w').close()",
        "import threading; threading.Thread(target=print).start()",
        "import socket; socket.socket().bind(('127.0.0.1', 0))",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.environ['MAINSTEM'] = '1'",
        "import os; os.environ['MAINSTEM_DATA']",
    ],
)
def test_an_effect_is_noticed(effect: str, tmp_path: Path) -> None:
    planted, folder = tmp_path / "planted", tmp_path / "folder"
    planted.mkdir()
    folder.mkdir()
    (planted / "planted_module.py").write_text(effect + "\n")
    assert effects(planted, ["planted_module"], folder)


@pytest.mark.parametrize(
    ("loading", "without"),
    [
        # Serving. Arrays are for withholding, cryptography for signatures, alembic for migrations, httpx for clients' commands: 40 MB together.
        (
            "app.cli.operators",
            {
                "numpy",
                "cryptography",
                "jwt",
                "alembic",
                "httpx",
                "app.client",
                "fastapi_offline",
                "holidays.countries",
                "schemathesis",
                "hypothesis",
            },
        ),
        # A client's command.
        ("app.client.cli", {"fastapi", "sqlalchemy", "psycopg", "app.main", "app.db", "app.web", "numpy", "holidays"}),
    ],
)
def test_no_more_is_loaded_than_it_takes(loading: str, without: set[str]) -> None:
    command = [sys.executable, "-c", f"import app.cli, {loading}, sys; print(*sys.modules)"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert not without & set(ended.stdout.split())
