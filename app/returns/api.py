"""A month's returns over HTTP: what is owed, where it stands, and submitting it."""

import csv
import io
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Response

from app.calendar.as_of import AsOfInFuture
from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.returns import read_actions
from app.returns.domain import Status
from app.returns.formats import EXTENSIONS, kind_of
from app.returns.read_actions import ReturnRead, Wanted
from app.returns.schemas import (
    ExpectedCellView,
    ReturnDetailView,
    ReturnsView,
    RevisionDetailView,
)
from app.returns.template import tame
from app.returns.views import cell_view, detail_view, expected_cell_view, return_view, revision_view
from app.web.lent import with_lenders
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import json_answer, refusals
from app.web.work import Unit, UnitOfWork

_RETURN: Final = "/{collection}/{subcontract}/{month}"

router = APIRouter(prefix="/v1/programmes/{programme}/returns", tags=["returns"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]


async def _key(  # asynchronous, for else it would be sent to a thread of its own
    collection: Annotated[str, Path(description="The collection's code.", examples=["cwt"])],
    subcontract: Annotated[str, Path(description="The subcontract's reference.", examples=["SC-RJE"])],
    month: Annotated[Month, Path(description="The return's month: of a longer period, its last.", examples=["2026-10"])],
) -> ReturnKey:
    return ReturnKey(collection, subcontract, month)


KeyOf = Annotated[ReturnKey, Depends(_key)]
"""The return that the path names."""

RevisionNumber = Annotated[int, Path(description="The revision's number, from 1.", ge=1, le=2**31 - 1)]

PLACE: Final = {"pathway": "lung", "segment": "treatment", "measure": "CWT-31", "site": "lung", "commissioner": "05W", "category": "all"}
STATED: Final[dict[str, Any]] = {
    "state": "value",
    "numerator": 41,
    "denominator": 43,
    "by_rest": False,
    "outside_assignment": False,
    "reason": None,
    "explanation_code": None,
    "explanation": None,
}
OWN: Final = "/v1/programmes/staffs-cancer/returns/cwt/SC-RJE/2026-10"
_RECEIVED_AT: Final = "2026-11-30T09:12:44.120000Z"
_SHA256: Final = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"

SUBMISSION: Final[dict[str, Any]] = {
    "rest": "zero",
    "cells": [
        {**PLACE, "numerator": 41, "denominator": 43},
        {**PLACE, "measure": "CWT-62", "category": "upgrade", "numerator": 2.5, "denominator": 3},
        {**PLACE, "measure": "CWT-62", "category": "screening", "state": "not_collected", "reason": "system_change"},
    ],
    "note": "",
}
RETURN: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "collection": "cwt",
    "collection_name": "Cancer waiting times",
    "subcontract": "SC-RJE",
    "organisation": "RJE",
    "organisation_name": "University Hospitals of North Midlands NHS Trust",
    "month": "2026-10",
    "status": "accepted",
    "due": {"rule": "working day 27 after the end of 2026-10, 17:00 in London", "instant": "2026-12-08T17:00:00.000000Z"},
    "close": {"rule": "working day 10 after the end of 2026-11, 17:00 in London", "instant": "2026-12-14T17:00:00.000000Z"},
    "freeze": None,
    "overdue": False,
    "late": False,
    "closed": False,
    "frozen": False,
    "latest_revision": 1,
    "accepted_revision": 1,
    "timeliness": "on_time",
    "timeliness_first": "on_time",
    "working_days_late": 0,
    "working_days_late_first": 0,
    "signed_off": False,
    "part_month": False,
    "final": False,
    "unsigned": False,
    "contacts": [],
    "links": {
        "self": OWN,
        "expected_cells": f"{OWN}/expected-cells.csv",
        "revisions": f"{OWN}/revisions",
        "guide": f"{OWN}/guide",
        "template_xlsx": f"{OWN}/template.xlsx",
        "template_csv": f"{OWN}/template.csv",
    },
}
_REVISION: Final[dict[str, Any]] = {
    "revision": 1,
    "nil": False,
    "nil_reason": None,
    "note": "",
    "cell_count": 5,
    "warnings": [],
    "explained": True,
    "sha256": _SHA256,
    "content_sha256": _SHA256,
    "media_type": "application/json",
    "contract_recorded_at": "2026-06-01T10:00:00.000000Z",
    "received_at": _RECEIVED_AT,
    "submitted_by": "c_4f2k",
    "submitted_on_behalf_of": None,
    "submitted_as": "subcontract",
}
REVISION: Final[dict[str, Any]] = {
    **_REVISION,
    "programme": "staffs-cancer",
    "collection": "cwt",
    "subcontract": "SC-RJE",
    "month": "2026-10",
    "cells": [{**PLACE, **STATED}],
}
RETURN_DETAIL: Final[dict[str, Any]] = {
    **RETURN,
    "as_of": None,
    "measures": [
        {
            "code": "CWT-31",
            "version": 1,
            "name": "31 days from decision to treat to treatment",
            "numerator": "Treatments started within 31 days of the decision to treat",
            "denominator": "Cancer treatments started in the month",
            "kind": "service_standard",
            "direction": "higher",
            "numeric_kind": "integer",
            "aggregation": "ratio_sum",
            "proportion": True,
            "unit": "percent",
            "breakdown": None,
            "categories": [],
        }
    ],
    "expected_cells": [
        {
            **PLACE,
            "pathway_name": "Lung",
            "segment_name": "First treatment",
            "measure_name": "31 days from decision to treat to treatment",
            "site_name": "Lung",
            "commissioner_name": "Stoke on Trent",
            "category_name": "all",
            "aggregation": "ratio_sum",
            "denominator_carried": "always",
            "numeric_kind": "integer",
        }
    ],
    "current": {"revision": 1, "cells": [{**PLACE, **STATED}]},
    "revisions": [{**_REVISION, "sign_off": None}],
    "sign_off": None,
    "reopening": None,
    "reopenings": [],
    "queries": {"open": 0, "answered": 0, "closed": 1},
    "stood": {"due": {"status": "accepted", "latest_revision": 1, "accepted_revision": 1}, "close": None, "freeze": None},
}
RECEIPT: Final[dict[str, Any]] = {
    "return": {"programme": "staffs-cancer", "collection": "cwt", "subcontract": "SC-RJE", "month": "2026-10"},
    "revision": 1,
    "duplicate_of": None,
    "outcome": "received",
    "status": "accepted",
    "accepted_revision": 1,
    "warnings": [],
    "changes": None,
    "by_rest": [{**PLACE, "measure": "CWT-62", "category": "urgent"}],
    "timeliness": "on_time",
    "timeliness_first": "on_time",
    "sha256": _SHA256,
    "received_at": _RECEIVED_AT,
    "submitted_by": "c_4f2k",
    "submitted_on_behalf_of": None,
    "submitted_as": "subcontract",
    "links": {"return": OWN, "revision": f"{OWN}/revisions/1"},
    "sent_sha256": _SHA256,
}

