"""Expected volumes proposed out of a year before: patients a month, however long the periods of the returns are."""

from decimal import Decimal

import pytest

from app.configuration.volumes import proposals
from app.kernel.months import Month
from tests.make import contract, document

PLACE = ("cancer", "treatment", "lung", "05W")
LINE = {"subcontract": "SC-RJE", "pathway": "cancer", "segment": "treatment", "sites": ["lung"], "commissioners": ["05W"]}


@pytest.mark.parametrize(
    ("every", "aggregation", "stated", "known", "volume"),
    [
        ("month", "count_sum", {"2026-09": 100, "2026-10": 200}, 2, "150"),
        ("quarter", "count_sum", {"2026-09": 300, "2026-12": 303, "2027-03": 300, "2027-06": 300}, 11, "100.3"),
        ("half_year", "count_sum", {"2027-07": 605}, 6, "100.8"),
        ("year", "count_sum", {"2027-07": 1200}, 12, "100"),
        ("quarter", "stock_last", {"2026-09": 300, "2026-12": 303}, 5, "301.8"),
    ],
)
def test_a_volume_is_of_a_month(every: str, aggregation: str, stated: dict[str, int], known: int, volume: str) -> None:
    """Proposed from 2027-08 on: of the twelve months from 2026-08 on, those are known whose period was returned."""
    held, cwt = document()["collections"]
    measures = [{"code": "CWT-62", "name": "Treated", "aggregation": aggregation}, *document()["measures"][2:], "CWT-FDS"]
    programme = {**document()["programme"], "contract_year_starts": "08-01"}
    collections = [held, {**cwt, "every": every}]
    made = contract(measures=measures, collections=collections, assignments=[LINE], requirements=[], programme=programme)
    reported = {("SC-RJE", Month.parse(month), PLACE): Decimal(figure) for month, figure in stated.items()}
    (row,) = proposals(made, "CWT-62", Month.parse("2027-08"), reported)
    assert (sum(each.volume is not None for each in row.months), row.volume) == (known, Decimal(volume))
