"""The same six months by commissioner: whole patients, those whose commissioner nobody knows among them, reported by one fictional subcontract."""

from collections.abc import Sequence
from typing import Any, Final

from tests.real.comparison import compare_england, compare_organisations
from tests.real.documents import COMMISSIONED, NATIONAL, by_segment, commissioners_document
from tests.real.england import send_returns
from tests.real.published import ALL, ENGLAND, NOTHING, UNKNOWN, England, Figures, Row, quarters_of
from tests.real.reports import figures_of, read_report, read_return
from tests.real.returns import national_return
from tests.real.tally import Progress, Tally
from tests.support.server import Caller, Installation

CONSOLIDATED: Final = ("all", "site", "category", "category+site", "segment", "subcontract", "category+subcontract", "site+subcontract")
BY_COMMISSIONER: Final = ("commissioner", "commissioner+site")


def run_commissioners(
    england: England, providers: England, service: Installation, *, months: Sequence[str], tally: Tally, progress: Progress
) -> None:
    """Set up, send every month's returns, and compare: England's rows, each commissioner's, and that the two bases agree over England."""
    integrator = service.caller(service.create_client("Integrator", "administrator"))
    measures = by_segment(england)
    with integrator.http:
        progress.begin(f"Commissioners: setting up {len(england.organisations) - 1}", 1)
        integrator.put_new(f"/v1/programmes/{COMMISSIONED}/configuration", commissioners_document(england))
        keys = service.create_preparers(COMMISSIONED, [NATIONAL])
        progress.advance()
        returns = {
            (month, collection, NATIONAL): national_return(england, month, counted)
            for month in months
            for collection, counted in measures.items()
        }
        send_returns(integrator, returns, keys=keys, tally=tally, progress=progress, task="Commissioners", programme=COMMISSIONED)
        progress.begin("Commissioners: comparing months", len(months) * (len(CONSOLIDATED) + len(BY_COMMISSIONER)))
        for month in months:
            _compare(england, integrator, month, "month", tally=tally, progress=progress)
            compare_bases(providers, read_report(integrator, month, programme=COMMISSIONED, slice="all"), month=month, tally=tally)
            compare_unknown(england, read_report(integrator, month, programme=COMMISSIONED, slice="commissioner"), month=month, tally=tally)
        quarters = quarters_of(months)
        progress.begin("Commissioners: comparing quarters", len(quarters) * (len(CONSOLIDATED) + len(BY_COMMISSIONER)))
        for last, quarter in quarters.items():
            _compare(england.over(quarter), integrator, last, "quarter", tally=tally, progress=progress)
        progress.begin("Commissioners: comparing cells", len(returns))
        for month, collection, _ in returns:
            compare_cells(england, integrator, month, collection, measures[collection], tally=tally)
            progress.advance()


def _compare(england: England, integrator: Caller, month: str, period: str, *, tally: Tally, progress: Progress) -> None:
    for slice_ in CONSOLIDATED:
        report = read_report(integrator, month, programme=COMMISSIONED, slice=slice_, period=period)
        compare_england(england, report, month=month, slice_=slice_, period=period, tally=tally)
        progress.advance()
    for slice_ in BY_COMMISSIONER:
        report = read_report(integrator, month, programme=COMMISSIONED, slice=slice_, period=period)
        compare_organisations(england, report, by="commissioner", month=month, slice_=slice_, period=period, tally=tally)
        progress.advance()


def compare_bases(providers: England, report: dict[str, Any], *, month: str, tally: Tally) -> None:
    """Over England a patient counts once, whether one asks who treated or who paid."""
    for row in report["observations"]:
        published = providers.of(month, ENGLAND)[Row(month, ENGLAND, row["measure"], ALL, ALL)]
        tally.same("England, on either basis", (month, row["measure"]), expected=published, found=figures_of(row))


def compare_unknown(england: England, report: dict[str, Any], *, month: str, tally: Tally) -> None:
    """The commissioners' rows make England's only with that of the patients whose commissioner nobody knows."""
    for measure in england.sites:
        total, known = NOTHING, NOTHING
        for row in report["observations"]:
            if row["measure"] == measure:
                figures = Figures(row["numerator"], row["denominator"])
                total, known = total.plus(figures), known if row["commissioner"] == UNKNOWN else known.plus(figures)
        whole = Row(month, ENGLAND, measure, ALL, ALL)
        tally.same("commissioners with UNKNOWN make England", whole, expected=england.of(month, ENGLAND)[whole], found=total)
        unknown = england.of(month, UNKNOWN).get(whole._replace(organisation=UNKNOWN), NOTHING)
        tally.same("without UNKNOWN they do not", whole, expected=unknown, found=total.minus(known))


def compare_cells(england: England, integrator: Caller, month: str, collection: str, measures: list[str], *, tally: Tally) -> None:
    """Every cell of a return as it stands in the service: each commissioner's route, stage or modality, too."""
    published = {
        row: figures for code in england.organisations for row, figures in england.cells(month, code).items() if row.measure in measures
    }
    for cell in read_return(integrator, collection, NATIONAL, month, programme=COMMISSIONED)["current"]["cells"]:
        row = Row(month, cell["commissioner"], cell["measure"], cell["category"], cell["site"])
        tally.same("commissioners, cells", row, expected=published.pop(row, NOTHING), found=figures_of(cell))
    tally.same("commissioners, cells left out", (month, collection), expected={}, found=published)
