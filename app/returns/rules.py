"""A return judged by the rules that its measures and its collection name: what they refuse, and what they ask to be explained."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeGuard

from app.calendar.expected import CellKey
from app.calendar.volumes import return_volume
from app.kernel.figures import plain, rounded
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.measures.rules import (
    AtMostRule,
    ChangeRule,
    CollectionRule,
    EqualsRule,
    Figure,
    Level,
    MeasureRule,
    Part,
    PlanRule,
    Relation,
    RollForwardRule,
    StaleRule,
    ZeroAfterActivityRule,
)
from app.returns.change import limits
from app.returns.expectation import ExpectedReturn
from app.returns.faults import fault, words
from app.returns.looking_back import Stated, months_before, rules_in
from app.returns.relations import Broken, broken, parts_compared
from app.returns.submission import Cell, CellWarning, State
from app.returns.sums import Group, Sum, group_of, levels_of, sums

_EXPLAIN: Final = "Correct the figure if it is wrong; otherwise send the cell {cell} with explanation_code and explanation."

WARNINGS: Final[Mapping[str, tuple[str, str]]] = {
    "month_not_over": (
        "{month} has not ended: what is counted now may not be the whole month. The return counts as it is.",
        "If another month was meant, send it for that one; if the figures have changed once the month has ended, send it again.",
    ),
    "month_not_begun": (
        "{month} has not begun: nothing can have been counted in it, so another month was probably meant. The return counts as it is.",
        "Send it for the month that it is of, and this month again once it is over.",
    ),
    "outside_assignment": (
        "This site and commissioner are not assigned to the subcontract here. The figures count, and are listed as a gap.",
        "Leave the cell out if it is a mistake; otherwise send it with explanation_code and explanation.",
    ),
    "stale": (
        "Every figure is what it was in {month}: perhaps that month was sent again.{why}",
        "Send this month's figures; if these are right, send the cell {cell} with explanation_code and explanation.",
    ),
    "change": (
        "{what} is {figure}. In {points} earlier months the mean was {mean}; their process-control limits are {lower} and {upper}.{why}",
        _EXPLAIN,
    ),
    "zero_after_activity": ("{what} is 0, and was {figure} in {month}.{why}", _EXPLAIN),
    "at_most": ("{what} is {figure}, more than {others}, which is {other}.{why}", _EXPLAIN),
    "equals": ("{what} is {figure}, and not {others}, which is {other}.{why}", _EXPLAIN),
    "roll_forward": ("{what} is {figure}, and not {others}, which is {other}.{why}", _EXPLAIN),
    "plan": ("{what} is {figure}; the subcontract's assignments expect {expected}, give or take {tolerance}.{why}", _EXPLAIN),
}
"""What each warning says and how it is put right, by its code. A revision keeps what is filled in, so that it says the same ever after."""

_NO_SERVICE: Final = (
    "{what} was {figure} in {month}, and now no service is stated where there was activity.{why}",
    (
        "State the figures if there was a service; otherwise send the cell {cell} as {state} with explanation_code and explanation."
        " A nil return carries none, and waits for acceptance by hand."
    ),
)
"""What zero_after_activity says where there is not a zero but no service."""


def words_of(warning: CellWarning) -> tuple[str, str]:
    """What a warning says of its cell, and how it is put right."""
    names = dict(warning.names)
    detail, fix = _NO_SERVICE if "state" in names else WARNINGS[warning.code]
    return detail.format_map(names), fix.format_map(names)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules found: what is refused, and what is to be explained."""

    faults: tuple[Fault, ...] = ()
    warnings: tuple[CellWarning, ...] = ()


def judge(stated: Stated, *, refusing_only: bool) -> Judged:
    """Judge a return by all its rules; `refusing_only` where it is refused already, and warnings would say nothing.

    A rule is judged where every figure that it compares is known: faulty ones, those not collected and months not received are not. Of one
    that refuses and compares what is faulty or missing it is said that it waits, so that whoever mends the figures knows of it.
    """
    faults: list[Fault] = []
    warnings: list[CellWarning] = []
    refusing = _refusing(stated.expected)
    for measure, relation in refusing:
        faults += [_fault(relation, measure, stated, each, beside=refusing) for each in broken(relation, measure, stated)]
        if refusing_only and not stated.in_doubt.isdisjoint(parts_compared(relation, measure)):
            faults.append(fault("rule_not_judged", "/cells", rule=relation.code, asks=_asks(relation, measure)))
    if not refusing_only:
        for judged_measure, rule in rules_in(stated.expected):
            if not _refuses(rule):
                warnings += _warnings(rule, judged_measure, stated)
    return Judged(tuple(faults), tuple(warnings))


def _refusing(expected: ExpectedReturn) -> list[tuple[Measure, Relation]]:
    """The relations that refuse, each with the measure that names it."""
    return [(measure, rule) for measure, rule in rules_in(expected) if measure is not None and _refuses(rule)]


def _refuses(rule: MeasureRule | CollectionRule) -> TypeGuard[Relation]:
    return isinstance(rule, AtMostRule | EqualsRule | RollForwardRule) and rule.severity == "reject"


