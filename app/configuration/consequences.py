"""What one contract in the place of another does: obligations, gaps, overlaps and weights, and the months whose figures it touches."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from app.assignments.domain import Assignment
from app.assignments.gaps import Part, blocks, live_months
from app.calendar.contract import Contract
from app.calendar.expected import delivering_months
from app.configuration.differences import changed_lines
from app.configuration.owing import ALWAYS, Said, counted_otherwise, in_force, joined, owed, owing_otherwise, return_months, xor
from app.configuration.rescheduled import Rescheduled, rescheduled
from app.configuration.searching import search_of
from app.kernel.lines import Line
from app.kernel.months import Month
from app.kernel.ranges import EVER, Range, Ranges, common, of_months, span, united, without
from app.measures.domain import Comparability, difference
from app.programmes.domain import USUAL_CONTROL, ancestors

_MONTHS: Final = ("from_month", "to_month")


class Obligation(NamedTuple):
    """Returns of one collection and subcontract, of the months from the first to the last."""

    collection: str
    subcontract: str
    months: Range


class Block(NamedTuple):
    """A segment at each of these sites for each of these commissioners, in the months from the first to the last."""

    pathway: str
    segment: str
    sites: tuple[str, ...]
    commissioners: tuple[str, ...]
    months: Range


class Recounted(NamedTuple):
    """Months of which one version of a measure counts what another counted, or would have: the series starts anew with the first."""

    measure: str
    months: Range
    before: int
    after: int
    comparable: Comparability
    because: tuple[str, ...]
    obligations: list[Obligation]


class WeightOfYear(NamedTuple):
    """What the weights of a contract year sum to, before and after, where they differ; None where none is stated."""

    contract_year: int
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class Consequences:
    """Everything that follows. `months_touched` are those with accepted figures that would be computed anew, `publications_touched` the latest
    of each month whose periods hold one of them.
    """

    appearing: list[Obligation]
    disappearing: list[Obligation]
    changing: list[Obligation]
    gaps_opened: list[Block]
    gaps_closed: list[Block]
    overlaps_appearing: list[Block]
    overlaps_disappearing: list[Block]
    recounted: list[Recounted]
    rescheduled: list[Rescheduled]
    weights: list[WeightOfYear]
    months_touched: list[Month]
    publications_touched: list[int]


def consequences(
    before: Contract | None, after: Contract, *, accepted: Iterable[Month], published: Mapping[Month, int] | None = None
) -> Consequences:
    """What follows of a change; `before` is None where the programme is new.

    `accepted` are the months that have accepted revisions, `published` has the latest publication of each month.
    """
    touched = _all(after) if before is None else owing_otherwise(before, after)
    appearing, disappearing, changing = _obligations(before, after, touched)
    gaps_opened, gaps_closed = _opened_and_closed(*_gaps_of_both(before, after))
    segments = {(fact.pathway, fact.segment) for each in (before, after) for fact in _first_facts(each, changed_lines(before, after))}
    if before is None or before.subcontracts != after.subcontracts:
        segments = {*after.segment, *(() if before is None else before.segment)}
    held = {} if before is None else _overlaps(before, segments)
    overlaps_appearing, overlaps_disappearing = _opened_and_closed(held, _overlaps(after, segments))
    months = [] if before is None else _months_touched(before, after, (*appearing, *disappearing, *changing), accepted)
    return Consequences(
        appearing=appearing,
        disappearing=disappearing,
        changing=changing,
        gaps_opened=gaps_opened,
        gaps_closed=gaps_closed,
        overlaps_appearing=overlaps_appearing,
        overlaps_disappearing=overlaps_disappearing,
        rescheduled=[] if before is None else list(rescheduled(before, after)),
        recounted=[] if before is None else list(_recounted(before, after)),
        weights=list(_weights(before, after)),
        months_touched=months,
        publications_touched=sorted(_reading(months, published or {})),
    )


def _reading(touched: Collection[Month], published: Mapping[Month, int]) -> Iterator[int]:
    """The publications whose periods hold any of these months: the longest are of a year."""
    for month, sequence in published.items():
        if any(0 <= month.ordinal - each.ordinal < 12 for each in touched):
            yield sequence


def _all(contract: Contract) -> dict[str, Ranges]:
    return dict.fromkeys(contract.subcontract, ALWAYS)


def _obligations(
    before: Contract | None, after: Contract, touched: Iterable[str]
) -> tuple[list[Obligation], list[Obligation], list[Obligation]]:
    """Returns that begin to be owed, that cease to be, and that ask for other cells."""
    found: tuple[list[Obligation], list[Obligation], list[Obligation]] = ([], [], [])
    for subcontract in sorted(touched):
        old = {} if before is None else owed(before, subcontract)
        new = owed(after, subcontract)
        for collection in sorted({cells.collection for cells in (*old, *new)}):
            was = _returns(before, collection, (months for cells, months in old.items() if cells.collection == collection))
            is_ = _returns(after, collection, (months for cells, months in new.items() if cells.collection == collection))
            differing = [months for cells, months in xor(old, new) if cells[0] == collection]
            other = common(common(was, is_), united((*_returns(before, collection, differing), *_returns(after, collection, differing))))
            for kind, months in zip(found, (without(is_, was), without(was, is_), other), strict=True):
                contracts = (before, after) if kind is found[1] else (after, before)
                stated_in = next(each for each in contracts if each is not None and collection in each.collection)
                kind += [Obligation(collection, subcontract, each) for each in joined(stated_in, collection, months)]
    return found


def _returns(contract: Contract | None, collection: str, months: Iterable[Ranges]) -> Ranges:
    if contract is None or collection not in contract.collection:
        return ()
    return return_months(contract, collection, united(each for ranges in months for each in ranges))


def _recounted(before: Contract, after: Contract) -> Iterator[Recounted]:
    """The measures of which something else is counted, range by range, with the returns that state them."""
    otherwise = counted_otherwise(before, after)
    term = united([span(after.programme.first_month, after.programme.last_month)])
    cells = [(subcontract, each, months) for subcontract in sorted(after.subcontract if otherwise else ())
             for each, months in owed(after, subcontract).items() if each.measure in otherwise]  # fmt: skip
    for code, ranges in otherwise.items():
        for months in common(ranges, term):
            old, new = (contract.measure(code, Month(months[0])) for contract in (before, after))
            assert old is not None, "it counts in these months"
            assert new is not None, "and so does this"
            stated: dict[tuple[str, str], list[Range]] = defaultdict(list)
            for subcontract, each, owed_months in cells:
                if each.measure == code:
                    stated[each.collection, subcontract] += common(owed_months, (months,))
            obligations = [
                Obligation(collection, subcontract, each)
                for (collection, subcontract), found in sorted(stated.items())
                for each in joined(after, collection, return_months(after, collection, united(found)))
            ]
            compared = difference(old, new)
            yield Recounted(code, months, old.version, new.version, compared.comparable, compared.because, obligations)


def _gaps_of_both(before: Contract | None, after: Contract) -> tuple[Said, Said]:
    """Where nobody delivers; nothing where both say the same of everything that decides it."""
    if before is None:
        return {}, _gaps(after)
    same = before.assignments is after.assignments and all(
        getattr(before, noun) == getattr(after, noun) for noun in ("programme", "sites", "commissioners", "pathways", "subcontracts")
    )
    return ({}, {}) if same else (_gaps(before), _gaps(after))


def _gaps(contract: Contract) -> Said:
    """Where nobody delivers, place by place."""
    found: dict[tuple[Hashable, ...], list[Range]] = defaultdict(list)
    for gap in search_of(contract, asked=ALWAYS).gaps().uncovered:
        for site in gap.sites:
            for commissioner in gap.commissioners:
                found[gap.pathway, gap.segment, site, commissioner].append(gap.months)
    return {place: united(months) for place, months in found.items()}


def _first_facts(contract: Contract | None, names: Iterable[str]) -> Iterator[Assignment]:
    if contract is not None:
        yield from (contract.lines[name][0] for name in names if name in contract.lines)


def _overlaps(contract: Contract, segments: Iterable[Part]) -> Said:
    """Where, and in which months, more than one subcontract delivers the same segment."""
    wanted = set(segments)
    live = delivering_months(contract)
    held: dict[tuple[Hashable, ...], list[tuple[str, Ranges]]] = defaultdict(list)
    for facts in contract.lines.values():
        first = facts[0]
        if (first.pathway, first.segment) in wanted:
            months = common(live[first.subcontract], united([span(first.from_month, first.to_month)]))
            for fact in facts:
                held[fact.pathway, fact.segment, fact.site, fact.commissioner].append((first.subcontract, months))
    return {place: months for place, each in held.items() if (months := _of_two(each))}


def _of_two(held: Iterable[tuple[str, Ranges]]) -> Ranges:
    """The months that more than one of them has; one subcontract's lines never share a month."""
    edges = sorted((edge, step) for _, months in held for first, last in months for edge, step in ((first, 1), (last + 1, -1)))
    found, deep = [], 0
    for (edge, step), (following, _) in pairwise([*edges, (EVER[1] + 1, 0)]):
        deep += step
        if deep > 1 and edge < following:
            found.append((edge, following - 1))
    return united(found)


