"""Whether subcontracts are in order, and what their variations add up to, over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.assurance import actions
from app.assurance.schemas import AssuranceView, VariationsView, change_view, finding_view, variation_view
from app.kernel.lines import Day
from app.kernel.refusals import AsOfInFuture
from app.subcontracts.domain import cumulative, original_value_pence
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["subcontracts"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]

ASSURANCE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "on": "2026-10-01",
    "findings": [
        {
            "subcontract": "SC-H9901",
            "organisation": "H9901",
            "organisation_name": "A fictional hospice",
            "sector": "hospice",
            "status": "live",
            "finding": "lapsing",
            "item": "insurance",
            "reference": "POL-77",
            "expires_on": "2026-12-30",
            "days_left": 90,
            "since": None,
        }
    ],
    "next": None,
}
VARIATIONS: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "subcontract": "SC-RJE",
    "original_value_pence": 12500000000,
    "cumulative_change_pence": 75000000,
    "cumulative_change_ratio": 0.006,
    "variations": [
        {
            "number": 1,
            "effective_on": "2027-04-01",
            "what": "A second clinic",
            "value_change_pence": 75000000,
            "cumulative_change_pence": 75000000,
            "cumulative_change_ratio": 0.006,
        }
    ],
    "next": None,
}


@router.get(
    "/assurance", responses=refusals(BadCursor, AsOfInFuture) | json_answer(AssuranceView, ASSURANCE, description="A page of findings")
)
def list_assurance(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    on: Annotated[
        Day | None, Query(description="The day to look at; left out, that of the moment judged at.", examples=["2026-10-01"])
    ] = None,
) -> Response:
    """List what is not in order with the subcontracts on a day.

    Items that are missing, have lapsed or lapse within 90 days, by what the sector requires and the subcontract's own lines;
    delivering without a signed subcontract; material subcontracts without approval; a suspension or end that has no day.
    """
    after = page.after_as(str, str, str)
    found = actions.read_assurance(unit.session, programme, on=on, actor=unit.actor, as_of=as_of, now=unit.now)
    rest = [finding for finding in found.findings if after is None or finding.key > after]
    rows, following, link = page.cut(rest[: page.limit + 1], lambda finding: finding.key)
    views = [finding_view(found, row) for row in rows]
    return unit.read({"programme": programme, "on": found.on.isoformat(), "findings": views, "next": following}, headers=link)


@router.get(
    "/subcontracts/{subcontract}/variations",
    responses=refusals(BadCursor, AsOfInFuture) | json_answer(VariationsView, VARIATIONS, description="A page of variations"),
)
def list_variations(
    unit: Unit,
    programme: ProgrammeCode,
    subcontract: Annotated[str, Path(description="The subcontract's reference.", examples=["SC-RJE"])],
    as_of: AsOf,
    page: PageOf,
) -> Response:
    """List a subcontract's variations in the order in which they take effect, with the cumulative change of its value."""
    after = page.after_as(str, int)
    agreement = actions.read_subcontract(unit.session, programme, subcontract, actor=unit.actor, as_of=as_of, now=unit.now)
    every = [((variation.effective_on.isoformat(), variation.number), variation, change) for variation, change in cumulative(agreement)]
    rest = [row for row in every if after is None or row[0] > after]
    rows, following, link = page.cut(rest[: page.limit + 1], lambda row: row[0])
    answer = {
        "programme": programme,
        "subcontract": subcontract,
        "original_value_pence": original_value_pence(agreement),
        **change_view(agreement, every[-1][2] if every else 0),
        "variations": [variation_view(agreement, variation, change) for _, variation, change in rows],
        "next": following,
    }
    return unit.read(answer, headers=link)
