"""What the record is checked against: rows read in streams, and questions that find the first row that does not fit."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Table, exists, func, select, text
from sqlalchemy.orm import Session

from app.audit.chains import Head
from app.audit.store import CHECKPOINTS
from app.db.audit import events
from app.db.ledger import ledger
from app.db.rows import metadata
from app.kernel.actors import EVERY
from app.publications.store import PUBLICATIONS, RENDITIONS
from app.returns.files_store import SUBMITTED_FILES
from app.returns.store import CELLS, REVISIONS
from app.returns.submission import Cell

_AT_ONCE: Final = 1000

UNRECORDED: Final[Mapping[str, str]] = {
    "checkpoints": "a checkpoint is its own record: an event of it would move the end that it states",
    "figure_audits": "says when figures were looked at, and changes none of them",
}
"""Tables whose rows come without an event, each with the reason."""


def steady(session: Session) -> None:
    """Let this transaction see one state of the database for as long as it takes, and change nothing."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    session.execute(text("SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)"))


def chains(session: Session) -> list[str]:
    """Every chain that there is an event of, or that the ledger knows, by its code."""
    known = select(ledger.c.programme).union(select(events.c.programme))
    return sorted(session.execute(known).scalars())


def head(session: Session, chain: str) -> Head | None:
    columns = ledger.c
    query = select(columns.last_event_sequence, columns.last_event_sha256).where(columns.programme == chain)
    row = session.execute(query).one_or_none()
    return None if row is None else Head(*row)


def events_of(session: Session, chain: str) -> Iterator[dict[str, Any]]:
    """A chain's events in the order of their sequences."""
    return _streamed(session, select(events).where(events.c.programme == chain).order_by(events.c.sequence))


def checkpoints(session: Session, chain: str) -> Iterator[dict[str, Any]]:
    return _streamed(session, select(CHECKPOINTS).where(CHECKPOINTS.c.programme == chain).order_by(CHECKPOINTS.c.sequence))


def publications(session: Session, programme: str) -> Iterator[dict[str, Any]]:
    """A programme's publications with their manifests, by their sequence."""
    return _streamed(
        session, select(PUBLICATIONS).where(PUBLICATIONS.c.programme == programme).order_by(PUBLICATIONS.c.sequence), at_once=1
    )


def renditions(session: Session, programme: str, sequence: int) -> Iterator[dict[str, Any]]:
    """The renditions of a publication, one at a time: each may be large."""
    columns = RENDITIONS.c
    query = select(columns.audience_kind, columns.audience, columns.sha256, columns.length_bytes, columns.compressed)
    query = query.where(columns.programme == programme, columns.sequence == sequence).order_by(columns.audience_kind, columns.audience)
    return _streamed(session, query, at_once=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A revision as it is kept: what it says of itself, its cells, and the bytes that it was made of."""

    named: str
    nil_reason: str | None
    note: str
    content_sha256: str
    submitted_sha256: str
    cell_count: int
    cells: tuple[Cell, ...]
    deflated: bytes | None

    @property
    def words(self) -> Iterator[str | None]:
        """Its free text."""
        return itertools.chain([self.note], (cell.explanation for cell in self.cells))


def revisions(session: Session, programme: str) -> Iterator[Kept]:
    """A programme's revisions, one at a time, in the order in which they were received."""
    of, file = REVISIONS.c, SUBMITTED_FILES
    joined = REVISIONS.outerjoin(file, (file.c.programme == of.programme) & (file.c.revision_id == of.revision_id))
    query = select(REVISIONS, file.c.deflated).select_from(joined).where(of.programme == programme).order_by(of.revision_id)
    columns = [CELLS.c[name] for name in Cell._fields]
    for row in _streamed(session, query, at_once=50):
        stated = select(*columns).where(CELLS.c.programme == programme, CELLS.c.revision_id == row["revision_id"])
        cells = tuple(sorted(Cell(*cell) for cell in session.execute(stated)))
        named = f"revision {row['number']} of {row['collection']} of {row['subcontract']} for {row['month']}"
        kept = {name: row[name] for name in ("nil_reason", "note", "content_sha256", "submitted_sha256", "cell_count", "deflated")}
        yield Kept(named=named, cells=cells, **kept)


_REVISIONS_TOLD: Final = text("""
    SELECT coalesce('revision ' || number || ' of ' || collection || ' of ' || subcontract, 'event ' || event.sequence)
    FROM (SELECT *, to_char(month / 12, 'FM0000') || '-' || to_char(month % 12 + 1, 'FM00') AS written FROM revisions WHERE programme = :programme) AS kept
    FULL JOIN (
        SELECT sequence, recorded_at AS told_at, recorded_by AS told_by, subject, details FROM events
        WHERE programme = :programme AND action = 'return.submitted'
    ) AS event
    ON subject ->> 'collection' = collection AND subject ->> 'subcontract' = subcontract AND subject ->> 'month' = written
        AND subject ->> 'revision' = number::text
    WHERE NOT (:let_go AND number IS NULL) AND (details ->> 'content_sha256' IS DISTINCT FROM content_sha256 OR details ->> 'submitted_sha256' IS DISTINCT FROM submitted_sha256
        OR told_at IS DISTINCT FROM recorded_at OR told_by IS DISTINCT FROM recorded_by)
    LIMIT 1
""")


def untold_revision(session: Session, programme: str, *, let_go: bool) -> str | None:
    """The first revision that is not what the event of its submission says, or event whose revision is not there (unless they were `let_go`)."""
    return session.execute(_REVISIONS_TOLD, {"programme": programme, "let_go": let_go}).scalar_one_or_none()


_PAIRS: Final = (("recorded_at", "recorded_by"), ("closed_at", "closed_by"))


def unrecorded(session: Session, programme: str) -> Iterator[tuple[str, datetime]]:
    """Tables with a row that was added or closed at a moment at which the record has no act of that client, and the first such moment."""
    for table in metadata.sorted_tables:
        if "programme" in table.c and table is not events and table.name not in UNRECORDED:
            for at, by in _PAIRS:
                if at in table.c and by in table.c:
                    moment = session.execute(_unrecorded(table, programme, at, by)).scalar()
                    if moment is not None:
                        yield table.name, moment


def _unrecorded(table: Table, programme: str, at: str, by: str) -> Select[Any]:
    """The first moment at which a row of a table was added or closed without an act in the programme's chain or the installation's."""
    rows, said = table.c, events.c
    told = exists().where(said.programme.in_([programme, EVERY]), said.recorded_at == rows[at], said.recorded_by == rows[by])
    return select(func.min(rows[at])).where(rows.programme == programme, rows[at].is_not(None), ~told)


def _streamed(session: Session, query: Any, *, at_once: int = _AT_ONCE) -> Iterator[dict[str, Any]]:
    for row in session.execute(query.execution_options(yield_per=at_once)).mappings():
        yield dict(row)
