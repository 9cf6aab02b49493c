"""England, October 2024 to March 2025: 156 providers return their published cells, and the consolidated report is England's published rows."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.real.agreement import compare_agreement
from tests.real.comparison import compare_england, compare_organisations, compare_pooling
from tests.real.documents import COLLECTION, PROGRAMME, england_document, reference
from tests.real.published import NOTHING, England, Row, quarters_of
from tests.real.reports import figures_of, read_report, read_return
from tests.real.returns import england_return
from tests.real.tally import Progress, Tally
from tests.support.server import Caller, Installation

SENDERS: Final = 3
"""Providers that send at the same moment."""

CONSOLIDATED: Final = ("all", "site", "category", "category+site", "commissioner", "commissioner+site", "segment")
BY_PROVIDER: Final = ("subcontract", "category+subcontract", "site+subcontract", "commissioner+subcontract")


def run_england(england: England, service: Installation, *, months: Sequence[str], tally: Tally, progress: Progress) -> None:
    """Set up, send every month's returns as each provider, and compare every report with what is published."""
    integrator = service.caller(service.create_client("Integrator", "administrator"))
    providers = list(england.organisations)
    with integrator.http:
        progress.begin(f"England: setting up {len(providers)} subcontracts", 1)
        integrator.put_new(f"/v1/programmes/{PROGRAMME}/configuration", england_document(england))
        keys = service.create_preparers(PROGRAMME, [reference(provider) for provider in providers])
        progress.advance()
        send_returns(
            integrator,
            {
                (month, COLLECTION, reference(provider)): england_return(england, month, provider)
                for month in months
                for provider in providers
            },
            keys=keys,
            tally=tally,
            progress=progress,
        )
        progress.begin("England: comparing months", len(months) * (len(CONSOLIDATED) + len(BY_PROVIDER)))
        for month in months:
            _compare(england, integrator, month, "month", tally=tally, progress=progress)
            compare_pooling(england, read_report(integrator, month, slice="subcontract"), month=month, tally=tally)
            compare_agreement(england, month, integrator, tally=tally)
        quarters = quarters_of(months)
        progress.begin("England: comparing quarters", len(quarters) * (len(CONSOLIDATED) + len(BY_PROVIDER)))
        for last, quarter in quarters.items():
            _compare(england.over(quarter), integrator, last, "quarter", tally=tally, progress=progress)
        compare_cells(england, months, integrator, tally=tally, progress=progress)


def _compare(england: England, integrator: Caller, month: str, period: str, *, tally: Tally, progress: Progress) -> None:
    """Every slice of a report of this period."""
    for slice_ in CONSOLIDATED:
        compare_england(
            england, read_report(integrator, month, slice=slice_, period=period), month=month, slice_=slice_, period=period, tally=tally
        )
        progress.advance()
    for slice_ in BY_PROVIDER:
        report = read_report(integrator, month, slice=slice_, period=period)
        compare_organisations(england, report, by="subcontract", month=month, slice_=slice_, period=period, tally=tally)
        progress.advance()


def send_returns(
    anyone: Caller,
    bodies: Mapping[tuple[str, str, str], Any],
    *,
    keys: Mapping[str, str],
    tally: Tally,
    progress: Progress,
    task: str = "England",
    programme: str = PROGRAMME,
) -> None:
    """Each return is sent with the key of its own subcontract; each must be received without a warning and accepted in the same act."""
    progress.begin(f"{task}: sending {len(bodies):,} returns", len(bodies))

    def send(one: tuple[tuple[str, str, str], Any]) -> tuple[str, str]:
        (month, collection, subcontract), body = one
        path = f"/v1/programmes/{programme}/returns/{collection}/{subcontract}/{month}/revisions"
        receipt = anyone.post(path, body, key=keys[subcontract]).json()
        return f"{collection} of {subcontract} {month}", receipt["outcome"]

    with ThreadPoolExecutor(SENDERS) as senders:
        for where, outcome in senders.map(send, bodies.items()):
            tally.same("returns received", where, expected="received", found=outcome)
            progress.advance()


def compare_cells(england: England, months: Iterable[str], integrator: Caller, *, tally: Tally, progress: Progress) -> None:
    """Every cell of every return as it stands in the service."""
    wanted = [(month, provider) for month in months for provider in england.organisations]
    progress.begin("England: comparing cells", len(wanted))
    for month, provider in wanted:
        current = read_return(integrator, COLLECTION, reference(provider), month)
        published = england.cells(month, provider)
        for cell in current["current"]["cells"]:
            row = Row(month, provider, cell["measure"], cell["category"], cell["site"])
            tally.same("providers, cells", row, expected=published.pop(row, NOTHING), found=figures_of(cell))
        tally.same("providers, cells left out", (month, provider), expected={}, found=published)
        progress.advance()
