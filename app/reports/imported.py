"""The rows of measures that are only imported: each place at its own latest published period, judged on what was published, never pooled."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from app.calendar.contract import Contract
from app.kernel.codes import ALL
from app.kernel.figures import carried, rounded
from app.measures.domain import Measure
from app.reports.aggregation import Figures
from app.reports.coverage import Coverage
from app.reports.domain import SourceQuery
from app.reports.imports import Import, ImportPlace, in_unit, measure_of, slice_of, value_of
from app.reports.periods import months_of
from app.reports.rag import colour
from app.reports.results import MonthInputs, RowResult
from app.reports.rows import Rows
from app.reports.slices import RowKey, SiteScope
from app.reports.sources import judging, places, required
from app.reports.targets import Targets, contract_test, in_force


def only_imported(contract: Contract) -> frozenset[str]:
    """The measures that are never returned."""
    return frozenset(measure.code for measure in contract.measures if measure.aggregation == "import_only")


def import_rows(inputs: MonthInputs, slice_: str, period: str) -> list[dict[str, Any]]:
    """The rows of a slice, in the order of their keys: one of each place that was ever published about, and one of the whole programme.

    What was published last stands in every period of a report, under its own months; what was not published by the report's month says so.
    """
    rows = Rows(inputs.reading, inputs.month, slice_, period, months_of(period, inputs.month, inputs.contract))
    return [
        _row(inputs, rows, key, line, slice_=slice_, period=period) for key, line in sorted(_standing(inputs, slice_).items(), key=_key)
    ]


def notes_of_provisional(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a final report notes of the imports among its rows that are not final; nothing where all are."""
    told = {(row["measure"], row["source_published_on"]) for row in rows if row["source"] == "import" and row["status"] == "provisional"}
    if not told:
        return []
    said = (
        f"{measure}, where it is not published yet"
        if day is None
        else f"{measure} as published on {day}, which its source calls provisional"
        for measure, day in sorted(told, key=lambda each: (each[0], each[1] or ""))
    )
    detail = f"The returns of the month are final, and these figures from elsewhere are not: {'; '.join(said)}."
    return [{"code": "not_final", "detail": detail, "members": "status"}]


def import_sources(inputs: MonthInputs, query: SourceQuery) -> dict[str, Any] | None:
    """What is behind the row that a query names: the import; None where the report has no such row of an imported measure."""
    found = next(((key, line) for key, line in _standing(inputs, query.slice_).items() if query.names(key)), None)
    if found is None:
        return None
    key, line = found
    rows = Rows(inputs.reading, inputs.month, query.slice_, query.period, months_of(query.period, inputs.month, inputs.contract))
    requirement = inputs.contract.requirement.get(key.measure)
    return {
        "row": _row(inputs, rows, key, line, slice_=query.slice_, period=query.period),
        "measure": _measure(inputs, key, line).model_dump(mode="json"),
        "requirement": None if requirement is None else required(requirement, key, line.month if line else inputs.month),
        **{name: [] for name in ("returns", "cells", "not_stated", "assignments", "excluded", "series")},
        "imports": [] if line is None else [{"import": line.name, **line.model_dump(mode="json")}],
        "programme": judging(inputs.contract),
        "versions": {},
        "places": places(inputs.reading, key),
    }


def _key(row: tuple[RowKey, Import | None]) -> RowKey:
    return row[0]


def _standing(inputs: MonthInputs, slice_: str) -> dict[RowKey, Import | None]:
    """Which import stands in each row. Restated, a predecessor's stands where its successor has none; a figure of each is never added."""
    contract, found = inputs.contract, dict[RowKey, Import | None]()
    own: dict[RowKey, bool] = {}
    versions = [contract.measure(code, inputs.month) for code in only_imported(contract)]
    measures = {measure.code: measure for measure in versions if measure is not None and measure.aggregation == "import_only"}
    if slice_ == ALL:
        found |= {RowKey(code, ALL, ALL, ALL, ALL, ALL, ALL): None for code in measures}
    for place, line in inputs.imports.lines.items():
        measure = measures.get(place.measure)
        for key, is_own in _keys(inputs, place, measure, slice_) if measure is not None else ():
            held = found.setdefault(key, None)
            if line is not None and (held is None or (own[key], held.order) < (is_own, line.order)):
                found[key], own[key] = line, is_own
    return found


