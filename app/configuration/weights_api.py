"""What requirements weigh, over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from app.configuration.weights_actions import read_weights
from app.kernel.figures import ExactDecimal
from app.kernel.months import Month
from app.kernel.refusals import AsOfInFuture
from app.programmes.domain import GRADES, Grade
from app.web.moments import AsOf
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["nouns"])

WEIGHTS: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "measure": "CWT-62",
    "month": "2026-10",
    "contract_year": 1,
    "weight": 0.2,
    "subcontracts": [
        {
            "subcontract": "SC-H9901",
            "grade": "C",
            "collectability": "not collectable",
            "weight": None,
            "reason": "CWT-62 is graded C (not collectable) for SC-H9901 in 2026-10: it carries no weight.",
        },
        {"subcontract": "SC-RJE", "grade": "A", "collectability": "routine", "weight": 0.2, "reason": None},
    ],
}


class CarriedWeightView(BaseModel):
    """How well the measure can be collected from a subcontract, and the weight that counts for it; `reason` says why none does."""

    subcontract: str
    grade: Grade
    collectability: str
    weight: ExactDecimal | None
    reason: str | None


class WeightsView(BaseModel):
    """What a requirement weighs in a month: as stated for its contract year, and as it counts for each subcontract."""

    programme: str
    measure: str
    month: Month
    contract_year: int
    weight: ExactDecimal | None
    subcontracts: list[CarriedWeightView]


@router.get(
    "/requirements/{requirement}/weights",
    response_class=Response,
    responses=refusals(AsOfInFuture) | json_answer(WeightsView, WEIGHTS, description="The weights"),
)
def list_requirement_weights(
    unit: Unit,
    programme: Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])],
    requirement: Annotated[str, Path(description="What names the requirement: its measure.", examples=["CWT-62"])],
    as_of: AsOf,
    *,
    month: Annotated[Month | None, Query(description="The month; left out, that of the moment asked.", examples=["2026-10"])] = None,
) -> Response:
    """Read what a requirement weighs for each subcontract in a month: only what is collected as routine carries weight."""
    found = read_weights(unit.session, programme, requirement, month, actor=unit.actor, as_of=as_of, now=unit.now)
    head = {"programme": programme, "measure": requirement, "month": found.month, "contract_year": found.contract_year}
    rows = [
        {
            "subcontract": reference,
            "grade": each.grade,
            "collectability": GRADES[each.grade],
            "weight": each.weight,
            "reason": each.reason,
        }
        for reference, each in found.carried.items()
    ]
    return unit.read({**head, "weight": found.stated, "subcontracts": rows})
