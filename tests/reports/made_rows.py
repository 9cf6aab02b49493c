"""Rows and reports as values, for tests of what is made of them; figures are written as a report carries them."""

import json
from decimal import Decimal
from typing import Any, Final

from app.reports.schemas import ObservationView

_ROW: Final = """{
  "slice": "all", "measure": "CWT-62", "measure_name": "62 days from referral to first treatment", "measure_version": 1,
  "kind": "service_standard", "basis": "provider", "statistic": "ratio",
  "month": "2026-10", "period": "month", "period_start": "2026-10-01", "period_end": "2026-10-31",
  "commissioner": "all", "commissioner_name": "all", "commissioner_scope": "exact", "site": "all", "site_name": "all", "site_scope": "exact",
  "pathway": "all", "pathway_name": "all", "segment": "all", "segment_name": "all",
  "subcontract": "all", "organisation": "all", "organisation_name": "all", "breakdown": "all", "category": "all",
  "numerator": 412, "denominator": 531, "value": 0.775895, "unit": "percent", "direction": "higher",
  "lower": 0.738518, "upper": 0.809308, "interval": "wilson_95",
  "standard": 0.85, "target": 0.75, "target_kind": "interim", "floor": 0.7, "stretch": 0.9, "contract_test": "met", "against_target": "similar",
  "spc_mean": null, "spc_lower": null, "spc_upper": null, "spc_from": "2026-07", "spc_points": 4, "spc_variation": null, "spc_signal": "none",
  "spc_assurance": "too_few_points", "coverage": 0.9641, "returns_expected": 12, "returns_included": 11, "excludes": "SC-H9901 late",
  "status": "provisional", "source": "returns", "source_published_on": null, "missing_reason": null, "suppression": null
}"""


def row(**changes: Any) -> dict[str, Any]:
    """A row of the contract's example with some members changed; figures in texts beginning with `=` are exact numbers."""
    made: dict[str, Any] = dict.fromkeys(ObservationView.model_fields)
    made |= json.loads(_ROW, parse_float=Decimal)
    return made | {
        name: Decimal(value[1:]) if isinstance(value, str) and value.startswith("=") else value for name, value in changes.items()
    }