_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The expected cells",
        "content": {"text/csv": {"schema": {"type": "string"}, "example": ",".join(ExpectedCellView.model_fields)}},
    }
}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The bytes as they were submitted",
        "content": {kind: {"schema": {"type": "string", "contentMediaType": kind}, "example": ""} for kind in EXTENSIONS},
    }
}
_READING: Final = refusals(Forbidden, NotFound, Invalid, AsOfInFuture)


_ACTS: Final = ("revisions", "reopening", "reopenings")


def told_detail(unit: UnitOfWork, read: ReturnRead) -> dict[str, Any]:
    """A return, in which what was done with a lent permission says whose."""
    view = detail_view(read)
    return view | with_lenders(unit, {name: view[name] for name in _ACTS})


@router.get(
    "",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, AsOfInFuture, BadCursor)
    | json_answer(ReturnsView, {"as_of": None, "returns": [RETURN], "next": None}, description="A page of returns"),
)
def list_returns(
    unit: Unit,
    programme: ProgrammeCode,
    as_of: AsOf,
    page: PageOf,
    *,
    month: Annotated[Month | None, Query(description="One month; left out, every month up to now.", examples=["2026-10"])] = None,
    collection: Annotated[str | None, Query(description="One collection.", max_length=64)] = None,
    subcontract: Annotated[str | None, Query(description="One subcontract.", max_length=64)] = None,
    status: Annotated[Status | None, Query(description="Only returns of this status.")] = None,
    overdue: Annotated[bool | None, Query(description="Only those that are due and not received (or only the others).")] = None,
    signed_off: Annotated[bool | None, Query(description="Only those whose latest revision is signed (or waits for it).")] = None,
) -> Response:
    """List the returns that are owed, received or not, with their deadlines, by month, collection and subcontract.

    `as_of` is the moment they were judged at; a subcontract's client is told only the one it asked for.
    """
    found, moment = read_actions.list_returns(
        unit.session,
        programme,
        Wanted(month, collection, subcontract, status, overdue, signed_off),
        after=page.after_as(int, str, str),
        limit=page.limit + 1,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, lambda row: (row.key.month.ordinal, row.key.collection, row.key.subcontract))
    return unit.read({"as_of": moment, "returns": [return_view(row) for row in rows], "next": following}, headers=link)


