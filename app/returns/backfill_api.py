"""Many months and subcontracts in one request: backfilling over HTTP."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from app.kernel.refusals import Fault, Forbidden, Invalid, NotFound
from app.returns import backfill_actions as actions
from app.returns.backfill import MOST_ENTRIES, NDJSON, OUTCOMES, Entry, Outcome, Result, entries_of_csv, entries_of_lines, read_entry
from app.returns.backfill_schemas import BackfillBody, BackfillsView, BackfillView, ResultsView
from app.returns.backfill_store import Backfill
from app.returns.columns import CSV, JSON
from app.returns.intake import MOST_VALUES, ReturnInvalid
from app.web.idempotency import IdempotencyKeyReused
from app.web.intake import parse
from app.web.pages import BadCursor, PageOf
from app.web.problems import TooLarge, UnsupportedMedia
from app.web.reference import WRITING, json_answer, json_body, refusals
from app.web.stepwise import Interrupted, SteppedWork, Stepwise
from app.web.work import Unit

router = APIRouter(prefix="/v1/programmes/{programme}", tags=["returns"])

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
BackfillCode = Annotated[str, Path(description="The backfill, as it was answered.", examples=["b_0f3a9c1e5d7b2a4c6e80"], max_length=64)]

_MOST_VALUES: Final = 2 * MOST_VALUES
"""Of one JSON object: no fewer than the returns have that fill the largest body, a cell in a hundred bytes."""

_OWN: Final = "/v1/programmes/staffs-cancer/backfills/b_0f3a9c1e5d7b2a4c6e80"
_ENTRY: Final[dict[str, Any]] = {
    "collection": "hospice",
    "subcontract": "SC-H9901",
    "month": "2026-10",
    "rest": "zero",
    "cells": [{"measure": "HOSP-WAIT", "category": "0-1", "numerator": 15}],
}
_BACKFILL: Final[dict[str, Any]] = {
    "backfill": "b_0f3a9c1e5d7b2a4c6e80",
    "programme": "staffs-cancer",
    "entries": 36,
    "done": 36,
    "received": 35,
    "received_with_warnings": 0,
    "duplicate": 0,
    "refused": 1,
    "sha256": "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
    "media_type": JSON,
    "begun_at": "2026-11-30T09:12:44.120000Z",
    "begun_by": "c_4f2k",
    "links": {"self": _OWN, "results": f"{_OWN}/results", "refused": f"{_OWN}/results?outcome=refused"},
}
_RESULT: Final[dict[str, Any]] = {
    "position": 0,
    "collection": "hospice",
    "subcontract": "SC-H9901",
    "month": "2026-10",
    "outcome": "received",
    "status": "accepted",
    "revision": 1,
    "code": None,
    "detail": None,
    "errors": [],
}


def _asked() -> dict[str, Any]:
    """The body, in each of its forms."""
    asked = json_body(BackfillBody, {"returns": [_ENTRY]})
    header = "collection,subcontract,month,measure,category,numerator,denominator,rest"
    asked["requestBody"]["content"] |= {
        NDJSON: {
            "schema": {"type": "string"},
            "example": '{"collection": "hospice", "subcontract": "SC-H9901", "month": "2026-10", "cells": []}',
        },
        CSV: {"schema": {"type": "string"}, "example": f"{header}\r\nhospice,SC-H9901,2026-10,HOSP-WAIT,0-1,15,,zero\r\n"},
    }
    return asked


@router.post(
    "/returns:backfill",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, ReturnInvalid, Interrupted, *WRITING)
    | json_answer(BackfillView, _BACKFILL, description="Every entry was received or refused, as its result says"),
    openapi_extra=_asked(),
)
def backfill_returns(work: Stepwise, programme: ProgrammeCode) -> Response:
    """Submit many returns, of many months and subcontracts: each is received or refused by itself, and has its result.

    As JSON, as lines of JSON (`application/x-ndjson`), or as CSV whose columns `collection`, `subcontract` and `month` name the return of each
    row, the rows of one return together; the last two may be as large as a backfill may be. A spreadsheet is saved as CSV (UTF-8) for it, its
    months written as `2026-10` or shown as `Oct-26`: a day such as 10/11/2026 could be of two months, and is refused. Sent again with the same `Idempotency-Key` and body it goes
    on where it was broken off; meanwhile, `backfills` tells how far it has come. A key names one backfill of its client for good.
    Of lines the very bytes are kept, of one JSON object each entry's JSON written anew. A month that is frozen is refused here as anywhere
    (`return_frozen`): backfill history before its freeze, or have each of its returns reopened first.
    """
    entries = _entries(work)
    name = actions.name_of(work.actor, work.idempotency_key)
    begin = partial(
        actions.begin, programme=programme, name=name, body_sha256=work.body_sha256, media_type=work.media_type, actor=work.actor
    )
    count = 0
    for count, _ in enumerate(entries(), 1):
        if count > MOST_ENTRIES:
            raise TooLarge(f"A backfill has at most {MOST_ENTRIES} returns: send it in parts.")
    if not count:
        fault = Fault("file_empty", "There is no return in this body.", "Send at least one.", pointer="")
        raise Invalid("The body is no backfill; see errors.", faults=[fault])
    if work.step(lambda session, now: begin(session, entries=count, now=now)) is None:
        raise IdempotencyKeyReused("This key was used for a backfill with another body: use a new key for each.")
    done = work.step(lambda session, _now: actions.done(session, programme, name))
    for entry in entries():
        if entry.position not in done:
            take = partial(actions.take, programme=programme, name=name, entry=entry, actor=work.actor)
            work.step(lambda session, now, take=take: take(session, now=now))  # type: ignore[misc]  # mypy takes the default for a third argument
    made = work.step(lambda session, _now: actions.read(session, programme, name, actor=work.actor))
    return work.answer(_view(programme, made), location=_address(programme, name), replayed=len(done) == count)


def _entries(work: SteppedWork) -> Callable[[], Iterator[Entry]]:
    """The entries of the body, as often as they are asked for, read from disk each time."""
    if work.parameters.get("charset", "utf-8") not in {"utf-8", "utf8"}:
        raise UnsupportedMedia("A backfill is sent in UTF-8.")

    def lines() -> Iterator[bytes]:
        work.body.seek(0)
        # One line is one return of JSON or one row of CSV: no longer than a body may be.
        while line := work.body.readline(work.service.body_limit_bytes + 1):
            if len(line) > work.service.body_limit_bytes:
                raise TooLarge(f"A line here has at most {work.service.body_limit_bytes} bytes.")
            yield line

    if work.media_type == NDJSON:
        return lambda: entries_of_lines(lines(), partial(parse, most_values=MOST_VALUES))
    if work.media_type == CSV:
        return lambda: entries_of_csv(lines())
    if work.media_type != JSON:
        raise UnsupportedMedia(f"Send `Content-Type: {JSON}`, `{NDJSON}` or `{CSV}`, in UTF-8; save a spreadsheet as CSV first.")
    return _entries_of_json(work)


def _entries_of_json(work: SteppedWork) -> Callable[[], Iterator[Entry]]:
    """The same of one JSON object, which is read whole and so is no larger than any other body."""
    content = work.body.read(work.service.body_limit_bytes + 1)
    if len(content) > work.service.body_limit_bytes:
        raise TooLarge(f"JSON has at most {work.service.body_limit_bytes} bytes: send lines of JSON ({NDJSON}) or CSV.")
    body = parse(content, most_values=_MOST_VALUES)
    if not isinstance(body, dict) or body.keys() != {"returns"} or not isinstance(body["returns"], list):
        fault = Fault("wrong_type", "This must be an object with one member, the list `returns`.", "See the example.", pointer="")
        raise Invalid("The body is no backfill; see errors.", faults=[fault])
    return lambda: (Entry(position, _bytes(raw), JSON, partial(read_entry, raw)) for position, raw in enumerate(body["returns"]))


def _bytes(raw: Any) -> bytes:
    """An entry of a larger object as bytes of its own; decimals as text, which keeps their digits."""
    return json.dumps(raw, default=str, ensure_ascii=False, separators=(",", ":")).encode()


@router.get(
    "/backfills",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid) | json_answer(BackfillsView, {"backfills": [_BACKFILL]}, description="The backfills"),
)
def list_backfills(unit: Unit, programme: ProgrammeCode) -> Response:
    """List the caller's own last 50 backfills, the last one first: also one that is under way."""
    found = actions.own(unit.session, programme, actor=unit.actor)
    return unit.read({"backfills": [_view(programme, each) for each in found]})


