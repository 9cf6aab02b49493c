"""What is prepared is what is published, to the byte; it is used while nothing moved, and lets no acceptance slip by."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import MACHINE
from app.kernel.months import Month
from app.publications import draft_actions, publish_actions
from app.publications.keys import Keyring
from app.publications.renditions import packed
from tests.publications.conftest import ADDRESS, OCTOBER, Press, press
from tests.reports.conftest import PROGRAMME, acute, of_62, of_fds
from tests.support.databases import Database

NOVEMBER = "2026-11"
EDITOR, PUBLISHER = (replace(MACHINE, client=name) for name in ("editor", "publisher"))
PREPARED = "SELECT count(*) FROM publication_preparations"


@pytest.fixture(scope="module")
def moved(module_database: Database) -> Iterator[Press]:
    """Two months published, and a return of the first corrected: the windows of the second moved too."""
    with press(module_database) as made:
        made.programme.at("2026-12-20T09:00")
        correct(made, NOVEMBER, 30)
        for month in (OCTOBER, NOVEMBER):
            made.publish(month)
        correct(made, OCTOBER, 29)
        yield made


def correct(press: Press, month: str, numerator: int) -> None:
    press.programme.send("SC-RJE", month, acute(of_62("urgent", numerator, 40), of_fds(9, 10)))


def prepare(press: Press, month: str, *, by: str | None = None) -> Any:
    return press.programme.web.post(f"{ADDRESS}/drafts/{month}/preparations", None, key=by or press.editor)


def held(press: Press, query: str = PREPARED) -> Any:
    with press.programme.database.superuser_engine.connect() as connection:
        return connection.exec_driver_sql(query).scalar_one()


def published(press: Press, month: str, *, steps: int) -> list[tuple[Any, ...]]:
    """All that publishing a month adds, once so many of its months were prepared. None of it stays."""
    database, now = press.programme.database, press.programme.now
    with open_session(database.engine, Tenant(PROGRAMME, "*", "*", "*")) as session:
        remaining = [_prepared(session, month, now) for _ in range(steps)]
        assert [len(each) for each in remaining] == [1, 0][:steps]
        act: dict[str, Any] = {"month": Month.parse(month), "now": now}
        edited, _ = draft_actions.edit(session, PROGRAMME, commentary="", as_of=None, check=lambda _: None, actor=EDITOR, **act)
        draft_actions.check(session, PROGRAMME, draft_sha256=edited.draft.sha256, actor=PUBLISHER, **act)
        keyring = Keyring(database.settings.signing_keys_folder)
        made = publish_actions.publish(session, PROGRAMME, reason="Corrected.", keyring=keyring, actor=PUBLISHER, **act)
        assert [(each.month, each.rows_changed) for each in made] == [(each.month, each.rows_changed) for each in edited.publishes]
        assert session.execute(text(PREPARED)).scalar_one() == 0
        query = "SELECT * FROM renditions JOIN publications USING (programme, sequence) WHERE sequence > 2 ORDER BY sequence, audience_kind, audience"
        return [tuple(row) for row in session.execute(text(query))]


def _prepared(session: Session, month: str, now: datetime) -> tuple[Month, ...]:
    return draft_actions.prepare(session, PROGRAMME, Month.parse(month), actor=EDITOR, now=now).remaining


def test_prepared_or_not_every_byte_is_the_same(moved: Press) -> None:
    unprepared = published(moved, OCTOBER, steps=0)
    assert len({row[1] for row in unprepared}) == 2
    assert published(moved, OCTOBER, steps=1) == unprepared


def test_what_is_prepared_is_used_until_it_moves_and_no_acceptance_slips_by(own_press: Press) -> None:
    own_press.programme.at("2026-12-20T09:00")
    first = prepare(own_press, OCTOBER).json()
    assert first["remaining"] == []
    assert first["prepared"] == own_press.edit().json()["publishes"] == [{"month": OCTOBER, "supersedes": None, "rows_changed": 0}]
    own_press.check()
    with own_press.programme.database.superuser_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE publication_preparations SET reason = 'Prepared.' WHERE audience_kind = 'public'")
    assert own_press.issue().status_code == 201
    assert held(own_press, "SELECT reason FROM renditions WHERE audience_kind = 'public'") == "Prepared."
    assert held(own_press) == 0
    correct(own_press, OCTOBER, 20)
    told = [prepare(own_press, NOVEMBER).json() for _ in range(2)]
    assert [each["remaining"] for each in told] == [[NOVEMBER], []]
    edited = own_press.edit(NOVEMBER).json()
    assert edited["publishes"] == told[1]["prepared"]
    own_press.check(NOVEMBER, digest=edited["inputs_sha256"])
    correct(own_press, OCTOBER, 10)
    answer = own_press.issue(NOVEMBER)
    assert (answer.status_code, answer.json()["code"]) == (409, "draft_outdated")
    own_press.publish(NOVEMBER)
    (row,) = [
        each for each in own_press.read("/2")["observations"]
        if (each["slice"], each["period"], each["measure"]) == ("all", "month", "CWT-62")
    ]  # fmt: skip
    # 17 are of another trust.
    assert (row["numerator"], held(own_press)) == (10 + 17, 0)
    # Nothing that the others are made of has moved: only the month itself is prepared.
    assert prepare(own_press, OCTOBER).json()["remaining"] == []


def test_a_draft_is_read_from_what_is_prepared_of_exactly_it(own_press: Press) -> None:
    own_press.programme.at("2026-12-20T09:00")
    own_press.edit()

    def drafted() -> tuple[Any, ...]:
        previews = [own_press.get(f"/drafts/{OCTOBER}/renditions/{audience}").content for audience in ("programme", "public")]
        return own_press.get(f"/drafts/{OCTOBER}").json()["renditions"], *previews

    worked_out = drafted()
    prepare(own_press, OCTOBER)
    assert drafted() == worked_out
    with own_press.programme.database.superuser_engine.begin() as connection:
        empty = packed(b',"notes":[],"observations":[').hex()
        planted = f"UPDATE publication_preparations SET compressed = '\\x{empty}', parts = '[]' WHERE audience_kind = 'public'"
        connection.exec_driver_sql(planted)
    renditions, of_programme, of_public = drafted()
    assert (json.loads(of_public)["observations"], of_programme) == ([], worked_out[1])
    assert [now["audience"] for now, was in zip(renditions, worked_out[0], strict=True) if now != was] == ["public"]
    # What is prepared now is of other figures than those that the draft's editor saw.
    correct(own_press, OCTOBER, 20)
    prepare(own_press, OCTOBER)
    assert drafted() == worked_out


def test_who_may_not_edit_may_not_prepare_and_a_month_outside_is_refused(moved: Press) -> None:
    for role, scope, status in (("auditor", {}, 403), ("preparer", {"subcontract": "SC-RJE"}, 403), ("contract_manager", {}, 200)):
        assert prepare(moved, NOVEMBER, by=moved.key(role, **scope)).status_code == status
    answer = prepare(moved, "2026-01")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "beyond_term")
    assert held(moved, "SELECT count(*) FROM publication_preparations WHERE month = 0") == 0
