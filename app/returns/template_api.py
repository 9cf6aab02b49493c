"""What a subcontract has to send, over HTTP: what is due, how a return is filled in, and the form for it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from app.calendar.as_of import AsOfInFuture
from app.calendar.expected import ReturnKey
from app.kernel.moments import moment_text
from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.returns.api import KeyOf, ProgrammeCode
from app.returns.columns import CSV, XLSX
from app.returns.template_actions import Owing, read_due, read_guide, read_template
from app.returns.template_csv import COLUMNS, csv_of
from app.returns.template_schemas import DueView, GuideView, due_view, guide_view
from app.returns.template_workbook import workbook_of
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["returns"])

_RETURN: Final = "/returns/{collection}/{subcontract}/{month}"
_OWN: Final = "/v1/programmes/staffs-cancer/returns/hospice/SC-H9901/2026-10"
_LINKS: Final = {
    "return": _OWN,
    "guide": f"{_OWN}/guide",
    "template_xlsx": f"{_OWN}/template.xlsx",
    "template_csv": f"{_OWN}/template.csv",
    "expected_cells": f"{_OWN}/expected-cells.csv",
    "revisions": f"{_OWN}/revisions",
}
_DUE: Final = {
    "rule": "working day 10 after the end of 2026-10, 17:00 in London",
    "instant": "2026-11-13T17:00:00.000000Z",
    "words": "17:00 on Friday 13 November 2026, London time (working day 10 after the end of October 2026)",
}
DUE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "programme_name": "Cancer services in Staffordshire",
    "prime": "X9901",
    "prime_name": "Trent and Sow Integrated Care",
    "subcontract": "SC-H9901",
    "organisation": "H9901",
    "organisation_name": "Moorland Edge Hospice",
    "as_of": None,
    "today": "2026-11-02",
    "due": [
        {
            "collection": "hospice",
            "collection_name": "Hospice activity",
            "month": "2026-10",
            "period": "October 2026",
            "to_do": "open",
            "words": "Hospice activity for October 2026 is due at 17:00 on Friday 13 November 2026, London time, in 11 days.",
            "due": _DUE,
            "days_left": 11,
            "cells": 5,
            "measures": ["Hospice bed occupancy", "Preferred place of death recorded"],
            "for_commissioners": [{"ods_code": "05W", "name": "Stoke on Trent"}],
            "links": _LINKS,
        }
    ],
    "next": None,
}
GUIDE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "collection": "hospice",
    "subcontract": "SC-H9901",
    "month": "2026-10",
    "collection_name": "Hospice activity",
    "period": "October 2026",
    "as_of": None,
    "due": _DUE,
    "last_month": "2026-09",
    "measures": [
        {
            "code": "E-BEDOCC",
            "version": 1,
            "name": "Hospice bed occupancy",
            "numerator": "Occupied bed-days",
            "denominator": "Available bed-days",
            "kind": "activity",
            "direction": "neutral",
            "numeric_kind": "integer",
            "aggregation": "ratio_sum",
            "proportion": True,
            "unit": "percent",
            "breakdown": None,
            "categories": [],
            "example": "10 beds available on each of 31 days are 310 bed-days; 248 of them were occupied: 248 over 310.",
            "counted": "Two counts, in whole numbers; the first is part of the second.",
            "denominator_carried": "always",
            "may_be_left_to_zero": True,
        }
    ],
    "cells": [
        {
            "pathway": "all",
            "segment": "all",
            "measure": "E-BEDOCC",
            "site": "all",
            "commissioner": "all",
            "category": "all",
            "pathway_name": "all",
            "segment_name": "all",
            "measure_name": "Hospice bed occupancy",
            "site_name": "all",
            "commissioner_name": "all",
            "category_name": "all",
            "aggregation": "ratio_sum",
            "denominator_carried": "always",
            "numeric_kind": "integer",
            "last_state": "value",
            "last_month_numerator": 231,
            "last_month_denominator": 300,
            "mean_12_months_numerator": 238,
            "mean_12_months_denominator": 304,
            "mean_12_months_of": 12,
        }
    ],
    "links": _LINKS,
}
_READING: Final = refusals(Forbidden, NotFound, Invalid, AsOfInFuture)


def _file(media_type: str, schema: dict[str, Any], **more: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "The form", "content": {media_type: {"schema": schema, **more}}}}


def _named(key: ReturnKey, suffix: str) -> dict[str, str]:
    """What the file is called where it is kept; codes hold nothing that a file name cannot."""
    return {"Content-Disposition": f'attachment; filename="{key.collection} {key.subcontract} {key.month}.{suffix}"'}


@router.get(
    "/subcontracts/{subcontract}/due",
    response_class=Response,
    responses=_READING | refusals(BadCursor) | json_answer(DueView, DUE, description="What is due, by its instant"),
)
def list_due(
    unit: Unit,
    programme: ProgrammeCode,
    subcontract: Annotated[str, Path(description="The subcontract's reference.", examples=["SC-H9901"])],
    page: PageOf,
    as_of: AsOf,
) -> Response:
    """List what a subcontract has to send in plain words, the first due first: what is late, open or asked about, and what comes next.

    Without `as_of` it is judged by the clock, for days are counted to now: `today` says which day that was.
    """
    due = read_due(unit.session, programme, subcontract, actor=unit.actor, as_of=as_of, now=unit.now)
    after = page.after_as(str, str, str)
    rest = [each for each in due.owing if after is None or _place(each) > after]
    rows, following, link = page.cut(rest[: page.limit + 1], _place)
    return unit.read(due_view(due, subcontract, rows, as_of=as_of, following=following), headers=link)


def _place(owing: Owing) -> tuple[str, str, str]:
    return (moment_text(owing.deadlines.due), owing.key.collection, str(owing.key.month))


@router.get(f"{_RETURN}/guide", response_class=Response, responses=_READING | json_answer(GuideView, GUIDE, description="The guide"))
def read_return_guide(unit: Unit, programme: ProgrammeCode, key: KeyOf, as_of: AsOf) -> Response:
    """Read how a return is filled in: what each cell means, with a worked example, and what was stated of it before.

    Means are of what was stated as a value in the twelve months before: what was not collected is no zero.
    """
    return unit.read(guide_view(read_guide(unit.session, programme, key, actor=unit.actor, as_of=as_of, now=unit.now)))


@router.get(
    f"{_RETURN}/template.xlsx",
    response_class=Response,
    responses=_READING | _file(XLSX, {"type": "string", "format": "binary"}),
)
def read_template_workbook(unit: Unit, programme: ProgrammeCode, key: KeyOf, as_of: AsOf) -> Response:
    """Read the form of a return as a workbook: fill it in, save it, and send it back as a revision.

    It has lines for the cells that were above zero in the last twelve months (all, where they are few), and spare ones.
    """
    template = read_template(unit.session, programme, key, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(workbook_of(template), media_type=XLSX, headers=_named(key, "xlsx"))


@router.get(
    f"{_RETURN}/template.csv",
    response_class=Response,
    responses=_READING | _file(CSV, {"type": "string"}, example=",".join(COLUMNS)),
)
def read_template_table(unit: Unit, programme: ProgrammeCode, key: KeyOf, as_of: AsOf) -> Response:
    """Read the form of a return as CSV, with the same lines; `rest` and `note` may stand on any line."""
    template = read_template(unit.session, programme, key, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(csv_of(template), media_type=f"{CSV}; charset=utf-8", headers=_named(key, "csv"))
