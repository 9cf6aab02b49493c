"""How figures become scores, and scores the quality of a contract year: score = (x - floor) / (target - floor) within 0 and 1; Q = the weighted sum.

Source: the general formula of risk and gain share; lower-is-better turns both differences round. A stretch adds a second line above the target. What
cannot be collected as routine carries no weight, and what is missing is treated as the rules say; both leave the other weights as they are to each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.settlement.domain import Missing, ScoredMeasure, SettlementRules
from app.settlement.explanation import Node, constant, given, worked_out
from app.settlement.inputs import MeasureFigure, cited, cited_last_final

NOT_COLLECTABLE: Final = "not_collectable"
"""Why a measure is set aside that cannot be collected as routine: no weight, no gate and no consequence hangs on it."""
_NO, _YES = constant(0), constant(1)


@dataclass(frozen=True, slots=True)
class Scored:
    """What one measure comes to: its figures, and its score and weight where it carries any; `set_aside` says why it carries none."""

    rule: ScoredMeasure
    pointer: str
    figures: tuple[tuple[MeasureFigure | None, Node | None], ...]
    score: Node | None
    weight: Node | None
    set_aside: str | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a contract year, the weights that are carried in all, and the measures that it is made of."""

    value: Node
    carried: Fraction
    measures: tuple[Scored, ...]


def ruled(name: str, unit: Any, value: Any, pointer: str) -> Node:
    """What the rules say, by its place in them."""
    return given(name, unit, value, kind="rules", pointer=pointer)


def quality_of(rules: SettlementRules, figures: Sequence[MeasureFigure]) -> Quality:
    """The weighted scores of a year. Rules without measures let nothing depend on quality, and it is 1; where none of theirs carries weight, as nothing
    was reported or can be collected, nothing is paid for it, and it is 0.
    """
    of: dict[str, list[MeasureFigure]] = {}
    for figure in sorted(figures, key=lambda figure: figure.month):
        of.setdefault(figure.measure, []).append(figure)
    scored = tuple(_scored(rules, at, of.get(rule.measure, [])) for at, rule in enumerate(rules.measures))
    by_name = sorted(scored, key=lambda each: each.rule.measure)
    carried = [each for each in by_name if each.weight is not None and each.weight.value]
    weight = sum((each.weight.value for each in carried if each.weight), Fraction(0))
    if not carried:
        reasons = "; ".join(f"{each.rule.measure}: {each.set_aside}" for each in by_name if each.set_aside)
        return Quality(given("quality", "share", int(not scored), kind="no_measure", set_aside=reasons or None), weight, scored)
    products = [
        worked_out(f"weighted.{each.rule.measure}", "share", "product", each.weight, each.score)
        for each in carried
        if each.weight and each.score
    ]
    if weight == 1:
        return Quality(worked_out("quality", "share", "sum", *products), weight, scored)
    total = worked_out("quality.weighted", "share", "sum", *products)
    weights = worked_out("quality.weights", "share", "sum", *(each.weight for each in carried if each.weight))
    return Quality(worked_out("quality", "share", "quotient", total, weights), weight, scored)


def _scored(rules: SettlementRules, at: int, figures: Sequence[MeasureFigure]) -> Scored:
    rule, pointer = rules.measures[at], f"/measures/{at}"
    found: list[MeasureFigure | None] = list(figures) or [None]
    values = tuple((figure, value_of(rule, figure, number if len(found) > 1 else None)) for number, figure in enumerate(found))
    if not collectable(figures):
        return Scored(rule, pointer, values, None, None, NOT_COLLECTABLE)
    scores = [_score_or_missing(rules.missing, rule, pointer, figure, value, several=len(found) > 1) for figure, value in values]
    kept = [score for score in scores if score is not None]
    if not kept:
        return Scored(rule, pointer, values, None, None, "missing")
    weight = ruled(f"weight.{rule.measure}", "share", rule.weight, f"{pointer}/weight")
    if len(found) == 1:
        return Scored(rule, pointer, values, kept[0], weight)
    total = worked_out(f"scores.{rule.measure}", "share", "sum", *kept)
    count = given(f"periods.{rule.measure}", "figure", len(kept), kind="count")
    return Scored(rule, pointer, values, worked_out(f"score.{rule.measure}", "share", "quotient", total, count), weight)


