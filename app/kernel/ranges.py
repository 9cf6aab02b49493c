"""Months as ranges: sorted, apart from each other, and worked with as such instead of month by month."""

from collections.abc import Iterable
from typing import Final

from app.kernel.months import Month

Range = tuple[int, int]
"""The ordinals of a first and a last month, both included."""

Ranges = tuple[Range, ...]
"""Ranges in order, none touching the next."""

EVER: Final[Range] = (0, 12 * 10_000)


def span(first: Month | None, last: Month | None) -> Range:
    """The range of two months, open where one is None; it may be empty (its end before its beginning)."""
    return (EVER[0] if first is None else first.ordinal, EVER[1] if last is None else last.ordinal)


def united(ranges: Iterable[Range]) -> Ranges:
    """All the months of some ranges, in any order, overlapping or empty."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if last < first:
            continue
        if found and first <= found[-1][1] + 1:
            if last > found[-1][1]:
                found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return tuple(found)


def common(one: Ranges, other: Ranges) -> Ranges:
    """The months in both."""
    if len(one) == len(other) == 1:
        first, last = max(one[0][0], other[0][0]), min(one[0][1], other[0][1])
        return ((first, last),) if first <= last else ()
    found = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple(each for each in found if each[0] <= each[1])


def without(one: Ranges, other: Ranges) -> Ranges:
    """The months of the one that are not in the other."""
    found: list[Range] = []
    for first, last in one:
        begins = first
        for taken_first, taken_last in other:
            if taken_last < begins:
                continue
            if taken_first > last:
                break
            if begins < taken_first:
                found.append((begins, taken_first - 1))
            begins = taken_last + 1
        if begins <= last:
            found.append((begins, last))
    return tuple(found)


def of_months(months: Iterable[int]) -> Ranges:
    """Single months, by their ordinals, as ranges."""
    return united((month, month) for month in months)
