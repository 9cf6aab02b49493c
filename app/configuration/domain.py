"""What makes a document one that can be brought into force: every rule that its lines must keep between them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from app.calendar.deadlines import deadline, return_months, rules_of
from app.calendar.domain import DeadlineRule
from app.calendar.working_days import ENGLAND
from app.configuration.assigned import Placed, faults_between, placed
from app.configuration.contradictions import contradictions
from app.configuration.document import Document
from app.configuration.handovers import handovers_astray
from app.configuration.rules import rules_astray
from app.kernel.codes import is_code
from app.kernel.months import Month, overlap
from app.kernel.ranges import EVER
from app.kernel.refusals import Fault
from app.measures.catalogue import CATALOGUE
from app.measures.domain import Aggregation, Measure
from app.programmes.domain import Programme, descends
from app.programmes.faults import above_the_contract, gates_astray
from app.reports.slices import SLICES
from app.subcontracts.domain import faults_of as faults_of_subcontract

EARLIEST, LATEST = Month(EVER[0]), Month(EVER[1])
_COUNTS: Final[frozenset[Aggregation]] = frozenset({"count_sum", "stock_last", "banded"})


def faults_of(document: Document, *, registered: frozenset[str], lines: Sequence[Placed] | None = None) -> list[Fault]:
    """Everything that is wrong between the lines of a document; `registered` are the codes of the shared register.

    `lines` are its assignments' lines with their places, where these have been worked out already.
    """
    return [
        *_repeated(document),
        *_reversed(document),
        *_year_starts(document.programme),
        *_deadlines(document),
        *_hierarchies(document),
        *_measures(document),
        *_versions(document),
        *_references(document, registered),
        *_assigned(document),
        *_collected_twice(document),
        *_weights(document),
        *_judged(document),
        *_grades(document),
        *contradictions(document),
        *handovers_astray(document),
        *_agreements(document),
        *above_the_contract(document.commissioners),
        *gates_astray(document.phases, {line.code for line in document.measures}),
        *rules_astray(document),
        *faults_between(document, placed(document) if lines is None else lines),
    ]


def _repeated(document: Document) -> Iterator[Fault]:
    keys: dict[str, list[Any]] = {
        "organisations": [line.ods_code for line in document.organisations],
        "commissioners": [line.ods_code for line in document.commissioners],
        "phases": [line.number for line in document.phases],
        "sites": [line.code for line in document.sites],
        "measures": [(line.code, line.version) for line in document.measures],
        "pathways": [line.code for line in document.pathways],
        "collections": [line.code for line in document.collections],
        "requirements": [line.measure for line in document.requirements],
        "subcontracts": [line.reference for line in document.subcontracts],
        "handovers": [line.code for line in document.handovers],
    }
    keys |= {f"pathways/{number}/segments": [segment.code for segment in line.segments] for number, line in enumerate(document.pathways)}
    keys |= {
        f"measures/{number}/breakdown/categories": [category.code for category in line.breakdown.categories]
        for number, line in enumerate(document.measures)
        if line.breakdown
    }
    for where, codes in keys.items():
        first: dict[Any, int] = {}
        for number, code in enumerate(codes):
            if code in first:
                detail = f"This line has the same key as /{where}/{first[code]}."
                yield Fault("duplicate", detail, "Keep one of the two.", pointer=f"/{where}/{number}")
            first.setdefault(code, number)


def _reversed(document: Document) -> Iterator[Fault]:
    fix = "Let it end no earlier than it begins."
    if document.programme.ends_on < document.programme.starts_on:
        yield Fault("reversed", "The programme ends before it starts.", fix, pointer="/programme/ends_on")
    spans: list[tuple[str, Month | None, Month | None]] = []
    spans += [(f"/commissioners/{number}", line.from_month, line.to_month) for number, line in enumerate(document.commissioners)]
    spans += [(f"/phases/{number}", line.from_month, line.to_month) for number, line in enumerate(document.phases)]
    spans += [(f"/sites/{number}", line.from_month, line.to_month) for number, line in enumerate(document.sites)]
    spans += [(f"/assignments/{number}", line.from_month, line.to_month) for number, line in enumerate(document.assignments)]
    spans += [(f"/measures/{number}", line.from_month, line.to_month) for number, line in enumerate(document.measures)]
    for number, requirement in enumerate(document.requirements):
        spans += [
            (f"/requirements/{number}/targets/{each}", target.from_month, target.to_month)
            for each, target in enumerate(requirement.targets)
        ]
        spans += [
            (f"/requirements/{number}/collectability/{each}", line.from_month, line.to_month)
            for each, line in enumerate(requirement.collectability)
        ]
    for pointer, first, last in spans:
        if first is not None and last is not None and last < first:
            yield Fault("reversed", "to_month lies before from_month.", fix, pointer=f"{pointer}/to_month")


def _year_starts(programme: Programme) -> Iterator[Fault]:
    try:
        # A year that is no leap year: the day has to be in all of them.
        date.fromisoformat(f"2001-{programme.contract_year_starts or '01-01'}")
    except ValueError:
        detail, fix = "Not every year has this day.", "Name the month and day on which contract years begin, such as 04-01."
        yield Fault("no_such_day", detail, fix, pointer="/programme/contract_year_starts")


def _deadlines(document: Document) -> Iterator[Fault]:
    for number, collection in enumerate(document.collections):
        months = list(return_months(collection, document.programme))
        begin = [EARLIEST, *(each.from_month for each in collection.deadlines_from)]
        for place, (first, following) in enumerate(pairwise([*begin, LATEST])):
            where = f"/collections/{number}" + (f"/deadlines_from/{place - 1}" if place else "")
            for (before, earlier), (kind, later) in pairwise(rules_of(collection, first).items()):
                if not _in_order(earlier, later, [month for month in months if first <= month < following]):
                    detail = f"In some month {kind} would fall before {before}."
                    yield Fault("deadline_order", detail, f"Let {kind} fall no earlier than {before}.", pointer=f"{where}/{kind}")


def _in_order(earlier: DeadlineRule, later: DeadlineRule, months: Sequence[Month]) -> bool:
    """Whether one deadline never falls after another in any of these months."""
    if later.months_later >= earlier.months_later and (later.working_day, later.at) >= (earlier.working_day, earlier.at):
        return True
    return all(deadline(earlier, month, ENGLAND) <= deadline(later, month, ENGLAND) for month in months)


def _agreements(document: Document) -> Iterator[Fault]:
    for number, agreement in enumerate(document.subcontracts):
        yield from (replace(fault, pointer=f"/subcontracts/{number}{fault.pointer}") for fault in faults_of_subcontract(agreement))


def _hierarchies(document: Document) -> Iterator[Fault]:
    commissioners = {line.ods_code: line.parent for line in document.commissioners}
    sites = {line.code: line.parent for line in document.sites}
    parents = [
        (f"/commissioners/{number}/parent", line.ods_code, line.parent, commissioners) for number, line in enumerate(document.commissioners)
    ]
    parents += [(f"/sites/{number}/parent", line.code, line.parent, sites) for number, line in enumerate(document.sites)]
    for pointer, code, parent, known in parents:
        if parent is not None and parent not in known:
            yield _unknown("parent", pointer)
        elif descends(code, code, known) or parent == code:
            yield Fault("circular", "This place lies above itself.", "Break the circle of parents.", pointer=pointer)


def _measures(document: Document) -> Iterator[Fault]:
    sites = {line.code for line in document.sites}
    parents = {line.code: line.parent for line in document.sites}
    for number, measure in enumerate(document.measures):
        at = f"/measures/{number}"
        yield from _bands(measure, at)
        for narrow, wide in measure.site_map.items():
            if narrow in sites and not descends(narrow, wide, parents):
                detail = "The site map sends this site to what is not a site above it."
                yield Fault("site_map", detail, "Name a site of the programme that lies above it.", pointer=f"{at}/site_map/{narrow}")
        for member, places in (("split_by", measure.split_by), ("unknown", measure.unknown)):
            if len(set(places)) != len(places):
                yield Fault("repeated", "A place stands twice in this list.", "Name each once.", pointer=f"{at}/{member}")
        if measure.proportion and measure.aggregation in _COUNTS:
            detail = f"The aggregation {measure.aggregation} has no denominator that this could be a proportion of."
            yield Fault("proportion", detail, "Leave proportion out, or aggregate a ratio.", pointer=f"{at}/proportion")
        for place in measure.unknown:
            if place not in measure.split_by:
                detail = f"UNKNOWN is allowed for {place}, which the measure is not split by."
                yield Fault("unknown_place", detail, f"Add {place} to split_by, or leave it out here.", pointer=f"{at}/unknown")


def _versions(document: Document) -> Iterator[Fault]:
    last: dict[str, Measure] = {}
    known = {(measure.code, measure.version) for measure in (*document.measures, *CATALOGUE.values())}
    for number, measure in sorted(enumerate(document.measures), key=lambda each: each[1].version):
        earlier = last.setdefault(measure.code, measure)
        if earlier.version != measure.version and not _begins_after(measure, earlier):
            detail = "This version does not begin after the one before it."
            yield Fault("version_order", detail, "Let each version begin in a later month.", pointer=f"/measures/{number}/from_month")
        last[measure.code] = measure
        for each, superseded in enumerate(measure.supersedes):
            at = f"/measures/{number}/supersedes/{each}"
            if (superseded.code, superseded.version) not in known:
                yield _unknown("measure", at)
            elif (superseded.code, superseded.version) == (measure.code, measure.version):
                yield Fault("circular", "A version does not supersede itself.", "Name another version.", pointer=at)


def _begins_after(measure: Measure, earlier: Measure) -> bool:
    return measure.from_month is not None and (earlier.from_month is None or earlier.from_month < measure.from_month)


def _bands(measure: Measure, at: str) -> Iterator[Fault]:
    if measure.aggregation != "banded":
        if measure.statistic is not None:
            yield Fault("statistic", "Only a banded measure has a statistic.", "Leave statistic out.", pointer=f"{at}/statistic")
        return
    uppers = [category.upper for category in measure.breakdown.categories] if measure.breakdown else []
    for number, upper in enumerate(uppers):
        if upper is not None and upper < 0:
            where = f"{at}/breakdown/categories/{number}/upper"
            yield Fault("negative", "Nothing that is measured lies below zero.", "State a bound from 0.", pointer=where)
    closed = [upper for upper in uppers[:-1] if upper is not None]
    if (
        not uppers
        or len(closed) != len(uppers) - 1
        or any(high <= low for low, high in zip(closed, uppers[1:], strict=False) if high is not None)
    ):
        detail = "A banded measure has a breakdown whose categories rise, each with its upper bound; only the last may be open."
        yield Fault("bands", detail, "Give every category but the last an upper, in rising order.", pointer=f"{at}/breakdown")


def _unknown(noun: str, pointer: str) -> Fault:
    """The pointer says which: what was sent is never repeated."""
    fix = f"Add the {noun}, or correct the code."
    if noun == "organisation":
        fix = "Add the organisation here or to the register (PUT /v1/organisations/{organisation}), or correct the code."
    return Fault(f"unknown_{noun}", f"There is no such {noun} in this document.", fix, pointer=pointer)


def _references(document: Document, registered: frozenset[str]) -> Iterator[Fault]:
    organisations = registered | {line.ods_code for line in document.organisations}
    measures = {line.code for line in document.measures}
    commissioners = {line.ods_code for line in document.commissioners}
    sites = {line.code for line in document.sites}
    references = {line.reference for line in document.subcontracts}
    asked: list[tuple[str, str, frozenset[str] | set[str], str]] = [
        ("organisation", document.programme.prime, organisations, "/programme/prime")
    ]
    asked += [
        ("organisation", line.organisation, organisations, f"/subcontracts/{n}/organisation")
        for n, line in enumerate(document.subcontracts)
    ]
    asked += [
        ("measure", use.code, measures, f"/pathways/{p}/segments/{s}/measures/{m}")
        for p, pathway in enumerate(document.pathways)
        for s, segment in enumerate(pathway.segments)
        for m, use in enumerate(segment.measures)
    ]
    asked += [
        ("measure", use.code, measures, f"/collections/{n}/measures/{m}")
        for n, collection in enumerate(document.collections)
        for m, use in enumerate(collection.measures)
    ]
    for number, requirement in enumerate(document.requirements):
        asked.append(("measure", requirement.measure, measures, f"/requirements/{number}/measure"))
        rebases = requirement.process_control.rebases if requirement.process_control else ()
        aimed = [(f"targets/{each}", target.for_) for each, target in enumerate(requirement.targets)]
        aimed += [(f"process_control/rebases/{each}", rebase.for_) for each, rebase in enumerate(rebases)]
        for line, for_ in aimed:
            at = f"/requirements/{number}/{line}/for"
            whom = (("commissioner", commissioners), ("subcontract", references), ("site", sites))
            asked += [(noun, getattr(for_, noun), known, f"{at}/{noun}") for noun, known in whom if getattr(for_, noun, None)]
        asked += [
            ("subcontract", grade.subcontract, references, f"/requirements/{number}/collectability/{each}/subcontract")
            for each, grade in enumerate(requirement.collectability)
            if grade.subcontract is not None
        ]
    asked += [
        ("site", code, sites, f"/pathways/{p}/sites/{n}")
        for p, line in enumerate(document.pathways)
        for n, code in enumerate(line.sites or ())
    ]
    yield from (_unknown(noun, pointer) for noun, code, known, pointer in asked if code not in known)


def _assigned(document: Document) -> Iterator[Fault]:
    """What assignments name and is not there."""
    commissioners = {line.ods_code for line in document.commissioners}
    sites = {line.code for line in document.sites}
    references = {line.reference for line in document.subcontracts}
    segments = {(pathway.code, segment.code) for pathway in document.pathways for segment in pathway.segments}
    pathways = {pathway for pathway, _ in segments}
    for number, line in enumerate(document.assignments):
        at = f"/assignments/{number}"
        asked: list[tuple[str, str | None, set[str], str]] = [
            ("subcontract", line.subcontract, references, f"{at}/subcontract"),
            ("subcontract", line.reported_by, references, f"{at}/reported_by"),
            *(("site", code, sites, f"{at}/sites/{n}") for n, code in enumerate(line.sites or ())),
            *(("commissioner", code, commissioners, f"{at}/commissioners/{n}") for n, code in enumerate(line.commissioners or ())),
        ]
        if (line.pathway, line.segment) not in segments:
            noun = "segment" if line.pathway in pathways else "pathway"
            yield _unknown(noun, f"{at}/{noun}")
        yield from (_unknown(noun, pointer) for noun, code, known, pointer in asked if code is not None and code not in known)


def _collected_twice(document: Document) -> Iterator[Fault]:
    sectors = {line.sector for line in document.subcontracts}
    first: dict[tuple[str, str], str] = {}
    for number, collection in enumerate(document.collections):
        for each, use in enumerate(collection.measures):
            pointer = f"/collections/{number}/measures/{each}"
            for sector in sorted(sectors):
                if not use.asked_of(sector):
                    continue
                earlier = first.setdefault((use.code, sector), pointer)
                if earlier != pointer:
                    detail = f"This measure is already collected from the {sector} sector by {earlier}."
                    yield Fault("collected_twice", detail, "Leave it in one collection for each sector.", pointer=pointer)


def _weights(document: Document) -> Iterator[Fault]:
    last = max(1, document.programme.contract_year_of(document.programme.last_month))
    wrong = []
    for year in range(1, last + 1):
        stated = [weight for requirement in document.requirements if (weight := requirement.weight_in(year)) is not None]
        if stated and sum(stated, Decimal(0)) != 1:
            wrong.append(str(year))
    if wrong:
        detail = f"The weights of a contract year do not sum to one (year {', '.join(wrong)})."
        yield Fault("weights", detail, "Let the weights sum to exactly 1, or leave all of them out.", pointer="/requirements")
    for number, requirement in enumerate(document.requirements):
        at = f"/requirements/{number}/weight"
        by_year = requirement.weight if isinstance(requirement.weight, tuple) else ()
        every = (at, requirement.weight if isinstance(requirement.weight, Decimal) else None)
        for where, weight in (every, *((f"{at}/{each}/weight", of_year.weight) for each, of_year in enumerate(by_year))):
            if weight is not None and not 0 <= weight <= 1:
                yield Fault("weight", "A weight is a part of one.", "State a weight from 0 to 1.", pointer=where)
        for each, of_year in enumerate(by_year):
            if of_year.contract_year > last:
                detail = f"The programme's last contract year is {last}."
                fix = "Name a contract year of the programme's term."
                yield Fault("no_contract_year", detail, fix, pointer=f"{at}/{each}/contract_year")


def _judged(document: Document) -> Iterator[Fault]:
    """Requirements that apply to what no report shows."""
    for number, requirement in enumerate(document.requirements):
        for each, slice_ in enumerate(requirement.applies_to or ()):
            if slice_ not in SLICES:
                detail = f"No report has such a slice; those that a requirement can name are {', '.join(filter(is_code, SLICES))}."
                yield Fault("unknown_slice", detail, "Correct the slice.", pointer=f"/requirements/{number}/applies_to/{each}")


def _grades(document: Document) -> Iterator[Fault]:
    for number, requirement in enumerate(document.requirements):
        for each, line in enumerate(requirement.collectability):
            for other, earlier in enumerate(requirement.collectability[:each]):
                months = (earlier.from_month, earlier.to_month), (line.from_month, line.to_month)
                if line.subcontract == earlier.subcontract and overlap(*months):
                    at = f"/requirements/{number}/collectability"
                    detail = f"This line grades what {at}/{other} grades already, in a month of both."
                    yield Fault("graded_twice", detail, "Let the two lines differ in subcontract or months.", pointer=f"{at}/{each}")
