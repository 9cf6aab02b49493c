"""Which days are worked: weekdays but England's bank holidays, and what was proclaimed otherwise."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal

from app.calendar.domain import CalendarDay
from app.kernel.months import Month

_WEEKDAYS: Final = 5
_LONGEST_SEARCH: Final = timedelta(days=3 * 366)

if TYPE_CHECKING:
    from holidays.countries.united_kingdom import UnitedKingdom

Why = Literal["weekday", "weekend", "bank_holiday", "proclaimed"]


def _united_kingdom() -> "type[UnitedKingdom]":
    """The library's own United Kingdom, without its package of countries, which loads all 250: 7 MB, and a fifth of a second of the first request."""
    package, found = "holidays.countries", find_spec("holidays.countries")
    assert found is not None, "the library is installed"
    stands_in = ModuleType(package)
    stands_in.__path__ = list(found.submodule_search_locations or ())
    loaded = sys.modules.setdefault(package, stands_in)
    try:
        from holidays.countries.united_kingdom import UnitedKingdom  # noqa: PLC0415 - what stands in for its package must be there first
    finally:
        if loaded is stands_in:
            del sys.modules[package]
    return UnitedKingdom


_UNITED_KINGDOM: Final = _united_kingdom()


@lru_cache(maxsize=256)
def _named_holidays(year: int) -> dict[date, str]:
    return dict(_UNITED_KINGDOM(subdiv="ENG", years=year))


@lru_cache(maxsize=256)
def bank_holidays(year: int) -> frozenset[date]:
    """England's bank holidays of a year, as the pinned library knows them. A test holds them: a release that moves one is an override."""
    return frozenset(_named_holidays(year))


@dataclass(frozen=True)
class WorkingDays:
    """The calendar of an installation: `proclaimed` are days that are not worked although the library says so, `worked` the reverse."""

    proclaimed: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def is_worked(self, day: date) -> bool:
        if day in self.proclaimed or day in self.worked:
            return day in self.worked
        return day.weekday() < _WEEKDAYS and day not in bank_holidays(day.year)

    @cached_property
    def _found(self) -> dict[tuple[Month, int], date]:
        return {}

    def after(self, day: date, number: int) -> date:
        """The nth working day after a day."""
        found, left = day, number
        while left:
            found += timedelta(days=1)
            left -= self.is_worked(found)
            if found - day > _LONGEST_SEARCH:
                raise ValueError("too few working days in three years")
        return found

    def nth_after(self, month: Month, number: int) -> date:
        """The nth working day after the end of a month."""
        if (month, number) not in self._found:
            self._found[month, number] = self.after(month.last_day, number)
        return self._found[month, number]


ENGLAND: Final = WorkingDays()
"""The calendar where nothing has been proclaimed."""


def calendar_of(lines: Iterable[CalendarDay]) -> WorkingDays:
    """England's calendar with what was proclaimed."""
    by_day = {line.day: line.worked for line in lines}
    if not by_day:
        return ENGLAND
    return WorkingDays(
        proclaimed=frozenset(day for day, worked in by_day.items() if not worked),
        worked=frozenset(day for day, worked in by_day.items() if worked),
    )


def reason_of(day: date, line: CalendarDay | None) -> tuple[Why, str | None]:
    """Why a day is worked or not, and by which name; `line` is what was proclaimed of it."""
    if line is not None:
        return "proclaimed", line.name
    name = _named_holidays(day.year).get(day)
    if day.weekday() >= _WEEKDAYS:
        return "weekend", name
    return ("weekday", None) if name is None else ("bank_holiday", name)
