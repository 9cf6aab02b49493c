"""What a reader asks of a report."""

from dataclasses import dataclass
from datetime import datetime

from app.kernel.codes import ALL
from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.reports.slices import DEFAULT_SLICES, Place, RowKey


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which rows of a month's report: slices and periods, and only some measures, commissioners or sites where any are named.

    `restated`: under the codes that carry the work on in the month, rather than those that reported. `submitted`: of each return the latest
    revision, accepted or not, rather than the accepted one. `public`: as the public would be shown these rows if it had no others.
    `since`: the same rows of every month's report from that one on. `faults`: what could not be read of the question, which is then refused.
    """

    month: Month
    as_of: datetime | None = None
    slices: tuple[str, ...] = DEFAULT_SLICES
    periods: tuple[str, ...] = ("month",)
    measures: frozenset[str] = frozenset()
    commissioners: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    restated: bool = False
    submitted: bool = False
    public: bool = False
    since: Month | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def months(self) -> tuple[Month, ...]:
        """The months whose reports are read, the earliest first."""
        return tuple((self.since or self.month).through(self.month))

    @property
    def is_filtered(self) -> bool:
        return bool(self.measures or self.commissioners or self.sites)


@dataclass(frozen=True, slots=True)
class FunnelQuery:
    """Of which measure, in which period of a month's report, subcontracts are compared."""

    month: Month
    measure: str
    as_of: datetime | None = None
    period: str = "month"


@dataclass(frozen=True, slots=True)
class SourceQuery:
    """One row of a report, named by its own keys."""

    month: Month
    measure: str
    as_of: datetime | None = None
    slice_: str = ALL
    period: str = "month"
    commissioner: str = ALL
    site: str = ALL
    pathway: str = ALL
    segment: str = ALL
    subcontract: str = ALL
    category: str = ALL
    restated: bool = False
    submitted: bool = False

    def names(self, key: RowKey) -> bool:
        """Whether a row's own keys are these."""
        return all(getattr(self, name) == getattr(key, name) for name in (*Place._fields, "category"))
