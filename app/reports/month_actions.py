"""The results of months: what the record held of each, what was computed before, what is computed and kept now."""

import json
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, Final

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_cells, expected_returns
from app.kernel.canonical import json_bytes, sha256
from app.kernel.months import Month
from app.reports import import_store, store
from app.reports.imported import only_imported
from app.reports.imports import NOTHING_IMPORTED, Standing, standing
from app.reports.results import (
    METHOD_VERSION,
    CellWithoutValue,
    MonthInputs,
    MonthReturns,
    RowResult,
    from_json,
    month_returns,
    passed,
    slice_results,
    status_of,
    to_json,
)
from app.returns.expectation import expected_return
from app.returns.review_store import reopened_in

_MOST_DIGESTS: Final = 240
"""Months whose inputs' digests are kept: those of ten years as they stood at two moments."""
_MOST_INPUTS: Final = 36
"""Months whose inputs are kept themselves: of most months only the digest is asked for, by which their results are stored."""

HEAD: Final = "returns"
"""Stands among the slices of a month for what its report's head says."""


@dataclass(slots=True)
class MonthFigures:
    """The digest of a month's inputs, the inputs for whoever asks, and its results by slice; `computed` are those that were not stored before."""

    inputs_sha256: str
    read_inputs: Callable[[], MonthInputs]
    results: dict[str, store.StoredResult] = field(default_factory=dict)
    computed: bool = False
    _read: dict[str, tuple[RowResult, ...]] = field(default_factory=dict)

    @property
    def inputs(self) -> MonthInputs:
        return self.read_inputs()

    def of(self, slice_: str) -> tuple[RowResult, ...]:
        """The results of a slice; those that were read last are at hand, for several periods are pooled from them."""
        if slice_ not in self._read:
            self._read = {slice_: from_json(json.loads(self.results[slice_].figures))}
        return self._read[slice_]

    def forget(self, slices: Collection[str]) -> None:
        """Hold on to these results no more."""
        for slice_ in slices:
            self.results.pop(slice_, None)
            self._read.pop(slice_, None)

    @property
    def returns(self) -> MonthReturns:
        expected, included, coverage, final = json.loads(self.results[HEAD].figures, parse_float=Decimal, parse_int=Decimal)
        return MonthReturns(int(expected), int(included), coverage, final)


def months_figures(
    session: Session,
    contract: Contract,
    months: Sequence[Month],
    slices: Collection[str],
    *,
    as_of: datetime,
    restated_in: Month | None = None,
    submitted: bool = False,
    acts: Mapping[Month, datetime] | None = None,
) -> dict[Month, MonthFigures]:
    """The inputs of months, and their results in these slices. `acts`: the last act of each month, where they are read already."""
    figures = {}
    readers = _inputs_readers(session, contract, months, as_of=as_of, restated_in=restated_in, submitted=submitted, acts=acts)
    for month, (key, read) in zip(months, readers, strict=True):
        figures[month] = MonthFigures(contract.worked_out.kept("digests", key, partial(_digest, read), most=_MOST_DIGESTS), read)
    find_results(session, contract, figures, slices)
    return figures


def _digest(read: Callable[[], MonthInputs]) -> str:
    return read().sha256


def find_results(session: Session, contract: Contract, figures: Mapping[Month, MonthFigures], slices: Collection[str]) -> None:
    """Have the results of these slices too: stored ones where their digest was asked for before, the others computed and stored now."""
    programme, wanted = contract.programme.code, sorted(set(slices))
    stored = store.stored_results(session, programme, [month.inputs_sha256 for month in figures.values()], wanted) if wanted else {}
    for month, held in figures.items():
        held.results |= {slice_: stored[held.inputs_sha256, slice_] for slice_ in wanted if (held.inputs_sha256, slice_) in stored}
        lacking = [slice_ for slice_ in wanted if slice_ not in held.results]
        if lacking:
            computed = compute(session, held.inputs, lacking)
            asked = store.Question(held.inputs.as_of, held.inputs.restated_in, held.inputs.submitted)
            store.store_results(
                session, programme, month, inputs_sha256=held.inputs_sha256, method_version=METHOD_VERSION, asked=asked, results=computed
            )
            held.results |= computed
            held.computed = True


def month_inputs(
    session: Session,
    contract: Contract,
    months: Sequence[Month],
    *,
    as_of: datetime,
    restated_in: Month | None = None,
    submitted: bool = False,
    acts: Mapping[Month, datetime] | None = None,
) -> list[MonthInputs]:
    """What each month's figures are computed from: every return that is owed or accepted (with `submitted`, received), as it stood."""
    readers = _inputs_readers(session, contract, months, as_of=as_of, restated_in=restated_in, submitted=submitted, acts=acts)
    return [read() for _, read in readers]


