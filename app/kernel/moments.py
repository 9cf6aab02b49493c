"""Moments: instants with a zone, written as RFC 3339 in UTC with microseconds."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from app.kernel.months import YEARS

TICK: Final = timedelta(microseconds=1)
"""The smallest step between two recorded moments."""


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
