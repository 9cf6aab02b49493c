"""Rules tried on what was received, over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.configuration.backtest_actions import Backtest, Tried, backtest
from app.kernel.codes import Code
from app.kernel.lines import Line, Many
from app.kernel.months import Month
from app.kernel.refusals import Invalid
from app.measures.rules import AnyRule
from app.returns.schemas import WarningView
from app.returns.views import warning_view
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["measures"])

MOST_FOUND: Final = 200

ASKED: Final[dict[str, Any]] = {
    "measure": "HOSP-WAIT",
    "rules": [{"code": "usual-number", "kind": "change", "minimum_count": 10}],
    "from_month": "2026-07",
    "to_month": "2026-10",
}
ANSWERED: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "returns": 12,
    "returns_found": 1,
    "by_rule": {"usual-number": 1},
    "found": [
        {
            "collection": "hospice",
            "subcontract": "SC-H9901",
            "month": "2026-10",
            "pathway": "all",
            "segment": "all",
            "measure": "HOSP-WAIT",
            "site": "all",
            "commissioner": "all",
            "category": "0-1",
            "code": "change",
            "rule": "usual-number",
            "severity": "warn",
            "detail": "The numerator of HOSP-WAIT is 150. In 6 earlier months the mean was 15; their process-control limits are 0 and 41.6.",
            "fix": "Correct the figure if it is wrong; otherwise send the cell (measure HOSP-WAIT, category 0-1) with explanation_code and"
            " explanation.",
            "explained": False,
        }
    ],
    "truncated": False,
}


class BacktestBody(Line):
    """Rules to try: of a measure, in every version of it, or of a collection; and the months whose returns to look at."""

    measure: Code | None = None
    collection: Code | None = None
    rules: Annotated[Many[AnyRule], Field(min_length=1, max_length=50)]
    from_month: Month
    to_month: Month


class FoundView(WarningView):
    """What a rule finds in a return, as a warning would say it."""

    collection: str
    subcontract: str
    month: Month


class BacktestView(BaseModel):
    """How many received returns were looked at, in how many of them something is found, and by which rule; the first of what is found."""

    programme: str
    returns: int
    returns_found: int
    by_rule: dict[str, int]
    found: list[FoundView]
    truncated: bool


@router.post(
    "/rules:backtest",
    response_class=Response,
    responses=refusals(Invalid, *WRITING) | json_answer(BacktestView, ANSWERED, description="What the rules would have found"),
    openapi_extra=json_body(BacktestBody, ASKED),
)
def backtest_rules(unit: Unit, programme: str) -> Response:
    """Try rules on the returns that were received, before anybody is judged by them.

    Each return is judged by the figures that it states now (accepted, else latest), against what its subcontract stated before; what a rule
    would refuse is found like what it would ask about. Rules in force take no part, and nothing is kept.
    """
    asked = unit.json_as(BacktestBody)
    tried = Tried(asked.measure, asked.collection, asked.rules)
    found = backtest(unit.session, programme, tried, first=asked.from_month, last=asked.to_month, actor=unit.actor)
    return unit.read(_view(programme, tried, found))


def _view(programme: str, tried: Tried, found: Backtest) -> dict[str, Any]:
    return {
        "programme": programme,
        "returns": found.returns,
        "returns_found": len({key for key, _ in found.found}),
        "by_rule": {rule.code: len({key for key, each in found.found if each.rule == rule.code}) for rule in tried.rules},
        "found": [{**key._asdict(), **warning_view(each)} for key, each in found.found[:MOST_FOUND]],
        "truncated": len(found.found) > MOST_FOUND,
    }
