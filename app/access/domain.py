"""Roles, what each may do, and how far each reaches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from app.kernel.actors import EVERY, Actor
from app.kernel.codes import is_code
from app.kernel.refusals import Fault, Forbidden, Invalid, Kind, NotFound, Refusal

KEY_LIFETIME: Final = timedelta(days=400)
MOST_LIVE_KEYS: Final = 2
"""One in use and its successor, so that a key is rotated without an interruption."""


class ClientRevoked(Refusal):
    """The client was ended; it cannot be given a key again."""

    code: ClassVar[str] = "client_revoked"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The client has been revoked"


class TooManyKeys(Refusal):
    """A client has as many live keys as it may have."""

    code: ClassVar[str] = "too_many_keys"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The client has two live keys already"


class SamePerson(Refusal):
    """What takes two people was begun by the client that would complete it, or by one that counts as one person with it."""

    code: ClassVar[str] = "same_person"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Another person must do this"
    fix: ClassVar[str] = "Let somebody else do it. Who lends a permission and whoever it is lent to count as one person."

    def __init__(self, detail: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail, faults=faults or [Fault(self.code, detail, self.fix)])


class Permission(StrEnum):
    """One thing that a caller may be allowed to do."""

    CONFIGURATION_READ = "configuration_read"
    CONFIGURATION_WRITE = "configuration_write"
    ORGANISATION_READ = "organisation_read"
    ORGANISATION_WRITE = "organisation_write"
    CALENDAR_READ = "calendar_read"
    CALENDAR_WRITE = "calendar_write"
    PHASE_DECIDE = "phase_decide"
    SUBCONTRACT_READ = "subcontract_read"
    RETURN_READ = "return_read"
    RETURN_SUBMIT = "return_submit"
    RETURN_ACCEPT = "return_accept"
    RETURN_SIGN = "return_sign"
    RETURN_REOPEN = "return_reopen"
    QUERY_ASK = "query_ask"
    QUERY_ANSWER = "query_answer"
    ROW_QUERY_READ = "row_query_read"
    ROW_QUERY_ASK = "row_query_ask"
    ROW_QUERY_ANSWER = "row_query_answer"
    REPORT_READ = "report_read"
    REPORT_EDIT = "report_edit"
    REPORT_PUBLISH = "report_publish"
    IMPORT_RECORD = "import_record"
    OBSERVATION_READ = "observation_read"
    SETTLEMENT_READ = "settlement_read"
    SETTLEMENT_PROPOSE = "settlement_propose"
    SETTLEMENT_APPROVE = "settlement_approve"
    SETTLEMENT_FINANCE = "settlement_finance"
    STATEMENT_READ = "statement_read"
    LINE_DISPUTE = "line_dispute"
    CLIENT_READ = "client_read"
    CLIENT_MANAGE = "client_manage"
    DELEGATION_READ = "delegation_read"
    DELEGATE = "delegate"
    METRICS_READ = "metrics_read"
    AUDIT_READ = "audit_read"
    OWN_AUDIT_READ = "own_audit_read"


class Role(StrEnum):
    """What a client is to the programme."""

    ADMINISTRATOR = "administrator"
    CONTRACT_MANAGER = "contract_manager"
    ANALYST = "analyst"
    FINANCE = "finance"
    PREPARER = "preparer"
    APPROVER = "approver"
    COMMISSIONER_LEAD = "commissioner_lead"
    COMMISSIONER = "commissioner"
    AUDITOR = "auditor"


_READS: Final = frozenset(
    {
        Permission.CONFIGURATION_READ,
        Permission.ORGANISATION_READ,
        Permission.CALENDAR_READ,
        Permission.SUBCONTRACT_READ,
        Permission.RETURN_READ,
        Permission.REPORT_READ,
        Permission.OBSERVATION_READ,
        Permission.ROW_QUERY_READ,
        Permission.SETTLEMENT_READ,
        Permission.STATEMENT_READ,
        Permission.DELEGATION_READ,
    }
)
_PUBLISHED: Final = frozenset(
    {Permission.OBSERVATION_READ, Permission.STATEMENT_READ, Permission.ORGANISATION_READ, Permission.CALENDAR_READ}
)
_PARTYS: Final = _PUBLISHED | {Permission.OWN_AUDIT_READ, Permission.DELEGATION_READ}
_STAFF: Final = _READS | {Permission.OWN_AUDIT_READ}
_OWN_READS: Final = _PARTYS | {Permission.SUBCONTRACT_READ, Permission.RETURN_READ}

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.CONTRACT_MANAGER: _STAFF
    | {
        Permission.PHASE_DECIDE,
        Permission.CONFIGURATION_WRITE,
        Permission.ORGANISATION_WRITE,
        Permission.RETURN_SUBMIT,
        Permission.RETURN_ACCEPT,
        Permission.RETURN_REOPEN,
        Permission.QUERY_ASK,
        Permission.ROW_QUERY_ANSWER,
        Permission.IMPORT_RECORD,
        Permission.REPORT_EDIT,
        Permission.REPORT_PUBLISH,
        Permission.SETTLEMENT_PROPOSE,
        Permission.SETTLEMENT_APPROVE,
        Permission.DELEGATE,
    },
    Role.ANALYST: _STAFF | {Permission.REPORT_EDIT},
    Role.FINANCE: _STAFF | {Permission.SETTLEMENT_PROPOSE, Permission.SETTLEMENT_FINANCE, Permission.DELEGATE},
    Role.PREPARER: _OWN_READS | {Permission.RETURN_SUBMIT, Permission.QUERY_ANSWER},
    Role.APPROVER: _OWN_READS | {Permission.RETURN_SIGN, Permission.QUERY_ANSWER, Permission.LINE_DISPUTE, Permission.DELEGATE},
    Role.COMMISSIONER_LEAD: _PARTYS | {Permission.ROW_QUERY_READ, Permission.ROW_QUERY_ASK, Permission.LINE_DISPUTE, Permission.DELEGATE},
    Role.COMMISSIONER: _PARTYS | {Permission.ROW_QUERY_READ},
    Role.AUDITOR: _READS | {Permission.CLIENT_READ, Permission.METRICS_READ, Permission.AUDIT_READ},
}
"""What each role may do, within its scope."""

_INHERITED: Final = frozenset({Permission.SUBCONTRACT_READ, Permission.RETURN_READ, Permission.OBSERVATION_READ})
"""What may be done with what a predecessor left: it is read, never changed."""

DELEGABLE: Final = frozenset(
    {
        Permission.PHASE_DECIDE,
        Permission.RETURN_SUBMIT,
        Permission.RETURN_ACCEPT,
        Permission.RETURN_SIGN,
        Permission.RETURN_REOPEN,
        Permission.QUERY_ASK,
        Permission.QUERY_ANSWER,
        Permission.ROW_QUERY_ASK,
        Permission.ROW_QUERY_ANSWER,
        Permission.REPORT_EDIT,
        Permission.REPORT_PUBLISH,
        Permission.IMPORT_RECORD,
        Permission.SETTLEMENT_PROPOSE,
        Permission.SETTLEMENT_APPROVE,
        Permission.SETTLEMENT_FINANCE,
        Permission.LINE_DISPUTE,
    }
)
"""What may be lent for a while: the work of a programme. Never what is read (answers are kept by role), who may call, the contract, or lending itself."""
LONGEST_DELEGATION: Final = timedelta(days=90)

SUBCONTRACTORS: Final = frozenset({Role.PREPARER, Role.APPROVER})
COMMISSIONERS: Final = frozenset({Role.COMMISSIONER_LEAD, Role.COMMISSIONER})
MAY_SPAN: Final = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
"""These may reach every programme."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a client reaches: codes, `*` for every one, None for none at all."""

    programme: str
    subcontract: str | None
    commissioner: str | None


