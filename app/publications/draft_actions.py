"""A month's draft: edited by one person, looked at with what it would publish, and checked by another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, SamePerson, require
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import begin_recording, hold_ledger
from app.kernel.actors import Actor
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, NotFound
from app.publications import store
from app.publications.composition_actions import (
    Composition,
    Numbered,
    Written,
    compose,
    inputs_of,
    related,
    says_otherwise,
    together,
    work_out,
    written,
)
from app.publications.domain import OF_PROGRAMME, Audience, Draft, DraftOutdated, NotDrafted
from app.publications.preparation_actions import Turn, as_prepared, hold_publications, in_turn
from app.publications.public_actions import PublicHistory
from app.publications.renditions import Prepared, Rendition
from app.returns.read_actions import judged_at


@dataclass(frozen=True, slots=True)
class WouldPublish:
    """A month that the draft would publish, and how many of its rows moved since it was published last."""

    month: Month
    supersedes: int | None
    rows_changed: int


@dataclass(frozen=True, slots=True)
class DraftRead:
    """A draft as it stands, what has moved since it was edited, and what it would publish; of one that is looked at also to whom."""

    draft: Draft
    inputs_sha256: str
    moved: tuple[Fault, ...]
    publishes: tuple[WouldPublish, ...]
    renditions: tuple[Rendition, ...] | None = None

    @property
    def tag(self) -> str:
        """Names its state: another version, a check, and whatever moved make another."""
        return f"{self.draft.version}-{'checked' if self.draft.checked_by else 'edited'}-{self.inputs_sha256[:32]}"


def _months(session: Session, programme: str, month: Month) -> list[Month]:
    """All that would be looked at if a month were published: itself, and what is published of the months around it."""
    published = store.current(session, programme, OF_PROGRAMME)
    return sorted({month, *(each.month for each in related(published, month))})


def _composed(session: Session, programme: str, month: Month, *, as_of: datetime) -> list[Composition]:
    """All that would be looked at, as it would be published."""
    contract, published = load_contract(session, programme, as_of=as_of), store.current(session, programme, OF_PROGRAMME)
    months = _months(session, programme, month)
    return [compose(session, contract, each, as_of=as_of, before=published.get(each)) for each in months]


def _would_publish(compositions: Sequence[Composition], month: Month, commentary: str) -> tuple[WouldPublish, ...]:
    """What publishing a month would publish, itself last: nothing where it reads as it was published."""
    *others, own = in_turn(compositions, month, prepare=False)
    if own.rows_moved == 0 and not says_otherwise(own.composition, commentary):
        return ()
    return (*(_in_act(each) for each in others if each.rows_moved), _in_act(own))


def _in_act(turn: Turn) -> WouldPublish:
    before = turn.composition.before
    return WouldPublish(turn.composition.month, before.sequence if before else None, turn.rows_moved)


def _standing(session: Session, programme: str, draft: Draft, publishes: tuple[WouldPublish, ...], *, now: datetime) -> DraftRead:
    """A draft with what has moved since it was edited."""
    months = _months(session, programme, draft.month)
    moment = judged_at(session, programme, asked=None, now=now)
    inputs = together(inputs_of(session, programme, months, as_of=moment))
    moved = () if inputs == draft.inputs_sha256 else moved_since(session, programme, months, draft.as_of, moment)
    return DraftRead(draft, inputs, tuple(moved), publishes)


def moved_since(session: Session, programme: str, months: Sequence[Month], then: datetime, now: datetime) -> list[Fault]:
    """What makes a report of these months another than it was at an earlier moment: every return that stands otherwise, and what else changed."""
    fix = "Look at the draft again, edit it anew and let another person check it."
    was, is_ = (
        [compose(session, load_contract(session, programme, as_of=at), month, as_of=at, before=None).made for month in months]
        for at in (then, now)
    )
    held, holds = ({key: read for made in each for key, read in made.returns.items()} for each in (was, is_))
    faults = [
        Fault("return_moved", f"The return {key.collection} of {key.subcontract} for {key.month} stands otherwise.", fix)
        for key in sorted(held.keys() | holds.keys())
        if held.get(key) != holds.get(key)
    ]
    if was[0].contract_recorded_at != is_[0].contract_recorded_at:
        faults.append(Fault("contract_moved", "The contract was changed.", fix))
    if any(before.imports_sha256 != after.imports_sha256 for before, after in zip(was, is_, strict=True)):
        faults.append(Fault("imports_moved", "Other imports stand.", fix))
    return faults or [Fault("inputs_moved", "What the report is made of is not what it was.", fix)]


def edit(
    session: Session,
    programme: str,
    month: Month,
    *,
    commentary: str,
    as_of: datetime | None,
    check: Callable[[str | None], None],
    actor: Actor,
    now: datetime,
) -> tuple[DraftRead, bool]:
    """Make a month's draft, or its next version, as somebody saw it at a moment; and whether it is the first since the last publication.

    `check` passes where the caller has seen the state that is replaced, by its tag (None where there is no draft).
    """
    require(actor, Permission.REPORT_EDIT, programme=programme)
    moment = judged_at(session, programme, asked=as_of, now=now)
    _refuse_beyond_term(session, programme, month, moment)
    composed = _composed(session, programme, month, as_of=moment)
    inputs, publishes = together({each.month: each.inputs_sha256 for each in composed}), _would_publish(composed, month, commentary)
    hold_ledger(session, programme)
    standing = store.draft(session, programme, month)
    check(None if standing is None else _standing(session, programme, standing, (), now=now).tag)
    recording = begin_recording(session, programme, actor=actor, now=now)
    version = store.last_version(session, programme, month) + 1
    made = Draft(month, version, commentary, moment, inputs, recording.at, recording.by)
    store.put_draft(session, recording, programme, made)
    subject: dict[str, str | int] = {"month": str(month), "version": version}
    audit.record(session, recording, "publication.drafted", subject=subject, details={"inputs_sha256": inputs}, before=standing, after=made)
    return _standing(session, programme, made, publishes, now=now), standing is None


@dataclass(frozen=True, slots=True)
class Preparing:
    """How far the preparing of a publication is: the months that are prepared, with what moved of them, and those that are still to be looked at."""

    prepared: tuple[WouldPublish, ...]
    remaining: tuple[Month, ...]


def prepare(session: Session, programme: str, month: Month, *, actor: Actor, now: datetime) -> Preparing:
    """Prepare the next of the months that would be published with a month as everything stands now, until the first that takes long is."""
    require(actor, Permission.REPORT_EDIT, programme=programme)
    moment = judged_at(session, programme, asked=None, now=now)
    _refuse_beyond_term(session, programme, month, moment)
    hold_publications(session, programme)
    compositions, prepared = _composed(session, programme, month, as_of=moment), list[Turn]()
    for turn in in_turn(compositions, month, prepare=True):
        prepared.append(turn)
        if not turn.was_known:
            break
    done = {turn.composition.month for turn in prepared}
    would_publish = [_in_act(each) for each in prepared if each.rows_moved or each.composition.month == month]
    return Preparing(tuple(would_publish), tuple(each.month for each in compositions if each.month not in done))


def _refuse_beyond_term(session: Session, programme: str, month: Month, moment: datetime) -> None:
    term = load_contract(session, programme, as_of=moment).programme
    if not term.first_month <= month <= term.last_month:
        fix = f"Use a month from {term.first_month} to {term.last_month}."
        fault = Fault("beyond_term", "The programme does not run in this month.", fix, pointer="/path/month")
        raise Invalid("Nothing is published of a month in which the programme does not run.", faults=[fault])


def read(session: Session, programme: str, month: Month, *, actor: Actor, now: datetime) -> DraftRead:
    """A month's draft, what has moved since it was edited, and what it would publish. NotFound where there is none."""
    require(actor, Permission.REPORT_READ, programme=programme)
    draft = _draft(session, programme, month)
    composed = _composed(session, programme, month, as_of=draft.as_of)
    publishes, prepared = _would_publish(composed, month, draft.commentary), _renditions_of(composed, month)
    renditions = tuple(each.rendition for each in _previewed(composed, draft, prepared))
    return replace(_standing(session, programme, draft, publishes, now=now), renditions=renditions)


