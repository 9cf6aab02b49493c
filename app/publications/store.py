"""The tables of publications, their renditions and drafts, and what is read of them: metadata apart from the bytes, which are large."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.db.rows import code_column, fact_table, metadata, moment_column, month_column
from app.kernel.months import Month
from app.publications.domain import AUDIENCE_KINDS, Audience, Draft, Part, Standing
from app.publications.renditions import Rendition, rows_of_part

DRAFTS: Final = fact_table(
    "publication_drafts",
    key=[month_column("month")],
    content=[
        Column("version", Integer, nullable=False),
        Column("commentary", Text, nullable=False),
        moment_column("as_of"),
        Column("inputs_sha256", Text, nullable=False),
        moment_column("edited_at"),
        code_column("edited_by"),
        moment_column("checked_at", nullable=True),
        code_column("checked_by", nullable=True),
    ],
)

_KINDS: Final = "kind IN ('first', 'correction', 'final', 'trend')"
_STATUSES: Final = "status IN ('provisional', 'final')"

PUBLICATIONS: Final = Table(
    "publications",
    metadata,
    code_column("programme"),
    Column("sequence", Integer, nullable=False),
    month_column("month"),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("supersedes", Integer),
    Column("reason", Text, nullable=False),
    Column("commentary", Text, nullable=False),
    moment_column("as_of"),
    Column("inputs_sha256", Text, nullable=False),
    code_column("method_version"),
    Column("rows_changed", Integer, nullable=False),
    # Whether its commissioners read down to subcontracts: then they read the manifest too.
    Column("subcontracts_shown", Boolean, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("manifest_sha256", Text, nullable=False),
    Column("previous_sha256", Text, nullable=False),
    code_column("key_id"),
    moment_column("edited_at"),
    code_column("edited_by"),
    moment_column("checked_at"),
    code_column("checked_by"),
    moment_column("published_at"),
    code_column("published_by"),
    PrimaryKeyConstraint("programme", "sequence"),
    UniqueConstraint("programme", "supersedes"),
    CheckConstraint(_KINDS, name="publications_kind"),
    CheckConstraint(_STATUSES, name="publications_status"),
    CheckConstraint("(kind = 'first') = (supersedes IS NULL)", name="publications_first"),
    CheckConstraint("published_by <> edited_by AND checked_by <> edited_by", name="publications_another"),
)
"""Append-only. Sequences follow each other in the order of their commits, for they are given under the programme's ledger row."""
Index("publications_of_month", PUBLICATIONS.c.programme, PUBLICATIONS.c.month, PUBLICATIONS.c.sequence)

RENDITIONS: Final = Table(
    "renditions",
    metadata,
    code_column("programme"),
    Column("sequence", Integer, nullable=False),
    code_column("audience_kind"),
    code_column("audience"),
    month_column("month"),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("supersedes", Integer),
    # What an audience may know of why it was published; a subcontract is not told what others did.
    Column("reason", Text),
    Column("rows_changed", Integer, nullable=False),
    moment_column("as_of"),
    moment_column("published_at"),
    code_column("published_by"),
    # Of the JSON itself, and its length.
    Column("sha256", Text, nullable=False),
    Column("length_bytes", Integer, nullable=False),
    # [slice, period, rows, first, last]: which bytes of the compressed stream hold the rows of a slice and period.
    Column("parts", JSONB, nullable=False),
    Column("compressed", LargeBinary, nullable=False),
    # The change notice against the rendition that it supersedes: JSON, as gzip.
    Column("differences", LargeBinary, nullable=False),
    PrimaryKeyConstraint("programme", "audience_kind", "audience", "sequence"),
    ForeignKeyConstraint(
        ["programme", "sequence"],
        ["publications.programme", "publications.sequence"],
        name="renditions_publication",
        deferrable=True,
        initially="DEFERRED",
    ),
    CheckConstraint(f"audience_kind IN ({', '.join(map(repr, AUDIENCE_KINDS))})", name="renditions_audience_kind"),
    CheckConstraint(_KINDS, name="renditions_kind"),
    CheckConstraint(_STATUSES, name="renditions_status"),
)
"""Append-only, and all that an audience reads: row-level security shows each its own."""

