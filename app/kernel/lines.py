"""Lines: what a noun of the contract says, as the document states it and as the rules read it."""

from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from app.kernel.codes import ALL, CODE_PATTERN, RESERVED, Code
from app.kernel.identifiers import NHS_NUMBER, Identifier, identifiers_in, is_patient_identifier
from app.kernel.moments import parse_moment
from app.kernel.months import YEARS

T = TypeVar("T")


class Line(BaseModel):
    """A line of the contract: immutable, strict, nothing unknown in it; every member has one normal form."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", json_schema_serialization_defaults_required=True)


def _day(value: object) -> object:
    if isinstance(value, str) and len(value) == len("2026-07-01"):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if type(value) is date and value.year in YEARS:
        return value
    raise PydanticCustomError("day", "a day is written as a string, YYYY-MM-DD, from 1900 to 2199")


def _moment(value: str) -> str:
    try:
        parse_moment(value)
    except ValueError:
        raise PydanticCustomError("moment", "a moment is written YYYY-MM-DDTHH:MM:SSZ") from None
    return value


def _own_code(value: str) -> str:
    if value in RESERVED:
        raise PydanticCustomError("reserved", "all and UNKNOWN are reserved")
    return value


def _selection(value: object) -> object:
    if value is None or value == ALL:
        return None
    if not isinstance(value, list | tuple) or not value:
        raise PydanticCustomError("selection", "either the word all, or a list with at least one code")
    if len(set(map(str, value))) != len(value):
        raise PydanticCustomError("repeated", "a code stands twice in this list")
    return tuple(value)


def _selected(value: tuple[str, ...] | None) -> Any:
    return ALL if value is None else list(value)


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A calendar day, written YYYY-MM-DD."""

MomentText = Annotated[str, StringConstraints(strict=True, max_length=40), AfterValidator(_moment)]
"""A moment as it was written, for `parse_moment` to read."""

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A list in the document, a tuple in the rules."""

NewCode = Annotated[Code, AfterValidator(_own_code)]
"""A code that is being given to something; reserved words are refused."""

FROM_OUTSIDE: Final = "from outside"
"""The validation context of what is sent: texts are looked through for patients' identifiers. What was recorded once is always read."""


def no_patient(value: str) -> str:
    """The text, unless a patient's identifier hides in it."""
    found = identifiers_in(value)
    if found:
        # One value has one error here: of several kinds it says all.
        raise _refused(Identifier(*(" ".join(texts) for texts in zip(*found, strict=True))))
    return value


def _refused(found: Identifier) -> PydanticCustomError:
    return PydanticCustomError("patient_identifier", "{detail}", found._asdict())


def _no_patient_sent(value: str, about: ValidationInfo) -> str:
    return no_patient(value) if about.context == FROM_OUTSIDE else value


def _not_a_patient_sent(value: str, about: ValidationInfo) -> str:
    if about.context == FROM_OUTSIDE and is_patient_identifier(value):
        raise _refused(NHS_NUMBER)
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_no_patient_sent)]
Words = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_no_patient_sent)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_not_a_patient_sent)]
"""A telephone number, or what another register knows something by: ten digits in it are nothing strange."""
Pence = Annotated[int, Field(ge=0, le=10**15)]

Selection = Annotated[
    tuple[Code, ...] | None,
    BeforeValidator(_selection),
    PlainSerializer(_selected, when_used="json"),
    WithJsonSchema({"anyOf": [{"const": ALL}, {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": CODE_PATTERN}}]}),
]
"""Some codes, or all of them (None)."""
