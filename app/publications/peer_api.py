"""Where a subcontract stands in the funnel of its unnamed peers, over HTTP."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from app.kernel.figures import carried, rounded
from app.kernel.months import Month
from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.publications.peer_actions import PeersQuery, PeersRead, find_standing
from app.publications.peers import Peer
from app.reports.funnel import FunnelPoint
from app.reports.head_schemas import Number
from app.reports.periods import PERIODS
from app.reports.schemas import FunnelPeriodOf, PeriodCode, Reader
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/subcontracts/{subcontract}", tags=["observations"])


class LimitsView(BaseModel):
    """The limits of chance around what all reach together, at one denominator."""

    lower_95: Number
    upper_95: Number
    lower_998: Number
    upper_998: Number


class OwnPointView(BaseModel):
    """The subcontract's own point, as it was published for it; without limits where nothing is judged."""

    lower_95: Number | None
    upper_95: Number | None
    lower_998: Number | None
    upper_998: Number | None
    numerator: Number
    denominator: Number
    value: Number
    position: Literal["above_998", "above_95", "within", "below_95", "below_998"] | None


class PeerView(LimitsView):
    """A peer without its name: its denominator to the nearest 5, its value of counts to the nearest 5."""

    denominator: Number
    value: Number


class StandingView(BaseModel):
    """A subcontract among its peers. Of fewer than six places nothing is told but that; `peers_withheld` have small counts."""

    programme: str
    subcontract: str
    measure: str
    measure_name: str
    month: str
    period: PeriodCode
    sequence: int
    direction: Literal["higher", "lower", "neutral"] | None
    judgement: Literal["judged", "too_few_to_judge"]
    centre: Number | None
    own: OwnPointView | None
    peers: list[PeerView]
    peers_withheld: int
    links: dict[str, str]


_EXAMPLE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "subcontract": "SC-RJE",
    "measure": "CWT-62",
    "measure_name": "62 days from referral to first treatment",
    "month": "2026-10",
    "period": "month",
    "sequence": 3,
    "direction": "higher",
    "judgement": "judged",
    "centre": 0.775895,
    "own": {
        "lower_95": 0.718104,
        "upper_95": 0.833686,
        "lower_998": 0.684775,
        "upper_998": 0.867016,
        "numerator": 141.5,
        "denominator": 200,
        "value": 0.7075,
        "position": "below_95",
    },
    "peers": [{"lower_95": 0.642, "upper_95": 0.909, "lower_998": 0.565, "upper_998": 0.986, "denominator": 40, "value": 0.75}],
    "peers_withheld": 1,
    "links": {"publication": "/v1/programmes/staffs-cancer/publications/3"},
}


@router.get(
    "/funnel",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid) | json_answer(StandingView, _EXAMPLE, description="The subcontract among its peers"),
)
def get_standing(
    unit: Unit,
    programme: str,
    subcontract: Annotated[str, Path(description="The subcontract's reference.", max_length=64, examples=["SC-RJE"])],
    *,
    measure: Annotated[str, Query(description="The measure, a proportion.", max_length=64)],
    month: Annotated[Month, Query(description="The month, of whose last publication figures are read.", examples=["2026-10"])],
    period: FunnelPeriodOf = "month",
) -> Response:
    """Read where a subcontract stands in the funnel of its peers, who are not named, in what was last published of a month."""
    reader = Reader()
    query = PeersQuery(subcontract, measure, month, reader.one("period", period, PERIODS))
    reader.end()
    return unit.read(_answer(programme, query, find_standing(unit.session, unit.programme_session, programme, query, actor=unit.actor)))


def _answer(programme: str, query: PeersQuery, read: PeersRead) -> dict[str, Any]:
    standing, sequence = read.standing, read.publication.sequence
    judged, centre = standing.funnel.judged, standing.funnel.centre
    return {
        "programme": programme,
        "subcontract": query.subcontract,
        "measure": query.measure,
        "measure_name": read.measure.name,
        "month": query.month,
        "period": query.period,
        "sequence": sequence,
        "direction": read.measure.direction,
        "judgement": "judged" if judged else "too_few_to_judge",
        "centre": carried(rounded(centre)) if judged and centre is not None else None,
        "own": None if standing.point is None else _own(standing.point),
        "peers": [_peer(peer) for peer in standing.peers],
        "peers_withheld": standing.withheld,
        "links": {"publication": f"/v1/programmes/{programme}/publications/{sequence}"},
    }


def _own(point: FunnelPoint) -> dict[str, Any]:
    figures = {"numerator": carried(point.numerator), "denominator": carried(point.denominator), "value": carried(rounded(point.value))}
    limits = _limits(point) if point.position is not None else dict.fromkeys(LimitsView.model_fields)
    return {**limits, **figures, "position": point.position}


def _peer(peer: Peer) -> dict[str, Any]:
    return {**_limits(peer), "denominator": peer.denominator, "value": peer.value}


def _limits(point: FunnelPoint | Peer) -> dict[str, Any]:
    (lower_95, upper_95), (lower_998, upper_998) = point.limits_95, point.limits_998
    return {"lower_95": lower_95, "upper_95": upper_95, "lower_998": lower_998, "upper_998": upper_998}
