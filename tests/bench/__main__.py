"""`make bench` (and `make bench-large`): measure, print one line a promise, write bench.json, and exit 1 where one falls short."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from random import Random
from statistics import median
from typing import Final, Literal

from rich.progress import track

from app.db.embedded import ServerUrls
from app.db.roles import DATABASE
from app.kernel.months import Month
from tests.bench import figures, largest, many, payload, reading, starting, submitters
from tests.bench.bare import BareCopy
from tests.bench.servers import Service, client_of, database, mainstem, straightforward_service
from tests.support.databases import urls_of

ROUNDS: Final = 60
WARM_UP: Final = 15
SEED: Final = 20261001
BESIDE: Final = 9
"""Times two million cells: with those that are measured, 20 million."""
BESIDE_LARGE: Final = 49


@dataclass(frozen=True)
class Promise:
    """A ratio of what was measured in one run, and its bound."""

    name: str
    says: str
    ratio: float
    bound: float
    better: Literal["at most", "at least"]
    measured: dict[str, float]

    @property
    def holds(self) -> bool:
        return self.ratio <= self.bound if self.better == "at most" else self.ratio >= self.bound

    @property
    def line(self) -> str:
        return f"{self.name} {self.ratio:.2f} ({self.better} {self.bound}) {'holds' if self.holds else 'falls short'}"


def served() -> Iterator[Promise]:
    """What is measured on one database and service."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mainstem-bench-")))
        urls = stack.enter_context(database(folder))
        port = stack.enter_context(mainstem(folder))
        yield from submissions(folder, urls, port)
        milliseconds = submitters.measured(folder, urls, port, seed=SEED)
        ratio = milliseconds["one"] / milliseconds["eight"]
        yield Promise("S3", "eight submitters at once, against one", ratio, 1.2, "at least", milliseconds)
        yield from published(folder, urls)
    yield a_million_cells()


def published(folder: Path, urls: ServerUrls) -> Iterator[Promise]:
    """S7: rates against that of a bare route of the same application, which gives the same bytes to anybody."""
    milliseconds = reading.measured(folder, urls)
    bare = milliseconds["bare"]
    yield Promise("S7", "a published report, with authentication", bare / milliseconds["published"], 0.5, "at least", milliseconds)
    yield Promise("S7", "an answer that nothing has changed", bare / milliseconds["unchanged"], 0.6, "at least", milliseconds)


