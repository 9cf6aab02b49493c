"""The catalogue and the differences between versions, on the wire."""

from typing import Any, Self

from pydantic import BaseModel

from app.measures.domain import Comparability, Measure, MeasureDifference


class CatalogueView(BaseModel):
    """A page of the built-in catalogue."""

    measures: list[Measure]
    next: str | None


class MemberChangeView(BaseModel):
    """One member of a measure before and after, as the document writes it."""

    member: str
    before: Any
    after: Any


class MeasureDifferenceView(BaseModel):
    """What one version of a measure says that another does not.

    `comparable`: `yes`; `totals_only`, where the figures are cut into other parts; `no`, where something else is counted. `because`
    names the members that decided it.
    """

    programme: str
    measure: str
    from_version: int
    to_version: int
    changes: list[MemberChangeView]
    categories_added: list[str]
    categories_removed: list[str]
    categories_changed: list[str]
    comparable: Comparability
    because: list[str]

    @classmethod
    def of(cls, found: MeasureDifference, *, programme: str, measure: str, from_version: int, to_version: int) -> Self:
        return cls(
            programme=programme,
            measure=measure,
            from_version=from_version,
            to_version=to_version,
            changes=[MemberChangeView(member=each.member, before=each.before, after=each.after) for each in found.changes],
            categories_added=list(found.categories_added),
            categories_removed=list(found.categories_removed),
            categories_changed=list(found.categories_changed),
            comparable=found.comparable,
            because=list(found.because),
        )
