"""The largest programme: how long its document takes to apply, a one-line change of it, and finding its gaps over ten years."""

import gc
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from app.configuration.actions import apply_configuration
from app.configuration.gaps_actions import find_gaps
from app.configuration.gaps_schemas import gaps_view
from app.db.embedded import ServerUrls, running
from app.db.engine import make_engine
from app.db.schema import migrate
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY, MACHINE
from app.kernel.canonical import json_bytes
from app.settings import Settings
from tests import make_large

ROUNDS: Final = 5
_TENANT: Final = Tenant(programme=make_large.PROGRAMME, subcontract=EVERY, commissioner=EVERY, client=EVERY)


def measured() -> dict[str, float]:
    """Milliseconds of each: `gaps_first` reads the contract from the database, as the first request after a change does."""
    with tempfile.TemporaryDirectory(prefix="mainstem-bench-") as folder:
        settings = Settings(data=Path(folder))
        with running(settings) as urls:
            migrate(urls.owner, application_url=urls.application)
            document = make_large.document()
            # As the service does when it starts: the collector need not walk what stays.
            gc.collect()
            gc.freeze()
            changed = {**document, "assignments": [{**document["assignments"][0], "expected_volume": 21}, *document["assignments"][1:]]}
            return {
                "document": _apply(urls, settings, document),
                "one_line": median(_apply(urls, settings, each) for each in (changed, document, changed)),
                "gaps_first": median(_gaps(urls, settings, warm=False) for _ in range(ROUNDS)),
                "gaps": median(_gaps(urls, settings, warm=True) for _ in range(ROUNDS)),
            }


def _apply(urls: ServerUrls, settings: Settings, document: dict[str, Any]) -> float:
    engine = make_engine(urls.application, settings)
    with open_session(engine, _TENANT) as session:
        taken = _milliseconds(
            lambda: apply_configuration(
                session, make_large.PROGRAMME, document, actor=MACHINE, now=datetime.now(UTC), expect=lambda _digest: None
            ),
            session.commit,
        )
    engine.dispose()
    return taken


def _gaps(urls: ServerUrls, settings: Settings, *, warm: bool) -> float:
    """Contracts that were read are kept for each engine: a new one knows nothing."""
    engine = make_engine(urls.application, settings)
    with open_session(engine, _TENANT) as session:

        def answer() -> None:
            found = find_gaps(session, make_large.PROGRAMME, first=None, last=None, actor=MACHINE, as_of=None, now=datetime.now(UTC))
            json_bytes(gaps_view(found, limit=1_000))

        session.connection()
        if warm:
            answer()
        taken = _milliseconds(answer)
    engine.dispose()
    return taken


def _milliseconds(*steps: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for step in steps:
        step()
    return round((time.perf_counter() - begun) * 1000, 3)
