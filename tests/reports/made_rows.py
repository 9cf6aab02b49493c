"""Rows and reports as values, for tests of what is made of them; figures are written as a report carries them."""

import json
from decimal import Decimal
from typing import Any, Final

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
  "status": "provisional", "source": "returns", "source_published_on": null, "missing_reason": null, "suppression": null,
  "months_held": 1, "rag": null, "rag_reason": null, "coverage_test": null
}"""


def row(**changes: Any) -> dict[str, Any]:
    """A row of the contract's example with some members changed; figures in texts beginning with `=` are exact numbers."""
    made: dict[str, Any] = json.loads(_ROW, parse_float=Decimal)
    return made | {
        name: Decimal(value[1:]) if isinstance(value, str) and value.startswith("=") else value for name, value in changes.items()
    }


_HEAD: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "month": "2026-10",
    "phase": 1,
    "status": "provisional",
    "as_of": "2026-12-08T17:00:00.000001Z",
    "sequence": None,
    "supersedes": None,
    "returns_expected": 12,
    "returns_included": 11,
    "coverage": Decimal("0.9641"),
    "method_version": "4",
    "inputs_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "previous_sha256": None,
}
_PUBLISHED: Final[dict[str, Any]] = {
    "sequence": 3,
    "supersedes": 2,
    "previous_sha256": _HEAD["inputs_sha256"],
    "audience": "commissioner",
    "audience_code": "05W",
    "published_at": "2026-12-09T10:00:00.000001Z",
    "commentary": "October is provisional.",
}


def report(*rows: dict[str, Any], published: bool = False, **head: Any) -> dict[str, Any]:
    """A report of these rows, live or as it was published; `head` changes what it says of itself."""
    made = {
        "schema_version": "1.0",
        "report": {**_HEAD, **(_PUBLISHED if published else {}), **head},
        "observations": list(rows),
        "notes": [{"code": "intervals", "detail": "Limits are those of chance.", "members": "lower upper"}],
        "links": {},
    }
    return {**made, "signature": {"algorithm": "Ed25519", "key_id": "one", "value": "AAAA"}} if published else made
