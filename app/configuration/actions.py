"""Bringing a programme to what its document says: allow, load, decide, save, audit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.assignments.actions import bring_assignments
from app.calendar.actions import bring_collections
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.calendar.store import load_contract
from app.configuration.document import Document, completed, document_of, written
from app.configuration.domain import faults_of, parent_with_child
from app.configuration.effects import contract_of, no_longer_owed
from app.db import audit
from app.db.facts import Changes
from app.db.ledger import Recording, begin_recording, contract_changed, hold_ledger, open_ledger
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import sha256
from app.kernel.refusals import Fault, Invalid, Kind
from app.measures.actions import bring_measures
from app.organisations.actions import add_new, after_register, conflicts
from app.organisations.store import organisations
from app.pathways.actions import bring_pathways, bring_segments
from app.programmes.actions import bring_commissioners, bring_phases, bring_programme, bring_requirements, bring_sites
from app.returns.expectation import expected_return
from app.returns.store import reported_cells
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


class RegisterConflict(ConfigurationInvalid):
    """The document says something else of an organisation than the shared register."""

    code = "register_conflict"
    kind = Kind.CONFLICT
    title = "The shared register says something else"


@dataclass(frozen=True, slots=True)
class Applied:
    """A document brought into force (or tried): its normal form, whether the programme is new, what changed by noun."""

    body: bytes
    created: bool
    changes: dict[str, Changes]

    @property
    def etag(self) -> str:
        return sha256(self.body)


def configuration(session: Session, programme: str, *, actor: Actor, as_of: datetime | None, now: datetime) -> bytes:
    """The document in force, in its one normal form. NotFound where there is (or was) no such programme."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    return written(document_of(load_contract(session, programme, as_of=moment)))


def apply_configuration(
    session: Session, programme: str, value: Any, *, actor: Actor, now: datetime, expect: Callable[[str | None], None]
) -> Applied:
    """Bring a programme to a document, atomically; the caller owns the transaction (and ends a dry run by not committing).

    `expect` is given the digest of the document in force (None where there is none) under the ledger's lock, and refuses
    where the caller had another one in mind. Refuses with every fault at once: `ConfigurationInvalid`, `InUse`, `RegisterConflict`.
    """
    require(actor, Permission.CONFIGURATION_WRITE, programme=programme)
    document = completed(read_as(Document, value))
    open_ledger(session, EVERY, now=now)
    open_ledger(session, programme, now=now)
    hold_ledger(session, programme, installation=True)
    created = contract_changed(session, programme) is None
    before = None if created else load_contract(session, programme)
    expect(None if before is None else sha256(written(document_of(before))))
    contract = contract_of(document, organisations=organisations(session, as_of=None), recorded_at=now)
    faults = _faults(session, programme, document, contract)
    if faults:
        raise _refusal(faults)
    body = written(document_of(contract))
    if before is not None and written(document_of(before)) == body:
        return Applied(body, created=False, changes={})
    recording = begin_recording(session, programme, actor=actor, now=after_register(session, now), contract=True)
    changes = _bring(session, recording, document, contract)
    counts = {noun: [len(each.added), len(each.changed), len(each.withdrawn)] for noun, each in changes.items() if each}
    audit.record(
        session,
        recording,
        "configuration.applied",
        subject={"programme": programme},
        details={"document_sha256": sha256(body), "added_changed_withdrawn": counts},
    )
    return Applied(body, created=created, changes=changes)


def _faults(session: Session, programme: str, document: Document, contract: Contract) -> list[Fault]:
    faults = faults_of(document, registered=frozenset(contract.organisation))
    if document.programme.code != programme:
        detail = "The document is of another programme than the address."
        faults.append(Fault("programme_differs", detail, "Let both name the same programme.", pointer="/programme/code"))
    faults += conflicts(session, document.organisations)
    if not faults:
        # Only a document whose references hold can be asked what it expects of whom.
        faults += parent_with_child(contract)
    if not faults:

        def unchanged(key: ReturnKey, expected_sha256: str) -> bool:
            owed = expected_return(contract, key)
            return owed is not None and owed.sha256 == expected_sha256

        faults += no_longer_owed(contract, reported_cells(session, programme, unchanged=unchanged))
    return faults


def _refusal(faults: list[Fault]) -> ConfigurationInvalid:
    codes = {fault.code for fault in faults}
    if codes == {"in_use"}:
        return InUse(f"{len(faults)} returns state what this document no longer asks for; see errors.", faults=faults)
    if codes == {"register_conflict"}:
        return RegisterConflict("The shared register says something else of an organisation; see errors.", faults=faults)
    return ConfigurationInvalid("The document cannot be brought into force; see errors.", faults=faults)


def _bring(session: Session, recording: Recording, document: Document, contract: Contract) -> dict[str, Changes]:
    return {
        "organisations": add_new(session, recording, document.organisations),
        "programme": bring_programme(session, recording, document.programme),
        "commissioners": bring_commissioners(session, recording, document.commissioners),
        "phases": bring_phases(session, recording, document.phases),
        "sites": bring_sites(session, recording, document.sites),
        "measures": bring_measures(session, recording, document.measures),
        "pathways": bring_pathways(session, recording, document.pathways),
        "segments": bring_segments(session, recording, document.pathways),
        "collections": bring_collections(session, recording, document.collections),
        "requirements": bring_requirements(session, recording, document.requirements),
        "subcontracts": bring_subcontracts(session, recording, document.subcontracts),
        "assignments": bring_assignments(session, recording, contract.assignments),
    }
