"""On whose behalf what an answer tells was done: beside each who and when, as the record says it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from app.db.audit import lenders
from app.kernel.moments import parse_moment
from app.web.work import UnitOfWork

_WHEN: Final = {"by": "at", "submitted_by": "received_at"}
"""When it was that who did it: of every other member `…_by`, the member `…_at`."""


def with_lenders(unit: UnitOfWork, view: dict[str, Any]) -> dict[str, Any]:
    """The answer with `…on_behalf_of` after each `…by` that has its moment: who lent the permission that was used then, None where nobody did."""
    lent = lenders(unit.session, unit.programme or "", set(_moments(view)))
    told: dict[str, Any] = _told(view, lent)
    return told


def _told(value: Any, lent: dict[datetime, str]) -> Any:
    if isinstance(value, dict):
        return {name: _told(each, lent) for name, each in _beside(value, lent)}
    return [_told(each, lent) for each in value] if isinstance(value, list) else value


def _beside(view: dict[str, Any], lent: dict[datetime, str]) -> Iterator[tuple[str, Any]]:
    for name, value in view.items():
        yield name, value
        when = _when(view, name)
        if when is not None and "on_behalf_of" not in view:
            moment = _moment(view[when])
            yield name[: -len("by")] + "on_behalf_of", None if moment is None else lent.get(moment)


def _moments(value: Any) -> Iterator[datetime]:
    if isinstance(value, dict):
        found = (_moment(value[when]) for name in value if (when := _when(value, name)) is not None)
        yield from (moment for moment in found if moment is not None)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _moments(each)


def _when(view: dict[str, Any], name: str) -> str | None:
    when = _WHEN.get(name, f"{name[: -len('by')]}at") if name.endswith("by") else None
    return when if when in view else None


def _moment(value: datetime | str | None) -> datetime | None:
    return parse_moment(value) if isinstance(value, str) else value
