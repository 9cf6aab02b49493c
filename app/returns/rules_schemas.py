"""The kinds of rules as they are answered."""

from typing import Any, Final, Literal, get_args

from pydantic import BaseModel

from app.measures.rules import (
    AtMostRule,
    ChangeRule,
    EqualsRule,
    PlanRule,
    RollForwardRule,
    Rule,
    Severity,
    StaleRule,
    ZeroAfterActivityRule,
)
from app.returns.faults import FAULTS
from app.returns.rules import WARNINGS

_KINDS: Final[dict[type[Rule], Literal["measure", "collection"]]] = {
    AtMostRule: "measure",
    ChangeRule: "measure",
    EqualsRule: "measure",
    PlanRule: "measure",
    RollForwardRule: "measure",
    ZeroAfterActivityRule: "measure",
    StaleRule: "collection",
}


class SaysView(BaseModel):
    """What a fault or warning of a rule says and how it is put right; in braces, what is filled in."""

    detail: str
    fix: str


class RuleKindView(BaseModel):
    """One kind of rule: who names it, what it may do, what it says, and its members as a JSON schema."""

    kind: str
    named_by: Literal["measure", "collection"]
    severities: list[Severity]
    description: str
    fault: SaysView | None
    warning: SaysView
    members: dict[str, Any]


class RuleKindsView(BaseModel):
    """Every kind of rule."""

    rules: list[RuleKindView]


def rule_kinds_view() -> dict[str, Any]:
    return {"rules": [_kind(rule, named_by) for rule, named_by in _KINDS.items()]}


def _kind(rule: type[Rule], named_by: str) -> dict[str, Any]:
    (kind,) = get_args(rule.model_fields["kind"].annotation)
    severities: list[Severity] = list(get_args(rule.model_fields["severity"].annotation))
    schema = rule.model_json_schema()
    return {
        "kind": kind,
        "named_by": named_by,
        "severities": severities,
        "description": " ".join((rule.__doc__ or "").split()),
        "fault": dict(zip(("detail", "fix"), FAULTS[kind], strict=True)) if "reject" in severities else None,
        "warning": dict(zip(("detail", "fix"), WARNINGS[kind], strict=True)),
        "members": {name: schema[name] for name in ("type", "properties", "required", "$defs") if name in schema},
    }
