"""The built-in catalogue, and what tells the versions of a programme's measure apart, over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from app.kernel.refusals import AsOfInFuture
from app.measures.actions import catalogue_after, catalogue_measure, version_differences
from app.measures.domain import Measure, MeasureKind
from app.measures.schemas import CatalogueView, MeasureDifferenceView
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1", tags=["measures"])

EXAMPLE: Final[dict[str, Any]] = {
    "code": "CWT-31",
    "version": 1,
    "from_month": "2023-10",
    "to_month": None,
    "name": "31 days from decision to treat to treatment",
    "numerator": "Treatments started within 31 days of the decision to treat or the earliest clinically appropriate date",
    "denominator": "First and subsequent cancer treatments started in the month",
    "kind": "service_standard",
    "direction": "higher",
    "numeric_kind": "integer",
    "aggregation": "ratio_sum",
    "proportion": True,
    "basis": "provider",
    "unit": "percent",
    "split_by": ["pathway", "segment", "site", "commissioner"],
    "breakdown": None,
    "site_map": {},
    "unknown": [],
    "statistic": None,
    "source": "NHS England, cancer waiting times standards since 1 October 2023",
    "ambition": None,
    "supersedes": [
        {"code": "H-31F", "version": 1},
        {"code": "H-31S", "version": 1},
        {"code": "H-31R", "version": 1},
        {"code": "H-31D", "version": 1},
    ],
    "rules": [],
    "disclosure": "as_published",
    "example": "Decision to treat on 1 October, treatment started on 1 November (day 31): 1 over 1. Started on 2 November: 0 over 1.",
}
DIFFERENCE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "measure": "CWT-62",
    "from_version": 1,
    "to_version": 2,
    "changes": [{"member": "split_by", "before": ["site", "commissioner"], "after": ["commissioner"]}],
    "categories_added": [],
    "categories_removed": [],
    "categories_changed": [],
    "comparable": "totals_only",
    "because": ["split_by"],
}


@router.get(
    "/catalogue/measures",
    response_class=Response,
    responses=refusals(BadCursor) | json_answer(CatalogueView, {"measures": [EXAMPLE], "next": None}, description="A page of measures"),
)
def list_catalogue_measures(
    unit: Unit, page: PageOf, *, kind: Annotated[MeasureKind | None, Query(description="Only measures of this kind.")] = None
) -> Response:
    """List the measures of the built-in catalogue, by code; a programme may name any of them by its code alone."""
    after = page.after_as(str)
    rows, following, link = page.cut(catalogue_after(after and after[0], limit=page.limit + 1, kind=kind), lambda row: (row.code,))
    return unit.read({"measures": [_written(row) for row in rows], "next": following}, headers=link)


@router.get(
    "/catalogue/measures/{measure}",
    response_class=Response,
    responses=refusals() | json_answer(Measure, EXAMPLE, description="The measure"),
)
def get_catalogue_measure(unit: Unit, measure: str) -> Response:
    """Read one measure of the built-in catalogue, in the form in which a document states it."""
    return unit.read(_written(catalogue_measure(measure)))


@router.get(
    "/programmes/{programme}/measures/{measure}/differences",
    response_class=Response,
    responses=refusals(AsOfInFuture) | json_answer(MeasureDifferenceView, DIFFERENCE, description="The differences"),
)
def list_measure_differences(
    unit: Unit,
    programme: str,
    measure: str,
    as_of: AsOf,
    *,
    from_version: Annotated[int, Query(alias="from", ge=1, le=10_000, description="The earlier version.")],
    to_version: Annotated[int, Query(alias="to", ge=1, le=10_000, description="The later version.")],
) -> Response:
    """Compare two versions of a programme's measure, member by member, and say whether their series can be compared."""
    found = version_differences(
        unit.session, programme, measure, old=from_version, new=to_version, actor=unit.actor, as_of=as_of, now=unit.now
    )
    view = MeasureDifferenceView.of(found, programme=programme, measure=measure, from_version=from_version, to_version=to_version)
    return unit.read(view.model_dump(mode="json"))


def _written(measure: Measure) -> dict[str, Any]:
    return measure.model_dump(mode="json")
