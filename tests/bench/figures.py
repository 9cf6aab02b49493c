"""The figures of a month just changed, and a trend of everything: against bare sums, and with ten times (or fifty) as many cells beside them."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

import psycopg
from rich.progress import track
from sqlalchemy import Engine

from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.configuration.actions import apply_configuration
from app.db.embedded import running
from app.db.engine import make_engine
from app.db.roles import create_database
from app.db.schema import migrate
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY, MACHINE
from app.kernel.canonical import json_bytes
from app.reports.actions import find_trend
from app.reports.domain import ReportQuery
from app.reports.month_actions import months_figures
from app.reports.slices import SLICES
from app.returns.actions import submit
from app.returns.expectation import expected_return
from app.settings import Settings
from tests.bench import history
from tests.support.databases import urls_of

ROUNDS: Final = 31
WARM_UP: Final = 3
SEED: Final = 20261122
TREND: Final = 24
BESIDE: Final = "beside"
"""The database with most cells."""
SINGLE: Final = tuple(slice_ for slice_, named in SLICES.items() if len(named) <= 1 or slice_ == "segment")
"""The slices of one dimension."""

_TENANT: Final = Tenant(programme=history.PROGRAMME, subcontract=EVERY, commissioner=EVERY, client=EVERY)
_MONTH: Final = "SELECT revision_id FROM returns JOIN revisions USING (programme, collection, subcontract, month) WHERE programme = 'history' AND month = %s AND number = accepted_revision AND closed_at IS NULL"
_BARE_TREND: Final = (
    "SELECT month, measure, sum(numerator), sum(denominator) FROM revisions JOIN cells USING (programme, revision_id)"
    " WHERE programme = 'history' AND month BETWEEN %s AND %s GROUP BY month, measure"
)


@dataclass
class Installation:
    """A database with a history, and what was timed on it, in milliseconds."""

    engine: Engine
    superuser: psycopg.Connection
    random: Random = field(default_factory=lambda: Random(SEED))
    taken: dict[str, list[float]] = field(default_factory=dict)
    last: bytes = b""

    def time(self, what: str, step: Callable[[], object]) -> None:
        begun = time.perf_counter()
        step()
        self.taken.setdefault(what, []).append((time.perf_counter() - begun) * 1000)

    def medians(self) -> dict[str, float]:
        return {what: round(median(each[WARM_UP:]), 3) for what, each in self.taken.items()}

    def times(self, what: str, other: "Installation") -> float:
        """How many times as long as on another it took in the same round."""
        pairs = zip(self.taken[what][WARM_UP:], other.taken[what][WARM_UP:], strict=True)
        return round(median(own / others for own, others in pairs), 3)

    def change(self) -> None:
        """A subcontract corrects its last return, and the correction is accepted."""
        key = ReturnKey(history.COLLECTION, history.reference(self.random.randrange(100)), history.LAST)
        with open_session(self.engine, _TENANT) as session:
            owed = expected_return(load_contract(session, history.PROGRAMME), key)
            assert owed is not None
            body = {"cells": [{**cell._asdict(), **self._figures()} for cell in owed.cells]}
            now = datetime.now(UTC)
            receipt = submit(
                session, history.PROGRAMME, key, body, sent=json_bytes(body), media_type="application/json", actor=MACHINE, now=now
            )
            if receipt.state.accepted_revision != receipt.revision:
                raise SystemExit("a correction was not accepted at once")
            session.commit()

    def _figures(self) -> dict[str, int]:
        whole = self.random.randint(1, 60)
        return {"numerator": self.random.randint(0, whole), "denominator": whole}

    def month(self) -> bool:
        """The last month's results in every single slice, and whether anything had to be computed and stored."""
        with open_session(self.engine, _TENANT) as session:
            contract, now = load_contract(session, history.PROGRAMME), datetime.now(UTC)
            figures = months_figures(session, contract, [history.LAST], SINGLE, as_of=now)
            session.commit()
            return figures[history.LAST].computed

    def month_bare(self) -> None:
        """The same cells grouped by each of the slices, and nothing more."""
        revisions = [row[0] for row in self.superuser.execute(_MONTH, (history.LAST.ordinal,))]
        for slice_ in SINGLE:
            names = ", ".join(("measure", *SLICES[slice_]))
            query = f"SELECT {names}, sum(numerator), sum(denominator) FROM cells WHERE programme = 'history' AND revision_id = ANY(%s) GROUP BY {names}"
            self.superuser.execute(query.encode(), (revisions,)).fetchall()

    def trend(self) -> bool:
        """Every measure of 24 months, as the service answers it; whether anything had to be computed."""
        query = ReportQuery(history.LAST, slices=("all",), since=history.LAST.plus(1 - TREND))
        with open_session(self.engine, _TENANT) as session:
            content, computed = find_trend(session, history.PROGRAMME, query, actor=MACHINE, now=datetime.now(UTC))
            session.commit()
        self.last = content
        return computed

    def trend_bare(self) -> None:
        """Numerators and denominators of the same months and measures, summed from their cells."""
        self.superuser.execute(_BARE_TREND, (history.LAST.plus(1 - TREND).ordinal, history.LAST.ordinal)).fetchall()

    def round(self) -> None:
        """A correction, what it makes of the month, and the trend with it; each of both kinds in turn."""
        self.change()
        self.time("month", lambda: _expect(self.month, True))
        self.time("month_bare", self.month_bare)
        self.time("month_served", lambda: _expect(self.month, False))
        _expect(self.trend, True)
        self.time("trend", lambda: _expect(self.trend, False))
        self.time("trend_bare", self.trend_bare)
        if self.last.count(b'"measure":') < TREND * 60:
            raise SystemExit("the trend lacks rows")


