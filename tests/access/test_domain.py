"""Roles as a table: what each may do, and how far each reaches."""

from dataclasses import replace

import pytest

from app.access.domain import ROLES, Permission, Role, require, scope_of
from app.kernel.actors import Actor
from app.kernel.refusals import Forbidden, Invalid, NotFound

P = Permission
PUBLISHED = {P.ORGANISATION_READ, P.CALENDAR_READ, P.OBSERVATION_READ, P.STATEMENT_READ}
PARTY = PUBLISHED | {P.OWN_AUDIT_READ, P.DELEGATION_READ}
OWN = PUBLISHED | {P.SUBCONTRACT_READ, P.RETURN_READ}
STAFF = OWN | {P.CONFIGURATION_READ, P.REPORT_READ, P.ROW_QUERY_READ, P.SETTLEMENT_READ, P.DELEGATION_READ}
MAY = {
    "administrator": set(P),
    "contract_manager": STAFF
    | {P.OWN_AUDIT_READ}
    | {P.PHASE_DECIDE, P.CONFIGURATION_WRITE, P.ORGANISATION_WRITE}
    | {P.RETURN_SUBMIT, P.RETURN_ACCEPT, P.RETURN_REOPEN, P.QUERY_ASK, P.ROW_QUERY_ANSWER, P.IMPORT_RECORD}
    | {P.REPORT_EDIT, P.REPORT_PUBLISH, P.SETTLEMENT_PROPOSE, P.SETTLEMENT_APPROVE, P.DELEGATE},
    "analyst": STAFF | {P.OWN_AUDIT_READ, P.REPORT_EDIT},
    "finance": STAFF | {P.OWN_AUDIT_READ, P.SETTLEMENT_PROPOSE, P.SETTLEMENT_FINANCE, P.DELEGATE},
    "preparer": OWN | PARTY | {P.RETURN_SUBMIT, P.QUERY_ANSWER},
    "approver": OWN | PARTY | {P.RETURN_SIGN, P.QUERY_ANSWER, P.LINE_DISPUTE, P.DELEGATE},
    "commissioner_lead": PARTY | {P.ROW_QUERY_READ, P.ROW_QUERY_ASK, P.LINE_DISPUTE, P.DELEGATE},
    "commissioner": PARTY | {P.ROW_QUERY_READ},
    "auditor": STAFF | {P.CLIENT_READ, P.METRICS_READ, P.AUDIT_READ},
}


def actor(role: str, programme: str | None = "p", subcontract: str | None = "*", commissioner: str | None = "*") -> Actor:
    return Actor("c", "C", role, programme, subcontract, commissioner)


@pytest.mark.parametrize("role", Role)
def test_each_role_may_exactly_this(role: Role) -> None:
    assert ROLES[role] == MAY[role]
    for permission in P:
        if permission in MAY[role]:
            require(actor(role), permission, programme="p", subcontract="s")
        else:
            with pytest.raises(Forbidden):
                require(actor(role), permission, programme="p", subcontract="s")


def test_the_auditor_changes_nothing() -> None:
    assert not [permission for permission in ROLES[Role.AUDITOR] if not permission.endswith("_read")]


def test_outside_the_scope_is_not_found_whatever_the_role_may() -> None:
    for caller, programme, subcontract in (
        (actor("administrator"), "q", None),
        (actor("preparer", subcontract="s"), "p", "other"),
        (actor("preparer", subcontract="s"), "q", "s"),
        (actor("commissioner", subcontract=None, commissioner="05W"), "p", "s"),
    ):
        with pytest.raises(NotFound):
            require(caller, P.CLIENT_MANAGE, programme=programme, subcontract=subcontract)
    require(actor("auditor", programme="*"), P.RETURN_READ, programme="anything", subcontract="s")


@pytest.mark.parametrize("permission", P)
def test_what_is_inherited_is_read_and_nothing_else(permission: Permission) -> None:
    read = {P.SUBCONTRACT_READ, P.RETURN_READ, P.OBSERVATION_READ}
    heir = replace(actor("preparer", subcontract="s"), inherited_subcontracts=("before",))
    if permission in read:
        require(heir, permission, programme="p", subcontract="before")
    else:
        with pytest.raises(Forbidden):
            require(heir, permission, programme="p", subcontract="before")
    for programme, subcontract in (("q", "before"), ("p", "other")):
        with pytest.raises(NotFound):
            require(heir, permission, programme=programme, subcontract=subcontract)


@pytest.mark.parametrize(
    ("role", "given", "scope"),
    [
        ("administrator", {}, ("*", "*", "*")),
        ("administrator", {"programme": "p"}, ("p", "*", "*")),
        ("auditor", {}, ("*", "*", "*")),
        ("analyst", {"programme": "p"}, ("p", "*", "*")),
        ("preparer", {"programme": "p", "subcontract": "s"}, ("p", "s", None)),
        ("approver", {"programme": "p", "subcontract": "s"}, ("p", "s", None)),
        ("commissioner", {"programme": "p", "commissioner": "05W"}, ("p", None, "05W")),
    ],
)
def test_scopes_that_go_together(role: str, given: dict[str, str], scope: tuple[str | None, ...]) -> None:
    found = scope_of(role, **{"programme": None, "subcontract": None, "commissioner": None, **given})[1]
    assert (found.programme, found.subcontract, found.commissioner) == scope


@pytest.mark.parametrize(
    ("role", "given", "members"),
    [
        ("king", {}, ["/role"]),
        ("analyst", {}, ["/programme"]),
        ("preparer", {}, ["/programme", "/subcontract"]),
        ("preparer", {"programme": "p", "subcontract": "s", "commissioner": "05W"}, ["/commissioner"]),
        ("commissioner_lead", {"programme": "p", "subcontract": "s"}, ["/subcontract", "/commissioner"]),
        ("administrator", {"programme": "*"}, ["/programme"]),
        ("analyst", {"programme": "p", "subcontract": "s"}, ["/subcontract"]),
    ],
)
def test_scopes_that_do_not(role: str, given: dict[str, str], members: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        scope_of(role, **{"programme": None, "subcontract": None, "commissioner": None, **given})
    assert [fault.pointer for fault in refused.value.faults] == members
