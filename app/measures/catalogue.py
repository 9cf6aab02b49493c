"""The built-in catalogue: measures that a programme may name by code alone, and then has a copy of.

Sources: NHS England's cancer waiting time standards from 1 October 2023 (28-day faster diagnosis, 31 days from decision to
treat, 62 days from referral), counted in the month of the clock stop; 62-day figures are shared between referring and treating
provider in halves.
"""

from typing import Final

from app.kernel.months import Month
from app.measures.domain import Breakdown, Category, Measure

_REFORM: Final = Month.parse("2023-10")

_MEASURES: Final = (
    Measure(
        code="CWT-FDS",
        from_month=_REFORM,
        name="28-day faster diagnosis standard",
        numerator="Patients told within 28 days of an urgent, breast symptomatic or screening referral that cancer is diagnosed or ruled out",
        denominator="Patients told in the month that cancer is diagnosed or ruled out after such a referral",
        kind="service_standard",
        direction="higher",
        numeric_kind="integer",
        aggregation="ratio_sum",
        proportion=True,
        basis="provider",
        unit="percent",
        split_by=("segment", "site", "commissioner"),
        site_map={"bladder": "urological", "prostate": "urological"},
    ),
    Measure(
        code="CWT-31",
        from_month=_REFORM,
        name="31 days from decision to treat to treatment",
        numerator="Treatments started within 31 days of the decision to treat or the earliest clinically appropriate date",
        denominator="First and subsequent cancer treatments started in the month",
        kind="service_standard",
        direction="higher",
        numeric_kind="integer",
        aggregation="ratio_sum",
        proportion=True,
        basis="provider",
        unit="percent",
    ),
    Measure(
        code="CWT-62",
        from_month=_REFORM,
        name="62 days from referral to first treatment",
        numerator="First definitive treatments within 62 days of receipt of the referral or of the upgrade, as allocated to providers",
        denominator="First definitive treatments in the month, same cohort, as allocated to providers",
        kind="service_standard",
        direction="higher",
        numeric_kind="half_unit",
        aggregation="ratio_sum",
        proportion=True,
        basis="provider",
        unit="percent",
        breakdown=Breakdown(
            code="route",
            categories=(
                Category(code="urgent", name="Urgent suspected cancer referral"),
                Category(code="breast_symptomatic", name="Breast symptomatic referral"),
                Category(code="screening", name="Screening referral"),
                Category(code="upgrade", name="Consultant upgrade"),
            ),
        ),
    ),
)

CATALOGUE: Final = {measure.code: measure for measure in _MEASURES}
