"""Bringing a programme to what its document says: allow, load, decide, save, audit."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.assignments.actions import bring_assignments
from app.calendar.actions import DeadlinePassed, bring_collections
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.configuration.assigned import Placed, placed
from app.configuration.consequences import Consequences, consequences
from app.configuration.differences import Changes, changed_facts, differences
from app.configuration.document import Document, completed, normal_form, written_of
from app.configuration.domain import faults_of
from app.configuration.effects import contract_of, counted_as_another, no_longer_owed, of_another_organisation, relabelled
from app.configuration.history import accepted_months
from app.configuration.intake import between_sound_lines
from app.configuration.nesting import parent_with_child
from app.configuration.owing import counted_otherwise, is_touched, owing_otherwise
from app.configuration.rescheduled import passed_and_moved
from app.db import audit
from app.db.installation import after_shared
from app.db.ledger import Recording, begin_recording, contract_changed, hold_ledger, open_ledger
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import sha256
from app.kernel.codes import is_code
from app.kernel.refusals import Fault, Invalid, Kind
from app.measures.actions import bring_measures
from app.measures.faults import VersionKey, by_two_people, changed_alone, taken_back
from app.organisations.actions import add_new, conflicts
from app.organisations.store import organisations
from app.pathways.actions import bring_handovers, bring_pathways, bring_segments
from app.programmes.actions import bring_commissioners, bring_phases, bring_programme, bring_requirements, bring_sites
from app.programmes.faults import decided_and_gone
from app.programmes.store import phase_decisions
from app.publications.domain import OF_PROGRAMME
from app.publications.store import current
from app.returns.expectation import expected_return
from app.returns.store import have_returned, reported_cells, reported_measures
from app.subcontracts.actions import bring_subcontracts
from app.web.shapes import read_as


class ConfigurationInvalid(Invalid):
    """The document says something that cannot be; its faults name everything."""

    code = "configuration_invalid"
    title = "The document cannot be brought into force"


class InUse(ConfigurationInvalid):
    """The document withdraws what revisions depend on."""

    code = "in_use"
    kind = Kind.CONFLICT
    title = "Returns depend on what this document withdraws"


class ApprovalNeeded(ConfigurationInvalid):
    """The document changes by one person what takes two."""

    code = "approval_needed"
    kind = Kind.CONFLICT
    title = "Another person must approve what measures say"


class RegisterConflict(ConfigurationInvalid):
    """The document says something else of an organisation than the shared register."""

    code = "register_conflict"
    kind = Kind.CONFLICT
    title = "The shared register says something else"


@dataclass(frozen=True, slots=True)
class Applied:
    """A document brought into force (or tried): the contract before (None where the programme is new) and after it, what changed by noun.

    What follows of it, and which versions of measures another person has to approve, is worked out of a dry run only.
    """

    before: Contract | None
    after: Contract
    changes: dict[str, Changes]
    follows: Consequences | None = None
    need_approval: tuple[VersionKey, ...] = ()

    @property
    def body(self) -> bytes:
        return written_of(self.after)

    @property
    def created(self) -> bool:
        return self.before is None

    @property
    def etag(self) -> str:
        return sha256(self.body)


Change = Callable[[Contract | None], Document]
"""Given the contract in force (None where there is none), the document that it should become."""


def configuration(session: Session, programme: str, *, actor: Actor, as_of: datetime | None, now: datetime) -> bytes:
    """The document in force, in its one normal form. NotFound where there is (or was) no such programme."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    return written_of(load_contract(session, programme, as_of=moment))


