"""A month's results: figures and coverage of every row of a slice, a pure function of the contract, what was accepted, and the method."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import deadline, months_of_period
from app.calendar.expected import CellKey, ReturnKey, alike_of, expected_cells
from app.calendar.volumes import return_volume
from app.kernel.canonical import digest
from app.kernel.codes import ALL
from app.kernel.figures import plain, rounded
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.reports.aggregation import Figures, add
from app.reports.coverage import (
    NOTHING_OWED,
    Book,
    Coverage,
    ExpectedCells,
    Gaps,
    Missing,
    Owed,
    Reason,
    book,
    cover,
    gaps,
    places_of,
    together,
)
from app.reports.imports import NOTHING_IMPORTED, Standing
from app.reports.reading import Reading
from app.reports.slices import SLICES, Place, RowKey, Slice, reported

METHOD_VERSION: Final = "6"
"""Moves when a report of the same inputs would differ: results of another method are never served for this one's."""

_MOST_KEPT: Final = len(SLICES)
"""What is owed in each row is large: every slice of one month is kept."""


@dataclass(frozen=True, slots=True)
class ReturnStatus:
    """Where a return stands at the moment that a report is judged at; what the digest of a month's inputs is made of.

    `revision_id`, `revision` and the digests are those of the accepted revision, None where there is none. One that is reopened may change
    again: it is not frozen.
    """

    key: ReturnKey
    expected: bool
    overdue: bool
    frozen: bool
    state: Literal["accepted", "not_accepted", "late", "not_due"]
    revision_id: int | None = None
    revision: int | None = None
    content_sha256: str | None = None
    expected_sha256: str | None = None
    reopened: bool = False


class Recorded(NamedTuple):
    """What the record holds of a return at a moment: whether anything was received, and which revision is accepted."""

    received: bool
    revision_id: int | None
    revision: int | None
    content_sha256: str | None
    expected_sha256: str | None


def passed(contract: Contract, month: Month, *, as_of: datetime) -> dict[str, tuple[bool, bool]]:
    """By collection, whether a month's returns are overdue and whether they are frozen: after the deadline's instant, not at it."""
    instants = contract.worked_out.kept("instants", month, lambda: _instants(contract, month))
    return {code: (as_of > due, freeze is not None and as_of > freeze) for code, (due, freeze) in instants.items()}


def _instants(contract: Contract, month: Month) -> dict[str, tuple[datetime, datetime | None]]:
    found = {}
    for collection in contract.collections:
        rules, days = collection.deadlines_in(month), contract.days
        freeze = None if rules.freeze is None else deadline(rules.freeze, month, days)
        found[collection.code] = (deadline(rules.due, month, days), freeze)
    return found


def status_of(
    contract: Contract, key: ReturnKey, recorded: Recorded | None, *, expected: bool, as_of: datetime, reopened: bool = False
) -> ReturnStatus:
    """Judge a return at a moment: on time at the deadline's instant, late just after it; `late` where nothing was received by then."""
    overdue, frozen = passed(contract, key.month, as_of=as_of).get(key.collection, (False, False))
    frozen = frozen and not reopened
    if recorded is not None and recorded.revision_id is not None:
        return ReturnStatus(key, expected, overdue, frozen, "accepted", *recorded[1:], reopened=reopened)
    if recorded is not None and recorded.received:
        return ReturnStatus(key, expected, overdue, frozen, "not_accepted", reopened=reopened)
    return ReturnStatus(key, expected, overdue, frozen, "late" if overdue else "not_due", reopened=reopened)


class SummedCells(NamedTuple):
    """The `value` cells of one place added up; `first` and `last` are the lowest and highest subcontract among them."""

    place: Place
    category: str
    first: str
    last: str
    numerator: Decimal
    denominator: Decimal | None


class CellWithoutValue(NamedTuple):
    """A cell of an accepted revision that was stated to have no value, or (as `late` or `not_due`) not stated although it is owed now."""

    subcontract: str
    cell: CellKey
    reason: Reason


@dataclass(frozen=True, slots=True)
class RowResult:
    """A row of one slice in one month before any name, target or rounding: what is stored and what periods are pooled from.

    `months` is how many months the figures are about: a quarterly return's stand in the month that ends the quarter. `held` is how many months of
    the row's own period have figures in it.
    """

    key: RowKey
    version: int | None
    months: int
    held: int
    final: bool
    figures: Figures
    coverage: Coverage


