"""Publishing a month: its checked draft, and every published month around it whose figures have moved, in one act that misses no acceptance.

What takes long of its renditions is best prepared before, and is worked out here where it was not. They are signed and kept before the programme's ledger
row is taken, which would hold everyone else up. Under it only the digest of all that they were made of is taken anew: were it another, an acceptance had come first, and nothing is published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, SamePerson, require
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import Recording, begin_recording, last_event
from app.kernel.actors import Actor
from app.kernel.canonical import canonical_bytes, sha256
from app.kernel.moments import TICK
from app.kernel.months import Month
from app.kernel.refusals import Fault, Refusal
from app.publications import preparation_store, store
from app.publications.composition_actions import (
    Composition,
    Numbered,
    Written,
    compose,
    inputs_of,
    related,
    says_otherwise,
    together,
    written,
)
from app.publications.domain import (
    OF_PROGRAMME,
    Audience,
    Draft,
    DraftOutdated,
    NotChecked,
    NotDrafted,
    NothingToPublish,
    PublicationKind,
    Standing,
)
from app.publications.draft_actions import moved_since
from app.publications.key_actions import SigningKey, key_in_use
from app.publications.keys import Keyring
from app.publications.manifests import FIRST, audience_named, said
from app.publications.preparation_actions import Turn, hold_publications, in_turn
from app.publications.store import Issued, Publication
from app.reports.results import METHOD_VERSION
from app.returns.read_actions import judged_at


@dataclass(frozen=True, slots=True)
class Ready:
    """A month's publication, its renditions written and kept (here by their digests), but for its manifest."""

    composition: Composition
    sequence: int
    kind: PublicationKind
    status: str
    reason: str
    commentary: str
    renditions: Mapping[Audience, str]
    rows_changed: int


def publish(
    session: Session, programme: str, month: Month, *, reason: str, keyring: Keyring, actor: Actor, now: datetime
) -> list[Standing]:
    """Publish a month's checked draft; what was published, this month last.

    NotDrafted, NotChecked, SamePerson, DraftOutdated, each with everything else that is in the way; NothingToPublish.
    """
    require(actor, Permission.REPORT_PUBLISH, programme=programme)
    # From here on nobody else gives a sequence.
    hold_publications(session, programme)
    published = store.current(session, programme, OF_PROGRAMME)
    months = sorted({month, *(each.month for each in related(published, month))})
    moment = judged_at(session, programme, asked=None, now=now)
    draft = _checked(session, programme, month, months, moment=moment, actor=actor)
    contract = load_contract(session, programme, as_of=moment)
    compositions = [compose(session, contract, each, as_of=moment, before=published.get(each)) for each in months]
    *others, own = in_turn(compositions, month, prepare=True)
    turns = [*(each for each in others if each.rows_moved), own]
    last = store.last_publication(session, programme)
    if not own.rows_moved and not says_otherwise(own.composition, draft.commentary):
        raise NothingToPublish(f"{month} is published already, and nothing of it has moved since.")
    key = key_in_use(session, keyring, actor=actor, now=now)
    published_at = max(now, moment, *([] if last is None else [last.published_at + TICK]))
    ready = _write_all(session, turns, draft, reason=reason, last=last, key=key, at=published_at, actor=actor)
    recording = begin_recording(session, programme, actor=actor, now=now)
    inputs = inputs_of(session, programme, months, as_of=recording.at)
    if inputs != {each.month: each.inputs_sha256 for each in compositions} or store.draft(session, programme, month) != draft:
        faults = moved_since(session, programme, months, moment, recording.at)
        raise DraftOutdated("Something was recorded while this was being published; see errors.", faults=faults)
    previous = FIRST if last is None else last.manifest_sha256
    for each in ready:
        previous = _record(session, recording, each, draft, previous=previous, key=key, at=published_at)
    store.close_draft(session, recording, programme, month)
    preparation_store.forget(session, programme)
    return store.standings(session, programme, OF_PROGRAMME, after=ready[0].sequence - 1)


def _checked(session: Session, programme: str, month: Month, months: Sequence[Month], *, moment: datetime, actor: Actor) -> Draft:
    """The draft, where it was checked as it stands and as everything stands now; or the refusal that names all that is in the way."""
    draft = store.draft(session, programme, month)
    if draft is None:
        raise NotDrafted(f"There is no draft of {month}: edit one and let another person check it.")
    found: list[tuple[type[Refusal], Fault]] = []
    if is_one_person(session, programme, draft.edited_by, draft.edited_at, actor=actor):
        fault = Fault("same_person", "The draft was edited by whoever would publish it.", SamePerson.fix)
        found.append((SamePerson, fault))
    if draft.checked_by is None:
        fault = Fault("not_checked", "Nobody but its editor has looked at the draft as it stands.", "Let another person check it.")
        found.append((NotChecked, fault))
    if together(inputs_of(session, programme, months, as_of=moment)) != draft.inputs_sha256:
        found += [(DraftOutdated, fault) for fault in moved_since(session, programme, months, draft.as_of, moment)]
    if found:
        raise found[0][0](f"The draft of {month} cannot be published; see errors.", faults=[fault for _, fault in found])
    return draft


