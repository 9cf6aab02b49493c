"""Parameters that are moments, above all the `as_of` of every read."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Query, Request

from app.kernel.moments import moment_text, parse_as_of, parse_moment
from app.kernel.refusals import Fault, Invalid

_EXAMPLE: Final = "2026-11-13T17:00:00Z"
_JUDGED_AT: Final = (
    "The moment to judge at, RFC 3339; or a day, such as 2026-11-13: at its end in Europe/London. Left out, the last one recorded."
    " The answer's header `X-As-Of` says which moment it was."
)
_AS_OF: Final = Query(alias="as_of", description=_JUDGED_AT, examples=[_EXAMPLE, _EXAMPLE[:10]], max_length=40)


def moment_parameter(name: str, description: str) -> Callable[..., datetime | None]:
    """The dependency of a query parameter that is a moment, or is left out."""

    def moment(
        text: Annotated[str | None, Query(alias=name, description=description, examples=[_EXAMPLE], max_length=40)] = None,
    ) -> datetime | None:
        return None if text is None else _read(name, text, parse_moment, f"Write it as {_EXAMPLE}.")

    return moment


def _as_of(request: Request, text: Annotated[str | None, _AS_OF] = None) -> datetime | None:
    if text is None:
        return None
    asked = _read("as_of", text, parse_as_of, f"Write it as {_EXAMPLE}, or a day as {_EXAMPLE[:10]}.")
    request.state.as_of = moment_text(asked)
    return asked


def _read(name: str, text: str, parse: Callable[[str], datetime], fix: str) -> datetime:
    """A bare `+` of an offset arrives as a space."""
    try:
        return parse(text.replace(" ", "+"))
    except ValueError:
        fault = Fault("not_a_moment", f"{name} is not a moment.", fix, pointer=f"/query/{name}")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault]) from None


AsOf = Annotated[datetime | None, Depends(_as_of)]
"""The moment asked for, in UTC, or None."""
