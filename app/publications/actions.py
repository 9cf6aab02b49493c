"""Reading what was published: each caller its own audience's renditions, as they were made."""

import gzip
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.db.ledger import last_recorded
from app.db.session import seeing_everything
from app.kernel.actors import Actor
from app.kernel.canonical import canonical_bytes
from app.kernel.months import Month
from app.kernel.refusals import NotFound
from app.publications import store
from app.publications.domain import OF_PUBLIC, Audience, Found, Standing, audiences_of
from app.publications.notices import public_reason, without_causes
from app.publications.renditions import inflated
from app.reports.periods import PERIODS, months_of
from app.reports.store import last_acts, recorded

_NOT_PUBLISHED: Final = "There is no such publication here, or it is not yours."


@dataclass(frozen=True, slots=True)
class Listed:
    """A publication in a list. `revision_pending`: a return that it read has another accepted revision by now."""

    standing: Standing
    revision_pending: bool


def list_publications(
    session: Session, programme: str, *, month: Month | None, after: int, limit: int, actor: Actor, public: bool = False
) -> list[Listed]:
    """A caller's publications by their sequence, each with whether another has taken its place, or will have reason to."""
    _may_read(session, programme, actor)
    found = [
        each.standing for each in _found(session, programme, audiences_of(actor, public=public), month=month, after=after, limit=limit)
    ]
    current = [each for each in found if each.superseded_by is None]
    pending = _pending(session, programme, current, actor=actor) if current else frozenset()
    return [Listed(each, each.sequence in pending) for each in found]


def _may_read(session: Session, programme: str, actor: Actor) -> None:
    """NotFound where there is no such programme for this caller."""
    require(actor, Permission.OBSERVATION_READ, programme=programme)
    last_recorded(session, programme)


def _found(session: Session, programme: str, audiences: Sequence[Audience], *, limit: int | None = None, **asked: Any) -> list[Found]:
    """The publications of some audiences by their sequence: of one that several have a rendition of, the first's."""
    found: dict[int, Found] = {}
    for audience in audiences:
        for standing in store.standings(session, programme, audience, limit=limit, **asked):
            found.setdefault(standing.sequence, Found(audience, _as_told(audience, standing)))
    return sorted(found.values(), key=lambda each: each.standing.sequence)[:limit]


def _as_told(audience: Audience, standing: Standing) -> Standing:
    """The public is never told why, whatever was kept when nobody could ask."""
    known = audience != OF_PUBLIC or standing.supersedes is None
    return standing if known else replace(standing, reason=public_reason(standing.rows_changed))


def _pending(session: Session, programme: str, standings: list[Standing], *, actor: Actor) -> frozenset[int]:
    """Those publications of which a return has another accepted revision than the one that was read. Nothing is computed but where anybody acted.

    A subcontract is told of its own returns; a commissioner sees no returns, and is told of any.
    """
    contract, moment = load_contract(session, programme), last_recorded(session, programme)
    last = max(each.month for each in standings)
    with seeing_everything(session) if actor.commissioner else nullcontext():
        acts = last_acts(session, programme, before=last.plus(1), as_of=moment)
        return frozenset(each.sequence for each in standings if _is_pending(session, contract, each, acts, moment))


def _is_pending(session: Session, contract: Contract, standing: Standing, acts: Mapping[Month, datetime], moment: datetime) -> bool:
    months = {month for period in PERIODS for month in months_of(period, standing.month, contract)}
    acted = [month for month in months if month in acts and acts[month] > standing.as_of]
    if not acted:
        return False
    was, now = (
        {key: held.content_sha256 for key, held in recorded(session, contract.programme.code, acted, as_of=at).items()}
        for at in (standing.as_of, moment)
    )
    return any(was.get(key) != now.get(key) for key in was.keys() | now.keys())


def read_publication(session: Session, programme: str, sequence: int, *, actor: Actor, public: bool = False) -> Found:
    """What a caller reads of a publication. NotFound where there is nothing for it."""
    _may_read(session, programme, actor)
    found = _found(session, programme, audiences_of(actor, public=public), sequence=sequence)
    if not found:
        raise NotFound(_NOT_PUBLISHED)
    return found[0]


def read_latest(session: Session, programme: str, *, month: Month | None, actor: Actor, public: bool = False) -> Found:
    """What stands published of a month, or of the last month of which anything is. NotFound where nothing is."""
    _may_read(session, programme, actor)
    current: dict[Month, Found] = {}
    for audience in audiences_of(actor, public=public):
        for of_month, standing in store.current(session, programme, audience).items():
            current.setdefault(of_month, Found(audience, standing))
    asked = max(current, default=None) if month is None else month
    if asked not in current:
        raise NotFound(_NOT_PUBLISHED)
    return current[asked]


def read_bytes(session: Session, programme: str, found: Found) -> bytes:
    """A rendition as it is kept, a gzip stream."""
    content = store.compressed(session, programme, found.audience, found.standing.sequence)
    assert content is not None, "what was found is never gone"
    return content


def changes(session: Session, programme: str, *, since: int, limit: int, actor: Actor, public: bool = False) -> list[Standing]:
    """What was published for a caller after a sequence, in the order in which it was committed: none is missed and none comes twice."""
    _may_read(session, programme, actor)
    return [each.standing for each in _found(session, programme, audiences_of(actor, public=public), after=since, limit=limit)]


def read_notice(session: Session, programme: str, found: Found) -> bytes:
    """Its change notice as it is kept, a gzip stream of JSON. The public's say nothing of why, as those did that were kept before method version 6, when nobody could ask."""
    content = store.differences(session, programme, found.audience, found.standing.sequence)
    assert content is not None, "what was found is never gone"
    if found.audience != OF_PUBLIC:
        return content
    notice = json.loads(inflated(content), parse_float=Decimal)
    if not any(entry["why"] for entry in notice["differences"]):
        return content
    told = canonical_bytes({**notice, "differences": [without_causes(entry) for entry in notice["differences"]]})
    return gzip.compress(told, mtime=0)


def read_manifest(session: Session, programme: str, sequence: int, *, actor: Actor) -> tuple[bytes, str]:
    """A publication's manifest and its digest: for the integrator, and for commissioners to whom subcontracts are shown."""
    _may_read(session, programme, actor)
    found = store.publication(session, programme, sequence)
    if found is None:
        raise NotFound(_NOT_PUBLISHED)
    return found.manifest, found.manifest_sha256
