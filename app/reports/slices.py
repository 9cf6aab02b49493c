"""The slices of a report: which places a row is about, and which rows a figure is part of.

A measure has rows in a slice where it is split by what the slice names. A figure stands in its own row and in the rows of the places above it
(a site's or commissioner's parents), which are computed from their children. Where a place is itself reported, its row is as reported and not computed:
so the rows of a slice without those marked as a parent's add up to the slice `all`, and no two rows have the same key.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final, Literal, NamedTuple

from app.calendar.contract import Contract
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.measures.domain import Measure
from app.programmes.domain import ancestors
from app.reports.reading import Reading

SLICES: Final[Mapping[str, tuple[str, ...]]] = {
    "all": (),
    "commissioner": ("commissioner",),
    "site": ("site",),
    "pathway": ("pathway",),
    "segment": ("pathway", "segment"),
    "category": ("category",),
    "subcontract": ("subcontract",),
    "commissioner+site": ("commissioner", "site"),
    "commissioner+subcontract": ("commissioner", "subcontract"),
    "site+subcontract": ("site", "subcontract"),
    "category+site": ("category", "site"),
    "category+subcontract": ("category", "subcontract"),
}
"""What each slice names; everything else is `all` in its rows."""

DEFAULT_SLICES: Final = ("all", "commissioner", "site", "pathway", "segment", "category")

SiteScope = Literal["exact", "wider", "parent"]
CommissionerScope = Literal["exact", "whole", "part"]
PARENTS: Final = frozenset({"parent", "whole", "part"})


class Place(NamedTuple):
    """Where a figure stands: a cell of a subcontract, its category apart."""

    measure: str
    pathway: str
    segment: str
    site: str
    commissioner: str
    subcontract: str


class RowKey(NamedTuple):
    """What identifies a row in its slice, and how its places are meant."""

    measure: str
    pathway: str
    segment: str
    site: str
    commissioner: str
    subcontract: str
    category: str
    site_scope: SiteScope = "exact"
    commissioner_scope: CommissionerScope = "exact"


Reported = frozenset[tuple[str, str, str]]
"""Places that are themselves owed or reported: ("site" or "commissioner", measure, code)."""


def is_split(measure: Measure, slice_: str) -> bool:
    """Whether a measure has rows in a slice. `segment` names the pathway too only where the measure is split by it."""
    named = ("segment",) if slice_ == "segment" else SLICES[slice_]
    return all(
        name == "subcontract" or (measure.breakdown is not None if name == "category" else name in measure.split_by) for name in named
    )


class Slice:
    """The rows of one slice in one month, as the contract and what is reported itself decide."""

    def __init__(self, contract: Contract, month: Month, slice_: str, reported: Reported, reading: Reading) -> None:
        self.named = frozenset(SLICES[slice_])
        self._contract = contract
        self._month = month
        self._slice = slice_
        self._reported = reported
        self._reading = reading
        self._measures: dict[str, Measure | None] = {}
        self._keys: dict[tuple[str, ...], list[RowKey]] = {}
        self._sites: dict[tuple[str, str], tuple[tuple[str, SiteScope], ...]] = {}
        self._commissioners: dict[tuple[str, str], tuple[tuple[str, CommissionerScope], ...]] = {}

    def measure(self, code: str) -> Measure | None:
        """The measure's version in force, where it has rows in this slice."""
        if code not in self._measures:
            measure = self._contract.measure(code, self._month)
            self._measures[code] = measure if measure is not None and is_split(measure, self._slice) else None
        return self._measures[code]

    def keys(self, place: Place, category: str) -> list[RowKey]:
        """The rows that a figure is part of: none where its measure has no rows in this slice."""
        asked = (*place[:5], category if "category" in self.named else ALL)
        found = self._keys.get(asked)
        if found is None:
            found = self._keys[asked] = self._keys_of_any(Place(*place[:5], ALL), asked[5])
        if "subcontract" not in self.named:
            return found
        subcontract = self._reading.subcontract(place.subcontract)
        return [RowKey(*key[:5], subcontract, *key[6:]) for key in found]

    def _keys_of_any(self, place: Place, category: str) -> list[RowKey]:
        """The same of any subcontract."""
        measure, named = self.measure(place.measure), self.named
        if measure is None or ("site" in named and place.site == ALL) or ("commissioner" in named and place.commissioner == ALL):
            return []
        sites = self._above_site(measure, place.site) if "site" in named else ((ALL, "exact"),)
        commissioners = self._above_commissioner(measure, place.commissioner) if "commissioner" in named else ((ALL, "exact"),)
        pathway = place.pathway if "pathway" in named else ALL
        segment = place.segment if "segment" in named else ALL
        return [
            RowKey(place.measure, pathway, segment, site, commissioner, ALL, category, site_scope, commissioner_scope)
            for (site, site_scope), (commissioner, commissioner_scope) in product(sites, commissioners)
        ]

    def _above_site(self, measure: Measure, site: str) -> tuple[tuple[str, SiteScope], ...]:
        key = (measure.code, site)
        if key not in self._sites:
            own: SiteScope = "wider" if site in measure.site_map.values() else "exact"
            above = (code for code in ancestors(site, self._contract.site_parents) if ("site", measure.code, code) not in self._reported)
            self._sites[key] = ((site, own), *((code, "parent") for code in above))
        return self._sites[key]

    def _above_commissioner(self, measure: Measure, commissioner: str) -> tuple[tuple[str, CommissionerScope], ...]:
        key = (measure.code, commissioner)
        if key not in self._commissioners:
            own, lineage = self._reading.commissioner(commissioner), self._reading.above(commissioner)
            above = (code for code in lineage if ("commissioner", measure.code, code) not in self._reported)
            self._commissioners[key] = ((own, "exact"), *((code, self._scope(code)) for code in above))
        return self._commissioners[key]

    def _scope(self, commissioner: str) -> CommissionerScope:
        parent = self._contract.commissioner.get(commissioner)
        return "whole" if parent is not None and parent.whole else "part"


def reported(contract: Contract, slice_: str, places: Iterable[Place], reading: Reading) -> Reported:
    """Which parents are themselves owed or reported; only these matter, so only these are kept."""
    named = SLICES[slice_]
    parents = {parent for site in contract.sites if (parent := site.parent) is not None} if "site" in named else set()
    above = {code for party in contract.commissioners for code in reading.above(party.ods_code)} if "commissioner" in named else set()
    read = {code: reading.commissioner(code) for code in contract.commissioner} if above else {}
    found: set[tuple[str, str, str]] = set()
    for place in places:
        if place.site in parents:
            found.add(("site", place.measure, place.site))
        if (commissioner := read.get(place.commissioner, place.commissioner)) in above:
            found.add(("commissioner", place.measure, commissioner))
    return frozenset(found)
