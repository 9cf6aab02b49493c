"""`make faults`: kill, race and tell histories, print one line a promise, write faults.json, and exit 1 where one falls short."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

from rich.progress import Progress

from app.settings import Settings
from tests.faults import durability, histories, races
from tests.faults.durability import Outcome
from tests.faults.launcher import PLANTS
from tests.support.databases import Server, server_of
from tests.support.left_behind import none_left_behind

KILLS: Final = 61
RETURNS: Final = 3_000
PLANTED_KILLS: Final = 27
"""Every point with every victim once: by then a planted fault has been noticed."""
PLANTED_RETURNS: Final = 600
RACES: Final = 200
HISTORIES: Final = 300
_SHOWN: Final = 5


@dataclass(frozen=True)
class Promise:
    """What was found of a promise, and some of what broke it."""

    name: str
    says: str
    holds: bool
    faults: list[str]

    @property
    def line(self) -> str:
        return "\n    ".join([f"{self.name} {self.says} {'holds' if self.holds else 'falls short'}", *self.faults[:_SHOWN]])


def survived(seed: int) -> Promise:
    """R1: what is acknowledged is on disk, whole and once, whoever is killed."""
    with durability.on_its_own() as installation, Progress(transient=True) as progress:
        task = progress.add_task("killing", total=KILLS)
        outcome = durability.run(installation, seed=seed, kills=KILLS, returns=RETURNS, killed=lambda: progress.advance(task))
    enough = outcome.kills.total() >= KILLS and outcome.acknowledged >= RETURNS
    return Promise("R1", outcome.says, outcome.holds and enough, outcome.faults)


def planted(plant: str, seed: int) -> Outcome:
    with durability.on_its_own() as installation:
        return durability.run(installation, seed=seed, kills=PLANTED_KILLS, returns=PLANTED_RETURNS, plant=plant)


def noticed(seed: int) -> Iterator[Promise]:
    """R1 notices faults that a service must not have: by what is on disk, not by what it answers."""
    for plant in PLANTS:
        outcome = planted(plant, seed)
        yield Promise("R1", f"notices {plant}: {outcome.says}", bool(outcome.verdict), [])
    with durability.on_its_own() as installation:
        objection = durability.objection(installation)
    yield Promise("R1", "does not serve with synchronous_commit off:", "synchronous_commit" in objection, [])


@contextmanager
def database_server() -> Iterator[Server]:
    """A PostgreSQL of the run's own."""
    with tempfile.TemporaryDirectory(prefix="mainstem-races-") as folder, none_left_behind(Path(folder)):
        settings = Settings(data=Path(folder) / "data", database_url=None, owner_database_url=None)
        with server_of(settings) as server:
            yield server


def raced(seed: int) -> Iterator[Promise]:
    """R2: each race on a database of its own."""
    with database_server() as server:
        for kind in races.RACES:
            with server.database() as database, races.parties(database) as parties:
                found = races.race(parties, kind, count=RACES, seed=seed)
            yield Promise("R2", found.says, not found.broken, found.broken)


def agreed(seed: int) -> Promise:
    """R3: the service and the reference model tell the same histories of returns."""
    with database_server() as server, server.database() as database, races.parties(database) as parties:
        try:
            count, faults = histories.agree(parties, count=HISTORIES, from_seed=seed), []
        except AssertionError as error:
            count, faults = 0, ["\n    ".join([str(error), *getattr(error, "__notes__", [])])]
    return Promise("R3", f"{count} random histories of returns agree with the reference model:", not faults and count >= HISTORIES, faults)


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    asked.add_argument("--seed", type=int, default=SystemRandom().randrange(2**32), help="repeat what this seed chose")
    asked.add_argument("--planted", choices=list(PLANTS), help="only kill, and with this fault planted: exits 1, for it is noticed")
    options = asked.parse_args()
    print(f"seed {options.seed}", flush=True)
    promises = []
    for promise in everything(options.seed) if options.planted is None else only_planted(options.planted, options.seed):
        print(promise.line, flush=True)
        promises.append(promise)
    Path("faults.json").write_text(json.dumps({"seed": options.seed, "promises": [*map(asdict, promises)]}, indent=2) + "\n")
    sys.exit(0 if all(promise.holds for promise in promises) else 1)


def only_planted(plant: str, seed: int) -> Iterator[Promise]:
    outcome = planted(plant, seed)
    yield Promise("R1", f"with {plant}: {outcome.says}", outcome.holds, outcome.faults)


def everything(seed: int) -> Iterator[Promise]:
    yield survived(seed)
    yield from noticed(seed)
    yield from raced(seed)
    yield agreed(seed)


if __name__ == "__main__":
    main()
