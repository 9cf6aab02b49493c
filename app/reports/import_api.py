"""Imports over HTTP: figures as others published them, and what was returned beside them."""

from collections import Counter
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.calendar.as_of import AsOfInFuture
from app.kernel.canonical import json_bytes
from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.refusals import Fault, Forbidden, Invalid, NotFound
from app.reports import import_actions as actions
from app.reports.agreement import Agreement, State
from app.reports.import_actions import Partly
from app.reports.import_schemas import (
    MOST_IMPORTS,
    AgreementsView,
    ImportHistoryView,
    ImportOutcomesView,
    ImportsBody,
    ImportsView,
    ImportView,
    agreement_view,
    import_view,
    line_view,
    version_view,
)
from app.reports.imports import Import, RecordedImport
from app.web.etags import PreconditionRequired, Stale, tag_of
from app.web.lent import with_lenders
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.shapes import MISSHAPEN, read_partly
from app.web.work import OutcomeUnknown, Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["imports"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
_NAME: Final = "The import, as it was answered: i_ and 20 hexadecimal digits."

_SENT: Final[dict[str, Any]] = {
    "measure": "O-SURV1",
    "source": "Cancer survival, index for sub-ICB locations",
    "address": "https://digital.nhs.uk/data-and-information/publications",
    "published_on": "2026-08-20",
    "from_month": "2022-01",
    "month": "2022-12",
    "commissioner": "05W",
    "basis": "commissioner",
    "value": 74.2,
    "unit": "percent",
    "lower": 72.9,
    "upper": 75.5,
}
_IMPORT: Final[dict[str, Any]] = {
    "import": "i_0f3a9c1e5d7b2a4c6e80",
    **dict.fromkeys(Import.model_fields),
    "site": "all",
    "category": "all",
    "status": "final",
    **_SENT,
}
_RECORDED: Final = {**_IMPORT, "recorded_at": "2026-09-01T08:30:00.000000Z", "recorded_by": "c_4f2k", "recorded_on_behalf_of": None}
_OUTCOMES: Final = {"added": 1, "superseding": 0, "unchanged": 0, "imports": [{**_IMPORT, "outcome": "added"}]}
_PAGE: Final = {"as_of": "2026-12-08T17:00:00.000001Z", "imports": [_RECORDED], "next": None}
_HISTORY: Final = {"versions": [{**_RECORDED, "closed_at": None, "closed_by": None, "closed_on_behalf_of": None}]}
_AGREEMENT: Final[dict[str, Any]] = {
    "measure": "CWT-62",
    "measure_version": 1,
    "basis": "provider",
    "month": "2026-10",
    "from_month": None,
    "site": "all",
    "commissioner": "all",
    "organisation": "RJE",
    "subcontracts": "SC-RJE",
    "category": "all",
    "import": "i_77d0a9c1e5d7b2a4c6e8",
    "source": "Cancer Waiting Times, provider extract",
    "source_published_on": "2026-12-10",
    "imported_numerator": 120.5,
    "imported_denominator": 171,
    "imported_value": 0.704678,
    "returned_numerator": 119.5,
    "returned_denominator": 171,
    "returned_value": 0.69883,
    "numerator_difference": -1,
    "denominator_difference": 0,
    "excludes": None,
    "state": "differs",
    "reason": None,
    "detail": None,
}
_AGREEMENTS: Final = {"as_of": "2026-12-12T09:00:00.000001Z", "tolerance": 0, "agreement": [_AGREEMENT], "next": None}


_STAND_INS: Final = {"measure": "unread", "source": "unread", "published_on": "1970-01-01", "month": "1970-01", "basis": "provider"}
"""What must be there stands as this where it cannot be read."""


def _read(body: Any) -> tuple[list[tuple[int, Import]], list[Partly]]:
    """The imports of a body by their positions, and those that can be read only in part: one fault hides no other."""
    if not isinstance(body, dict) or body.keys() != {"imports"} or not isinstance(body["imports"], list):
        fault = Fault("wrong_type", "This must be an object with one member, the list `imports`.", "See the example.", pointer="")
        raise Invalid("The body holds no imports; see errors.", faults=[fault])
    sent, lines, partly = body["imports"], list[tuple[int, Import]](), list[Partly]()
    if not 1 <= len(sent) <= MOST_IMPORTS:
        fault = Fault("out_of_range", f"A request has 1 to {MOST_IMPORTS} imports.", "Send them in parts.", pointer="/imports")
        raise Invalid(MISSHAPEN, faults=[fault])
    for position, raw in enumerate(sent):
        try:
            line, faults = read_partly(Import, raw, _STAND_INS)
        except Invalid as refusal:
            partly.append((position, None, refusal.faults))
            continue
        if faults:
            partly.append((position, line, faults))
        else:
            lines.append((position, line))
    return lines, partly


@router.post(
    "/imports",
    status_code=201,
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, *WRITING)
    | json_answer(ImportOutcomesView, _OUTCOMES, description="All of them were recorded already: nothing was stored")
    | json_answer(ImportOutcomesView, _OUTCOMES, status=201, description="Recorded"),
    openapi_extra=json_body(ImportsBody, {"imports": [_SENT]}),
)
def record_imports(unit: Unit, programme: ProgrammeCode) -> Response:
    """Record figures that a national publication or finance system gives, all of them or none.

    What its source publishes again about the same measure, period, place and basis supersedes what was recorded, which can still be read as of then.
    An address is kept and never fetched.
    """
    lines, partly = _read(unit.json())
    made = actions.record_imports(unit.session, programme, lines, partly, actor=unit.actor, now=unit.now)
    counts = Counter(outcome for _, outcome in made)
    views = [{**line_view(line), "outcome": outcome} for line, outcome in made]
    answer = {**{outcome: counts[outcome] for outcome in ("added", "superseding", "unchanged")}, "imports": views}
    if not counts["added"] and not counts["superseding"]:
        return unit.answer(answer)
    address = f"/v1/programmes/{programme}/imports"
    return unit.answer(answer, status=201, location=f"{address}/{made[0][0].name}" if len(made) == 1 else address)


