"""Signing a return off: whose word it is, of which revision, and when the signature accepts it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from app.calendar.domain import Collection
from app.calendar.expected import ReturnKey
from app.kernel.refusals import Kind, Refusal
from app.returns.domain import Deadlines, NotLatest, ReturnState, Status, WrongStatus, accepts_itself, refuse_frozen, words


class AlreadySigned(Refusal):
    """A revision is signed once; a further one needs a sign-off of its own."""

    code: ClassVar[str] = "already_signed"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The revision is signed already"


class OwnRevision(Refusal):
    """Who prepared a revision does not sign it: two identities stand behind what is signed."""

    code: ClassVar[str] = "own_revision"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Another client must sign this revision"


@dataclass(frozen=True, slots=True)
class SignOff:
    """That somebody stands behind a revision, and in which words."""

    revision: int
    statement: str | None
    signed_as: Literal["subcontract", "integrator"]
    signed_at: datetime
    signed_by: str
    on_behalf_of: str | None = None


def check_signing(
    state: ReturnState,
    key: ReturnKey,
    deadlines: Deadlines,
    *,
    revision: int,
    own: bool,
    signed: bool,
    at: datetime,
    reopened: bool = False,
) -> None:
    """Pass where a revision may be signed; `own` where whoever signs submitted it, in person or by another. ReturnFrozen, WrongStatus, NotLatest, AlreadySigned, OwnRevision."""
    refuse_frozen(key, deadlines, at=at, reopened=reopened)
    if state.status is Status.EXPECTED:
        raise WrongStatus(f"The return {words(key)} is expected: there is no revision to sign yet.")
    if revision != state.latest_revision:
        raise NotLatest(f"The latest revision of the return {words(key)} is {state.latest_revision}: look at it before you sign it.")
    if signed:
        raise AlreadySigned(f"Revision {revision} of the return {words(key)} is signed already.")
    if own:
        raise OwnRevision(f"Revision {revision} of the return {words(key)} was submitted by this client: another one signs it.")


def accepts_by_signing(state: ReturnState, collection: Collection, deadlines: Deadlines, *, explained: bool, at: datetime) -> bool:
    """Whether the signature that a revision waited for accepts it too.

    Where somebody asked about that very revision it does not: whoever asked accepts it by hand.
    """
    waits = state.status is Status.SUBMITTED and collection.sign_off == "required"
    return waits and accepts_itself(collection, deadlines, explained=explained, at=at, signed=True)
