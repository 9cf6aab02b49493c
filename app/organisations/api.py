"""The shared register over HTTP: organisations, who goes on from whom, and who changed what and why."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.kernel.canonical import json_bytes
from app.kernel.lines import Day
from app.kernel.refusals import AsOfInFuture, Fault, Invalid
from app.organisations import actions
from app.organisations.actions import Registered
from app.organisations.domain import OrganisationKind, Succession, SuccessionCircle
from app.organisations.schemas import (
    HistoryView,
    OrganisationBody,
    OrganisationsView,
    OrganisationView,
    SuccessionBody,
    Why,
    organisation_view,
    shown,
    version_view,
)
from app.web.etags import PreconditionRequired, Stale, tag_of
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import PUTTING, json_answer, json_body, refusals
from app.web.shapes import read_as
from app.web.work import OutcomeUnknown, Unit

router = APIRouter(prefix="/v1/organisations", tags=["organisations"])

_LINK: Final = "/{organisation}/successors/{successor}"

_R1E: Final[dict[str, Any]] = {
    "ods_code": "R1E",
    "name": "Staffordshire and Stoke on Trent Partnership NHS Trust",
    "kind": "community_trust",
    "identifiers": [{"scheme": "cqc_provider", "value": "R1E"}],
    "legal": {"from": "2011-09-01", "to": "2018-05-31"},
    "operational": {"from": "2011-09-01", "to": "2018-05-31"},
}
_MERGER: Final[dict[str, Any]] = {
    "predecessor": "R1E",
    "successor": "RRE",
    "legal_on": "2018-06-01",
    "operational_on": "2018-06-01",
    "note": None,
}
_AT: Final = "2026-07-01T09:00:00.000000Z"
_ACT: Final = {"at": _AT, "client": "k3v9", "client_name": "Register keeper", "why": "Closed into its successor."}
ORGANISATION: Final = {"organisation": _R1E, "recorded_at": _AT, "predecessors": [], "successors": [_MERGER]}
HISTORY: Final = {"versions": [{"organisation": _R1E, "succession": None, "recorded": _ACT, "closed": None}], "next": None}
CHANGE: Final = {"organisation": _R1E, "why": "Closed into its successor."}
LINK_CHANGE: Final = {"legal_on": "2018-06-01", "operational_on": "2018-06-01", "why": "Its services went to the successor."}

OrganisationCode = Annotated[str, Path(description="The organisation's ODS code.", examples=["R1E"])]
SuccessorCode = Annotated[str, Path(description="The ODS code of the organisation that goes on from it.", examples=["RRE"])]
Reason = Annotated[Why, Query(description="Why the link is withdrawn.", examples=["It named the wrong successor."])]


@router.get("", responses=refusals(BadCursor, AsOfInFuture) | json_answer(OrganisationsView, {"organisations": [_R1E], "next": None}))
def list_organisations(
    unit: Unit,
    page: PageOf,
    as_of: AsOf,
    *,
    kind: Annotated[OrganisationKind | None, Query(description="Only organisations of this kind.")] = None,
    open_on: Annotated[Day | None, Query(description="Only those that work under their code on this day.", examples=["2026-07-01"])] = None,
    scheme: Annotated[str | None, Query(description="Only those with an identifier of this scheme.", max_length=64)] = None,
    value: Annotated[str | None, Query(description="Only the one whose identifier of `scheme` is this.", max_length=200)] = None,
) -> Response:
    """List the organisations of the register, by ODS code."""
    if value is not None and scheme is None:
        fault = Fault("missing", "A value is of a scheme.", "Name the scheme too.", pointer="/query/scheme")
        raise Invalid("A parameter is not what it must be; see errors.", faults=[fault])
    after = str(page.after[0]) if page.after else None
    found = actions.organisations_after(
        unit.session,
        after,
        limit=page.limit + 1,
        kind=kind,
        open_on=open_on,
        scheme=scheme,
        value=value,
        actor=unit.actor,
        as_of=as_of,
        now=unit.now,
    )
    rows, following, link = page.cut(found, key=lambda row: (row.ods_code,))
    return unit.read(shown(OrganisationsView(organisations=list(rows), next=following)), headers=link)


@router.get("/{organisation}", responses=refusals(AsOfInFuture) | json_answer(OrganisationView, ORGANISATION))
def get_organisation(unit: Unit, organisation: OrganisationCode, as_of: AsOf) -> Response:
    """Read an organisation, from whom it goes on and who goes on from it, as it stands or stood."""
    return unit.read(organisation_view(actions.organisation(unit.session, organisation, actor=unit.actor, as_of=as_of, now=unit.now)))


@router.put(
    "/{organisation}",
    responses=refusals(*PUTTING)
    | json_answer(OrganisationView, ORGANISATION)
    | json_answer(OrganisationView, ORGANISATION, status=201, description="Created"),
    openapi_extra=json_body(OrganisationBody, CHANGE),
)
def put_organisation(unit: Unit, organisation: OrganisationCode) -> Response:
    """Add an organisation to the register, or change what it says of one, and say why.

    Only an administrator of all programmes does. A new one takes `If-None-Match: *`, one that is there `If-Match`. A code is
    closed by its days, never taken away; earlier answers stay as they were.
    """
    body = unit.json_as(OrganisationBody)
    if body.organisation.ods_code != organisation:
        fault = Fault(
            "organisation_differs",
            "The body is of another organisation than the address.",
            "Let both name the same.",
            "/organisation/ods_code",
        )
        raise Invalid("The body is of another organisation than the address.", faults=[fault])

    def expect(current: Registered | None) -> None:
        unit.precondition.check(None if current is None else tag_of(json_bytes(organisation_view(current))))

    found, created = actions.register(unit.session, body.organisation, why=body.why, actor=unit.actor, now=unit.now, expect=expect)
    content = json_bytes(organisation_view(found))
    location = f"/v1/organisations/{organisation}" if created else None
    return unit.answer(content, status=201 if created else 200, etag=tag_of(content), location=location)


@router.get("/{organisation}/history", responses=refusals(BadCursor) | json_answer(HistoryView, HISTORY))
def get_organisation_history(unit: Unit, organisation: OrganisationCode, page: PageOf) -> Response:
    """Read every version of an organisation and of its successions: who recorded it, when, and why."""
    found = list(enumerate(actions.history(unit.session, organisation, actor=unit.actor)))
    last = page.after[0] if page.after else -1
    first = last + 1 if isinstance(last, int) and last >= 0 else 0
    rows, following, link = page.cut(found[first : first + page.limit + 1], key=lambda row: (row[0],))
    return unit.read(shown(HistoryView(versions=[version_view(version) for _, version in rows], next=following)), headers=link)


def _of_link(link: Succession) -> bytes:
    return json_bytes(shown(link))


@router.get(_LINK, responses=refusals(AsOfInFuture) | json_answer(Succession, _MERGER))
def get_succession(unit: Unit, organisation: OrganisationCode, successor: SuccessorCode, as_of: AsOf) -> Response:
    """Read the link by which one organisation goes on from another."""
    link = actions.succession(unit.session, organisation, successor, actor=unit.actor, as_of=as_of, now=unit.now)
    return unit.read(_of_link(link))


@router.put(
    _LINK,
    responses=refusals(SuccessionCircle, *PUTTING)
    | json_answer(Succession, _MERGER)
    | json_answer(Succession, _MERGER, status=201, description="Created"),
    openapi_extra=json_body(SuccessionBody, LINK_CHANGE),
)
def put_succession(unit: Unit, organisation: OrganisationCode, successor: SuccessorCode) -> Response:
    """Let one organisation go on from another, or correct from which days on, and say why.

    Nothing is moved: the predecessor's figures stay under its own name, and reports can be read restated.
    """
    body = unit.json_as(SuccessionBody)
    days = {"legal_on": body.legal_on, "operational_on": body.operational_on, "note": body.note}
    line = read_as(Succession, {"predecessor": organisation, "successor": successor, **days})

    def expect(current: Succession | None) -> None:
        unit.precondition.check(None if current is None else tag_of(_of_link(current)))

    created = actions.link(unit.session, line, why=body.why, actor=unit.actor, now=unit.now, expect=expect)
    content, location = _of_link(line), f"/v1/organisations/{organisation}/successors/{successor}"
    return unit.answer(content, status=201 if created else 200, etag=tag_of(content), location=location if created else None)


@router.delete(_LINK, responses=refusals(PreconditionRequired, Stale, OutcomeUnknown) | json_answer(Succession, _MERGER))
def delete_succession(unit: Unit, organisation: OrganisationCode, successor: SuccessorCode, *, why: Reason) -> Response:
    """Withdraw a link that should not have been there; it stays in the history, and in answers as of then."""

    def expect(current: Succession) -> None:
        unit.precondition.check(tag_of(_of_link(current)))

    withdrawn = actions.withdraw_link(unit.session, organisation, successor, why=why, actor=unit.actor, now=unit.now, expect=expect)
    return unit.answer(_of_link(withdrawn))
