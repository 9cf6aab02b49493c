"""Drafts of publications over HTTP: edited, looked at and checked before anything is published."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from app.access.domain import SamePerson
from app.calendar.as_of import AsOfInFuture
from app.kernel.codes import CODE_PATTERN
from app.kernel.moments import parse_as_of
from app.kernel.months import Month
from app.publications import draft_actions
from app.publications.domain import WHOLE, Audience, DraftOutdated, NotDrafted
from app.publications.example_schemas import DRAFT, PREPARATIONS, RENDITION
from app.publications.renditions import inflated
from app.publications.schemas import AudienceName, CheckBody, DraftBody, DraftView, PreparationsView, draft_view, preparations_view
from app.reports.rendition_schemas import PreviewView
from app.web.lent import with_lenders
from app.web.reference import PUTTING, WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/publications/drafts/{month}", tags=["publications"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
MonthOf = Annotated[Month, Path(description="The month that would be published.", examples=["2026-10"])]
_EDIT: Final = {"commentary": "Fewer waited: a second clinic opened in September.", "as_of": None}
_PREVIEW: Final = {name: value for name, value in RENDITION.items() if name != "signature"}


@router.put(
    "",
    response_class=Response,
    responses=refusals(*PUTTING, AsOfInFuture) | json_answer(DraftView, DRAFT) | json_answer(DraftView, DRAFT, status=201),
    openapi_extra=json_body(DraftBody, _EDIT),
)
def put_publication_draft(unit: Unit, programme: ProgrammeCode, month: MonthOf) -> Response:
    """Edit a month's draft: what is said with it, and exactly what it would publish. Each time it is another version, to be checked anew."""
    body = unit.json_as(DraftBody)
    made, is_first = draft_actions.edit(
        unit.session,
        programme,
        month,
        commentary=body.commentary,
        as_of=None if body.as_of is None else parse_as_of(body.as_of),
        check=unit.precondition.check,
        actor=unit.actor,
        now=unit.now,
    )
    location = f"/v1/programmes/{programme}/publications/drafts/{month}"
    status = 201 if is_first else 200
    return unit.answer(
        with_lenders(unit, draft_view(programme, made)), status=status, etag=made.tag, location=location if is_first else None
    )


@router.get("", response_class=Response, responses=refusals() | json_answer(DraftView, DRAFT))
def get_publication_draft(unit: Unit, programme: ProgrammeCode, month: MonthOf) -> Response:
    """Read a month's draft: what has moved since it was edited, which months it would publish, and a digest of it for each audience."""
    found = draft_actions.read(unit.session, programme, month, actor=unit.actor, now=unit.now)
    return unit.read(with_lenders(unit, draft_view(programme, found)), etag=found.tag, keep=True)


@router.post(
    "/check",
    response_class=Response,
    responses=refusals(*WRITING, NotDrafted, SamePerson, DraftOutdated) | json_answer(DraftView, DRAFT),
    openapi_extra=json_body(CheckBody, {"inputs_sha256": DRAFT["inputs_sha256"]}),
)
def check_publication_draft(unit: Unit, programme: ProgrammeCode, month: MonthOf) -> Response:
    """Say that another person than its editor has looked at what a draft would publish, which its digest names."""
    body = unit.json_as(CheckBody)
    checked = draft_actions.check(unit.session, programme, month, draft_sha256=body.inputs_sha256, actor=unit.actor, now=unit.now)
    return unit.answer(with_lenders(unit, draft_view(programme, checked)), etag=checked.tag)


@router.post(
    "/preparations",
    response_class=Response,
    responses=refusals(*WRITING) | json_answer(PreparationsView, PREPARATIONS),
)
def prepare_publication(unit: Unit, programme: ProgrammeCode, month: MonthOf) -> Response:
    """Prepare the publication of a month, one of the months that it would publish at a time: ask again until none remains.

    What is prepared is used when the month is edited, looked at, checked and published, as long as nothing that it was worked out from has moved. Publishing works
    out what is not prepared, which takes long where much is published at once. There need be no draft yet.
    """
    made = draft_actions.prepare(unit.session, programme, month, actor=unit.actor, now=unit.now)
    return unit.answer(preparations_view(programme, month, made))


@router.get("/renditions/{audience}", response_class=Response, responses=refusals() | json_answer(PreviewView, _PREVIEW))
def preview_publication(
    unit: Unit,
    programme: ProgrammeCode,
    month: MonthOf,
    audience: Annotated[AudienceName, Path(description="For whom the rendition would be.")],
    *,
    code: Annotated[
        str, Query(description="The commissioner's or subcontract's code.", pattern=rf"({CODE_PATTERN})|^\*$", examples=["05W"])
    ] = WHOLE,
) -> Response:
    """Read what an audience would be given of a draft: without a number, and unsigned."""
    made = draft_actions.preview(unit.session, programme, month, Audience(audience, code), actor=unit.actor)
    return unit.read(inflated(made.compressed), etag=made.sha256, keep=True)
