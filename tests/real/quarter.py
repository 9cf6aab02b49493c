"""July to September 2015: months as first submitted, the quarter as corrected, and the report of before, still the same to the byte."""

from typing import Any, Final

from tests.real.documents import COLLECTION, PROGRAMME, quarter_document, reference
from tests.real.england import send_returns
from tests.real.published import ALL, ENGLAND, NOTHING, QUARTER, QUARTER_MEASURE, Figures, Quarter, Row
from tests.real.reports import figures_of, read_report, read_return, read_returns, report_bytes
from tests.real.returns import as_submitted, corrections, quarter_return
from tests.real.tally import Progress, Tally
from tests.support.server import Caller, Installation

SEPTEMBER: Final = QUARTER[-1]
SLICES: Final = ("all", "category", "subcontract", "category+subcontract")
PERIODS: Final = ("month", "quarter")


def run_quarter(quarter: Quarter, service: Installation, *, tally: Tally, progress: Progress) -> None:
    """First submissions, their report, the corrections, their report, and the first report once more."""
    integrator = service.caller(service.create_client("Integrator", "administrator"))
    with integrator.http:
        progress.begin(f"2015: setting up {len(quarter.providers)} subcontracts", 1)
        integrator.put_new(f"/v1/programmes/{PROGRAMME}/configuration", quarter_document(quarter))
        keys = service.create_preparers(PROGRAMME, [reference(provider) for provider in quarter.providers])
        progress.advance()

        # The published files cannot tell zero from unsent. Here July and August without a row are zero, and September is unsent.
        first = {
            (month, COLLECTION, reference(provider)): quarter_return(as_submitted(quarter, month, provider))
            for month in QUARTER
            for provider in quarter.providers
            if month != SEPTEMBER or quarter.has_row(month, provider)
        }
        send_returns(integrator, first, keys=keys, tally=tally, progress=progress, task="2015, first submissions")
        progress.begin("2015: comparing the months", 3)
        compare_months(quarter, integrator, tally=tally)
        progress.advance()
        compare_missing(quarter, integrator, tally=tally)
        progress.advance()
        before, as_of = all_reports(integrator)
        progress.advance()

        again = {
            (month, COLLECTION, reference(provider)): quarter_return(cells) for (month, provider), cells in corrections(quarter).items()
        }
        send_returns(integrator, again, keys=keys, tally=tally, progress=progress, task="2015, corrections")
        progress.begin("2015: comparing the quarter", 3)
        compare_quarter(quarter, integrator, tally=tally)
        progress.advance()
        compare_missing(quarter, integrator, tally=tally)
        progress.advance()
        after, _ = all_reports(integrator, as_of=as_of)
        for which, content in before.items():
            tally.same("reports as of before, byte for byte", which, expected=True, found=after[which] == content)
        progress.advance()


def all_reports(integrator: Caller, *, as_of: str | None = None) -> tuple[dict[tuple[str, str, str], bytes], str]:
    """Every report of the quarter, as of one moment: the one given, or the one that the service answers for now."""
    as_of = as_of or str(read_report(integrator, SEPTEMBER)["report"]["as_of"])
    return {
        (month, slice_, period): report_bytes(integrator, month, slice=slice_, period=period, as_of=as_of)
        for month in QUARTER
        for slice_ in SLICES
        for period in PERIODS
    }, as_of


def compare_months(quarter: Quarter, integrator: Caller, *, tally: Tally) -> None:
    """Every provisional row of each month: England's and each provider's, in total and by care setting."""
    for month in QUARTER:
        found: dict[tuple[str, str], Figures | None] = {}
        for slice_ in SLICES:
            found |= _figures(read_report(integrator, month, slice=slice_))
        for provider in (ENGLAND, *quarter.providers):
            for setting in (ALL, *quarter.settings):
                row = Row(month, provider, QUARTER_MEASURE, setting, ALL)
                sent = provider == ENGLAND or month != SEPTEMBER or quarter.has_row(month, provider)
                expected = quarter.provisional.get(row, NOTHING) if sent else None
                kind = "2015, England's months" if provider == ENGLAND else "2015, providers' months"
                tally.same(kind, row, expected=expected, found=found[provider, setting])


def compare_quarter(quarter: Quarter, integrator: Caller, *, tally: Tally) -> None:
    """Every final row of the quarter: England's and each provider's, in total and by care setting."""
    found: dict[tuple[str, str], Figures | None] = {}
    for slice_ in SLICES:
        found |= _figures(read_report(integrator, SEPTEMBER, slice=slice_, period="quarter"))
    for provider in (ENGLAND, *quarter.providers):
        for setting in (ALL, *quarter.settings):
            kind = "2015, England's final quarter" if provider == ENGLAND else "2015, providers' final quarters"
            expected = quarter.final.get((provider, setting), NOTHING)
            tally.same(kind, (provider, setting), expected=expected, found=found[provider, setting])


def compare_missing(quarter: Quarter, integrator: Caller, *, tally: Tally) -> None:
    """A provider that sent nothing in September is missing wherever one asks, and nobody else is."""
    unsent = {reference(provider) for provider in quarter.providers if not quarter.has_row(SEPTEMBER, provider)}
    rows = {row["subcontract"]: row for row in read_report(integrator, SEPTEMBER, slice="subcontract")["observations"]}
    listed = {item["subcontract"]: item for item in read_returns(integrator, SEPTEMBER)}
    for subcontract in map(reference, quarter.providers):
        row, item = rows[subcontract], listed[subcontract]
        missing = subcontract in unsent
        tally.same("2015, late in the report", subcontract, expected=missing, found=row["missing_reason"] == "late")
        standing = ("expected", True) if missing else ("accepted", False)
        tally.same("2015, overdue in the list", subcontract, expected=standing, found=(item["status"], item["overdue"]))
        if missing:
            one = read_return(integrator, COLLECTION, subcontract, SEPTEMBER)
            said = tuple(one[member] for member in ("status", "overdue", "latest_revision", "current", "revisions"))
            tally.same("2015, overdue in the return", subcontract, expected=("expected", True, None, None, []), found=said)
            tally.same("2015, no figure in the report", subcontract, expected=(None, None), found=(row["numerator"], row["denominator"]))
    for row in read_report(integrator, SEPTEMBER)["observations"]:
        excluded = {part.strip() for part in (row["excludes"] or "").split(",")}
        tally.same("2015, named as excluded", row["slice"], expected={f"{subcontract} late" for subcontract in unsent}, found=excluded)


def _figures(report: dict[str, Any]) -> dict[tuple[str, str], Figures | None]:
    return {
        (
            ENGLAND if row["subcontract"] == ALL else row["subcontract"].removeprefix("SC-"),
            row["category"],
        ): figures_of(row)
        for row in report["observations"]
    }
