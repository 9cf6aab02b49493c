"""Where a row comes from: the cells, revisions, duties and contract lines behind it, complete enough to compute the row from them alone."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import months_of_period
from app.calendar.expected import CellKey, Duty, ReturnKey, duties_of_return, expected_cells
from app.kernel.codes import ALL
from app.kernel.figures import carried, plain, rounded
from app.kernel.lines import Line
from app.kernel.months import Month
from app.programmes.domain import Requirement
from app.reports.coverage import NOTHING_OWED, Book
from app.reports.reading import Reading
from app.reports.results import CellWithoutValue, MonthInputs, RowResult, measures_of
from app.reports.series import Point, Series
from app.reports.slices import Place, RowKey, Slice
from app.reports.targets import lines_for


class SourceCell(NamedTuple):
    """A cell behind a row, with the revision it stands in."""

    revision_id: int
    subcontract: str
    cell: CellKey
    state: str
    numerator: Decimal | None
    denominator: Decimal | None
    by_rest: bool
    outside_assignment: bool

    @property
    def place(self) -> Place:
        key = self.cell
        return Place(key.measure, key.pathway, key.segment, key.site, key.commissioner, self.subcontract)


@dataclass(frozen=True)
class MonthSources:
    """What one month gives to the rows of a measure: their slice, what is owed in each, and the accepted cells of the measure."""

    inputs: MonthInputs
    rows: Slice
    book: Book
    cells: Sequence[SourceCell]
    without_value: Collection[CellWithoutValue]

    @cached_property
    def owed(self) -> frozenset[tuple[int | None, CellKey]]:
        """The cells that the accepted revisions owe."""
        owing = (status for status in self.inputs.accepted if status.expected)
        return frozenset((status.revision_id, cell) for status in owing for cell in expected_cells(self.inputs.contract, status.key))


def sources(
    reading: Reading, row: dict[str, Any], result: RowResult, months: Sequence[MonthSources], series: Series | None
) -> dict[str, Any]:
    """The answer: the row, and everything that it was computed from."""
    contract, key = reading.contract, result.key
    last = months[-1].inputs.month
    measure, requirement = contract.measure(key.measure, last), contract.requirement.get(key.measure)
    assert measure is not None, "a row has a measure in force"
    return {
        "row": row,
        "measure": measure.model_dump(mode="json"),
        "requirement": None if requirement is None else required(requirement, key, last),
        "returns": [told for part in months for told in _returns(part, key)],
        "cells": sorted((told for part in months for told in _cells(part, key)), key=lambda told: tuple(map(str, told.values()))),
        "not_stated": [told for part in months for told in _not_stated(part, key)],
        "assignments": [told for part in months for told in _assignments(part, key)],
        "excluded": [missing._asdict() for missing in result.coverage.missing],
        "imports": [],
        "series": [] if series is None else [_point(month, point) for month, point in zip(series.months, series.points, strict=True)],
        "programme": judging(contract),
        "versions": versions(contract, key.measure, months),
        "places": places(reading, key),
    }


def versions(contract: Contract, measure: str, months: Sequence[MonthSources]) -> dict[str, int | None]:
    """By month, the version of the measure that its figures are of; what two versions count is never pooled."""
    in_force = {part.inputs.month: contract.measure(measure, part.inputs.month) for part in months}
    return {str(month): None if found is None else found.version for month, found in in_force.items()}


def places(reading: Reading, key: RowKey) -> dict[str, Any]:
    """The contract's lines of what the row names, and what stands below: its names and scopes follow from them. Null where it names none."""
    contract = reading.contract
    agreement = contract.subcontract.get(key.subcontract)
    organisation = None if agreement is None else reading.organisation(agreement.organisation)
    lines: dict[str, Line | None] = {
        "commissioner": contract.commissioner.get(key.commissioner),
        "site": contract.site.get(key.site),
        "pathway": contract.pathway.get(key.pathway),
        "subcontract": agreement,
        "organisation": contract.organisation.get(organisation or key.commissioner),
    }
    members = {
        "pathway": {"code", "name", "segments"},
        "subcontract": {"reference", "organisation", "sector"},
        "organisation": {"ods_code", "name"},
    }
    named = {name: None if line is None else line.model_dump(mode="json", include=members.get(name)) for name, line in lines.items()}
    return {**named, "read_as": organisation, "segments": _segments(contract, key)}


def _segments(contract: Contract, key: RowKey) -> list[dict[str, str]]:
    """Every segment of the row's code: a code may have another name in each pathway."""
    if key.segment == ALL:
        return []
    return [
        {"pathway": pathway, "name": segment.name}
        for (pathway, code), segment in sorted(contract.segment.items())
        if code == key.segment and key.pathway in {ALL, pathway}
    ]


