"""The demonstration programme as one document: cancer services in Staffordshire, with invented parties where no code is published."""

from collections.abc import Iterator
from typing import Any, Final

from app.kernel.months import Month

PROGRAMME: Final = "staffs-cancer"
MONTHS: Final = 12
TERM_YEARS: Final = 10
SHADOW_MONTHS: Final = 2
"""So long is the first contract year."""

_POPULATIONS: Final = {"04Y": "Cannock Chase", "05G": "North Staffordshire", "05V": "Stafford and Surrounds", "05W": "Stoke on Trent"}
_SITES: Final = {"breast": "Breast", "lung": "Lung", "prostate": "Prostate", "bladder": "Bladder"}
_UROLOGICAL: Final = ("prostate", "bladder")
_DIAGNOSED: Final = 5
"""So many are diagnosed for each who is treated."""

_ORGANISATIONS: Final = (
    ("X9901", "Trent and Sow Integrated Care (fictional prime provider)", "other"),
    ("RJE", "University Hospitals of North Midlands NHS Trust", "acute_trust"),
    ("RL4", "The Royal Wolverhampton NHS Trust", "acute_trust"),
    ("RTG", "University Hospitals of Derby and Burton NHS Foundation Trust", "acute_trust"),
    ("RRE", "Midlands Partnership University NHS Foundation Trust", "community_trust"),
    ("RLY", "North Staffordshire Combined Healthcare NHS Trust", "mental_health_trust"),
    ("H9901", "Moorland Edge Hospice (fictional)", "hospice"),
    ("H9902", "Chasewater Hospice (fictional)", "hospice"),
    ("H9903", "Sow Valley Hospice (fictional)", "hospice"),
    ("H9904", "Churnet Hospice (fictional)", "hospice"),
    ("H9905", "Blithe Water Hospice (fictional)", "hospice"),
    ("QNC", "NHS Staffordshire and Stoke-on-Trent Integrated Care Board", "icb"),
    *((code, f"NHS {name} (sub-ICB location)", "sub_icb_location") for code, name in _POPULATIONS.items()),
)

# Who serves whom: reference, organisation, sector, pounds a year, and of each population the patients a month over each pathway's line.
_SUBCONTRACTS: Final[tuple[tuple[str, str, str, int, dict[str, int]], ...]] = (
    ("SC-RJE", "RJE", "acute", 41_500_000, {"04Y": 8, "05G": 18, "05V": 12, "05W": 24}),
    ("SC-RL4", "RL4", "acute", 9_800_000, {"04Y": 9, "05V": 8}),
    ("SC-RTG", "RTG", "acute", 6_400_000, {"04Y": 9}),
    ("SC-RRE", "RRE", "community", 3_900_000, {"04Y": 14, "05V": 16}),
    ("SC-RLY", "RLY", "community", 2_700_000, {"05G": 11, "05W": 13}),
    ("SC-H9901", "H9901", "hospice", 2_300_000, {"05G": 6, "05W": 8}),
    ("SC-H9902", "H9902", "hospice", 1_150_000, {"04Y": 8}),
    ("SC-H9903", "H9903", "hospice", 1_300_000, {"05V": 9}),
    ("SC-H9904", "H9904", "hospice", 700_000, {"05G": 4}),
    ("SC-H9905", "H9905", "hospice", 550_000, {"05V": 3}),
)
TREATS: Final = "SC-RJE"
"""To this trust the others send lung patients for treatment."""
_TRUSTS: Final = tuple(reference for reference, _, sector, *_ in _SUBCONTRACTS if sector == "acute")

SUBCONTRACTS: Final = tuple(reference for reference, *_ in _SUBCONTRACTS)

_HOSPICE_MEASURES: Final = ("HOSP-WAIT", "E-BEDOCC", "E-PPDR", "E-PPDA", "CASELOAD")
_COMMUNITY_MEASURES: Final = ("E-RESPU", "E-PPDR", "E-PPDA", "CASELOAD")
_OF_BOTH: Final = tuple(code for code in _HOSPICE_MEASURES if code in _COMMUNITY_MEASURES)

