"""Whether somebody may is asked in one place: by `require` and `may` of the access room, of permissions, never of roles (rule 4 of who calls)."""

import ast
from collections.abc import Iterator

from app.access.domain import ROLES, Permission
from tests.house.tree import Source, dotted, planted, sources

ASKING = "app/access/"
PEOPLED = {"app/demo/actions.py"}
"""The demonstration makes clients of every role."""


def asks_by_itself(source: Source) -> Iterator[str]:
    """Where a module decides by a role who may do something."""
    for node in ast.walk(source.tree):
        place = f"{source.path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Compare | ast.Match):
            parts = [node.subject] if isinstance(node, ast.Match) else [node.left, *node.comparators]
            if any(isinstance(part, ast.Attribute) and part.attr == "role" and "actor" in dotted(part) for part in parts):
                yield f"{place}: decides by a role; ask `require` or `may` for a permission"
        if isinstance(node, ast.Attribute) and _is_of(node, "Role") and source.path not in PEOPLED:
            yield f"{place}: names the role {node.attr}; ask for a permission"
        if isinstance(node, ast.Name) and node.id == "ROLES":
            yield f"{place}: reads what roles may; ask `require` or `may`"


def _is_of(node: ast.Attribute, name: str) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == name


def test_who_may_is_asked_in_one_place() -> None:
    assert not [fault for source in sources("app") if not source.path.startswith(ASKING) for fault in asks_by_itself(source)]


def test_a_module_that_asks_by_itself_is_noticed() -> None:
    for line in ("if actor.role == 'administrator': pass", "if unit.actor.role in {'finance'}: pass", "x = Role.AUDITOR", "x = ROLES[1]"):
        assert list(asks_by_itself(planted(line + "\n"))), line
    assert not list(asks_by_itself(planted("details = {'role': actor.role}\n")))


def test_every_permission_is_asked_for_and_somebody_other_than_an_administrator_has_it_or_says_why() -> None:
    asked = {
        node.attr
        for source in sources("app")
        if not source.path.startswith("app/access/domain")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and _is_of(node, "Permission")
    }
    assert {permission.name for permission in Permission} == asked
    held = set().union(*(permissions for role, permissions in ROLES.items() if role != "administrator"))
    # Who may call, and the calendar that all programmes share, are for administrators alone.
    assert set(Permission) - held == {Permission.CLIENT_MANAGE, Permission.CALENDAR_WRITE}