def _keys(inputs: MonthInputs, place: ImportPlace, measure: Measure, slice_: str) -> Iterator[tuple[RowKey, bool]]:
    """The rows that a place is, and whether under its own code: one, or one of each subcontract that its organisation holds."""
    if slice_of(place) != slice_:
        return
    commissioner = ALL if place.commissioner is None else inputs.reading.commissioner(place.commissioner)
    site_scope: SiteScope = "wider" if place.site in measure.site_map.values() else "exact"
    for held, subcontract in [(ALL, ALL)] if place.organisation is None else _subcontracts(inputs, place.organisation):
        key = RowKey(place.measure, ALL, ALL, place.site, commissioner, subcontract, place.category, site_scope)
        yield key, (held, place.commissioner or ALL) == (subcontract, commissioner)


def _subcontracts(inputs: MonthInputs, organisation: str) -> Iterator[tuple[str, str]]:
    """The subcontracts that an organisation holds in the month, and as which each is read; an ended one only as another."""
    for each in inputs.contract.subcontracts:
        read = inputs.reading.subcontract(each.reference)
        if each.organisation == organisation and (read != each.reference or each.first_month <= inputs.month <= each.last_month):
            yield each.reference, read


def _measure(inputs: MonthInputs, key: RowKey, line: Import | None) -> Measure:
    """The version that a row is read by: that of the import's own month, where there is an import."""
    measure = inputs.contract.measure(key.measure, inputs.month) if line is None else measure_of(inputs.contract, line)
    assert measure is not None, "a row has a measure"
    return measure


def _row(inputs: MonthInputs, rows: Rows, key: RowKey, line: Import | None, *, slice_: str, period: str) -> dict[str, Any]:
    """A row without figures as any other measure's would be, and over it what was published, with the targets of its own month."""
    nothing = rows.row(RowResult(key, None, months=1, held=0, final=False, figures=Figures(), coverage=Coverage()))
    if line is None:
        return {**nothing, "missing_reason": "not_published_yet"}
    contract, measure = inputs.contract, _measure(inputs, key, line)
    requirement, direction = contract.requirement.get(key.measure), measure.direction
    value = value_of(line, measure)
    limits = None if line.lower is None or line.upper is None else (in_unit(line.lower, line, measure), in_unit(line.upper, line, measure))
    asked = in_force(requirement, month=line.month, commissioner=key.commissioner, subcontract=key.subcontract, site=key.site)
    test = contract_test(requirement, asked, value, direction=direction, slice_=slice_, period=period)
    against = _against_target(asked, limits, direction=direction) if limits else None
    colours = colour(contract.programme, requirement, value, asked.target, contract_test=test, direction=direction, against_target=against)
    said = {
        "measure_name": measure.name,
        "measure_version": measure.version,
        "kind": measure.kind,
        "basis": line.basis,
        "month": str(line.month),
        "period_start": line.first_month.first_day.isoformat(),
        "period_end": line.month.last_day.isoformat(),
        "numerator": None if line.numerator is None else carried(line.numerator),
        "denominator": None if line.denominator is None else carried(line.denominator),
        "value": None if value is None else carried(rounded(value)),
        "unit": measure.unit,
        "direction": direction,
        "lower": carried(rounded(limits[0])) if limits else None,
        "upper": carried(rounded(limits[1])) if limits else None,
        "interval": "as_published" if limits else None,
        "standard": asked.standard,
        "target": asked.target,
        "target_kind": asked.target_kind,
        "floor": asked.floor,
        "stretch": asked.stretch,
        "contract_test": test,
        "against_target": against,
        "status": line.status,
        "source_published_on": line.published_on.isoformat(),
        "missing_reason": "denominator_zero" if value is None else None,
        "months_held": 0 if value is None else line.month.ordinal - line.first_month.ordinal + 1,
        **colours,
    }
    return {**nothing, **said}


def _against_target(asked: Targets, limits: tuple[Fraction, Fraction], *, direction: str | None) -> str | None:
    """Whether the published limits hold the target."""
    if asked.target is None or direction == "neutral":
        return None
    target, (lower, upper) = Fraction(asked.target), limits
    if lower <= target <= upper:
        return "similar"
    return "better" if (lower > target) == (direction != "lower") else "worse"
