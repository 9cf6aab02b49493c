"""End of life and hospice care, each measure under one of the six national ambitions.

Numbers are small: these are read over rolling twelve months. People on several providers' registers are not added across providers.
"""

from typing import Any, Final

from app.measures.catalogue_forms import LOCAL, TO_BE_CONFIRMED, as_published, proportion
from app.measures.domain import Measure

_PLACE_OF_DEATH: Final = "Office for National Statistics, death registrations by place, quarterly on rolling twelve months"
_POPULATION: Final = ("commissioner",)


def _of_decedents(code: str, name: str, numerator: str, denominator: str, **members: Any) -> Measure:
    return proportion(code, name, numerator, denominator, **{"split_by": _POPULATION, "source": LOCAL, **members})


END_OF_LIFE: Final[tuple[Measure, ...]] = (
    as_published(
        "E-DIUPR",
        "Deaths in the usual place of residence",
        "Deaths at home, in a care home or in a religious establishment",
        "All deaths but those from external causes and of the newborn",
        basis="commissioner",
        split_by=_POPULATION,
        ambition="individual",
        source=f"{_PLACE_OF_DEATH}; Public Health England's definition",
    ),
    as_published(
        "E-HOSP",
        "Deaths in hospital",
        "Deaths in hospital",
        "All deaths but those from external causes and of the newborn",
        direction="lower",
        basis="commissioner",
        split_by=_POPULATION,
        ambition="individual",
        source=f"{_PLACE_OF_DEATH}; Public Health England's definition",
    ),
    as_published(
        "E-3ADM",
        "Three or more emergency admissions in the last 90 days of life",
        "People who died in the period after three or more emergency admissions in their last 90 days",
        "All people who died in the period",
        direction="lower",
        basis="commissioner",
        split_by=_POPULATION,
        ambition="coordinated_care",
        source="Linked hospital and death records, as the Nuffield Trust published them",
    ),
    _of_decedents(
        "E-REG",
        "People on a palliative care register",
        "People on the register at the last midnight of the month",
        "Registered population, or deaths in the period: the contract declares which",
        aggregation="distinct_risk",
        proportion=False,
        basis="commissioner",
        ambition="fair_access",
        source=f"Palliative care registers; the denominator, and the share of 1% to expect, are {TO_BE_CONFIRMED}",
    ),
    _of_decedents(
        "E-DREG",
        "Deaths of people who were on the register",
        "People who died in the month and were on the register before",
        "All people of the locality known to have died in the month",
        aggregation="distinct_risk",
        basis="commissioner",
        ambition="fair_access",
    ),
    _of_decedents(
        "E-ACP",
        "Care plan recorded before death",
        "People who died in the month with an advance care plan or ReSPECT form recorded",
        "People on the caseload who died in the month",
        ambition="individual",
    ),
    _of_decedents(
        "E-ACPC",
        "Care plan recorded, of the caseload",
        "People on the caseload at the last midnight of the month with an advance care plan or ReSPECT form recorded",
        "People on the caseload at the last midnight of the month; over several months, each month's census counts once",
        ambition="individual",
        source=f"{LOCAL}; a contract uses this or E-ACP, not both",
    ),
    _of_decedents(
        "E-PPDR",
        "Preferred place of death recorded",
        "People who died in the month with a preferred place of death recorded",
        "People on the caseload who died in the month",
        ambition="individual",
    ),
    _of_decedents(
        "E-PPDA",
        "Preferred place of death achieved",
        "People who died in the place that they had preferred",
        "People who died in the month with a preferred place of death recorded",
        ambition="individual",
        source=f"{LOCAL}; read only beside E-PPDR",
    ),
    _of_decedents(
        "E-FT48",
        "Fast-track continuing healthcare within 48 hours",
        "Packages in place within 48 hours of receipt of the application, weekends included",
        "Fast-track applications accepted in the month",
        ambition="coordinated_care",
        source="The 48 hours that Marie Curie asked CCGs about (Health Service Journal)",
    ),
    _of_decedents(
        "E-RESPU",
        "Urgent referrals answered within 24 hours",
        "Urgent referrals first contacted within 24 hours",
        "Urgent referrals accepted in the month",
        ambition="comfort_and_wellbeing",
        source=f"{LOCAL}; St Giles Hospice, Quality Account 2017/18, for comparison",
    ),
    _of_decedents(
        "E-RESPR",
        "Routine referrals answered within five working days",
        "Routine referrals first contacted within five working days",
        "Routine referrals accepted in the month",
        ambition="comfort_and_wellbeing",
    ),
    _of_decedents(
        "E-BEDOCC",
        "Hospice bed occupancy",
        "Occupied bed-days",
        "Available bed-days",
        kind="activity",
        direction="neutral",
        split_by=(),
        ambition="fair_access",
    ),
    _of_decedents(
        "E-BERV",
        "Bereavement support offered",
        "Deaths of the earlier month after which a bereaved carer was offered support within the agreed weeks",
        "Deaths in the earlier month that the agreed weeks lead back to",
        ambition="individual",
    ),
    _of_decedents(
        "E-VOICES",
        "Bereaved carers' rating of care",
        "Bereaved carers who rated care as outstanding, excellent or good",
        "Bereaved carers who gave a rating",
        kind="experience",
        ambition="comfort_and_wellbeing",
        source=f"Office for National Statistics, National Survey of Bereaved People (VOICES) 2013; its successors are {TO_BE_CONFIRMED}",
    ),
    _of_decedents(
        "E-OACC",
        "Symptoms improved between two measurements",
        "Patients whose pain or breathlessness improved between two completed measurements",
        "Patients with two completed measurements",
        kind="outcome",
        ambition="comfort_and_wellbeing",
        source=f"Outcome Assessment and Complexity Collaborative (IPOS); {TO_BE_CONFIRMED}; read only beside E-OACCR",
    ),
    _of_decedents(
        "E-OACCR",
        "Symptoms measured twice",
        "Patients with two completed measurements",
        "Patients whose episode of care ended in the month",
        kind="data_quality",
        ambition="comfort_and_wellbeing",
        source=f"Outcome Assessment and Complexity Collaborative (IPOS); {TO_BE_CONFIRMED}",
    ),
    _of_decedents(
        "E-SPEND",
        "Advice line available at all hours",
        "Hours of the month in which the advice line was staffed",
        "Hours of the month",
        numeric_kind="decimal",
        split_by=(),
        ambition="coordinated_care",
        source=TO_BE_CONFIRMED,
    ),
    _of_decedents(
        "E-OOH",
        "Out-of-hours calls answered",
        "Calls out of hours that were answered",
        "Calls received out of hours",
        split_by=(),
        ambition="coordinated_care",
        source=TO_BE_CONFIRMED,
    ),
)
