"""Rows of a report, made for tests of what the public may have of them."""

from decimal import Decimal
from typing import Any

from app.kernel.months import Month

_PLACES = ("commissioner", "site", "pathway", "segment", "subcontract", "category")


def row(
    *,
    slice_: str = "all",
    month: str = "2026-10",
    first: str | None = None,
    numerator: str | None = "412",
    denominator: str | None = None,
    **members: Any,
) -> dict[str, Any]:
    """A row with the members that every row has; figures are given as text."""
    statistic = members.pop("statistic", "ratio" if denominator is not None else "count")
    top, bottom = (None if text is None else Decimal(text) for text in (numerator, denominator))
    value = members.pop("value", None)
    if value is None and top is not None:
        value = top if bottom is None else round(top / bottom, 6) if bottom else None
    last = Month.parse(month)
    said = {
        "slice": slice_,
        "measure": "M",
        "measure_version": 1,
        "basis": "provider",
        "statistic": statistic,
        "month": month,
        "period": "month",
        "period_start": Month.parse(first or month).first_day.isoformat(),
        "period_end": last.last_day.isoformat(),
        **dict.fromkeys(_PLACES, "all"),
        "commissioner_scope": "exact",
        "site_scope": "exact",
        "numerator": top,
        "denominator": bottom,
        "value": None if value is None else Decimal(value),
        "lower": Decimal("0.1"),
        "upper": Decimal("0.2"),
        "interval": "wilson_95",
        "against_target": "similar",
        "target": None,
        "contract_test": "no_target",
        "spc_mean": Decimal(1),
        "spc_lower": Decimal(0),
        "spc_upper": Decimal(2),
        "spc_from": "2026-01",
        "spc_points": 10,
        "spc_variation": "common_cause",
        "spc_signal": "none",
        "spc_assurance": "hit_and_miss",
        "source": "returns",
        "missing_reason": "denominator_zero" if bottom == 0 else None,
        "suppression": None,
        "rag": "amber",
        "rag_reason": "cannot_be_told",
        "coverage_test": "complete",
    }
    target = members.pop("target", None)
    return {**said, **members, "target": None if target is None else Decimal(target)}
