"""A million cells in one request: how far the process grows, and how long it takes."""

import http.client
import json
import time
from pathlib import Path
from random import Random
from typing import Final

from app.db.embedded import ServerUrls
from tests.bench import payload
from tests.bench.servers import client_of, serving

CELLS: Final = 1_000_000
_PIECE_BYTES: Final = 65_536
_WAITS_SECONDS: Final = 1800


def measured(folder: Path, urls: ServerUrls, *, seed: int) -> dict[str, float]:
    """The most memory that the service ever held, in megabytes, and the milliseconds that the backfill took. Anything refused ends the run."""
    file = folder / "many.ndjson"
    returns = _write(file, Random(seed))
    with serving(folder) as (port, pid):
        key = client_of(port, folder, urls, payload.MANY, None).key
        begun = time.perf_counter()
        told = _send(port, key, file)
        milliseconds = round((time.perf_counter() - begun) * 1000, 3)
        megabytes = peak_megabytes(pid)
    if told["received"] != returns:
        raise SystemExit(f"{returns} returns were sent, and of them became: {told}")
    return {"backfill": milliseconds, "megabytes": megabytes}


def _write(file: Path, random: Random) -> int:
    """Lines of JSON: the returns of as many months as make a million cells; how many there are."""
    bodies = {reference: payload.body(random, reference)[1:] for reference in payload.SUBCONTRACTS}
    wanted = CELLS // payload.CELLS
    # From the last month back: the first ones belong to other measurements.
    months = reversed(list(payload.FIRST.through(payload.LAST)))
    keys = ((month, reference) for month in months for reference in payload.SUBCONTRACTS)
    with file.open("wb") as lines:
        for _, (month, reference) in zip(range(wanted), keys, strict=False):
            key = {"collection": payload.COLLECTION, "subcontract": reference, "month": str(month)}
            lines.write(json.dumps(key)[:-1].encode() + b"," + bodies[reference] + b"\n")
    return wanted


def _send(port: int, key: str, file: Path) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WAITS_SECONDS)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson", "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as content:
        pieces = iter(lambda: content.read(_PIECE_BYTES), b"")
        connection.request("POST", f"/v1/programmes/{payload.MANY}/returns:backfill", pieces, headers)
    answer = connection.getresponse()
    told: dict[str, int] = json.loads(answer.read())
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"the backfill answered {answer.status}: {told}")
    return told


def peak_megabytes(pid: int) -> float:
    """The most memory that a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024
