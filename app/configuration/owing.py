"""Who would owe something else under another contract, and in which months: found by comparing what both say, not what follows."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from app.calendar.contract import Contract
from app.calendar.deadlines import ends_period, months_of_period
from app.calendar.expected import ReturnKey, delivering_months
from app.configuration.differences import changed_lines
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.kernel.ranges import EVER, Range, Ranges, common, of_months, span, united, without
from app.measures.domain import Measure, counts

S = TypeVar("S", bound=Hashable)

Said = Mapping[tuple[Hashable, ...], Ranges]
"""What a contract says, each with the months that it says it of."""

ALWAYS: Ranges = (EVER,)


def xor(one: Mapping[S, Ranges], other: Mapping[S, Ranges]) -> Iterator[tuple[S, Ranges]]:
    """What only one of the two says, with its months."""
    for said in {**one, **other}:
        mine, theirs = one.get(said, ()), other.get(said, ())
        if mine != theirs:
            yield said, united((*without(mine, theirs), *without(theirs, mine)))


def owing_otherwise(before: Contract, after: Contract) -> dict[str, Ranges]:
    """The subcontracts that may owe other cells after than before, and the months in which they may; whoever is not named owes the same."""
    found: dict[str, list[Range]] = defaultdict(list)
    names = changed_lines(before, after)
    for (reporter, *_), months in xor(_assigned(before, names), _assigned(after, names)):
        found[str(reporter)] += months
    for (deliverer, *_), months in xor(_agreements(before), _agreements(after)):
        found[str(deliverer)] += months
        for contract in (before, after):
            for reporter in contract.reporters_for.get(str(deliverer), ()):
                found[reporter] += months
    places = dict(_by_last(xor(_places(before), _places(after))))
    codes = dict(_by_last(xor(_measures(before), _measures(after))))
    if places or codes:
        for contract in (before, after):
            for reference, months in _reporters(contract, places, codes):
                found[reference] += months
    return {reference: ranges for reference, months in found.items() if (ranges := united(months))}


def counted_otherwise(before: Contract, after: Contract) -> dict[str, Ranges]:
    """The measures of which a contract counts something else, and the months in which it does. Who owes it may be the same."""
    if before.measures == after.measures:
        return {}
    found: dict[str, Ranges] = {}
    for code in sorted({measure.code for measure in before.measures} & {measure.code for measure in after.measures}):
        old, new = in_force(before, code, counts), in_force(after, code, counts)
        found[code] = united(
            months for says, mine in old.items() for other, theirs in new.items() if says != other for months in common(mine, theirs)
        )
    return {code: months for code, months in found.items() if months}


def is_touched(before: Contract, after: Contract, key: ReturnKey, touched: Mapping[str, Ranges]) -> bool:
    """Whether a return answers a month in which its subcontract may owe something else."""
    return is_answered(before, after, key, touched.get(key.subcontract, ()))


def is_answered(before: Contract, after: Contract, key: ReturnKey, ranges: Ranges) -> bool:
    """Whether a return answers one of these months, by either contract."""
    collections = [each for contract in (before, after) if (each := contract.collection.get(key.collection))]
    months = {month.ordinal for each in collections for month in months_of_period(key.month, each.every)}
    return any(first <= month <= last for month in months for first, last in ranges)


def _by_last(changes: Iterable[tuple[tuple[Hashable, ...], Ranges]]) -> Iterator[tuple[Hashable, Ranges]]:
    found: dict[Hashable, list[Range]] = defaultdict(list)
    for said, months in changes:
        found[said[0]] += months
    return ((said, united(months)) for said, months in found.items())


def _assigned(contract: Contract, names: Iterable[str]) -> Said:
    """Who reports what, of some lines."""
    found: dict[tuple[Hashable, ...], list[Range]] = defaultdict(list)
    for name in names:
        for fact in contract.lines.get(name, ()):
            found[fact.reporter, fact.pathway, fact.segment, fact.site, fact.commissioner].append(span(fact.from_month, fact.to_month))
    return {said: united(months) for said, months in found.items()}


def _agreements(contract: Contract) -> Said:
    """In which months each subcontract delivers, and as what."""
    return {(reference, contract.subcontract[reference].sector): months for reference, months in delivering_months(contract).items()}


def _places(contract: Contract) -> Said:
    """In which months each site and commissioner is in scope, and each commissioner the lowest level."""
    found: dict[tuple[Hashable, ...], Ranges] = {
        (("site", line.code),): united([span(line.from_month, line.to_month)]) for line in contract.sites
    }
    found |= {(("commissioner", line.ods_code),): united([span(line.from_month, line.to_month)]) for line in contract.commissioners}
    return found | {(("commissioner", code), "lowest"): months for code, months in contract.commissioners_lowest.items()}


def _measures(contract: Contract) -> Said:
    """What each measure asks for and in which months, where it is collected, and in which collection it is returned."""
    found: dict[tuple[Hashable, ...], Ranges] = {}
    for code in {measure.code for measure in contract.measures}:
        found |= {(code, *said): months for said, months in in_force(contract, code, _asked).items()}
    for collection in contract.collections:
        for use in collection.measures:
            found[use.code, "returned", collection.code, collection.every, use.sectors, contract.programme.contract_year_month] = ALWAYS
    for pathway in contract.pathways:
        for segment in pathway.segments:
            found |= {(use.code, "collected", pathway.code, segment.code, use.sectors): ALWAYS for use in segment.measures}
    return found


def _asked(measure: Measure) -> tuple[Hashable, ...]:
    imported = measure.aggregation == "import_only"
    return (imported, measure.split_by, measure.category_codes, tuple(sorted(measure.site_map.items())))


def in_force(contract: Contract, code: str, says: Callable[[Measure], tuple[Hashable, ...]]) -> dict[tuple[Hashable, ...], Ranges]:
    """What a measure's versions say, each in the months in which the version is the one in force."""
    versions = [measure for measure in contract.measures if measure.code == code]
    edges = {EVER[0], EVER[1] + 1}
    edges |= {measure.from_month.ordinal for measure in versions if measure.from_month}
    edges |= {measure.to_month.ordinal + 1 for measure in versions if measure.to_month}
    found: dict[tuple[Hashable, ...], list[Range]] = defaultdict(list)
    for first, following in pairwise(sorted(edges)):
        version = contract.measure(code, Month(first))
        if version is not None:
            found[says(version)].append((first, following - 1))
    return {said: united(months) for said, months in found.items()}


