"""The rows of a report as they are read: names, targets, verdicts and rounding around the exact figures; one flat object with the same keys each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from app.kernel.codes import ALL
from app.kernel.figures import carried, rounded
from app.kernel.months import Month
from app.measures.domain import Measure
from app.reports.aggregation import RowValue, statistic
from app.reports.byar import byar
from app.reports.exact_counts import FEWEST_FOR_BYAR, exact_count
from app.reports.intervals import wilson
from app.reports.periods import is_whole
from app.reports.rag import colour
from app.reports.reading import Reading
from app.reports.results import RowResult
from app.reports.series import NOTHING, STEPS, History, Series, points_of, series_of, told, value_of
from app.reports.slices import SLICES, RowKey
from app.reports.targets import Targets, against_target, contract_test, count_against_target, in_force

NOTES: Final[tuple[dict[str, Any], ...]] = (
    {
        "code": "intervals",
        "detail": "Limits are those of proportions (Wilson) and of counts of events (exact under ten, Byar's from ten on). Stocks, means, medians,"
        " and counts in halves have none.",
        "members": "lower upper interval against_target",
    },
    {
        "code": "process_control",
        "detail": "XmR limits of a row's own series up to its own period, months and whole quarters only; fixed after the first 24 points unless the"
        " requirement says otherwise, begun anew only where it names a rebase. Under 12 points, or where gaps or small denominators leave"
        " too little, there are none (too_few_points). A period without a value is a gap that breaks runs. Limits of a proportion may"
        " pass 0 and 1.",
        "members": "spc_mean spc_lower spc_upper spc_from spc_points spc_variation spc_signal spc_assurance",
    },
    {
        "code": "months_held",
        "detail": "How many months of a row's own period, from its start to its end, have figures in it: fewer than all where some are missing or"
        " are still to come. Of a stock it is the last one.",
        "members": "months_held",
    },
)

_FINE: Final = 30
"""Decimal places of limits that are compared with a target."""


class Rows:
    """Writes the rows of one slice and period of a report, their codes read in one way.

    `history` has the points of earlier periods; without it rows say nothing of their series.
    """

    def __init__(
        self, reading: Reading, month: Month, slice_: str, period: str, months: Sequence[Month], *, history: History | None = None
    ) -> None:
        self._history = history
        self._reading = reading
        self._contract = reading.contract
        self._month = month
        self._slice = slice_
        self._period = period
        self._months = months
        self._segment_names: dict[str, set[str]] = {}
        for (_, code), segment in reading.contract.segment.items():
            self._segment_names.setdefault(code, set()).add(segment.name)

    def write(self, results: Sequence[RowResult]) -> list[dict[str, Any]]:
        """One row for each result, in the same order."""
        return [self.row(result) for result in results]

    def row(self, result: RowResult) -> dict[str, Any]:
        """The row of one result."""
        measure = self._contract.measure(result.key.measure, self._month)
        assert measure is not None, "a row has a measure in force"
        value = value_of(measure, result)
        asked = self._asked(measure, result.key)
        coverage = result.coverage
        coverage_test = coverage.reaches(self._contract.programme.publish_threshold)
        verdicts = self._verdicts(measure, result, value, asked, judged=coverage_test in {None, "complete"})
        control = self._process_control(measure, result, asked)
        return {
            **self._about(measure, result, value),
            **self._places(result),
            "breakdown": measure.breakdown.code if measure.breakdown is not None and "category" in SLICES[self._slice] else ALL,
            "category": result.key.category,
            **verdicts,
            **control,
            "coverage": None if coverage.share is None else rounded(coverage.share),
            "returns_expected": coverage.expected,
            "returns_included": coverage.included,
            "excludes": ", ".join(missing.text(with_month=self._period != "month") for missing in coverage.missing) or None,
            "status": "final" if result.final else "provisional",
            "source": "import" if measure.aggregation == "import_only" else "returns",
            "source_published_on": None,
            "missing_reason": self._missing_reason(measure, result, value),
            "suppression": None,
            "months_held": result.held,
            **self._colour(measure, value, asked, verdicts, control),
            "coverage_test": coverage_test,
        }

    @staticmethod
    def _missing_reason(measure: Measure, result: RowResult, value: RowValue) -> str | None:
        """Stated figures speak first (`denominator_zero`, `not_poolable`, `open_band`); without any, the reasons of what is owed."""
        if value.value is not None:
            return None
        if measure.aggregation == "import_only":
            return "not_published_yet"
        return value.reason or result.coverage.reason

    def _about(self, measure: Measure, result: RowResult, value: RowValue) -> dict[str, Any]:
        first = self._months[0]
        if self._period == "month":
            first = self._month.plus(1 - result.months)
        return {
            "slice": self._slice,
            "measure": measure.code,
            "measure_name": measure.name,
            "measure_version": measure.version,
            "kind": measure.kind,
            "basis": measure.basis,
            "statistic": statistic(measure, of_category=result.key.category != ALL, denominator=value.denominator),
            "month": str(self._month),
            "period": self._period,
            "period_start": first.first_day.isoformat(),
            "period_end": self._month.last_day.isoformat(),
        }

    def _places(self, result: RowResult) -> dict[str, Any]:
        contract, key = self._contract, result.key
        commissioner, site, pathway = (
            contract.commissioner.get(key.commissioner),
            contract.site.get(key.site),
            contract.pathway.get(key.pathway),
        )
        agreement = contract.subcontract.get(key.subcontract)
        organisation = self._reading.organisation(agreement.organisation) if agreement else key.subcontract
        registered = contract.organisation.get(organisation)
        # A successor need not be in the programme.
        named = commissioner or contract.organisation.get(key.commissioner)
        return {
            "commissioner": key.commissioner,
            "commissioner_name": named.name if named else key.commissioner,
            "commissioner_scope": key.commissioner_scope,
            "site": key.site,
            "site_name": site.name if site else key.site,
            "site_scope": key.site_scope,
            "pathway": key.pathway,
            "pathway_name": pathway.name if pathway else key.pathway,
            "segment": key.segment,
            "segment_name": self._segment_name(key.pathway, key.segment),
            "subcontract": key.subcontract,
            "organisation": organisation,
            "organisation_name": registered.name if registered else organisation,
        }

    def _segment_name(self, pathway: str, code: str) -> str:
        """A segment's name; its code where pathways give the same code different names and the row does not say which is meant."""
        segment = self._contract.segment.get((pathway, code))
        names = {segment.name} if segment else self._segment_names.get(code, set())
        return next(iter(names)) if len(names) == 1 else code

    def series(self, result: RowResult) -> Series | None:
        """The series that a result's row stands in, itself included; None where its period has none."""
        if self._history is None or self._period not in STEPS or not is_whole(self._period, self._month):
            return None
        own = points_of(self._contract, self._month, [result])
        requirement = self._contract.requirement.get(result.key.measure)
        history = {**self._history, self._month: own}
        return series_of(history, result, self._month, step=STEPS[self._period], requirement=requirement)

    def _process_control(self, measure: Measure, result: RowResult, asked: Targets) -> Mapping[str, Any]:
        series = self.series(result)
        if series is None or measure.aggregation == "import_only":
            return NOTHING
        # More in one band is neither better nor worse.
        direction = None if _is_band(measure, result.key) else measure.direction
        return told(series, requirement=self._contract.requirement.get(measure.code), direction=direction, target=asked.target)

    def _asked(self, measure: Measure, key: RowKey) -> Targets:
        """What is asked of a row. One band of a banded measure is a count: the target is about the median."""
        requirement = None if _is_band(measure, key) else self._contract.requirement.get(measure.code)
        return in_force(requirement, month=self._month, commissioner=key.commissioner, subcontract=key.subcontract, site=key.site)

    def _verdicts(self, measure: Measure, result: RowResult, value: RowValue, asked: Targets, *, judged: bool) -> dict[str, Any]:
        """Figures, limits, what is asked of them, and two verdicts that never mix: the contract's on the unrounded value, and chance's.

        Figures that are not `judged` are shown like all others, and neither verdict is given.
        """
        of_band, sure = _is_band(measure, result.key), _sureness(measure, result.key, value, asked)
        return {
            "numerator": None if value.numerator is None else carried(value.numerator),
            "denominator": None if value.denominator is None else carried(value.denominator),
            "value": None if value.value is None else carried(rounded(value.value)),
            "unit": "count" if of_band else measure.unit,
            # More or fewer in one band is neither better nor worse by itself.
            "direction": "neutral" if of_band else measure.direction,
            "lower": sure.lower,
            "upper": sure.upper,
            "interval": sure.interval,
            "standard": asked.standard,
            "target": asked.target,
            "target_kind": asked.target_kind,
            "floor": asked.floor,
            "stretch": asked.stretch,
            "contract_test": contract_test(
                self._contract.requirement.get(measure.code),
                asked,
                value.value,
                direction=measure.direction,
                slice_=self._slice,
                period=self._period,
                whole=is_whole(self._period, self._month),
                judged=judged,
            ),
            "against_target": sure.against_target if judged else None,
        }

    def _colour(
        self, measure: Measure, value: RowValue, asked: Targets, verdicts: Mapping[str, Any], control: Mapping[str, Any]
    ) -> dict[str, Any]:
        return colour(
            self._contract.programme,
            self._contract.requirement.get(measure.code),
            value.value,
            asked.target,
            contract_test=verdicts["contract_test"],
            direction=measure.direction,
            against_target=verdicts["against_target"],
            variation=control["spc_variation"],
        )


