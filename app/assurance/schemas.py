"""The shapes in which findings and variations are answered."""

from datetime import date
from fractions import Fraction
from typing import Any

from pydantic import BaseModel

from app.assurance.actions import Assured
from app.assurance.domain import Finding, FindingKind
from app.kernel.figures import ExactDecimal, rounded
from app.pathways.domain import Sector
from app.subcontracts.domain import AssuranceItem, Subcontract, SubcontractStatus, Variation, original_value_pence, status_on


class FindingView(BaseModel):
    """One thing that is not in order with a subcontract.

    `status` is that of the day asked about; `days_left` runs to the day of expiry and is negative after it.
    """

    subcontract: str
    organisation: str
    organisation_name: str
    sector: Sector
    status: SubcontractStatus | None
    finding: FindingKind
    item: AssuranceItem | None
    reference: str | None
    expires_on: date | None
    days_left: int | None
    since: date | None


class AssuranceView(BaseModel):
    """A page of what is not in order on a day."""

    programme: str
    on: date
    findings: list[FindingView]
    next: str | None


class VariationView(BaseModel):
    """A variation, and the change of value up to and including it; the ratio is to the original value, to 6 places."""

    number: int
    effective_on: date
    what: str
    value_change_pence: int
    cumulative_change_pence: int
    cumulative_change_ratio: ExactDecimal | None


class VariationsView(BaseModel):
    """A page of a subcontract's variations, and what all of them add up to."""

    programme: str
    subcontract: str
    original_value_pence: int | None
    cumulative_change_pence: int
    cumulative_change_ratio: ExactDecimal | None
    variations: list[VariationView]
    next: str | None


def finding_view(assured: Assured, finding: Finding) -> dict[str, Any]:
    agreement = assured.contract.subcontract[finding.subcontract]
    organisation = assured.contract.organisation.get(agreement.organisation)
    return {
        "subcontract": finding.subcontract,
        "organisation": agreement.organisation,
        "organisation_name": organisation.name if organisation else agreement.organisation,
        "sector": agreement.sector,
        "status": status_on(agreement, assured.on),
        "finding": finding.finding,
        "item": finding.item,
        "reference": finding.reference,
        "expires_on": _written(finding.expires_on),
        "days_left": (finding.expires_on - assured.on).days if finding.expires_on else None,
        "since": _written(finding.since),
    }


def _written(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def variation_view(agreement: Subcontract, variation: Variation, change_pence: int) -> dict[str, Any]:
    return {**variation.model_dump(mode="json"), **change_view(agreement, change_pence)}


def change_view(agreement: Subcontract, change_pence: int) -> dict[str, Any]:
    """A change of value, in pence and as a ratio to the original value where that is known and not nothing."""
    original = original_value_pence(agreement)
    return {
        "cumulative_change_pence": change_pence,
        "cumulative_change_ratio": rounded(Fraction(change_pence, original)) if original else None,
    }
