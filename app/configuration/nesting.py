"""A place and one above it are never returned together: whether a contract would make somebody do so."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import ends_period
from app.calendar.domain import Collection
from app.kernel.codes import ALL, UNKNOWN
from app.kernel.months import Month, overlap
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.programmes.domain import ancestors

Months = tuple[Month, Month | None]


class _Held(NamedTuple):
    """Of one line what counts here: its segment, the sector that delivers it, months and places."""

    segment: tuple[str, str]
    sector: str
    months: Months
    sites: frozenset[str]
    commissioners: frozenset[str]


def parent_with_child(contract: Contract) -> Iterator[Fault]:
    """Measures that some subcontract would return for a site (or commissioner) and for one above it in the same return."""
    above_site = {code: ancestors(code, contract.site_parents) for code in contract.site_parents}
    above_commissioner = {code: ancestors(code, contract.commissioner_parents) for code in contract.commissioner_parents}
    if not any((*above_site.values(), *above_commissioner.values())):
        return
    for reference, lines in _lines_of(contract).items():
        found: dict[tuple[str, str], tuple[str, str]] = {}
        sector = contract.subcontract[reference].sector
        for measure, lines_of_measure in _reported(contract, lines):
            held = _in_returns(contract, lines_of_measure, contract.collection_of(measure.code, sector))
            if "site" in measure.split_by:
                pair = _nested(((measure.site_of(site), line.months) for line in held for site in line.sites), above_site)
                found |= {(measure.code, "site"): pair} if pair else {}
            if "commissioner" in measure.split_by:
                pair = _nested(((code, line.months) for line in held for code in line.commissioners), above_commissioner)
                found |= {(measure.code, "commissioner"): pair} if pair else {}
        for (code, place), (child, parent) in found.items():
            detail = f"{reference} would return {code} for {place} {child} and for {parent} above it in one return."
            fix = "Assign one of the two, or map the narrower site to the wider in the measure's site_map."
            yield Fault("parent_with_child", detail, fix, pointer="/assignments")


def _lines_of(contract: Contract) -> dict[str, list[_Held]]:
    """What counts of each line, by the subcontract that reports it, in the order of their codes."""
    found: dict[str, list[_Held]] = defaultdict(list)
    for facts in contract.lines.values():
        first = facts[0]
        sector = contract.subcontract[first.subcontract].sector
        places = frozenset(fact.site for fact in facts), frozenset(fact.commissioner for fact in facts)
        found[first.reporter].append(_Held((first.pathway, first.segment), sector, (first.from_month, first.to_month), *places))
    return dict(sorted(found.items()))


def _reported(contract: Contract, lines: Iterable[_Held]) -> Iterator[tuple[Measure, list[_Held]]]:
    """Each version of each measure with the lines that make a subcontract return it."""
    of_measure: dict[str, list[_Held]] = {}
    for line in lines:
        for use in contract.segment[line.segment].measures:
            if use.asked_of(line.sector):
                of_measure.setdefault(use.code, []).append(line)
    return ((measure, of_measure[measure.code]) for measure in contract.measures if measure.code in of_measure)


def _in_returns(contract: Contract, held: Iterable[_Held], collection: Collection | None) -> list[_Held]:
    """The lines with the months of the returns that answer theirs: whole periods of their collection."""
    if collection is None or collection.every == "month":
        return list(held)
    every, begins = collection.every, contract.programme.contract_year_month

    def whole(months: Months) -> Months:
        first, last = months
        while not ends_period(first.plus(-1), every, year_begins=begins):
            first = first.plus(-1)
        while last is not None and not ends_period(last, every, year_begins=begins):
            last = last.plus(1)
        return first, last

    return [line._replace(months=whole(line.months)) for line in held]


def _nested(held: Iterable[tuple[str, Months]], above: Mapping[str, tuple[str, ...]]) -> tuple[str, str] | None:
    months: dict[str, set[Months]] = defaultdict(set)
    for place, when in held:
        if place not in (ALL, UNKNOWN):
            months[place].add(when)
    for place in sorted(months):
        for wider in sorted(above.get(place, ())):
            if wider in months and any(overlap(one, other) for one in months[place] for other in months[wider]):
                return place, wider
    return None