_WAIT_BANDS: Final = [
    {"code": "0-1", "upper": 1},
    {"code": "2-3", "upper": 3},
    {"code": "4-7", "upper": 7},
    {"code": "8-up", "upper": None},
]
_PALLIATIVE_MEASURES: Final[tuple[dict[str, Any], ...]] = (
    {
        "code": "HOSP-WAIT",
        "name": "Days from referral to a hospice to first contact",
        "numerator": "Patients first contacted in the month, by the days they had waited",
        "kind": "experience",
        "direction": "lower",
        "aggregation": "banded",
        "statistic": "median",
        "unit": "days",
        "split_by": [],
        "breakdown": {"code": "wait_days", "categories": _WAIT_BANDS},
        # Twice the patients of a busy month: so many may be a slip of the keyboard.
        "rules": [{"code": "usual-number", "kind": "change", "minimum_count": 60}],
        "example": "Three patients were first contacted, after 0, 1 and 5 days: 2 in 0-1, 1 in 4-7, and 0 in the other bands.",
    },
    {
        "code": "E-BEDOCC",
        "name": "Hospice bed occupancy",
        "numerator": "Occupied bed-days in the month",
        "denominator": "Available bed-days in the month",
        "kind": "activity",
        "direction": "neutral",
        "proportion": True,
        "unit": "percent",
        "split_by": [],
        "example": "10 beds available on each of 31 days are 310 bed-days; 248 of them were occupied: 248 over 310.",
    },
    {
        "code": "E-PPDR",
        "name": "Preferred place of death recorded",
        "numerator": "People on the caseload who died in the month with a preferred place of death recorded",
        "denominator": "People on the caseload who died in the month",
        "kind": "outcome",
        "direction": "higher",
        "proportion": True,
        "unit": "percent",
        "split_by": ["commissioner"],
        "example": "12 people on the caseload died, 10 of them with a preferred place recorded: 10 over 12.",
    },
    {
        "code": "E-PPDA",
        "name": "Preferred place of death achieved",
        "numerator": "People who died where they had said that they wished to",
        "denominator": "People on the caseload who died in the month with a preferred place of death recorded",
        "kind": "outcome",
        "direction": "higher",
        "proportion": True,
        "unit": "percent",
        "split_by": ["commissioner"],
        "rules": [
            {
                "code": "of-those-recorded",
                "kind": "at_most",
                "part": "denominator",
                "sum_of": [{"measure": "E-PPDR"}],
                "why": "A preferred place can be achieved only where it was recorded.",
            }
        ],
        "example": "12 people died, 10 of them with a preferred place recorded, and 8 of those 10 died there: 8 over 10.",
    },
    {
        "code": "E-RESPU",
        "name": "Urgent palliative referrals answered within a day",
        "numerator": "Urgent referrals accepted in the month and answered within 24 hours",
        "denominator": "Urgent referrals accepted in the month",
        "kind": "service_standard",
        "direction": "higher",
        "proportion": True,
        "unit": "percent",
        "split_by": ["commissioner"],
        "rules": [{"code": "no-referrals-at-all", "kind": "zero_after_activity", "above": 5}],
        "example": "20 urgent referrals accepted, 19 of them answered within 24 hours: 19 over 20.",
    },
    {
        "code": "CASELOAD",
        "name": "Palliative caseload",
        "numerator": "People on the palliative caseload at the month's last midnight",
        "kind": "activity",
        "direction": "neutral",
        "aggregation": "stock_last",
        "unit": "people",
        "split_by": ["commissioner"],
        "example": "38 people are on the caseload as the month ends: 38. Two of them joined that day and are counted; one who died that day is not.",
    },
)
_HANDED_OVER: Final[tuple[dict[str, Any], ...]] = tuple(
    {
        "code": code,
        "name": f"Lung patients {name}",
        "numerator": f"Patients with lung cancer {name} in the month, by that trust; none for this one itself",
        "kind": "activity",
        "direction": "neutral",
        "aggregation": "count_sum",
        "unit": "patients",
        "split_by": [],
        "breakdown": {"code": "counterparty", "categories": [{"code": reference} for reference in _TRUSTS]},
        "example": f"Six patients were {name}, SC-RJE: 6 for SC-RJE, and 0 for each other.",
    }
    for code, name in (("LUNG-OUT", "sent to another trust for treatment"), ("LUNG-IN", "received from another trust for treatment"))
)
"""Both ends of a handover, which are compared: each names the trust at the other end."""