@dataclass(frozen=True)
class MonthInputs:
    """What the figures of a month are computed from; `restated_in` is the month whose organisations they are read as, if not their own.

    `imports` are those of measures that are only imported: what stands of each place in the month. `as_of` is a moment at which the record held
    exactly this (with `submitted`, of what was received, accepted or not): whoever doubts a result finds its inputs again by it.
    """

    contract: Contract
    month: Month
    statuses: Sequence[ReturnStatus]
    restated_in: Month | None = None
    imports: Standing = NOTHING_IMPORTED
    as_of: datetime | None = None
    submitted: bool = False

    @cached_property
    def sha256(self) -> str:
        return inputs_digest(self)

    @cached_property
    def reading(self) -> Reading:
        restated = self.restated_in is not None
        return Reading(self.contract, self.restated_in or self.month, restated=restated)

    @cached_property
    def alike(self) -> Hashable:
        """What months have in common in which the same is owed, and the same places stand above others."""
        expected = tuple(alike_of(self.contract, key) for key in self.expected)
        if self.restated_in is not None:
            return expected, self.month, self.reading.key
        succeeded = {Month.of(link.operational_on).ordinal for link in self.contract.successions}
        return expected, bisect_right(sorted(self.contract.scope_changes | succeeded), self.month.ordinal)

    @cached_property
    def absent(self) -> dict[tuple[str, str], Reason]:
        """The owed returns without an accepted revision, and why."""
        return {status.key[:2]: status.state for status in self.statuses if status.expected and status.state != "accepted"}

    @cached_property
    def expected(self) -> tuple[ReturnKey, ...]:
        return tuple(status.key for status in self.statuses if status.expected)

    @cached_property
    def accepted(self) -> list[ReturnStatus]:
        return [status for status in self.statuses if status.revision_id is not None]

    @cached_property
    def final_measures(self) -> frozenset[str]:
        """The measures of which every expected return is frozen."""
        frozen: dict[str, bool] = {}
        for status in self.statuses:
            for code in measures_of(self.contract, status.key) if status.expected else ():
                frozen[code] = frozen.get(code, True) and status.frozen
        return frozenset(code for code, is_frozen in frozen.items() if is_frozen)


def inputs_digest(inputs: MonthInputs) -> str:
    """The digest of exactly what a month's figures are computed from."""
    about = {
        "method_version": METHOD_VERSION,
        "programme": inputs.contract.programme.code,
        "month": inputs.month,
        "contract_recorded_at": moment_text(inputs.contract.recorded_at),
        "returns": [
            [*status.key[:2], status.expected, status.overdue, status.frozen, status.state, status.content_sha256]
            for status in inputs.statuses
        ],
        "imports": inputs.imports.sha256,
    }
    return digest(about if inputs.restated_in is None else {**about, "restated_in": inputs.restated_in})


def measures_of(contract: Contract, key: ReturnKey) -> frozenset[str]:
    """The measures that a return owes cells of."""
    cells = expected_cells(contract, key)
    return contract.worked_out.kept("measures", key, lambda: frozenset(cell.measure for cell in cells)) if cells else frozenset()


def slice_results(
    inputs: MonthInputs, slice_: str, sums: Sequence[SummedCells], without_value: Collection[CellWithoutValue]
) -> tuple[RowResult, ...]:
    """Every row of a slice: of every place that is expected or reported, in the order of their keys."""
    rows, owed = owed_in(inputs, slice_, [summed.place for summed in sums])
    added: dict[RowKey, list[SummedCells]] = defaultdict(list)
    for summed in sums:
        for key in rows.keys(summed.place, summed.category):
            added[key].append(summed)
    lacking = gaps(rows, ((cell.subcontract, cell.cell, cell.reason) for cell in without_value))
    final = inputs.final_measures
    absent = inputs.absent
    return tuple(
        _result(inputs, rows, key, added.get(key, ()), owed.get(key, NOTHING_OWED), lacking=lacking, absent=absent, final=final)
        for key in sorted({*owed, *added})
    )


def _result(
    inputs: MonthInputs,
    rows: Slice,
    key: RowKey,
    sums: Sequence[SummedCells],
    owed: Owed,
    *,
    lacking: Gaps,
    absent: Mapping[tuple[str, str], Reason],
    final: Collection[str],
) -> RowResult:
    measure = rows.measure(key.measure)
    assert measure is not None, "a row has a measure in force"
    reporters = {code for summed in sums for code in (summed.first, summed.last)}
    banded = measure.aggregation == "banded" and key.category == ALL
    figures = add(Figures(summed.numerator, summed.denominator, {summed.category: summed.numerator} if banded else {}) for summed in sums)
    months = _months_of(inputs, key.measure, owed.collections, reporters)
    return RowResult(
        key=key,
        version=measure.version,
        months=months,
        held=_held(months, figures),
        final=key.measure in final,
        figures=figures,
        coverage=cover(owed, month=str(inputs.month), gaps=lacking.get(key, {}), absent=absent, reporters=reporters),
    )


