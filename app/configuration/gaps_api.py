"""The gaps of a programme over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from app.calendar.as_of import AsOfInFuture
from app.configuration.gaps_actions import find_gaps
from app.configuration.gaps_schemas import GapsView, gaps_view
from app.kernel.months import Month
from app.web.moments import AsOf
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/gaps", tags=["assignments"])

_PLACE: Final = {"pathway": "lung", "segment": "treatment", "sites": ["lung"], "commissioners": ["05W"]}
_MONTHS: Final = {"from_month": "2031-07", "to_month": "2036-06"}
_LINE: Final = {**_PLACE, **_MONTHS, "assignment": "5f0c8e21ab94d3e7", "subcontract": "SC-RJE"}

EXAMPLE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "from_month": "2026-07",
    "to_month": "2036-06",
    "as_of": "2026-11-13T17:00:00.000000Z",
    "counts": {
        "uncovered": 1,
        "shares_short": 1,
        "waivers": 1,
        "outside_term": 1,
        "outside_scope": 1,
        "outside_assignment": 1,
        "flow_down": 1,
    },
    "truncated": False,
    "uncovered": [{**_PLACE, **_MONTHS}],
    "shares_short": [{**_PLACE, "from_month": "2026-07", "to_month": "2027-03", "share": 90}],
    "waivers": [{**_LINE, "setting": "acute", "needed": True, "reason": "Theatre rebuilt until 2027", "approved_by": "Contract lead"}],
    "outside_term": [{**_LINE, "reported_by": None, "reason": "after_term"}],
    "outside_scope": [{**_LINE, "reason": "site_not_in_scope"}],
    "outside_assignment": [{**_PLACE, **_MONTHS, "subcontract": "SC-RL4", "collection": "cwt", "measure": "CWT-62"}],
    "flow_down": [
        {
            "measure": "E-PPD",
            "schedule_ref": "4A-9",
            **_MONTHS,
            "reason": "no_collection",
            "detail": "E-PPD is in no collection for the sectors that report its segments: hospice.",
        }
    ],
}


@router.get("", response_class=Response, responses=refusals(AsOfInFuture) | json_answer(GapsView, EXAMPLE))
def list_gaps(
    unit: Unit,
    programme: str,
    as_of: AsOf,
    *,
    first: Annotated[
        Month | None, Query(alias="from", description="The first month; left out, the programme's.", examples=["2026-07"])
    ] = None,
    last: Annotated[Month | None, Query(alias="to", description="The last month; left out, the programme's.", examples=["2036-06"])] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Rows of each list.")] = 1_000,
) -> Response:
    """Find the months in which nobody delivers, and what does not hold together.

    Every segment, site in scope and commissioner of the lowest level in force is looked at; sites and commissioners with the same months
    stand in one row. The counts are of all rows; where a list is cut, ask for fewer months or more rows.
    """
    found = find_gaps(unit.session, programme, first=first, last=last, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(gaps_view(found, limit=limit))