def _opened_and_closed(before: Said, after: Said) -> tuple[list[Block], list[Block]]:
    places = {**before, **after}
    opened = {place: without(after.get(place, ()), before.get(place, ())) for place in places}
    closed = {place: without(before.get(place, ()), after.get(place, ())) for place in places}
    return list(_as_blocks(opened)), list(_as_blocks(closed))


def _as_blocks(places: Said) -> Iterator[Block]:
    found: dict[tuple[str, str, Range], list[Part]] = defaultdict(list)
    for (pathway, segment, site, commissioner), months in places.items():
        for each in months:
            found[str(pathway), str(segment), each].append((str(site), str(commissioner)))
    for (pathway, segment, months_of), parts in sorted(found.items()):
        yield from (Block(pathway, segment, *block, months_of) for block in blocks(parts))


def _weights(before: Contract | None, after: Contract) -> Iterator[WeightOfYear]:
    for year in range(1, max(1, after.programme.contract_year_of(after.programme.last_month)) + 1):
        was, is_ = (None if each is None else _weight(each, year) for each in (before, after))
        if was != is_:
            yield WeightOfYear(year, was, is_)


def _weight(contract: Contract, year: int) -> Decimal | None:
    stated = [weight for requirement in contract.requirements if (weight := requirement.weight_in(year)) is not None]
    return sum(stated, Decimal(0)) if stated else None


