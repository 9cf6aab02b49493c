"""What the providers returned beside what is published of them and of England, imported as it is published: every count agrees."""

from typing import Any, Final

from tests.real.documents import PROGRAMME
from tests.real.published import ALL, ENGLAND, England, Figures, Row
from tests.real.reports import exactly
from tests.real.tally import Tally
from tests.support.server import Caller

PUBLISHED_ON: Final = "2025-05-08"
_IMPORTS: Final = f"/v1/programmes/{PROGRAMME}/imports"
_AGREEMENT: Final = f"/v1/programmes/{PROGRAMME}/agreement"
_AT_ONCE: Final = 2000


def compare_agreement(england: England, month: str, integrator: Caller, *, tally: Tally) -> None:
    """Import England's rows in every cut, and each provider's totals; one of them a patient off."""
    rows = {row: figures for row, figures in england.of(month, ENGLAND).items() if row not in england.summed}
    for provider in england.organisations:
        rows |= {row: figures for row, figures in england.of(month, provider).items() if (row.site, row.category) == (ALL, ALL)}
    sent = [_import(row, figures) for row, figures in rows.items()]
    sent.append({**sent[-1], "source": "Off by one", "denominator": str(int(sent[-1]["denominator"].partition(".")[0]) + 1)})
    for first in range(0, len(sent), _AT_ONCE):
        integrator.post(_IMPORTS, {"imports": sent[first : first + _AT_ONCE]})
    found = _agreement(integrator, month)
    told = [(row["state"], row["source"]) for row in found]
    tally.same("imports beside returns, off by one", month, expected=1, found=told.count(("differs", "Off by one")))
    for row in found:
        if row["source"] != "Off by one":
            returned = Figures(row["returned_numerator"], row["returned_denominator"])
            imported = rows[
                Row(month, ENGLAND if row["organisation"] == ALL else row["organisation"], row["measure"], row["category"], row["site"])
            ]
            tally.same("imports beside returns", row["import"], expected=("agrees", imported), found=(row["state"], returned))
    tally.same("imports beside returns, all of them", month, expected=len(sent), found=len(found))


def _import(row: Row, figures: Figures) -> dict[str, Any]:
    return {
        "measure": row.measure,
        "source": "Cancer Waiting Times",
        "address": "https://www.england.nhs.uk/statistics/statistical-work-areas/cancer-waiting-times/",
        "published_on": PUBLISHED_ON,
        "month": row.month,
        "organisation": None if row.organisation == ENGLAND else row.organisation,
        "site": row.site,
        "category": row.category,
        "basis": "provider",
        "numerator": str(figures.numerator),
        "denominator": str(figures.denominator),
    }


def _agreement(integrator: Caller, month: str) -> list[dict[str, Any]]:
    """Every page."""
    found: list[dict[str, Any]] = []
    query = {"month": month, "limit": "200"}
    while True:
        page = exactly(integrator.get(_AGREEMENT, **query).content)
        found += page["agreement"]
        if not page["next"]:
            return found
        query["cursor"] = page["next"]
