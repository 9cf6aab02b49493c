"""R7: what the service answers when far more is asked than it can do, to one who floods and to one who does not, and when it is told to stop.

`python -m tests.safety.overload` prints a line a promise and exits 1 where one falls short. Times are ratios within the run: "unloaded" is with as
many callers as the service works for at once, each asking again once it is answered; "four times" is four times what was answered then, asked at a
steady rate whatever comes back.
"""

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.access.actions import create_client
from app.db.embedded import running
from app.db.engine import make_engine
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.settings import Settings
from tests.faults.load import PROGRAMME, document
from tests.support.server import Installation, installation

MOST_RATIO: Final = 3.0
TIMES: Final = 4
ALLOWED: Final = frozenset({429, 503})
CALLERS: Final = 20
_IDLE_SECONDS: Final = 2


@dataclass
class Answers:
    """What came back: seconds of those accepted, and how many of each status; `wrong` is what must not come."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def note(self, status: int, head: bytes, seconds: float, *, counted: bool) -> None:
        if status not in ALLOWED and not 200 <= status < 300:
            self.wrong.append(f"an answer {status}")
        if status in ALLOWED and b"retry-after: " not in head:
            self.wrong.append(f"an answer {status} without Retry-After")
        if counted:
            self.statuses[status] += 1
            if 200 <= status < 300:
                self.seconds.append(seconds)

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.95)] if self.seconds else float("inf")


class Caller:
    """One connection on which requests are sent as ready bytes: whoever asks much must not need much time to ask."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self._address = address
        self._request = request
        self.has_asked, self._used_at = False, 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> tuple[int, bytes, float]:
        """Status, head in small letters and seconds of one request."""
        began = time.perf_counter()
        if self._streams is not None and began - self._used_at > _IDLE_SECONDS:
            # A service closes a connection that has been idle; it is not its fault who uses one all the same.
            await self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(self._request)
        self.has_asked = True
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        self.has_asked, self._used_at = False, time.perf_counter()
        if b"connection: close" in head:
            await self.close()
        return int(head[9:12]), head, time.perf_counter() - began

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass(frozen=True)
class Target:
    """Where a service is, what is asked of it, how many it works for at once, and the keys of those who ask."""

    url: str
    path: str
    places: int
    keys: Sequence[str]
    flooding: str

    def caller(self, key: str) -> Caller:
        host, port = self.url.removeprefix("http://").split(":")
        head = f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n"
        return Caller((host, int(port)), head.encode())


async def in_turn(target: Target, keys: Sequence[str], seconds: float, answers: Answers, *, unread: float = 0.0) -> None:
    """Each key asks again once it is answered, until the time is over; what comes in the first `unread` seconds is not counted."""
    began = time.perf_counter()

    async def go(caller: Caller) -> None:
        while (since := time.perf_counter() - began) < seconds:
            answers.note(*await caller.ask(), counted=since >= unread)
        await caller.close()

    await asyncio.gather(*(go(target.caller(key)) for key in keys))


async def at_rate(target: Target, per_second: float, seconds: float, answers: Answers, *, unread: float) -> None:
    """So many requests a second whatever comes back, by the callers in turn."""
    free: dict[str, list[Caller]] = {key: [] for key in target.keys}
    asked: set[asyncio.Task[None]] = set()

    async def go(key: str, *, counted: bool) -> None:
        caller = free[key].pop() if free[key] else target.caller(key)
        try:
            answers.note(*await caller.ask(), counted=counted)
        except (OSError, asyncio.IncompleteReadError) as error:
            answers.wrong.append(f"no answer ({type(error).__name__})")
            return
        free[key].append(caller)

    began, count = time.perf_counter(), 0
    while (since := time.perf_counter() - began) < seconds:
        while count < since * per_second:
            task = asyncio.create_task(go(target.keys[count % len(target.keys)], counted=since >= unread))
            asked.add(task)
            task.add_done_callback(asked.discard)
            count += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*asked)
    for callers in free.values():
        for caller in callers:
            await caller.close()


@dataclass(frozen=True)
class Told:
    """What was shown of one promise."""

    sentence: str
    holds: bool

    def __str__(self) -> str:
        return f"R7 {self.sentence}: {'holds' if self.holds else 'falls short'}"