def _months_touched(before: Contract, after: Contract, obligations: Iterable[Obligation], accepted: Iterable[Month]) -> list[Month]:
    names = changed_lines(before, after)
    changes = [each.months for each in obligations]
    for one, other in ((_shown(before, after), _shown(after, before)), (_volumes(before, names), _volumes(after, names))):
        changes += [months for _, ranges in xor(one, other) for months in ranges]
    reported = of_months(month.ordinal for month in accepted)
    return [Month(month) for first, last in common(reported, united(changes)) for month in range(first, last + 1)]


def _shown(contract: Contract, other: Contract) -> Said:
    """What reports show besides figures, and judge them by: names, definitions, targets, deadlines, places.

    A measure, pathway, segment, collection or organisation that the other contract does not have is shown by what is owed of it alone.
    """
    found: dict[tuple[Hashable, ...], list[Range]] = defaultdict(list)
    theirs = {key for key, _, _ in _named(other)}

    def say(noun: str, line: Line, months: Ranges = ALWAYS, *, without: Collection[str] = ()) -> None:
        found[noun, line.model_dump_json(exclude=set(without))] += months

    say("programme", contract.programme, without=("name", "value_pence", "publication"))
    for code in {measure.code for measure in contract.measures} & {measure.code for measure in other.measures}:
        for said, months in in_force(contract, code, lambda measure: (measure.model_dump_json(exclude={*_MONTHS, "version"}),)).items():
            found["measure", *said] += months
    for requirement in contract.requirements:
        say("requirement", requirement, without=("targets", "weight", "collectability", "process_control"))
        control = requirement.process_control or USUAL_CONTROL
        found["process control", requirement.measure, control.model_dump_json(exclude={"rebases"})] += ALWAYS
        for rebase in control.rebases:
            found["rebase", requirement.measure, rebase.model_dump_json(exclude={"reason"})] += [span(rebase.from_month, None)]
        for target in requirement.targets:
            json = target.model_dump_json(exclude={*_MONTHS})
            found["target", requirement.measure, json] += united([span(target.from_month, target.to_month)])
    for phase in contract.phases:
        say("phase", phase, united([span(phase.from_month, phase.to_month)]), without=_MONTHS)
    for key, months in (*_sites(contract, other), *_commissioners(contract, other)):
        found[key] += months
    for key, named, members in _named(contract):
        if key in theirs:
            say(" ".join(key), named, without=members)
    for agreement in contract.subcontracts:
        found["subcontract", agreement.reference, agreement.organisation] += live_months(agreement)
    return {said: united(months) for said, months in found.items()}


