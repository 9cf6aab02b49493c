"""Every row of some months of the demonstration programme, computed again from its sources alone; `python -m tests.reports.every_row` does it for all."""

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.calendar.store import load_contract
from app.db.embedded import running
from app.db.engine import make_engine
from app.db.schema import migrate
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.demo.cli import fill
from app.demo.document import MONTHS, PROGRAMME, first_month
from app.kernel.actors import EVERY, MACHINE
from app.kernel.canonical import json_bytes
from app.kernel.moments import parse_moment
from app.kernel.months import Month
from app.reports.actions import find_report
from app.reports.domain import ReportQuery, SourceQuery
from app.reports.periods import PERIODS
from app.reports.slices import SLICES
from app.reports.source_actions import RowSources
from app.settings import Settings
from tests.reports.recomputation import as_published, row_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST = first_month(Month.parse("2026-11"))
LAST = FIRST.plus(MONTHS - 1)
PLACES = ("commissioner", "site", "pathway", "segment", "subcontract", "category")
_WHOLE = Tenant(programme=PROGRAMME, subcontract=EVERY, commissioner=EVERY, client=EVERY)


def as_sent(value: Any) -> Any:
    """An answer as a reader gets it."""
    return json.loads(json_bytes(value), parse_float=Decimal)


def differing(engine: Engine, month: Month, *, every: int = 1) -> Iterator[tuple[dict[str, Any], dict[str, tuple[Any, Any]]]]:
    """Each row of a month's report (or of each slice and period one of so many), and what of it does not follow from its sources: served, and computed."""
    with open_session(engine, _WHOLE) as session:
        query = ReportQuery(month, None, tuple(SLICES), PERIODS)
        content, _ = find_report(session, PROGRAMME, query, actor=MACHINE, now=NOW)
        report = json.loads(content, parse_float=Decimal)
        as_of = parse_moment(report["report"]["as_of"])
        parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in report["observations"]:
            parts.setdefault((row["slice"], row["period"]), []).append(row)
        for rows in parts.values():
            yield from _of_part(session, month, rows[::every], as_of)
        session.commit()


def _of_part(session: Session, month: Month, rows: list[dict[str, Any]], as_of: datetime) -> Iterator[Any]:
    queries = [
        SourceQuery(month, row["measure"], as_of, row["slice"], row["period"], **{name: row[name] for name in PLACES}) for row in rows
    ]
    behind = RowSources(session, load_contract(session, PROGRAMME, as_of=as_of), queries[0], as_of)
    for row, query in zip(rows, queries, strict=True):
        found = as_sent(behind.of(query))
        assert found.pop("row") == row
        asked = {name: row[name] for name in ("slice", "period", "month", "measure", *PLACES)}
        computed = {**row, **as_published(found)} if found["imports"] else row_of(asked, found)
        yield row, {name: (row.get(name), computed.get(name)) for name in {*row, *computed} if row.get(name, "") != computed.get(name, "")}


def main() -> int:
    counted: Counter[str] = Counter()
    wrong, begun = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mainstem-rows-") as folder:
        settings = Settings(data=Path(folder))
        with running(settings) as urls:
            migrate(urls.owner, application_url=urls.application)
            engine = make_engine(urls.application, settings)
            fill(engine, now=NOW)
            for month in FIRST.through(LAST):
                for row, differs in differing(engine, month):
                    counted[f"{row['slice']}, {row['period']}"] += 1
                    if differs:
                        wrong += 1
                        print({name: row[name] for name in ("month", "slice", "period", "measure", *PLACES)}, differs)
                print(f"{month}: {counted.total():,} rows, {wrong} differ ({time.monotonic() - begun:.0f} s)", file=sys.stderr)
            engine.dispose()
    print(f"{counted.total():,} rows in {len(counted)} slices and periods were computed again from their sources alone; {wrong} differ.")
    return 1 if wrong or not counted else 0


if __name__ == "__main__":
    sys.exit(main())
