"""The quality of returns over HTTP, and who has not submitted, with whom to ring."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.calendar.as_of import AsOfInFuture
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.programmes.reporting import USUAL_WEIGHTS
from app.returns import quality_actions
from app.returns.quality import Quality, share
from app.returns.quality_actions import Asked, pathway_position, position
from app.returns.quality_schemas import (
    COLUMNS,
    PathwayQualityView,
    PathwaysView,
    QualitiesView,
    contact_table,
    figures_view,
    pathway_views,
    quality_views,
)
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["returns"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]

FirstMonth = Annotated[Month | None, Query(alias="from", description="The first month; left out, the programme's.", examples=["2026-07"])]
LastMonth = Annotated[Month | None, Query(alias="to", description="The last month; left out, this one.", examples=["2026-12"])]
OneSubcontract = Annotated[str | None, Query(description="One subcontract.", max_length=64)]

_ROW: Final = Quality(
    month=Month.parse("2026-10"),
    subcontract="SC-RJE",
    returns_expected=2,
    returns_due=2,
    returns_received=2,
    returns_on_time=1,
    completeness=share(118, 120),
    validity=share(116, 118),
    timeliness=share(17, 10).plus(share(0, 2)),
    stability=share(4, 4),
    coverage=share(9, 9),
    volume=share(50, 80),
)
EXAMPLE: Final[dict[str, Any]] = json.loads(
    json_bytes(
        {
            "as_of": "2026-12-08T17:00:00.000001Z",
            "weights": USUAL_WEIGHTS.model_dump(),
            "quality": [
                {
                    "programme": "staffs-cancer",
                    "month": _ROW.month,
                    "subcontract": _ROW.subcontract,
                    "organisation": "RJE",
                    "organisation_name": "University Hospitals of North Midlands NHS Trust",
                    **figures_view(_ROW, USUAL_WEIGHTS),
                }
            ],
            "next": None,
        }
    )
)
_OF_PATHWAY: Final = {**EXAMPLE["quality"][0], "pathway": "lung", "pathway_name": "Lung"}
PATHWAYS: Final[dict[str, Any]] = {
    "as_of": EXAMPLE["as_of"],
    "quality": [{name: _OF_PATHWAY[name] for name in PathwayQualityView.model_fields}],
    "next": None,
}
_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A line for each contact of each return that is due and not received",
        "content": {"text/csv": {"schema": {"type": "string"}, "example": ",".join(COLUMNS)}},
    }
}


@router.get(
    "/quality",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture, BadCursor)
    | json_answer(QualitiesView, EXAMPLE, description="A page of quality"),
)
def list_quality(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    first: FirstMonth = None,
    last: LastMonth = None,
    subcontract: OneSubcontract = None,
) -> Response:
    """List the quality of what was returned, by month and subcontract: completeness, validity, timeliness, stability, coverage and their index.

    Of each month all subcontracts together come first (`all`), to whoever reads them all; a subcontract's client reads its own rows. Each share
    is given with its numerator and denominator; the weights of the index are the programme's `quality`.
    """
    read = quality_actions.read_quality(
        unit.session,
        programme,
        Asked(first, last, subcontract),
        after=page.after_as(int, str),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(read.rows, position)
    weights = read.contract.programme.quality_weights.model_dump()
    return unit.read({"as_of": read.as_of, "weights": weights, "quality": quality_views(read, rows), "next": following}, headers=link)


@router.get(
    "/quality/pathways",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture, BadCursor)
    | json_answer(PathwaysView, PATHWAYS, description="A page of quality by pathway"),
)
def list_pathway_quality(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    first: FirstMonth = None,
    last: LastMonth = None,
    subcontract: OneSubcontract = None,
    pathway: Annotated[str | None, Query(description="One pathway.", max_length=64)] = None,
) -> Response:
    """List how complete each pathway is, by month, pathway and subcontract: weighed by the patients that each subcontract is expected to have there.

    Of each month and pathway all subcontracts together come first (`all`), to whoever reads them all; a subcontract's client reads its own rows.
    """
    read = quality_actions.read_pathways(
        unit.session,
        programme,
        Asked(first, last, subcontract, pathway),
        after=page.after_as(int, str, str),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(read.rows, pathway_position)
    return unit.read({"as_of": read.as_of, "quality": pathway_views(read.contract, rows), "next": following}, headers=link)


@router.get("/returns/overdue.csv", response_class=Response, responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture) | _CSV)
def read_overdue_contacts(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    *,
    month: Annotated[Month | None, Query(description="One month; left out, every month up to now.", examples=["2026-10"])] = None,
    collection: Annotated[str | None, Query(description="One collection.", max_length=64)] = None,
) -> Response:
    """Read who has not submitted what is due, and whom to ring, as one table; a subcontract's client reads of itself."""
    found = quality_actions.overdue_returns(
        unit.session, programme, month=month, collection=collection, actor=unit.actor, as_of=as_of, now=unit.now
    )
    return unit.read(contact_table(found), media_type="text/csv; charset=utf-8")
