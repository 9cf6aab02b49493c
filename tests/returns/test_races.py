"""Many at once: each revision gets its own number, the same content is one, a change of the contract is noticed. Races of two are in `tests/faults`."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx

from app.configuration.actions import apply_configuration
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY, MACHINE
from tests.make import exact
from tests.returns.conftest import Programme
from tests.returns.programme import CWT, HOSPICE, MIXED, PROGRAMME, address, hospice_body, mixed_body, owed, whole_document


def at_once(programme: Programme, requests: list[tuple[str, Any, dict[str, str]]]) -> list[httpx.Response]:
    """The answers to POSTs that all start together."""
    barrier = Barrier(len(requests))
    keys = [programme.manager()] * len(requests)

    def call(number: int) -> httpx.Response:
        path, body, headers = requests[number]
        barrier.wait(timeout=30)
        return programme.web.post(path, body, key=keys[number], headers=headers)

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(call, range(len(requests))))


def test_eight_revisions_at_once_are_numbered_one_to_eight(programme: Programme) -> None:
    path = f"{address(HOSPICE)}/revisions"
    answers = at_once(programme, [(path, {**hospice_body(), "note": f"number {number}"}, {}) for number in range(8)])
    assert [answer.status_code for answer in answers] == [201] * 8
    assert sorted(answer.json()["revision"] for answer in answers) == list(range(1, 9))
    stands = programme.read(HOSPICE).json()
    assert [each["revision"] for each in stands["revisions"]] == list(range(1, 9))
    moments = [each["received_at"] for each in stands["revisions"]]
    assert moments == sorted(set(moments))
    assert programme.all("SELECT count(*) FROM returns WHERE closed_at IS NULL") == [(1,)]
    assert programme.all("SELECT count(*) FROM returns") == [(8,)]


def test_the_same_content_at_once_is_one_revision(programme: Programme) -> None:
    answers = at_once(programme, [(f"{address(HOSPICE)}/revisions", hospice_body(), {})] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert {answer.json()["revision"] for answer in answers} == {1}


def test_different_returns_at_once_do_not_wait_for_ever(programme: Programme) -> None:
    requests: list[tuple[str, Any, dict[str, str]]] = [
        (f"{address(HOSPICE)}/revisions", hospice_body(), {}),
        (f"{address(MIXED)}/revisions", mixed_body(), {}),
        (f"{address(CWT)}/revisions", {"rest": "not_collected", "rest_reason": "other", "cells": []}, {}),
    ]
    for _ in range(3):
        assert {answer.status_code for answer in at_once(programme, requests)} <= {200, 201}
    (head,) = programme.all("SELECT last_event_sequence FROM ledger WHERE programme = 'test-cancer'")
    assert programme.all("SELECT count(*) FROM events WHERE programme = 'test-cancer'") == [tuple(head)]


def test_a_revision_against_a_change_of_the_contract(programme: Programme) -> None:
    """Whichever comes first, no revision stands against a contract that did not expect its cells."""
    document = whole_document()
    document["assignments"][-1]["sites"] = ["lung", "prostate", "bladder"]
    with ThreadPoolExecutor(2) as threads:
        sending = threads.submit(programme.submit, MIXED, mixed_body())
        applying = threads.submit(programme.apply, document)
        sent, applied = sending.result(), applying.result()
    assert applied.status_code == 200, applied.text
    assert sent.status_code in {201, 422}
    changed = programme.all("SELECT max(recorded_at) FROM contract_changes WHERE programme = 'test-cancer'")[0][0]
    for recorded_at, contract_recorded_at in programme.all("SELECT recorded_at, contract_recorded_at FROM revisions"):
        assert (recorded_at < changed) == (contract_recorded_at < changed)


def test_what_was_laid_down_by_an_older_contract_is_taken_back_and_judged_anew(programme: Programme) -> None:
    """The contract changes once the submission has been judged, and before it holds the ledger."""
    nothing = {"rest": "not_collected", "rest_reason": "other", "cells": []}
    key, document = programme.preparer(MIXED.subcontract), whole_document()
    document["assignments"][-1]["sites"] = ["lung", "prostate", "bladder"]
    tenant = Tenant(programme=PROGRAMME, subcontract=EVERY, commissioner=EVERY, client=EVERY)
    with ThreadPoolExecutor(1) as thread, open_session(programme.database.engine, tenant) as session:
        apply_configuration(session, PROGRAMME, exact(document), actor=MACHINE, now=programme.clock(), expect=lambda _digest: None)
        sending = thread.submit(programme.submit, MIXED, nothing, by=key)
        until = time.monotonic() + 30
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while programme.all(waiting) != [(1,)]:
            assert time.monotonic() < until
        session.commit()
        sent = sending.result()
    assert sent.status_code == 201, sent.text
    kept = "SELECT count(DISTINCT revision_id), count(*) FROM cells", "SELECT count(*), sum(cell_count) FROM revisions"
    (laid,), (revisions,) = (programme.all(each) for each in kept)
    assert laid == revisions
    assert laid[0] == 1
    assert laid[1] > len(owed(MIXED).cells)
    assert programme.all("SELECT count(*) FROM submitted_files") == [(1,)]
    assert programme.all("SELECT contract_recorded_at FROM revisions") == programme.all("SELECT max(recorded_at) FROM contract_changes")
