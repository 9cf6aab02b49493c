"""The kinds of rules that measures and collections may name, over HTTP: the same for every programme."""

from typing import Any, Final

from fastapi import APIRouter, Response

from app.returns.rules_schemas import RuleKindsView, rule_kinds_view
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1", tags=["measures"])

KINDS: Final[dict[str, Any]] = rule_kinds_view()


@router.get(
    "/rules",
    response_class=Response,
    responses=refusals() | json_answer(RuleKindsView, {"rules": KINDS["rules"][:1]}, description="Every kind of rule"),
)
def list_rule_kinds(unit: Unit) -> Response:
    """List the kinds of rules by which returns are judged beyond their format, with their members and the words of what they find.

    A measure names rules in each of its versions, a collection its own (`rules`); where none is named, none applies. A fault refuses the
    return beside everything else that is wrong with it. A warning passes once the cell that it names carries `explanation_code` and
    `explanation`; without them the return waits for acceptance by hand.
    """
    return unit.read(KINDS)