_OF: Final = RENDITIONS.c
_STANDING: Final = (
    "sequence",
    "month",
    "kind",
    "status",
    "supersedes",
    "reason",
    "rows_changed",
    "as_of",
    "published_at",
    "sha256",
    "length_bytes",
)


def _of_audience(programme: str, audience: Audience) -> Any:
    return and_(_OF.programme == programme, _OF.audience_kind == audience.kind, _OF.audience == audience.code)


def standings(
    session: Session,
    programme: str,
    audience: Audience,
    *,
    month: Month | None = None,
    sequence: int | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[Standing]:
    """An audience's publications by their sequence, from after one on; of one month or of all, or the one of a sequence."""
    later = RENDITIONS.alias("later")
    superseding = and_(
        later.c.programme == _OF.programme,
        later.c.audience_kind == _OF.audience_kind,
        later.c.audience == _OF.audience,
        later.c.supersedes == _OF.sequence,
    )
    query = (
        select(*(_OF[name] for name in _STANDING), later.c.sequence.label("superseded_by"))
        .select_from(RENDITIONS.outerjoin(later, superseding))
        .where(_of_audience(programme, audience), _OF.sequence > after)
        .order_by(_OF.sequence)
    )
    if month is not None:
        query = query.where(_OF.month == month)
    if sequence is not None:
        query = query.where(_OF.sequence == sequence)
    return [Standing(**row) for row in session.execute(query.limit(limit)).mappings()]


def current(session: Session, programme: str, audience: Audience) -> dict[Month, Standing]:
    """The latest publication of each month that an audience has any of, by month."""
    found = [each for each in standings(session, programme, audience) if each.superseded_by is None]
    return {each.month: each for each in sorted(found, key=lambda each: each.month)}


def compressed(session: Session, programme: str, audience: Audience, sequence: int) -> bytes | None:
    """A rendition as it is kept, a gzip stream; None where there is none or it is another's."""
    query = select(_OF.compressed).where(_of_audience(programme, audience), _OF.sequence == sequence)
    return session.execute(query).scalar_one_or_none()


def differences(session: Session, programme: str, audience: Audience, sequence: int) -> bytes | None:
    """A rendition's change notice as it is kept, a gzip stream of JSON; None where there is none or it is another's."""
    query = select(_OF.differences).where(_of_audience(programme, audience), _OF.sequence == sequence)
    return session.execute(query).scalar_one_or_none()


def parts(session: Session, programme: str, audience: Audience, sequence: int) -> tuple[Part, ...]:
    """Where the parts of a rendition are; none where there is no such rendition, or it is another's."""
    return parts_in(session, _OF.parts, and_(_of_audience(programme, audience), _OF.sequence == sequence))


def parts_in(session: Session, column: Any, where: Any) -> tuple[Part, ...]:
    """The same wherever parts are kept."""
    found: list[list[Any]] = session.execute(select(column).where(where)).scalar_one_or_none() or []
    return tuple(Part(*part) for part in found)


def rows_of(session: Session, programme: str, audience: Audience, sequence: int, part: Part) -> bytes:
    """The rows of one part of a rendition, a JSON array, read without the rest of it."""
    return rows_in(session, _OF.compressed, and_(_of_audience(programme, audience), _OF.sequence == sequence), part)


def rows_in(session: Session, column: Any, where: Any, part: Part) -> bytes:
    """The same wherever parts are kept."""
    piece = func.substring(column, literal(part.first + 1), literal(part.last - part.first))
    content: bytes = session.execute(select(piece).where(where)).scalar_one()
    return rows_of_part(content) if part.rows else b"[]"


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication as it is recorded, its renditions apart."""

    sequence: int
    month: Month
    kind: str
    status: str
    supersedes: int | None
    reason: str
    commentary: str
    as_of: datetime
    inputs_sha256: str
    method_version: str
    rows_changed: int
    subcontracts_shown: bool
    manifest: bytes
    manifest_sha256: str
    previous_sha256: str
    key_id: str
    edited_at: datetime
    edited_by: str
    checked_at: datetime
    checked_by: str
    published_at: datetime
    published_by: str


_PUBLICATION: Final = tuple(Publication.__slots__)


def publication(session: Session, programme: str, sequence: int) -> Publication | None:
    """A publication with its manifest; None where there is none, or its manifest is not this reader's."""
    columns = PUBLICATIONS.c
    query = select(*(columns[name] for name in _PUBLICATION)).where(columns.programme == programme, columns.sequence == sequence)
    row = session.execute(query).mappings().one_or_none()
    return None if row is None else Publication(**row)


def take_time(session: Session) -> None:
    """Let this transaction be at work between its statements for as long as it takes: it holds nobody up meanwhile."""
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


class Last(NamedTuple):
    """Where a programme's chain of publications ends."""

    sequence: int
    manifest_sha256: str
    published_at: datetime


def last_publication(session: Session, programme: str) -> Last | None:
    """A programme's last publication; None before the first."""
    columns = PUBLICATIONS.c
    query = select(columns.sequence, columns.manifest_sha256, columns.published_at).where(columns.programme == programme)
    row = session.execute(query.order_by(columns.sequence.desc()).limit(1)).one_or_none()
    return None if row is None else Last(*row)


def last_digests(session: Session, programme: str) -> dict[Audience, str]:
    """The digest of each audience's last rendition."""
    audience = (_OF.audience_kind, _OF.audience)
    last = select(*audience, func.max(_OF.sequence).label("sequence")).where(_OF.programme == programme).group_by(*audience).subquery()
    same = [_OF[name] == last.c[name] for name in ("audience_kind", "audience", "sequence")]
    query = select(*audience, _OF.sha256).join(last, and_(*same)).where(_OF.programme == programme)
    return {Audience(kind, code): sha256 for kind, code, sha256 in session.execute(query)}


def add_publication(session: Session, programme: str, made: Publication) -> None:
    values = {name: getattr(made, name) for name in _PUBLICATION}
    session.execute(insert(PUBLICATIONS).values(programme=programme, **values))


@dataclass(frozen=True, slots=True)
class Issued:
    """A rendition as it is kept, with the reason that its audience is told, how many of its rows moved, and its change notice as gzip."""

    rendition: Rendition
    reason: str | None
    rows_changed: int
    notice: bytes


def add_rendition(session: Session, programme: str, shared: Mapping[str, Any], issued: Issued) -> None:
    """Add one of a publication's renditions. `shared` is what the publication says of all of them: sequence, month, kind, status and so on."""
    made = issued.rendition
    values = {
        **shared,
        "programme": programme,
        "audience_kind": made.audience.kind,
        "audience": made.audience.code,
        "reason": issued.reason,
        "rows_changed": issued.rows_changed,
        "sha256": made.sha256,
        "length_bytes": made.length_bytes,
        "parts": [list(part) for part in made.parts],
        "compressed": made.compressed,
        "differences": issued.notice,
    }
    session.execute(insert(RENDITIONS).values(values))


def draft(session: Session, programme: str, month: Month) -> Draft | None:
    """A month's draft as it stands."""
    table = DRAFTS.table.c
    columns = [table[name] for name in Draft.__slots__]
    query = select(*columns).where(table.programme == programme, table.month == month, facts.in_force(DRAFTS, None))
    row = session.execute(query).mappings().one_or_none()
    return None if row is None else Draft(**row)


def last_version(session: Session, programme: str, month: Month) -> int:
    """The version of a month's last draft, whatever became of it; 0 where there never was one."""
    table = DRAFTS.table.c
    query = select(func.coalesce(func.max(table.version), 0)).where(table.programme == programme, table.month == month)
    version: int = session.execute(query).scalar_one()
    return version


def put_draft(session: Session, recording: Recording, programme: str, made: Draft) -> None:
    """Let a draft take the place of the one that stands."""
    close_draft(session, recording, programme, made.month)
    facts.add(session, DRAFTS, recording, [{name: getattr(made, name) for name in Draft.__slots__}], programme=programme)


def close_draft(session: Session, recording: Recording, programme: str, month: Month) -> None:
    facts.close(session, DRAFTS, recording, [(month,)], programme=programme)
