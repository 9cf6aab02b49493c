"""Cancer waiting times: the three standards in force since October 2023, and the nine that they took the place of.

Denominators are events in the month of the clock stop. 62-day figures are shared between referring and treating provider in halves.
"""

from typing import Any, Final

from app.kernel.months import Month
from app.measures.catalogue_forms import proportion
from app.measures.domain import Breakdown, Category, Measure, MeasureVersion

_REFORM: Final = Month.parse("2023-10")
# Figures of providers by site and route are published nationally as they are.
_PUBLISHED: Final[dict[str, Any]] = {"disclosure": "as_published"}
_SOURCE: Final = "NHS England, cancer waiting times standards since 1 October 2023"
_BY_REFERRAL: Final[dict[str, Any]] = {
    # National groups of suspected cancer do not tell bladder and prostate apart from the other urological ones.
    "split_by": ("segment", "site", "commissioner"),
    "site_map": {"bladder": "urological", "prostate": "urological"},
}


def _superseding(*codes: str) -> tuple[MeasureVersion, ...]:
    return tuple(MeasureVersion(code=code) for code in codes)


CANCER: Final[tuple[Measure, ...]] = (
    proportion(
        "CWT-FDS",
        "28-day faster diagnosis standard",
        "Patients told within 28 days of an urgent, breast symptomatic or screening referral that cancer is diagnosed or ruled out",
        "Patients told in the month that cancer is diagnosed or ruled out after such a referral",
        from_month=_REFORM,
        source=_SOURCE,
        supersedes=_superseding("H-2WW", "H-2WB"),
        **_BY_REFERRAL,
        **_PUBLISHED,
        example="Referral received on 1 October (day 0), told on 29 October (day 28): 1 over 1. Told on 30 October: 0 over 1.",
    ),
    proportion(
        "CWT-31",
        "31 days from decision to treat to treatment",
        "Treatments started within 31 days of the decision to treat or the earliest clinically appropriate date",
        "First and subsequent cancer treatments started in the month",
        from_month=_REFORM,
        source=_SOURCE,
        supersedes=_superseding("H-31F", "H-31S", "H-31R", "H-31D"),
        **_PUBLISHED,
        example="Decision to treat on 1 October, treatment started on 1 November (day 31): 1 over 1. Started on 2 November: 0 over 1. A patient whose first and next treatment both started in the month counts twice.",
    ),
    proportion(
        "CWT-62",
        "62 days from referral to first treatment",
        "First definitive treatments within 62 days of receipt of the referral or of the upgrade, as allocated to providers",
        "First definitive treatments in the month, same cohort, as allocated to providers",
        from_month=_REFORM,
        numeric_kind="half_unit",
        source=_SOURCE,
        supersedes=_superseding("H-62G", "H-62S", "H-62U"),
        **_PUBLISHED,
        breakdown=Breakdown(
            code="route",
            categories=(
                Category(code="urgent", name="Urgent suspected cancer referral"),
                Category(code="breast_symptomatic", name="Breast symptomatic referral"),
                Category(code="screening", name="Screening referral"),
                Category(code="upgrade", name="Consultant upgrade"),
            ),
        ),
        example="Referred and treated here on day 62: 1 over 1; on day 63: 0 over 1. Referred elsewhere, transferred by day 38 and treated here on day 60: 0.5 over 0.5, and the same for who referred.",
    ),
)


def _historical(code: str, name: str, numerator: str, denominator: str, **members: Any) -> Measure:
    source = (
        "National cancer waiting times standards until September 2023 (Going Further on Cancer Waits, National Cancer Intelligence Network)"
    )
    return proportion(code, name, numerator, denominator, to_month=_REFORM.plus(-1), source=source, **_PUBLISHED, **members)


HISTORICAL: Final[tuple[Measure, ...]] = (
    _historical(
        "H-2WW",
        "Two weeks from urgent referral to first seen",
        "Patients first seen within 14 days of an urgent GP referral for suspected cancer",
        "Patients first seen in the month after such a referral",
        **_BY_REFERRAL,
        example="Referral received on 1 March (day 0), first seen on 15 March (day 14): 1 over 1. First seen on 16 March: 0 over 1.",
    ),
    _historical(
        "H-2WB",
        "Two weeks from breast symptomatic referral to first seen",
        "Patients first seen within 14 days of a referral for breast symptoms where cancer was not suspected",
        "Patients first seen in the month after such a referral",
        split_by=("segment", "site", "commissioner"),
        example="Referral received on 1 March (day 0), first seen on 15 March (day 14): 1 over 1. First seen on 16 March: 0 over 1.",
    ),
    _historical(
        "H-31F",
        "31 days from decision to treat to first treatment",
        "First definitive treatments within 31 days of the decision to treat",
        "First definitive treatments in the month",
        example="Decision to treat on 1 March, first treatment on 1 April (day 31): 1 over 1. On 2 April: 0 over 1.",
    ),
    _historical(
        "H-31S",
        "31 days to subsequent surgery",
        "Subsequent treatments by surgery within 31 days of the decision to treat or the earliest clinically appropriate date",
        "Subsequent treatments by surgery in the month",
        example="Decision to operate again on 1 March, operation on 1 April (day 31): 1 over 1. On 2 April: 0 over 1.",
    ),
    _historical(
        "H-31R",
        "31 days to subsequent radiotherapy",
        "Subsequent treatments by radiotherapy within 31 days of the decision to treat or the earliest clinically appropriate date",
        "Subsequent treatments by radiotherapy in the month",
        example="Decision to treat on 1 March, radiotherapy from 1 April (day 31) on: 1 over 1. From 2 April on: 0 over 1.",
    ),
    _historical(
        "H-31D",
        "31 days to subsequent anti-cancer drug treatment",
        "Subsequent treatments by anti-cancer drugs within 31 days of the decision to treat or the earliest clinically appropriate date",
        "Subsequent treatments by anti-cancer drugs in the month",
        example="Decision to treat on 1 March, drug treatment from 1 April (day 31) on: 1 over 1. From 2 April on: 0 over 1.",
    ),
    _historical(
        "H-62G",
        "62 days from urgent GP referral to first treatment",
        "First definitive treatments within 62 days of an urgent GP referral for suspected cancer, as allocated to providers",
        "First definitive treatments in the month after such a referral, as allocated to providers",
        numeric_kind="half_unit",
        example="Referral received on 1 March (day 0), first treatment on 2 May (day 62): 1 over 1. On 3 May: 0 over 1. A patient shared with another provider may count half for each.",
    ),
    _historical(
        "H-62S",
        "62 days from screening referral to first treatment",
        "First definitive treatments within 62 days of a referral from a screening service, as allocated to providers",
        "First definitive treatments in the month after such a referral, as allocated to providers",
        numeric_kind="half_unit",
        example="Referral received on 1 March (day 0), first treatment on 2 May (day 62): 1 over 1. On 3 May: 0 over 1. A patient shared with another provider may count half for each.",
    ),
    _historical(
        "H-62U",
        "62 days from consultant upgrade to first treatment",
        "First definitive treatments within 62 days of a consultant's decision to upgrade, as allocated to providers",
        "First definitive treatments in the month after such an upgrade, as allocated to providers",
        numeric_kind="half_unit",
        example="Upgraded on 1 March (day 0), first treatment on 2 May (day 62): 1 over 1. On 3 May: 0 over 1. A patient shared with another provider may count half for each.",
    ),
)
