"""Publications put in as they are kept, for tests of what is read of them: no draft, no check, a signature that signs nothing."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from app.kernel.canonical import canonical_text, sha256
from app.kernel.months import Month
from app.publications import store
from app.publications.domain import OF_PROGRAMME, Audience, PublicationKind
from app.publications.renditions import Readership, Writer, rendition_of
from app.publications.store import Issued
from tests.reports.made_rows import row

MOMENT: Final = datetime(2026, 12, 1, tzinfo=UTC)
Parts = Mapping[tuple[str, str], Iterable[Mapping[str, Any]]]


def parts(month: str, *places: Mapping[str, Any], slice_: str = "all", period: str = "month") -> Parts:
    """One part: a row for each of some places."""
    return {(slice_, period): [row(month=month, slice=slice_, period=period, months_held=1, **place) for place in places]}


def publish(
    session: Session,
    sequence: int,
    month: str,
    parts: Parts,
    readers: Iterable[Readership],
    *,
    programme: str,
    supersedes: int | None = None,
) -> None:
    """Record a publication of these parts for the whole programme and for some readers."""
    published_at = MOMENT + timedelta(minutes=sequence)
    kind: PublicationKind = "first" if supersedes is None else "correction"
    shared = {"sequence": sequence, "month": Month.parse(month), "kind": kind, "status": "provisional", "supersedes": supersedes}
    shared |= {"as_of": published_at, "published_at": published_at, "published_by": "publisher"}
    for readership in (Readership(OF_PROGRAMME), *readers):
        writer = Writer(readership, [])
        for (slice_, period), rows in parts.items():
            writer.add(slice_, period, [(each, canonical_text(each)) for each in rows])
        head = {"programme": programme, "month": month, "sequence": sequence, "audience": readership.audience.kind}
        made = rendition_of(writer.body(), {}, head, schema_version="1.0", sign=lambda _: {})
        store.add_rendition(session, programme, shared, Issued(made, "Figures came in.", 0, b""))
    digest = sha256(str(sequence).encode())
    store.add_publication(
        session,
        programme,
        store.Publication(
            sequence, Month.parse(month), kind, "provisional", supersedes, "Figures came in.", "", MOMENT, digest, "4", 0, True, b"{}", digest,
            digest, "key", MOMENT, "editor", MOMENT, "checker", published_at, "publisher",
        ),
    )  # fmt: skip


def of_commissioner(code: str, *parts: str, shown: bool = True) -> Readership:
    return Readership(Audience("commissioner", code), frozenset({code, *parts, "all"}), shown)


def of_subcontract(reference: str) -> Readership:
    return Readership(Audience("subcontract", reference))