def _months_of(inputs: MonthInputs, measure: str, owed: Collection[str], reporters: Iterable[str]) -> int:
    """The months of the longest period of the returns that owe a row; where none does, of those that its reporters return."""
    contract = inputs.contract
    if owed:
        return _longest(inputs, frozenset(owed))
    agreements = [contract.subcontract[code] for code in reporters if code in contract.subcontract]
    returned = [contract.collection_of(measure, agreement.sector) for agreement in agreements]
    return _longest(inputs, frozenset(collection.code for collection in returned if collection is not None))


def _longest(inputs: MonthInputs, collections: frozenset[str]) -> int:
    """The months of the longest of some collections' periods."""
    contract = inputs.contract
    every = (contract.collection[code].every for code in collections)
    return contract.worked_out.kept(
        "longest", collections, lambda: max((len(months_of_period(inputs.month, each)) for each in every), default=1)
    )


def owed_in(inputs: MonthInputs, slice_: str, reporting: Sequence[Place]) -> tuple[Slice, Book]:
    """What is owed in each row. It depends on the contract alone (and on which parents are reported), so the last few are kept with it.

    Months in which the same is owed share them.
    """
    contract, expected, reading = inputs.contract, inputs.expected, inputs.reading
    shelf = contract.worked_out
    owing = shelf.kept(
        "owing",
        (slice_, inputs.alike),
        lambda: reported(contract, slice_, (place for key in expected for place in places_of(contract, key)), reading),
        most=_MOST_KEPT,
    )
    parents = owing | reported(contract, slice_, reporting, reading)

    def work_out() -> tuple[Slice, Book]:
        rows = Slice(contract, inputs.month, slice_, parents, reading)
        return rows, book(contract, rows, expected)

    return shelf.kept("books", (slice_, inputs.alike, parents), work_out, most=_MOST_KEPT)


@dataclass(frozen=True, slots=True)
class MonthReturns:
    """What a report's head says of its month: how many returns were expected and included, their share of the volume, and its status."""

    expected: int
    included: int
    coverage: Decimal | None
    final: bool


def month_returns(inputs: MonthInputs, without_value: Collection[CellWithoutValue]) -> MonthReturns:
    """The same rule as a row's, over whole returns: one that states `not_applicable` throughout is not owed."""
    lacking: dict[tuple[str, str], dict[Reason, int]] = defaultdict(lambda: defaultdict(int))
    collection_of = {(key.subcontract, code): key.collection for key in inputs.expected for code in measures_of(inputs.contract, key)}
    for cell in without_value:
        collection = collection_of.get((cell.subcontract, cell.cell.measure))
        if collection is not None:
            lacking[collection, cell.subcontract][cell.reason] += 1
    parts = []
    for key in inputs.expected:
        owed = ExpectedCells(key.collection, len(expected_cells(inputs.contract, key)), return_volume(inputs.contract, key))
        parts.append(cover(Owed({key.subcontract: owed}), month="", gaps={key.subcontract: lacking[key[:2]]}, absent=inputs.absent))
    whole = together(parts)
    return MonthReturns(
        expected=whole.expected,
        included=whole.included,
        coverage=None if whole.share is None else rounded(whole.share),
        final=bool(inputs.expected) and all(status.frozen for status in inputs.statuses if status.expected),
    )


def to_json(results: Iterable[RowResult]) -> list[list[Any]]:
    """Results as they are stored: figures as exact text."""
    return [
        [
            list(result.key),
            result.version,
            result.months,
            result.final,
            [
                _text(result.figures.numerator),
                _text(result.figures.denominator),
                {code: _text(count) for code, count in sorted(result.figures.bands.items())},
                result.figures.mixed,
            ],
            [
                result.coverage.expected,
                result.coverage.included,
                _text(result.coverage.volume_expected),
                _text(result.coverage.volume_included),
                [list(missing) for missing in result.coverage.missing],
                sorted(result.coverage.reasons),
                list(result.coverage.subcontracts),
            ],
        ]
        for result in results
    ]


def _held(months: int, figures: Figures) -> int:
    return 0 if figures.numerator is None else months


def from_json(stored: Iterable[list[Any]]) -> tuple[RowResult, ...]:
    """The results that were stored."""
    return tuple(map(_from_json, stored))


def _from_json(stored: list[Any]) -> RowResult:
    key, version, months, final, figures, coverage = stored
    numerator, denominator, bands, mixed = figures
    expected, included, volume_expected, volume_included, missing, reasons, subcontracts = coverage
    added = Figures(_figure(numerator), _figure(denominator), {code: Decimal(count) for code, count in bands.items()}, mixed)
    volumes = _figure(volume_expected), _figure(volume_included)
    named = tuple(Missing(*part) for part in missing)
    covered = Coverage(expected, included, *volumes, named, frozenset(reasons), tuple(subcontracts))
    return RowResult(RowKey(*key), version, months, _held(months, added), final, added, covered)


@lru_cache(maxsize=4096)
def _text(figure: Decimal | None) -> str | None:
    return None if figure is None else str(plain(figure))


@lru_cache(maxsize=4096)
def _figure(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
