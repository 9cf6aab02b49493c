"""What is expected of whom: the duties that the contract implies in a month, and the cells of each return."""

from bisect import bisect_right
from collections.abc import Hashable, Iterator
from datetime import date
from typing import NamedTuple

from app.assignments.domain import Assignment
from app.calendar.contract import Contract
from app.calendar.deadlines import ends_period, months_of_period, return_months
from app.calendar.domain import Collection
from app.kernel.codes import ALL
from app.kernel.months import Month, covers
from app.kernel.ranges import Ranges, span, united
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.organisations.domain import closed_in, open_days
from app.programmes.domain import CarriedWeight, Requirement
from app.programmes.hierarchy import is_in_force
from app.subcontracts.domain import Span, ends_for_good, live_spans, signed_in


class CellKey(NamedTuple):
    """Where a figure stands in a return. Places that a measure is not split by are `all`."""

    pathway: str
    segment: str
    measure: str
    site: str
    commissioner: str
    category: str


class ReturnKey(NamedTuple):
    """What a subcontract owes for one collection and month."""

    collection: str
    subcontract: str
    month: Month


class ReturnFlags(NamedTuple):
    """What is worth knowing of a return before it is read: part of its period only, the last one, delivered without a signature."""

    part_month: bool
    final: bool
    unsigned: bool


class Duty(NamedTuple):
    """An assignment makes a subcontract return a measure; `site` and so on are where it is reported."""

    assignment: Assignment
    measure: Measure
    collection: Collection
    pathway: str
    segment: str
    site: str
    commissioner: str

    def cells(self) -> Iterator[CellKey]:
        for category in self.measure.category_codes:
            yield CellKey(self.pathway, self.segment, self.measure.code, self.site, self.commissioner, category)


def duties(contract: Contract, subcontract: str, month: Month) -> Iterator[Duty]:
    """What a subcontract's assignments ask of it in a month, whatever month its collections then fall due in."""
    agreement = contract.subcontract.get(subcontract)
    if agreement is None or not _is_live(contract, subcontract, month):
        return
    asked: dict[tuple[str, str, str], list[tuple[Measure, Collection]]] = {}
    for assignment in contract.assignments_of.get(subcontract, ()):
        if not assignment.in_month(month) or not _in_scope(contract, assignment, month):
            continue
        if assignment.other_reporter is not None and not _is_live(contract, assignment.subcontract, month):
            # Who reports for another owes what that one delivers, and no longer than it does.
            continue
        asking = (assignment.pathway, assignment.segment, contract.agreement[assignment.subcontract].sector)
        if asking not in asked:
            asked[asking] = list(_asked(contract, *asking, month, reporter_sector=agreement.sector))
        for measure, collection in asked[asking]:
            yield Duty(
                assignment=assignment,
                measure=measure,
                collection=collection,
                pathway=assignment.pathway if "pathway" in measure.split_by else ALL,
                segment=assignment.segment if "segment" in measure.split_by else ALL,
                site=measure.site_of(assignment.site),
                commissioner=assignment.commissioner if "commissioner" in measure.split_by else ALL,
            )


def _asked(
    contract: Contract, pathway: str, segment: str, sector: str, month: Month, *, reporter_sector: str
) -> Iterator[tuple[Measure, Collection]]:
    """The measures that a segment asks of a sector that delivers it in a month, and the collections in which its reporter's returns them."""
    for use in contract.segment[pathway, segment].measures:
        measure = contract.measure(use.code, month)
        collection = contract.collection_of(use.code, reporter_sector)
        if measure is not None and collection is not None and use.asked_of(sector) and measure.aggregation != "import_only":
            yield measure, collection


def delivering_spans(contract: Contract, subcontract: str) -> tuple[Span, ...]:
    """The days on which a subcontract delivers under its programme, and its organisation is open."""

    def work_out() -> tuple[Span, ...]:
        term, opened = contract.programme, _opened(contract, subcontract)
        spans = (
            Span(max(span.first, term.starts_on, opened.first), min(span.last, term.ends_on, opened.last))
            for span in live_spans(contract.agreement[subcontract])
        )
        return tuple(span for span in spans if span.first <= span.last)

    return contract.worked_out.kept("delivering_spans", subcontract, work_out)


def delivering_months(contract: Contract) -> dict[str, Ranges]:
    """The months on some day of which each subcontract delivers and its organisation is open."""
    return {
        reference: united(span(Month.of(days.first), Month.of(days.last)) for days in delivering_spans(contract, reference))
        for reference in contract.subcontract
    }


