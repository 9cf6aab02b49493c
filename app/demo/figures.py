"""Plausible figures for a return: patients drawn one by one, so that every count is whole or half and every part fits its whole."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, Final

from app.calendar.expected import CellKey
from app.demo.document import TREATS
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.measures.domain import Measure

Cell = dict[str, Any]

# Of a thousand patients so many meet the measure, by measure and, where it matters, by site.
_MET: Final = {"CWT-FDS": 775, "CWT-31": 938, "CWT-62": 705, "E-PPDR": 790, "E-PPDA": 760, "E-RESPU": 905, "E-BEDOCC": 790}
_SITE_MET: Final = {"breast": 40, "prostate": -70, "bladder": -45, "urological": -60, "lung": -30}
# Patients in a month for a population, by measure and site, at a provider of ordinary size.
_PATIENTS: Final = {
    ("CWT-FDS", "breast"): 46, ("CWT-FDS", "lung"): 11, ("CWT-FDS", "urological"): 30,
    ("CWT-31", "breast"): 15, ("CWT-31", "lung"): 9, ("CWT-31", "prostate"): 10, ("CWT-31", "bladder"): 5,
    ("CWT-62", "breast"): 8, ("CWT-62", "lung"): 5, ("CWT-62", "prostate"): 7, ("CWT-62", "bladder"): 3,
}  # fmt: skip
_OTHER_PATIENTS: Final = {"E-PPDR": 9, "E-RESPU": 14, "CASELOAD": 38, "HOSP-WAIT": 26}
# Of a thousand patients so many come by each route or wait in each band.
_ROUTE_BY_SITE: Final = {
    "breast": {"urgent": 520, "breast_symptomatic": 90, "screening": 330, "upgrade": 60},
    "lung": {"urgent": 610, "upgrade": 390},
}
_ROUTE: Final = {"urgent": 800, "upgrade": 200}
_BANDS: Final = {"0-1": 420, "2-3": 290, "4-7": 200, "8-up": 90}
# Of a thousand patients so many were sent on by another provider, and count half for each of the two.
_SHARED: Final = 280
_BEDS: Final = 10
_SIZE: Final = {"SC-RJE": 150, "SC-RL4": 75, "SC-RTG": 60, "SC-H9904": 70, "SC-H9905": 60}
_WINTER: Final = frozenset({12, 1, 2})
_HANDED_OVER: Final = frozenset({"LUNG-OUT", "LUNG-IN"})


def cells_of(subcontract: str, month: Month, expected: Sequence[CellKey], measures: Mapping[str, Measure], random: Random) -> list[Cell]:
    """A value for every expected cell, or nothing where `rest` may state a zero; the same random state gives the same figures.

    A stock is always stated; of every other measure at least one cell is.
    """
    per_cent = _SIZE.get(subcontract, 100) + random.randint(-8, 8)
    by_place: dict[CellKey, list[CellKey]] = defaultdict(list)
    for key in expected:
        by_place[key._replace(category=ALL)].append(key)
    cells: list[Cell] = []
    recorded: dict[str, int] = {}
    for place, keys in by_place.items():
        measure = measures[place.measure]
        if measure.code == "E-PPDA":
            continue
        if measure.code == "E-BEDOCC":
            available = _BEDS * month.last_day.day
            found = [(available, _met(measure.code, place.site, month, available, random))]
        elif measure.code in _HANDED_OVER:
            found = [(2 * _handed_over(measure.code, subcontract, key.category, month), 0) for key in keys]
        elif measure.breakdown is not None:
            found = list(_parted(keys, measure, month, per_cent, random))
        else:
            patients = _patients(place, per_cent, random)
            found = [(patients, _met(measure.code, place.site, month, patients, random))]
        cells += [_cell(key, measure, figures) for key, figures in zip(keys, found, strict=True)]
        if measure.code == "E-PPDR":
            recorded[place.commissioner] = found[0][1]
    cells += list(_achieved(by_place, measures, recorded, month, random))
    return _without_needless_zeros(cells)


def correction(cells: Sequence[Cell]) -> list[Cell]:
    """The same return with one more patient found to have been in time, at its largest place that allows it."""
    short = [cell for cell in cells if cell["measure"] == "CWT-62" and cell["denominator"] - cell["numerator"] >= 1]
    chosen = max(short, key=lambda cell: cell["denominator"])
    return [{**cell, "numerator": cell["numerator"] + 1} if cell is chosen else dict(cell) for cell in cells]


def short_by(cells: Sequence[Cell], measure: str, category: str, missed: int) -> list[Cell]:
    """The same return where some patients of a measure were not counted in one category."""
    return [
        {**cell, "numerator": cell["numerator"] - missed} if (cell["measure"], cell.get("category")) == (measure, category) else dict(cell)
        for cell in cells
    ]


def not_collected(cells: Sequence[Cell], measure: str, reason: str) -> list[Cell]:
    """The same return where a measure could not be counted."""
    counted = [dict(cell) for cell in cells if cell["measure"] != measure]
    missed = [_place(cell) | {"state": "not_collected", "reason": reason} for cell in cells if cell["measure"] == measure]
    return counted + missed


def _draw(count: int, permille: int, random: Random) -> int:
    return sum(random.randrange(1000) < permille for _ in range(count))


def _patients(place: CellKey, per_cent: int, random: Random) -> int:
    usual = _PATIENTS.get((place.measure, place.site)) or _OTHER_PATIENTS.get(place.measure, 10)
    return max(1, (usual * per_cent + 50) // 100 + random.randint(-usual // 5, usual // 5))


def _met(measure: str, site: str, month: Month, patients: int, random: Random) -> int:
    permille = _MET.get(measure, 0) + _SITE_MET.get(site, 0) - (35 if month.number in _WINTER else 0)
    return _draw(patients, permille, random)


def _handed_over(measure: str, subcontract: str, other: str, month: Month) -> int:
    """How many were sent from one to the other: the same whichever of the two is asked."""
    sender, receiver = (subcontract, other) if measure == "LUNG-OUT" else (other, subcontract)
    if receiver != TREATS or sender == receiver:
        return 0
    return Random(f"{sender}/{receiver}/{month}").randint(5, 11)  # noqa: S311 - invented figures, the same on both sides; nothing is kept secret by it


def _parted(keys: Sequence[CellKey], measure: Measure, month: Month, per_cent: int, random: Random) -> Iterator[tuple[int, int]]:
    """Half patients of each category: a whole patient is two, one that two providers share is one for each."""
    place = keys[0]
    shares = _BANDS if measure.aggregation == "banded" else _ROUTE_BY_SITE.get(place.site, _ROUTE)
    totals = [[0, 0] for _ in keys]
    for _ in range(_patients(place, per_cent, random)):
        total = random.choices(totals, [shares.get(key.category, 0) for key in keys])[0]
        units = 1 if measure.numeric_kind == "half_unit" and random.randrange(1000) < _SHARED else 2
        total[0] += units
        total[1] += units * _met(measure.code, place.site, month, 1, random)
    yield from ((denominator, numerator) for denominator, numerator in totals)


def _achieved(
    by_place: Mapping[CellKey, Sequence[CellKey]],
    measures: Mapping[str, Measure],
    recorded: Mapping[str, int],
    month: Month,
    random: Random,
) -> Iterator[Cell]:
    for place in by_place:
        if place.measure == "E-PPDA":
            people = recorded.get(place.commissioner, 0)
            yield _cell(place, measures["E-PPDA"], (people, _met("E-PPDA", place.site, month, people, random)))


def _cell(key: CellKey, measure: Measure, figures: tuple[int, int]) -> Cell:
    denominator, numerator = figures
    cell: Cell = {name: value for name, value in key._asdict().items() if value != ALL}
    if measure.breakdown is not None:
        # Counted in halves above, so that a shared patient is exact.
        denominator_counted, numerator_counted = Decimal(denominator) / 2, Decimal(numerator) / 2
    else:
        denominator_counted, numerator_counted = Decimal(denominator), Decimal(numerator)
    if measure.has_denominator:
        return {**cell, "numerator": numerator_counted, "denominator": denominator_counted}
    return {**cell, "numerator": denominator_counted}


def _place(cell: Cell) -> Cell:
    return {name: value for name, value in cell.items() if name not in {"numerator", "denominator"}}


def _without_needless_zeros(cells: Sequence[Cell]) -> list[Cell]:
    kept: list[Cell] = []
    stated: set[str] = set()
    for cell in sorted(cells, key=lambda cell: not cell.get("denominator", cell["numerator"])):
        if cell["measure"] == "CASELOAD" or cell.get("denominator", cell["numerator"]) or cell["measure"] not in stated:
            kept.append(cell)
            stated.add(cell["measure"])
    return kept