def _is_band(measure: Measure, key: RowKey) -> bool:
    return measure.aggregation == "banded" and key.category != ALL


class _Sureness(NamedTuple):
    """How sure a value is, and so whether it can be told from its target."""

    lower: Decimal | None = None
    upper: Decimal | None = None
    interval: str | None = None
    against_target: str | None = None


def _sureness(measure: Measure, key: RowKey, value: RowValue, asked: Targets) -> _Sureness:
    if value.value is None or value.numerator is None:
        return _Sureness()
    direction, counted = measure.direction, value.numerator
    if measure.proportion and value.denominator is not None and 0 <= value.value <= 1:
        limits = wilson(counted, value.denominator)
        return _Sureness(*limits, "wilson_95", against_target(asked, counted, value.denominator, direction=direction))
    is_count = statistic(measure, of_category=key.category != ALL, denominator=value.denominator) == "count"
    # The limits are those of a Poisson count: halves and other decimals are none.
    if not is_count or measure.numeric_kind != "integer" or counted < 0:
        return _Sureness()
    name, method = ("exact_95", exact_count) if counted < FEWEST_FOR_BYAR else ("byar_95", byar)
    told_apart = count_against_target(asked, counted, method(counted, places=_FINE), direction=direction)
    return _Sureness(*method(counted), name, told_apart)
