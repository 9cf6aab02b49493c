"""What a pathway is: an ordered list of segments, each saying which measures are collected there."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from app.kernel.codes import CODE_PATTERN, Code
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
