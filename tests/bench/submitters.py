"""Eight submitters at once into one programme and month, against one who sends the same returns one after another."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

import psycopg
from rich.progress import track

from app.db.embedded import ServerUrls
from app.db.roles import DATABASE
from app.kernel.months import Month
from tests.bench import payload
from tests.bench.servers import Service, client_of
from tests.support.databases import urls_of

ROUNDS: Final = 30
WARM_UP: Final = 2


def measured(folder: Path, urls: ServerUrls, port: int, *, seed: int) -> dict[str, float]:
    """Milliseconds for eight returns of a month one after another, and for those of the next month all at once, in turns."""
    random = Random(seed)
    taken: dict[str, list[float]] = {"one": [], "eight": []}
    services = {reference: client_of(port, folder, urls, payload.MANY, reference) for reference in payload.SUBCONTRACTS}
    months = payload.FIRST.through(payload.LAST)
    with ThreadPoolExecutor(len(services)) as at_once:
        for number in track(range(WARM_UP + ROUNDS), "submitting at once"):
            for way, durations in taken.items():
                sent = dict(zip(services, _bodies(random), strict=True))
                submit = partial(_submit, services, next(months), sent)
                begun = time.perf_counter()
                list((at_once.map if way == "eight" else map)(submit, services))
                if number >= WARM_UP:
                    durations.append(time.perf_counter() - begun)
    _expect_all_kept(str(urls_of(urls, DATABASE).superuser), returns=2 * len(services) * (WARM_UP + ROUNDS))
    return {way: round(median(seconds) * 1000, 3) for way, seconds in taken.items()}


def _bodies(random: Random) -> list[bytes]:
    return [payload.body(random, reference) for reference in payload.SUBCONTRACTS]


def _submit(services: Mapping[str, Service], month: Month, bodies: Mapping[str, bytes], reference: str) -> None:
    place = f"returns/{payload.COLLECTION}/{reference}/{month}/revisions"
    services[reference].post(f"/v1/programmes/{payload.MANY}/{place}", bodies[reference], headers={"Idempotency-Key": f"bench-{month}"})


def _expect_all_kept(url: str, *, returns: int) -> None:
    """End the run where an update was lost: a return, a cell, a moment or a link of the chain of events."""
    counts = """
        SELECT
            (SELECT count(*) FROM returns WHERE programme = %(programme)s AND closed_at IS NULL AND latest_revision = 1),
            (SELECT count(DISTINCT recorded_at) FROM revisions WHERE programme = %(programme)s),
            (SELECT count(*) / %(cells)s FROM cells WHERE programme = %(programme)s),
            (SELECT count(*) FROM events AS event JOIN events AS before USING (programme)
                WHERE programme = %(programme)s AND before.sequence = event.sequence - 1 AND before.sha256 = event.previous_sha256
                AND event.recorded_at >= before.recorded_at AND event.action = 'return.submitted'),
            (SELECT count(*) FROM events WHERE programme = %(programme)s)
                - (SELECT last_event_sequence FROM ledger WHERE programme = %(programme)s)
    """
    with psycopg.connect(url) as connection:
        kept = connection.execute(counts, {"programme": payload.MANY, "cells": payload.CELLS}).fetchone()
    if kept != (returns, returns, returns, returns, 0):
        raise SystemExit(f"{returns} returns were answered with 201, and {kept} were kept")