def collectable(figures: Sequence[MeasureFigure]) -> bool:
    """Whether a measure with these figures is collected as routine, all of them."""
    return all(figure.grade == "A" for figure in figures)


def _suffix(rule: ScoredMeasure, figure: MeasureFigure | None, *, several: bool) -> str:
    return f"{rule.measure}@{figure.month}" if several and figure is not None else rule.measure


def value_of(rule: ScoredMeasure, figure: MeasureFigure | None, number: int | None) -> Node | None:
    """A measure's figure, worked out from its counts where it has them; None where it is missing."""
    if figure is None or figure.exact is None:
        return None
    name, source = _suffix(rule, figure, several=number is not None), {"kind": "publication", **cited(figure)}
    return _ratio_or_value(name, figure.numerator, figure.denominator, figure.value, source)


def _last_final(name: str, figure: MeasureFigure) -> Node | None:
    """The last figure that was final, worked out like any other; None where it never was."""
    source = {"kind": "last_final", **cited_last_final(figure)}
    return _ratio_or_value(name, figure.last_final_numerator, figure.last_final_denominator, figure.last_final, source)


def _ratio_or_value(
    name: str, numerator: Decimal | None, denominator: Decimal | None, value: Decimal | None, source: Mapping[str, Any]
) -> Node | None:
    """A figure by its counts, which are exact, where it has them; else as it was stated."""
    if numerator is not None and denominator:
        counts = given(f"numerator.{name}", "figure", numerator, **source), given(f"denominator.{name}", "figure", denominator, **source)
        return worked_out(f"figure.{name}", "figure", "quotient", *counts)
    return None if value is None else given(f"figure.{name}", "figure", value, **source)


def _score_or_missing(
    missing: Missing, rule: ScoredMeasure, pointer: str, figure: MeasureFigure | None, value: Node | None, *, several: bool
) -> Node | None:
    name = _suffix(rule, figure, several=several)
    if value is None and missing == "last_final" and figure is not None:
        value = _last_final(name, figure)
    if value is not None:
        return score_of(rule, value, name=name, pointer=pointer)
    if missing == "reweight":
        return None
    reason = None if figure is None else figure.missing_reason
    return given(f"score.{name}", "share", 0, kind="missing", rule=missing, reason=reason)


def score_of(rule: ScoredMeasure, value: Node, *, name: str, pointer: str) -> Node:
    """The score of a figure: one straight line, two, or all or nothing. A better figure never scores less."""
    marks = {
        mark: ruled(f"{mark}.{rule.measure}", "figure", stated, f"{pointer}/{mark}")
        for mark in ("floor", "target", "stretch")
        if (stated := getattr(rule, mark)) is not None
    }
    if "stretch" not in marks:
        return _line(rule, value, marks.get("floor"), marks["target"], f"score.{name}")
    if rule.score_at_target is None:
        return _line(rule, value, marks.get("floor"), marks["stretch"], f"score.{name}")
    to_target = _line(rule, value, marks.get("floor"), marks["target"], f"score_to_target.{name}")
    beyond = _line(rule, value, marks["target"], marks["stretch"], f"score_beyond_target.{name}")
    worth = ruled(f"score_at_target.{rule.measure}", "share", rule.score_at_target, f"{pointer}/score_at_target")
    rest = worked_out(f"score_at_stretch.{name}", "share", "difference", _YES, worth)
    first = worked_out(f"score_by_target.{name}", "share", "product", worth, to_target)
    second = worked_out(f"score_by_stretch.{name}", "share", "product", rest, beyond)
    return worked_out(f"score.{name}", "share", "sum", first, second)


def _line(rule: ScoredMeasure, value: Node, low: Node | None, high: Node, name: str) -> Node:
    if low is None:
        return worked_out(name, "share", "at_least" if rule.direction == "higher" else "at_most", value, high)
    if rule.direction == "higher":
        ends: Mapping[str, tuple[Node, Node]] = {"reached": (value, low), "asked": (high, low)}
    else:
        ends = {"reached": (low, value), "asked": (low, high)}
    # A code may have dots in it, so what comes behind the first dot of a name is a code and nothing else.
    of, _, code = name.partition(".")
    reached, asked = (worked_out(f"{of}_{end}.{code}", "figure", "difference", *nodes) for end, nodes in ends.items())
    return worked_out(name, "share", "within", worked_out(f"{of}_line.{code}", "share", "quotient", reached, asked), _NO, _YES)
