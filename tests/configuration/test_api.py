"""A programme is set up, changed and read back over HTTP, as its integrator."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.kernel.moments import TICK, moment_text
from tests.make import START, document
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.http import Web, serving

ADDRESS = "/v1/programmes/test-cancer/configuration"
CREATE = {"If-None-Match": "*"}


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def web(database: Database, clock: Clock) -> Iterator[Web]:
    with serving(database, clock=clock) as web:
        yield web


@pytest.fixture
def manager(web: Web) -> str:
    return web.key("contract_manager", programme="test-cancer")


def rows_everywhere(database: Database) -> dict[str, int]:
    with database.superuser_engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        return {table: connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() for table in tables}


def without(section: str, key: str, code: str, **changes: Any) -> dict[str, Any]:
    whole = document(**changes)
    return {**whole, section: [line for line in whole[section] if line[key] != code]}


def test_a_programme_is_created_and_read_back(web: Web, manager: str) -> None:
    created = web.put(ADDRESS, document(), key=manager, headers=CREATE)
    assert created.status_code == 201, created.text
    assert created.headers["Location"] == ADDRESS
    read = web.get(ADDRESS, key=manager)
    assert (read.status_code, read.headers["ETag"], read.content) == (200, created.headers["ETag"], created.content)
    stated = read.json()
    assert stated["programme"]["code"] == "test-cancer"
    assert [measure["code"] for measure in stated["measures"]] == ["CWT-62", "CWT-FDS", "E-BEDOCC", "HOSP-WAIT"]
    assert stated["requirements"][0]["targets"][0]["standard"] == 0.85
    assert stated["assignments"][0]["sites"] == "all"
    assert web.get(ADDRESS, key=manager, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304


def test_an_unchanged_document_changes_nothing(web: Web, manager: str, database: Database) -> None:
    first = web.put(ADDRESS, document(), key=manager, headers=CREATE)
    before = rows_everywhere(database)
    for body in (document(), first.json()):
        again = web.put(ADDRESS, body, key=manager, headers={"If-Match": first.headers["ETag"]})
        assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"]), again.text
    assert rows_everywhere(database) == before


def test_preconditions_guard_against_what_was_not_seen(web: Web, manager: str) -> None:
    assert web.put(ADDRESS, document(), key=manager).status_code == 428
    assert web.put(ADDRESS, document(), key=manager, headers={"If-Match": '"x"'}).status_code == 412
    etag = web.put(ADDRESS, document(), key=manager, headers=CREATE).headers["ETag"]
    assert web.put(ADDRESS, document(phases=[]), key=manager).status_code == 428
    assert web.put(ADDRESS, document(phases=[]), key=manager, headers=CREATE).status_code == 412
    changed = web.put(ADDRESS, document(phases=[]), key=manager, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert web.put(ADDRESS, document(), key=manager, headers={"If-Match": etag}).status_code == 412


def test_what_was_in_force_can_be_asked_and_brought_back(web: Web, manager: str, clock: Clock) -> None:
    first = web.put(ADDRESS, document(), key=manager, headers=CREATE)
    then = clock.now
    clock.now += timedelta(hours=1)
    smaller = without("sites", "code", "bladder")
    second = web.put(ADDRESS, smaller, key=manager, headers={"If-Match": first.headers["ETag"]})
    assert second.status_code == 200, second.text
    assert web.get(f"{ADDRESS}?as_of={moment_text(then)}", key=manager).content == first.content
    assert web.get(f"{ADDRESS}?as_of={moment_text(clock.now)}", key=manager).content == second.content
    assert web.get(f"{ADDRESS}?as_of={moment_text(then - TICK)}", key=manager).status_code == 404
    future = web.get(f"{ADDRESS}?as_of={moment_text(clock.now + timedelta(days=1))}", key=manager)
    assert (future.status_code, future.json()["code"]) == (422, "as_of_in_future")
    # A day is asked for at its end: that of today has not come.
    today = web.get(f"{ADDRESS}?as_of={clock.now.date()}", key=manager)
    assert (today.status_code, today.json()["code"]) == (422, "as_of_in_future")
    back = web.put(ADDRESS, first.json(), key=manager, headers={"If-Match": second.headers["ETag"]})
    assert back.content == first.content
    assert web.get(f"{ADDRESS}?as_of={moment_text(clock.now)}", key=manager).content == second.content


def test_a_dry_run_names_the_difference_and_keeps_nothing(web: Web, manager: str, database: Database) -> None:
    before = rows_everywhere(database)
    tried = web.put(f"{ADDRESS}?dry_run=true", document(), key=manager)
    assert (tried.status_code, tried.json()["would_create"]) == (200, True)
    assert rows_everywhere(database) == before
    web.put(ADDRESS, document(), key=manager, headers=CREATE)
    smaller = web.put(f"{ADDRESS}?dry_run=true", without("sites", "code", "bladder"), key=manager).json()
    nouns = {each["noun"]: each for each in smaller["differences"]}
    assert nouns["sites"]["withdrawn"] == [["bladder"]]
    assert set(nouns) == {"sites", "assignments"}


def test_every_fault_is_named_with_its_place_and_nothing_is_kept(web: Web, manager: str, database: Database) -> None:
    web.key("administrator")
    before = rows_everywhere(database)
    bad = document(
        phases=[{"number": 1, "name": "x", "payment": "cash"}], requirements=[{"measure": "CWT-62", "targets": [{"standard": True}]}]
    )
    bad["programme"]["surprise"] = 1
    answer = web.put(ADDRESS, bad, key=manager, headers=CREATE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "/phases/0/payment",
        "/requirements/0/targets/0/standard",
        "/programme/surprise",
    }
    both = document(phases=[{"number": 1, "name": "x", "payment": "cash"}])
    both["subcontracts"][0]["organisation"] = "X0"
    both["sites"][0]["colour"] = "blue"
    both["subcontracts"].append({**both["subcontracts"][1]})
    answer = web.put(ADDRESS, both, key=manager, headers=CREATE)
    # The site that cannot be read is no unknown one; what is wrong between the other lines is named with it.
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "/phases/0/payment",
        "/sites/0/colour",
        "/subcontracts/0/organisation",
        "/subcontracts/3",
    }
    dangling = document(sites=[])
    answer = web.put(ADDRESS, dangling, key=manager, headers=CREATE)
    assert (answer.status_code, answer.json()["code"]) == (422, "configuration_invalid")
    assert {"/assignments/0/sites/0", "/assignments/0/sites/1"} <= {fault["pointer"] for fault in answer.json()["errors"]}
    other = web.put(
        "/v1/programmes/test-cancer/configuration",
        document(programme={**document()["programme"], "code": "other"}),
        key=manager,
        headers=CREATE,
    )
    assert [fault["code"] for fault in other.json()["errors"]] == ["programme_differs"]
    assert rows_everywhere(database) == before


def test_the_shared_register_is_added_to_never_changed(web: Web) -> None:
    administrator = web.key("administrator")
    assert web.put(ADDRESS, document(), key=administrator, headers=CREATE).status_code == 201
    other = document(programme={**document()["programme"], "code": "other"})
    other["organisations"][1] = {"ods_code": "RJE", "name": "Another name", "kind": "acute_trust"}
    answer = web.put("/v1/programmes/other/configuration", other, key=administrator, headers=CREATE)
    assert (answer.status_code, answer.json()["code"]) == (409, "register_conflict")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/organisations/1"]
    other["organisations"] = other["organisations"][2:]  # what is registered need not be repeated
    assert web.put("/v1/programmes/other/configuration", other, key=administrator, headers=CREATE).status_code == 201


def test_only_who_may_reads_and_writes_it(web: Web, manager: str) -> None:
    assert web.put(ADDRESS, document(), headers=CREATE).status_code == 401
    web.put(ADDRESS, document(), key=manager, headers=CREATE)
    analyst = web.key("analyst", programme="test-cancer")
    auditor = web.key("auditor")
    for reader in (analyst, auditor):
        assert web.get(ADDRESS, key=reader).status_code == 200
        assert web.put(ADDRESS, document(phases=[]), key=reader, headers=CREATE).status_code == 403
    hospice = web.key("preparer", programme="test-cancer", subcontract="SC-H9901")
    lead = web.key("commissioner_lead", programme="test-cancer", commissioner="05W")
    for other in (hospice, lead):
        assert web.get(ADDRESS, key=other).status_code == 403
        assert web.put(ADDRESS, document(), key=other, headers=CREATE).status_code == 403


def test_another_programme_looks_exactly_like_none(web: Web, manager: str) -> None:
    web.put(ADDRESS, document(), key=manager, headers=CREATE)
    stranger = web.key("contract_manager", programme="elsewhere")
    theirs = web.get(ADDRESS, key=stranger, headers={"X-Request-ID": "same-for-both"})
    absent = web.get(ADDRESS.replace("test-cancer", "no-cancer"), key=stranger, headers={"X-Request-ID": "same-for-both"})
    assert theirs.status_code == absent.status_code == 404
    assert {**theirs.json(), "instance": ""} == {**absent.json(), "instance": ""}


def submit_september(web: Web, **changes: Any) -> None:
    """The hospice reports a month, so that there is something that depends on the contract."""
    hospice = web.key("preparer", programme="test-cancer", subcontract="SC-H9901")
    cells = [{"measure": "HOSP-WAIT", "category": "0-1", "numerator": 3}, {"measure": "E-BEDOCC", "numerator": 20, "denominator": 30}]
    address = "/v1/programmes/test-cancer/returns/hospice/SC-H9901/2026-09/revisions"
    sent = web.post(address, {"rest": "zero", "cells": cells, **changes}, key=hospice)
    assert sent.status_code == 201, sent.text


def test_what_revisions_depend_on_is_not_withdrawn_but_ended(web: Web, manager: str, database: Database) -> None:
    etag = web.put(ADDRESS, document(), key=manager, headers=CREATE).headers["ETag"]
    submit_september(web)
    before = rows_everywhere(database)
    withdrawn = document()
    withdrawn["collections"] = withdrawn["collections"][1:]
    withdrawn["assignments"] = withdrawn["assignments"][:-1]
    answer = web.put(ADDRESS, withdrawn, key=manager, headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "/collections"
    assert "hospice/SC-H9901/2026-09" in fault["detail"]
    assert rows_everywhere(database) == before
    ended = document()
    ended["assignments"][-1]["to_month"] = "2026-08"
    assert web.put(ADDRESS, ended, key=manager, headers={"If-Match": etag}).json()["code"] == "in_use"
    ended["assignments"][-1]["to_month"] = "2026-09"
    assert web.put(ADDRESS, ended, key=manager, headers={"If-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregation": "count_sum", "proportion": False},
        {"basis": "commissioner"},
        {"numeric_kind": "decimal"},
        {"denominator": "Beds that could be used"},
    ],
)
def test_what_a_version_counts_is_fixed_once_it_was_reported(web: Web, manager: str, changes: dict[str, Any]) -> None:
    """Figures are read as what they were stated as: another way of counting is another version, from a month not yet reported on."""
    etag = web.put(ADDRESS, document(), key=manager, headers=CREATE).headers["ETag"]
    beds = document()["measures"][-1]
    others = document()["measures"][:-1]

    def put(*versions: dict[str, Any], tag: str = etag) -> Any:
        return web.put(ADDRESS, document(measures=[*others, *versions]), key=manager, headers={"If-Match": tag})

    before = put({**beds, **changes})
    assert before.status_code == 200, before.text
    etag = put(beds, tag=before.headers["ETag"]).headers["ETag"]
    submit_september(web)
    for refused in (
        put({**beds, **changes}, tag=etag),
        put(beds, {**beds, **changes, "version": 2, "from_month": "2026-09"}, tag=etag),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
        (fault,) = refused.json()["errors"]
        assert fault["pointer"] == "/measures"
        assert "E-BEDOCC" in fault["detail"]
        assert "hospice/SC-H9901/2026-09" in fault["detail"]
    renamed = put({**beds, "name": "Beds in use", "direction": "lower"}, tag=etag)
    assert renamed.status_code == 200, renamed.text
    added = put(beds, {**beds, **changes, "version": 2, "from_month": "2026-10"}, tag=renamed.headers["ETag"])
    assert added.status_code == 200, added.text


def test_bands_that_were_reported_keep_their_bounds(web: Web, manager: str) -> None:
    etag = web.put(ADDRESS, document(), key=manager, headers=CREATE).headers["ETag"]
    submit_september(web)
    changed = document()
    changed["measures"][2]["breakdown"]["categories"][0]["upper"] = 2
    assert web.put(ADDRESS, changed, key=manager, headers={"If-Match": etag}).json()["code"] == "in_use"
    changed["measures"][2]["breakdown"]["categories"][0] |= {"upper": 1, "name": "At once"}
    assert web.put(ADDRESS, changed, key=manager, headers={"If-Match": etag}).status_code == 200


def test_what_was_reported_stays_where_a_closed_organisation_is_put_in_between(web: Web, manager: str) -> None:
    """An organisation that closed long ago would leave nothing asked for, and nothing asked for could be withdrawn."""
    etag = web.put(ADDRESS, document(), key=manager, headers=CREATE).headers["ETag"]
    gone = {"ods_code": "GONE", "name": "Closed", "kind": "other", "operational": {"to": "2000-01-01"}}
    for organisation, others in (("GONE", [gone]), ("RL4", [])):
        changed = document()
        changed["organisations"] += others
        changed["subcontracts"][2]["organisation"] = organisation
        assert web.put(f"{ADDRESS}?dry_run=true", changed, key=manager).status_code == 200
    submit_september(web)
    for organisation, others, pointers in (("GONE", [gone], {"/assignments", "/subcontracts"}), ("RL4", [], {"/subcontracts"})):
        changed = document()
        changed["organisations"] += others
        changed["subcontracts"][2]["organisation"] = organisation
        answer = web.put(ADDRESS, changed, key=manager, headers={"If-Match": etag})
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
        assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers
        assert all("SC-H9901" in fault["detail"] for fault in answer.json()["errors"])


def test_what_the_register_closed_keeps_nobody_else_from_changing(web: Web, manager: str) -> None:
    """Who reports for a deliverer whose organisation closed long ago gets another line."""
    stated = document()
    stated["assignments"][-1]["reported_by"] = "SC-RL4"
    web.put(ADDRESS, stated, key=manager, headers=CREATE)
    reporter = web.key("preparer", programme="test-cancer", subcontract="SC-RL4")
    cells = [{"measure": "HOSP-WAIT", "category": "0-1", "numerator": 3}, {"measure": "E-BEDOCC", "numerator": 20, "denominator": 30}]
    address = "/v1/programmes/test-cancer/returns/hospice/SC-RL4/2026-09/revisions"
    assert web.post(address, {"rest": "zero", "cells": cells}, key=reporter).status_code == 201
    administrator = web.key("administrator", programme=None)
    register = "/v1/organisations/H9901"
    held = web.get(register, key=administrator)
    closed = {"organisation": {**held.json()["organisation"], "operational": {"to": "2026-08-31"}}, "why": "It closed"}
    answer = web.put(register, closed, key=administrator, headers={"If-Match": held.headers["ETag"]})
    assert answer.status_code == 200, answer.text
    now = web.get(ADDRESS, key=manager)
    more = {"subcontract": "SC-RL4", "pathway": "cancer", "segment": "treatment", "sites": ["bladder"], "commissioners": ["05W"]}
    changed = {**now.json(), "assignments": [*now.json()["assignments"], more]}
    answer = web.put(ADDRESS, changed, key=manager, headers={"If-Match": now.headers["ETag"]})
    assert answer.status_code == 200, answer.text


def test_a_deadline_that_has_passed_never_moves_by_a_change_of_its_rule(database: Database) -> None:
    """In November July to September are past; October's is due in December."""
    moment = [START]
    with serving(database, clock=lambda: moment[0]) as web:
        manager = web.key("contract_manager", programme="test-cancer")
        assert web.put(ADDRESS, document(), key=manager, headers=CREATE).status_code == 201
        moment[0] = datetime(2026, 11, 20, 9, tzinfo=UTC)
        read = web.get(ADDRESS, key=manager)
        match = {"If-Match": read.headers["ETag"]}
        held = web.get(f"{ADDRESS.removesuffix('/configuration')}/deadlines", key=manager).json()

        def changed(**members: Any) -> dict[str, Any]:
            body: dict[str, Any] = read.json()
            body["collections"][0] |= members
            return body

        later = {"working_day": 30, "at": "17:00", "months_later": 0}
        close = {"working_day": 20, "at": "17:00", "months_later": 1}
        assert read.json()["collections"][0]["code"] == "cwt"
        refused = web.put(ADDRESS, changed(due=later, close=close), key=manager, headers=match)
        assert (refused.status_code, refused.json()["code"]) == (409, "deadline_passed")
        assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/collections/0/due", "/collections/0/close"]
        assert "2026-07 to 2026-09" in refused.json()["errors"][0]["detail"]
        from_october = changed(deadlines_from=[{"from_month": "2026-10", "due": later, "close": close}])
        tried = web.put(f"{ADDRESS}?dry_run=true", from_october, key=manager)
        assert tried.status_code == 200, tried.text
        (first, *_) = moved = tried.json()["effects"]["deadlines_moved"]
        assert (first["month"], first["kind"], first["before"][:10], first["after"][:10]) == ("2026-10", "due", "2026-12-08", "2026-12-11")
        assert {each["kind"] for each in moved} == {"due", "close", "freeze"}
        assert [each["after"] for each in moved if each["kind"] == "freeze"][:1] == [None]
        assert web.put(ADDRESS, from_october, key=manager, headers=match).status_code == 200
        now = web.get(f"{ADDRESS.removesuffix('/configuration')}/deadlines", key=manager).json()
        for name, rows in held.items():
            if isinstance(rows, list):
                for old, new in zip(rows, now[name], strict=True):
                    assert (old == new) == (old["month"] < "2026-10" or old["collection"] != "cwt"), (old, new)