def _write_all(
    session: Session,
    turns: Sequence[Turn],
    draft: Draft,
    *,
    reason: str,
    last: store.Last | None,
    key: SigningKey,
    at: datetime,
    actor: Actor,
) -> list[Ready]:
    """Sign and keep the renditions of each month, in the order of their sequences."""
    programme, ready = turns[0].composition.programme, list[Ready]()
    event, digests = last_event(session, programme), store.last_digests(session, programme)
    first = 1 if last is None else last.sequence + 1
    for sequence, turn in enumerate(turns, start=first):
        composition = turn.composition
        own = composition.month == draft.month
        commentary = draft.commentary if own else _commentary(session, composition)
        status = composition.report.head()["status"]
        kind = _kind(composition, status, own=own)
        shared = {
            "sequence": sequence,
            "month": composition.month,
            "kind": kind,
            "status": status,
            "supersedes": composition.before.sequence if composition.before else None,
            "as_of": composition.as_of,
            "published_at": at,
            "published_by": actor.client,
        }
        numbered = Numbered(sequence, at, commentary, event)
        prepared = preparation_store.prepared(session, programme, turn.inputs_sha256)
        made, reasons = dict[Audience, str](), list[str | None]()
        for each in written(composition, prepared, numbered, previous=digests, sign=key.sign):
            issued = _issued(each, reason if own else None)
            store.add_rendition(session, programme, shared, issued)
            made[each.rendition.audience] = each.rendition.sha256
            reasons.append(issued.reason)
        digests |= made
        ready.append(Ready(composition, sequence, kind, status, reasons[0] or reason, commentary, made, turn.rows_moved))
    return ready


def _commentary(session: Session, composition: Composition) -> str:
    """A month that is published again because its figures moved says what it said."""
    before = None if composition.before is None else store.publication(session, composition.programme, composition.before.sequence)
    return "" if before is None else before.commentary


def _kind(composition: Composition, status: str, *, own: bool) -> PublicationKind:
    if composition.before is None:
        return "first"
    if not own:
        return "trend"
    return "final" if status == "final" and composition.before.status == "provisional" else "correction"


def _issued(written: Written, reason: str | None) -> Issued:
    """The publisher's own reason is told of the month that it was given for, to whom it was written for; others are told what moved their figures."""
    told = written.rendition.audience.kind in {"programme", "commissioner"}
    return Issued(written.rendition, (reason if told else None) or written.reason, written.rows_changed, written.notice)


def _record(session: Session, recording: Recording, ready: Ready, draft: Draft, *, previous: str, key: SigningKey, at: datetime) -> str:
    """Record a publication under its manifest, chained to the one before; its digest."""
    composition = ready.composition
    manifest = _manifest(recording, ready, previous=previous, key=key, at=at)
    assert draft.checked_at is not None, "an unchecked draft is refused"
    assert draft.checked_by is not None, "an unchecked draft is refused"
    published = Publication(
        sequence=ready.sequence,
        month=composition.month,
        kind=ready.kind,
        status=ready.status,
        supersedes=composition.before.sequence if composition.before else None,
        reason=ready.reason,
        commentary=ready.commentary,
        as_of=composition.as_of,
        inputs_sha256=composition.inputs_sha256,
        method_version=METHOD_VERSION,
        rows_changed=ready.rows_changed,
        subcontracts_shown=composition.contract.programme.publishing.subcontracts_to_commissioners,
        manifest=manifest,
        manifest_sha256=sha256(manifest),
        previous_sha256=previous,
        key_id=key.key_id,
        edited_at=draft.edited_at,
        edited_by=draft.edited_by,
        checked_at=draft.checked_at,
        checked_by=draft.checked_by,
        published_at=at,
        published_by=recording.by,
    )
    store.add_publication(session, composition.programme, published)
    subject: dict[str, str | int] = {"month": str(composition.month), "sequence": ready.sequence}
    details = {"kind": ready.kind, "manifest_sha256": published.manifest_sha256, "rows_changed": ready.rows_changed}
    before, after = composition.before and composition.before.sha256, published.manifest_sha256
    audit.record(
        session, recording, "publication.published", subject=subject, details=details, before=before, after=after, why=ready.reason
    )
    return published.manifest_sha256


def _manifest(recording: Recording, ready: Ready, *, previous: str, key: SigningKey, at: datetime) -> bytes:
    """The manifest's canonical bytes; the head of the audit chain in them makes whoever keeps one a witness of it."""
    composition = ready.composition
    manifest: dict[str, Any] = {
        "schema_version": "1.0",
        "programme": composition.programme,
        "sequence": ready.sequence,
        "month": composition.month,
        "kind": ready.kind,
        "status": ready.status,
        "supersedes": composition.before.sequence if composition.before else None,
        "as_of": composition.as_of,
        "published_at": at,
        "inputs_sha256": composition.inputs_sha256,
        **said(composition.made),
        "renditions": [{**audience_named(audience), "sha256": made} for audience, made in ready.renditions.items()],
        "previous_sha256": previous,
        "event": {"sequence": recording.sequence, "sha256": recording.sha256},
        "key_id": key.key_id,
    }
    return canonical_bytes({**manifest, "signature": key.sign(canonical_bytes(manifest))})