def preview(session: Session, programme: str, month: Month, audience: Audience, *, actor: Actor) -> Rendition:
    """What an audience would read: unsigned and without a number. NotFound where it would read nothing."""
    require(actor, Permission.REPORT_READ, programme=programme)
    draft = _draft(session, programme, month)
    composed = _composed(session, programme, month, as_of=draft.as_of)
    prepared = [each for each in _renditions_of(composed, month) if each.body.audience == audience]
    if not prepared:
        raise NotFound("The draft would publish nothing for such an audience.")
    (made,) = _previewed(composed, draft, prepared)
    return made.rendition


def _renditions_of(composed: Sequence[Composition], month: Month) -> list[Prepared]:
    """What a month's audiences would read: as it is prepared, else worked out beside nothing but what the public has."""
    return as_prepared(composed, month) or work_out(_own(composed, month), PublicHistory(composed[0].session, composed[0].programme))


def _own(composed: Sequence[Composition], month: Month) -> Composition:
    return next(each for each in composed if each.month == month)


def _previewed(composed: Sequence[Composition], draft: Draft, prepared: Sequence[Prepared]) -> Iterator[Written]:
    return written(_own(composed, draft.month), prepared, Numbered(None, None, draft.commentary), previous={}, sign=None)


def _draft(session: Session, programme: str, month: Month) -> Draft:
    found = store.draft(session, programme, month)
    if found is None:
        raise NotFound("There is no draft of this month.")
    return found


