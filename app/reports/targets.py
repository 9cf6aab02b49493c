"""Which target is in force for a row, and two of the three verdicts: the contract test and the interval against the target.

Source: the contract test is the contract's own; an interval that holds the target makes a value `similar` to it, as the Office for Health Improvement
and Disparities compares areas with a benchmark (Fingertips).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from app.kernel.months import Month, covers
from app.programmes.domain import Requirement, Target, TargetFor
from app.reports.intervals import Interval, holds

ContractTest = Literal["met", "not_met", "no_target", "not_judged"]
TargetKind = Literal["trajectory", "interim", "standard"]

_KINDS: Final[tuple[TargetKind, ...]] = ("trajectory", "interim", "standard")


@dataclass(frozen=True, slots=True)
class Targets:
    """What is asked of a row: the target that counts, of which kind, and beside it the standard, floor and stretch."""

    target: Decimal | None = None
    target_kind: TargetKind | None = None
    standard: Decimal | None = None
    floor: Decimal | None = None
    stretch: Decimal | None = None


NONE: Final = Targets()


def in_force(requirement: Requirement | None, *, month: Month, commissioner: str, subcontract: str, site: str) -> Targets:
    """What a requirement asks of a row in a month.

    The most specific `for` that says something wins: most keys, then subcontract before site before commissioner; of lines that are equally
    specific, trajectory before interim before standard, then the line that began last. Standard, floor and stretch are each found in the same way,
    so that a trajectory for one subcontract leaves the national standard standing beside it.
    """
    if requirement is None:
        return NONE
    lines = lines_for(requirement, month=month, commissioner=commissioner, subcontract=subcontract, site=site)
    chosen = next((line for line in lines if _stated(line)), None)
    if chosen is None:
        target, kind = None, None
    else:
        equals = [line for line in lines if _specificity(line) == _specificity(chosen)]
        target, kind = next((value, kind) for kind in _KINDS for line in equals if (value := getattr(line, kind)) is not None)
    return Targets(
        target=target,
        target_kind=kind,
        standard=_first(lines, lambda line: line.standard),
        floor=_first(lines, lambda line: line.floor),
        stretch=_first(lines, lambda line: line.stretch),
    )


def lines_for(requirement: Requirement, *, month: Month, commissioner: str, subcontract: str, site: str) -> list[Target]:
    """The lines in force that are for a row, the most specific first, of equals the one that began last."""
    row = {"commissioner": commissioner, "subcontract": subcontract, "site": site}
    return sorted(
        (line for line in requirement.targets if covers(line.from_month, line.to_month, month) and is_for(line.for_, row)),
        key=lambda line: (_specificity(line), line.from_month.ordinal if line.from_month else -1),
        reverse=True,
    )


def _stated(line: Target) -> bool:
    return any(getattr(line, kind) is not None for kind in _KINDS)


def is_for(aimed: TargetFor | None, row: dict[str, str]) -> bool:
    """Whether what is aimed at some places is for a row."""
    return aimed is None or all(code in (None, row[place]) for place, code in aimed.model_dump().items())


def _specificity(line: Target) -> tuple[int, bool, bool, bool]:
    aimed = line.for_
    if aimed is None:
        return 0, False, False, False
    subcontract, site, commissioner = aimed.subcontract is not None, aimed.site is not None, aimed.commissioner is not None
    return subcontract + site + commissioner, subcontract, site, commissioner


def _first(lines: Iterable[Target], part: Callable[[Target], Decimal | None]) -> Decimal | None:
    return next((value for line in lines if (value := part(line)) is not None), None)


def contract_test(
    requirement: Requirement | None,
    asked: Targets,
    value: Fraction | None,
    *,
    direction: str | None,
    slice_: str,
    period: str,
    whole: bool = True,
    judged: bool = True,
) -> ContractTest:
    """Whether the unrounded value meets the target: at or above it, or at or below it where lower is better.

    Judged only on the period and the slices that the requirement names, over a `whole` period, and where there is a value that is `judged` at all.
    """
    if requirement is None or asked.target is None:
        return "no_target"
    applies = requirement.applies_to is None or slice_ in requirement.applies_to
    if not judged or not applies or not whole or period != requirement.judged_on or value is None or direction == "neutral":
        return "not_judged"
    target = Fraction(asked.target)
    return "met" if (value <= target if direction == "lower" else value >= target) else "not_met"


def against_target(
    asked: Targets, numerator: Decimal, denominator: Decimal, *, direction: str | None
) -> Literal["better", "similar", "worse"] | None:
    """Whether chance alone could explain the distance of a proportion from its target: similar where the 95% interval holds it."""
    if asked.target is None:
        return None
    similar = holds(numerator, denominator, Fraction(asked.target))
    return _against(asked.target, Fraction(numerator) / Fraction(denominator), similar=similar, direction=direction)


def count_against_target(
    asked: Targets, count: Decimal, limits: Interval, *, direction: str | None
) -> Literal["better", "similar", "worse"] | None:
    """The same of a count and its limits, which are far finer than any target."""
    if asked.target is None:
        return None
    return _against(asked.target, Fraction(count), similar=limits.lower <= asked.target <= limits.upper, direction=direction)


def _against(target: Decimal, value: Fraction, *, similar: bool, direction: str | None) -> Literal["better", "similar", "worse"] | None:
    if direction == "neutral":
        return None
    return "similar" if similar else "better" if (value > target) == (direction != "lower") else "worse"
