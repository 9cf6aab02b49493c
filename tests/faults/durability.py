"""R1: several submit over HTTP while the service and its PostgreSQL are killed, and whatever was acknowledged must be there, whole and once."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, get_args

import httpx

from tests.faults import kept, load
from tests.faults.kept import Acknowledged, Verdict
from tests.faults.launcher import POINTS, Order, Victim
from tests.faults.service import Installation, installed
from tests.support import commands
from tests.support.left_behind import none_left_behind
from tests.support.server import environment

SUBMITTERS: Final = 6
_ANSWERED_SECONDS: Final = 60
_AGAIN_SECONDS: Final = 0.05
_AT_RANDOM: Final = "random"
Card = tuple[str, Victim]
"""Where to kill whom."""
_AGAIN: Final = frozenset({429, 503})
"""Come again: nothing was kept, or it is not known and the key finds out."""


@dataclass(slots=True)
class Outcome:
    """A run: whom it killed where, what was acknowledged, and what is not as it was."""

    kills: Counter[Card] = field(default_factory=Counter)
    acknowledged: int = 0
    replayed: int = 0
    refused: list[str] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def holds(self) -> bool:
        return not self.faults

    @property
    def says(self) -> str:
        found = self.verdict
        count = self.kills.total()
        named = count - sum(number for (point, _), number in self.kills.items() if point == _AT_RANDOM)
        victims = Counter(victim for (_, victim), number in self.kills.items() for _ in range(number))
        whom = ", ".join(f"{victims[victim]} of the {victim}" for victim in get_args(Victim))
        return (
            f"{count} kills ({whom}; {named} at named points), {self.acknowledged:,} acknowledged ({self.replayed} of them when asked again), "
            f"{len(found.lost)} lost, {len(found.duplicated)} duplicated, {len(found.half_written)} half-written"
            + (f", {len(self.refused)} refused" if self.refused else "")
        )

    @property
    def faults(self) -> list[str]:
        return [*self.verdict.lost, *self.verdict.duplicated, *self.verdict.half_written, *self.refused, *self.defects]


class Submitters:
    """Clients that submit one return after another, each until it is answered for, whatever happens to the service meanwhile."""

    def __init__(self, installation: Installation, *, seed: int) -> None:
        self._installation = installation
        self._seed = seed
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._acknowledged: list[Acknowledged] = []
        self.refused: list[str] = []
        self.replayed = 0

    @property
    def acknowledged(self) -> list[Acknowledged]:
        with self._changed:
            return list(self._acknowledged)

    def wait_for(self, count: int) -> None:
        """Until so many have been acknowledged, or something was refused."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._acknowledged) >= count or self.refused, _ANSWERED_SECONDS)

    def stop(self) -> None:
        self._stop.set()

    def submit(self, number: int) -> None:
        """What one submitter does until it is told to stop: then it ends what it has begun."""
        chance = Random(f"{self._seed}/{number}")
        subcontract = load.SUBCONTRACTS[number % len(load.SUBCONTRACTS)]
        headers = {"Authorization": f"Bearer {self._installation.keys[subcontract]}", "Content-Type": "application/json"}
        with httpx.Client(headers=headers, timeout=30) as http:
            while not self._stop.is_set():
                sent = load.submission(chance, load.any_key(chance, subcontract))
                answer = self._answer(http, sent)
                with self._changed:
                    if answer is not None and answer.status_code == httpx.codes.CREATED:
                        self._acknowledged.append(Acknowledged(sent, answer.json()["revision"], answer.content))
                        self.replayed += "Idempotent-Replayed" in answer.headers
                    else:
                        said = "no answer" if answer is None else f"{answer.status_code} {answer.text[:200]}"
                        self.refused.append(f"{sent.key.collection} of {sent.key.subcontract} for {sent.key.month} got {said}")
                    self._changed.notify_all()

    def _answer(self, http: httpx.Client, sent: load.Submission) -> httpx.Response | None:
        until = time.monotonic() + _ANSWERED_SECONDS
        while time.monotonic() < until:
            try:
                url = f"http://127.0.0.1:{self._installation.service.port}{sent.path}"
                answer = http.post(url, content=sent.body, headers={"Idempotency-Key": sent.idempotency_key})
                if answer.status_code not in _AGAIN:
                    return answer
            except httpx.TransportError:
                pass
            time.sleep(_AGAIN_SECONDS)
        return None