def check(session: Session, programme: str, month: Month, *, draft_sha256: str, actor: Actor, now: datetime) -> DraftRead:
    """Say that another person than its editor has looked at exactly what the draft would publish. NotDrafted, SamePerson, DraftOutdated."""
    require(actor, Permission.REPORT_EDIT, programme=programme)
    draft = store.draft(session, programme, month)
    if draft is None:
        raise NotDrafted(f"There is no draft of {month} to be checked.")
    if is_one_person(session, programme, draft.edited_by, draft.edited_at, actor=actor):
        raise SamePerson(f"The draft of {month} was edited by whoever would check it: another person checks it.")
    # Worked out before anybody is held up.
    publishes = _would_publish(_composed(session, programme, month, as_of=draft.as_of), month, draft.commentary)
    hold_ledger(session, programme)
    held = store.draft(session, programme, month)
    is_another = held is None or held.version != draft.version
    draft = held or draft
    standing = _standing(session, programme, draft, publishes, now=now)
    faults = list(standing.moved)
    if is_another or draft_sha256 != draft.sha256:
        fault = Fault("draft_edited", "The draft is another version than the one named.", "Read it again.", pointer="/inputs_sha256")
        faults.insert(0, fault)
    if faults:
        raise DraftOutdated(f"The draft of {month} is not what would be published now; see errors.", faults=faults)
    if draft.checked_by is not None:
        return standing
    recording = begin_recording(session, programme, actor=actor, now=now)
    checked = replace(draft, checked_at=recording.at, checked_by=recording.by)
    store.put_draft(session, recording, programme, checked)
    subject: dict[str, str | int] = {"month": str(month), "version": draft.version}
    details = {"inputs_sha256": draft.inputs_sha256}
    audit.record(session, recording, "publication.checked", subject=subject, details=details, before=draft, after=checked)
    return replace(standing, draft=checked)
