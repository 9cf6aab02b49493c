"""The calculators over HTTP: rules that anybody with a key may try, of no programme, and that keep nothing."""

import json
from decimal import Decimal
from typing import Any, Final

from fastapi import APIRouter, Response

from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.kernel.refusals import Invalid
from app.returns.breach_allocation import Case, Held, calculate
from app.returns.calculators_schemas import (
    BreachAllocationBody,
    BreachAllocationView,
    MaturityBody,
    MaturityView,
    allocation_view,
    maturity_view,
)
from app.returns.maturity import Item
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/calculators", tags=["calculators"])

_CASES: Final = (Case((Held("RL4", 41), Held("RJE", 19))), Case((Held("RXW", 20), Held("RL4", 25), Held("RJE", 30)), "RL4"))
_MONTH: Final = Month.parse("2026-10")
ASKED: Final[dict[str, Any]] = {
    "month": "2026-10",
    "cases": [{"parties": [held._asdict() for held in case.held], "accountable": case.accountable} for case in _CASES],
}
ANSWERED: Final[dict[str, Any]] = json.loads(json_bytes(allocation_view(_MONTH, calculate(_CASES, _MONTH))))
_ITEM: Final = Item(records=1000, valid=970, defaults=60, threshold=Decimal("0.05"), covered=7, expected=12)
MATURITY: Final[dict[str, Any]] = json.loads(json_bytes({"items": [_ITEM._asdict()]}))
MATURED: Final[dict[str, Any]] = json.loads(json_bytes(maturity_view([_ITEM])))


@router.post(
    "/breach-allocation",
    response_class=Response,
    responses=refusals(Invalid, *WRITING)
    | json_answer(
        BreachAllocationView,
        ANSWERED,
        description="The shares, and the version of the table that they follow",
    ),
    openapi_extra=json_body(BreachAllocationBody, ASKED),
)
def calculate_breach_allocation(unit: Unit) -> Response:
    """Calculate who answers for patients of the 62-day standard that were handed from one party to another.

    Each patient was with one party after another, and the last one treated it. Whoever referred it by day 38, and whoever treated it within
    24 days of the transfer, kept its limit; with the 62 days in all they make six scenarios, and each shares one whole patient
    between the party that referred and the party that treated. The table is data with a version; as long as it is not `confirmed` it needs
    confirmation against the current national guidance. Nothing that is sent is kept.
    """
    asked, faults = unit.json_partly(BreachAllocationBody, month=_MONTH, cases=[{"parties": [{"party": "x", "days": 0}]}])
    found = calculate([case.case() for case in asked.cases], asked.month, faults)
    return unit.read(allocation_view(asked.month, found))


@router.post(
    "/data-quality-maturity-index",
    response_class=Response,
    responses=refusals(Invalid, *WRITING) | json_answer(MaturityView, MATURED, description="The index, and what it is made of"),
    openapi_extra=json_body(MaturityBody, MATURITY),
)
def calculate_maturity_index(unit: Unit) -> Response:
    """Calculate the national Data Quality Maturity Index of a submission from counts of its items.

    An item's score is its valid and complete records, less defaults in excess of the threshold, of all records; the index is the mean
    score times the mean coverage. Nothing that is sent is kept.
    """
    asked = unit.json_as(MaturityBody)
    return unit.read(maturity_view([item.item() for item in asked.items]))