def _warnings(rule: MeasureRule | CollectionRule, measure: Measure | None, stated: Stated) -> Iterator[CellWarning]:
    if isinstance(rule, StaleRule):
        return _stale(rule, stated)
    assert measure is not None, "the rules of a collection are stale"
    if isinstance(rule, ChangeRule):
        return _changes(rule, measure, stated)
    if isinstance(rule, ZeroAfterActivityRule):
        return _zeros(rule, measure, stated)
    if isinstance(rule, PlanRule):
        return _plan(rule, measure, stated)
    return _disagreements(rule, measure, stated)


def _stale(rule: StaleRule, stated: Stated) -> Iterator[CellWarning]:
    now = _figures(stated.cells)
    own = stated.earlier.get(stated.expected.key.collection, {})
    for month in months_before(stated.expected, rule.months):
        if len(now) >= rule.minimum_figures and now == _figures(own.get(month, {})):
            # One cell confirms the whole: its own explanation, and no other's.
            cell = _foremost([cell for place, cell in stated.cells.items() if place in now], stated)
            yield _warning(rule, cell, explained=cell.explained, month=str(month))
            return


def _figures(
    cells: Mapping[tuple[str, ...], Cell] | Mapping[CellKey, Cell],
) -> dict[tuple[str, ...], tuple[Decimal | None, Decimal | None]]:
    """The figures other than zero, by place."""
    return {tuple(place): (cell.numerator, cell.denominator) for place, cell in cells.items() if cell.numerator or cell.denominator}


def _changes(rule: ChangeRule, measure: Measure, stated: Stated) -> Iterator[CellWarning]:
    months = tuple(reversed(months_before(stated.expected, rule.months)))
    earlier = [sums(stated.cells_of(measure.code, month), rule.by) for month in months]
    part: Part = "denominator" if rule.of in {"denominator", "value"} else "numerator"

    def figure_in(total: Sum | None) -> Fraction | None:
        count = None if total is None else total.part(part)
        if total is None or count is None or (rule.of == "value" and count < rule.minimum_count):
            return None
        return total.value if rule.of == "value" else Fraction(count)

    for group, total in sorted(sums(stated.cells_of(measure.code, stated.expected.key.month), rule.by).items()):
        figure, points = figure_in(total), [figure_in(found.get(group)) for found in earlier]
        usual = limits(points)
        if figure is None or usual is None or usual.points < rule.minimum_points or usual.hold(figure):
            continue
        if rule.of != "value" and max(figure, usual.mean) < rule.minimum_count:
            continue
        shown: Callable[[Fraction], str] = _rate if rule.of == "value" else _count
        yield _of_group(
            rule,
            measure,
            stated,
            rule.by,
            group,
            what=_what("rate" if rule.of == "value" else rule.of, measure, rule.by, group),
            figure=shown(figure),
            points=str(usual.points),
            mean=shown(usual.mean),
            lower=shown(max(usual.lower, Fraction(0))),
            upper=shown(usual.upper),
        )


def _zeros(rule: ZeroAfterActivityRule, measure: Measure, stated: Stated) -> Iterator[CellWarning]:
    levels = levels_of(measure) if rule.by is None else rule.by
    part = rule.part or activity_of(measure)
    months = months_before(stated.expected, rule.months)
    earlier = [sums(stated.cells_of(measure.code, month), levels) for month in months]
    cells = stated.cells_of(measure.code, stated.expected.key.month)
    now = sums(cells, levels)
    for group in sorted({group_of(cell, levels) for cell in cells}):
        before = [found[group].part(part) if group in found else None for found in earlier]
        if (group not in now or now[group].part(part) == 0) and all(figure is not None and figure > rule.above for figure in before):
            # Where nothing applies there is no sum: that no service is stated is as odd as a zero.
            state = {} if group in now else {"state": "not_applicable"}
            what = _what(part, measure, levels, group)
            yield _of_group(rule, measure, stated, levels, group, what=what, figure=str(before[0]), month=str(months[0]), **state)


def activity_of(measure: Measure) -> Part:
    """The part of a measure that says how much was done."""
    return "denominator" if measure.has_denominator else "numerator"


def _plan(rule: PlanRule, measure: Measure, stated: Stated) -> Iterator[CellWarning]:
    expected = return_volume(stated.expected.contract, stated.expected.key, measures={measure.code})
    part = rule.part or activity_of(measure)
    total = sums(stated.cells_of(measure.code, stated.expected.key.month), ()).get(())
    figure = None if total is None else total.part(part)
    if expected is None or figure is None or expected < rule.minimum_count or abs(figure - expected) <= expected * rule.tolerance:
        return
    names = {"figure": str(figure), "expected": _count(Fraction(expected)), "tolerance": _count(Fraction(expected * rule.tolerance))}
    yield _of_group(rule, measure, stated, (), (), what=_what(part, measure, (), ()), **names)


