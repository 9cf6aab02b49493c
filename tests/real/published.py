"""The published files as exact figures: what is a cell, what is a total over cells, and what each row says.

Source: NHS England, Cancer Waiting Times statistics, Crown copyright, Open Government Licence v3.
"""

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Final, NamedTuple

from tests.house.tree import ROOT

FOLDER: Final = ROOT.parent / "shared" / "data" / "cwt"
"""The published files stand beside the project, never in it."""

ENGLAND: Final = "ENGLAND"
ALL: Final = "all"
UNKNOWN: Final = "UNKNOWN"
"""Patients whose commissioner nobody knows have a row of their own."""
MONTHS: Final = ("2024-10", "2024-11", "2024-12", "2025-01", "2025-02", "2025-03")
QUARTER: Final = ("2015-07", "2015-08", "2015-09")

STANDARDS: Final = {"FDS28": "CWT-FDS", "CMB31": "CWT-31", "CMB62": "CWT-62"}
# The two standards with no target are referrals seen.
CUTS: Final = frozenset({"all", "route_x_suspected", "stage", "stage_x_cancer", "route", "route_x_cancer"})
# Another partition of the same patients is another measure: treatments by modality are one for all of them and one for each stage or route.
BY_MODALITY: Final = frozenset({"stage_x_modality", "route_x_modality"})
WHOLE_OF_MODALITIES: Final = frozenset({"stage", "route"})
# Total rows stand beside their parts, in capitals; faster diagnosis has one over everything and none by site or by route.
TOTALS: Final = frozenset({"ALL ROUTES", "ALL STAGES", "ALL CANCERS", "ALL SUSPECTED", "ALL CARE"})
LONGEST_CODE: Final = 64
PLACES: Final = ("category", "site")
SERIES: Final = {"Four Week": "CWT-FDS", "One Month": "CWT-31", "Two Month": "CWT-62"}
QUARTER_MEASURE: Final = "62D_GP"


class Figures(NamedTuple):
    """Patients within the standard, and all of them. Some are halves: shared between two providers."""

    numerator: Decimal
    denominator: Decimal

    def plus(self, other: "Figures") -> "Figures":
        return Figures(self.numerator + other.numerator, self.denominator + other.denominator)

    def minus(self, other: "Figures") -> "Figures":
        return Figures(self.numerator - other.numerator, self.denominator - other.denominator)

    @property
    def possible(self) -> bool:
        return 0 <= self.numerator <= self.denominator


NOTHING: Final = Figures(Decimal(0), Decimal(0))


class Row(NamedTuple):
    """What a published figure is about; `all` marks a total over categories or sites."""

    month: str
    organisation: str
    measure: str
    category: str
    site: str


@dataclass(frozen=True)
class England:
    """Months of three standards and their modalities by provider, or by commissioner: every row, cells and totals alike."""

    rows: Mapping[Row, Figures]
    summed: frozenset[Row]
    """The rows that nobody publishes: sums of those that are published."""
    performance: Mapping[Row, Decimal]
    """The published share of each published row that has a patient."""
    organisations: Mapping[str, str]
    """The name of each provider or commissioner that is in any of the files, by its code."""
    names: Mapping[str, str]
    """The label of each site and category, by its code."""
    sites: Mapping[str, tuple[str, ...]]
    categories: Mapping[str, tuple[str, ...]]
    series: Mapping[tuple[str, str], Figures]
    """The separately published England series, by month and measure."""

    def over(self, months: Collection[str]) -> "England":
        """Several months as one, which stands in the last of them: sums that nobody publishes."""
        rows: dict[Row, Figures] = defaultdict(lambda: NOTHING)
        series: dict[tuple[str, str], Figures] = defaultdict(lambda: NOTHING)
        last = max(months)
        for row, figures in self.rows.items():
            if row.month in months:
                whole = row._replace(month=last)
                rows[whole] = rows[whole].plus(figures)
        for (month, measure), figures in self.series.items():
            if month in months:
                series[last, measure] = series[last, measure].plus(figures)
        return replace(self, rows=dict(rows), summed=frozenset(rows), performance={}, series=dict(series))

    def only(self, *measures: str) -> "England":
        """Some of the measures."""
        return replace(
            self,
            rows={row: figures for row, figures in self.rows.items() if row.measure in measures},
            sites={measure: self.sites[measure] for measure in measures},
            categories={measure: self.categories[measure] for measure in measures},
            series={key: figures for key, figures in self.series.items() if key[1] in measures},
        )

    def cells(self, month: str, organisation: str) -> dict[Row, Figures]:
        return {row: figures for row, figures in self.of(month, organisation).items() if self.is_cell(row)}

    def of(self, month: str, organisation: str) -> dict[Row, Figures]:
        return self._of.get((month, organisation), {})

    def is_cell(self, row: Row) -> bool:
        """Whether a row is one that providers return; the others are totals, only ever compared."""
        return (row.site != ALL or not self.sites[row.measure]) and row.category != ALL

    @cached_property
    def _of(self) -> dict[tuple[str, str], dict[Row, Figures]]:
        index: dict[tuple[str, str], dict[Row, Figures]] = defaultdict(dict)
        for row, figures in self.rows.items():
            index[row.month, row.organisation][row] = figures
        return index


class Quarter(NamedTuple):
    """July to September 2015: the months as first submitted and the quarter as finally published, by care setting."""

    provisional: Mapping[Row, Figures]
    final: Mapping[tuple[str, str], Figures]
    providers: Mapping[str, str]
    names: Mapping[str, str]

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(sorted(self.names))

    def has_row(self, month: str, organisation: str) -> bool:
        return any(Row(month, organisation, QUARTER_MEASURE, setting, ALL) in self.provisional for setting in self.settings)

    def of(self, month: str, organisation: str, category: str) -> Figures:
        return self.provisional.get(Row(month, organisation, QUARTER_MEASURE, category, ALL), NOTHING)


