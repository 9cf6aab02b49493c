"""`make safety`: ask everything as everybody, take down each wall, forge, tamper, flood and fuzz; one line a part, exit 1 where one falls short.

A further part joins `PARTS`: a function of a server of the run's own and a seed, which gives what it found.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Final

from app.settings import Settings
from tests.safety import fuzzing, matrix, overload, walls
from tests.safety.found import Found
from tests.safety.unfiltered import let_through
from tests.safety.world import world_of
from tests.support.databases import Server, server_of, server_on_version_15
from tests.support.left_behind import none_left_behind
from tests.support.postgres15 import IS_THERE

_SHOWN: Final = 20


@contextmanager
def database_server() -> Iterator[Server]:
    """A PostgreSQL of the run's own."""
    with tempfile.TemporaryDirectory(prefix="mainstem-safety-") as folder, none_left_behind(Path(folder)):
        settings = Settings(data=Path(folder) / "data", database_url=None, owner_database_url=None)
        with server_of(settings) as server:
            yield server


def _on_both(server: Server, part: Callable[[Server], list[str]]) -> tuple[list[str], str]:
    """What a part finds on the embedded PostgreSQL, and on version 15 where that is on the machine; and which versions they were."""
    faults = part(server)
    if not IS_THERE:
        return faults, "PostgreSQL 18 (15 is not on this machine)"
    with tempfile.TemporaryDirectory(prefix="mainstem-15-") as folder, server_on_version_15(Path(folder)) as older:
        return [*faults, *(f"on version 15: {fault}" for fault in part(older))], "PostgreSQL 18 and 15"


def asked(server: Server, _seed: int) -> Found:
    """A1: every operation, caller and kind of object; and nothing of anybody's in what was logged meanwhile."""
    count = 0

    def ask(on: Server) -> list[str]:
        nonlocal count
        faults: list[str] = []
        with on.database() as database, world_of(database) as world, matrix.matrix_of(world) as asking:
            for request in matrix.requests(asking):
                count += 1
                faults += matrix.differing(asking, request)
            return faults + world.told_in_logs()

    faults, versions = _on_both(server, ask)
    missing = {operation.name for operation in matrix.operations()} ^ matrix.EXPECTED.keys()
    return Found("A1", f"{count} requests are answered as the table has it, on {versions}", [*faults, *sorted(missing)])


def unfiltered(server: Server, _seed: int) -> Found:
    """A2: the matrix once more, with the application's own filters switched off."""

    def ask(on: Server) -> list[str]:
        with on.database() as database, world_of(database) as world, matrix.matrix_of(world) as asking:
            return list(let_through(asking))

    faults, versions = _on_both(server, ask)
    return Found("A2", f"with the application's filters off nothing of another's is told or changed, on {versions}", faults)


def walled(server: Server, _seed: int) -> Found:
    """A2: the walls of every table."""
    faults, versions = _on_both(server, walls.on)
    return Found("A2", f"everybody sees and writes their own rows of {len(walls.OWNERS)} tables and no others, on {versions}", faults)


def mutated(server: Server, _seed: int) -> Found:
    """A2, A3: whoever takes a policy down, or lets it say yes to everything, is noticed, and the next start names it."""
    with server.database() as database, database.superuser_engine.connect() as connection:
        count, faults = len(list(walls.mutations(connection))), [f"the start does not name {each}" for each in walls.unnamed(connection)]
        faults += walls.unnoticed(connection, walls.fill(connection))
        connection.rollback()
    return Found("A2", f"{count} policies dropped or loosened are each noticed by whom they concern, and named at the start", faults)


def forged(_server: Server, _seed: int) -> Found:
    """Every classic forgery of a signed assertion, and keys that are over."""
    files = ["tests/access", "tests/configuration/test_clients.py"]
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q", *files], capture_output=True, text=True, check=False)
    return Found("A1", f"forgeries get 401: {ran.stdout.splitlines()[-1]}", ran.stdout.splitlines() if ran.returncode else [])


def tampered(_server: Server, _seed: int) -> Found:
    """A5: each kind of tampering with the database is named, row and all."""
    ran = subprocess.run([sys.executable, "-m", "tests.safety.tampering"], capture_output=True, text=True, check=False)
    lines = ran.stdout.splitlines() or ran.stderr.splitlines()
    return Found("A5", lines[-1], [line for line in lines if line.startswith("MISSED")] or ([] if ran.returncode == 0 else lines[-3:]))


def overloaded(_server: Server, _seed: int) -> Found:
    """R7: far more than can be done, a flood, and SIGTERM in the midst of it."""
    told = overload.run(seconds=8)
    return Found("R7", "; ".join(each.sentence for each in told), [str(each) for each in told if not each.holds])


def fuzzed(server: Server, seed: int) -> Found:
    """A4: every operation from its schema, with each role's key, against a served programme."""
    with server.database() as database, world_of(database) as world:
        found = fuzzing.fuzz_all(world, seed=seed)
    return Found("A4", f"{found.cases} requests made from the contract are answered as it says", found.faults)


PARTS: Final[Mapping[str, Callable[[Server, int], Found]]] = {
    "matrix": asked,
    "unfiltered": unfiltered,
    "walls": walled,
    "mutations": mutated,
    "forgeries": forged,
    "tampering": tampered,
    "overload": overloaded,
    "fuzzing": fuzzed,
}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.safety", description=__doc__)
    options.add_argument("parts", nargs="*", choices=[[], *PARTS], help="only these; without any, all")
    options.add_argument("--seed", type=int, default=SystemRandom().randrange(2**32), help="repeat what this seed chose")
    chosen = options.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    holds = True
    with database_server() as server:
        for name in chosen.parts or PARTS:
            found = PARTS[name](server, chosen.seed)
            print("\n    ".join([f"{found.promise} {name}: {found.says} {found.verdict}", *found.faults[:_SHOWN]]), flush=True)
            holds = holds and not found.faults
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
