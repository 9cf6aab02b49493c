"""Lines of assignments among the rest of their document: the places that each stands for, and what is wrong between them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from app.assignments.domain import Assignment, AssignmentLine, facts_of, named
from app.assignments.faults import Stated, above_whole, misfits
from app.assignments.gaps import commissioners_as_places, sites_as_places
from app.configuration.document import Document
from app.kernel.codes import ALL
from app.kernel.months import overlap
from app.kernel.refusals import Fault
from app.pathways.domain import Pathway
from app.programmes.domain import Commissioner, Site, ancestors, leaves


class Everywhere(NamedTuple):
    """What `all` stands for: the lowest sites that a pathway is for, by pathway, and the lowest commissioners."""

    sites: dict[str, tuple[str, ...]]
    commissioners: tuple[str, ...]

    @classmethod
    def of(cls, sites: Iterable[Site], commissioners: Iterable[Commissioner], pathways: Iterable[Pathway]) -> "Everywhere":
        """In the order of their codes; `all` itself where there are none."""
        parents = {line.code: line.parent for line in sites}
        lowest = [(code, *ancestors(code, parents)) for code in sorted(leaves(tuple(parents), parents))]
        of_pathway = {
            pathway.code: tuple(site for site, *above in lowest if pathway.is_for(site, *above)) or (ALL,) for pathway in pathways
        }
        above = {line.ods_code: line.parent for line in commissioners}
        return cls(of_pathway, tuple(sorted(leaves(tuple(above), above))) or (ALL,))


class Placed(NamedTuple):
    """A line in its normal form, the digest that names it, and the sites and commissioners that it stands for."""

    line: AssignmentLine
    name: str
    sites: tuple[str, ...]
    commissioners: tuple[str, ...]

    def facts(self) -> tuple[Assignment, ...]:
        return tuple(facts_of(self.line, self.name, sites=self.sites, commissioners=self.commissioners))


def placed(document: Document) -> list[Placed]:
    """The lines of a document with the places that they stand for: facts come of them when they are asked for."""
    everywhere = Everywhere.of(document.sites, document.commissioners, document.pathways)
    found = []
    for stated in document.assignments:
        line, name = named(stated, first_month=document.programme.first_month)
        sites = line.sites or everywhere.sites.get(line.pathway, (ALL,))
        found.append(Placed(line, name, sites, line.commissioners or everywhere.commissioners))
    return found


def faults_between(document: Document, lines: Sequence[Placed]) -> Iterator[Fault]:
    """What is wrong between lines of assignments, and between them and their subcontracts."""
    known = {ALL, *(line.code for line in document.sites), *(line.ods_code for line in document.commissioners)}
    known |= {code for pathway in document.pathways for code in (pathway.code, *(segment.code for segment in pathway.segments))}
    yield from above_whole(
        [Stated(each.line, each.sites, each.commissioners) for each in lines],
        sites=sites_as_places(document.sites),
        commissioners=commissioners_as_places(document.commissioners),
        known=known,
    )
    yield from misfits(
        document.assignments,
        segment_settings={(pathway.code, segment.code): segment.setting for pathway in document.pathways for segment in pathway.segments},
        subcontract_settings={line.reference: line.settings for line in document.subcontracts},
    )
    held: dict[tuple[str, str, str], list[tuple[int, Placed]]] = {}
    for number, each in enumerate(lines):
        yield from _volumes(number, document.assignments[number], each)
        line = each.line
        others = held.setdefault((line.subcontract, line.pathway, line.segment), [])
        for earlier, other in others:
            both = _places_of_both(each, other)
            if both:
                detail = f"In {both} places this line holds what /assignments/{earlier} holds already, in a month of both."
                fix = "Let the two lines differ in site, commissioner or months."
                yield Fault("assigned_twice", detail, fix, pointer=f"/assignments/{number}")
        others.append((number, each))


def _places_of_both(one: Placed, other: Placed) -> int:
    if not overlap((one.line.from_month, one.line.to_month), (other.line.from_month, other.line.to_month)):
        return 0
    return len({*one.sites} & {*other.sites}) * len({*one.commissioners} & {*other.commissioners})


def _volumes(number: int, line: AssignmentLine, each: Placed) -> Iterator[Fault]:
    places = line.expected_volume.places if line.expected_volume else None
    for position, place in enumerate(places or ()):
        if place.volume < 0:
            where = f"/assignments/{number}/expected_volume/{position}/volume"
            yield Fault("negative", "Nobody expects fewer patients than none.", "State a volume from 0.", pointer=where)
        if place.site not in each.sites or place.commissioner not in each.commissioners:
            detail = "The line does not hold this site and commissioner."
            at = f"/assignments/{number}/expected_volume/{position}"
            yield Fault("volume_elsewhere", detail, "Name a place of the line.", pointer=at)
