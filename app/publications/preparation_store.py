"""The table of what was worked out for publications to come, each month's under the digest of exactly what it was worked out from."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, and_, delete, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db.rows import code_column, metadata, month_column
from app.kernel.months import Month
from app.publications import store
from app.publications.domain import AUDIENCE_KINDS, OF_PROGRAMME, Audience, Part
from app.publications.renditions import Body, Prepared

PREPARATIONS: Final = Table(
    "publication_preparations",
    metadata,
    code_column("programme"),
    month_column("month"),
    code_column("audience_kind"),
    code_column("audience"),
    code_column("inputs_sha256"),
    # What will be said in the rendition of why its rows read otherwise, and of how many.
    Column("reason", Text),
    Column("rows_changed", Integer, nullable=False),
    # As those of a rendition, but of what will be the middle of its stream.
    Column("parts", JSONB, nullable=False),
    Column("compressed", LargeBinary, nullable=False),
    # The entries of its change notice, likewise.
    Column("differences", LargeBinary, nullable=False),
    PrimaryKeyConstraint("programme", "month", "audience_kind", "audience"),
    CheckConstraint(f"audience_kind IN ({', '.join(map(repr, AUDIENCE_KINDS))})", name="publication_preparations_audience_kind"),
)
"""Of each month what was prepared last, and only until the next publication: it is worked out again where it is not there."""

_OF: Final = PREPARATIONS.c


def _all(programme: str, inputs_sha256: str) -> Any:
    return and_(_OF.programme == programme, _OF.inputs_sha256 == inputs_sha256)


def _one(programme: str, audience: Audience, inputs_sha256: str) -> Any:
    return and_(_all(programme, inputs_sha256), _OF.audience_kind == audience.kind, _OF.audience == audience.code)


def parts(session: Session, programme: str, audience: Audience, inputs_sha256: str) -> tuple[Part, ...]:
    """Where the parts of a rendition will be, counted from the middle of its stream."""
    return store.parts_in(session, _OF.parts, _one(programme, audience, inputs_sha256))


def rows_of(session: Session, programme: str, audience: Audience, inputs_sha256: str, part: Part) -> bytes:
    """The rows of one part of it, a JSON array."""
    return store.rows_in(session, _OF.compressed, _one(programme, audience, inputs_sha256), part)


def rows_moved(session: Session, programme: str, inputs_sha256: str) -> int | None:
    """How many rows of a month moved, as was found when it was prepared from exactly these inputs; None where it was not."""
    query = select(_OF.rows_changed).where(_one(programme, OF_PROGRAMME, inputs_sha256))
    moved: int | None = session.execute(query).scalar_one_or_none()
    return moved


def prepared(session: Session, programme: str, inputs_sha256: str) -> list[Prepared]:
    """What was prepared of a month from exactly these inputs, by audience. In one reading, for another may be preparing it otherwise meanwhile."""
    query = select(_OF.audience_kind, _OF.audience, _OF.compressed, _OF.parts, _OF.reason, _OF.rows_changed, _OF.differences)
    found = [
        Prepared(Body(Audience(kind, code), compressed, tuple(Part(*place) for place in places)), *rest)
        for kind, code, compressed, places, *rest in session.execute(query.where(_all(programme, inputs_sha256)))
    ]
    return sorted(found, key=lambda each: (AUDIENCE_KINDS.index(each.body.audience.kind), each.body.audience.code))


def keep(session: Session, programme: str, month: Month, inputs_sha256: str, made: Iterable[Prepared]) -> None:
    """Keep what is prepared of a month in place of what was before. For whoever holds the programme's publications: nobody reads it meanwhile."""
    session.execute(delete(PREPARATIONS).where(_OF.programme == programme, _OF.month == month))
    for each in made:
        values = {
            "programme": programme,
            "month": month,
            "audience_kind": each.body.audience.kind,
            "audience": each.body.audience.code,
            "inputs_sha256": inputs_sha256,
            "reason": each.reason,
            "rows_changed": each.rows_changed,
            "parts": [list(part) for part in each.body.parts],
            "compressed": each.body.compressed,
            "differences": each.differences,
        }
        session.execute(insert(PREPARATIONS).values(values))


def forget(session: Session, programme: str) -> None:
    """Keep nothing of it: it is published, or was prepared to come after what is not the last any more."""
    session.execute(delete(PREPARATIONS).where(_OF.programme == programme))
