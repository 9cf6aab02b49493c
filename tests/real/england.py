"""England, October 2024 to March 2025: 156 providers return their published cells, and the consolidated report is England's published rows."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.real.agreement import compare_agreement
from tests.real.documents import COLLECTION, PROGRAMME, england_document, reference
from tests.real.published import ALL, ENGLAND, NOTHING, England, Figures, Row
from tests.real.reports import figures_of, read_report, read_return
from tests.real.returns import england_return
from tests.real.tally import Progress, Tally
from tests.support.server import Caller, Installation

SENDERS: Final = 3
"""Providers that send at the same moment."""

CONSOLIDATED: Final = ("all", "site", "category", "category+site", "commissioner", "commissioner+site", "segment")
BY_PROVIDER: Final = ("subcontract", "category+subcontract", "site+subcontract", "commissioner+subcontract")


def run_england(england: England, service: Installation, *, months: Iterable[str], tally: Tally, progress: Progress) -> None:
    """Set up, send every month's returns as each provider, and compare every report with what is published."""
    months = list(months)
    integrator = service.caller(service.create_client("Integrator", "administrator"))
    with integrator.http:
        progress.begin("England: setting up 156 subcontracts", 1)
        integrator.put_new(f"/v1/programmes/{PROGRAMME}/configuration", england_document(england))
        keys = service.create_preparers(PROGRAMME, [reference(provider) for provider in england.providers])
        progress.advance()
        send_returns(
            integrator,
            {(month, reference(provider)): england_return(england, month, provider) for month in months for provider in england.providers},
            keys=keys,
            tally=tally,
            progress=progress,
        )
        progress.begin("England: comparing reports", len(months) * (len(CONSOLIDATED) + len(BY_PROVIDER)))
        for month in months:
            for slice_ in CONSOLIDATED:
                compare_consolidated(england, month, slice_, read_report(integrator, month, slice=slice_), tally=tally)
                progress.advance()
            for slice_ in BY_PROVIDER:
                compare_providers(england, month, slice_, read_report(integrator, month, slice=slice_), tally=tally)
                progress.advance()
            compare_agreement(england, month, integrator, tally=tally)
        compare_cells(england, months, integrator, tally=tally, progress=progress)


def send_returns(
    anyone: Caller,
    bodies: Mapping[tuple[str, str], Any],
    *,
    keys: Mapping[str, str],
    tally: Tally,
    progress: Progress,
    task: str = "England",
) -> None:
    """Each return is sent with the key of its own subcontract; each must be received without a warning and accepted in the same act."""
    progress.begin(f"{task}: sending {len(bodies):,} returns", len(bodies))

    def send(one: tuple[tuple[str, str], Any]) -> tuple[str, str]:
        (month, subcontract), body = one
        path = f"/v1/programmes/{PROGRAMME}/returns/{COLLECTION}/{subcontract}/{month}/revisions"
        receipt = anyone.post(path, body, key=keys[subcontract]).json()
        return f"{subcontract} {month}", receipt["outcome"]

    with ThreadPoolExecutor(SENDERS) as senders:
        for where, outcome in senders.map(send, bodies.items()):
            tally.same("returns received", where, expected="received", found=outcome)
            progress.advance()


def compare_consolidated(england: England, month: str, slice_: str, report: dict[str, Any], *, tally: Tally) -> None:
    """Every published England row of the slice, and zero in every row that is not published; nothing may be left out."""
    reported = dict(_reported(report))
    cut = _cut_of(slice_)
    published = {row: figures for row, figures in england.of(month, ENGLAND).items() if _cut(row) == cut}
    for row, figures in published.items():
        tally.same(f"England, {slice_}", row, expected=figures, found=reported.get(row))
    for row in reported.keys() - published.keys():
        tally.same("England, nothing published", row, expected=NOTHING, found=reported[row])
    if slice_ == "all":
        for measure in england.sites:
            row = Row(month, ENGLAND, measure, ALL, ALL)
            tally.same("England, the other series", row, expected=england.series[month, measure], found=reported.get(row))
    # The published files say nothing of expected volumes, so the share of them that is included is not known: null, never 1.
    everyone = len(england.providers)
    for observation in report["observations"]:
        counted = (observation["coverage"], observation["returns_expected"], observation["returns_included"], not observation["excludes"])
        tally.same("every return included", (month, slice_), expected=(None, everyone, everyone, True), found=counted)


def compare_providers(england: England, month: str, slice_: str, report: dict[str, Any], *, tally: Tally) -> None:
    """Every row that a provider has in the slice, and zero where it has none: it sent that, so it is not missing."""
    reported = dict(_reported(report))
    for provider in england.providers:
        for row in _rows_of(england, month, provider, _cut_of(slice_)):
            published = england.of(month, provider).get(row, NOTHING)
            tally.same(f"providers, {slice_}", row, expected=published, found=reported.pop(row, None))
    tally.same("providers, rows of nothing known", (month, slice_), expected=[], found=sorted(reported))


def compare_cells(england: England, months: Iterable[str], integrator: Caller, *, tally: Tally, progress: Progress) -> None:
    """Every cell of every return as it stands in the service."""
    wanted = [(month, provider) for month in months for provider in england.providers]
    progress.begin("England: comparing cells", len(wanted))
    for month, provider in wanted:
        current = read_return(integrator, COLLECTION, reference(provider), month)
        published = england.cells(month, provider)
        for cell in current["current"]["cells"]:
            row = Row(month, provider, cell["measure"], cell["category"], cell["site"])
            tally.same("providers, cells", row, expected=published.pop(row, NOTHING), found=figures_of(cell))
        tally.same("providers, cells left out", (month, provider), expected={}, found=published)
        progress.advance()


def _reported(report: dict[str, Any]) -> Iterator[tuple[Row, Figures | None]]:
    """The rows of a report as published rows are named; each must be there once."""
    seen = set()
    for observation in report["observations"]:
        subcontract = observation["subcontract"]
        organisation = ENGLAND if subcontract == ALL else subcontract.removeprefix("SC-")
        row = Row(observation["month"], organisation, observation["measure"], observation["category"], observation["site"])
        assert row not in seen, f"{row} is reported twice"
        seen.add(row)
        yield row, figures_of(observation)


def _cut_of(slice_: str) -> set[str]:
    """By what a slice cuts the patients; its other words name places that are here only one."""
    return {"site", "category"} & set(slice_.split("+"))


def _cut(row: Row) -> set[str]:
    return {place for place, code in (("site", row.site), ("category", row.category)) if code != ALL}


def _rows_of(england: England, month: str, provider: str, cut: set[str]) -> Iterator[Row]:
    for measure, sites in england.sites.items():
        if "category" in cut and not england.categories[measure]:
            continue
        for category in england.categories[measure] if "category" in cut else (ALL,):
            for site in sites if "site" in cut else (ALL,):
                yield Row(month, provider, measure, category, site)
