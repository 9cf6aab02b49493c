"""What is wrong with assignments between them and with the rest of their contract: settings that do not fit, shares above 100."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from itertools import product
from typing import NamedTuple

from app.assignments.domain import WHOLE, AssignmentLine
from app.assignments.gaps import Part, Places
from app.kernel.months import Month
from app.kernel.ranges import EVER, Range, Ranges, common, span
from app.kernel.refusals import Fault
from app.pathways.domain import Setting


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


class Stated(NamedTuple):
    """A line in its normal form, with the sites and commissioners that it stands for."""

    line: AssignmentLine
    sites: Sequence[str]
    commissioners: Sequence[str]


class _Held(NamedTuple):
    """What one line, by its number, holds of a place, and in which months."""

    months: Range
    number: int
    share: Decimal


class _Passed(NamedTuple):
    """Where and when the shares up to a line pass 100, and what they come to."""

    part: Part
    month: Month
    total: Decimal


def above_whole(lines: Sequence[Stated], *, sites: Places, commissioners: Places, known: Collection[str]) -> Iterator[Fault]:
    """Lines whose shares, with those of the lines above them, pass 100 in some place and month; each is named once.

    Whoever delivers at a wider place delivers at each of its parts. A place is named by the codes that are known: any other
    could be anything. A segment whose shares sum to 100 over all lines is not looked at place by place.
    """
    shared: dict[Part, list[int]] = defaultdict(list)
    for number, (line, _, _) in enumerate(lines):
        if line.share:
            shared[line.pathway, line.segment].append(number)
    found: dict[int, _Passed] = {}
    for numbers in shared.values():
        if sum(lines[number].line.share or 0 for number in numbers) > WHOLE:
            for part, held in _by_place({number: lines[number] for number in numbers}, sites, commissioners):
                for number, month, total in _passing(held):
                    found.setdefault(number, _Passed(part, Month(month), total))
    for number, passed in sorted(found.items()):
        line = lines[number].line
        pathway, segment, site, commissioner = (
            code if code in known else "(unknown)" for code in (line.pathway, line.segment, *passed.part)
        )
        detail = (
            f"With the lines above it the shares of {pathway}/{segment} at site {site} for commissioner {commissioner}"
            f" come to {passed.total:f} in {passed.month}."
        )
        fix = "Let the shares of a place and month sum to at most 100."
        yield Fault("share_above_100", detail, fix, pointer=f"/assignments/{number}/share")


def _by_place(lines: Mapping[int, Stated], sites: Places, commissioners: Places) -> Iterator[tuple[Part, list[_Held]]]:
    """What is held at each place, or at a wider one; places at which the same lines hold the same months are told once.

    Lines that stand for the same places, as those of one split from year to year, are looked up as one.
    """
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = defaultdict(list)
    for number, stated in lines.items():
        alike[tuple(stated.sites), tuple(stated.commissioners)].append(number)
    groups = list(alike.values())
    at: dict[Part, list[int]] = defaultdict(list)
    for group, (here, whom) in enumerate(alike):
        for part in product(here, whom):
            at[part].append(group)
    told: set[tuple[tuple[int, Range], ...]] = set()
    for part in product(sites.within({site for site, _ in at}), commissioners.within({commissioner for _, commissioner in at})):
        months: dict[int, Range] = {}
        for wider in product(sites.above(part[0]), commissioners.above(part[1])):
            for begins, ends in _in_scope((part, wider), sites, commissioners):
                for group in at.get(wider, ()):
                    # A line that names a place and a wider one holds its share once.
                    first, last = months.get(group, (begins, ends))
                    months[group] = (min(first, begins), max(last, ends))
        alike_here = tuple(sorted(months.items()))
        if alike_here not in told:
            told.add(alike_here)
            yield part, [_held(number, lines[number].line, within) for group, within in alike_here for number in groups[group]]


def _in_scope(parts: Iterable[Part], sites: Places, commissioners: Places) -> Ranges:
    """The months in which all of these places are in scope."""
    scope: Ranges = (EVER,)
    for site, commissioner in parts:
        scope = common(scope, common(sites.own.get(site, (EVER,)), commissioners.own.get(commissioner, (EVER,))))
    return scope


def _held(number: int, line: AssignmentLine, months: Range) -> _Held:
    first, last = span(line.from_month, line.to_month)
    return _Held((max(first, months[0]), min(last, months[1])), number, line.share or Decimal(0))


def _passing(held: Iterable[_Held]) -> Iterator[tuple[int, int, Decimal]]:
    """The lines with which a running sum over the months passes 100, each with that month and sum; a line that does counts no more."""
    edges: dict[int, list[_Held]] = defaultdict(list)
    for each in held:
        if each.months[0] <= each.months[1]:
            edges[each.months[0]].append(each)
            edges[each.months[1] + 1].append(each)
    total, holding, newest = Decimal(0), set[int](), list[tuple[int, Decimal]]()
    for month in sorted(edges):
        for (first, _), number, share in edges[month]:
            if month == first:
                holding.add(number)
                heappush(newest, (-number, share))
                total += share
            elif number in holding:
                holding.remove(number)
                total -= share
        while total > WHOLE:
            number, share = -newest[0][0], heappop(newest)[1]
            if number in holding:
                yield number, month, total
                holding.remove(number)
                total -= share
