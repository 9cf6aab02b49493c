"""Which places stand above which, month by month, and which are the lowest in force: of commissioners, one that has gone is succeeded."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from app.kernel.months import Month, covers
from app.kernel.ranges import EVER, Range, Ranges, common, span, united, without
from app.organisations.domain import Succession, current_of
from app.programmes.domain import Commissioner, ancestors

Above = Mapping[str, Mapping[str, Ranges]]
"""Of each place those above it, with the months in which they would be above it; in scope or not."""

_ALWAYS: Final[Ranges] = (EVER,)


def sites_above(parents: Mapping[str, str | None]) -> dict[str, dict[str, Ranges]]:
    """A site's parents are the same in all months."""
    return {code: dict.fromkeys(ancestors(code, dict(parents)), _ALWAYS) for code in parents}


def commissioners_above(lines: Collection[Commissioner], successions: Iterable[Succession]) -> dict[str, dict[str, Ranges]]:
    """A commissioner's parents as its line says them, and in the months after one of them has gone whoever carries that one on."""
    commissioner = {line.ods_code: line for line in lines}
    found = sites_above({line.ods_code: line.parent for line in lines})
    links = _following({line.parent for line in lines if line.parent}, successions)
    if not links:
        return found
    begin = {Month.of(link.operational_on).ordinal for link in links}
    ranges = [span(line.from_month, line.to_month) for line in lines]
    edges = {edge for first, last in ranges for edge in (first, last + 1) if min(begin) < edge < EVER[1]}
    by_succession: dict[tuple[str, str], list[Range]] = defaultdict(list)
    for first, following in pairwise([*sorted(begin | edges), EVER[1] + 1]):
        for code in commissioner:
            for above in those_above(code, Month(first), commissioner, links):
                if above in commissioner and above not in found[code]:
                    by_succession[code, above].append((first, following - 1))
    for (code, above), months in by_succession.items():
        found[code][above] = united(months)
    return found


def _following(codes: Collection[str], successions: Iterable[Succession]) -> list[Succession]:
    """The links by which others go on from these, at once or by way of others."""
    left, known, found = list(successions), set(codes), []
    while reached := [link for link in left if link.predecessor in known]:
        found += reached
        known |= {link.successor for link in reached}
        left = [link for link in left if link.predecessor not in known]
    return found


def those_above(
    code: str, month: Month, commissioner: Mapping[str, Commissioner], successions: Iterable[Succession], *, restated: bool = False
) -> Iterator[str]:
    """The commissioners in force above one in a month, nearest first; one that is no longer in force is succeeded by whoever carries it on.

    `restated` reads those that are still in force as their successors too.
    """
    passed = {code}
    while (line := commissioner.get(code)) is not None and line.parent is not None and line.parent not in passed:
        code = line.parent
        passed.add(code)
        named = code
        if restated or not is_in_force(commissioner.get(code), month):
            named = current_of(code, successions, month)
        if is_in_force(commissioner.get(named), month) or (named != code and named not in commissioner):
            yield named


def is_in_force(line: Commissioner | None, month: Month) -> bool:
    """Whether a commissioner of the contract is in force in a month."""
    return line is not None and covers(line.from_month, line.to_month, month)


def lowest(own: Mapping[str, Ranges], above: Above) -> dict[str, Ranges]:
    """Of the months in which each place is in scope (`own`), those in which nothing narrower is: the level that is served and reported."""
    narrower: dict[str, list[Range]] = defaultdict(list)
    for code, places in above.items():
        for place, months in places.items():
            narrower[place] += common(own[code], months)
    return {code: without(months, united(narrower.get(code, ()))) for code, months in own.items()}