def a_million_cells() -> Promise:
    """B1: on a database and a service of its own, for the most that a process ever held is looked at."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mainstem-bench-")))
        urls = stack.enter_context(database(folder))
        held = many.measured(folder, urls, seed=SEED)
    return Promise("B1", "memory for a million cells in one request, against 300 MB", held["megabytes"] / 300, 1.0, "at most", held)


def submissions(folder: Path, urls: ServerUrls, port: int) -> list[Promise]:
    """S1 and S2: the service and what it is measured against take turns, so that whatever else the machine does falls on both.

    Not all three at once: the straightforward service works so long at a return that it leaves the caches cold, and the service, whose
    turn is next, would be measured warm or cold as its place in the line has it.
    """
    random = Random(SEED)
    service = client_of(port, folder, urls, payload.PROGRAMME, payload.SUBCONTRACT)
    months = payload.FIRST.through(payload.LAST)
    with ExitStack() as stack:
        bare = BareCopy(str(urls_of(urls, DATABASE).superuser))
        stack.callback(bare.close)
        beside_copy = _in_turns("against COPY", random, months, service, lambda month, body: bare.repeat_latest())
        straightforward = stack.enter_context(straightforward_service(folder, urls))
        beside_straightforward = _in_turns(
            "against the straightforward service",
            random,
            months,
            service,
            lambda month, body: straightforward.post(f"/returns/{_place(month)}", body),
        )
    (service_ms, copy_ms), (again_ms, straightforward_ms) = beside_copy, beside_straightforward
    measured = {"service": service_ms, "copy": copy_ms}, {"service": again_ms, "straightforward": straightforward_ms}
    return [
        Promise("S1", "a submission of 1,000 cells over HTTP, against bare COPY", service_ms / copy_ms, 3.0, "at most", measured[0]),
        Promise("S2", "returns a second, against the straightforward service", straightforward_ms / again_ms, 6.0, "at least", measured[1]),
    ]


def _in_turns(
    says: str, random: Random, months: Iterator[Month], service: Service, other: Callable[[Month, bytes], float]
) -> tuple[float, float]:
    """Milliseconds of a submission to the service, and of the other way with the same return."""
    taken: list[tuple[float, float]] = []
    for _ in track(range(WARM_UP + ROUNDS), f"submitting {says}"):
        month, body = next(months), payload.body(random)
        path = f"/v1/programmes/{payload.PROGRAMME}/returns/{_place(month)}"
        taken.append((service.post(path, body, headers={"Idempotency-Key": f"bench-{month}"}), other(month, body)))
    of_service, of_other = (round(median(seconds) * 1000, 3) for seconds in zip(*taken[WARM_UP:], strict=True))
    return of_service, of_other


def _place(month: Month) -> str:
    return f"{payload.COLLECTION}/{payload.SUBCONTRACT}/{month}/revisions"


def of_the_largest() -> list[Promise]:
    """L1 to L3: seconds against the seconds that they may take."""
    milliseconds = largest.measured()

    def within(name: str, says: str, what: str, bound_seconds: float) -> Promise:
        return Promise(name, says, milliseconds[what] / 1000 / bound_seconds, 1.0, "at most", milliseconds)

    return [
        within("L1", "the gaps of the largest programme over 120 months, read anew, against 1 second", "gaps_first", 1),
        within("L2", "the document of the largest programme, against 10 seconds", "document", 10),
        within("L3", "a one-line change of it, against 2 seconds", "one_line", 2),
    ]


def of_figures(*, beside: int = BESIDE) -> Iterator[Promise]:
    """S4 to S6 and S8: `beside` is how many times two million cells stand beside the two million that are measured."""
    cells = f"{2 * (beside + 1)} million cells"
    with tempfile.TemporaryDirectory(prefix="mainstem-bench-") as folder:
        milliseconds = figures.measured(Path(folder), copies=beside)
        month, trend = milliseconds["month"] / milliseconds["month_bare"], milliseconds["trend_bare"] / milliseconds["trend"]
        more = max(milliseconds[f"{what}_times"] for what in ("month", "trend"))
        says = "a month just changed, in every single slice, against its cells' bare GROUP BY of each"
        yield Promise("S4", says, month, 3.0, "at most", milliseconds)
        yield Promise(
            "S5", "a trend of everything over 24 months, against summing their cells again", trend, 20.0, "at least", milliseconds
        )
        yield Promise("S6", f"the same month and trend with {cells} of history, against 2 million", more, 1.15, "at most", milliseconds)
        service = starting.measured(Path(folder), figures.BESIDE)
    yield Promise("S8", f"ready to answer, with {cells} behind it, against 3 seconds", service["ready"] / 3000, 1.0, "at most", service)
    yield Promise("S8", f"memory at work, with {cells} behind it, against 150 MB", service["megabytes"] / 150, 1.0, "at most", service)


def main() -> None:
    promises = of_figures(beside=BESIDE_LARGE) if sys.argv[1:] == ["large"] else chain(served(), of_the_largest(), of_figures())
    known = []
    for promise in promises:
        # What is measured is known, whatever becomes of the rest.
        known.append(promise)
        print(promise.line, flush=True)
        Path("bench.json").write_text(json.dumps([{**asdict(each), "holds": each.holds} for each in known], indent=2) + "\n")
    sys.exit(0 if all(promise.holds for promise in known) else 1)


if __name__ == "__main__":
    main()
