"""Reviewing over HTTP: signing, accepting one and many, freezing and reopening to the microsecond, and what one revision changes in another."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import ProgrammingError

from app.calendar.expected import ReturnKey
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.reports.effect_schemas import ComparedView
from app.returns import review_store
from app.returns.review_schemas import AcceptancesView
from app.returns.schemas import ReturnDetailView
from tests.returns.conftest import Programme
from tests.returns.programme import (
    CWT,
    HOSPICE,
    MIXED,
    MONTH,
    PROGRAMME,
    RETURNS,
    address,
    cwt_body,
    hospice_body,
    mixed_body,
    whole_document,
)
from tests.returns.test_api import has_shape

TICK = timedelta(microseconds=1)
DUE = datetime(2026, 12, 8, 17, tzinfo=UTC)
CLOSE = datetime(2026, 12, 14, 17, tzinfo=UTC)
FREEZE = datetime(2027, 1, 27, 17, tzinfo=UTC)


def signed_collections(programme: Programme, **settings: Any) -> None:
    """From now on collections need a signature; `settings` replaces more of each."""
    document = whole_document()
    document["collections"] = [{**line, "sign_off": "required", **settings} for line in document["collections"]]
    assert programme.apply(document).status_code == 200


def approver(programme: Programme, key: ReturnKey) -> str:
    return programme.key("approver", subcontract=key.subcontract)


def sign(programme: Programme, key: ReturnKey, revision: int = 1, *, by: str | None = None, **more: Any) -> httpx.Response:
    body = {"revision": revision, **more}
    return programme.web.post(f"{address(key)}/sign-off", body, key=by or approver(programme, key))


def reopen(
    programme: Programme, key: ReturnKey, expires_at: Any, *, by: str | None = None, reason: Any = "Found in audit."
) -> httpx.Response:
    body = {"reason": reason, "expires_at": expires_at.isoformat() if isinstance(expires_at, datetime) else expires_at}
    return programme.web.post(f"{address(key)}/reopening", body, key=by or programme.manager())


def ask(programme: Programme, key: ReturnKey) -> httpx.Response:
    return programme.web.post(f"{address(key)}/queries", {"text": "Is this right?"}, key=programme.manager())


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def test_a_return_is_signed_by_another_than_who_prepared_it_and_then_accepted(programme: Programme) -> None:
    signed_collections(programme)
    assert code(sign(programme, HOSPICE)) == (409, "wrong_status")
    programme.submit(HOSPICE, hospice_body())
    assert code(programme.accept(HOSPICE)) == (409, "sign_off_missing")
    for by in (programme.preparer("SC-H9901"), programme.manager(), programme.key("analyst")):
        assert code(sign(programme, HOSPICE, by=by)) == (403, "forbidden")
    assert code(sign(programme, HOSPICE, 2)) == (409, "not_latest")
    signed = has_shape(sign(programme, HOSPICE, statement=" Complete and correct. "), ReturnDetailView)
    sign_off = signed["sign_off"]
    assert (sign_off["revision"], sign_off["statement"], sign_off["signed_as"]) == (1, "Complete and correct.", "subcontract")
    assert signed["revisions"][0]["sign_off"] == sign_off
    assert sign_off["signed_by"] != signed["revisions"][0]["submitted_by"]
    assert (signed["status"], signed["signed_off"]) == ("submitted", True)
    assert code(sign(programme, HOSPICE)) == (409, "already_signed")
    programme.submit(CWT, cwt_body())
    listed = {waits: programme.listed(f"?signed_off={waits}") for waits in ("true", "false")}
    assert {waits: [each["subcontract"] for each in found] for waits, found in listed.items()} == {
        "true": ["SC-H9901"],
        "false": ["SC-RJE"],
    }
    assert programme.listed("?signed_off=false", by=approver(programme, HOSPICE)) == []
    assert {each["signed_off"] for each in programme.listed("?status=expected")} == {None}
    accepted = programme.accept(HOSPICE, revision=1).json()
    assert (accepted["status"], accepted["sign_off"]) == ("accepted", sign_off)
    # A further revision needs a sign-off of its own; the figures that count were signed.
    programme.submit(HOSPICE, {**hospice_body(), "note": "corrected"})
    stands = programme.read(HOSPICE).json()
    assert (stands["sign_off"], [each["sign_off"] for each in stands["revisions"]]) == (None, [sign_off, None])
    assert code(programme.accept(HOSPICE)) == (409, "sign_off_missing")
    then = programme.read(HOSPICE, query=f"?as_of={stands['revisions'][0]['received_at']}").json()
    assert (then["sign_off"], then["status"]) == (None, "submitted")


def test_a_signature_accepts_a_clean_return_that_waited_for_nothing_else(programme: Programme) -> None:
    signed_collections(programme, auto_accept=True)
    administrator = programme.key("administrator")
    assert programme.submit(CWT, cwt_body(), by=administrator).json()["status"] == "submitted"
    # An administrator may sign, but not what it submitted itself.
    assert code(sign(programme, CWT, by=administrator)) == (409, "own_revision")
    assert code(sign(programme, CWT, statement="Is 943 476 5919 in it?")) == (422, "invalid")
    signed = sign(programme, CWT).json()
    assert (signed["status"], signed["accepted_revision"]) == ("accepted", 1)
    assert [row[0] for row in programme.all("SELECT action FROM events WHERE action LIKE 'return.%' ORDER BY sequence")] == [
        "return.submitted",
        "return.signed",
        "return.accepted",
    ]
    # What was asked about is accepted by whoever asked; so is what came after the close.
    programme.submit(CWT, cwt_body(1))
    ask(programme, CWT)
    queried = sign(programme, CWT, 2).json()
    assert (queried["status"], queried["accepted_revision"], queried["sign_off"]["revision"]) == ("queried", 1, 2)
    stray = {"measure": "M-RATIO", "site": "lung", "commissioner": "05G", "numerator": 1, "denominator": 1}
    programme.submit(MIXED, {"cells": [*mixed_body()["cells"], stray]})
    assert sign(programme, MIXED).json()["status"] == "submitted"
    programme.clock.now = CLOSE + TICK
    programme.submit(CWT, cwt_body(3))
    assert sign(programme, CWT, 3).json()["status"] == "submitted"
    assert programme.accept(CWT).json()["accepted_revision"] == 3


def test_deadlines_to_the_microsecond_and_what_was_good_at_each(programme: Programme) -> None:
    manager = programme.manager()
    programme.preparer("SC-RJE")
    for number, moment in enumerate((DUE, DUE + TICK, CLOSE + TICK, FREEZE), 1):
        programme.clock.now = moment
        receipt = programme.submit(CWT, cwt_body(note=f"number {number}"))
        assert (receipt.status_code, receipt.json()["timeliness"]) == (201, "on_time" if number == 1 else "late")
        if number == 2:
            programme.accept(CWT)
    stands = has_shape(programme.read(CWT), ReturnDetailView)
    assert (stands["working_days_late"], stands["working_days_late_first"]) == (33, 0)
    assert (stands["timeliness"], stands["timeliness_first"], stands["late"]) == ("late", "on_time", False)
    assert stands["stood"]["freeze"] is None
    programme.clock.now = FREEZE + TICK
    before = programme.rows()
    assert code(programme.submit(CWT, cwt_body(note="too late"))) == (409, "return_frozen")
    assert code(programme.accept(CWT)) == (409, "return_frozen")
    assert code(ask(programme, CWT)) == (409, "return_frozen")
    approver(programme, CWT)
    assert code(sign(programme, CWT, 4)) == (409, "return_frozen")
    assert {name: count for name, count in programme.rows().items() if name not in {"clients", "client_keys", "events"}} == {
        name: count for name, count in before.items() if name not in {"clients", "client_keys", "events"}
    }
    stands = programme.read(CWT).json()
    assert (stands["frozen"], stands["as_of"]) == (True, "2027-01-27T17:00:00.000001Z")
    assert stands["stood"] == {
        "due": {"status": "submitted", "latest_revision": 1, "accepted_revision": None},
        "close": {"status": "accepted", "latest_revision": 2, "accepted_revision": 2},
        "freeze": {"status": "submitted", "latest_revision": 4, "accepted_revision": 2},
    }
    for moment, stood in ((DUE, None), (DUE + TICK, stands["stood"]["due"])):
        asked = programme.web.get(f"{address(CWT)}?as_of={moment.isoformat().replace('+00:00', 'Z')}", key=manager).json()
        assert asked["stood"]["due"] == stood
    # Any moment may be asked for, not the deadlines alone.
    asked = programme.read(CWT, query="?as_of=2026-12-10T12:00:00Z").json()
    assert (asked["latest_revision"], asked["accepted_revision"], asked["working_days_late"]) == (2, 2, 1)
    assert programme.read(HOSPICE).json()["stood"] == {
        "due": {"status": "expected", "latest_revision": None, "accepted_revision": None},
        "close": None,
        "freeze": None,
    }


def test_a_frozen_return_is_reopened_for_a_while(programme: Programme) -> None:
    preparer = programme.preparer("SC-RJE")
    programme.submit(CWT, cwt_body())
    programme.accept(CWT)
    expiry = FREEZE + timedelta(days=3)
    assert code(reopen(programme, CWT, expiry + timedelta(days=30))) == (422, "invalid")
    assert code(reopen(programme, CWT, programme.clock.now + timedelta(days=1))) == (409, "not_frozen")
    programme.clock.now = FREEZE + timedelta(days=1)
    for by in (preparer, programme.key("analyst"), approver(programme, CWT), programme.key("auditor")):
        assert reopen(programme, CWT, expiry, by=by).status_code == 403
    for wrong in (programme.clock.now, programme.clock.now + timedelta(days=91), "soon", 5):
        assert code(reopen(programme, CWT, wrong)) == (422, "invalid")
    assert code(reopen(programme, CWT, expiry, reason="NHS 943 476 5919")) == (422, "invalid")
    reopened = has_shape(reopen(programme, CWT, expiry), ReturnDetailView, 201)
    reopening = reopened["reopening"]
    assert (reopening["reason"], reopening["expires_at"], reopening["ended_at"]) == ("Found in audit.", "2027-01-30T17:00:00.000000Z", None)
    assert (reopened["frozen"], reopened["status"], reopened["accepted_revision"]) == (True, "accepted", 1)
    assert programme.read(CWT, by=preparer).json()["reopening"] == reopening
    # At its expiry it is in force, just after it is not; the clock decides, with no job and no act.
    programme.clock.now = expiry - TICK
    assert programme.submit(CWT, cwt_body(1)).json()["status"] == "submitted"
    asked = ask(programme, CWT).json()
    assert asked["asked_at"] == reopening["expires_at"]
    programme.clock.now = expiry + TICK
    assert programme.accept(CWT).json()["code"] == "return_frozen"
    late = programme.read(CWT).json()
    assert (late["reopening"], len(late["reopenings"]), late["as_of"]) == (None, 1, "2027-01-30T17:00:00.000001Z")
    assert programme.read(CWT, query="?as_of=2027-01-30T17:00:00Z").json()["reopening"] == reopening
    # Answers are no figures: they may come after the freeze.
    answer = programme.web.post(f"{address(CWT)}/queries/1/answer", {"text": "It is."}, key=preparer)
    assert answer.json()["state"] == "answered"
    programme.clock.now += timedelta(hours=1)
    reopen(programme, CWT, expiry + timedelta(days=1), reason="Again.")
    taken = reopen(programme, CWT, expiry + timedelta(days=2), reason="For longer.").json()
    assert [(each["reason"], each["ended_at"] is None) for each in taken["reopenings"]] == [
        ("Found in audit.", True),
        ("Again.", False),
        ("For longer.", True),
    ]
    assert programme.accept(CWT).json()["accepted_revision"] == 2
    end = f"{address(CWT)}/reopening/end"
    assert programme.web.post(end, key=preparer).status_code == 403
    ended = has_shape(programme.web.post(end, key=programme.manager()), ReturnDetailView)
    assert (ended["reopening"], ended["reopenings"][-1]["ended_at"] is not None) == (None, True)
    assert code(programme.web.post(end, key=programme.manager())) == (409, "not_reopened")
    assert code(programme.submit(CWT, cwt_body(2))) == (409, "return_frozen")
    assert ended["stood"]["freeze"] == {"status": "accepted", "latest_revision": 1, "accepted_revision": 1}
    assert ended["queries"] == {"open": 0, "answered": 1, "closed": 0}


def test_many_are_accepted_at_once_and_each_that_is_not_says_why(programme: Programme) -> None:
    rl4, unsent = CWT._replace(subcontract="SC-RL4"), HOSPICE._replace(month=MONTH.plus(-1))
    stray = {"measure": "M-RATIO", "site": "lung", "commissioner": "05G", "numerator": 1, "denominator": 1}
    for key, body in ((CWT, cwt_body()), (rl4, cwt_body()), (HOSPICE, hospice_body())):
        programme.submit(key, body)
    programme.submit(MIXED, {"cells": [*mixed_body()["cells"], stray]})
    ask(programme, rl4)
    at, manager = f"{RETURNS}:accept", programme.manager()
    for by in (programme.preparer("SC-RJE"), programme.key("analyst"), approver(programme, CWT)):
        assert programme.web.post(at, {"waiting": {"month": "2026-10"}}, key=by).status_code == 403
    waiting = {"waiting": {"month": "2026-10"}}
    wrongs: list[dict[str, Any]] = [{}, {"returns": []}, {**waiting, "returns": [{**CWT._asdict(), "month": "2026-10"}]}]
    for wrong in wrongs:
        assert code(programme.web.post(at, wrong, key=manager)) == (422, "invalid")
    for part in ("collection", "subcontract"):
        nobody = programme.web.post(at, {"returns": [{**CWT._asdict(), "month": "2026-10", part: "9434765919"}]}, key=manager)
        assert [fault["code"] for fault in nobody.json()["errors"]] == ["patient_identifier"]
        assert "9434765919" not in nobody.text

    def named(key: ReturnKey, **more: Any) -> dict[str, Any]:
        return {**key._asdict(), "month": str(key.month), **more}

    twice = programme.web.post(at, {"returns": [named(CWT), named(CWT)]}, key=manager)
    assert [error["code"] for error in twice.json()["errors"]] == ["repeated"]
    asked = [named(HOSPICE, revision=2), named(unsent), named(CWT), named(CWT._replace(subcontract="SC-NONE"))]
    answer = programme.web.post(at, {"returns": asked}, key=manager, headers={"Idempotency-Key": "many"})
    found = has_shape(answer, AcceptancesView)
    assert (found["accepted"], found["refused"]) == (1, 3)
    assert [(each["collection"], each["subcontract"], each["accepted"], each["revision"], each["code"]) for each in found["returns"]] == [
        ("cwt", "SC-NONE", False, None, "not_found"),
        ("cwt", "SC-RJE", True, 1, None),
        ("hospice", "SC-H9901", False, None, "wrong_status"),
        ("hospice", "SC-H9901", False, None, "not_latest"),
    ]
    again = programme.web.post(at, {"returns": asked}, key=manager, headers={"Idempotency-Key": "many"})
    assert (again.content, again.headers["Idempotent-Replayed"]) == (answer.content, "true")
    found = programme.web.post(at, {"waiting": {"month": "2026-10"}}, key=manager).json()
    assert [(each["subcontract"], each["code"]) for each in found["returns"]] == [
        ("SC-RL4", "not_clean"),
        ("SC-H9901", None),
        ("SC-MIX", "not_clean"),
    ]
    assert programme.read(HOSPICE).json()["status"] == "accepted"
    assert programme.web.post(at, {"waiting": {"month": "2026-09"}}, key=manager).json()["returns"] == []
    programme.accept(rl4)
    programme.submit(rl4, cwt_body(1))
    signed_collections(programme)
    one = {"waiting": {"month": "2026-10", "collection": "cwt", "subcontract": "SC-RL4"}}
    assert [each["code"] for each in programme.web.post(at, one, key=manager).json()["returns"]] == ["sign_off_missing"]
    sign(programme, rl4, 2)
    assert programme.web.post(at, one, key=manager).json()["accepted"] == 1
    assert programme.all("SELECT count(*) FROM returns WHERE closed_at IS NULL AND status = 'accepted'") == [(3,)]
    programme.clock.now = FREEZE + TICK
    frozen = programme.web.post(at, {"returns": [named(rl4)]}, key=manager).json()
    assert frozen["returns"][0]["code"] == "return_frozen"


def test_of_two_signatures_and_two_questions_at_once_each_is_one_act(programme: Programme) -> None:
    programme.submit(HOSPICE, hospice_body())
    one, other = approver(programme, HOSPICE), programme.key("administrator")
    calls = [lambda: sign(programme, HOSPICE, by=one), lambda: sign(programme, HOSPICE, by=other)] * 2
    calls += [lambda: ask(programme, HOSPICE)] * 2
    with ThreadPoolExecutor(len(calls)) as threads:
        answers = [each.result() for each in [threads.submit(call) for call in calls]]
    assert sorted(answer.status_code for answer in answers[:4]) == [200, 409, 409, 409]
    assert sorted(answer.json()["query"] for answer in answers[4:]) == [1, 2]
    stands = programme.read(HOSPICE).json()
    assert (stands["status"], stands["queries"]["open"], stands["sign_off"]["revision"]) == ("queried", 2, 1)


def test_only_the_integrator_writes_reopenings_and_nobody_signs_for_another(programme: Programme) -> None:
    programme.submit(CWT, cwt_body())
    programme.clock.now = FREEZE + TICK
    assert reopen(programme, CWT, FREEZE + timedelta(days=1)).status_code == 201
    sign(programme, CWT)
    tables = (review_store.SIGN_OFFS, review_store.REOPENINGS.table)
    owner, heir = Tenant(PROGRAMME, "SC-RJE"), Tenant(PROGRAMME, "SC-RL4", inherited_subcontracts=("SC-RJE",))
    for tenant, seen in ((owner, 1), (heir, 1), (Tenant(PROGRAMME, "SC-RL4"), 0), (Tenant(PROGRAMME), 0)):
        with open_session(programme.database.engine, tenant) as session:
            assert [len(session.execute(select(table)).all()) for table in tables] == [seen, seen]
    for tenant, refused in ((owner, tables[1:]), (heir, tables)):
        for table in refused:
            with open_session(programme.database.engine, tenant) as session, pytest.raises(ProgrammingError, match="row-level security"):
                session.execute(insert(table).from_select(list(table.c.keys()), select(table)))


def test_what_one_revision_changes_in_another(programme: Programme) -> None:
    for numerator in (1, 2, 1):
        programme.submit(CWT, cwt_body(numerator, note=f"with {numerator}"))
    programme.submit(CWT, {"rest": "not_collected", "rest_reason": "other", "cells": []})
    mine = programme.preparer("SC-RJE")

    def differences(revision: int, query: str = "") -> dict[str, Any]:
        return has_shape(programme.web.get(f"{address(CWT)}/revisions/{revision}/differences{query}", key=mine), ComparedView)

    second = differences(2)
    assert [second[name] for name in ("revision", "against", "added", "changed", "removed", "unchanged")] == [2, 1, 0, 1, 0, 19]
    assert [(cell["before"]["numerator"], cell["after"]["numerator"]) for cell in second["cells"]] == [(1, 2)]
    assert differences(2, "?against=1") == second
    assert [(cell["before"]["numerator"], cell["after"]["numerator"]) for cell in differences(1, "?against=2")["cells"]] == [(2, 1)]
    same = differences(3, "?against=1")
    assert (same["changed"], same["unchanged"], same["cells"]) == (0, 20, [])
    assert differences(4)["changed"] == 20
    first = differences(1)
    assert [first[name] for name in ("against", "added", "changed", "removed", "unchanged")] == [None, 20, 0, 0, 0]
    assert not [cell for cell in first["cells"] if cell["before"]]
    for query in ("9/differences", "2/differences?against=9"):
        assert programme.web.get(f"{address(CWT)}/revisions/{query}", key=mine).status_code == 404
    assert programme.web.get(f"{address(CWT)}/revisions/1/differences?against=0", key=mine).status_code == 422


def test_others_are_told_the_same_of_what_is_there_and_what_is_not(programme: Programme) -> None:
    programme.submit(CWT, cwt_body())
    programme.clock.now = FREEZE + TICK
    stranger, sole = programme.preparer("SC-RL4"), programme.key("approver", subcontract="SC-RL4")
    told = []
    for key in (CWT, CWT._replace(subcontract="SC-NONE")):
        answers = [
            sign(programme, key, by=sole),
            sign(programme, key, by=stranger),
            reopen(programme, key, FREEZE + timedelta(days=1), by=stranger),
            programme.web.post(f"{address(key)}/reopening/end", key=stranger),
            programme.web.get(f"{address(key)}/revisions/1/differences", key=stranger),
        ]
        assert {answer.status_code for answer in answers} == {404}
        told.append([{name: part for name, part in answer.json().items() if name != "instance"} for answer in answers])
        assert programme.web.post(f"{address(key)}/sign-off", {"revision": 1}).status_code == 401
    assert told[0] == told[1]
    assert programme.web.post(f"{RETURNS}:accept", {"waiting": {"month": "2026-10"}}).status_code == 401


def test_whatever_is_done_the_accepted_figures_stay_until_others_are_accepted(programme: Programme) -> None:
    """A long walk of all the acts: the revision that counts is the last one accepted, and its bytes never change."""
    signed_collections(programme)
    chance, manager = random.Random(10), programme.manager()
    latest, accepted = 0, None
    bytes_of: dict[int, bytes] = {}
    acts = {
        "submit": lambda: programme.submit(CWT, cwt_body(chance.randint(0, 3), note=str(chance.random()))),
        "sign": lambda: sign(programme, CWT, latest or 1),
        "accept": lambda: programme.accept(CWT),
        "ask": lambda: ask(programme, CWT),
        "answer": lambda: programme.web.post(f"{address(CWT)}/queries/1/answer", {"text": "Yes."}, key=programme.preparer("SC-RJE")),
        "reopen": lambda: reopen(programme, CWT, programme.clock.now + timedelta(hours=30)),
        "end": lambda: programme.web.post(f"{address(CWT)}/reopening/end", key=manager),
    }
    done = set()
    for step in range(60):
        if step == 25:
            programme.clock.now = FREEZE + TICK
        programme.clock.now += timedelta(hours=chance.choice([0, 1, 20]))
        act = chance.choices(list(acts), weights=[4, 4, 4, 1, 1, 4, 1])[0]
        answer = acts[act]()
        assert answer.status_code in {200, 201, 404, 409}, answer.text
        if answer.is_success:
            done.add((act, step >= 25))
            latest += act == "submit"
            accepted = latest if act == "accept" else accepted
        stands = programme.read(CWT).json()
        assert (stands["latest_revision"] or 0, stands["accepted_revision"]) == (latest, accepted)
        assert (stands["current"] or {}).get("revision") == accepted
        if accepted is not None:
            content = programme.web.get(f"{address(CWT)}/revisions/{accepted}", key=manager).content
            assert bytes_of.setdefault(accepted, content) == content
    assert done >= {(act, late) for act in ("submit", "sign", "accept", "ask") for late in (False, True)} | {("reopen", True)}


def test_of_figures_of_a_month_that_has_not_ended_it_is_said(programme: Programme) -> None:
    early = MIXED._replace(month=MONTH.plus(1))
    receipt = programme.submit(early, mixed_body()).json()
    assert [(warning["code"], warning["severity"]) for warning in receipt["warnings"]] == [("month_not_over", "info")]
    assert "2026-11 has not ended" in receipt["warnings"][0]["detail"]
    assert receipt["warnings"][0]["fix"].startswith("If another month was meant, send it for that one")
    assert (receipt["outcome"], receipt["status"]) == ("received", "accepted")
    programme.clock.now = datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    assert programme.submit(early, {**mixed_body(), "note": "a moment before"}).json()["warnings"]
    programme.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert programme.submit(early, {**mixed_body(), "note": "over"}).json()["warnings"] == []


def test_of_a_month_that_has_not_begun_it_is_said_that_another_was_meant(programme: Programme) -> None:
    programme.clock.now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    ahead = MIXED._replace(month=MONTH.plus(2))
    for body in (mixed_body(), mixed_body(), {"nil": True, "reason": "no_service"}):
        receipt = programme.submit(ahead, body).json()
        (warning,) = receipt["warnings"]
        assert (warning["code"], warning["severity"]) == ("month_not_begun", "info")
        assert warning["detail"].startswith("2026-12 has not begun")
        assert warning["fix"].startswith("Send it for the month that it is of")
        assert (receipt["outcome"], receipt["status"]) == ("received", "accepted")
    programme.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    begun = programme.submit(ahead, {**mixed_body(), "note": "begun"}).json()
    assert ([warning["code"] for warning in begun["warnings"]], begun["status"]) == (["month_not_over"], "accepted")


def test_a_zero_that_is_listed_is_no_difference_from_one_by_the_rest(programme: Programme) -> None:
    programme.submit(HOSPICE, hospice_body())
    listed = {"measure": "HOSP-WAIT", "category": "2-3", "numerator": 0}
    body = {**hospice_body(), "cells": [*hospice_body()["cells"], listed]}
    receipt = programme.submit(HOSPICE, body).json()
    assert (receipt["revision"], receipt["changes"]) == (2, {"since": 1, "added": 0, "changed": 0, "removed": 0, "cells": []})
    explained = {**body, "cells": [*hospice_body()["cells"], {**listed, "explanation": "no clinic"}]}
    assert programme.submit(HOSPICE, explained).json()["changes"]["changed"] == 1
    mine = programme.preparer("SC-H9901")
    seen = programme.web.get(f"{address(HOSPICE)}/revisions/2/differences", key=mine).json()
    assert (seen["changed"], seen["cells"]) == (0, [])


def test_what_the_programme_does_not_have_waits_for_nothing_and_is_refused(programme: Programme) -> None:
    at, manager = f"{RETURNS}:accept", programme.manager()
    unknown = programme.web.post(at, {"waiting": {"month": "2026-10", "collection": "cwtt", "subcontract": "SC-NONE"}}, key=manager)
    assert (unknown.status_code, [(fault["code"], fault["pointer"]) for fault in unknown.json()["errors"]]) == (
        422,
        [("unknown_collection", "/waiting/collection"), ("unknown_subcontract", "/waiting/subcontract")],
    )
    assert all(known in fault["fix"] for known, fault in zip(("cwt, hospice, ", "SC-H9901"), unknown.json()["errors"], strict=True))
    assert "cwtt" not in unknown.text
