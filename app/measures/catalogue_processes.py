"""Processes of cancer care: what subcontractors return each month, fast and local.

Medians do not pool: time in a segment is asked for in bands, from which a median is estimated anew for every total.
"""

from decimal import Decimal
from typing import Final

from app.measures.catalogue_forms import LOCAL, TO_BE_CONFIRMED, proportion, stock
from app.measures.domain import Breakdown, Category, Measure

_BANDS: Final = (("0-7", 7), ("8-14", 14), ("15-21", 21), ("22-28", 28), ("29-38", 38), ("39-62", 62), ("63-104", 104), ("105-up", None))
_BY_SEGMENT: Final = ("pathway", "segment", "site", "commissioner")
_BY_POPULATION: Final = ("site", "commissioner")

PROCESSES: Final[tuple[Measure, ...]] = (
    proportion(
        "P-HNA",
        "Holistic needs assessment and care plan offered",
        "Patients offered a holistic needs assessment and a care plan",
        "Patients eligible in the month",
        split_by=_BY_POPULATION,
        source=f"Personalised cancer care; {TO_BE_CONFIRMED}",
        example="30 patients eligible; 24 were offered both the assessment and the plan, 2 the assessment alone: 24 over 30.",
    ),
    proportion(
        "P-CNS",
        "Named clinical nurse specialist",
        "Patients with a named clinical nurse specialist",
        "Patients eligible in the month",
        split_by=_BY_POPULATION,
        source=f"Personalised cancer care; {TO_BE_CONFIRMED}",
        example="30 patients eligible, 28 of them with a named nurse: 28 over 30.",
    ),
    proportion(
        "P-PSFU",
        "Personalised stratified follow-up",
        "Patients on a personalised stratified follow-up pathway",
        "Patients eligible in the month",
        split_by=_BY_POPULATION,
        source=f"Personalised cancer care; {TO_BE_CONFIRMED}",
        example="30 patients eligible, 21 of them on such a pathway: 21 over 30.",
    ),
    Measure(
        code="P-TIMED",
        name="Days to complete a segment",
        numerator="Patients who completed the segment in the month, by the days that it took",
        kind="service_standard",
        direction="lower",
        aggregation="banded",
        statistic="median",
        unit="days",
        split_by=_BY_SEGMENT,
        breakdown=Breakdown(
            code="wait_days",
            categories=tuple(Category(code=code, upper=None if upper is None else Decimal(upper)) for code, upper in _BANDS),
        ),
        source=f"{LOCAL}, on the milestones of the optimal pathways",
        example="Three patients completed the segment, in 5, 9 and 40 days: 1 in 0-7, 1 in 8-14, 1 in 39-62, and 0 in every other band.",
    ),
    proportion(
        "P-TIMEDP",
        "Segment completed within its local target",
        "Patients who completed the segment within its local target",
        "Patients who completed the segment in the month",
        split_by=_BY_SEGMENT,
        source=f"{LOCAL}, on the milestones of the optimal pathways",
        example="20 patients completed the segment, 17 of them within its target: 17 over 20.",
    ),
    proportion(
        "P-IPT38",
        "Transferred by day 38 with the minimum dataset",
        "Patients transferred to the treating provider by day 38 with the minimum dataset",
        "Patients transferred to another provider for treatment in the month",
        split_by=_BY_POPULATION,
        source="Local measure on the National Cancer Breach Allocation Guidance of April 2016 (single maximum handover at day 38)",
        example="12 patients transferred; 9 by day 38, one of them without the minimum dataset: 8 over 12.",
    ),
    stock(
        "P-PTL",
        "Patients on the cancer tracking list",
        "Patients on the list at the last midnight of the month",
        direction="neutral",
        split_by=_BY_POPULATION,
        source=f"Patient tracking list; {TO_BE_CONFIRMED}",
        example="412 patients are on the list as 31 October ends: 412. One who is added on 1 November is not counted.",
    ),
    stock(
        "P-PTL62",
        "Patients waiting over 62 days",
        "Patients on the list for more than 62 days at the last midnight of the month",
        split_by=_BY_POPULATION,
        source=f"Patient tracking list; {TO_BE_CONFIRMED}",
        example="As the month ends one patient on the list has waited 62 days and another 63: 1.",
    ),
    stock(
        "P-PTL104",
        "Patients waiting over 104 days",
        "Patients on the list for more than 104 days at the last midnight of the month",
        split_by=_BY_POPULATION,
        source=f"Patient tracking list; {TO_BE_CONFIRMED}",
        example="As the month ends one patient on the list has waited 104 days and another 105: 1.",
    ),
)