def judging(contract: Contract) -> dict[str, Any]:
    """What the programme says of how rows are judged."""
    return contract.programme.model_dump(mode="json", include={"publish_threshold", "rag"})


def _point(month: Month, point: Point | None) -> dict[str, Any]:
    """A point of the row's series; `exact` is its value as a quotient of whole numbers."""
    if point is None:
        return {"month": str(month), "value": None, "exact": None, "denominator": None}
    denominator = None if point.denominator is None else plain(point.denominator)
    return {"month": str(month), "value": carried(rounded(point.value)), "exact": str(point.value), "denominator": denominator}


def required(requirement: Requirement, key: RowKey, month: Month) -> dict[str, Any]:
    """What the contract asks, with the target lines in force for this row, the most specific first."""
    lines = lines_for(requirement, month=month, commissioner=key.commissioner, subcontract=key.subcontract, site=key.site)
    targets = [line.model_dump(mode="json", by_alias=True) for line in lines]
    return {**requirement.model_dump(mode="json", by_alias=True), "targets": targets}


def _told(key: ReturnKey) -> dict[str, Any]:
    return {"collection": key.collection, "subcontract": key.subcontract, "month": str(key.month)}


def _returns(part: MonthSources, key: RowKey) -> Iterator[dict[str, Any]]:
    """Every return that owes the measure, or that reported something in the row: what it owes there, and where it stands."""
    contract = part.inputs.contract
    reporting = {cell.revision_id for cell in part.cells if _is_in(part, key, cell)}
    for status in part.inputs.statuses:
        owes = status.expected and key.measure in measures_of(part.inputs.contract, status.key)
        if owes or status.revision_id in reporting:
            owed = part.book.get(key, NOTHING_OWED).get(status.key.subcontract) if owes else None
            yield {
                **_told(status.key),
                "months": len(months_of_period(status.key.month, contract.collection[status.key.collection].every)),
                "state": status.state,
                "expected": owes,
                "frozen": status.frozen,
                "revision": status.revision,
                "content_sha256": status.content_sha256,
                "cells_owed": owed.cells if owed else 0,
                "volume": None if owed is None or owed.volume is None else plain(owed.volume),
            }


def _is_in(part: MonthSources, key: RowKey, cell: SourceCell) -> bool:
    return key in part.rows.keys(cell.place, cell.cell.category)


def _cells(part: MonthSources, key: RowKey) -> Iterator[dict[str, Any]]:
    statuses = {status.revision_id: status for status in part.inputs.accepted}
    for cell in part.cells:
        if _is_in(part, key, cell):
            status = statuses[cell.revision_id]
            yield {
                **_told(status.key),
                "revision": status.revision,
                "content_sha256": status.content_sha256,
                **cell.cell._asdict(),
                "state": cell.state,
                "numerator": None if cell.numerator is None else plain(cell.numerator),
                "denominator": None if cell.denominator is None else plain(cell.denominator),
                "by_rest": cell.by_rest,
                "outside_assignment": cell.outside_assignment,
                "owed": (cell.revision_id, cell.cell) in part.owed,
            }


def _not_stated(part: MonthSources, key: RowKey) -> Iterator[dict[str, Any]]:
    """Cells that are owed now and that the accepted revision, made under an earlier contract, does not state."""
    for lack in part.without_value:
        place = Place(lack.cell.measure, lack.cell.pathway, lack.cell.segment, lack.cell.site, lack.cell.commissioner, lack.subcontract)
        if lack.reason in {"late", "not_due"} and key in part.rows.keys(place, lack.cell.category):
            yield {"subcontract": lack.subcontract, "month": str(part.inputs.month), **lack.cell._asdict(), "reason": lack.reason}


def _assignments(part: MonthSources, key: RowKey) -> Iterator[dict[str, Any]]:
    """The duties that make the row expected, each an assignment with the volume of its line or place."""
    for owing in part.inputs.expected:
        for duty in duties_of_return(part.inputs.contract, owing):
            if duty.measure.code == key.measure and key in part.rows.keys(_place(duty, owing.subcontract), key.category):
                assignment = duty.assignment
                yield {
                    **_told(owing),
                    "pathway": assignment.pathway,
                    "segment": assignment.segment,
                    "site": assignment.site,
                    "commissioner": assignment.commissioner,
                    "from_month": str(assignment.from_month),
                    "to_month": None if assignment.to_month is None else str(assignment.to_month),
                    "line": assignment.line,
                    "line_volume": None if assignment.line_volume is None else plain(assignment.line_volume),
                    "volume": None if assignment.volume is None else plain(assignment.volume),
                }


def _place(duty: Duty, subcontract: str) -> Place:
    return Place(duty.measure.code, duty.pathway, duty.segment, duty.site, duty.commissioner, subcontract)
