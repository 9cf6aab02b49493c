"""The flow-down check: what the head contract asks and no subcontract's return can supply, in which months and why."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from app.assignments.gaps import Part
from app.calendar.contract import Contract
from app.kernel.months import Month
from app.kernel.ranges import Range, Ranges, common, of_months, span, united, without
from app.pathways.domain import MeasureUse
from app.programmes.domain import Requirement

Why = Literal["not_in_force", "no_segment", "no_assignment", "no_collection", "not_collectable"]


class Unsupplied(NamedTuple):
    """A requirement that nobody can answer in some months."""

    requirement: Requirement
    months: Range
    reason: Why
    detail: str


Reporting = Mapping[Part, Mapping[tuple[str, str], Ranges]]
"""By segment, deliverer and reporter, the months in which it is reported there."""


def flow_down(contract: Contract, reporting: Reporting, *, asked: Ranges) -> Iterator[Unsupplied]:
    """What is asked and cannot be supplied. Measures that are only imported need no return."""
    uses = {
        requirement.measure: [
            ((pathway.code, segment.code), use)
            for pathway in contract.pathways
            for segment in pathway.segments
            for use in segment.measures
            if use.code == requirement.measure
        ]
        for requirement in contract.requirements
    }
    for requirement in contract.requirements:
        yield from _of_requirement(contract, requirement, uses[requirement.measure], reporting, asked)


def _of_requirement(
    contract: Contract, requirement: Requirement, uses: list[tuple[Part, MeasureUse]], reporting: Reporting, asked: Ranges
) -> Iterator[Unsupplied]:
    code = requirement.measure
    in_force, imported = _months_of(contract, code, asked)
    if not in_force and not imported:
        yield from _each(requirement, asked, "not_in_force", f"No version of {code} is in force.")
        return
    if not uses:
        yield from _each(requirement, in_force, "no_segment", f"No segment of any pathway collects {code}.")
        return
    delivered: list[Range] = []
    collected: list[Range] = []
    collectable: list[Range] = []
    sectors: set[str] = set()
    for segment, use in uses:
        for (deliverer, reporter), months in reporting.get(segment, {}).items():
            # What is asked is asked of the sector that delivers; in which collection it comes is up to that of its reporter.
            if not use.asked_of(contract.subcontract[deliverer].sector):
                continue
            sector = contract.subcontract[reporter].sector
            delivered += months
            if contract.collection_of(code, sector) is None:
                sectors.add(sector)
                continue
            collected += months
            collectable += without(months, _not_collectable(requirement, reporter))
    stages: tuple[tuple[Ranges, Why, str], ...] = (
        (united(delivered), "no_assignment", f"No subcontract of a sector that is asked for {code} delivers a segment that collects it."),
        (
            united(collected),
            "no_collection",
            f"{code} is in no collection for the sectors that report its segments: {', '.join(sorted(sectors))}.",
        ),
        (united(collectable), "not_collectable", f"{code} is graded C (not collectable) for everyone who would return it."),
    )
    left = in_force
    for supplied, reason, detail in stages:
        yield from _each(requirement, without(left, supplied), reason, detail)
        left = common(left, supplied)


def _each(requirement: Requirement, months: Ranges, reason: Why, detail: str) -> Iterator[Unsupplied]:
    return (Unsupplied(requirement, each, reason, detail) for each in months)


def _months_of(contract: Contract, code: str, asked: Ranges) -> tuple[Ranges, Ranges]:
    """The months in which a measure is returned, and those in which it is only imported."""
    returned: list[int] = []
    imported: list[int] = []
    for first, last in asked:
        for month in range(first, last + 1):
            measure = contract.measure(code, Month(month))
            if measure is not None:
                (imported if measure.aggregation == "import_only" else returned).append(month)
    return of_months(returned), of_months(imported)


def _not_collectable(requirement: Requirement, subcontract: str) -> Ranges:
    """The months in which a measure is graded C for a subcontract: by its own line, or by the one for all where it has none."""
    lines = [(line.subcontract, line.grade, span(line.from_month, line.to_month)) for line in requirement.collectability]
    own = united(months for whom, _, months in lines if whom == subcontract)
    own_never = united(months for whom, grade, months in lines if whom == subcontract and grade == "C")
    all_never = united(months for whom, grade, months in lines if whom is None and grade == "C")
    return united((*own_never, *without(all_never, own)))
