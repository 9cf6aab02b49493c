"""Where nobody delivers, and what does not hold together: segments, sites and commissioners over months, as ranges."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal, NamedTuple

from app.assignments.domain import WHOLE, Assignment, by_line
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.kernel.ranges import EVER, Range, Ranges, common, span, united, without
from app.organisations.domain import Succession
from app.pathways.domain import Pathway
from app.programmes.domain import Commissioner, Site
from app.programmes.hierarchy import Above, commissioners_above, lowest, sites_above
from app.subcontracts.domain import Subcontract, live_spans

Part = tuple[str, str]
"""A site and a commissioner."""


class Uncovered(NamedTuple):
    """Months in which nobody delivers a segment for any of these sites and any of these commissioners."""

    pathway: str
    segment: str
    sites: tuple[str, ...]
    commissioners: tuple[str, ...]
    months: Range


class ShareShort(NamedTuple):
    """Months in which everybody who delivers there declares a share, and the shares do not come to 100."""

    pathway: str
    segment: str
    sites: tuple[str, ...]
    commissioners: tuple[str, ...]
    months: Range
    share: Decimal


class Waived(NamedTuple):
    """A line that delivers under a waiver; `needed` where the subcontract's settings do not hold the segment's."""

    facts: Sequence[Assignment]
    setting: str | None
    needed: bool


class OutsideTerm(NamedTuple):
    """Months that a line names and in which its subcontract (or who reports for it) does not deliver, or its organisation is closed."""

    facts: Sequence[Assignment]
    months: Range
    reason: Literal["before_term", "after_term", "not_live", "organisation_closed", "reporter_not_live"]


class OutsideScope(NamedTuple):
    """Months in which a line names sites or commissioners that are out of scope, or sites that its pathway is not for."""

    facts: Sequence[Assignment]
    sites: tuple[str, ...]
    commissioners: tuple[str, ...]
    months: Range
    reason: Literal["site_not_in_scope", "commissioner_not_in_force", "site_not_of_pathway"]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Everything found. `reporting` says of each segment who delivers it and who reports that, in which months: what the flow-down check goes on from."""

    uncovered: list[Uncovered]
    shares_short: list[ShareShort]
    waivers: list[Waived]
    outside_term: list[OutsideTerm]
    outside_scope: list[OutsideScope]
    reporting: Mapping[Part, Mapping[Part, Ranges]]


class Places:
    """Sites or commissioners with the months in which each is in scope (`own`), and in which nothing narrower is (`lowest`)."""

    def __init__(self, lines: Iterable[tuple[str, Month | None, Month | None]], above: Above) -> None:
        self.own: dict[str, Ranges] = {code: united([span(first, last)]) for code, first, last in lines} or {ALL: (EVER,)}
        self.lowest = lowest(self.own, above)
        self.with_above: dict[str, dict[str, Ranges]] = {code: {code: (EVER,), **above.get(code, {})} for code in self.own}

    def above(self, code: str) -> tuple[str, ...]:
        """A place and those above it; of one that is none of these, itself."""
        return tuple(self.with_above.get(code, (code,)))

    def within(self, codes: Collection[str]) -> list[str]:
        """The places that are among these, or below one of them."""
        return [code for code in sorted({*codes, *self.own}) if any(each in codes for each in self.above(code))]


def sites_as_places(sites: Collection[Site]) -> Places:
    lines = ((site.code, site.from_month, site.to_month) for site in sites)
    return Places(lines, sites_above({site.code: site.parent for site in sites}))


def commissioners_as_places(commissioners: Collection[Commissioner], successions: Iterable[Succession] = ()) -> Places:
    lines = ((line.ods_code, line.from_month, line.to_month) for line in commissioners)
    return Places(lines, commissioners_above(commissioners, successions))


def live_months(subcontract: Subcontract) -> Ranges:
    """The months on some day of which a subcontract delivers."""
    return united(span(Month.of(days.first), Month.of(days.last)) for days in live_spans(subcontract))


