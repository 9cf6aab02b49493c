"""Forms that many measures of the catalogue share, so that each entry says only what is its own."""

from typing import Any, Final

from app.measures.domain import Measure

TO_BE_CONFIRMED: Final = "to be confirmed"
LOCAL: Final = "Local definition, to be agreed in the contract"


def proportion(code: str, name: str, numerator: str, denominator: str, **members: Any) -> Measure:
    """How many of those counted below the line are also counted above it; pooled as sum over sum."""
    said = {"kind": "service_standard", "direction": "higher", "proportion": True, "unit": "percent", **members}
    return _measure(code, name, numerator=numerator, denominator=denominator, **said)


def stock(code: str, name: str, numerator: str, **members: Any) -> Measure:
    """A census at the end of a month, never added over months."""
    said = {"kind": "activity", "direction": "lower", "unit": "patients", **members}
    return _measure(code, name, numerator=numerator, aggregation="stock_last", **said)


def as_published(code: str, name: str, numerator: str, denominator: str | None, **members: Any) -> Measure:
    """A figure that stands as its source gives it: never returned by a subcontract, never pooled."""
    said = {"kind": "outcome", "direction": "higher", "unit": "percent", "disclosure": "as_published", **members}
    return _measure(code, name, numerator=numerator, denominator=denominator, numeric_kind="decimal", aggregation="import_only", **said)


def _measure(code: str, name: str, **members: Any) -> Measure:
    return Measure.model_validate({"code": code, "name": name, **members})
