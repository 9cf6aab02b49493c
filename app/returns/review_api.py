"""Reviewing returns over HTTP: accepting one or many, signing off, reopening, and comparing revisions."""

from typing import Any, Final

from fastapi import APIRouter, Response

from app.kernel.refusals import Forbidden, Invalid, NotFound
from app.returns import review_actions
from app.returns.api import OWN, PLACE, RETURN_DETAIL, STATED, KeyOf, ProgrammeCode, told_detail
from app.returns.domain import NotLatest, ReturnFrozen, SignOffMissing, WrongStatus
from app.returns.reopening import NotFrozen, NotReopened
from app.returns.review_schemas import (
    AcceptancesBody,
    AcceptancesView,
    ReopeningBody,
    SignOffBody,
    acceptances_view,
)
from app.returns.schemas import AcceptanceBody, ReturnDetailView
from app.returns.signing import AlreadySigned, OwnRevision
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["review"])

_RETURN: Final = "/returns/{collection}/{subcontract}/{month}"
_KEY: Final = {"collection": "cwt", "subcontract": "SC-RJE", "month": "2026-10"}
_SIGN_OFF: Final = {
    "revision": 1,
    "statement": "These figures are complete and correct to the best of my knowledge.",
    "signed_as": "subcontract",
    "signed_at": "2026-12-07T15:20:00.000000Z",
    "signed_by": "c_7x2d",
    "on_behalf_of": None,
}
_REOPENING: Final = {
    "reason": "A double count was found in the trust's audit.",
    "expires_at": "2027-03-31T16:00:00.000000Z",
    "approved_at": "2027-03-18T09:00:00.000000Z",
    "approved_by": "c_9m1p",
    "approved_on_behalf_of": None,
    "ended_at": None,
    "ended_by": None,
    "ended_on_behalf_of": None,
}
SIGNED: Final[dict[str, Any]] = {**RETURN_DETAIL, "signed_off": True, "sign_off": _SIGN_OFF}
REOPENED: Final[dict[str, Any]] = {**RETURN_DETAIL, "reopening": _REOPENING, "reopenings": [_REOPENING]}
ACCEPTANCES: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "accepted": 1,
    "refused": 1,
    "returns": [
        {**_KEY, "accepted": True, "revision": 1, "code": None, "detail": None, "links": {"return": OWN}},
        {
            **_KEY,
            "subcontract": "SC-RL4",
            "accepted": False,
            "revision": None,
            "code": "not_clean",
            "detail": "The return cwt of SC-RL4 for 2026-10 was queried: accept it by itself.",
            "links": {"return": "/v1/programmes/staffs-cancer/returns/cwt/SC-RL4/2026-10"},
        },
    ],
}
DIFFERENCES: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    **_KEY,
    "revision": 2,
    "against": 1,
    "added": 0,
    "changed": 1,
    "removed": 0,
    "unchanged": 4,
    "cells": [{**PLACE, "before": {**STATED, "numerator": 40}, "after": STATED}],
}


@router.post(
    f"{_RETURN}/acceptance",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, ReturnFrozen, SignOffMissing, NotLatest, WrongStatus, *WRITING)
    | json_answer(ReturnDetailView, RETURN_DETAIL, description="Accepted: the return as it stands now"),
    openapi_extra=json_body(AcceptanceBody, {"revision": 1}, required=False),
)
def accept_return(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """Accept a return's latest revision: from now on its figures count.

    The body may say which `revision` was looked at: if another has come since, it is refused. It may be empty. What was asked about
    the return stays open until it is answered and closed.
    """
    said = unit.json_as(AcceptanceBody) if unit.body.strip() else AcceptanceBody()
    accepted = review_actions.accept(unit.session, programme, key, actor=unit.actor, now=unit.now, revision=said.revision)
    return unit.answer(told_detail(unit, accepted))


@router.post(
    "/returns:accept",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, *WRITING)
    | json_answer(AcceptancesView, ACCEPTANCES, description="What became of each return"),
    openapi_extra=json_body(AcceptancesBody, {"waiting": {"month": "2026-10", "collection": "cwt"}}),
)
def accept_returns(unit: Unit, programme: ProgrammeCode) -> Response:
    """Accept every clean return among those named: with no query since its latest revision and no warning left unexplained.

    Name the `returns`, or all of a month that are `waiting`. Each is accepted or stays as it is, with the reason.
    """
    asked = unit.json_as(AcceptancesBody).asked()
    verdicts = review_actions.accept_many(unit.session, programme, asked, actor=unit.actor, now=unit.now)
    return unit.answer(acceptances_view(programme, verdicts))


@router.post(
    f"{_RETURN}/sign-off",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, ReturnFrozen, NotLatest, WrongStatus, AlreadySigned, OwnRevision, *WRITING)
    | json_answer(ReturnDetailView, SIGNED, description="Signed: the return as it stands now"),
    openapi_extra=json_body(SignOffBody, {"revision": 1, "statement": _SIGN_OFF["statement"]}),
)
def sign_return_off(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """Sign a return's latest revision off, as somebody else than the client that submitted it.

    A further revision needs a sign-off of its own. Where the collection requires one and accepts clean returns by itself, this accepts it.
    """
    said = unit.json_as(SignOffBody)
    signed = review_actions.sign(
        unit.session, programme, key, revision=said.revision, statement=said.statement, actor=unit.actor, now=unit.now
    )
    return unit.answer(told_detail(unit, signed))


@router.post(
    f"{_RETURN}/reopening",
    status_code=201,
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, NotFrozen, *WRITING)
    | json_answer(ReturnDetailView, REOPENED, status=201, description="Reopened: the return as it stands now"),
    openapi_extra=json_body(ReopeningBody, {"reason": _REOPENING["reason"], "expires_at": "2027-03-31T16:00:00Z"}),
)
def reopen_return(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """Reopen a frozen return until a moment within 90 days: it takes revisions, queries and acceptance again.

    The caller approves it. It takes the place of a reopening that is in force.
    """
    said, faults = unit.json_partly(ReopeningBody, reason="?")
    reopened = review_actions.reopen(
        unit.session, programme, key, faults, reason=said.reason, expires_at=said.expiry, actor=unit.actor, now=unit.now
    )
    view = told_detail(unit, reopened)
    return unit.answer(view, status=201, location=view["links"]["self"])


@router.post(
    f"{_RETURN}/reopening/end",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, NotReopened, *WRITING)
    | json_answer(ReturnDetailView, RETURN_DETAIL, description="Ended: the return as it stands now"),
)
def end_reopening(unit: Unit, programme: ProgrammeCode, key: KeyOf) -> Response:
    """End the reopening that is in force before it expires."""
    return unit.answer(told_detail(unit, review_actions.end_reopening(unit.session, programme, key, actor=unit.actor, now=unit.now)))