def deck(chance: Random) -> Iterator[Card]:
    """Every point with every victim, and each victim at random, in an order of chance; then again."""
    while True:
        cards = [(point, victim) for point in (*POINTS, _AT_RANDOM) for victim in get_args(Victim)]
        chance.shuffle(cards)
        yield from cards


@contextmanager
def on_its_own() -> Iterator[Installation]:
    """An installation that is gone afterwards, also where this process is killed."""
    with tempfile.TemporaryDirectory(prefix="mainstem-faults-") as folder, none_left_behind(Path(folder)), installed(Path(folder)) as made:
        yield made


def run(
    installation: Installation,
    *,
    seed: int,
    kills: int,
    returns: int,
    plant: str | None = None,
    cards: Iterator[Card] | None = None,
    killed: Callable[[], None] = lambda: None,
) -> Outcome:
    """Kill so often while at least so many returns are acknowledged, and look what is there. It ends early where a kill lost something."""
    chance, outcome = Random(seed), Outcome()
    cards = cards or deck(chance)
    installation.service.plant = plant
    installation.service.start()
    with ThreadPoolExecutor(SUBMITTERS) as threads:
        submitters = Submitters(installation, seed=seed)
        running = [threads.submit(submitters.submit, number) for number in range(SUBMITTERS)]
        try:
            while outcome.kills.total() < kills and not submitters.refused and not outcome.verdict.lost:
                # So that the returns are spread over the kills.
                submitters.wait_for(returns * outcome.kills.total() // kills)
                card = next(cards)
                if _killed(installation, *card, chance):
                    outcome.kills[card] += 1
                    killed()
                outcome.verdict.lost = installation.look(partial(kept.lost, acknowledged=submitters.acknowledged))
            if not outcome.verdict.lost:
                submitters.wait_for(returns)
        finally:
            submitters.stop()
        for each in running:
            each.result()
    installation.service.kill()
    installation.service.died()
    outcome.acknowledged, outcome.replayed, outcome.refused = len(submitters.acknowledged), submitters.replayed, submitters.refused
    outcome.defects = installation.service.defects()
    outcome.verdict = installation.look(partial(kept.verdict, acknowledged=submitters.acknowledged))
    return outcome


def objection(installation: Installation) -> str:
    """What the service objects to a server that may forget what was answered for; empty where it would serve on it."""
    installation.look(lambda connection: connection.execute("ALTER SYSTEM SET synchronous_commit = off"))
    installation.look(lambda connection: connection.execute("SELECT pg_reload_conf()"))
    ended = commands.run(["doctor"], environment(installation.data))
    return ended.stdout if ended.returncode else ""


def _killed(installation: Installation, point: str, victim: Victim, chance: Random) -> bool:
    """Kill once; whether it was done. A killed service is started again."""
    service = installation.service
    if point == _AT_RANDOM:
        done = True
        threading.Event().wait(chance.random() / 10)
        if victim == "service":
            service.kill()
        else:
            done = installation.kill(victim, chance)
    else:
        # A commit is written in about as many milliseconds.
        delay_ms = chance.choice((0, chance.uniform(0, 5))) if point == "committing" else 0
        done = service.obeys(Order(point, chance.randint(1, 20), victim, delay_ms), within_seconds=_ANSWERED_SECONDS)
        assert done, f"nobody passed {point}"
    if victim == "service":
        done = service.died() and done
        service.start()
    return done
