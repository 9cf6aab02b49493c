"""Calendar months, the unit that every figure is about."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MONTH_NAMES: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
YEARS: Final = range(1900, 2200)
"""The years that a month, day or moment given from outside may lie in: whatever is worked out from it is a date too."""

MONTH_PATTERN: Final = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])\Z")


class Month:
    """A calendar month, written `2026-10`; ordered; `ordinal` counts months since year 0."""

    __slots__ = ("ordinal",)
    ordinal: int

    def __init__(self, ordinal: int) -> None:
        object.__setattr__(self, "ordinal", ordinal)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a month does not change")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The month that `2026-10` names; ValueError for anything else, and for one outside YEARS."""
        match = _MONTH.match(text)
        if match is None or int(match[1]) not in YEARS:
            raise ValueError("a month is written YYYY-MM")
        return cls(int(match[1]) * 12 + int(match[2]) - 1)

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that a day lies in."""
        return cls(day.year * 12 + day.month - 1)

    @property
    def year(self) -> int:
        return self.ordinal // 12

    @property
    def number(self) -> int:
        """1 for January to 12 for December."""
        return self.ordinal % 12 + 1

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.number, monthrange(self.year, self.number)[1])

    def plus(self, months: int) -> "Month":
        return Month(self.ordinal + months)

    def through(self, last: "Month") -> Iterator["Month"]:
        """Every month from this one to `last`, both included."""
        return (Month(ordinal) for ordinal in range(self.ordinal, last.ordinal + 1))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    def __repr__(self) -> str:
        return f"Month({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Month) and self.ordinal == other.ordinal

    def __hash__(self) -> int:
        return self.ordinal

    def __lt__(self, other: "Month") -> bool:
        return self.ordinal < other.ordinal

    def __le__(self, other: "Month") -> bool:
        return self.ordinal <= other.ordinal

    def __gt__(self, other: "Month") -> bool:
        return self.ordinal > other.ordinal

    def __ge__(self, other: "Month") -> bool:
        return self.ordinal >= other.ordinal

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: object) -> "Month":
            if isinstance(value, Month):
                return value
            if isinstance(value, str):
                try:
                    return cls.parse(value)
                except ValueError:
                    pass
            raise PydanticCustomError("month", "a month is written as a string, YYYY-MM, from 1900 to 2199")

        return core_schema.no_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema(), when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": MONTH_PATTERN, "examples": ["2026-10"]}


def covers(from_month: Month | None, to_month: Month | None, month: Month) -> bool:
    """Whether the months from `from_month` to `to_month` (both included, None is open) hold `month`."""
    return (from_month is None or from_month <= month) and (to_month is None or month <= to_month)


def overlap(one: tuple[Month | None, Month | None], other: tuple[Month | None, Month | None]) -> bool:
    """Whether two spans of months (both ends included, None is open) share a month."""
    (one_from, one_to), (other_from, other_to) = one, other
    return (one_to is None or other_from is None or other_from <= one_to) and (other_to is None or one_from is None or one_from <= other_to)


def month_words(month: Month) -> str:
    return f"{MONTH_NAMES[month.number - 1]} {month.year}"
