"""The contract as it stood at a moment: every noun of a programme, as one value that rules read."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from app.assignments.domain import Assignment, AssignmentLine, by_line, line_of
from app.calendar.domain import Collection
from app.calendar.working_days import ENGLAND, WorkingDays
from app.kernel.months import Month
from app.kernel.ranges import Ranges, span, united
from app.kernel.shelf import Shelf
from app.measures.domain import Measure, in_force
from app.organisations.domain import Organisation, Succession
from app.pathways.domain import Handover, Pathway, Segment
from app.programmes.domain import Commissioner, Phase, PhaseDecision, Programme, Requirement, Site, phase_in
from app.programmes.hierarchy import commissioners_above, lowest
from app.subcontracts.domain import Subcontract

_MONTHS_KEPT: Final = 24


@dataclass(frozen=True)
class Contract:
    """A programme as it stood; `recorded_at` is the moment of its last change. Never changes once made."""

    programme: Programme
    recorded_at: datetime
    organisations: tuple[Organisation, ...]
    commissioners: tuple[Commissioner, ...]
    phases: tuple[Phase, ...]
    sites: tuple[Site, ...]
    measures: tuple[Measure, ...]
    pathways: tuple[Pathway, ...]
    collections: tuple[Collection, ...]
    requirements: tuple[Requirement, ...]
    subcontracts: tuple[Subcontract, ...]
    assignments: tuple[Assignment, ...]
    days: WorkingDays = ENGLAND
    successions: tuple[Succession, ...] = ()
    decisions: tuple[PhaseDecision, ...] = ()
    """The approved ones, in the order of their approval."""
    handovers: tuple[Handover, ...] = ()
    reported_for: tuple[Subcontract, ...] = ()
    """Of a subcontract's own view: those that it reports for, with their terms and nothing that is theirs alone."""

    @cached_property
    def worked_out(self) -> Shelf:
        """What rules have worked out of this contract before: pure functions of it. There is room for the returns of two years."""
        return Shelf(_MONTHS_KEPT * max(1, len(self.subcontracts) * len(self.collections)))

    def phase_in(self, month: Month) -> int | None:
        """The phase that a month is in."""
        return phase_in(self.phases, self.decisions, month)

    @cached_property
    def site(self) -> dict[str, Site]:
        return {site.code: site for site in self.sites}

    @cached_property
    def site_parents(self) -> dict[str, str | None]:
        return {site.code: site.parent for site in self.sites}

    @cached_property
    def commissioner(self) -> dict[str, Commissioner]:
        return {commissioner.ods_code: commissioner for commissioner in self.commissioners}

    @cached_property
    def commissioner_parents(self) -> dict[str, str | None]:
        return {commissioner.ods_code: commissioner.parent for commissioner in self.commissioners}

    @cached_property
    def commissioners_lowest(self) -> dict[str, Ranges]:
        """The months in which each commissioner is in force and none below it is."""
        own = {line.ods_code: united([span(line.from_month, line.to_month)]) for line in self.commissioners}
        return lowest(own, commissioners_above(self.commissioners, self.successions))

    @cached_property
    def collection(self) -> dict[str, Collection]:
        return {collection.code: collection for collection in self.collections}

    @cached_property
    def subcontract(self) -> dict[str, Subcontract]:
        return {subcontract.reference: subcontract for subcontract in self.subcontracts}

    @cached_property
    def agreement(self) -> dict[str, Subcontract]:
        """Every subcontract that delivers something which is returned here: those of this view, and those that it reports for."""
        return {line.reference: line for line in (*self.reported_for, *self.subcontracts)}

    @cached_property
    def organisation(self) -> dict[str, Organisation]:
        return {organisation.ods_code: organisation for organisation in self.organisations}

    @cached_property
    def pathway(self) -> dict[str, Pathway]:
        return {pathway.code: pathway for pathway in self.pathways}

    @cached_property
    def segment(self) -> dict[tuple[str, str], Segment]:
        """Segments by (pathway, segment)."""
        return {(pathway.code, segment.code): segment for pathway in self.pathways for segment in pathway.segments}

    @cached_property
    def requirement(self) -> dict[str, Requirement]:
        return {requirement.measure: requirement for requirement in self.requirements}

    @cached_property
    def _versions(self) -> dict[str, tuple[Measure, ...]]:
        versions: dict[str, list[Measure]] = defaultdict(list)
        for measure in self.measures:
            versions[measure.code].append(measure)
        return {code: tuple(found) for code, found in versions.items()}

    def measure(self, code: str, month: Month) -> Measure | None:
        """The version of a measure in force in a month."""
        return in_force(self._versions.get(code, ()), month)

    @cached_property
    def scope_changes(self) -> frozenset[int]:
        """The ordinals of the months from which a site, a commissioner or a measure is another than the month before, or a lower level."""
        lines: tuple[Site | Commissioner | Measure, ...] = (*self.sites, *self.commissioners, *self.measures)
        begun = {line.from_month.ordinal for line in lines if line.from_month is not None}
        begun |= {edge for ranges in self.commissioners_lowest.values() for first, last in ranges for edge in (first, last + 1)}
        return frozenset(begun | {line.to_month.ordinal + 1 for line in lines if line.to_month is not None})

    @cached_property
    def assignments_of(self) -> dict[str, tuple[Assignment, ...]]:
        """Assignments by the subcontract that reports them."""
        found: dict[str, list[Assignment]] = defaultdict(list)
        for assignment in self.assignments:
            found[assignment.reporter].append(assignment)
        return {reference: tuple(assignments) for reference, assignments in found.items()}

    @cached_property
    def reporters_for(self) -> dict[str, frozenset[str]]:
        """Of each subcontract that does not report itself everywhere, those that report for it."""
        found: dict[str, set[str]] = defaultdict(set)
        for facts in self.lines.values():
            if facts[0].other_reporter is not None:
                found[facts[0].subcontract].add(facts[0].other_reporter)
        return {reference: frozenset(reporters) for reference, reporters in found.items()}

    @cached_property
    def lines(self) -> dict[str, tuple[Assignment, ...]]:
        """The assignments of each line that they were written in, by the digest that names it."""
        return {name: tuple(facts) for name, facts in by_line(self.assignments).items()}

    def line(self, name: str) -> AssignmentLine:
        """The line of this name, as it was written."""
        return self.worked_out.kept("lines", name, lambda: line_of(self.lines[name]), most=len(self.lines))

    def collection_of(self, measure: str, sector: str) -> Collection | None:
        """The one collection that a sector returns a measure in."""
        for collection in self.collections:
            if any(use.code == measure and use.asked_of(sector) for use in collection.measures):
                return collection
        return None