@router.get(
    "/imports",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture, BadCursor)
    | json_answer(ImportsView, _PAGE, description="A page of imports"),
)
def list_imports(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    measure: Annotated[Code | None, Query(description="Only of this measure.")] = None,
    month: Annotated[Month | None, Query(description="Only about periods that end in this month.", examples=["2026-10"])] = None,
    organisation: Annotated[Code | None, Query(description="Only about this organisation.")] = None,
    commissioner: Annotated[Code | None, Query(description="Only about this commissioner.")] = None,
    site: Annotated[Code | None, Query(description="Only about this site, or all.")] = None,
    source: Annotated[str | None, Query(description="Only of this source.", max_length=200)] = None,
) -> Response:
    """List imports as they stand or stood, by measure, month and name."""
    after = page.after_as(str, int, str)
    asked = {
        "measure": measure,
        "month": month,
        "organisation": organisation,
        "commissioner": commissioner,
        "site": site,
        "source": source,
    }
    found, moment = actions.list_imports(
        unit.session,
        programme,
        wanted={name: value for name, value in asked.items() if value is not None},
        after=after and (after[0], Month(after[1]), after[2]),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda each: (each.line.measure, each.line.month.ordinal, each.line.name))
    view = {"as_of": moment_text(moment), "imports": [import_view(each) for each in rows], "next": following}
    return unit.read(with_lenders(unit, view), headers=link)


@router.get(
    "/imports/{import}",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture) | json_answer(ImportView, _RECORDED, description="The import"),
)
def get_import(
    unit: Unit, programme: ProgrammeCode, import_: Annotated[str, Path(alias="import", description=_NAME)], as_of: AsOf
) -> Response:
    """Read an import as it stands or stood."""
    found = actions.find_import(unit.session, programme, import_, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(with_lenders(unit, import_view(found)))


@router.get(
    "/imports/{import}/history",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture) | json_answer(ImportHistoryView, _HISTORY, description="Its versions"),
)
def get_import_history(
    unit: Unit, programme: ProgrammeCode, import_: Annotated[str, Path(alias="import", description=_NAME)], as_of: AsOf
) -> Response:
    """Read every version of an import: what was published first, and what superseded it when."""
    found = actions.read_versions(unit.session, programme, import_, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(with_lenders(unit, {"versions": [version_view(each) for each in found]}))


@router.delete(
    "/imports/{import}",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, PreconditionRequired, Stale, OutcomeUnknown)
    | json_answer(ImportView, _RECORDED, description="What stood until now"),
)
def withdraw_import(unit: Unit, programme: ProgrammeCode, import_: Annotated[str, Path(alias="import", description=_NAME)]) -> Response:
    """Withdraw an import that was never published so; as of earlier moments it stands as it did."""

    def expect(held: RecordedImport) -> None:
        unit.precondition.check(tag_of(json_bytes(with_lenders(unit, import_view(held)))))

    gone = actions.withdraw_import(unit.session, programme, import_, expect=expect, actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, import_view(gone)))


@router.get(
    "/agreement",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture, BadCursor)
    | json_answer(AgreementsView, _AGREEMENTS, description="A page of imports and what was returned beside them"),
)
def list_agreement(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    month: Annotated[Month, Query(description="The month that the periods end in.", examples=["2026-10"])],
    measure: Annotated[Code | None, Query(description="Only of this measure.")] = None,
    state: Annotated[State | None, Query(description="Only what agrees, differs or is not compared.")] = None,
    tolerance: Annotated[ExactDecimal, Query(description="By how many patients counts may differ and agree.", examples=[0])] = Decimal(0),
) -> Response:
    """Set what was returned and accepted beside what was imported of the same measure, basis, place and period, or say why they are not compared.

    Imports never enter the figures of a returned measure: this is where the two meet.
    """
    if tolerance < 0:
        fault = Fault("out_of_range", "A tolerance is at least 0.", "Correct it.", pointer="/query/tolerance")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault])
    after = page.after_as(str, str)
    found, moment, computed = actions.find_agreement(
        unit.session, programme, month, tolerance=tolerance, actor=unit.actor, as_of=as_of, now=unit.now
    )
    wanted = [each for each in found if measure in {None, each.line.measure} and state in {None, each.state}]
    rest = [each for each in wanted if after is None or _position(each) > after]
    rows, following, link = page.cut(rest, _position)
    views = [agreement_view(each) for each in rows]
    answer = {"as_of": moment_text(moment), "tolerance": tolerance, "agreement": views, "next": following}
    return unit.read(answer, headers=link, keep=computed)


def _position(found: Agreement) -> tuple[str, str]:
    return found.line.measure, found.line.name
