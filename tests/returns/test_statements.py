"""A submission asks the database a fixed number of things, however many cells it has: each round trip costs as much as a hundred cells."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event

from tests.returns.conftest import Programme
from tests.returns.programme import CWT, HOSPICE, address, hospice_body


@contextlib.contextmanager
def statements(programme: Programme, *, without: tuple[str, ...] = ("SELECT set_config", "SELECT clients.")) -> Iterator[list[str]]:
    """The statements of what happens in the block, by their first words; who is calling is asked anew now and then, and left out."""
    engine, said = programme.web.app.state.service.engine, []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(without):
            said.append(" ".join(statement.split()[:3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


BEFORE = [
    "WITH dropped AS",
    "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))",
    "SELECT anon_1.changed, anon_1.next_revision,",
    "SAVEPOINT mark",
    "INSERT INTO submitted_files",
    "INSERT INTO cells",
]
HOLDING_THE_LEDGER = [
    "SELECT ledger.programme FROM",
    "SELECT ledger.programme, ledger.last_recorded_at,",
    "UPDATE ledger SET",
    "INSERT INTO revisions",
    "INSERT INTO returns",
    "WITH event AS",
    "UPDATE idempotency_keys SET",
]
"""Whoever records in the programme waits for these, so what grows with the cells is none of them."""
FIRST = [*BEFORE, *HOLDING_THE_LEDGER]


def test_the_statements_of_a_submission(programme: Programme) -> None:
    manager = programme.manager()
    path = f"{address(HOSPICE)}/revisions"
    # The contract is read before.
    programme.web.post(f"{path}?dry_run=true", hospice_body(), key=manager)
    with statements(programme) as first:
        assert programme.web.post(path, hospice_body(), key=manager, headers={"Idempotency-Key": "1"}).status_code == 201
    assert first == FIRST
    again = {**hospice_body(), "note": "again"}
    with statements(programme) as second:
        assert programme.web.post(path, again, key=manager, headers={"Idempotency-Key": "2"}).status_code == 201
    assert sorted(set(second) - set(first)) == ["SELECT cells.pathway, cells.segment,", "UPDATE returns AS"]
    assert len(second) == len(first) + 2
    held = second.index(HOLDING_THE_LEDGER[0])
    assert [statement for statement in second[held:] if statement != "UPDATE returns AS"] == HOLDING_THE_LEDGER


def test_a_larger_return_asks_no_more(programme: Programme) -> None:
    manager = programme.manager()
    path = f"{address(CWT)}/revisions"
    body = {"rest": "not_collected", "rest_reason": "other", "cells": []}
    programme.web.post(f"{path}?dry_run=true", body, key=manager)
    with statements(programme) as said:
        assert programme.web.post(path, body, key=manager, headers={"Idempotency-Key": "1"}).status_code == 201
    assert said == FIRST


def test_who_is_calling_is_found_in_one_transaction_where_no_organisation_succeeded_another(programme: Programme) -> None:
    key = programme.preparer(HOSPICE.subcontract)
    with statements(programme, without=("UPDATE client_keys",)) as said:
        assert programme.web.get("/v1/me", key=key).status_code == 200
    assert [statement.split("(")[0] for statement in said] == ["SELECT set_config", "SELECT clients.id, clients.name,", "SELECT EXISTS "]
