"""Rules and inputs with changes made to them, or everything that is wrong with the changes, each fault where the changes say it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from app.kernel.lines import Line
from app.kernel.refusals import Fault
from app.settlement.changes import Changes, FigureChange, LateReturn, figure_of, with_changes
from app.settlement.domain import SettlementRules
from app.settlement.faults import KnownMeasure, faults_of
from app.settlement.input_faults import lacking
from app.settlement.inputs import Inputs, MeasureFigure

Measures = Mapping[str, KnownMeasure]

_LISTS: Final = ("measures", "subcontracts", "figures", "late_returns", "missing_subcontracts")
_COSTS: Final = ("expected_cost", "actual_cost")


def changed_by(
    rules: SettlementRules, inputs: Inputs, changes: Changes, *, measures: Measures = MappingProxyType({})
) -> tuple[tuple[SettlementRules, Inputs], list[Fault]]:
    """Rules and inputs with their changes, and everything that is wrong with these, what comes of the rest of them too.

    `measures` are what is known of them; an interval of a figure also says that its measure is a share.
    """
    faults = astray(rules, inputs, changes, measures=measures)
    sound = _without_faulty(rules, changes, faults)
    other, read = with_changes(rules, inputs, sound)
    # Weights that have no end as decimals are kept in their proportions, and scored by their sum.
    wrong = [fault for fault in faults_of(other) if fault.code != "weights"]
    derived = [*placed(wrong, rules, changes), *(_of_inputs(fault, changes) for fault in lacking(other, read))]
    return ((rules, inputs) if faults else (other, read)), faults + derived


def astray(rules: SettlementRules, inputs: Inputs, changes: Changes, *, measures: Measures = MappingProxyType({})) -> list[Fault]:
    """What changes say by themselves that cannot be: of something that is not there, twice, of no patient, or of weights beyond the whole."""
    return [
        *_unknown(rules, inputs, changes),
        *_twice(changes),
        *_impossible(inputs, changes, measures),
        *_weights(rules, changes),
    ]


def _unknown(rules: SettlementRules, inputs: Inputs, changes: Changes) -> Iterator[Fault]:
    measures, figures = {each.measure for each in rules.measures}, {each.measure for each in inputs.figures}
    subcontracts = {each.subcontract for each in rules.allocation.subcontracts}
    contributing = {each.subcontract for figure in inputs.figures for each in figure.by_subcontract} | {
        each.subcontract for each in inputs.covered
    }
    late = contributing | subcontracts
    named = [
        *(("measures", at, "measure", each.measure, measures) for at, each in enumerate(changes.measures)),
        *(("subcontracts", at, "subcontract", each.subcontract, subcontracts) for at, each in enumerate(changes.subcontracts)),
        *(("figures", at, "measure", each.measure, figures) for at, each in enumerate(changes.figures)),
        *(("late_returns", at, "measure", each.measure, figures) for at, each in enumerate(changes.late_returns)),
        *(("late_returns", at, "subcontract", each.subcontract, late) for at, each in enumerate(changes.late_returns)),
        *(("missing_subcontracts", at, "subcontract", each, contributing) for at, each in enumerate(changes.missing_subcontracts)),
    ]
    for member, at, kind, code, known in named:
        if code not in known:
            detail = f"Nothing here is about the {kind} {code}."
            place = f"/changes/{member}/{at}" + ("" if member == "missing_subcontracts" else f"/{kind}")
            yield Fault(f"unknown_{kind}", detail, "Name one that the rules or the figures have.", pointer=place)
    if changes.gain_share is not None and rules.gain_share is None:
        yield Fault("no_gain_share", "These rules share no gain.", "Leave the change out.", pointer="/changes/gain_share")


def _twice(changes: Changes) -> Iterator[Fault]:
    keys: dict[str, list[Any]] = {
        "measures": [each.measure for each in changes.measures],
        "subcontracts": [each.subcontract for each in changes.subcontracts],
        "figures": [(each.measure, each.month) for each in changes.figures],
        "late_returns": [(each.subcontract, each.measure, each.month) for each in changes.late_returns],
        "missing_subcontracts": list(changes.missing_subcontracts),
    }
    for member, named in keys.items():
        for at, key in enumerate(named):
            if key in named[:at]:
                detail = "This stands earlier in the list already."
                yield Fault("repeated", detail, "Say it once.", pointer=f"/changes/{member}/{at}")
    for at, each in enumerate(changes.late_returns):
        if each.subcontract in changes.missing_subcontracts:
            detail = "This subcontract's returns are said to be missing as well."
            yield Fault("late_and_missing", detail, "Say one of the two.", pointer=f"/changes/late_returns/{at}/subcontract")


def _impossible(inputs: Inputs, changes: Changes, measures: Measures) -> Iterator[Fault]:
    """Figures of months that are not judged, of nobody, that come to nothing, or outside what they can be."""
    stated: list[tuple[str, FigureChange | LateReturn]] = [
        *((f"/changes/figures/{at}", each) for at, each in enumerate(changes.figures)),
        *((f"/changes/late_returns/{at}", late) for at, late in enumerate(changes.late_returns)),
    ]
    shares = {each.measure for each in inputs.figures if each.interval == "wilson_95"}
    known = {figure.measure for figure in inputs.figures}
    for pointer, each in stated:
        figure, measure = figure_of(inputs, each), measures.get(each.measure, KnownMeasure())
        if figure is None and each.measure in known:
            detail = f"The year has no figure of {each.measure} for that month."
            yield Fault("unknown_month", detail, "Name a month that it is judged in, or none for the last.", pointer=f"{pointer}/month")
        yield from _below_nothing(each, pointer)
        if figure is not None:
            incomplete = _incomplete_late(each, figure, measure) if isinstance(each, LateReturn) else _incomplete(each, figure, measure)
            yield from (replace(fault, pointer=f"{pointer}{fault.pointer}") for fault in incomplete)
        if (measure.is_share or each.measure in shares) and _beyond_unit(each, figure):
            detail = "This measure is a share: from none of its denominator to all of it, 0 to 1."
            yield Fault("outside_unit", detail, "Correct the figure.", pointer=pointer)


def _below_nothing(change: FigureChange | LateReturn, pointer: str) -> Iterator[Fault]:
    if change.numerator is not None and change.numerator < 0:
        yield Fault("negative", "A numerator is not below 0.", "State how many there were.", pointer=f"{pointer}/numerator")
    if change.denominator is not None and change.denominator <= 0:
        yield Fault("denominator", "A denominator is above 0.", "State how many there were.", pointer=f"{pointer}/denominator")


def _incomplete(change: FigureChange, figure: MeasureFigure, measure: KnownMeasure) -> Iterator[Fault]:
    """A figure that the change leaves without a value, as it states half of it, or says it twice."""
    if change.value is not None:
        if change.numerator is not None or change.denominator is not None:
            detail = "A figure is changed by its counts or by its value."
            yield Fault("value_and_counts", detail, "Leave one of them out.", pointer="/value")
        return
    if measure.made_of in ("count", "neither"):
        for count in ("numerator", "denominator"):
            if getattr(change, count) is not None:
                yield Fault(count, f"The figure has no {count}.", "State its value.", pointer=f"/{count}")
        return
    counts = _counts(change, figure)
    for count, other in (("numerator", "denominator"), ("denominator", "numerator")):
        if counts[count] is None and counts[other] is not None:
            detail = f"The figure has no {count} that the {other} could be of."
            yield Fault(count, detail, "State both, or the value.", pointer=f"/{count}")


def _incomplete_late(late: LateReturn, figure: MeasureFigure, measure: KnownMeasure) -> Iterator[Fault]:
    """What a return adds has a denominator where the figure has, or would have if it were not missing."""
    if measure.made_of == "neither":
        detail = "Figures of this measure do not add up to one of them all."
        yield Fault("not_additive", detail, "State in `figures` what it would be.", pointer="/measure")
        return
    if measure.made_of is None and figure.exact is None:
        return
    is_ratio = figure.denominator is not None if measure.made_of is None else measure.made_of == "ratio"
    if is_ratio and late.denominator is None:
        yield Fault("denominator", "The figure has a denominator.", "State what the figure has of others.", pointer="/denominator")
    if not is_ratio and late.denominator is not None:
        yield Fault("denominator", "The figure has no denominator.", "State what the figure has of others.", pointer="/denominator")


def _counts(change: FigureChange | LateReturn, figure: MeasureFigure | None) -> dict[str, Decimal | None]:
    """What a change states of both counts; of a figure a count alone keeps the other."""
    kept = figure if isinstance(change, FigureChange) else None
    return {
        count: getattr(kept, count, None) if getattr(change, count) is None else getattr(change, count)
        for count in ("numerator", "denominator")
    }


def _beyond_unit(change: FigureChange | LateReturn, figure: MeasureFigure | None) -> bool:
    value = change.value if isinstance(change, FigureChange) else None
    if value is not None:
        return not 0 <= value <= 1
    numerator, denominator = _counts(change, figure).values()
    return numerator is not None and denominator is not None and 0 < denominator < numerator


def _weights(rules: SettlementRules, changes: Changes) -> Iterator[Fault]:
    weights = {each.measure: each.weight for each in changes.measures if each.weight is not None}
    stated, left = sum(weights.values(), Decimal(0)), [each for each in rules.measures if each.measure not in weights]
    if weights and (stated > 1 or (stated < 1 and not any(each.weight for each in left))):
        detail = "With these weights the measures' weights cannot sum to 1."
        yield Fault(
            "weights", detail, "Let them be at most 1, and leave weight to the others or name them all.", pointer="/changes/measures"
        )


def _without_faulty(rules: SettlementRules, changes: Changes, faults: list[Fault]) -> Changes:
    """The changes that are not at fault themselves, so that what comes of these is said too."""
    places = {tuple((fault.pointer or "").split("/")[2:4]) for fault in faults}
    kept: dict[str, Any] = {
        member: tuple(each for at, each in enumerate(getattr(changes, member)) if (member, str(at)) not in places) for member in _LISTS
    }
    if ("measures",) in places:
        kept["measures"] = tuple(each.model_copy(update={"weight": None}) for each in kept["measures"])
    if rules.gain_share is None:
        kept["gain_share"] = None
    return changes.model_copy(update=kept)


def placed(faults: Iterable[Fault], rules: SettlementRules, changes: Changes) -> list[Fault]:
    """What is said of changed rules, each where the changes say it; else where the rules do."""
    return [_of_rules(fault, rules, changes) for fault in faults]


def _of_rules(fault: Fault, rules: SettlementRules, changes: Changes) -> Fault:
    pointer = fault.pointer or ""
    place: str | None = None
    match pointer.split("/")[1:]:
        case ["measures", at, *rest]:
            place = _entry("measures", [each.measure for each in changes.measures], rules.measures[int(at)].measure, changes, rest)
        case ["allocation", "subcontracts", at, *rest]:
            code = rules.allocation.subcontracts[int(at)].subcontract
            place = _entry("subcontracts", [each.subcontract for each in changes.subcontracts], code, changes, rest)
        case ["allocation", "subcontracts"] if changes.subcontracts:
            place = "/changes/subcontracts"
        case ["gain_share", *rest] if changes.gain_share is not None:
            place = "/changes/gain_share" + _stated(changes.gain_share, rest)
        case ["gate"]:
            place = next((f"/changes/{member}" for member in ("quality_minimum", "completeness_minimum") if getattr(changes, member)), None)
    return replace(fault, pointer=place or f"/rules{pointer}")


def _entry(member: str, codes: list[str], code: str, changes: Changes, rest: list[str]) -> str | None:
    if code not in codes:
        return None
    at = codes.index(code)
    return f"/changes/{member}/{at}" + _stated(getattr(changes, member)[at], rest)


def _stated(line: Line, rest: list[str]) -> str:
    """The member of a change that a fault is of, where it is the one that says it."""
    return f"/{rest[0]}" if rest and getattr(line, rest[0], None) is not None else ""


def _of_inputs(fault: Fault, changes: Changes) -> Fault:
    pointer = fault.pointer or ""
    changed = next(
        (f"/changes/{cost}_pence" for cost in _COSTS if pointer.startswith(f"/{cost}") and getattr(changes, f"{cost}_pence") is not None),
        None,
    )
    return replace(fault, pointer=changed or f"/inputs{pointer}")
