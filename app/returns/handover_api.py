"""Compared handovers over HTTP: what two subcontracts say of the same patients, for whoever sees both."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from app.calendar.as_of import AsOfInFuture
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.returns import handover_actions as actions
from app.returns.handover_actions import ComparisonRead
from app.returns.handovers import State
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/handover-comparisons", tags=["returns"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]


class ComparisonView(BaseModel):
    """What one subcontract reports to have sent to another, and that one to have received; `difference` is received less sent.

    Figures are those of the accepted revision, else of the latest; null of a return that is not in, or that has no value there.
    The queries are numbers within the two returns, null where nothing is asked.
    """

    handover: str
    month: Month
    sender: str
    receiver: str
    sent_measure: str
    received_measure: str
    sent: ExactDecimal | None
    received: ExactDecimal | None
    difference: ExactDecimal | None
    tolerance_absolute: ExactDecimal
    tolerance_relative: ExactDecimal
    state: State
    sent_revision: int | None
    received_revision: int | None
    sender_query: int | None
    receiver_query: int | None


class ComparisonsView(BaseModel):
    """A page of comparisons, and the moment that they were made at.

    `unasked`: how many differences beyond tolerance of the whole month neither party was asked about, for nobody compared since.
    """

    as_of: str
    comparisons: list[ComparisonView]
    next: str | None
    unasked: int


class MonthBody(Line):
    """The month whose returns are compared."""

    month: Month


class ComparedView(BaseModel):
    """How many pairs are in which state now, how many differences were asked about anew, and how many were settled."""

    month: Month
    awaited: int
    not_stated: int
    within: int
    beyond: int
    raised: int
    settled: int


EXAMPLE: Final[dict[str, Any]] = {
    "handover": "lung-to-treatment",
    "month": "2026-10",
    "sender": "SC-RL4",
    "receiver": "SC-RJE",
    "sent_measure": "R-OUT",
    "received_measure": "R-IN",
    "sent": 14,
    "received": 11,
    "difference": -3,
    "tolerance_absolute": 2,
    "tolerance_relative": 0,
    "state": "beyond",
    "sent_revision": 1,
    "received_revision": 2,
    "sender_query": 1,
    "receiver_query": 3,
}
_PAGE: Final = {"as_of": "2026-12-08T17:00:00.000001Z", "comparisons": [EXAMPLE], "next": None, "unasked": 0}
_COMPARED: Final = {"month": "2026-10", "awaited": 1, "not_stated": 0, "within": 4, "beyond": 1, "raised": 1, "settled": 0}


def comparison_view(read: ComparisonRead) -> dict[str, Any]:
    comparison, pair = read.comparison, read.comparison.pair
    sent, received, tolerance = comparison.sent, comparison.received, pair.handover.tolerance
    return {
        "handover": pair.handover.code,
        "month": pair.month,
        "sender": pair.sender,
        "receiver": pair.receiver,
        "sent_measure": pair.handover.sent.measure,
        "received_measure": pair.handover.received.measure,
        "sent": sent.figure if sent else None,
        "received": received.figure if received else None,
        "difference": comparison.difference,
        "tolerance_absolute": tolerance.absolute,
        "tolerance_relative": tolerance.relative,
        "state": comparison.state,
        "sent_revision": sent.revision if sent else None,
        "received_revision": received.revision if received else None,
        "sender_query": read.sender_query,
        "receiver_query": read.receiver_query,
    }


def _position(read: ComparisonRead) -> tuple[str, str, str]:
    pair = read.comparison.pair
    return pair.handover.code, pair.sender, pair.receiver


@router.get(
    "",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture, BadCursor)
    | json_answer(ComparisonsView, _PAGE, description="A page of comparisons"),
)
def list_handover_comparisons(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    month: Annotated[Month, Query(description="The month of the returns.", examples=["2026-10"])],
) -> Response:
    """List what subcontracts report to have sent to each other, beside what the others report to have received, by handover and pair.

    Computed from the returns as they stand or stood, for whoever reads them all: a difference is shown here before anybody is asked about it.
    """
    after = page.after_as(str, str, str)
    found, moment = actions.read_comparisons(unit.session, programme, month, actor=unit.actor, as_of=as_of, now=unit.now)
    rest = [each for each in found if after is None or _position(each) > after]
    rows, following, link = page.cut(rest, _position)
    views = [comparison_view(each) for each in rows]
    unasked = sum(each.is_unasked for each in found)
    return unit.read({"as_of": moment_text(moment), "comparisons": views, "next": following, "unasked": unasked}, headers=link)


@router.post(
    "",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, *WRITING) | json_answer(ComparedView, _COMPARED, description="Compared"),
    openapi_extra=json_body(MonthBody, {"month": "2026-10"}),
)
def compare_handovers(unit: Unit, programme: ProgrammeCode) -> Response:
    """Compare a month: every difference beyond its tolerance that was not asked about yet becomes a query to both subcontracts.

    Each is shown its own figure and the difference. What was asked about and lies within the tolerance by now is settled. Comparing again
    asks nothing twice. An acceptance by hand does the same for the pairs of the subcontract whose return is accepted. Where returns accept
    themselves nobody compares until this is asked: `mainstem returns compare`, run once a day, does it for the last months.
    """
    asked = unit.json_as(MonthBody)
    found = actions.compare_month(unit.session, programme, asked.month, actor=unit.actor, now=unit.now)
    states = {state: found.states[state] for state in ("awaited", "not_stated", "within", "beyond")}
    return unit.answer({"month": found.month, **states, "raised": found.raised, "settled": found.settled})
