"""Looking through a contract for gaps: what is looked through, taken from it."""

from app.assignments.gaps import Search, commissioners_as_places, sites_as_places
from app.calendar.contract import Contract
from app.calendar.expected import delivering_months
from app.kernel.ranges import Ranges, span, united


def search_of(contract: Contract, *, asked: Ranges) -> Search:
    """A search of these months of a contract, within its term."""
    return Search(
        term=united([span(contract.programme.first_month, contract.programme.last_month)]),
        asked=asked,
        pathways=contract.pathways,
        sites=sites_as_places(contract.sites),
        commissioners=commissioners_as_places(contract.commissioners, contract.successions),
        subcontracts=contract.subcontract,
        delivering=delivering_months(contract),
        assignments=contract.assignments,
    )
