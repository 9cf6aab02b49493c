"""A report as the public would be shown it: which policies hold, which places are above which, and rows in the order of their slices."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from app.calendar.contract import Contract
from app.disclosure.domain import Above, Policy, disclose, notes_of, policies_of
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.programmes.domain import ancestors
from app.reports.reading import Reading

Part = TypeVar("Part")

NAMING_SUBCONTRACTS: Final = frozenset({"carries_no_weight", "unsigned"})
"""Notes of a report that name subcontracts: the public is told none of them."""


def policies(contract: Contract) -> dict[str, Policy]:
    """The policy of each measure of the programme."""
    return policies_of(contract.measures)


def places_above(reading: Reading) -> Above:
    """The sites and commissioners above each, nearest first, as a month's rows are computed from each other."""
    contract = reading.contract
    return {
        "site": {site.code: ancestors(site.code, contract.site_parents) for site in contract.sites},
        "commissioner": {reading.commissioner(code): reading.above(code) for code in contract.commissioner},
    }


def named_to_public(contract: Contract) -> Callable[[str, str], bool]:
    """Whether the rows of a slice of a measure are among those that the public has: not those that name subcontracts, unless the programme has it so.

    Whom something was handed over to is a category of what counts it.
    """
    own = frozenset(contract.subcontract)
    naming = {measure.code for measure in contract.measures if not own.isdisjoint(measure.category_codes)}

    def told(slice_: str, measure: str) -> bool:
        places = slice_.split("+")
        return "subcontract" not in places and ("category" not in places or measure not in naming)

    return (lambda _slice, _measure: True) if contract.programme.publishing.subcontracts_to_public else told


def unnamed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row without whose figures it lacks: `SC-A late, SC-B late` as `2 late`."""
    if row["excludes"] is None:
        return row
    reasons = Counter(each.partition(" ")[2] for each in row["excludes"].split(", "))
    return {**row, "excludes": ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))}


def preview(
    contract: Contract, month: Month, stored: Mapping[Part, bytes], *, restated: bool
) -> tuple[dict[Part, bytes], list[dict[str, Any]]]:
    """The rows of slices and periods as the public would be shown them if it had no others, and the notes about it."""
    told = named_to_public(contract)
    parts = {
        part: [row for row in json.loads(content, parse_float=Decimal, parse_int=Decimal) if told(row["slice"], row["measure"])]
        for part, content in stored.items()
    }
    rows = [row for part in parts.values() for row in part]
    measures = policies(contract)
    shown = iter(disclose(rows, policies=measures, above=places_above(Reading(contract, month, restated=restated))))
    return {part: json_bytes([unnamed(next(shown)) for _ in held]) for part, held in parts.items()}, notes_of(measures, preview=True)
