"""Figures that must agree with others: of the same return, of another return of the month, or of the month before."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from app.kernel.months import Month
from app.measures.domain import Measure
from app.measures.rules import AtMostRule, Figure, Level, Part, Relation, RollForwardRule, figures_of
from app.returns.looking_back import Stated, months_before
from app.returns.sums import Group, Sum, levels_shared, sums


class Broken(NamedTuple):
    """A figure that does not agree: where it stands, what it is, and what the other figures make."""

    levels: tuple[Level, ...]
    group: Group
    figure: Decimal
    other: Decimal


def broken(rule: Relation, measure: Measure, stated: Stated) -> Iterator[Broken]:
    """Where a relation does not hold. It is judged only where every figure of it is known."""
    levels = relation_levels(rule, measure, stated)
    month = stated.expected.key.month
    own = sums(stated.cells_of(measure.code, month), levels, () if isinstance(rule, RollForwardRule) else rule.categories)
    others = _others(rule, measure, stated, levels)
    tolerance = Decimal(0) if isinstance(rule, AtMostRule) else rule.tolerance
    for group, total in sorted(own.items()):
        figure, other = total.part(rule.part), _made(others, group)
        if figure is None or other is None:
            continue
        if figure > other if isinstance(rule, AtMostRule) else abs(figure - other) > tolerance:
            yield Broken(levels, group, figure, other)


def parts_compared(rule: Relation, measure: Measure) -> frozenset[tuple[str, Part]]:
    """The measures of this return's month whose figures a relation compares, each with which figure."""
    figures = (*rule.added, *rule.removed) if isinstance(rule, RollForwardRule) else rule.sum_of
    return frozenset({(measure.code, rule.part), *((figure.measure, figure.part) for figure in figures)})


_Term = tuple[int, Figure, Mapping[Group, Sum]]
"""A figure that is added (1) or taken away (-1), by group."""


def _others(rule: Relation, measure: Measure, stated: Stated, levels: Sequence[Level]) -> list[_Term]:
    def term(sign: int, figure: Figure, month: Month) -> _Term:
        return sign, figure, sums(stated.cells_of(figure.measure, month), levels, figure.categories)

    month = stated.expected.key.month
    if not isinstance(rule, RollForwardRule):
        return [term(1, figure, month) for figure in rule.sum_of]
    opening = rule.opening or Figure(measure=measure.code, part=rule.part)
    return [
        term(1, opening, months_before(stated.expected, 1)[0]),
        *(term(1, figure, month) for figure in rule.added),
        *(term(-1, figure, month) for figure in rule.removed),
    ]


def _made(terms: Sequence[_Term], group: Group) -> Decimal | None:
    made = Decimal(0)
    for sign, figure, found in terms:
        part = found[group].part(figure.part) if group in found else None
        if part is None:
            return None
        made += sign * part
    return made


def relation_levels(rule: Relation, measure: Measure, stated: Stated) -> tuple[Level, ...]:
    """By what a relation is judged: what it says, or everything that all its measures are split by."""
    if rule.by is not None:
        return rule.by
    contract, month = stated.expected.contract, stated.expected.key.month
    figures = figures_of(rule).values()
    named = (contract.measure(figure.measure, month) for figure in figures)
    categories = [figure.categories for figure in figures] + ([] if isinstance(rule, RollForwardRule) else [rule.categories])
    return levels_shared([measure, *(other for other in named if other is not None)], whole=not any(categories))
