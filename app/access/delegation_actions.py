"""Lending a permission to another client of one's party for a while, ending that, and who counts as one person because of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.access import store
from app.access.domain import DELEGABLE, LONGEST_DELEGATION, Client, ClientRevoked, Delegation, Permission, Scope, has_itself, may, require
from app.access.keys import new_id
from app.db import audit
from app.db.installation import seeing_clients
from app.db.ledger import Recording, begin_recording, hold_ledger, last_recorded
from app.kernel.actors import EVERY, Actor
from app.kernel.moments import moment_text
from app.kernel.refusals import Fault, Invalid, NotFound

_UNNOTICED: Final = timedelta(seconds=1)
"""For so long what was revoked may still be used."""


@dataclass(frozen=True, slots=True)
class NewDelegation:
    """What is to be lent, to whom and until when."""

    permission: Permission
    delegate: str
    expires_at: datetime


def delegate(session: Session, programme: str, new: NewDelegation, *, actor: Actor, now: datetime) -> Delegation:
    """Lend a permission of one's own role to another client of one's party. Invalid names all that is in the way; ClientRevoked."""
    require(actor, Permission.DELEGATE, programme=programme)
    scope = Scope(programme, actor.subcontract, actor.commissioner)
    # Who calls is remembered for half a second: what ended with a client must not begin after it.
    if store.lock_client(session, actor.client).revoked_at is not None:
        raise ClientRevoked("The client has been revoked: it lends nothing.")
    hold_ledger(session, programme)
    with seeing_clients(session):
        other = store.find_client(session, new.delegate)
    faults = list(_faults(new, other, scope, actor=actor, now=now))
    if faults:
        raise Invalid("This cannot be delegated; see errors.", faults=faults)
    recording = begin_recording(session, programme, actor=actor, now=now)
    granted = Delegation(
        id=new_id(),
        permission=new.permission,
        granted_at=recording.at,
        granted_by=recording.by,
        delegate=new.delegate,
        scope=scope,
        expires_at=new.expires_at,
        revoked_at=None,
        revoked_by=None,
    )
    store.add_delegation(session, programme, granted)
    _note(session, recording, "delegation.granted", granted)
    return granted


def _faults(new: NewDelegation, other: Client | None, scope: Scope, *, actor: Actor, now: datetime) -> list[Fault]:
    found = []
    if new.permission not in DELEGABLE or not has_itself(actor.role, new.permission):
        fix = f"Name one of your role's own that can be lent: {', '.join(sorted(each for each in DELEGABLE if has_itself(actor.role, each)))}."
        found.append(Fault("not_delegable", "This is not a permission that you can lend.", fix, pointer="/permission"))
    if other is None or other.scope != scope or other.revoked_at is not None or other.id == actor.client:
        fix = "Name a client of the same programme and party that is not revoked and not yourself."
        found.append(Fault("not_a_colleague", "There is no such other client of your party.", fix, pointer="/delegate"))
    elif has_itself(other.role, new.permission):
        fix = "Lend it to somebody whose role does not have it."
        found.append(Fault("already_may", "This client's own role allows it already.", fix, pointer="/delegate"))
    if not now < new.expires_at <= now + LONGEST_DELEGATION:
        fix = f"Name a moment that is to come, at most {LONGEST_DELEGATION.days} days ahead."
        found.append(Fault("expires_when", "A delegation ends at such a moment only.", fix, pointer="/expires_at"))
    return found


def read_delegations(session: Session, programme: str, after: str | None, *, limit: int, actor: Actor) -> list[Delegation]:
    """What is and was lent in the caller's party; the integrator sees every party's."""
    require(actor, Permission.DELEGATION_READ, programme=programme)
    last_recorded(session, programme)
    return store.list_delegations(session, programme, after=after, limit=limit)


def read_delegation(session: Session, programme: str, delegation: str, *, actor: Actor) -> Delegation:
    require(actor, Permission.DELEGATION_READ, programme=programme)
    return store.find_delegation(session, programme, delegation)


def revoke_delegation(session: Session, programme: str, delegation: str, *, actor: Actor, now: datetime) -> Delegation:
    """End a delegation, as who lent it, who was lent it, or an administrator; nothing happens where it has ended."""
    require(actor, Permission.DELEGATION_READ, programme=programme)
    hold_ledger(session, programme)
    found = store.find_delegation(session, programme, delegation)
    if actor.client not in {found.granted_by, found.delegate} and not may(actor, Permission.CLIENT_MANAGE):
        raise NotFound("There is no such delegation here, or it is not yours to end.")
    if not found.is_live(now):
        return found
    recording = begin_recording(session, programme, actor=actor, now=now)
    store.end_delegation(session, programme, delegation, at=recording.at, by=recording.by)
    _note(session, recording, "delegation.revoked", found)
    return store.find_delegation(session, programme, delegation)


def is_one_person(session: Session, programme: str, by: str, at: datetime, *, actor: Actor) -> bool:
    """Whether what a client did at a moment was done by whoever acts now, as rules have it that ask for another person.

    A client counts as itself and as everybody who was lending it anything then: so neither lender and delegate nor two delegates of one lender are two.
    What was begun with a lent permission may be recorded after that has ended: whose it was, the record says.
    """
    now = {actor.client, *(lender for _, lender in actor.delegated)}
    lent = (each for lenders in audit.lenders(session, programme, [at]).values() for each in lenders.split(","))
    return not now.isdisjoint({by, *lent, *store.lenders_to(session, programme, by, at=at, grace=_UNNOTICED)})


def _note(session: Session, recording: Recording, action: str, granted: Delegation) -> None:
    reach = {"subcontract": granted.scope.subcontract, "commissioner": granted.scope.commissioner}
    party = {name: code for name, code in reach.items() if code not in {None, EVERY}}
    details = {"permission": granted.permission.value, "granted_by": granted.granted_by, "delegate": granted.delegate}
    details["expires_at"] = moment_text(granted.expires_at)
    audit.record(session, recording, action, subject={"delegation": granted.id, **party}, details=details)
