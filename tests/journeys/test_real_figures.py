"""A month runs end to end on real figures: what NHS England published comes out of the consolidated report, to the half patient."""

from collections.abc import Iterator
from functools import cache
from typing import Final

import pytest

from tests.real.commissioners import run_commissioners
from tests.real.england import run_england
from tests.real.published import ALL, ENGLAND, FOLDER, MONTHS, NOTHING, Figures, Row, read_england
from tests.real.tally import Silent, Tally
from tests.support.server import Installation, installation

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="NHS England's published files are not in ../shared/data/cwt, beside the project"
)


# `make real` does all measures and months, and a quarter as it was first submitted and as it was corrected; the last month is one in which England's own total ends in a half, on either basis.
TRIED: Final = (MONTHS[-1],)

published_of_providers = cache(read_england)
"""All months, and so every provider: one that has no row in the month that is tried sends zeros."""


def test_published_cells_make_the_published_totals() -> None:
    """Holds without the service: what is posted is enough for everything that is compared."""
    england = published_of_providers()
    published = {row: figures for row, figures in england.rows.items() if row.month in TRIED}
    made: dict[Row, Figures] = {}
    for row, figures in published.items():
        if row.organisation != ENGLAND and england.is_cell(row):
            for organisation in (row.organisation, ENGLAND):
                for category in {row.category, ALL}:
                    for site in {row.site, ALL}:
                        whole = Row(row.month, organisation, row.measure, category, site)
                        made[whole] = made.get(whole, NOTHING).plus(figures)
    assert not {row: figures for row, figures in published.items() if made[row] != figures}
    assert len(england.organisations) == 156


@pytest.fixture(scope="module")
def england_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("england")) as service:
        yield service


def test_england_equals_what_is_published_in_every_cut(england_served: Installation) -> None:
    england, tally = published_of_providers().only("CWT-FDS", "CWT-31-MODALITY", "CWT-62"), Tally()
    run_england(england, england_served, months=TRIED, tally=tally, progress=Silent())
    assert not tally.mismatches[:20]
    assert tally.compared["returns received"] == 156 * len(TRIED)
    # Totals, sites, categories and both: every row that is published of England was compared.
    published = [row for row in england.of(TRIED[0], ENGLAND) if row not in england.summed]
    assert sum(tally.compared[f"England by {cut}, month"] for cut in ("all", "site", "category", "category+site")) == len(published) > 80
    assert tally.compared["published shares"] > 3_000
    assert tally.compared["averaging would differ"] == len(england.sites)
    # The same rows were imported, and those of each provider's totals: all agree with what was returned.
    assert tally.compared["imports beside returns"] > len(published) + 2 * 145


def test_commissioners_and_those_whom_nobody_knows_make_england(england_served: Installation) -> None:
    commissioners, tally = read_england(months=TRIED, basis="commissioner").only("CWT-62"), Tally()
    assert len(commissioners.organisations) == 51
    run_commissioners(commissioners, published_of_providers(), england_served, months=TRIED, tally=tally, progress=Silent())
    assert not tally.mismatches[:20]
    assert tally.compared["England, on either basis"] == tally.compared["without UNKNOWN they do not"] == 1
    assert tally.compared["by commissioner+site, month"] > 500