def apply_configuration(
    session: Session,
    programme: str,
    value: Any,
    *,
    actor: Actor,
    now: datetime,
    expect: Callable[[str | None], None],
    dry_run: bool = False,
) -> Applied:
    """Bring a programme to a document, atomically; the caller owns the transaction.

    `expect` is given the digest of the document in force (None where there is none) under the ledger's lock, and refuses
    where the caller had another one in mind. Refuses with every fault at once: `ConfigurationInvalid`, `InUse`,
    `RegisterConflict`, `DeadlinePassed`.
    """
    require(actor, Permission.CONFIGURATION_WRITE, programme=programme)
    document = _read(value, registered=[line.ods_code for line in organisations(session, as_of=None)])

    def change(before: Contract | None) -> Document:
        expect(None if before is None else sha256(written_of(before)))
        return document

    return bring_into_force(session, programme, change, actor=actor, now=now, dry_run=dry_run)


def programme_named(value: Any) -> str:
    """The code of the programme that a parsed value is about; Invalid with every fault of its shape where it names none."""
    stated = value.get("programme") if isinstance(value, dict) else None
    code = stated.get("code") if isinstance(stated, dict) else None
    return code if isinstance(code, str) and is_code(code) else read_as(Document, value).programme.code


def _read(value: Any, *, registered: Collection[str]) -> Document:
    """The document that a parsed value states; Invalid with what is wrong in its shape, and between the lines that have theirs."""

    def read(part: Any) -> Document:
        return read_as(Document, part)

    try:
        return read(value)
    except Invalid as refusal:
        between = between_sound_lines(value, refusal.faults, registered=registered, read=read)
        raise Invalid(refusal.detail, faults=[*refusal.faults, *between]) from None


def bring_into_force(
    session: Session,
    programme: str,
    change: Change,
    *,
    actor: Actor,
    now: datetime,
    dry_run: bool,
    approved: VersionKey | None = None,
) -> Applied:
    """Bring a programme to what `change` makes of the contract in force: the one way in which any noun changes.

    It is asked under the ledger's lock; a dry run takes no lock and writes nothing. `approved` is the version of a measure that another
    person proposed.
    """
    if not dry_run:
        open_ledger(session, EVERY, now=now)
        open_ledger(session, programme, now=now)
        hold_ledger(session, programme, installation=True)
    before = None if contract_changed(session, programme) is None else load_contract(session, programme)
    document = completed(change(before))
    lines = placed(document)
    register = organisations(session, as_of=None)
    after = contract_of(document, organisations=register, recorded_at=now, lines=lines, before=before)
    faults = _faults(session, programme, document, before=before, after=after, lines=lines, now=now)
    alone = _changed_alone(before, document, approved=approved)
    if not dry_run:
        faults += changed_alone(alone, programme)
    if faults:
        raise _refusal(faults)
    registered = frozenset(line.ods_code for line in register)
    changes = differences(before, after, new=[line for line in document.organisations if line.ods_code not in registered])
    if dry_run:
        accepted = accepted_months(session, programme) if before is not None and changes else ()
        published = {month: each.sequence for month, each in current(session, programme, OF_PROGRAMME).items()} if accepted else {}
        return Applied(before, after, changes, consequences(before, after, accepted=accepted, published=published), tuple(sorted(alone)))
    if changes:
        _save(session, document, changes, before=before, after=after, actor=actor, now=now)
    return Applied(before, after, changes)


def _changed_alone(before: Contract | None, document: Document, *, approved: VersionKey | None) -> dict[VersionKey, str]:
    """The versions of measures that one person would change by itself, in a programme that asks for two."""
    if before is None or not before.programme.measures_need_approval:
        return {}
    return {key: place for key, place in by_two_people(before.measures, document.measures).items() if key != approved}


