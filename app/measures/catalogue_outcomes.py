"""Outcomes of cancer care and patients' experience of it: mostly slow, national and adjusted for case mix.

What is adjusted or modelled is imported as it was published; crude counts pool.
"""

from typing import Final

from app.measures.catalogue_forms import TO_BE_CONFIRMED, as_published, proportion
from app.measures.domain import Measure

_BY_POPULATION: Final = ("site", "commissioner")
_SACT: Final = "National Disease Registration Service, 30-day mortality after systemic anti-cancer therapy"
_CPES: Final = f"National Cancer Patient Experience Survey; its adjustment for case mix is {TO_BE_CONFIRMED}"

OUTCOMES: Final[tuple[Measure, ...]] = (
    proportion(
        "O-STAGE",
        "Cancers diagnosed early",
        "Cancers diagnosed at stage 1 or 2",
        "All cancers diagnosed in the selected sites; an unknown stage stays in",
        kind="outcome",
        basis="commissioner",
        split_by=_BY_POPULATION,
        source="National Cancer Registration and Analysis Service, cancer outcome metrics for CCGs; read only beside O-STAGED",
        example="40 cancers diagnosed, 18 of them at stage 1 or 2, 16 at stage 3 or 4 and 6 at an unknown stage: 18 over 40.",
    ),
    proportion(
        "O-EMERG",
        "Cancers diagnosed as an emergency",
        "Patients who presented as an emergency",
        "Patients first seen as an inpatient with a cancer other than non-melanoma skin cancer",
        kind="outcome",
        direction="lower",
        basis="commissioner",
        split_by=_BY_POPULATION,
        source="National Disease Registration Service, emergency presentations, quarterly",
        example="50 patients first seen as an inpatient, 9 of whom presented as an emergency: 9 over 50.",
    ),
    as_published(
        "O-SURV1",
        "One-year net survival index",
        "Net survival one year after diagnosis, modelled against life tables and standardised by age, sex and site",
        None,
        basis="commissioner",
        split_by=_BY_POPULATION,
        source=f"National cancer survival statistics; {TO_BE_CONFIRMED}",
        example="Published as 74.2 for one population and as 71.0 for another: each stands as it is, and no mean of the two is made.",
    ),
    as_published(
        "O-SURV5",
        "Five-year net survival index",
        "Net survival five years after diagnosis, modelled against life tables and standardised by age, sex and site",
        None,
        basis="commissioner",
        split_by=_BY_POPULATION,
        source=f"National cancer survival statistics; {TO_BE_CONFIRMED}",
        example="Published as 55.1 for one population and as 52.8 for another: each stands as it is, and no mean of the two is made.",
    ),
    proportion(
        "O-SACT30",
        "30-day mortality after systemic anti-cancer therapy, crude",
        "Patients who died within 30 days of the start of their last cycle",
        "Patients treated with systemic anti-cancer therapy",
        kind="outcome",
        direction="lower",
        split_by=_BY_POPULATION,
        source=f"{_SACT}; crude counts of the provider's own",
        example="60 patients treated; one died 21 days after the start of the last cycle, one 35 days after it: 1 over 60.",
    ),
    as_published(
        "O-SACT30A",
        "30-day mortality after systemic anti-cancer therapy, adjusted for case mix",
        "Deaths within 30 days of the start of the last cycle, adjusted for case mix",
        "Patients treated with systemic anti-cancer therapy",
        direction="lower",
        split_by=_BY_POPULATION,
        source=f"{_SACT}, adjusted rates of trusts by site",
        example="Published as 1.9 for one trust and as 2.4 for another: each stands as it is, and no mean of the two is made.",
    ),
    Measure(
        code="O-CPES",
        name="Patients' overall rating of their cancer care, unadjusted",
        numerator="Sum of the respondents' ratings from 0 to 10",
        denominator="Respondents who gave a rating",
        kind="experience",
        direction="higher",
        aggregation="mean_weighted",
        unit="points",
        split_by=_BY_POPULATION,
        source=_CPES,
        example="Three respondents rated their care 8, 9 and 10: 27 over 3.",
    ),
    as_published(
        "O-CPESA",
        "Patients' overall rating of their cancer care, adjusted for case mix",
        "Mean rating from 0 to 10, adjusted for case mix",
        None,
        kind="experience",
        unit="points",
        split_by=_BY_POPULATION,
        source=_CPES,
        example="Published as 8.9 for one trust and as 9.1 for another: each stands as it is, and no mean of the two is made.",
    ),
    Measure(
        code="O-QOL",
        name="Quality of life after cancer",
        numerator="Sum of the respondents' scores about 18 months after diagnosis",
        denominator="Respondents with a score",
        kind="outcome",
        direction="higher",
        numeric_kind="decimal",
        aggregation="mean_weighted",
        basis="commissioner",
        unit="score",
        split_by=_BY_POPULATION,
        source=f"Cancer Quality of Life Survey (EQ-5D-5L and QLQ-C30); {TO_BE_CONFIRMED}",
        example="Three respondents scored 0.72, 0.81 and 0.79: 2.32 over 3.",
    ),
)
