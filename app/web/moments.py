"""Parameters that are moments, above all the `as_of` of every read."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Query

from app.kernel.moments import parse_moment
from app.kernel.refusals import Fault, Invalid

_EXAMPLE: Final = "2026-11-13T17:00:00Z"


def moment_parameter(name: str, description: str) -> Callable[..., datetime | None]:
    """The dependency of a query parameter that is a moment, or is left out."""

    def moment(
        text: Annotated[str | None, Query(alias=name, description=description, examples=[_EXAMPLE], max_length=40)] = None,
    ) -> datetime | None:
        if text is None:
            return None
        try:
            return parse_moment(text)
        except ValueError:
            fault = Fault("not_a_moment", f"{name} is not a moment.", f"Write it as {_EXAMPLE}.", pointer=f"/query/{name}")
            raise Invalid("A parameter is not what it must be; see errors.", faults=[fault]) from None

    return moment


AsOf = Annotated[datetime | None, Depends(moment_parameter("as_of", "The moment to judge at, RFC 3339; left out, the last one recorded."))]
"""The moment asked for, in UTC, or None."""
