"""What a pathway is: an ordered list of segments, each saying which measures are collected there; and what is handed over between them."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from app.kernel.canonical import digest
from app.kernel.codes import CODE_PATTERN, Code
from app.kernel.figures import ExactDecimal, exact
from app.kernel.lines import Line, Many, Name, NewCode, Selection

Setting = Code
Sector = Literal["acute", "community", "hospice", "primary_care", "mental_health", "voluntary", "independent"]


class MeasureUse(Line):
    """A measure that is collected somewhere, from some sectors or from all."""

    code: Code
    sectors: Many[Sector] | None = None

    def asked_of(self, sector: str) -> bool:
        return self.sectors is None or sector in self.sectors


def _use(value: object) -> object:
    return {"code": value} if isinstance(value, str) else value


def _written(use: MeasureUse) -> Any:
    return use.code if use.sectors is None else {"code": use.code, "sectors": list(use.sectors)}


Use = Annotated[
    MeasureUse,
    BeforeValidator(_use),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": CODE_PATTERN},
                {
                    "type": "object",
                    "required": ["code"],
                    "additionalProperties": False,
                    "properties": {"code": {"type": "string"}, "sectors": {"type": "array", "items": {"type": "string"}}},
                },
            ]
        }
    ),
]
"""A measure's code, or `{code, sectors}`."""


class Segment(Line):
    """A step of a pathway with its care setting."""

    code: NewCode
    name: Name
    setting: Setting | None = None
    measures: Many[Use] = ()


class Pathway(Line):
    """An ordered list of segments; `sites` are those it is for, with all that lie below them."""

    code: NewCode
    name: Name
    sites: Annotated[Selection, AfterValidator(lambda codes: codes and tuple(sorted(codes)))] = None
    segments: Annotated[Many[Segment], Field(min_length=1)]

    def is_for(self, site: str, *above: str) -> bool:
        """Whether it is for a site, given the sites above it."""
        return self.sites is None or not {site, *above}.isdisjoint(self.sites)


class HandoverEnd(Line):
    """Where patients are counted as they are handed over; the categories of the measure are the subcontracts at the other end."""

    pathway: Code
    segment: Code
    measure: Code


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise PydanticCustomError("tolerance", "a tolerance from 0")
    return value


def _part(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise PydanticCustomError("tolerance", "a part of the larger figure, from 0 to 1")
    return value


class Tolerance(Line):
    """How far two ends may differ: by so many patients, or by such a part of the larger figure, whichever is more."""

    absolute: Annotated[ExactDecimal, AfterValidator(_not_negative)] = Decimal(0)
    relative: Annotated[ExactDecimal, AfterValidator(_part)] = Decimal(0)

    def allows(self, one: Decimal, other: Decimal) -> bool:
        """Whether two figures are near enough to each other."""
        return abs(one - other) <= max(self.absolute, self.relative * max(one, other))


def _tolerance(value: object) -> object:
    figure = exact(value)
    return value if figure is None else {"absolute": figure}


_NAME_DIGITS: Final = 16
"""So much of the digest of its two ends names a handover that is given no code."""


class Handover(Line):
    """What one subcontract reports to have sent to another, and that one to have received from it: the two are compared every month."""

    code: NewCode
    sent: HandoverEnd
    received: HandoverEnd
    tolerance: Annotated[Tolerance, BeforeValidator(_tolerance)] = Tolerance()

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("code") is None:
            ends = [_words(value.get("sent")), _words(value.get("received"))]
            if all(ends):
                return {**value, "code": digest(ends)[:_NAME_DIGITS]}
        return value


def _words(end: object) -> list[str]:
    """The codes of an end, in the order of their members; none where it is no sound end, which is told in its place."""
    end = end.model_dump() if isinstance(end, HandoverEnd) else end
    codes = [end.get(member) for member in HandoverEnd.model_fields] if isinstance(end, dict) else []
    return [code for code in codes if isinstance(code, str)] if all(isinstance(code, str) for code in codes) else []
