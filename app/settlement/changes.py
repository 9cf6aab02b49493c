"""Changes to rules and inputs, to see what would be: each says only what is otherwise."""

from decimal import Context, Decimal
from fractions import Fraction
from typing import Annotated, Any, Final

from pydantic import Field

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, Many, Pence
from app.kernel.months import Month
from app.reports.intervals import wilson
from app.settlement.domain import FirstPound, Missing, SettlementRules, Share
from app.settlement.explanation import written
from app.settlement.inputs import Contribution, Cost, Inputs, MeasureFigure

_EXACT: Final = Context(prec=100)
_MOST_DIGITS: Final = 15


class MeasureChange(Line):
    """Another ramp or weight. Weights of measures that are not named keep their proportions, so that all are the whole again."""

    measure: Code
    weight: Share | None = None
    floor: ExactDecimal | None = None
    target: ExactDecimal | None = None
    stretch: ExactDecimal | None = None
    score_at_target: Share | None = None


class GainShareChange(Line):
    """Another share of gains and losses, cap, collar or deadband."""

    share: Share | None = None
    deadband: Share | None = None
    first_pound: FirstPound | None = None
    least_loss_rate: Share | None = None
    most_loss_rate: Share | None = None
    gain_cap: Share | None = None
    loss_cap: Share | None = None
    by_quality: bool | None = None


class SubcontractChange(Line):
    """Other shares of one subcontract."""

    subcontract: Code
    outcome: Share | None = None
    gain: Share | None = None
    loss: Share | None = None
    protected: bool | None = None


class FigureChange(Line):
    """A corrected figure; without a month the last one of its measure. A numerator alone keeps the denominator."""

    measure: Code
    month: Month | None = None
    numerator: ExactDecimal | None = None
    denominator: ExactDecimal | None = None
    value: ExactDecimal | None = None


class LateReturn(Line):
    """What a subcontract's return would add to a figure, or have in the place of what it has there."""

    subcontract: Code
    measure: Code
    month: Month | None = None
    numerator: ExactDecimal
    denominator: ExactDecimal | None = None


class Changes(Line):
    """Everything that is to be otherwise; what is left out stays."""

    annual_value_pence: Pence | None = None
    at_risk_share: Share | None = None
    missing: Missing | None = None
    gain_share: GainShareChange | None = None
    quality_minimum: Share | None = None
    completeness_minimum: Share | None = None
    measures: Annotated[Many[MeasureChange], Field(max_length=200)] = ()
    subcontracts: Annotated[Many[SubcontractChange], Field(max_length=500)] = ()
    expected_cost_pence: Pence | None = None
    actual_cost_pence: Pence | None = None
    completeness: Share | None = None
    figures: Annotated[Many[FigureChange], Field(max_length=500)] = ()
    late_returns: Annotated[Many[LateReturn], Field(max_length=500)] = ()
    missing_subcontracts: Annotated[Many[Code], Field(max_length=500)] = ()


NO_CHANGES: Final = Changes()


def with_changes(rules: SettlementRules, inputs: Inputs, changes: Changes) -> tuple[SettlementRules, Inputs]:
    """Rules and inputs as they would be; the changes name nothing that is not there."""
    return _rules(rules, changes), _inputs(inputs, changes)


def figure_of(inputs: Inputs, change: FigureChange | LateReturn) -> MeasureFigure | None:
    """The figure that a change is of: of the month that it names, or the measure's last."""
    of = {each.month: each for each in inputs.figures if each.measure == change.measure}
    return of.get(change.month or max(of)) if of else None


def _rules(rules: SettlementRules, changes: Changes) -> SettlementRules:
    own = _stated(changes, "annual_value_pence", "at_risk_share", "missing")
    if changes.gain_share is not None and rules.gain_share is not None:
        own["gain_share"] = rules.gain_share.model_copy(update=_stated(changes.gain_share, *type(changes.gain_share).model_fields))
    gate = {"quality": changes.quality_minimum, "completeness": changes.completeness_minimum}
    if any(value is not None for value in gate.values()):
        own["gate"] = rules.gate.model_copy(update={member: value for member, value in gate.items() if value is not None})
    if changes.measures:
        ramps = {each.measure: _stated(each, "floor", "target", "stretch", "score_at_target") for each in changes.measures}
        weights = _weights(rules, {each.measure: each.weight for each in changes.measures if each.weight is not None})
        own["measures"] = tuple(
            each.model_copy(update={**ramps.get(each.measure, {}), "weight": weights[each.measure]}) for each in rules.measures
        )
    if changes.subcontracts:
        shares = {each.subcontract: _stated(each, "outcome", "gain", "loss", "protected") for each in changes.subcontracts}
        lines = tuple(each.model_copy(update=shares.get(each.subcontract, {})) for each in rules.allocation.subcontracts)
        own["allocation"] = rules.allocation.model_copy(update={"subcontracts": lines})
    return rules.model_copy(update=own)


