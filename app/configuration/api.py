"""The whole programme as one document, over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import RootModel

from app.calendar.actions import DeadlinePassed
from app.calendar.as_of import AsOfInFuture
from app.configuration.actions import ApprovalNeeded, ConfigurationInvalid, InUse, RegisterConflict, apply_configuration, configuration
from app.configuration.document import Document
from app.configuration.nouns_schemas import DIFFERENCE
from app.configuration.schemas import Difference, difference
from app.web.moments import AsOf
from app.web.reference import PUTTING, dry_run_answer, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}/configuration", tags=["configuration"])

EXAMPLE: Final[dict[str, Any]] = {
    "programme": {
        "code": "staffs-cancer",
        "name": "Cancer services in Staffordshire",
        "prime": "X9901",
        "starts_on": "2026-07-01",
        "ends_on": "2036-06-30",
        "value_pence": 68700000000,
    },
    "organisations": [
        {"ods_code": "X9901", "name": "A fictional prime provider", "kind": "other"},
        {"ods_code": "RJE", "name": "University Hospitals of North Midlands NHS Trust", "kind": "acute_trust"},
    ],
    "commissioners": [
        {"ods_code": "QNC", "name": "Staffordshire and Stoke-on-Trent"},
        {"ods_code": "05W", "name": "Stoke on Trent", "parent": "QNC"},
    ],
    "sites": [{"code": "lung", "name": "Lung"}],
    "measures": ["CWT-62"],
    "pathways": [
        {
            "code": "lung",
            "name": "Lung",
            "segments": [{"code": "treatment", "name": "First treatment", "setting": "acute", "measures": ["CWT-62"]}],
        }
    ],
    "collections": [{"code": "cwt", "name": "Cancer waiting times", "measures": ["CWT-62"], "due": {"working_day": 27}}],
    "requirements": [{"measure": "CWT-62", "targets": [{"from_month": "2026-07", "standard": 0.85, "interim": 0.75}]}],
    "subcontracts": [{"reference": "SC-RJE", "organisation": "RJE", "sector": "acute", "starts_on": "2026-07-01", "ends_on": "2031-06-30"}],
    "assignments": [{"subcontract": "SC-RJE", "pathway": "lung", "segment": "treatment", "from_month": "2026-07", "expected_volume": 50}],
}


@router.get("", responses=refusals(AsOfInFuture) | json_answer(Document, EXAMPLE))
def get_configuration(unit: Unit, programme: str, as_of: AsOf) -> Response:
    """Read the programme's document in force, in its one normal form.

    Every member is stated; with `as_of`, it is the document that was in force then.
    """
    return unit.read(configuration(unit.session, programme, actor=unit.actor, as_of=as_of, now=unit.now))


@router.put(
    "",
    responses=refusals(ConfigurationInvalid, InUse, ApprovalNeeded, RegisterConflict, DeadlinePassed, *PUTTING)
    | dry_run_answer(RootModel[Document | Difference], EXAMPLE, DIFFERENCE)
    | json_answer(Document, EXAMPLE, status=201, description="Created"),
    openapi_extra=json_body(Document, EXAMPLE),
)
def put_configuration(
    unit: Unit,
    programme: str,
    *,
    dry_run: Annotated[bool, Query(description="Answer with what would change, and change nothing.")] = False,
) -> Response:
    """Bring the programme to what this document says, atomically.

    A new programme takes `If-None-Match: *`, one that is there `If-Match`; a dry run takes neither, and answers with the
    difference by noun. A line that is absent is withdrawn; the document is refused where a revision depends on it.
    """

    def expect(current: str | None) -> None:
        if not dry_run:
            unit.precondition.check(current)

    applied = apply_configuration(unit.session, programme, unit.json(), actor=unit.actor, now=unit.now, expect=expect, dry_run=dry_run)
    if dry_run:
        return unit.read(difference(programme, applied))
    if applied.created:
        return unit.answer(applied.body, status=201, etag=applied.etag, location=f"/v1/programmes/{programme}/configuration")
    return unit.answer(applied.body, etag=applied.etag)