@router.get(
    "/backfills/{backfill}",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid) | json_answer(BackfillView, _BACKFILL, description="The backfill"),
)
def read_backfill(unit: Unit, programme: ProgrammeCode, backfill: BackfillCode) -> Response:
    """Read how far a backfill has come."""
    return unit.read(_view(programme, actions.read(unit.session, programme, backfill, actor=unit.actor)))


@router.get(
    "/backfills/{backfill}/results",
    response_class=Response,
    responses=refusals(Forbidden, NotFound, Invalid, BadCursor)
    | json_answer(ResultsView, {"results": [_RESULT], "next": None}, description="A page of results"),
)
def list_backfill_results(
    unit: Unit,
    programme: ProgrammeCode,
    backfill: BackfillCode,
    page: PageOf,
    *,
    outcome: Annotated[Outcome | None, Query(description="Only entries of which this became.")] = None,
) -> Response:
    """List what became of a backfill's entries, in their order."""
    after = page.after_as(int)
    found = actions.results(
        unit.session,
        programme,
        backfill,
        outcome=outcome,
        after=after[0] if after else -1,
        limit=page.limit + 1,
        actor=unit.actor,
    )
    rows, following, link = page.cut(found, lambda row: (row.position,))
    return unit.read({"results": [_result_view(row) for row in rows], "next": following}, headers=link)


def _address(programme: str, name: str) -> str:
    return f"/v1/programmes/{programme}/backfills/{name}"


def _view(programme: str, made: Backfill) -> dict[str, Any]:
    own = _address(programme, made.backfill)
    return {
        "backfill": made.backfill,
        "programme": programme,
        "entries": made.entries,
        "done": made.done,
        **{outcome: made.results.get(outcome, 0) for outcome in OUTCOMES},
        "sha256": made.body_sha256,
        "media_type": made.media_type,
        "begun_at": made.recorded_at,
        "begun_by": made.recorded_by,
        "links": {"self": own, "results": f"{own}/results", "refused": f"{own}/results?outcome=refused"},
    }


def _result_view(result: Result) -> dict[str, Any]:
    members = ("code", "detail", "fix", "pointer", "line", "column")
    return {**result._asdict(), "errors": [{name: getattr(fault, name) for name in members} for fault in result.errors]}
