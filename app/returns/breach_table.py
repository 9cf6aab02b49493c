"""The table of the 62-day breach allocation, as versioned data: what each scenario gives to the party that referred and to the one that treated."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple

from app.kernel.months import Month

_NONE, _HALF, _WHOLE = Decimal(0), Decimal("0.5"), Decimal(1)


class Split(NamedTuple):
    """What a party gets of one patient: in the numerator (treated in time) and in the denominator."""

    numerator: Decimal
    denominator: Decimal


class Scenario(NamedTuple):
    """A row of the table: whether each limit was kept, and what follows."""

    number: int
    handed_over_in_time: bool
    treated_in_time_after_transfer: bool
    treated_in_time: bool
    referring: Split
    treating: Split
    rule: str

    @property
    def kept(self) -> tuple[bool, bool, bool]:
        """Which of the three limits were kept: the row is found by it."""
        return self.handed_over_in_time, self.treated_in_time_after_transfer, self.treated_in_time


@dataclass(frozen=True)
class Table:
    """A version of the table, for treatments from a month on. Its limits of days include the last day."""

    version: int
    from_month: Month
    source: str
    confirmed: bool
    note: str
    most_days: int
    most_days_before_transfer: int
    most_days_after_transfer: int
    scenarios: tuple[Scenario, ...]

    @cached_property
    def by_kept(self) -> dict[tuple[bool, bool, bool], Scenario]:
        return {scenario.kept: scenario for scenario in self.scenarios}


_SCENARIOS: Final = (
    Scenario(
        1, True, True, True, Split(_HALF, _HALF), Split(_HALF, _HALF),
        "Handed over by day 38, treated within 24 days of the transfer and within 62 in all: the success is shared.",
    ),
    Scenario(
        2, True, False, True, Split(_HALF, _HALF), Split(_HALF, _HALF),
        "Handed over by day 38, treated more than 24 days after the transfer and yet within 62 in all: the success is shared.",
    ),
    Scenario(
        3, False, True, True, Split(_NONE, _NONE), Split(_WHOLE, _WHOLE),
        "Handed over after day 38, treated within 24 days of the transfer and within 62 in all: the success is the treating party's.",
    ),
    Scenario(
        4, True, False, False, Split(_NONE, _NONE), Split(_NONE, _WHOLE),
        "Handed over by day 38, treated more than 24 days after the transfer and after day 62: the breach is the treating party's.",
    ),
    Scenario(
        5, False, True, False, Split(_NONE, _WHOLE), Split(_NONE, _NONE),
        "Handed over after day 38, treated within 24 days of the transfer and after day 62: the breach is the referring party's.",
    ),
    Scenario(
        6, False, False, False, Split(_NONE, _HALF), Split(_NONE, _HALF),
        "Handed over after day 38, treated more than 24 days after the transfer and after day 62: the breach is shared.",
    ),
)  # fmt: skip

TABLES: Final = (
    Table(
        version=1,
        from_month=Month.parse("2023-10"),
        source="NHS England and NHS Improvement, National Cancer Breach Allocation Guidance (April 2016): one handover date, day 38 of 62",
        confirmed=False,
        note="This table needs confirmation against the current national guidance before anybody relies on it.",
        most_days=62,
        most_days_before_transfer=38,
        most_days_after_transfer=24,
        scenarios=_SCENARIOS,
    ),
)
"""Every version, from the earliest on. It begins where the measure CWT-62 does."""


def table_in(month: Month) -> Table | None:
    """The version in force for a treatment in a month; None before the first."""
    return next((table for table in reversed(TABLES) if table.from_month <= month), None)
