"""A month as people and their programs write it in files, where it can mean but one."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from app.kernel.months import Month

_ISO: Final = re.compile(r"([0-9]{4}-[0-9]{2})(?:-([0-9]{2})(?:[T ][0-9:.]+Z?)?)?")
# 2026-10 becomes Oct-26 where Excel writes CSV. 10/11/2026 is left alone: it is November here and October elsewhere.
_NAMED: Final = re.compile(r"(?:([0-9]{1,2})[-/ ])?([a-z]{3,9})[-/ ]((?:20)?[0-9]{2})", re.IGNORECASE)
_MONTHS: Final = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]

_BEFORE_DAY_ONE: Final = date(1899, 12, 30)
"""From March 1900 on: before that, spreadsheets count a day that was none."""
_EPOCH_OF_1904_DAYS: Final = 1462


def month_written(text: str) -> Month | None:
    """The month that a text names, or in which the day that it names lies: `2026-10`, `2026-10-31`, `Oct-26`, `1 October 2026`."""
    if (iso := _ISO.fullmatch(text)) is not None:
        return _parsed(iso[1], iso[2])
    named = _NAMED.fullmatch(text)
    number = next((at for at, name in enumerate(_MONTHS, 1) if named and named[2].lower() in {name, name[:3]}), None)
    return None if named is None or number is None else _parsed(f"20{named[3][-2:]}-{number:02}", named[1])


def _parsed(text: str, day: str | None) -> Month | None:
    """The month, unless it has no such day."""
    try:
        month = Month.parse(text)
    except ValueError:
        return None
    return month if day is None or 1 <= int(day) <= month.last_day.day else None


def day_of(serial: Decimal, *, from_1904: bool) -> str:
    """The day that a spreadsheet keeps as a number, as 2026-10-31; nothing where it keeps none."""
    days = int(serial) + (_EPOCH_OF_1904_DAYS if from_1904 else 0)
    return str(_BEFORE_DAY_ONE + timedelta(days)) if 60 < days < 110_000 else ""