@dataclass(frozen=True)
class Search:
    """What is looked through: a programme's places and agreements, and the months asked about, within its term.

    `delivering` are the months in which each subcontract delivers and its organisation is open.
    """

    term: Ranges
    asked: Ranges
    pathways: Sequence[Pathway]
    sites: Places
    commissioners: Places
    subcontracts: Mapping[str, Subcontract]
    delivering: Mapping[str, Ranges]
    assignments: Sequence[Assignment]

    def gaps(self) -> Gaps:
        lines = list(by_line(self.assignments).values())
        live = {reference: common(months, self.term) for reference, months in self.delivering.items()}
        held, reporting = self._held(lines, live)
        uncovered, short = self._places(held)
        settings = {(pathway.code, segment.code): segment.setting for pathway in self.pathways for segment in pathway.segments}
        return Gaps(
            uncovered=uncovered,
            shares_short=short,
            waivers=[waived for facts in lines if (waived := self._waived(facts, settings))],
            outside_term=[outside for facts in lines for outside in self._outside_term(facts, live)],
            outside_scope=[outside for facts in lines for outside in self._outside_scope(facts)],
            reporting=reporting,
        )

    def _held(
        self, lines: Iterable[Sequence[Assignment]], live: Mapping[str, Ranges]
    ) -> tuple[dict[Part, dict[Part, list[tuple[Range, Decimal | None]]]], dict[Part, dict[Part, Ranges]]]:
        """By segment and place, the months in which each line delivers there; by segment, deliverer and reporter, those reported on."""
        held: dict[Part, dict[Part, list[tuple[Range, Decimal | None]]]] = defaultdict(lambda: defaultdict(list))
        reporting: dict[Part, dict[Part, list[Range]]] = defaultdict(lambda: defaultdict(list))
        in_scope = {
            (site, commissioner): common(common(own, others), self.term)
            for site, own in self.sites.own.items()
            for commissioner, others in self.commissioners.own.items()
        }
        for facts in lines:
            first = facts[0]
            segment = (first.pathway, first.segment)
            delivers = common(live.get(first.subcontract, ()), united([span(first.from_month, first.to_month)]))
            places = held[segment]
            # Of a hundred places of a line most have the same months.
            worked_out: dict[Ranges, list[tuple[Range, Decimal | None]]] = {}
            for fact in facts:
                part = (fact.site, fact.commissioner)
                scope = in_scope.get(part, ())
                months = worked_out.get(scope)
                if months is None:
                    months = worked_out[scope] = [(each, first.share) for each in common(delivers, scope)]
                places[part] += months
            reports = live.get(first.reporter, ())
            here = united(each for months in worked_out.values() for each, _ in months)
            reporting[segment][first.subcontract, first.reporter] += common(here, reports)
        return held, {
            segment: {parties: united(months) for parties, months in of_parties.items()} for segment, of_parties in reporting.items()
        }

    def _places(self, held: Mapping[Part, Mapping[Part, list[tuple[Range, Decimal | None]]]]) -> tuple[list[Uncovered], list[ShareShort]]:
        uncovered: list[Uncovered] = []
        short: list[ShareShort] = []
        asked = common(self.asked, self.term)
        for pathway in self.pathways:
            needed = dict(self._needed(pathway, asked))
            for segment in pathway.segments:
                delivered = held.get((pathway.code, segment.code), {})
                empty: dict[Range, list[Part]] = defaultdict(list)
                shared: dict[tuple[Range, Decimal], list[Part]] = defaultdict(list)
                for part, months in needed.items():
                    here = self._delivered(delivered, part)
                    for each in without(months, united(months for months, _ in here)):
                        empty[each].append(part)
                    if any(share is not None for _, share in here):
                        for each, share in _short(here, months):
                            shared[each, share].append(part)
                where = (pathway.code, segment.code)
                uncovered += [Uncovered(*where, *block, each) for each, parts in sorted(empty.items()) for block in blocks(parts)]
                short += [ShareShort(*where, *block, *each) for each, parts in sorted(shared.items()) for block in blocks(parts)]
        return uncovered, short

    def _needed(self, pathway: Pathway, asked: Ranges) -> Iterator[tuple[Part, Ranges]]:
        """The months in which each place of a pathway is to be served."""
        for site, months in self.sites.lowest.items():
            if not pathway.is_for(*self.sites.with_above[site]):
                continue
            in_scope = common(months, asked)
            for commissioner, in_force in self.commissioners.lowest.items():
                both = common(in_scope, in_force)
                if both:
                    yield (site, commissioner), both

    def _delivered(self, delivered: Mapping[Part, list[tuple[Range, Decimal | None]]], part: Part) -> list[tuple[Range, Decimal | None]]:
        """Who delivers at a place: whoever is assigned to it, or to a wider one that it is a part of."""
        sites, commissioners = self.sites.with_above[part[0]], self.commissioners.with_above[part[1]]
        if len(sites) == len(commissioners) == 1:
            return delivered.get(part, [])
        return [
            (months, share)
            for site in sites
            for commissioner, above in commissioners.items()
            for each, share in delivered.get((site, commissioner), ())
            for months in common((each,), above)
        ]

    def _waived(self, facts: Sequence[Assignment], settings: Mapping[Part, str | None]) -> Waived | None:
        first = facts[0]
        if first.waiver_reason is None or not common(self.asked, united([span(first.from_month, first.to_month)])):
            return None
        setting, allowed = settings[first.pathway, first.segment], self.subcontracts[first.subcontract].settings
        return Waived(facts, setting, needed=setting is not None and allowed is not None and setting not in allowed)

    def _outside_term(self, facts: Sequence[Assignment], live: Mapping[str, Ranges]) -> Iterator[OutsideTerm]:
        first = facts[0]
        agreement = self.subcontracts[first.subcontract]
        term = common(united([span(agreement.first_month, agreement.last_month)]), self.term)
        delivers, agreed = live[first.subcontract], common(live_months(agreement), self.term)
        # A line without an end goes on for as long as its subcontract does.
        last = agreed[-1][1] if agreed else EVER[0]
        named = common(united([(first.from_month.ordinal, last if first.to_month is None else first.to_month.ordinal)]), self.asked)
        begins = term[0][0] if term else EVER[1]
        for months in without(named, term):
            yield OutsideTerm(facts, months, "before_term" if months[0] < begins else "after_term")
        for months in without(common(named, term), agreed):
            yield OutsideTerm(facts, months, "not_live")
        for months in without(common(named, agreed), delivers):
            yield OutsideTerm(facts, months, "organisation_closed")
        for months in without(common(named, delivers), live.get(first.reporter, ())):
            yield OutsideTerm(facts, months, "reporter_not_live")

    def _outside_scope(self, facts: Sequence[Assignment]) -> Iterator[OutsideScope]:
        first = facts[0]
        pathway = next(pathway for pathway in self.pathways if pathway.code == first.pathway)
        named = common(united([span(first.from_month, first.to_month)]), self.asked)
        if not first.every_site and pathway.sites is not None:
            others = sorted(site for site in {fact.site for fact in facts} if not pathway.is_for(*self.sites.with_above[site]))
            if others and named:
                yield OutsideScope(facts, tuple(others), (), (named[0][0], named[-1][1]), "site_not_of_pathway")
        if not first.every_site:
            for months, codes in self._beyond({fact.site for fact in facts}, self.sites, named, open_end=first.to_month is None):
                yield OutsideScope(facts, codes, (), months, "site_not_in_scope")
        if not first.every_commissioner:
            places = self.commissioners
            for months, codes in self._beyond({fact.commissioner for fact in facts}, places, named, open_end=first.to_month is None):
                yield OutsideScope(facts, (), codes, months, "commissioner_not_in_force")

    @staticmethod
    def _beyond(codes: Iterable[str], places: Places, named: Ranges, *, open_end: bool) -> Iterator[tuple[Range, tuple[str, ...]]]:
        """Months named in which places are not in scope; a line without an end goes on for as long as the place is."""
        found: dict[Range, list[str]] = defaultdict(list)
        for code in sorted(codes):
            own = places.own.get(code, ())
            upto = common(named, united([(EVER[0], own[-1][1])])) if open_end and own else named
            for months in without(upto, own):
                found[months].append(code)
        yield from ((months, tuple(of)) for months, of in sorted(found.items()))


def _short(here: Sequence[tuple[Range, Decimal | None]], needed: Ranges) -> Iterator[tuple[Range, Decimal]]:
    """The months in which all who deliver declare a share and the sum is short of 100, with the sum."""
    edges = sorted({edge for (first, last), _ in here for edge in (first, last + 1)})
    found: dict[Decimal, list[Range]] = defaultdict(list)
    for first, following in pairwise(edges):
        shares = [share for (begins, ends), share in here if begins <= first <= ends]
        declared = [share for share in shares if share is not None]
        if shares and len(declared) == len(shares) and sum(declared) < WHOLE:
            found[sum(declared, Decimal(0))].append((first, following - 1))
    for total, months in found.items():
        yield from ((each, total) for each in common(united(months), needed))


def blocks(parts: Iterable[Part]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pairs of site and commissioner as few blocks, each of some sites by some commissioners."""
    of_site: dict[str, list[str]] = defaultdict(list)
    for site, commissioner in parts:
        of_site[site].append(commissioner)
    sites: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for site, commissioners in of_site.items():
        sites[tuple(sorted(commissioners))].append(site)
    return ((tuple(sorted(of)), commissioners) for commissioners, of in sites.items())
