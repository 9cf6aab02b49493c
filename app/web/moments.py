"""The `as_of` parameter of every read."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from app.kernel.moments import parse_moment
from app.kernel.refusals import Fault, Invalid


def _as_of(
    as_of: Annotated[
        str | None,
        Query(
            description="The moment to judge at, RFC 3339; left out, the last one recorded.",
            examples=["2026-11-13T17:00:00Z"],
            max_length=40,
        ),
    ] = None,
) -> datetime | None:
    if as_of is None:
        return None
    try:
        return parse_moment(as_of)
    except ValueError:
        fault = Fault("not_a_moment", "as_of is not a moment.", "Write it as 2026-11-13T17:00:00Z.", pointer="/query/as_of")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault]) from None


AsOf = Annotated[datetime | None, Depends(_as_of)]
"""The moment asked for, in UTC, or None."""