def _reporters(contract: Contract, places: Mapping[Any, Ranges], codes: Mapping[Any, Ranges]) -> Iterator[tuple[str, Ranges]]:
    """Who reports somewhere that is changed, or a measure that is, and the months of the change."""
    collected = {
        where: united(months for use in segment.measures for months in codes.get(use.code, ()))
        for where, segment in contract.segment.items()
    }
    for facts in contract.lines.values():
        first = facts[0]
        months = collected[first.pathway, first.segment]
        if months:
            yield first.reporter, months
        if places:
            held = {("site", fact.site) for fact in facts} | {("commissioner", fact.commissioner) for fact in facts}
            yield from ((first.reporter, months) for place, months in places.items() if place in held)


class Owed(NamedTuple):
    """Cells of one place that differ in their category only, in one collection."""

    collection: str
    measure: str
    pathway: str
    segment: str
    site: str
    commissioner: str
    categories: tuple[str, ...]


def owed(contract: Contract, subcontract: str) -> dict[Owed, Ranges]:
    """Every cell that a subcontract owes, with the months that it is owed of: `calendar.expected`, over all months at once."""
    agreement = contract.subcontract.get(subcontract)
    if agreement is None:
        return {}
    live = delivering_months(contract)
    scope = {said[0]: months for said, months in _places(contract).items() if len(said) == 1}
    found: dict[Owed, list[Range]] = defaultdict(list)
    asked: dict[tuple[str, str, str], list[tuple[str, Measure, Ranges]]] = {}
    for fact in contract.assignments_of.get(subcontract, ()):
        where = (fact.pathway, fact.segment, contract.agreement[fact.subcontract].sector)
        if where not in asked:
            asked[where] = list(_asked_in(contract, *where, reporter_sector=agreement.sector))
        months = common(common(live[subcontract], live[fact.subcontract]), united([span(fact.from_month, fact.to_month)]))
        months = common(months, scope.get(("site", fact.site), ALWAYS))
        months = common(months, scope.get(("commissioner", fact.commissioner), ALWAYS))
        if fact.every_commissioner:
            months = common(months, contract.commissioners_lowest.get(fact.commissioner, ALWAYS))
        for collection, measure, ranges in asked[where]:
            places = (
                fact.pathway if "pathway" in measure.split_by else ALL,
                fact.segment if "segment" in measure.split_by else ALL,
                measure.site_of(fact.site),
                fact.commissioner if "commissioner" in measure.split_by else ALL,
            )
            found[Owed(collection, measure.code, *places, measure.category_codes)] += common(months, ranges)
    return {cells: united(months) for cells, months in found.items() if months}


def _asked_in(
    contract: Contract, pathway: str, segment: str, sector: str, *, reporter_sector: str
) -> Iterator[tuple[str, Measure, Ranges]]:
    """The versions of measures that a segment asks of a sector that delivers it, with the collections of its reporter and their months."""
    for use in contract.segment[pathway, segment].measures:
        collection = contract.collection_of(use.code, reporter_sector)
        if collection is None or not use.asked_of(sector):
            continue
        versions = {measure.version: measure for measure in contract.measures if measure.code == use.code}
        for (version,), months in in_force(contract, use.code, lambda measure: (measure.version,)).items():
            measure = versions[int(str(version))]
            if measure.aggregation != "import_only":
                yield collection.code, measure, months


def joined(contract: Contract, collection: str, months: Ranges) -> Ranges:
    """Months that end a collection's periods as ranges of periods: what follows the one before by one period goes on from it."""
    length = len(months_of_period(Month(EVER[0]), contract.collection[collection].every))
    found: list[Range] = []
    for first, last in months:
        if found and first - found[-1][1] == length:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return tuple(found)


def return_months(contract: Contract, collection: str, months: Ranges) -> Ranges:
    """The months of the returns in which a collection answers these months."""
    every, begins = contract.collection[collection].every, contract.programme.contract_year_month
    if every == "month":
        return months
    ends = (Month(month) for first, last in months for month in range(first, last + 12))
    return of_months(
        end.ordinal
        for end in ends
        if ends_period(end, every, year_begins=begins)
        and any(first <= month.ordinal <= last for month in months_of_period(end, every) for first, last in months)
    )