def _disagreements(rule: Relation, measure: Measure, stated: Stated) -> Iterator[CellWarning]:
    for each in broken(rule, measure, stated):
        yield _of_group(
            rule,
            measure,
            stated,
            each.levels,
            each.group,
            what=_what(rule.part, measure, each.levels, each.group),
            figure=str(plain(each.figure)),
            other=str(plain(each.other)),
            others=_others(rule, measure),
        )


def _fault(rule: Relation, measure: Measure, stated: Stated, found: Broken, *, beside: Sequence[tuple[Measure, Relation]]) -> Fault:
    """A broken relation; its fix names those too that hold of the same figures, so that no mend of the one breaks another."""
    cell = _foremost(_cells_in(measure, stated, found.levels, found.group), stated)
    position = stated.positions.get(cell[:6])
    pointer = "/rest" if position is None else f"/cells/{position}/{rule.part}"
    what = _what(rule.part, measure, found.levels, found.group)
    also = "".join(f" Keep to this too: {asked}." for asked in _also(rule, measure, beside, stated.expected))
    return fault(rule.kind, pointer, what=what, others=_others(rule, measure), rule=rule.code, why=_why(rule), also=also)


def _also(rule: Relation, measure: Measure, among: Sequence[tuple[Measure, Relation]], expected: ExpectedReturn) -> Iterator[str]:
    """What else holds of the figures of a relation, and of those that they are compared with in turn: all that a mend of it may reach."""
    reached = {code for code, _ in parts_compared(rule, measure)}
    size = 0
    while size < len(reached):
        size = len(reached)
        for its, other in among:
            compared = {code for code, _ in parts_compared(other, its)}
            reached |= compared if compared & reached else set()
    yield from (f"the numerator of {code} is at most its denominator" for code in sorted(reached) if _is_part(code, expected))
    yield from (f"{_asks(other, its)} (rule {other.code})" for its, other in among if its.code in reached and other is not rule)


def _is_part(code: str, expected: ExpectedReturn) -> bool:
    return code in expected.measures and expected.measures[code].proportion


def _asks(rule: Relation, measure: Measure) -> str:
    """What a relation asks for, in words."""
    named = f" ({', '.join(rule.categories)})" if not isinstance(rule, RollForwardRule) and rule.categories else ""
    comparison = "is at most" if isinstance(rule, AtMostRule) else "is"
    within = f", give or take {rule.tolerance}" if not isinstance(rule, AtMostRule) and rule.tolerance else ""
    return f"the {rule.part} of {measure.code}{named} {comparison} {_others(rule, measure)}{within}"


def _of_group(rule: MeasureRule, measure: Measure, stated: Stated, levels: Sequence[Level], group: Group, **names: str) -> CellWarning:
    """A warning of cells taken together: an explanation on any of them explains it. It names that one, or else the foremost."""
    cells = _cells_in(measure, stated, levels, group) or _cells_in(measure, stated, levels, group, state="not_applicable")
    explained = [cell for cell in cells if cell.explained]
    return _warning(rule, explained[0] if explained else _foremost(cells, stated), explained=bool(explained), **names)


def _warning(rule: MeasureRule | CollectionRule, cell: Cell, *, explained: bool, **names: str) -> CellWarning:
    filled = {**names, "cell": words(cell.key), "why": _why(rule)}
    # What is only said leaves nothing to explain.
    return CellWarning(rule.kind, cell.key, explained or rule.severity == "info", rule.code, rule.severity, tuple(filled.items()))


def _cells_in(measure: Measure, stated: Stated, levels: Sequence[Level], group: Group, state: State = "value") -> list[Cell]:
    return [
        cell for cell in stated.cells.values() if cell.measure == measure.code and cell.state == state and group_of(cell, levels) == group
    ]


def _foremost(cells: Sequence[Cell], stated: Stated) -> Cell:
    """The cell at which something is said of several: one that is listed, with the largest figure."""
    return min(cells, key=lambda cell: (cell[:6] not in stated.positions, -max(cell.numerator or 0, cell.denominator or 0), cell[:6]))


def _what(part: str, measure: Measure, levels: Sequence[Level], group: Group) -> str:
    place = ", ".join(f"{level} {code}" for level, code in zip(levels, group, strict=True) if code != "all")
    return f"The {part} of {measure.code}" + (f" ({place})" if place else "")


def _others(rule: Relation, measure: Measure) -> str:
    if isinstance(rule, RollForwardRule):
        opening = _named(rule.opening or Figure(measure=measure.code, part=rule.part))
        added, removed = [f" plus {_named(figure)}" for figure in rule.added], [f" less {_named(figure)}" for figure in rule.removed]
        return f"{opening} of the month before" + "".join((*added, *removed))
    return " plus ".join(map(_named, rule.sum_of))


def _named(figure: Figure) -> str:
    return f"the {figure.part} of {figure.measure}" + (f" ({', '.join(figure.categories)})" if figure.categories else "")


def _why(rule: MeasureRule | CollectionRule) -> str:
    return f" {rule.why}" if rule.why else ""


def _count(figure: Fraction) -> str:
    return str(plain(rounded(figure, 1)))


def _rate(figure: Fraction) -> str:
    return str(plain(rounded(figure, 4)))
