"""Submitting and comparing returns over HTTP: over the reports, for what a revision does to them is told beside what it states."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response

from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.reports import effect_actions
from app.reports.effect_schemas import ComparedView, SubmittedView
from app.returns.api import RECEIPT, SUBMISSION, KeyOf, ProgrammeCode, RevisionNumber
from app.returns.columns import CSV, JSON, XLSX
from app.returns.csv_file import CHARSETS
from app.returns.domain import ReturnFrozen, WrongStatus
from app.returns.files_schemas import body_in_any_format
from app.returns.intake import MOST_VALUES, ReturnInvalid
from app.returns.review_api import DIFFERENCES
from app.returns.review_schemas import differences_view
from app.returns.views import receipt_view
from app.web.bodies import file_name, media_type
from app.web.lent import with_lenders
from app.web.problems import UnsupportedMedia
from app.web.reference import WRITING, json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/returns", tags=["returns"])

_RETURN: Final = "/{collection}/{subcontract}/{month}"
_MOVED: Final[dict[str, Any]] = {
    "slice": "all",
    "measure": "CWT-31",
    "commissioner": "all",
    "site": "all",
    "pathway": "all",
    "segment": "all",
    "subcontract": "all",
    "category": "all",
    "numerator_before": 371,
    "numerator_after": 412,
    "denominator_before": 488,
    "denominator_after": 531,
    "value_before": 0.760246,
    "value_after": 0.775895,
    "coverage_before": 0.9127,
    "coverage_after": 0.9641,
    "contract_test_before": "met",
    "contract_test_after": "met",
    "missing_reason_before": None,
    "missing_reason_after": None,
}
SUBMITTED: Final[dict[str, Any]] = {**RECEIPT, "effect": None}
REHEARSED: Final[dict[str, Any]] = {**RECEIPT, "revision": None, "received_at": None, "effect": [_MOVED]}
COMPARED: Final[dict[str, Any]] = {**DIFFERENCES, "effect": [_MOVED]}


def _kind_of_submission(unit: Unit) -> str:
    """The media type of a submission, with its charset where it says one."""
    kind, parameters = media_type(unit.content_type)
    if kind in {JSON, XLSX}:
        return kind
    charset = parameters.get("charset")
    if kind != CSV or (charset is not None and charset not in CHARSETS):
        raise UnsupportedMedia(f"Send `Content-Type: {JSON}`, `{CSV}` (in UTF-8, UTF-16 or Windows-1252) or `{XLSX}`.")
    return kind if charset is None else f"{kind}; charset={charset}"


@router.post(
    f"{_RETURN}/revisions",
    status_code=201,
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, ReturnInvalid, ReturnFrozen, WrongStatus, *WRITING)
    | json_answer(SubmittedView, SUBMITTED, status=201, description="Received: the receipt of a new revision")
    | json_answer(
        SubmittedView,
        REHEARSED,
        description="Nothing was stored: it is identical to the latest revision (`duplicate_of`), or a dry run",
    ),
    openapi_extra=body_in_any_format(SUBMISSION),
)
def submit_return(
    unit: Unit,
    programme: ProgrammeCode,
    key: KeyOf,
    *,
    dry_run: Annotated[
        bool, Query(description="Validate, answer with the receipt and the effect it would have, and keep nothing.")
    ] = False,
    content_disposition: Annotated[
        str | None,
        Header(
            description="The file's name, kept and given back with it.", examples=['attachment; filename="october.xlsx"'], max_length=1000
        ),
    ] = None,
) -> Response:
    """Submit a return: complete, as its next revision, or not at all; as JSON, as CSV or as an Excel workbook.

    Every expected cell is stated, or the rest is. What is wrong is named all at once: of JSON by pointers, of CSV by line and column (the
    column counts fields), of a workbook by sheet and cell. The same figures in another format are the same revision. What is sent is kept
    as it came; of a duplicate (`duplicate_of`) nothing is, and the receipt is that of the revision it repeats, with the digest of what was sent beside it.

    A dry run also tells the `effect`: which rows of the month's report would read otherwise once it is accepted; to a subcontract, which of its own.
    """
    kind = _kind_of_submission(unit)
    receipt, effect = effect_actions.submit(
        unit.session,
        programme,
        key,
        unit.json(most_values=MOST_VALUES) if kind == JSON else None,
        sent=unit.body,
        media_type=kind,
        file_name=file_name(content_disposition),
        actor=unit.actor,
        now=unit.now,
        dry_run=dry_run,
    )
    answer = {**receipt_view(receipt), "submitted_on_behalf_of": unit.actor.acts_for, "effect": effect}
    if dry_run:
        return unit.read(answer)
    if receipt.duplicate_of is not None:
        return unit.answer(with_lenders(unit, answer))
    return unit.answer(answer, status=201, location=answer["links"]["revision"])


@router.get(
    f"{_RETURN}/revisions/{{revision}}/differences",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid) | json_answer(ComparedView, COMPARED, description="The differences"),
)
def read_differences(
    unit: Unit,
    programme: ProgrammeCode,
    key: KeyOf,
    revision: RevisionNumber,
    *,
    against: Annotated[int | None, Query(description="Another revision; left out, the one before.", ge=1, le=2**31 - 1)] = None,
) -> Response:
    """Compare a revision with another of the same return, cell by cell, and tell what accepting it in place of that one does to the month's report."""
    found, effect = effect_actions.compare(unit.session, programme, key, revision, against=against, actor=unit.actor, now=unit.now)
    return unit.read({**differences_view(found), "effect": effect})