_HANDOVER: Final[dict[str, Any]] = {
    "code": "lung-to-treatment",
    "sent": {"pathway": "lung", "segment": "diagnosis", "measure": "LUNG-OUT"},
    "received": {"pathway": "lung", "segment": "treatment", "measure": "LUNG-IN"},
    "tolerance": 1,
}

# What must be reached to leave the first phase.
_GATE: Final = {
    "criteria": [
        {"criterion": "completeness", "threshold": "0.95"},
        {"criterion": "timeliness", "threshold": "0.90"},
        {"criterion": "coverage", "threshold": "0.95"},
    ]
}


def first_month(today: Month) -> Month:
    """The first of the twelve months that are told: the last of them ended a whole month ago, so every act lies before today."""
    return today.plus(-MONTHS - 1)


def document(first: Month) -> dict[str, Any]:
    """The whole programme, beginning with a month and running for ten years."""
    last = first.plus(TERM_YEARS * 12 - 1)
    term = {"starts_on": first.first_day.isoformat(), "ends_on": last.last_day.isoformat()}
    begins = {"from_month": str(first)}
    return {
        "programme": {
            "code": PROGRAMME,
            "name": "Cancer services in Staffordshire (demonstration: every figure is invented)",
            "prime": "X9901",
            **term,
            # The first contract year is a short one, settled in the shadow to try the rules on.
            "contract_year_starts": f"{first.plus(SHADOW_MONTHS).number:02d}-01",
            "value_pence": 68_700_000_000,
            # Where a hospice's return is missing, too little is in to judge by.
            "publish_threshold": "0.8",
            "rag": {"tolerance": "0.02", "chance": True},
            "measures_need_approval": True,
        },
        "organisations": [{"ods_code": code, "name": name, "kind": kind} for code, name, kind in _ORGANISATIONS],
        "commissioners": [
            {"ods_code": "QNC", "name": "Staffordshire and Stoke-on-Trent", **begins},
            *({"ods_code": code, "name": name, "parent": "QNC", **begins} for code, name in _POPULATIONS.items()),
        ],
        "phases": [
            {"number": 1, "name": "Foundation", **begins, "to_month": str(first.plus(23)), "payment": "shadow", "gate": _GATE},
            {"number": 2, "name": "Transformation", "from_month": str(first.plus(24)), "payment": "live"},
        ],
        "sites": [
            {"code": "urological", "name": "Urological", **begins},
            *(
                {"code": code, "name": name, **begins, **({"parent": "urological"} if code in _UROLOGICAL else {})}
                for code, name in _SITES.items()
            ),
        ],
        "measures": ["CWT-FDS", "CWT-31", "CWT-62", "O-SURV1", *_HANDED_OVER, *_PALLIATIVE_MEASURES],
        "pathways": [_pathway(code, name) for code, name in _SITES.items()],
        "handovers": [_HANDOVER],
        "collections": _collections(),
        "requirements": _requirements(first),
        "subcontracts": list(_subcontracts(first, term)),
        "assignments": list(_assignments(first)),
    }


def _pathway(code: str, name: str) -> dict[str, Any]:
    palliative = [
        *({"code": measure, "sectors": ["hospice"]} for measure in _HOSPICE_MEASURES if measure not in _COMMUNITY_MEASURES),
        {"code": "E-RESPU", "sectors": ["community"]},
        *({"code": measure, "sectors": ["hospice", "community"]} for measure in _OF_BOTH),
    ]
    sent, received = ([measure["code"]] if code == "lung" else [] for measure in _HANDED_OVER)
    return {
        "code": code,
        "name": name,
        "sites": [code],
        "segments": [
            {"code": "diagnosis", "name": "Diagnosis", "setting": "acute", "measures": ["CWT-FDS", *sent]},
            {"code": "treatment", "name": "First treatment", "setting": "acute", "measures": ["CWT-31", "CWT-62", *received]},
            {"code": "palliative", "name": "Palliative care", "setting": "community", "measures": palliative},
        ],
    }


