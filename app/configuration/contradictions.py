"""What a document may not say in two ways at once: phases, targets, proportions above one, and levels of commissioners."""

from collections.abc import Iterator
from itertools import combinations

from app.configuration.document import Document
from app.kernel.months import Month, overlap
from app.kernel.refusals import Fault
from app.programmes.domain import Target

_THRESHOLDS = ("standard", "interim", "trajectory", "floor", "stretch")


def contradictions(document: Document) -> Iterator[Fault]:
    """Every pair of lines, and every figure, that cannot both hold."""
    yield from _phases(document)
    yield from _targets(document)
    yield from _levels(document)


def _phases(document: Document) -> Iterator[Fault]:
    for (number, one), (later, other) in combinations(enumerate(document.phases), 2):
        if one.number != other.number and overlap((one.from_month, one.to_month), (other.from_month, other.to_month)):
            detail = f"It shares a month with /phases/{number}; a month is planned in one phase."
            yield Fault("phases_overlap", detail, "Let one end before the other begins.", pointer=f"/phases/{later}")


def _targets(document: Document) -> Iterator[Fault]:
    proportions = {measure.code for measure in document.measures if measure.proportion}
    for number, requirement in enumerate(document.requirements):
        at = f"/requirements/{number}/targets"
        for (first, one), (second, other) in combinations(enumerate(requirement.targets), 2):
            twice = [name for name in _THRESHOLDS if getattr(one, name) is not None and getattr(other, name) is not None]
            if twice and one.for_ == other.for_ and overlap(_months(one), _months(other)):
                detail = f"It states {', '.join(twice)} for whom and in months for which {at}/{first} states it already."
                yield Fault(
                    "target_twice", detail, "Let one end before the other begins, or say whom each is for.", pointer=f"{at}/{second}"
                )
        for each, target in enumerate(requirement.targets if requirement.measure in proportions else ()):
            for name in _THRESHOLDS:
                threshold = getattr(target, name)
                if threshold is not None and not 0 <= threshold <= 1:
                    detail = f"{requirement.measure} is a proportion: what is asked of it lies between 0 and 1."
                    yield Fault("proportion_target", detail, "Write 85 percent as 0.85.", pointer=f"{at}/{each}/{name}")


def _months(target: Target) -> tuple[Month | None, Month | None]:
    return target.from_month, target.to_month


def _levels(document: Document) -> Iterator[Fault]:
    """Returns use the lowest level of commissioners in force; a parent's row is computed from its children."""
    for number, line in enumerate(document.assignments):
        for each, code in enumerate(line.commissioners or ()):
            parts = [
                part
                for part in document.commissioners
                if part.parent == code and overlap((part.from_month, part.to_month), (line.from_month, line.to_month))
            ]
            if parts:
                detail = f"{code} has parts in these months, and returns use the lowest level."
                fix = "Name its parts, or let the line end before they begin."
                yield Fault("not_lowest_level", detail, fix, pointer=f"/assignments/{number}/commissioners/{each}")