async def overloaded(target: Target, *, seconds: float) -> list[Told]:
    """Four times what can be done: only honest answers, and those who are accepted are answered soon."""
    unloaded, alone, over = Answers(), Answers(), Answers()
    await in_turn(target, target.keys[:1], seconds / 3, alone)
    await in_turn(target, target.keys[: target.places], seconds, unloaded, unread=seconds / 4)
    capacity = len(unloaded.seconds) / (seconds * 3 / 4)
    # What comes before overload has been noticed is a burst, and waits its turn.
    burst = Settings().wait_seconds + 1
    await at_rate(target, TIMES * capacity, seconds + burst, over, unread=burst)
    ratio = over.p95 / unloaded.p95
    counts = ", ".join(f"{count} of {status}" for status, count in sorted(over.statuses.items()))
    wrong = [*unloaded.wrong, *over.wrong]
    return [
        Told(
            f"at {TIMES} times {capacity:.0f} a second come {counts} and nothing else ({', '.join(sorted(set(wrong))) or 'no other'})",
            not wrong,
        ),
        Told(
            f"accepted p95 {over.p95 * 1000:.0f} ms is {ratio:.2f} times {unloaded.p95 * 1000:.0f} ms (at most {MOST_RATIO});"
            f" one alone has {alone.p95 * 1000:.0f} ms",
            ratio <= MOST_RATIO and len(over.seconds) > 0,
        ),
    ]


async def flooded(target: Target, *, seconds: float) -> Told:
    """One client asks on many connections at once; another, which asks one thing after another, is answered as if among as many callers as places."""
    unloaded, flood, other = Answers(), Answers(), Answers()
    await in_turn(target, target.keys[: target.places], seconds / 2, unloaded)
    await asyncio.gather(
        in_turn(target, [target.flooding] * target.places * 6, seconds, flood), in_turn(target, target.keys[:1], seconds, other, unread=0.5)
    )
    accepted = other.statuses[200] == sum(other.statuses.values()) > 0
    ratio = other.p95 / unloaded.p95
    return Told(
        f"beside {sum(flood.statuses.values())} requests of a flood another has all of its {sum(other.statuses.values())} answered,"
        f" p95 {ratio:.2f} times (at most {MOST_RATIO})",
        accepted and ratio <= MOST_RATIO and not [*flood.wrong, *other.wrong],
    )


async def stopped(target: Target, process: "subprocess.Popen[bytes]") -> Told:
    """What was asked before SIGTERM is answered, and the service ends by itself."""
    answers, lost = Answers(), 0
    async with AsyncExitStack() as stack:
        callers = [target.caller(key) for key in target.keys]
        for caller in callers:
            stack.push_async_callback(caller.close)
            answers.note(*await caller.ask(), counted=False)
        waiting = [asyncio.create_task(caller.ask()) for caller in callers]
        for _ in range(1_000):
            if all(caller.has_asked for caller in callers):
                break
            await asyncio.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            if isinstance(each, BaseException):
                lost += 1
            else:
                answers.note(*each, counted=True)
    ended = await asyncio.to_thread(process.wait, 30)
    count = sum(answers.statuses.values())
    return Told(
        f"SIGTERM with {len(callers)} requests in flight: {count} are answered, {lost} lost, and it ends with {ended}",
        lost == 0 and ended == 0 and not answers.wrong,
    )


def target_of(service: Installation) -> Target:
    """The service with a programme and clients who read it."""
    administrator = service.caller(service.create_client("Overload", "administrator"))
    administrator.put_new(f"/v1/programmes/{PROGRAMME}/configuration", document())
    settings = Settings(data=service.data, database_url=None, owner_database_url=None)
    keys = []
    with running(settings) as urls:
        engine = make_engine(urls.application, settings)
        with open_session(engine, INSTALLATION) as session:
            for number in range(CALLERS + 1):
                made = create_client(
                    session, name=f"Caller {number}", role="analyst", programme=PROGRAMME, actor=MACHINE, now=datetime.now(UTC)
                )
                keys.append(made[1])
            session.commit()
        engine.dispose()
    return Target(service.url, f"/v1/programmes/{PROGRAMME}/returns?limit=50", settings.request_threads, keys[1:], keys[0])


def run(*, seconds: float) -> list[Told]:
    """Every promise of R7, on a service of its own."""

    async def parts(target: Target, process: "subprocess.Popen[bytes]") -> list[Told]:
        return [*await overloaded(target, seconds=seconds), await flooded(target, seconds=seconds), await stopped(target, process)]

    with tempfile.TemporaryDirectory(prefix="mainstem-overload-") as folder, installation(Path(folder)) as service:
        return asyncio.run(parts(target_of(service), service.process))


def main() -> int:
    told = run(seconds=8)
    print("\n".join(map(str, told)))
    return 0 if all(each.holds for each in told) else 1


if __name__ == "__main__":
    sys.exit(main())
