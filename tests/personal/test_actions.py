"""Somebody is shown wherever they are named, struck out wherever that may be, and records go once they have been kept long enough."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Engine, text

from app.calendar.expected import ReturnKey
from app.cli import personal as actions
from app.db.engine import make_engine
from app.kernel.months import Month
from app.kernel.refusals import Invalid, NotFound
from app.personal.domain import ERASED, Kind
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import PROGRAMME, hospice_body, whole_document
from tests.safety.tampering import verified
from tests.support.databases import Database

ADA: Final = "Ada Lovelace"
WHOM: Final = [
    {"role": "information_lead", "name": ADA, "email": "ada@hospice.example", "phone": "01782 000001"},
    {"role": "chief_executive", "name": "Charles Babbage", "email": "charles@hospice.example", "phone": None},
]
ENDED: Final = datetime(2036, 7, 1, 12, tzinfo=UTC)
NEVER: Final[dict[Kind, int | None]] = dict.fromkeys(Kind)


@pytest.fixture(scope="module")
def programme(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        hospice = next(each for each in whole_document()["subcontracts"] if each["sector"] == "hospice")
        document = whole_document()
        document["subcontracts"] = [
            {**each, "contacts": WHOM} if each["reference"] == hospice["reference"] else each for each in document["subcontracts"]
        ]
        assert programme.apply(document).status_code == 200
        key = ReturnKey("hospice", hospice["reference"], Month.parse("2026-10"))
        assert programme.submit(key, {**hospice_body(), "note": f"Counted again by {ADA.upper()}, as agreed"}).status_code == 201
        yield programme


@pytest.fixture(scope="module")
def owner(programme: Programme) -> Iterator[Engine]:
    engine = make_engine(programme.database.urls.owner, programme.database.settings)
    yield engine
    engine.dispose()


def whole(programme: Programme) -> dict[str, list[Any]]:
    with programme.database.superuser_engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).scalars().all()
        return {table: sorted(map(str, connection.execute(text(f'SELECT * FROM "{table}"')))) for table in tables}


def contacts(programme: Programme, query: str = "") -> list[Any]:
    document = programme.web.get(f"/v1/programmes/{PROGRAMME}/configuration{query}", key=programme.manager()).json()
    return next(each["contacts"] for each in document["subcontracts"] if each.get("contacts"))


def test_everything_that_names_somebody_is_shown_and_changes_nothing(programme: Programme, owner: Engine) -> None:
    before = whole(programme)
    found = actions.export_person(owner, "ada lovelace")
    assert {(each["programme"], f"{each['table']}.{each['column']}") for each in found} == {
        (PROGRAMME, "subcontracts.contacts"),
        (PROGRAMME, "revisions.note"),
        (PROGRAMME, "submitted_files.deflated"),
    }
    assert all(each["key"]["programme"] == PROGRAMME for each in found)
    assert {each["table"] for each in actions.export_person(owner, "ada@hospice.example")} == {"subcontracts"}
    assert actions.export_person(owner, "Nobody Here") == []
    dry = actions.erase_person(owner, ADA, now=programme.clock(), dry_run=True)
    assert dry.erased == {"subcontracts.contacts": 1, "revisions.note": 1, "submitted_files": 1}
    assert whole(programme) == before
    with pytest.raises(Invalid, match="full name"):
        actions.export_person(owner, "live")


def test_somebody_is_erased_everywhere_and_the_record_says_so_without_the_name(programme: Programme, owner: Engine) -> None:
    before, moment = whole(programme), "?as_of=2026-11-02T09:00:00.5Z"
    programme.clock.now += timedelta(hours=1)
    done = actions.erase_person(owner, ADA, now=programme.clock(), dry_run=False)
    assert done.erased == {"subcontracts.contacts": 1, "revisions.note": 1, "submitted_files": 1}
    after = whole(programme)
    assert ADA.lower() not in json.dumps(after).lower()
    assert "ada@hospice.example" not in json.dumps(after)
    for query in ("", moment):
        assert [each["name"] for each in contacts(programme, query)] == [ERASED, "Charles Babbage"]
        assert contacts(programme, query)[0] == {"role": "information_lead", "name": ERASED, "email": None, "phone": None}
    assert any(f"Counted again by {ERASED}, as agreed" in row for row in after["revisions"])
    # What was recorded before is as it was; one event more says how much was erased.
    assert set(before["events"]) <= set(after["events"])
    (event,) = set(after["events"]) - set(before["events"])
    assert "personal_data.erased" in event
    assert "subcontracts.contacts" in event
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"subcontracts", "revisions", "submitted_files", "events", "ledger", "contract_changes"}


def test_an_answer_that_is_kept_for_repeats_goes_with_whom_it_names(programme: Programme, owner: Engine) -> None:
    named = {"name": "Mary Somerville", "role": "analyst", "programme": PROGRAMME}
    made = programme.web.post("/v1/clients", named, key=programme.key("administrator"), headers={"Idempotency-Key": "once"})
    assert made.status_code == 201, made.text
    assert {each["table"] for each in actions.export_person(owner, "Mary Somerville")} == {"clients", "idempotency_keys"}
    done = actions.erase_person(owner, "Mary Somerville", now=programme.clock(), dry_run=False)
    assert done.erased == {"clients.name": 1, "idempotency_keys": 1}
    assert actions.export_person(owner, "Mary Somerville") == []


def test_the_service_itself_may_erase_nothing(programme: Programme) -> None:
    with pytest.raises(Exception, match="permission denied"):
        actions.erase_person(programme.database.engine, "Charles Babbage", now=programme.clock(), dry_run=False)
    assert contacts(programme)[1]["name"] == "Charles Babbage"


def test_a_client_is_shown_with_its_acts_and_erased_once_it_is_revoked(programme: Programme, owner: Engine) -> None:
    manager = programme.web.get("/v1/me", key=programme.manager()).json()["client"]
    shown = actions.export_client(owner, manager)
    assert shown["client"]["name"] == "Test contract_manager"
    assert [set(key) for key in shown["keys"]] == [{"id", "created_at", "expires_at", "revoked_at", "last_used_at"}]
    assert "configuration.applied" in {act["action"] for act in shown["acts"]} or len(shown["acts"]) > 0
    with pytest.raises(Invalid, match="revoke it first"):
        actions.erase_client(owner, manager, now=programme.clock(), dry_run=False)
    with pytest.raises(NotFound):
        actions.export_client(owner, "nobody")
    with programme.database.superuser_engine.begin() as connection:
        connection.execute(text("UPDATE clients SET revoked_at = now(), revoked_by = 'machine' WHERE id = :id"), {"id": manager})
    assert actions.erase_client(owner, manager, now=programme.clock(), dry_run=False).erased == {"clients.name": 1}
    assert actions.erase_client(owner, manager, now=programme.clock(), dry_run=False).erased == {"clients.name": 0}
    assert actions.export_client(owner, manager)["client"]["name"] == ERASED
    assert programme.all("SELECT count(*) FROM events WHERE client_name = 'Test contract_manager'")[0][0] > 0


def test_nothing_goes_by_default_nor_early_nor_where_it_is_held(programme: Programme, owner: Engine) -> None:
    before = whole(programme)
    all_of_them: dict[Kind, int | None] = dict.fromkeys(Kind, 6)
    for years, held, now in (
        (NEVER, frozenset[str](), ENDED.replace(year=2136)),
        (all_of_them, frozenset[str](), ENDED.replace(year=2042, month=6)),
        (all_of_them, frozenset({PROGRAMME}), ENDED.replace(year=2136)),
    ):
        told = actions.let_go(owner, years, holds=held, now=now, dry_run=False)
        assert [(each.keeping.kind, each.rows) for each in told] == [(kind, None) for kind in Kind]
    dry = actions.let_go(owner, all_of_them, holds=frozenset(), now=ENDED.replace(year=2042), dry_run=True)
    assert [each.keeping.kind for each in dry if each.rows] == [Kind.PEOPLE, Kind.WORDS, Kind.RECORDS]
    assert whole(programme) == before


def test_each_kind_goes_when_its_time_has_come_and_is_recorded(programme: Programme, owner: Engine) -> None:
    def gone(now: datetime, **years: int) -> dict[str, Any]:
        asked = {kind: years.get(kind.value) for kind in Kind}
        told = actions.let_go(owner, asked, holds=frozenset(), now=now, dry_run=False)
        return {each.keeping.kind.value: each.rows for each in told if each.rows is not None}

    assert gone(ENDED, people=0)["people"]["subcontracts"] >= 1
    assert "Charles Babbage" not in json.dumps(whole(programme))
    assert gone(ENDED, words=0) == {"words": {"revisions": 1}}
    assert gone(ENDED, people=0, words=0, files=0) == {"people": {}, "words": {}, "files": {}}
    records = gone(ENDED.replace(year=2042), records=6)["records"]
    assert {"returns", "revisions", "cells", "subcontracts"} <= records.keys()
    left = whole(programme)
    assert left["programmes"]
    assert not left["cells"]
    events = programme.all("SELECT action, details ->> 'kind' FROM events WHERE action LIKE 'retention%' ORDER BY sequence")
    assert [tuple(event) for event in events] == [("retention.let_go", kind) for kind in ("people", "words", "records")]


def test_what_was_erased_and_let_go_is_no_tampering(programme: Programme) -> None:
    assert verified(str(programme.database.urls.application), programme.database.settings) == []
