"""`mainstem …` out of a process that has imported it already: each command is a fork of it, and costs what it does, not a second of imports.

A fork ends as a process of its own would, with what runs at its exit. That the program starts by itself, tests of its service show.
"""

import atexit
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn

from app.cli import main, operators, over_http

ROOT = Path(__file__).parents[2]


def run(arguments: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The command's result; its standard input is empty."""
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder) / name for name in ("stdout", "stderr")]
        asked = {"arguments": arguments, "environment": dict(environment), "said": list(map(str, said))}
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        ended = int(server.stdout.readline())
        return subprocess.CompletedProcess(arguments, ended, *(path.read_text() for path in said))


@cache
def _server() -> subprocess.Popen[str]:
    """One for each worker, until it ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTEM_")}
    command = [sys.executable, "-W", "error", "-m", "tests.support.commands"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    # Leaving the block closes the pipes, which ends it, and waits until it has.
    atexit.register(server.__exit__, None, None, None)
    return server


def _serve() -> None:
    # Loaded here once, not in each command.
    assert operators.commands
    over_http()
    # What all commands share is not walked by the collector in each, which would copy it for each.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        command = os.fork()
        if command == 0:
            _become(**asked)
        _, status = os.waitpid(command, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(arguments: list[str], environment: dict[str, str], said: list[str]) -> NoReturn:
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["mainstem", *arguments]
    main()
    sys.exit()


if __name__ == "__main__":
    _serve()