def _collections() -> list[dict[str, Any]]:
    tenth_day = {"working_day": 10, "at": "17:00"}
    after_a_quarter = {"working_day": 18, "months_later": 3}
    return [
        {
            "code": "cwt",
            "name": "Cancer waiting times",
            "measures": ["CWT-FDS", "CWT-31", "CWT-62", *(measure["code"] for measure in _HANDED_OVER)],
            "due": {"working_day": 27, "at": "17:00"},
            "close": {"working_day": 10, "months_later": 2},
            "freeze": {"working_day": 18, "months_later": 6},
        },
        {
            "code": "hospice",
            "name": "Hospice activity",
            "measures": [{"code": code, "sectors": ["hospice"]} for code in _HOSPICE_MEASURES],
            "due": tenth_day,
            "freeze": after_a_quarter,
            "auto_accept": True,
            "rules": [{"code": "month-sent-again", "kind": "stale"}],
        },
        {
            "code": "community",
            "name": "Community palliative care",
            "measures": [{"code": code, "sectors": ["community"]} for code in _COMMUNITY_MEASURES],
            "due": tenth_day,
            "freeze": after_a_quarter,
            "auto_accept": True,
            "rules": [{"code": "month-sent-again", "kind": "stale"}],
        },
    ]


def _subcontracts(first: Month, term: dict[str, str]) -> Iterator[dict[str, Any]]:
    variation = {
        "number": 1,
        "effective_on": first.plus(6).first_day.isoformat(),
        "what": "A night service",
        "value_change_pence": 12_000_000,
    }
    for reference, organisation, sector, pounds, _ in _SUBCONTRACTS:
        yield {
            "reference": reference,
            "organisation": organisation,
            "sector": sector,
            **term,
            "annual_value_pence": pounds * 100,
            "status": "live",
            "contacts": [{"role": "information_lead", "email": f"information@{organisation.lower()}.example"}],
            "assurance": list(_papers(reference, first)),
            "variations": [variation] if reference == "SC-H9901" else [],
        }


def _papers(reference: str, first: Month) -> Iterator[dict[str, str]]:
    """What the subcontract needs to be in order: one hospice has not shown its insurance, and what a trust has lapses soon."""
    for item in ("signature", "insurance", "dspt", "cqc", "ico", "data_sharing_agreement"):
        until = {"expires_on": first.plus(MONTHS + 2).last_day.isoformat()} if (reference, item) == ("SC-RLY", "dspt") else {}
        if (reference, item) != ("SC-H9903", "insurance"):
            yield {"item": item, "reference": f"{reference}-{item}", "held_from": first.first_day.isoformat(), **until}


def _requirements(first: Month) -> list[dict[str, Any]]:
    second_year = str(first.plus(12))
    begins, ends = str(first), str(first.plus(11))

    def asks(measure: str, reference: str, *targets: dict[str, Any]) -> dict[str, Any]:
        return {"measure": measure, "schedule_ref": reference, "targets": list(targets)}

    return [
        asks(
            "CWT-FDS",
            "4A-1",
            {"from_month": begins, "to_month": ends, "standard": "0.80", "interim": "0.77", "floor": "0.70"},
            {"from_month": second_year, "standard": "0.80", "floor": "0.75"},
        ),
        asks("CWT-31", "4A-2", {"from_month": begins, "standard": "0.96", "floor": "0.90"}),
        asks(
            "CWT-62",
            "4A-3",
            {"from_month": begins, "to_month": ends, "standard": "0.85", "interim": "0.70", "floor": "0.60", "stretch": "0.90"},
            {"from_month": second_year, "standard": "0.85", "interim": "0.75", "floor": "0.65", "stretch": "0.90"},
            {"for": {"subcontract": "SC-RL4", "site": "prostate"}, "from_month": begins, "to_month": ends, "trajectory": "0.66"},
        ),
        asks("E-PPDR", "4C-1", {"from_month": begins, "standard": "0.80"}),
        asks("E-RESPU", "4C-2", {"from_month": begins, "standard": "0.90"}),
    ]


def _assignments(first: Month) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for reference, _, sector, _, patients in _SUBCONTRACTS:
        segments = ("diagnosis", "treatment") if sector == "acute" else ("palliative",)
        lines += [
            {
                "subcontract": reference,
                "pathway": site,
                "segment": segment,
                "sites": [site],
                "commissioners": list(patients),
                "from_month": str(first),
                "expected_volume": [
                    {"site": site, "commissioner": code, "volume": volume * (_DIAGNOSED if segment == "diagnosis" else 1)}
                    for code, volume in patients.items()
                ],
            }
            for site in _SITES
            for segment in segments
        ]
    return lines
