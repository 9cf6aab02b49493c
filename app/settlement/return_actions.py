"""The returns behind published figures: which revisions were accepted when a figure was published, and what each of them says of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from app.reports import store as reports
from app.reports.periods import months_of
from app.reports.results import Recorded
from app.settlement.inputs import MeasureFigure, ReturnPart
from app.settlement.return_store import Said, said_by


def with_returns(
    session: Session, contract: Contract, figures: Sequence[MeasureFigure], *, published_as_of: Mapping[Month, datetime]
) -> tuple[MeasureFigure, ...]:
    """The figures, each with what every return behind its counts says of it; `published_as_of` has the moment that each month's publication is read at."""
    programme = contract.programme.code
    counted = {at: _months(contract, figure) for at, figure in enumerate(figures) if figure.denominator is not None and figure.source}
    moments = {at: published_as_of[figures[at].month] for at in counted}
    held = {
        moment: reports.recorded(
            session, programme, {month for at in counted if moments[at] == moment for month in counted[at]}, as_of=moment
        )
        for moment in set(moments.values())
    }
    revisions = {each.revision_id for recorded in held.values() for each in recorded.values() if each.revision_id is not None}
    said = said_by(session, programme, revisions, measures={figures[at].measure for at in counted})
    return tuple(
        figure.model_copy(update={"returns": tuple(_parts(programme, figure.measure, counted[at], held[moments[at]], said))})
        if at in counted
        else figure
        for at, figure in enumerate(figures)
    )


def _months(contract: Contract, figure: MeasureFigure) -> tuple[Month, ...]:
    """The months whose returns a figure is made of: of a stock the last one's alone."""
    measure, months = contract.measure(figure.measure, figure.month), months_of(figure.period, figure.month, contract)
    return months[-1:] if measure is not None and measure.aggregation == "stock_last" else months


def _parts(
    programme: str, measure: str, months: Sequence[Month], recorded: Mapping[ReturnKey, Recorded], said: Mapping[tuple[int, str], Said]
) -> Iterator[ReturnPart]:
    for key, each in sorted(recorded.items()):
        if each.revision_id is None or each.revision is None or each.content_sha256 is None or key.month not in months:
            continue
        counts = said.get((each.revision_id, measure))
        if counts is not None:
            yield ReturnPart(
                subcontract=key.subcontract,
                collection=key.collection,
                month=key.month,
                revision=each.revision,
                content_sha256=each.content_sha256,
                numerator=counts.numerator,
                denominator=counts.denominator,
                cells=f"/v1/programmes/{programme}/returns/{key.collection}/{key.subcontract}/{key.month}/revisions/{each.revision}",
            )
