"""A colour beside the three verdicts, never in place of them: a function of the contract test, chance and a tolerance that whoever asks sets.

Source: reference 5.3. "Making Data Count" exists because such tables mislead (a month that is worse by chance turns red), so amber also says
honestly that a figure cannot be told from its target.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple

Colour = Literal["green", "amber", "red"]
Because = Literal["target_met", "cannot_be_told", "within_tolerance", "improving", "target_missed", "no_target", "no_value"]


@dataclass(frozen=True, slots=True)
class RagRule:
    """How colours are given: `tolerance` is how far short of the target is amber still, in the unit of the value.

    `chance` makes what cannot be told from the target amber; `improving` does so with a miss while the process improves beyond chance.
    """

    tolerance: Decimal = Decimal("0.02")
    chance: bool = True
    improving: bool = False


USUAL: Final = RagRule()


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
    rule: RagRule = USUAL,
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
