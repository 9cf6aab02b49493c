"""`make real`: the month on figures that NHS England published, over HTTP, with the count of what was compared."""

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from tests.real.commissioners import run_commissioners
from tests.real.england import run_england
from tests.real.published import FOLDER, MONTHS, read_england, read_quarter
from tests.real.quarter import run_quarter
from tests.real.tally import Tally
from tests.support.server import Installation, installation

MISMATCHES_SHOWN = 20


class Shown:
    """Tells a run's progress to the bars, one task after another."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def begin(self, task: str, total: int) -> None:
        self._task = self._bars.add_task(task, total=total)

    def advance(self) -> None:
        if self._task is not None:
            self._bars.advance(self._task)


@contextlib.contextmanager
def fresh(name: str, bars: Bars) -> Iterator[Installation]:
    """An installation of its own for a programme, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"mainstem-{name}-") as folder, installation(Path(folder), told=bars.console.print) as service:
        yield service


def main() -> int:
    console = Console()
    if not FOLDER.is_dir():
        console.print("The published files are not beside this project (shared/data/cwt): nothing to show.")
        return 1
    tally, started = Tally(), time.monotonic()
    columns = (TextColumn("{task.description:<46}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console) as bars:
        shown = Shown(bars)
        with fresh("england", bars) as service:
            providers = read_england()
            run_england(providers, service, months=MONTHS, tally=tally, progress=shown)
            commissioners = read_england(basis="commissioner")
            run_commissioners(commissioners, providers, service, months=MONTHS, tally=tally, progress=shown)
        with fresh("quarter", bars) as service:
            run_quarter(read_quarter(), service, tally=tally, progress=shown)
    table = Table("compared", "figures", title="Reported by the service, and published by NHS England")
    for kind, count in tally.compared.items():
        table.add_row(kind, f"{count:,}")
    console.print(table)
    for mismatch in tally.mismatches[:MISMATCHES_SHOWN]:
        console.print(mismatch, markup=False)
    console.print(f"{tally.total:,} comparisons, {len(tally.mismatches):,} mismatches, {time.monotonic() - started:.0f} seconds.")
    return 1 if tally.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
