"""How soon the service is ready on a database with years of history, and the most memory that it holds while it answers from it."""

import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import psycopg
from rich.progress import track

from app.access.actions import create_client
from app.db.embedded import running
from app.db.engine import make_engine
from app.db.roles import DATABASE
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.settings import Settings
from tests.bench import history
from tests.bench.many import peak_megabytes
from tests.bench.servers import Service, serving

STARTS: Final = 5
ROUNDS: Final = 5
_RETURN: Final = f"/v1/programmes/{history.PROGRAMME}/returns/{history.COLLECTION}/{history.reference(0)}/{history.LAST}/revisions"
_REPORT: Final = f"/v1/programmes/{history.PROGRAMME}/reports/{history.LAST}"
_READ: Final = (
    _REPORT,
    f"{_REPORT}?slice=site&slice=commissioner&slice=subcontract",
    f"{_REPORT}/trend?months=24",
    f"{_REPORT}?format=csv",
    f"{_REPORT}?format=xlsx",
)


def measured(folder: Path, database: str) -> dict[str, float]:
    """Milliseconds from the command to a service that is ready, its PostgreSQL stopped before; and the megabytes that its process holds at most.

    `database` is one of this folder's; it takes the place of the service's own.
    """
    key = _take_over(folder, database)
    with serving(folder) as (port, _):
        # Whoever has such a history has asked for its months before: what is computed is stored.
        _work(Service(port, key), "of the first life")
    taken = []
    for _ in track(range(STARTS), "starting"):
        begun = time.perf_counter()
        with serving(folder):
            taken.append(time.perf_counter() - begun)
    with serving(folder) as (port, pid):
        service = Service(port, key)
        ready = peak_megabytes(pid)
        for number in track(range(ROUNDS), "reading and correcting"):
            _work(service, f"number {number}")
        held = peak_megabytes(pid)
    return {"ready": round(median(taken) * 1000, 3), "megabytes_ready": round(ready, 1), "megabytes": round(held, 1)}


def _work(service: Service, note: str) -> None:
    """A correction, and all that is read of the month that it changes."""
    service.post(_RETURN, json.dumps({"rest": "not_collected", "rest_reason": "other", "cells": [], "note": note}).encode())
    for path in _READ:
        service.get(path)


def _take_over(folder: Path, database: str) -> str:
    """Have the service work on a database; the key of a client there."""
    settings = Settings(data=folder)
    with running(settings) as urls, ExitStack() as stack:
        with psycopg.connect(str(urls.superuser), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {DATABASE}".encode())
            connection.execute(f"ALTER DATABASE {database} RENAME TO {DATABASE}".encode())
        engine = make_engine(urls.application, settings)
        stack.callback(engine.dispose)
        with open_session(engine, INSTALLATION) as session:
            now = datetime.now(UTC)
            _, key = create_client(session, name="bench", role="contract_manager", programme=history.PROGRAMME, actor=MACHINE, now=now)
            session.commit()
    return key
