"""What one return may state: its expected cells, the measures they are of, and the places beyond that only warn."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from app.calendar.contract import Contract
from app.calendar.expected import CellKey, ReturnKey, alike_of, duties_of_return, expected_cells
from app.kernel.canonical import digest
from app.kernel.codes import ALL, UNKNOWN
from app.kernel.figures import NumericKind
from app.kernel.months import covers
from app.measures.domain import Measure
from app.programmes.domain import ancestors
from app.programmes.hierarchy import is_in_force, those_above


class Base(NamedTuple):
    """A cell without its site and commissioner."""

    pathway: str
    segment: str
    measure: str
    category: str


def base_of(key: CellKey) -> Base:
    return Base(key.pathway, key.segment, key.measure, key.category)


class Carried(NamedTuple):
    """What a value of a measure carries: how fine its figures are, whether always both, and whether one is a part of the other."""

    numerator: NumericKind
    denominator: NumericKind
    both: bool
    proportion: bool


def carried_of(measure: Measure) -> Carried:
    kind = measure.figures_kind
    # Of a mean, the denominator counts who gave a value, however fine the values are.
    denominator = NumericKind.INTEGER if measure.aggregation == "mean_weighted" else kind
    return Carried(kind, denominator, measure.has_denominator, measure.proportion)


@dataclass(frozen=True)
class ExpectedReturn:
    """One return of a contract, with what reading a submission asks again and again. Worked out once for each contract."""

    contract: Contract
    key: ReturnKey
    cells: tuple[CellKey, ...]
    measures: dict[str, Measure]

    def of(self, key: ReturnKey) -> "ExpectedReturn":
        """The same of another month that expects the same, with everything that was worked out already."""
        other = copy(self)
        vars(other)["key"] = key
        return other

    @cached_property
    def measure_of(self) -> dict[tuple[str, ...], Measure]:
        """The measure of each expected cell."""
        return {cell: self.measures[cell.measure] for cell in self.cells}

    @cached_property
    def carried_by(self) -> dict[tuple[str, ...], Carried]:
        """What a value of each expected cell carries."""
        carried = {code: carried_of(measure) for code, measure in self.measures.items()}
        return {cell: carried[cell.measure] for cell in self.cells}

    @cached_property
    def cells_of(self) -> dict[str, tuple[CellKey, ...]]:
        """The expected cells of each measure."""
        return {code: tuple(cell for cell in self.cells if cell.measure == code) for code in self.measures}

    @cached_property
    def places_of(self) -> dict[Base, frozenset[tuple[str, str]]]:
        """The sites and commissioners at which each base is expected."""
        bases = {base_of(cell) for cell in self.cells}
        found: dict[Base, set[tuple[str, str]]] = {base: set() for base in bases}
        for cell in self.cells:
            found[base_of(cell)].add((cell.site, cell.commissioner))
        return {base: frozenset(places) for base, places in found.items()}

    @cached_property
    def sites_of(self) -> dict[str, frozenset[str]]:
        """The sites at which each measure is expected."""
        return {code: frozenset(cell.site for cell in cells) for code, cells in self.cells_of.items()}

    @cached_property
    def commissioners_of(self) -> dict[str, frozenset[str]]:
        """The commissioners for which each measure is expected."""
        return {code: frozenset(cell.commissioner for cell in cells) for code, cells in self.cells_of.items()}

    @property
    def has_rules(self) -> bool:
        """Whether its collection or any of its measures names a rule; most name none, and then nothing is looked at."""
        # Returns of two collections may share all that was worked out of their cells: a collection's rules are its own.
        return self._measures_have_rules or bool(self.contract.collection[self.key.collection].rules)

    @cached_property
    def _measures_have_rules(self) -> bool:
        return any(measure.rules for measure in self.measures.values())

    @cached_property
    def sha256(self) -> str:
        """The digest of which cells are expected."""
        return digest(self.cells)

    def choices(self, stated: Mapping[str, str]) -> dict[str, tuple[str, ...]] | None:
        """For each place the codes of the expected cells that agree with everything stated; None where no cell does.

        Worked out once for what is stated, however many lines of a submission state it.
        """
        places = tuple(place for place in CellKey._fields if place in stated)
        codes = tuple(stated[place] for place in places)
        if places not in self._cells_by:
            positions = [CellKey._fields.index(place) for place in places]
            found: dict[tuple[str, ...], list[CellKey]] = {}
            for cell in self.cells:
                found.setdefault(tuple(cell[at] for at in positions), []).append(cell)
            self._cells_by[places] = found
        cells = self._cells_by[places].get(codes)
        if cells is None:
            return None
        if (places, codes) not in self._choices:
            self._choices[places, codes] = {place: tuple(sorted({cell[at] for cell in cells})) for at, place in enumerate(CellKey._fields)}
        return self._choices[places, codes]

    @cached_property
    def _cells_by(self) -> dict[tuple[str, ...], dict[tuple[str, ...], list[CellKey]]]:
        return {}

    @cached_property
    def _choices(self) -> dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, tuple[str, ...]]]:
        return {}

    def is_assigned(self, key: CellKey) -> bool:
        """Whether the subcontract serves this site and commissioner there; UNKNOWN stands for any."""
        if UNKNOWN not in {key.site, key.commissioner}:
            return (key.site, key.commissioner) in self.places_of.get(base_of(key), ())
        return any(
            key.site in {site, UNKNOWN} and key.commissioner in {commissioner, UNKNOWN}
            for site, commissioner in self.places_of.get(base_of(key), ())
        )

    def refuses_site(self, measure: Measure, code: str) -> tuple[str, str] | None:
        """Why a known site cannot stand in a cell of a measure, and how to put it right; None where it may."""
        if code in self.sites_of[measure.code]:
            return None
        if "site" not in measure.split_by:
            return f"{measure.code} is not split by site", "Leave the site out."
        if code == ALL:
            return f"{measure.code} is split by site", "Name the site."
        if code == UNKNOWN:
            return None
        if measure.site_of(code) != code:
            wider = measure.site_of(code)
            return f"{measure.code} is not collected for {code} by itself", f"Report it within the site {wider}."
        site = self.contract.site[code]
        if not covers(site.from_month, site.to_month, self.key.month):
            return f"the site {code} is not in scope in {self.key.month}", "Leave the cell out."
        return None

    def refuses_commissioner(self, measure: Measure, code: str) -> tuple[str, str] | None:
        """The same of a commissioner; only the lowest level in force is reported."""
        if code in self.commissioners_of[measure.code]:
            return None
        if "commissioner" not in measure.split_by:
            return f"{measure.code} is not split by commissioner", "Leave the commissioner out."
        if code == ALL:
            return f"{measure.code} is split by commissioner", "Name the commissioner."
        if code == UNKNOWN:
            return None
        commissioner = self.contract.commissioner[code]
        if not covers(commissioner.from_month, commissioner.to_month, self.key.month):
            return f"the commissioner {code} is not in force in {self.key.month}", "Leave the cell out."
        parts = [
            other.ods_code
            for other in self.contract.commissioners
            if is_in_force(other, self.key.month)
            and code in those_above(other.ods_code, self.key.month, self.contract.commissioner, self.contract.successions)
        ]
        if parts:
            return f"the commissioner {code} is reported by its parts", f"Use one of: {', '.join(parts)}."
        return None

    def is_within(self, site: str, wider: str) -> bool:
        """Whether a site is a part of another."""
        return wider in self._above.get(site, ())

    @property
    def has_wider_sites(self) -> bool:
        """Whether any site is a part of another."""
        return bool(self._above)

    @cached_property
    def _above(self) -> dict[str, tuple[str, ...]]:
        parents = self.contract.site_parents
        return {site: ancestors(site, parents) for site, parent in parents.items() if parent is not None}


def expected_return(contract: Contract, key: ReturnKey) -> ExpectedReturn | None:
    """What a return may state; None where it is not owed."""
    cells = expected_cells(contract, key)
    if not cells:
        return None
    shelf, alike = contract.worked_out, alike_of(contract, key)

    def work_out() -> ExpectedReturn:
        # Of several months' versions of a measure, the latest month's is last.
        measures = {duty.measure.code: duty.measure for duty in duties_of_return(contract, key)}
        return ExpectedReturn(contract, key, cells, measures)

    found = shelf.kept("expected_returns", alike, work_out)
    if found.key != key:
        # The last one asked for knows most.
        found = found.of(key)
        shelf.put("expected_returns", alike, found)
    return found