@cache
def code_of(label: str) -> str:
    """A stable code of a published label; `all` of a total's. Footnote marks and capitals change between files."""
    if label.upper() in TOTALS:
        return ALL
    code = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\([a-z]\)", "", label.lower())).strip("-")
    return code if len(code) <= LONGEST_CODE else code[:LONGEST_CODE].rsplit("-", 1)[0]


@cache
def name_of(label: str) -> str:
    return re.sub(r"\s*\([a-z]\)", "", label)


def read_england(folder: Path = FOLDER, months: tuple[str, ...] = MONTHS, *, basis: str = "provider") -> England:
    rows: dict[Row, Figures] = {}
    performance: dict[Row, Decimal] = {}
    organisations: dict[str, str] = {}
    names: dict[str, str] = {}
    for month in months:
        for line in _lines(folder / f"cwt_{basis}_{month}_final.csv.gz"):
            if line["org_code"] != ENGLAND:
                organisations[line["org_code"]] = line["org_name"]
            for row in _rows_of(line, names):
                if row in rows:
                    raise ValueError(f"{row} is published twice")
                rows[row] = _figures(line["within"], line["total"])
                if line["performance"]:
                    performance[row] = Decimal(line["performance"])
    summed = _sums_of_routes(rows)
    measures = sorted({row.measure for row in rows})
    parts = {place: {measure: {getattr(row, place) for row in rows if row.measure == measure} for measure in measures} for place in PLACES}
    return England(
        rows=rows | summed,
        summed=frozenset(summed),
        performance=performance,
        organisations=dict(sorted(organisations.items())),
        names={code: name for code, name in names.items() if code != ALL},
        sites={measure: tuple(sorted(found - {ALL})) for measure, found in parts["site"].items()},
        categories={measure: tuple(sorted(found - {ALL})) for measure, found in parts["category"].items()},
        series=dict(_series(folder)),
    )


def _rows_of(line: Mapping[str, str], names: dict[str, str]) -> Iterator[Row]:
    """The rows that a published line is: the total of a stage or route is also that of its modalities."""
    if line["standard"] not in STANDARDS:
        return
    measure = STANDARDS[line["standard"]]
    part, place = _named(line["route_or_stage"], names), _named(line["cancer_or_modality"], names)
    if line["breakdown"] in CUTS:
        yield Row(line["month"], line["org_code"], measure, part, place)
    if line["breakdown"] in BY_MODALITY | WHOLE_OF_MODALITIES:
        yield Row(line["month"], line["org_code"], modality_measure(measure, part), place, ALL)


def quarters_of(months: Collection[str]) -> dict[str, list[str]]:
    """The whole calendar quarters among some months, each by the month that ends it."""
    quarters: dict[tuple[str, int], list[str]] = defaultdict(list)
    for month in sorted(months):
        quarters[month[:4], (int(month[5:]) - 1) // 3].append(month)
    return {quarter[-1]: quarter for quarter in quarters.values() if len(quarter) == 3}


def modality_measure(measure: str, part: str) -> str:
    """The measure that counts a standard's treatments of one stage or route, or of all, by modality."""
    return f"{measure}-MODALITY" if part == ALL else f"{measure}-MODALITY-{part}"


def _sums_of_routes(rows: Mapping[Row, Figures]) -> dict[Row, Figures]:
    """Faster diagnosis is published by route and site at once, and in total: by one of them alone it is a sum."""
    summed: dict[Row, Figures] = defaultdict(lambda: NOTHING)
    for row, figures in rows.items():
        if row.measure == STANDARDS["FDS28"] and ALL not in (row.category, row.site):
            for whole in (row._replace(category=ALL), row._replace(site=ALL)):
                summed[whole] = summed[whole].plus(figures)
    return dict(summed)


def read_quarter(folder: Path = FOLDER) -> Quarter:
    provisional: dict[Row, Figures] = {}
    final: dict[tuple[str, str], Figures] = {}
    providers: dict[str, str] = {}
    names: dict[str, str] = {}
    for line in _lines(folder / "provisional_62day_2015-07_2015-09.csv"):
        row = Row(line["month"], line["org_code"], line["measure"], _named(line["care_setting"], names), code_of(line["cancer_type"]))
        provisional[row] = _figures(line["within"], line["total"])
        providers[line["org_code"]] = line["org_name"]
    for line in _lines(folder / "revisions_62day_2015-07_2015-09.csv"):
        # Blank where a provider was withdrawn from the final figures: zero.
        final[line["org_code"], _named(line["care_setting"], names)] = _figures(
            line["final_q2_within"] or "0", line["final_q2_total"] or "0"
        )
        providers[line["org_code"]] = line["org_name"]
    del providers[ENGLAND], names[ALL]
    return Quarter(provisional=provisional, final=final, providers=dict(sorted(providers.items())), names=names)


def _series(folder: Path) -> Iterator[tuple[tuple[str, str], Figures]]:
    for line in _lines(folder / "england_published_2024-10_2025-03.csv"):
        measure = next((code for words, code in SERIES.items() if line["measure"].startswith(words)), None)
        if measure and line["sheet"] == "Monthly Performance":
            yield (line["period"], measure), _figures(line["within"], line["total"])


def _named(label: str, names: dict[str, str]) -> str:
    code = code_of(label)
    name = name_of(label)
    if code != ALL and names.setdefault(code, name).lower() != name.lower():
        raise ValueError(f"{label} and {names[code]} have the same code")
    names.setdefault(code, name)
    return code


def _figures(within: str, total: str) -> Figures:
    return Figures(Decimal(within), Decimal(total))


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)
