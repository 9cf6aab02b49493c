"""Documents and contracts for tests: a small programme, and the parts to make others of."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Final

from app.calendar.contract import Contract
from app.configuration.document import Document, completed
from app.configuration.effects import contract_of

START = datetime(2026, 6, 1, 9, tzinfo=UTC)


def subcontract(reference: str, organisation: str, sector: str, **changes: Any) -> dict[str, Any]:
    """A live subcontract over five years."""
    line = {
        "reference": reference,
        "organisation": organisation,
        "sector": sector,
        "starts_on": "2026-07-01",
        "ends_on": "2031-06-30",
        "status": "live",
    }
    return {**line, **changes}


_DOCUMENT: Final[dict[str, Any]] = {
    "programme": {
        "code": "test-cancer",
        "name": "Cancer services, for tests",
        "prime": "X9901",
        "starts_on": "2026-07-01",
        "ends_on": "2036-06-30",
        "value_pence": 68_700_000_000,
    },
    "organisations": [
        {"ods_code": "X9901", "name": "A fictional prime provider", "kind": "other"},
        {"ods_code": "RJE", "name": "University Hospitals of North Midlands NHS Trust", "kind": "acute_trust"},
        {"ods_code": "RL4", "name": "The Royal Wolverhampton NHS Trust", "kind": "acute_trust"},
        {"ods_code": "H9901", "name": "A fictional hospice", "kind": "hospice"},
    ],
    "commissioners": [
        {"ods_code": "QNC", "name": "Staffordshire and Stoke-on-Trent ICB"},
        {"ods_code": "05W", "name": "Stoke on Trent", "parent": "QNC"},
        {"ods_code": "05G", "name": "North Staffordshire", "parent": "QNC"},
    ],
    "phases": [{"number": 1, "name": "Foundation", "from_month": "2026-07", "to_month": "2028-06", "payment": "shadow"}],
    "sites": [
        {"code": "lung", "name": "Lung"},
        {"code": "urological", "name": "Urological"},
        {"code": "prostate", "name": "Prostate", "parent": "urological"},
        {"code": "bladder", "name": "Bladder", "parent": "urological"},
    ],
    "measures": [
        "CWT-FDS",
        "CWT-62",
        {
            "code": "HOSP-WAIT",
            "name": "Days from referral to first contact",
            "aggregation": "banded",
            "statistic": "median",
            "split_by": [],
            "direction": "lower",
            "breakdown": {
                "code": "wait_days",
                "categories": [{"code": "0-1", "upper": 1}, {"code": "2-3", "upper": 3}, {"code": "4-up", "upper": None}],
            },
        },
        {"code": "E-BEDOCC", "name": "Bed occupancy", "split_by": [], "unit": "percent", "proportion": True},
    ],
    "pathways": [
        {
            "code": "cancer",
            "name": "Cancer",
            "segments": [
                {"code": "diagnosis", "name": "Diagnosis", "setting": "acute", "measures": ["CWT-FDS"]},
                {"code": "treatment", "name": "First treatment", "setting": "acute", "measures": ["CWT-62"]},
                {
                    "code": "palliative",
                    "name": "Palliative care",
                    "setting": "hospice",
                    "measures": ["HOSP-WAIT", {"code": "E-BEDOCC", "sectors": ["hospice"]}],
                },
            ],
        }
    ],
    "collections": [
        {
            "code": "hospice",
            "name": "Hospice activity",
            "measures": ["HOSP-WAIT", "E-BEDOCC"],
            "due": {"working_day": 10, "at": "17:00"},
        },
        {
            "code": "cwt",
            "name": "Cancer waiting times",
            "measures": ["CWT-62", "CWT-FDS"],
            "due": {"working_day": 27},
            "close": {"working_day": 10, "months_later": 1},
            "freeze": {"working_day": 18, "months_later": 2},
        },
    ],
    "requirements": [
        {
            "measure": "CWT-62",
            "schedule_ref": "4A-3",
            "targets": [
                {"from_month": "2026-07", "standard": 0.85, "interim": 0.75, "floor": 0.7, "stretch": 0.9},
                {
                    "for": {"subcontract": "SC-RL4", "site": "prostate"},
                    "from_month": "2026-10",
                    "to_month": "2027-03",
                    "trajectory": 0.68,
                },
            ],
        }
    ],
    "subcontracts": [
        subcontract("SC-RJE", "RJE", "acute"),
        subcontract("SC-RL4", "RL4", "acute"),
        subcontract("SC-H9901", "H9901", "hospice"),
    ],
    "assignments": [
        *(
            {
                "subcontract": reference,
                "pathway": "cancer",
                "segment": segment,
                "sites": ["lung", "prostate"],
                "commissioners": ["05W", "05G"],
            }
            for reference in ("SC-RJE", "SC-RL4")
            for segment in ("diagnosis", "treatment")
        ),
        {"subcontract": "SC-H9901", "pathway": "cancer", "segment": "palliative"},
    ],
}


def document(**changes: Any) -> dict[str, Any]:
    """Two acute trusts and a hospice deliver lung and prostate pathways for two places in one ICB; `changes` replaces sections."""
    return {**deepcopy(_DOCUMENT), **changes}


def contract(**changes: Any) -> Contract:
    """The contract that `document` states, as a value."""
    stated = completed(Document.model_validate(exact(document(**changes))))
    return contract_of(stated, organisations=(), recorded_at=START)


def exact(value: Any) -> Any:
    """Floats written in a test as the numbers that JSON would carry: strings, which read exactly."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {name: exact(part) for name, part in value.items()}
    if isinstance(value, list):
        return [exact(part) for part in value]
    return value