def _faults(
    session: Session,
    programme: str,
    document: Document,
    *,
    before: Contract | None,
    after: Contract,
    lines: Sequence[Placed],
    now: datetime,
) -> list[Fault]:
    faults = faults_of(document, registered=frozenset(after.organisation), lines=lines)
    if document.programme.code != programme:
        detail = "The document is of another programme than the address."
        faults.append(Fault("programme_differs", detail, "Let both name the same programme.", pointer="/programme/code"))
    faults += conflicts(session, document.organisations)
    if before is not None:
        faults += taken_back(before=before.programme.measures_need_approval, after=document.programme.measures_need_approval)
    faults += decided_and_gone(after.phases, phase_decisions(session, programme, as_of=None))
    if not faults:
        # Only a document whose references hold can be asked what it expects of whom.
        faults += parent_with_child(after)
    if not faults and before is not None:
        touched = owing_otherwise(before, after)

        def unchanged(key: ReturnKey, expected_sha256: str) -> bool:
            if not is_touched(before, after, key, touched):
                return True
            owed = expected_return(after, key)
            return owed is not None and owed.sha256 == expected_sha256

        faults += no_longer_owed(before, after, reported_cells(session, programme, unchanged=unchanged) if touched else ())
        otherwise = counted_otherwise(before, after)
        faults += counted_as_another(before, after, otherwise, reported_measures(session, programme, otherwise))
        faults += relabelled(have_returned(session, programme, of_another_organisation(before, after)))
        places = {line.code: number for number, line in enumerate(document.collections)}
        faults += passed_and_moved(before, after, now=now, places=places)
    return faults


def _refusal(faults: list[Fault]) -> ConfigurationInvalid | DeadlinePassed:
    codes = {fault.code for fault in faults}
    if codes == {"in_use"}:
        return InUse("Returns depend on what this document withdraws or counts otherwise; see errors.", faults=faults)
    if codes == {"approval_needed"}:
        return ApprovalNeeded("What measures say is changed by two people here; see errors.", faults=faults)
    if codes == {"deadline_passed"}:
        return DeadlinePassed("Deadlines that have passed would move; see errors.", faults=faults)
    if codes == {"register_conflict"}:
        return RegisterConflict("The shared register says something else of an organisation; see errors.", faults=faults)
    return ConfigurationInvalid("The document cannot be brought into force; see errors.", faults=faults)


def _save(
    session: Session,
    document: Document,
    changes: dict[str, Changes],
    *,
    before: Contract | None,
    after: Contract,
    actor: Actor,
    now: datetime,
) -> None:
    """Write what changed under one moment, and say so in the record."""
    programme = document.programme.code
    recording = begin_recording(session, programme, actor=actor, now=after_shared(session, now), contract=True)
    _bring(session, recording, document, before=before, after=after, nouns=changes.keys())
    counts = {noun: [len(each.added), len(each.changed), len(each.withdrawn)] for noun, each in changes.items()}
    audit.record(
        session,
        recording,
        "configuration.applied",
        subject={"programme": programme},
        details={"added_changed_withdrawn": counts, "normal_form": normal_form()},
        before=None if before is None else sha256(written_of(before)),
        after=sha256(written_of(after)),
    )


def _bring(
    session: Session, recording: Recording, document: Document, *, before: Contract | None, after: Contract, nouns: Collection[str]
) -> None:
    """Write what changed; a noun that did not is not even read."""
    add_new(session, recording, document.organisations)
    steps: dict[str, Callable[[], object]] = {
        "programme": lambda: bring_programme(session, recording, document.programme),
        "commissioners": lambda: bring_commissioners(session, recording, document.commissioners),
        "phases": lambda: bring_phases(session, recording, document.phases),
        "sites": lambda: bring_sites(session, recording, document.sites),
        "measures": lambda: bring_measures(session, recording, document.measures),
        "pathways": lambda: (bring_pathways(session, recording, document.pathways), bring_segments(session, recording, document.pathways)),
        "collections": lambda: bring_collections(session, recording, document.collections),
        "requirements": lambda: bring_requirements(session, recording, document.requirements),
        "subcontracts": lambda: bring_subcontracts(session, recording, document.subcontracts),
        "handovers": lambda: bring_handovers(session, recording, document.handovers),
        "assignments": lambda: bring_assignments(session, recording, *changed_facts(before, after)),
    }
    for noun, bring in steps.items():
        if noun in nouns:
            bring()