def _opened(contract: Contract, subcontract: str) -> Span:
    organisation = contract.organisation.get(contract.agreement[subcontract].organisation)
    return Span(date.min, date.max) if organisation is None else Span(*open_days(organisation))


def closed_throughout(contract: Contract, key: ReturnKey) -> Fault | None:
    """The fault of a return in whose months its organisation was never open; None where it was, or the contract knows no such return."""
    agreement, collection = contract.subcontract.get(key.subcontract), contract.collection.get(key.collection)
    organisation = None if agreement is None else contract.organisation.get(agreement.organisation)
    if organisation is None or collection is None:
        return None
    faults = [closed_in(organisation, month) for month in months_of_period(key.month, collection.every)]
    return faults[-1] if all(faults) else None


def _is_live(contract: Contract, subcontract: str, month: Month) -> bool:
    """Whether anything can be owed: on at least one day of the month the subcontract delivers."""
    return any(span.meets(month) for span in delivering_spans(contract, subcontract))


def _in_scope(contract: Contract, assignment: Assignment, month: Month) -> bool:
    site = contract.site.get(assignment.site)
    if site is not None and not covers(site.from_month, site.to_month, month):
        return False
    commissioner = contract.commissioner.get(assignment.commissioner)
    if commissioner is not None and assignment.every_commissioner:
        # Every one is every lowest one: another may have come to stand above some, as the successor of their parent.
        return any(first <= month.ordinal <= last for first, last in contract.commissioners_lowest[commissioner.ods_code])
    return commissioner is None or is_in_force(commissioner, month)


def stretch_of(contract: Contract, subcontract: str, month: Month) -> int:
    """Which stretch of months a month is in: throughout one, a subcontract's assignments ask the same of it."""

    def work_out() -> list[int]:
        facts = contract.assignments_of.get(subcontract, ())
        deliverers = {subcontract, *(fact.subcontract for fact in facts)} & contract.agreement.keys()
        spans = [span for reference in deliverers for span in delivering_spans(contract, reference)]
        begun = {fact.from_month.ordinal for fact in facts} | {Month.of(span.first).ordinal for span in spans}
        ended = {fact.to_month.ordinal for fact in facts if fact.to_month is not None} | {Month.of(span.last).ordinal for span in spans}
        return sorted({*begun, *(ordinal + 1 for ordinal in ended), *contract.scope_changes})

    return bisect_right(contract.worked_out.kept("stretches", subcontract, work_out), month.ordinal)


def duties_of_month(contract: Contract, subcontract: str, month: Month) -> tuple[Duty, ...]:
    """What a subcontract's assignments ask of it in a month. The months of one stretch share it."""
    if subcontract not in contract.subcontract:
        # Anybody may ask for what there is not: it is not kept.
        return ()
    stretch = stretch_of(contract, subcontract, month)
    return contract.worked_out.kept("duties", (subcontract, stretch), lambda: tuple(duties(contract, subcontract, month)))


def duties_of_return(contract: Contract, key: ReturnKey) -> tuple[Duty, ...]:
    """The duties that one return answers: those of every month of the period that its month ends."""
    collection = contract.collection.get(key.collection)
    if collection is None or not ends_period(key.month, collection.every, year_begins=contract.programme.contract_year_month):
        return ()
    return tuple(
        duty
        for month in months_of_period(key.month, collection.every)
        for duty in duties_of_month(contract, key.subcontract, month)
        if duty.collection is collection
    )


def expected_cells(contract: Contract, key: ReturnKey) -> tuple[CellKey, ...]:
    """Every cell that a return must state, in the order of its key; empty where nothing is owed."""
    if key.collection not in contract.collection or key.subcontract not in contract.subcontract:
        # Anybody may ask for what there is not: it is not kept.
        return ()
    alike = alike_of(contract, key)
    if alike is None:
        return ()
    return contract.worked_out.kept(
        "cells", alike, lambda: tuple(sorted({cell for duty in duties_of_return(contract, key) for cell in duty.cells()}))
    )


def alike_of(contract: Contract, key: ReturnKey) -> Hashable | None:
    """What returns have in common that expect the same, for the same stretches lie behind them; None where a return ends no period."""
    collection = contract.collection[key.collection]
    if not ends_period(key.month, collection.every, year_begins=contract.programme.contract_year_month):
        return None
    months = months_of_period(key.month, collection.every)
    return (key.collection, key.subcontract, *(stretch_of(contract, key.subcontract, month) for month in months))


