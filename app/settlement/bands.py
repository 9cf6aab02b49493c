"""How sure a payment is: what each measure's part of the outcome element would be at either end of the interval around its figure.

A figure of few patients can score very differently by chance alone. The band says how much money that is: nothing is paid by it, it is to be looked at
before anything goes live.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from app.settlement.computation import Settlement, settle
from app.settlement.domain import SettlementRules
from app.settlement.inputs import Inputs, MeasureFigure


@dataclass(frozen=True, slots=True)
class Band:
    """A measure's part of the outcome element, and of all that the provider's side is paid, with what the ends of its interval make of both.

    Where a figure has no interval the ends are None.
    """

    measure: str
    pence: int
    lower_pence: int | None
    upper_pence: int | None
    total_lower_pence: int | None
    total_upper_pence: int | None


def bands_of(rules: SettlementRules, inputs: Inputs, settlement: Settlement) -> tuple[Band, ...]:
    """The band of every measure that carries weight, in the rules' order."""
    return tuple(_bands(rules, inputs, settlement))


def payment_of(settlement: Settlement, measure: str) -> Fraction | None:
    """A measure's exact part of the outcome element; None where it carries no weight."""
    quality = settlement.quality
    for each in quality.measures:
        if each.rule.measure == measure and each.weight is not None and each.score is not None and quality.carried:
            return settlement.at_risk.value * each.weight.value * each.score.value / quality.carried
    return None


def _bands(rules: SettlementRules, inputs: Inputs, settlement: Settlement) -> Iterator[Band]:
    for rule in rules.measures:
        paid = payment_of(settlement, rule.measure)
        if paid is None:
            continue
        if not any(figure.measure == rule.measure and figure.lower is not None for figure in inputs.figures):
            yield Band(rule.measure, round(paid), None, None, None, None)
            continue
        ends = [settle(rules, _at_the_end(inputs, rule.measure, end)) for end in ("lower", "upper")]
        paid_at = sorted(payment_of(end, rule.measure) or Fraction(0) for end in ends)
        totals = sorted(end.total_pence for end in ends)
        yield Band(rule.measure, round(paid), round(paid_at[0]), round(paid_at[1]), *totals)


def _at_the_end(inputs: Inputs, measure: str, end: Literal["lower", "upper"]) -> Inputs:
    """The inputs with every figure of a measure at one end of its interval; those without one stay as they are."""

    def moved(figure: MeasureFigure) -> MeasureFigure:
        limit = getattr(figure, end)
        if figure.measure != measure or limit is None:
            return figure
        if not figure.denominator:
            return figure.model_copy(update={"numerator": None, "value": limit})
        # Its denominator stays, so that a consequence counts as many breaches as the end would mean.
        return figure.model_copy(update={"numerator": limit * figure.denominator})

    return inputs.model_copy(update={"figures": tuple(moved(figure) for figure in inputs.figures)})
