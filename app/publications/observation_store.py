"""What the flat table is read from: which renditions are the latest of their months, and the bytes of many of their parts at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.kernel.months import Month
from app.publications.domain import Audience, Part
from app.publications.observations import Source
from app.publications.renditions import rows_of_part
from app.publications.store import RENDITIONS

_OF = RENDITIONS.c

_PACKED = text(
    "SELECT substring(rendition.compressed, asked.first + 1, asked.length)"
    " FROM unnest(CAST(:kinds AS text[]), CAST(:codes AS text[]), CAST(:sequences AS integer[]), CAST(:firsts AS integer[]),"
    " CAST(:lengths AS integer[])) WITH ORDINALITY AS asked (kind, code, sequence, first, length, position)"
    " JOIN renditions AS rendition ON rendition.programme = :programme AND rendition.audience_kind = asked.kind"
    " AND rendition.audience = asked.code AND rendition.sequence = asked.sequence ORDER BY asked.position"
)


def last_sequence(session: Session, programme: str, audiences: Sequence[Audience]) -> int:
    """The last publication that any of these audiences has a rendition of; 0 before the first."""
    query = select(func.coalesce(func.max(_OF.sequence), 0)).where(_OF.programme == programme, _is_any(audiences))
    last: int = session.execute(query).scalar_one()
    return last


def _is_any(audiences: Sequence[Audience]) -> Any:
    return tuple_(_OF.audience_kind, _OF.audience).in_([tuple(audience) for audience in audiences])


def latest(
    session: Session, programme: str, audiences: Sequence[Audience], *, first: Month | None, last: Month | None, pinned: int
) -> list[Source]:
    """The last rendition of each month that each audience had when a publication was the last."""
    query = select(_OF.month, _OF.audience_kind, _OF.audience, _OF.sequence, _OF.status, _OF.published_at, _OF.sha256)
    query = query.where(_OF.programme == programme, _is_any(audiences), _OF.sequence <= pinned)
    if first is not None:
        query = query.where(_OF.month >= first)
    if last is not None:
        query = query.where(_OF.month <= last)
    whose = (_OF.audience_kind, _OF.audience, _OF.month)
    rows = session.execute(query.ext(distinct_on(*whose)).order_by(*whose, _OF.sequence.desc()))
    return [Source(row[0], Audience(row[1], row[2]), *row[3:]) for row in rows]


def parts_of(session: Session, programme: str, sources: Sequence[Source]) -> list[tuple[Part, ...]]:
    """Where the parts of renditions are, in the order asked."""
    keys = [(*source.audience, source.sequence) for source in sources]
    columns = (_OF.audience_kind, _OF.audience, _OF.sequence)
    query = select(*columns, _OF.parts).where(_OF.programme == programme, tuple_(*columns).in_(keys))
    found = {tuple(row[:3]): tuple(Part(*part) for part in row[3]) for row in session.execute(query)}
    return [found[key] for key in keys]


def read_parts(session: Session, programme: str, asked: Sequence[tuple[Source, Part]]) -> list[bytes]:
    """The rows of parts that have any, each a JSON array, in the order asked; none of the rest of their renditions is read."""
    values = {
        "programme": programme,
        "kinds": [source.audience.kind for source, _ in asked],
        "codes": [source.audience.code for source, _ in asked],
        "sequences": [source.sequence for source, _ in asked],
        "firsts": [part.first for _, part in asked],
        "lengths": [part.last - part.first for _, part in asked],
    }
    return [rows_of_part(packed) for (packed,) in session.execute(_PACKED, values)]
