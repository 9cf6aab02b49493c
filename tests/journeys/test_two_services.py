"""Two processes of the service on one database: whatever one was told, the other knows, and each forgets a revoked key within a second."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.access.actions import revoke_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import HOSPICE, MIXED, PROGRAMME, address, hospice_body, owed, whole_document
from tests.support.databases import Database
from tests.support.http import Web, serving


@dataclass(frozen=True)
class Two:
    """The programme at one service, and another service."""

    first: Programme
    other: Web


@pytest.fixture(scope="module")
def two(module_database: Database) -> Iterator[Two]:
    with set_up(module_database) as first, serving(module_database, clock=first.clock) as other:
        yield Two(first, other)


def test_what_one_is_sent_the_other_goes_on_from(two: Two) -> None:
    key, path, once = two.first.manager(), f"{address(HOSPICE)}/revisions", {"Idempotency-Key": "once"}
    sent = two.first.web.post(path, hospice_body(), key=key, headers=once)
    again = two.other.post(path, hospice_body(), key=key, headers=once)
    assert (sent.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.content == sent.content
    revised = two.other.post(path, {**hospice_body(), "note": "at the other"}, key=key)
    assert (revised.status_code, revised.json()["revision"]) == (201, 2)
    assert two.first.read(HOSPICE).json() == two.other.get(address(HOSPICE), key=key).json()


def test_a_contract_that_changes_at_one_is_what_the_other_judges_by(two: Two) -> None:
    key, path = two.first.preparer(MIXED.subcontract), f"{address(MIXED)}/revisions"
    nothing = {"rest": "not_collected", "rest_reason": "other", "cells": []}
    before = two.other.post(path, nothing, key=key).json()["by_rest"]
    document = whole_document()
    document["assignments"][-1]["sites"] = ["lung", "prostate", "bladder"]
    assert two.first.apply(document).status_code == 200
    after = two.other.post(path, nothing, key=key).json()["by_rest"]
    assert len(owed(MIXED).cells) == len(before) < len(after)


def test_a_key_is_dead_at_both_within_a_second(two: Two) -> None:
    client, key = two.first.web.new_client("contract_manager", programme=PROGRAMME)
    services = (two.first.web, two.other)
    assert [service.get("/v1/me", key=key).status_code for service in services] == [200, 200]
    with open_session(two.first.database.engine, INSTALLATION) as session:
        revoke_client(session, client, actor=MACHINE, now=two.first.clock())
        session.commit()
    until = time.monotonic() + 1
    while {service.get("/v1/me", key=key).status_code for service in services} != {401}:
        assert time.monotonic() < until
        time.sleep(0.05)