@router.get(
    _RETURN,
    response_class=Response,
    responses=_READING | json_answer(ReturnDetailView, RETURN_DETAIL, description="The return"),
)
def read_return(unit: Unit, programme: ProgrammeCode, key: KeyOf, as_of: AsOf) -> Response:
    """Read where a return stands: what it expects, its current figures and its revisions.

    `as_of` is the moment it was judged at; a subcontract's client is told only the one it asked for.
    """
    found = read_actions.read_return(unit.session, programme, key, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(told_detail(unit, found))


@router.get(f"{_RETURN}/expected-cells.csv", response_class=Response, responses=_READING | _CSV)
def read_expected_cells(unit: Unit, programme: ProgrammeCode, key: KeyOf, as_of: AsOf) -> Response:
    """Read the cells that a return must state, as a table to join on."""
    expected = read_actions.read_expected(unit.session, programme, key, actor=unit.actor, as_of=as_of, now=unit.now)
    text = io.StringIO()
    table = csv.DictWriter(text, ExpectedCellView.model_fields, lineterminator="\r\n")
    table.writeheader()
    rows = (expected_cell_view(expected, cell) for cell in expected.cells)
    table.writerows({column: tame(value) for column, value in row.items()} for row in rows)
    return unit.read(text.getvalue().encode(), media_type="text/csv; charset=utf-8")


@router.get(
    f"{_RETURN}/revisions/{{revision}}",
    response_class=Response,
    responses=_READING | json_answer(RevisionDetailView, REVISION, description="The revision"),
)
def read_revision(
    unit: Unit,
    programme: ProgrammeCode,
    key: KeyOf,
    revision: RevisionNumber,
) -> Response:
    """Read one revision of a return with its cells; it never changes."""
    found, cells = read_actions.read_revision(unit.session, programme, key, revision, actor=unit.actor)
    view = with_lenders(unit, revision_view(found))
    return unit.read({**view, "programme": programme, **key._asdict(), "cells": [cell_view(cell) for cell in cells]})


@router.get(f"{_RETURN}/revisions/{{revision}}/file", response_class=Response, responses=_READING | _FILE)
def read_file(unit: Unit, programme: ProgrammeCode, key: KeyOf, revision: RevisionNumber) -> Response:
    """Download the very bytes that a revision was made of, under the name it was given: their SHA-256 is the receipt's."""
    found = read_actions.read_file(unit.session, programme, key, revision, actor=unit.actor)
    name = f"{key.collection}-{key.subcontract}-{key.month}-{revision}.{EXTENSIONS[kind_of(found.media_type)]}"
    own = "" if found.file_name is None else f"; filename*=UTF-8''{quote(found.file_name, safe='')}"
    headers = {"Content-Type": found.media_type, "Content-Disposition": f'attachment; filename="{name}"{own}'}
    return unit.read(found.content, headers=headers)
