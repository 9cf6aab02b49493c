"""What is wrong with assignments between them and with the rest of their contract: settings that do not fit, shares above 100."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from app.assignments.domain import WHOLE, Assignment, AssignmentLine
from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.pathways.domain import Setting

Place = tuple[str, str, str, str]


def misfits(
    lines: Sequence[AssignmentLine],
    *,
    segment_settings: Mapping[tuple[str, str], Setting | None],
    subcontract_settings: Mapping[str, Sequence[Setting] | None],
) -> Iterator[Fault]:
    """Lines that deliver a segment in a setting which their subcontract does not name, and which nobody waived."""
    for number, line in enumerate(lines):
        setting, allowed = segment_settings.get((line.pathway, line.segment)), subcontract_settings.get(line.subcontract)
        if line.waiver is None and setting is not None and allowed is not None and setting not in allowed:
            detail = f"The subcontract does not deliver in the segment's setting, {setting}."
            fix = "Add the setting to the subcontract, or give the line a waiver with its reason and who approved it."
            yield Fault("setting_does_not_fit", detail, fix, pointer=f"/assignments/{number}")


def above_whole(lines: Sequence[tuple[AssignmentLine, Callable[[], Sequence[Assignment]]]], *, known: Collection[str]) -> Iterator[Fault]:
    """Lines (each with how it becomes facts) whose shares, with those of the lines above them, pass 100 in some place and month;
    each is named once, and its place by the codes that are known: any other could be anything. A segment whose shares sum to 100 over all lines is not looked at place by place.
    """
    stated: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line, _ in lines:
        stated[line.pathway, line.segment] += line.share or 0
    held: dict[Place, list[tuple[int, Month, Month | None, Decimal]]] = {}
    for number, (line, facts) in enumerate(lines):
        if line.share is None or stated[line.pathway, line.segment] <= WHOLE:
            continue
        passed: tuple[Place, Month, Decimal] | None = None
        for fact in facts():
            place = (fact.pathway, fact.segment, fact.site, fact.commissioner)
            others = held.setdefault(place, [])
            others.append((number, fact.from_month, fact.to_month, line.share))
            passed = passed or next(((place, month, total) for month, total in _sums(others) if total > WHOLE), None)
        if passed is not None:
            place, month, total = passed
            pathway, segment, site, commissioner = (code if code in known else "(unknown)" for code in place)
            detail = (
                f"With the lines above it the shares of {pathway}/{segment} at site {site} for commissioner {commissioner}"
                f" come to {total:f} in {month}."
            )
            yield Fault(
                "share_above_100", detail, "Let the shares of a place and month sum to at most 100.", pointer=f"/assignments/{number}/share"
            )


def _sums(held: Sequence[tuple[int, Month, Month | None, Decimal]]) -> Iterator[tuple[Month, Decimal]]:
    """The sum of shares in each month in which one begins, where a sum is largest."""
    for _, month, _, _ in held:
        yield month, sum((share for _, begins, ends, share in held if begins <= month and (ends is None or month <= ends)), Decimal(0))