def _inputs_readers(
    session: Session,
    contract: Contract,
    months: Sequence[Month],
    *,
    as_of: datetime,
    restated_in: Month | None,
    submitted: bool,
    acts: Mapping[Month, datetime] | None,
) -> list[tuple[Hashable, Callable[[], MonthInputs]]]:
    """Of each month what its inputs are kept by, and how they are read.

    Nothing is read again of a month in which nobody did anything, and no deadline passed, since it was read last.
    """
    if not months:
        return []
    programme = contract.programme.code
    if acts is None:
        acts = store.last_acts(session, programme, first=min(months), before=max(months).plus(1), as_of=as_of)
    imports = _imports_standing(session, contract, months, as_of=as_of)
    reopened = reopened_in(session, programme, months, as_of=as_of)
    recorded = cache(partial(store.recorded, session, programme, months, as_of=as_of, submitted=submitted))

    def read(month: Month, reopened: frozenset[ReturnKey]) -> MonthInputs:
        held = {key: each for key, each in recorded().items() if key.month == month}
        expected = set(expected_returns(contract, month))
        accepted = {key for key, each in held.items() if each.revision_id is not None}
        statuses = [
            status_of(contract, key, held.get(key), expected=key in expected, as_of=as_of, reopened=key in reopened)
            for key in sorted(expected | accepted)
        ]
        return MonthInputs(contract, month, statuses, restated_in, imports[month], as_of, submitted)

    found: list[tuple[Hashable, Callable[[], MonthInputs]]] = []
    for month in months:
        open_again = frozenset(key for key in reopened if key.month == month)
        judged = tuple(passed(contract, month, as_of=as_of).values())
        key = (month, restated_in, submitted, acts.get(month), open_again, imports[month].sha256, judged)
        found.append((key, partial(contract.worked_out.kept, "inputs", key, partial(read, month, open_again), most=_MOST_INPUTS)))
    return found


def _imports_standing(session: Session, contract: Contract, months: Sequence[Month], *, as_of: datetime) -> dict[Month, Standing]:
    """The imports that stand in each month; between two changes of imports and contract they are worked out once."""
    programme, measures = contract.programme.code, only_imported(contract)
    changed = import_store.last_changed(session, programme, as_of=as_of) if measures else None
    if changed is None:
        return dict.fromkeys(months, NOTHING_IMPORTED)
    shelf = contract.worked_out

    def stands_in(month: Month) -> Standing:
        imports = shelf.kept("published", changed, lambda: import_store.published(session, programme, measures, as_of=changed), most=4)
        return standing(imports, month)

    return {month: shelf.kept("imports", (changed, month), partial(stands_in, month)) for month in months}


def compute(session: Session, inputs: MonthInputs, slices: Sequence[str]) -> dict[str, store.StoredResult]:
    """The results of a month by slice (and its head), as they are stored."""
    without = cells_without_value(session, inputs)
    found: dict[str, Any] = {HEAD: head_of(inputs, without)} if HEAD in slices else {}
    results = slices_of(session, inputs, [slice_ for slice_ in slices if slice_ != HEAD], without)
    found |= {slice_: to_json(of_slice) for slice_, of_slice in results.items()}
    stored = {slice_: json_bytes(figures) for slice_, figures in found.items()}
    return {slice_: store.StoredResult(content, sha256(content)) for slice_, content in stored.items()}


def head_of(inputs: MonthInputs, without: Collection[CellWithoutValue]) -> list[Any]:
    """What a report's head says of a month, as it is stored."""
    returns = month_returns(inputs, without)
    return [returns.expected, returns.included, returns.coverage, returns.final]


def slices_of(
    session: Session, inputs: MonthInputs, slices: Sequence[str], without: Collection[CellWithoutValue] | None = None
) -> dict[str, tuple[RowResult, ...]]:
    """The results of a month by slice, from its cells: sums by PostgreSQL, the few cells without a value apart."""
    programme = inputs.contract.programme.code
    revisions = [status.revision_id for status in inputs.accepted if status.revision_id is not None]
    without = cells_without_value(session, inputs) if without is None else without
    banded = [measure.code for measure in inputs.contract.measures if measure.aggregation == "banded"]
    sums = store.sums(session, programme, revisions, slices=slices, banded=banded)
    return {slice_: slice_results(inputs, slice_, sums[slice_], without) for slice_ in slices}


def cells_without_value(session: Session, inputs: MonthInputs) -> list[CellWithoutValue]:
    """The owed cells of accepted revisions that carry no value.

    A revision that was validated against other cells than are owed now (the contract changed since) is compared cell by cell: what it does not
    state was not received, which is late or not yet due.
    """
    contract, programme = inputs.contract, inputs.contract.programme.code
    owed = [status for status in inputs.accepted if status.expected]
    revisions = [status.revision_id for status in owed if status.revision_id is not None]
    lacks = store.without_value(session, programme, revisions)
    lacking = {lack.subcontract for lack in lacks}
    of_these = [status.key for status in owed if status.key.subcontract in lacking]
    of_subcontract = {(key.subcontract, cell) for key in of_these for cell in expected_cells(contract, key)}
    found = [lack for lack in lacks if (lack.subcontract, lack.cell) in of_subcontract]
    changed = {}
    for status in owed:
        expectation = expected_return(contract, status.key)
        if expectation is not None and status.revision_id is not None and status.expected_sha256 != expectation.sha256:
            changed[status.revision_id] = status
    stated = store.stated(session, programme, list(changed)) if changed else {}
    for revision_id, status in changed.items():
        absent = (cell for cell in expected_cells(contract, status.key) if cell not in stated[revision_id])
        found.extend(CellWithoutValue(status.key.subcontract, cell, "late" if status.overdue else "not_due") for cell in absent)
    return found