def _stated(line: Line, *members: str) -> dict[str, Any]:
    return {member: value for member in members if (value := getattr(line, member)) is not None}


def _weights(rules: SettlementRules, stated: dict[str, Decimal]) -> dict[str, Decimal]:
    """Every measure's weight: as stated, the others in their proportions. Where these have no end as decimals, all are scaled by what the others were."""
    named = sum((Fraction(weight) for weight in stated.values()), Fraction(0))
    others = {each.measure: Fraction(each.weight) for each in rules.measures if each.measure not in stated}
    before = sum(others.values(), Fraction(0))
    if not stated or not before:
        return {**{each.measure: each.weight for each in rules.measures}, **stated}
    whole = {measure: weight * (1 - named) / before for measure, weight in others.items()} | {
        code: Fraction(each) for code, each in stated.items()
    }
    if not all("/" not in written(weight) and len(written(weight)) <= _MOST_DIGITS for weight in whole.values()):
        whole = {measure: weight * before for measure, weight in whole.items()}
    return {measure: _EXACT.divide(Decimal(weight.numerator), Decimal(weight.denominator)) for measure, weight in whole.items()}


def _inputs(inputs: Inputs, changes: Changes) -> Inputs:
    own: dict[str, Any] = _stated(changes, "completeness")
    for member in ("expected_cost", "actual_cost"):
        pence = getattr(changes, f"{member}_pence")
        if pence is not None:
            own[member] = Cost(pence=pence, source="what if")
    late, missing = {each.subcontract for each in changes.late_returns}, set(changes.missing_subcontracts)
    if changes.completeness is None and inputs.completeness is not None:
        moved = inputs.completeness + sum(
            -each.share if each.included else each.share
            for each in inputs.covered
            if each.subcontract in (missing if each.included else late)
        )
        own["completeness"] = min(max(moved, Decimal(0)), Decimal(1))
    last: dict[str, Month] = {}
    for figure in inputs.figures:
        last[figure.measure] = max(last.get(figure.measure, figure.month), figure.month)
    own["figures"] = tuple(_figure(figure, last[figure.measure], changes) for figure in inputs.figures)
    return inputs.model_copy(update=own)


def _figure(figure: MeasureFigure, last: Month, changes: Changes) -> MeasureFigure:
    """A figure with everything that is to be otherwise of it; its interval is worked out again where that can be. `last` is its measure's last month."""
    changed = figure
    for each in changes.figures:
        if each.measure == figure.measure and (each.month or last) == figure.month:
            stated = _stated(each, "numerator", "denominator", "value")
            changed = changed.model_copy(update={"numerator": None, "denominator": None, **stated} if "value" in stated else stated)
    for late in changes.late_returns:
        if late.measure == figure.measure and (late.month or last) == figure.month:
            changed = _without(changed, late.subcontract)
            added = Contribution(subcontract=late.subcontract, numerator=late.numerator, denominator=late.denominator)
            counts = _added(changed, late.numerator, late.denominator)
            changed = changed.model_copy(update={**counts, "by_subcontract": (*changed.by_subcontract, added)})
    for code in changes.missing_subcontracts:
        changed = _without(changed, code)
    return figure if changed == figure else _sure(changed)


def _without(figure: MeasureFigure, subcontract: str) -> MeasureFigure:
    """A pooled figure less what one subcontract's returns are of it; of nobody else's it is missing."""
    own = [each for each in figure.by_subcontract if each.subcontract == subcontract]
    for each in own:
        rest = tuple(part for part in figure.by_subcontract if part.subcontract != subcontract)
        counts = _added(figure, -each.numerator, None if each.denominator is None else -each.denominator)
        if not rest:
            counts = {"numerator": None, "denominator": None, "value": None, "missing_reason": "what_if"}
        figure = figure.model_copy(update={**counts, "by_subcontract": rest})
    return figure


def _added(figure: MeasureFigure, numerator: Decimal, denominator: Decimal | None) -> dict[str, Any]:
    if denominator is None:
        # A count is published as its value alone.
        counted = (figure.value or Decimal(0)) + numerator
        return {"numerator": None, "value": counted}
    counted = (figure.numerator or Decimal(0)) + numerator
    return {"numerator": counted, "denominator": (figure.denominator or Decimal(0)) + denominator, "value": None}


def _sure(figure: MeasureFigure) -> MeasureFigure:
    """A changed figure's interval: Wilson's is worked out again, any other is not known."""
    limits: tuple[Decimal | None, Decimal | None] = (None, None)
    if (
        figure.interval == "wilson_95"
        and figure.numerator is not None
        and figure.denominator
        and 0 <= figure.numerator <= figure.denominator
    ):
        limits = wilson(figure.numerator, figure.denominator)
    return figure.model_copy(update={"lower": limits[0], "upper": limits[1]})