def _expect(step: Callable[[], bool], computed: bool) -> None:
    if step() is not computed:
        raise SystemExit("what was stored is served without computing, and nothing else is")


def measured(folder: Path, *, copies: int) -> dict[str, float]:
    """Milliseconds on two million cells, and (`…_beside`) with so many times as many beside them in the same tables.

    Both take turns, each before the other as often as after it, and `…_times` is how many times as long the second took in the rounds that lie in the
    middle: whatever else the machine does in a round falls on both.
    """
    settings = Settings(data=folder)
    with running(settings) as urls, ExitStack() as stack:
        alone = stack.enter_context(_installation(settings, urls, "alone", copies=0))
        beside = stack.enter_context(_installation(settings, urls, BESIDE, copies=copies))
        # As the service does when it starts: the collector need not walk what stays.
        gc.collect()
        gc.freeze()
        for number in track(range(WARM_UP + ROUNDS), "changing months"):
            for installation in (alone, beside)[:: 1 if number % 2 else -1]:
                installation.round()
        gc.unfreeze()
        times = {f"{what}_times": beside.times(what, alone) for what in ("month", "trend")}
        return alone.medians() | {f"{what}_beside": taken for what, taken in beside.medians().items()} | times


@contextmanager
def _installation(settings: Settings, urls: Any, name: str, *, copies: int) -> Iterator[Installation]:
    with psycopg.connect(str(urls.superuser), autocommit=True) as connection:
        create_database(connection, name, template="template0")
    own = urls_of(urls, name)
    migrate(own.owner, application_url=own.application)
    engine = make_engine(own.application, settings)
    with open_session(engine, _TENANT) as session:
        apply_configuration(
            session, history.PROGRAMME, history.document(), actor=MACHINE, now=datetime.now(UTC), expect=lambda _digest: None
        )
        session.commit()
        contract = load_contract(session, history.PROGRAMME)
    with psycopg.connect(str(own.superuser)) as superuser:
        history.write(superuser, contract)
        for number in track(range(copies), f"writing {copies * history.MONTHS * history.CELLS_OF_MONTH:,} cells beside them"):
            history.write_again(superuser, f"beside-{number}")
        history.tidy(superuser)
        yield Installation(engine, superuser)
    engine.dispose()
