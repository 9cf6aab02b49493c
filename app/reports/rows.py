"""The rows of a report as they are read: names, targets, verdicts and rounding around the exact figures; one flat object with the same keys each."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.kernel.codes import ALL
from app.kernel.figures import carried, rounded
from app.kernel.months import Month
from app.measures.domain import Measure
from app.reports.aggregation import RowValue, evaluate, statistic
from app.reports.intervals import wilson
from app.reports.periods import is_whole
from app.reports.reading import Reading
from app.reports.results import RowResult
from app.reports.slices import SLICES
from app.reports.targets import against_target, contract_test, in_force

NOTES: Final[tuple[dict[str, Any], ...]] = (
    {
        "code": "not_computed_yet",
        "detail": "Process control and disclosure come with later versions of the service: these members are empty in every row.",
        "members": "spc_mean spc_lower spc_upper spc_from spc_points spc_variation spc_signal spc_assurance suppression",
    },
    {
        "code": "intervals",
        "detail": "Limits are given for proportions (Wilson); on halves they are an approximation. Counts and means have none yet.",
        "members": "lower upper interval against_target",
    },
)

_LATER: Final[dict[str, Any]] = {
    "spc_mean": None,
    "spc_lower": None,
    "spc_upper": None,
    "spc_from": None,
    "spc_points": None,
    "spc_variation": None,
    "spc_signal": None,
    "spc_assurance": None,
}


class Rows:
    """Writes the rows of one slice and period of a report, their codes read in one way."""

    def __init__(self, reading: Reading, month: Month, slice_: str, period: str, months: Sequence[Month]) -> None:
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
        measure = self._contract.measure(result.key.measure, self._month)
        assert measure is not None, "a row has a measure in force"
        value = self._value(measure, result)
        coverage = result.coverage
        return {
            **self._about(measure, result, value),
            **self._places(result),
            "breakdown": measure.breakdown.code if measure.breakdown is not None and "category" in SLICES[self._slice] else ALL,
            "category": result.key.category,
            **self._verdicts(measure, result, value),
            **_LATER,
            "coverage": None if coverage.share is None else rounded(coverage.share),
            "returns_expected": coverage.expected,
            "returns_included": coverage.included,
            "excludes": ", ".join(missing.text(with_month=self._period != "month") for missing in coverage.missing) or None,
            "status": "final" if result.final else "provisional",
            "source": "import" if measure.aggregation == "import_only" else "returns",
            "source_published_on": None,
            "missing_reason": self._missing_reason(measure, result, value),
            "suppression": None,
        }

    def _value(self, measure: Measure, result: RowResult) -> RowValue:
        if result.version is None:
            return RowValue(None, None, None, "not_poolable")
        of_category = result.key.category != ALL
        return evaluate(measure, result.figures, of_category=of_category, subcontracts=len(result.coverage.subcontracts))

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

    def _verdicts(self, measure: Measure, result: RowResult, value: RowValue) -> dict[str, Any]:
        """Figures, limits, what is asked of them, and two verdicts that never mix: the contract's on the unrounded value, and chance's."""
        key = result.key
        requirement = self._contract.requirement.get(measure.code)
        # One band of a banded measure is a count: the target is about the median.
        of_band = measure.aggregation == "banded" and key.category != ALL
        asked = in_force(
            None if of_band else requirement, month=self._month, commissioner=key.commissioner, subcontract=key.subcontract, site=key.site
        )
        proportion = _proportion(measure, value)
        limits = wilson(*proportion) if proportion else None
        return {
            "numerator": None if value.numerator is None else carried(value.numerator),
            "denominator": None if value.denominator is None else carried(value.denominator),
            "value": None if value.value is None else carried(rounded(value.value)),
            "unit": "count" if of_band else measure.unit,
            "direction": measure.direction,
            "lower": limits.lower if limits else None,
            "upper": limits.upper if limits else None,
            "interval": "wilson_95" if limits else None,
            "standard": asked.standard,
            "target": asked.target,
            "target_kind": asked.target_kind,
            "floor": asked.floor,
            "stretch": asked.stretch,
            "contract_test": contract_test(
                requirement,
                asked,
                value.value,
                direction=measure.direction,
                slice_=self._slice,
                period=self._period,
                whole=is_whole(self._period, self._month),
            ),
            "against_target": against_target(asked, *proportion, direction=measure.direction) if proportion else None,
        }


def _proportion(measure: Measure, value: RowValue) -> tuple[Decimal, Decimal] | None:
    """Numerator and denominator where they make a proportion that has limits."""
    if not measure.proportion or value.value is None or value.numerator is None or value.denominator is None:
        return None
    return (value.numerator, value.denominator) if Fraction(0) <= value.value <= 1 else None