def _sites(contract: Contract, other: Contract) -> Iterator[tuple[tuple[Hashable, ...], Ranges]]:
    """Each site that somebody is assigned to, under itself and under those above it; nothing where both contracts say the same of sites."""
    if contract.sites == other.sites:
        return
    held = _assigned(contract, lambda fact: fact.site)
    for site in contract.sites:
        months = common(held.get(site.code, ()), united([span(site.from_month, site.to_month)]))
        for code in (site.code, *ancestors(site.code, contract.site_parents)):
            yield ("site", site.code, contract.site[code].model_dump_json(exclude={*_MONTHS, "parent"})), months


def _commissioners(contract: Contract, other: Contract) -> Iterator[tuple[tuple[Hashable, ...], Ranges]]:
    """The same of commissioners. One above has a row while it is in force; where it has a successor, that one may have it afterwards."""
    if contract.commissioners == other.commissioners:
        return
    held = _assigned(contract, lambda fact: fact.commissioner)
    succeeded = {link.predecessor for link in contract.successions}
    for line in contract.commissioners:
        months = common(held.get(line.ods_code, ()), united([span(line.from_month, line.to_month)]))
        for code in (line.ods_code, *ancestors(line.ods_code, contract.commissioner_parents)):
            above = contract.commissioner[code]
            shown = ALWAYS if code in succeeded else united([span(above.from_month, above.to_month)])
            yield ("commissioner", line.ods_code, above.model_dump_json(exclude={*_MONTHS, "parent"})), common(months, shown)


def _assigned(contract: Contract, place_of: Callable[[Assignment], str]) -> dict[str, Ranges]:
    """The months in which somebody is assigned to each place."""
    found: dict[str, list[Range]] = defaultdict(list)
    for facts in contract.lines.values():
        for place in {place_of(fact) for fact in facts}:
            found[place].append(span(facts[0].from_month, facts[0].to_month))
    return {place: united(months) for place, months in found.items()}


def _named(contract: Contract) -> Iterator[tuple[tuple[str, ...], Line, tuple[str, ...]]]:
    """The lines whose months are those of what is owed of them, by their keys; and which members say only what that is."""
    yield from ((("pathway", line.code), line, ("segments",)) for line in contract.pathways)
    yield from ((("segment", pathway, code), line, ("measures",)) for (pathway, code), line in contract.segment.items())
    yield from ((("collection", line.code), line, ("measures",)) for line in contract.collections)
    yield from ((("organisation", line.ods_code), line, ()) for line in contract.organisations)


def _volumes(contract: Contract, names: Iterable[str]) -> Said:
    """The expected volumes of some lines, place by place."""
    found: dict[tuple[Hashable, ...], list[Range]] = defaultdict(list)
    for name in names:
        for fact in contract.lines.get(name, ()):
            if fact.volume is not None or fact.line_volume is not None:
                found[*fact[:5], fact.volume, fact.line_volume].append(span(fact.from_month, fact.to_month))
    return {said: united(months) for said, months in found.items()}
