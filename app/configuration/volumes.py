"""What last year's figures suggest as the expected volumes of this one: patients by line and month."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from app.assignments.domain import Assignment
from app.calendar.contract import Contract
from app.calendar.deadlines import ends_period, months_of_period
from app.calendar.domain import Frequency
from app.kernel.codes import ALL
from app.kernel.figures import rounded
from app.kernel.months import Month, overlap
from app.measures.domain import WITH_DENOMINATOR, Measure

YEAR = 12

PlaceKey = tuple[str, str, str, str]
Reported = Mapping[tuple[str, Month, PlaceKey], Decimal]
"""Patients by reporter, month and the place that a figure stands at."""


class MonthVolume(NamedTuple):
    """The patients of the same month a year before: of a longer period an even part. None where nothing was accepted of it."""

    month: Month
    of_month: Month
    volume: Decimal | None


class Proposal(NamedTuple):
    """A line with what a year before suggests; `volume` is the mean of the months that are known, to one decimal."""

    facts: Sequence[Assignment]
    volume: Decimal | None
    months: tuple[MonthVolume, ...]
    reason: Literal["nothing_reported", "shared_cells"] | None


def patients(measure: Measure, numerator: Decimal, denominator: Decimal | None) -> Decimal:
    """How many patients the figures of a measure are about: those below the line of a ratio, or those counted."""
    return denominator if denominator is not None and (measure.aggregation in WITH_DENOMINATOR or measure.proportion) else numerator


def proposals(contract: Contract, code: str, first: Month, reported: Reported) -> Iterable[Proposal]:
    """For each line whose segment collects a measure: the volumes of twelve months from `first` on, out of those a year before."""
    months = tuple(first.through(first.plus(YEAR - 1)))
    segments = {at for at, segment in contract.segment.items() if any(use.code == code for use in segment.measures)}
    lines = {
        name: facts
        for name, facts in contract.lines.items()
        if (facts[0].pathway, facts[0].segment) in segments and overlap((facts[0].from_month, facts[0].to_month), (months[0], months[-1]))
    }
    versions = {month: contract.measure(code, month.plus(-YEAR)) for month in months}
    distinct = {measure.version: measure for measure in versions.values() if measure}
    keys = {
        (name, version): {_key(measure, fact) for fact in facts} for version, measure in distinct.items() for name, facts in lines.items()
    }
    holders: dict[tuple[str, int, PlaceKey], list[str]] = defaultdict(list)
    for (name, version), of_line in keys.items():
        for key in of_line:
            holders[lines[name][0].reporter, version, key].append(name)
    for name, facts in lines.items():
        mine = facts[0]
        shared = any(
            other != name and overlap((mine.from_month, mine.to_month), (lines[other][0].from_month, lines[other][0].to_month))
            for version in distinct
            for key in keys[name, version]
            for other in holders[mine.reporter, version, key]
        )
        known = tuple(
            MonthVolume(
                month,
                month.plus(-YEAR),
                None
                if shared or not measure
                else _of_month(contract, measure, mine, keys[name, measure.version], month.plus(-YEAR), reported=reported),
            )
            for month, measure in versions.items()
            if mine.in_month(month)
        )
        volumes = [each.volume for each in known if each.volume is not None]
        mean = rounded(Fraction(sum(volumes, Decimal(0))) / len(volumes), places=1) if volumes else None
        yield Proposal(facts, mean, known, "shared_cells" if shared else None if volumes else "nothing_reported")


def _key(measure: Measure, fact: Assignment) -> PlaceKey:
    """Where the figures of an assignment stand."""
    return (
        fact.pathway if "pathway" in measure.split_by else ALL,
        fact.segment if "segment" in measure.split_by else ALL,
        measure.site_of(fact.site),
        fact.commissioner if "commissioner" in measure.split_by else ALL,
    )


def _of_month(
    contract: Contract, measure: Measure, fact: Assignment, keys: Iterable[PlaceKey], month: Month, *, reported: Reported
) -> Decimal | None:
    """The patients of a month: of what was returned for its whole period an even part, but a stock is no sum of its months."""
    collection = contract.collection_of(measure.code, contract.subcontract[fact.reporter].sector)
    every: Frequency = "month" if collection is None else collection.every
    begins = contract.programme.contract_year_month
    end = next(each for each in month.through(month.plus(YEAR)) if ends_period(each, every, year_begins=begins))
    found = [volume for key in keys if (volume := reported.get((fact.reporter, end, key))) is not None]
    months = 1 if measure.aggregation == "stock_last" else len(months_of_period(end, every))
    total = sum(found, Decimal(0))
    return None if not found else total if months == 1 else rounded(Fraction(total) / months, places=1)
