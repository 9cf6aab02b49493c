"""A colour beside the three verdicts, never in place of them: a function of the contract test, chance and a tolerance that the programme sets.

Source: reference 5.3. "Making Data Count" exists because such tables mislead (a month that is worse by chance turns red), so amber also says
honestly that a figure cannot be told from its target.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from app.programmes.domain import Programme, Requirement
from app.programmes.reporting import USUAL_RAG, RagRule
from app.reports.targets import ContractTest

Colour = Literal["green", "amber", "red"]
Because = Literal["target_met", "cannot_be_told", "within_tolerance", "improving", "target_missed", "no_target", "no_value", "not_judged"]


class Rag(NamedTuple):
    """A colour, and why it is given; none where nothing is judged."""

    colour: Colour | None
    because: Because


def rag(
    value: Fraction | None,
    target: Decimal | None,
    *,
    direction: str | None,
    against_target: str | None = None,
    variation: str | None = None,
    rule: RagRule = USUAL_RAG,
) -> Rag:
    """The colour of an unrounded value; `against_target` and `variation` are the other two verdicts, where there are any."""
    if value is None:
        return Rag(None, "no_value")
    if target is None or direction == "neutral":
        return Rag(None, "no_target")
    short = Fraction(target) - value if direction != "lower" else value - Fraction(target)
    if rule.chance and against_target == "similar":
        return Rag("amber", "cannot_be_told")
    if short <= 0:
        return Rag("green", "target_met")
    if short <= Fraction(rule.tolerance):
        return Rag("amber", "within_tolerance")
    if rule.improving and variation == "improvement":
        return Rag("amber", "improving")
    return Rag("red", "target_missed")


def colour(
    programme: Programme,
    requirement: Requirement | None,
    value: Fraction | None,
    target: Decimal | None,
    *,
    contract_test: ContractTest,
    direction: str | None,
    against_target: str | None,
    variation: str | None = None,
) -> dict[str, Any]:
    """What a row says of its colour: nothing where no rule is configured; none, and why, where the contract test judges nothing."""
    rule = (requirement.rag if requirement else None) or programme.rag
    if rule is None:
        return {"rag": None, "rag_reason": None}
    told = rag(value, target, direction=direction, against_target=against_target, variation=variation, rule=rule)
    if told.colour is not None and contract_test == "not_judged":
        told = Rag(None, "not_judged")
    return {"rag": told.colour, "rag_reason": told.because}
