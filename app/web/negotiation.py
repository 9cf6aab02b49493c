"""In which format an answer is given: by `format` for tools that cannot set headers, else by what `Accept` prefers."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from fastapi import Query, Request

from app.kernel.refusals import Fault, Invalid, Kind, Refusal
from app.web.bodies import media_type

_QUALITY: Final = re.compile(r"(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")


class NotAcceptable(Refusal):
    """The answer is not to be had in any format that `Accept` takes."""

    code: ClassVar[str] = "not_acceptable"
    kind: ClassVar[Kind] = Kind.NOT_ACCEPTABLE
    title: ClassVar[str] = "There is no answer in such a format"


def format_of(formats: Mapping[str, str]) -> Callable[..., str]:
    """A dependency that answers with one of the formats, each a name with its media type; the first where nothing else is said."""
    named = ", ".join(formats)
    description = f"The format of the answer, of {named}; left out, what `Accept` prefers, else {next(iter(formats))}."

    def chosen(
        request: Request,
        asked: Annotated[str | None, Query(alias="format", description=description, max_length=20)] = None,
    ) -> str:
        if asked is None:
            return _accepted(formats, ",".join(request.headers.getlist("accept")))
        if asked not in formats:
            fault = Fault("unknown_value", "format has no such value.", f"Use one of {named}.", pointer="/query/format")
            raise Invalid("A parameter is not what it must be; see errors.", faults=[fault])
        return asked

    return chosen


def _accepted(formats: Mapping[str, str], header: str) -> str:
    """The format that a header prefers (RFC 9110, 12.5.1): of each the most exact range decides; of equals the first is given."""
    ranges = {kind: _quality(parameters.get("q")) for kind, parameters in map(media_type, header.split(",")) if kind}
    if not ranges:
        return next(iter(formats))

    def quality(name: str) -> Decimal:
        kind = formats[name].partition(";")[0]
        return next((ranges[each] for each in (kind, f"{kind.partition('/')[0]}/*", "*/*") if each in ranges), Decimal(0))

    best = max(formats, key=quality)
    if quality(best) == 0:
        offered = ", ".join(kind.partition(";")[0] for kind in formats.values())
        fault = Fault(
            "not_acceptable", "No format of this answer is among those accepted.", f"Accept any of {offered}.", pointer="/header/accept"
        )
        raise NotAcceptable("No format of this answer is among those that Accept takes.", faults=[fault])
    return best


def _quality(said: str | None) -> Decimal:
    """What cannot be read as a quality counts as none at all: 1."""
    return Decimal(said) if said is not None and _QUALITY.fullmatch(said) else Decimal(1)


def also_as(responses: dict[int | str, dict[str, Any]], formats: Mapping[str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """An operation's `responses=` whose answer 200 is to be had as other media types too, each with its schema and, if there is one, an example."""
    answer = responses[200]
    content = {**answer["content"], **{kind.partition(";")[0]: media for kind, media in formats.items()}}
    return {**responses, 200: {**answer, "content": content}}