@dataclass(frozen=True, slots=True)
class Client:
    """A person's or system's account."""

    id: str
    name: str
    role: Role
    scope: Scope
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delegation:
    """A permission that one client lends another of the same party until a moment."""

    id: str
    permission: Permission
    granted_at: datetime
    granted_by: str
    delegate: str
    scope: Scope
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored: the digest of the whole key, never the key."""

    id: str
    sha256: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


def scope_of(role: str, *, programme: str | None, subcontract: str | None, commissioner: str | None) -> tuple[Role, Scope]:
    """The role and reach that a new client gets, or the refusal that names everything that does not go together."""
    faults: list[Fault] = []

    def fault(member: str, detail: str, fix: str) -> None:
        faults.append(Fault("scope", detail, fix, pointer=f"/{member}"))

    known = Role(role) if role in set(Role) else None
    if known is None:
        fault("role", "There is no such role.", f"Use one of {', '.join(Role)}.")
    for member, code in (("programme", programme), ("subcontract", subcontract), ("commissioner", commissioner)):
        if code is not None and not is_code(code):
            fault(member, f"This is not the code of a {member}.", "Use letters, digits, dots, underscores and hyphens.")
    if known is not None:
        if programme is None and known not in MAY_SPAN:
            fault("programme", f"A client in the role {known} belongs to one programme.", "Name the programme.")
        for member, given, roles in (("subcontract", subcontract, SUBCONTRACTORS), ("commissioner", commissioner, COMMISSIONERS)):
            if known in roles and given is None:
                fault(member, f"A client in the role {known} belongs to one {member}.", f"Name the {member}.")
            if known not in roles and given is not None:
                fault(member, f"A client in the role {known} belongs to no one {member}.", f"Leave the {member} out.")
    if faults or known is None:
        raise Invalid(
            "The client's role and scope do not go together: " + " ".join(f"{each.detail} {each.fix}" for each in faults), faults=faults
        )
    if known in SUBCONTRACTORS:
        return known, Scope(programme or "", subcontract, None)
    if known in COMMISSIONERS:
        return known, Scope(programme or "", None, commissioner)
    return known, Scope(programme or EVERY, EVERY, EVERY)


def has_itself(role: str, permission: Permission) -> bool:
    """Whether a role allows it by itself, whatever was lent: nobody lends on what was lent to it."""
    return permission in ROLES[Role(role)]


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the role allows it, or somebody lends it; where, is another question."""
    return has_itself(actor.role, permission) or _lender(actor, permission) is not None


def _lender(actor: Actor, permission: Permission) -> str | None:
    return next((lender for lent, lender in actor.delegated if lent == permission), None)


def require(
    actor: Actor,
    permission: Permission,
    *,
    programme: str | None = None,
    subcontract: str | None = None,
) -> None:
    """Pass, or refuse: NotFound for what is outside the caller's scope (there or not), Forbidden for what its role may not do."""
    inherited = subcontract is not None and subcontract in actor.inherited_subcontracts
    for reach, wanted in ((actor.programme, programme), (actor.subcontract, None if inherited else subcontract)):
        if wanted is not None and reach not in {EVERY, wanted}:
            raise NotFound("There is no such thing here, or it is not yours.")
    if inherited and permission not in _INHERITED:
        raise Forbidden("This is a predecessor's subcontract: it can be read, and nothing of it changed.")
    if not has_itself(actor.role, permission):
        lender = _lender(actor, permission)
        if lender is None:
            raise Forbidden(f"A client in the role {actor.role} may not do this (it needs {permission}).")
        actor.on_behalf_of.add(lender)
