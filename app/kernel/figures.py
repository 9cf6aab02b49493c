"""Exact figures: counts as decimals, ratios as fractions, and the one place where a figure meets a float."""

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from math import isfinite, nan
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

LARGEST_FIGURE: Final = Decimal(9_999_999)
"""A cell's figure has at most seven digits before the point: no NHS number fits in one."""

MOST_DECIMALS: Final = 6
RATIO_PLACES: Final = 6
_DOUBLE_DIGITS: Final = 15
_MOST_DIGITS: Final = 20


class NumericKind(StrEnum):
    """How fine a figure may be. Judged by value: 41.0 is an integer."""

    INTEGER = "integer"
    HALF_UNIT = "half_unit"
    DECIMAL = "decimal"


def exact(value: object) -> Decimal | None:
    """The exact decimal that a parsed JSON number or numeric string states; None where it is not a finite number.

    True and False are not numbers, and a float is never accepted: it has already lost digits.
    """
    if isinstance(value, (bool, float)):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, str):
        if not value.isascii() or "_" in value or value != value.strip():
            return None
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
    if isinstance(value, Decimal) and value.is_finite():
        return value
    return None


def of_double(text: str) -> Decimal | None:
    """The decimal that a spreadsheet's number stands for: the shortest that reads back as the same double; None where it is no number.

    Spreadsheets write 2.3 as 2.2999999999999998, the double that they keep of it.
    """
    try:
        number = float(text) if text.isascii() and "_" not in text else nan
    except ValueError:
        return None
    return Decimal(repr(number)) if isfinite(number) else None


def fits(figure: Decimal, kind: NumericKind) -> bool:
    """Whether a figure is as fine as its kind allows. Judged by its digits: arithmetic would round one that has too many."""
    _, digits, exponent = figure.as_tuple()
    if not isinstance(exponent, int):
        return False
    significant = "".join(map(str, digits)).rstrip("0")
    places = -(exponent + len(digits) - len(significant)) if significant else 0
    if kind is NumericKind.DECIMAL:
        return places <= MOST_DECIMALS
    return places <= 0 or (kind is NumericKind.HALF_UNIT and places == 1 and significant[-1] == "5")


def plain(figure: Decimal) -> Decimal:
    """The same figure in one normal form: no exponent, no trailing zeros, no negative zero."""
    if figure == 0:
        return Decimal(0)
    figure = figure.normalize()
    exponent = figure.as_tuple().exponent
    return figure.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else figure


def json_number(figure: Decimal) -> int | float:
    """A figure as a JSON number that reads back as exactly the same decimal.

    The only place but `of_double` where a figure meets a float. ValueError where a double cannot carry it.
    """
    whole = int(figure)
    if whole == figure:
        if abs(whole) >= 2**53:
            raise ValueError("a JSON number carries integers below 2^53")
        return whole
    number = float(figure)
    if Decimal(repr(number)) != figure:
        raise ValueError("a JSON number cannot carry this decimal exactly")
    return number


def carried(figure: Decimal) -> Decimal:
    """A figure as a JSON number can carry it: itself, or to 15 significant digits (half to even) where a double has no more."""
    figure = plain(figure)
    if len(figure.as_tuple().digits) <= _DOUBLE_DIGITS:
        return figure
    return plain(figure.quantize(Decimal(1).scaleb(figure.adjusted() - _DOUBLE_DIGITS + 1)))


def rounded(ratio: Fraction, places: int = RATIO_PLACES) -> Decimal:
    """An exact ratio to so many places, half to even."""
    return Decimal(round(ratio * 10**places)).scaleb(-places)


def _can_be_shown(figure: Decimal) -> bool:
    """Whether a figure can be given back as a JSON number; more digits than a double has ever need are not even tried."""
    if len(figure.as_tuple().digits) > _MOST_DIGITS or abs(figure.adjusted()) > _MOST_DIGITS:
        return False
    try:
        json_number(figure)
    except ValueError:
        return False
    return True


class _ExactDecimal:
    """Pydantic's view of an exact decimal: a JSON number or a string that a double can carry, never a float, NaN, infinity or true."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: object) -> Decimal:
            figure = exact(value)
            if figure is None:
                raise PydanticCustomError("number", "a number, or a number as a string")
            if not _can_be_shown(figure):
                raise PydanticCustomError("number", "a number of at most 15 digits, below 2^53")
            return plain(figure)

        return core_schema.no_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(json_number, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}]}


ExactDecimal = Annotated[Decimal, _ExactDecimal]
"""A decimal in the document or a body, kept exactly."""
