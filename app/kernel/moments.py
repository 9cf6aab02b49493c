"""Moments: instants with a zone, written as RFC 3339 in UTC with microseconds."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.kernel.months import YEARS

LONDON: Final = ZoneInfo("Europe/London")

TICK: Final = timedelta(microseconds=1)
"""The smallest step between two recorded moments."""


_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


def moment_text(moment: datetime) -> str:
    """`2026-11-13T17:00:00.000000Z`, always with microseconds, so that text order is time order."""
    if moment.tzinfo is None:
        raise ValueError("a moment carries a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_moment(text: str) -> datetime:
    """The instant that an RFC 3339 text names, in UTC; ValueError where it is not one, has no zone, or lies before YEARS."""
    if _MOMENT.match(text) is None:
        raise ValueError("a moment is written YYYY-MM-DDTHH:MM:SSZ")
    moment = datetime.fromisoformat(text.upper())
    if moment.year < YEARS.start:
        raise ValueError("a moment lies in 1900 or later")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the last moments there are can be written in UTC only") from None


def parse_as_of(text: str) -> datetime:
    """The instant that an RFC 3339 text names, or the last one of the day in London that it names; ValueError where it is neither."""
    if _DAY.match(text) is None:
        return parse_moment(text)
    day = date.fromisoformat(text)
    if day.year < YEARS.start or day == date.max:
        raise ValueError("a moment lies in 1900 or later")
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=LONDON).astimezone(UTC) - TICK
