"""Reading the catalogue, telling versions apart, and bringing a programme's measures to what its contract says."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.db import facts
from app.db.ledger import Recording, judged_at
from app.kernel.actors import Actor
from app.kernel.refusals import NotFound
from app.measures.catalogue import CATALOGUE
from app.measures.domain import Measure, MeasureDifference, MeasureKind, difference
from app.measures.store import MEASURES, measures


def bring_measures(session: Session, recording: Recording, lines: Sequence[Measure]) -> facts.Changes:
    return facts.bring_to(session, MEASURES, recording, facts.rows_of(MEASURES, lines), programme=recording.chain)


def catalogue_after(after: str | None, *, limit: int, kind: MeasureKind | None) -> list[Measure]:
    """At most `limit` measures of the built-in catalogue, by code, after one. Whoever has a key may read it."""
    codes = sorted(code for code, measure in CATALOGUE.items() if (after is None or code > after) and kind in {None, measure.kind})
    return [CATALOGUE[code] for code in codes[:limit]]


def catalogue_measure(code: str) -> Measure:
    """A measure of the built-in catalogue. NotFound where it has none of this code."""
    if code not in CATALOGUE:
        raise NotFound("The built-in catalogue has no measure of this code.")
    return CATALOGUE[code]


def version_differences(
    session: Session, programme: str, code: str, *, old: int, new: int, actor: Actor, as_of: datetime | None, now: datetime
) -> MeasureDifference:
    """What one version of a programme's measure says that another does not. NotFound where either is not there, or was not yet."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = None if as_of is None else judged_at(session, programme, as_of, now=now)
    versions = {each.version: each for each in measures(session, programme, as_of=moment) if each.code == code}
    if not {old, new} <= versions.keys():
        raise NotFound("The programme has no measure of this code in both versions.")
    return difference(versions[old], versions[new])