def expected_returns(contract: Contract, month: Month, *, subcontract: str | None = None) -> tuple[ReturnKey, ...]:
    """The returns that are owed for a month, by collection and subcontract."""
    references = [subcontract] if subcontract is not None else sorted(contract.subcontract)
    keys = (ReturnKey(collection, reference, month) for collection in sorted(contract.collection) for reference in references)
    return tuple(key for key in keys if expected_cells(contract, key))


def flags_of(contract: Contract, key: ReturnKey) -> ReturnFlags:
    """Whether the subcontract delivers on part of the return's days only, whether no later return can follow, whether it is unsigned.

    All three are false where nothing is owed.
    """
    if not expected_cells(contract, key):
        return ReturnFlags(part_month=False, final=False, unsigned=False)
    months = months_of_period(key.month, contract.collection[key.collection].every)
    delivered = {
        (duty.assignment.subcontract, month)
        for month in months
        for duty in duties_of_month(contract, key.subcontract, month)
        if duty.collection.code == key.collection
    }
    deliverers = {key.subcontract, *(reference for reference, _ in delivered)}
    return ReturnFlags(
        part_month=not all(
            any(span.holds(month) for span in delivering_spans(contract, reference)) for reference in deliverers for month in months
        ),
        final=key.month == _last_month(contract, key.collection, key.subcontract) and not _may_resume(contract, key),
        unsigned=not all(signed_in(contract.agreement[reference], month) for reference, month in delivered),
    )


def carried_weights(contract: Contract, requirement: Requirement, month: Month) -> dict[str, CarriedWeight]:
    """What a requirement weighs in a month for each subcontract that delivers what it asks for, or has a grade of its own."""
    year, code = contract.programme.contract_year_of(month), requirement.measure
    duties = (duty for reference in contract.subcontract for duty in duties_of_month(contract, reference, month))
    found = {duty.assignment.subcontract for duty in duties if duty.measure.code == code}
    found |= {line.subcontract for line in requirement.collectability if line.subcontract and covers(line.from_month, line.to_month, month)}
    return {reference: requirement.carried_weight(reference, month, contract_year=year) for reference in sorted(found)}


def _last_month(contract: Contract, collection: str, subcontract: str) -> Month | None:
    """The month of the last return that a subcontract is expected to make of a collection, as the contract stands."""

    def work_out() -> Month | None:
        months = return_months(contract.collection[collection], contract.programme)
        return next((month for month in months if expected_cells(contract, ReturnKey(collection, subcontract, month))), None)

    return contract.worked_out.kept("last_month", (collection, subcontract), work_out)


def _may_resume(contract: Contract, key: ReturnKey) -> bool:
    """Whether an assignment goes on after a return's month, and only a suspension that is still open keeps it from being owed."""
    for fact in contract.assignments_of.get(key.subcontract, ()):
        parties = {key.subcontract, fact.subcontract}
        goes_on = fact.to_month is None or key.month < fact.to_month
        if (
            goes_on
            and any(_awaits(contract, each) for each in parties)
            and not any(_is_over(contract, each, key.month) for each in parties)
        ):
            return True
    return False


def _awaits(contract: Contract, subcontract: str) -> bool:
    """Whether a suspension is open at the end of its term, and its organisation is too."""
    spans, agreement = delivering_spans(contract, subcontract), contract.agreement[subcontract]
    return bool(spans) and not ends_for_good(agreement) and spans[-1].last != _opened(contract, subcontract).last


def _is_over(contract: Contract, subcontract: str, month: Month) -> bool:
    """Whether a subcontract delivers no more after a month, for good."""
    spans = delivering_spans(contract, subcontract)
    return not spans or (Month.of(spans[-1].last) <= month and not _awaits(contract, subcontract))


def delivering_unsigned(contract: Contract, month: Month) -> frozenset[str]:
    """The subcontracts that deliver something that is returned of a month without being signed in it, whoever reports it."""
    unsigned = {reference for reference, agreement in contract.agreement.items() if not signed_in(agreement, month)}
    if not unsigned:
        return frozenset()
    duties = (duty for reference in contract.subcontract for duty in duties_of_month(contract, reference, month))
    return frozenset(unsigned & {duty.assignment.subcontract for duty in duties})
