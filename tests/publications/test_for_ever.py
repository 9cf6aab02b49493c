"""The same inputs make the same bytes wherever and in whatever order; and what was published stays, whatever is later said of it (R4)."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from app.calendar.expected import ReturnKey
from app.configuration.actions import apply_configuration
from app.db.engine import make_engine
from app.db.schema import migrate
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import MACHINE
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.organisations.actions import link
from app.organisations.domain import Succession
from app.publications import draft_actions
from app.publications.domain import AUDIENCE_KINDS, Audience
from app.returns.actions import submit
from app.returns.review_actions import accept
from app.settings import Settings
from tests.make import exact
from tests.publications.conftest import OCTOBER, Press, unzipped
from tests.reports.conftest import BEGINS, PROGRAMME, acute, document, of_62, of_fds, waits
from tests.support.databases import Database, Server
from tests.support.postgres15 import IS_THERE, postgres15

LOOKED_AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
_CARE = [*waits(4, 5, 6), {"measure": "BEDS", "numerator": 14}, {"measure": "DEATHS", "numerator": 9}]
_CONTACTS = [{"measure": "CONTACTS", "commissioner": code, "numerator": 5} for code in ("05W", "05G")]
RETURNS = (
    ("cwt", "SC-RJE", acute(of_62("urgent", "2.5", 3), of_62("upgrade", "0.5", "1.5", site="prostate"), of_fds(90, 100))),
    ("cwt", "SC-RL4", acute(of_62("urgent", 17, 25, commissioner="05G"), of_fds(10, 20))),
    ("cwt", "SC-RNA", acute(of_62("screening", 1, 7), of_fds(1, 3))),
    ("care", "SC-H9901", {"cells": [*_CARE, *_CONTACTS]}),
)
TENANT = Tenant(PROGRAMME, "*", "*", "*")
MERGERS = (("05G", "05W"), ("RNA", "RL4"))
"""One population goes on as another, and one trust as another."""

WITH_ZETA = document(
    organisations=[
        *document()["organisations"],
        *({"ods_code": code, "name": f"Population {code}", "kind": "sub_icb_location"} for code in ("05W", "05G")),
    ],
    # Before the other sites in PostgreSQL's own order, after them in that of a dictionary.
    sites=[*document()["sites"], {"code": "Zeta", "name": "Zéta ß"}],
    assignments=[
        *document()["assignments"],
        {
            "subcontract": "SC-RNA",
            "pathway": "cancer",
            "segment": "treatment",
            "sites": ["Zeta"],
            "commissioners": ["05W"],
            "expected_volume": 5,
        },
    ],
)


def previews(engine: Engine, order: Sequence[int]) -> dict[Audience, str]:
    """The digests of what a draft would publish, of an October whose mergers and returns came in some order."""
    with open_session(engine, TENANT) as session:
        apply_configuration(session, PROGRAMME, exact(WITH_ZETA), actor=MACHINE, now=BEGINS, expect=lambda _: None)
        session.commit()
    _merge(engine, MERGERS if order[0] == 0 else MERGERS[::-1])
    for step, number in enumerate(order):
        collection, subcontract, body = RETURNS[number]
        key, now = ReturnKey(collection, subcontract, Month.parse(OCTOBER)), datetime(2026, 11, 10, tzinfo=UTC) + timedelta(hours=step)
        with open_session(engine, TENANT) as session:
            sent = json_bytes(body)
            submit(session, PROGRAMME, key, exact(body), sent=sent, media_type="application/json", actor=MACHINE, now=now)
            if collection == "care":
                accept(session, PROGRAMME, key, actor=MACHINE, now=now + timedelta(minutes=1))
            session.commit()
    with open_session(engine, TENANT) as session:
        month = Month.parse(OCTOBER)
        draft_actions.edit(
            session,
            PROGRAMME,
            month,
            commentary="",
            as_of=LOOKED_AT,
            check=lambda _: None,
            actor=MACHINE,
            now=LOOKED_AT + timedelta(days=1),
        )
        read = draft_actions.read(session, PROGRAMME, month, actor=MACHINE, now=LOOKED_AT + timedelta(days=1))
    assert read.renditions is not None
    return {each.audience: each.sha256 for each in read.renditions}


def _merge(engine: Engine, mergers: Sequence[tuple[str, str]]) -> None:
    """The last of them is when the contract was changed last, which is an input too."""
    with open_session(engine, INSTALLATION) as session:
        for minute, (predecessor, successor) in enumerate(mergers):
            line = Succession.model_validate({"predecessor": predecessor, "successor": successor, "legal_on": "2026-10-01"})
            now = datetime(2026, 11, 9, 9, minute, tzinfo=UTC)
            link(session, line, why="They merged.", actor=MACHINE, now=now, expect=lambda _: None)
        session.commit()


@pytest.fixture(scope="module")
def expected(server: Server) -> dict[Audience, str]:
    with server.database() as made:
        return previews(made.engine, (0, 1, 2, 3))


def test_whatever_came_first_in_whatever_time_zone(expected: dict[Audience, str], database: Database, monkeypatch: Any) -> None:
    assert {audience.kind for audience in expected} == set(AUDIENCE_KINDS)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    zoned = make_url(database.urls.application).update_query_dict({"options": "-c timezone=America/St_Johns"})
    engine = make_engine(zoned.render_as_string(hide_password=False), database.settings)
    try:
        assert previews(engine, (3, 1, 2, 0)) == expected
    finally:
        engine.dispose()


@pytest.mark.skipif(not IS_THERE, reason="the programs of PostgreSQL 15 are not on this machine")
def test_on_the_oldest_postgresql_in_another_language(expected: dict[Audience, str], tmp_path: Path) -> None:
    with postgres15(tmp_path) as admin:
        with psycopg.connect(admin, autocommit=True) as connection:
            # Turkish has its own i, and sorts as a dictionary does.
            connection.execute("CREATE DATABASE given TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'")
        url = make_url(admin).set(database="given").render_as_string()
        application = make_url(admin).set(username="service", password="x", database="given").render_as_string(hide_password=False)
        migrate(url, application_url=application)
        engine = make_engine(application, Settings())
        try:
            assert previews(engine, (2, 0, 3, 1)) == expected
        finally:
            engine.dispose()


def kept(press: Press) -> dict[tuple[int, str, str], bytes]:
    query = "SELECT sequence, audience_kind, audience, compressed FROM renditions ORDER BY 1, 2, 3"
    with press.programme.database.superuser_engine.connect() as connection:
        return {tuple(row[:3]): unzipped(row[3]) for row in connection.exec_driver_sql(query)}


def _corrected(press: Press) -> None:
    press.programme.send("SC-RJE", OCTOBER, acute(of_62("urgent", 1, 3), of_fds(1, 100)))


LOWER = [{**each, "targets": [{"from_month": "2026-07", "standard": 0.1}]} for each in document()["requirements"]]


def _redefined(press: Press) -> None:
    press.programme.configure(requirements=LOWER, commissioners=[{**each, "name": "Other"} for each in document()["commissioners"]])


def _ended(press: Press) -> None:
    press.programme.configure(requirements=LOWER, assignments=[{**each, "to_month": OCTOBER} for each in document()["assignments"]])


def test_what_was_published_is_never_another(own_press: Press) -> None:
    own_press.publish()
    first, head = kept(own_press), own_press.read("/1")["report"]
    live = f"{OCTOBER}?as_of={head['as_of']}&" + "&".join(f"slice={name}" for name in ("all", "site", "subcontract"))
    path = f"/v1/programmes/{PROGRAMME}/reports/{live}"
    was = own_press.programme.web.get(path, key=own_press.manager).content
    later: list[Callable[[Press], None]] = [_corrected, _redefined, _ended]
    for day, change in enumerate(later, start=2):
        own_press.programme.at(f"2026-12-0{day}T09:00")
        change(own_press)
        assert own_press.programme.web.get(path, key=own_press.manager).content == was
    own_press.publish()
    assert {name: content for name, content in kept(own_press).items() if name[0] == 1} == first
    rows = json.loads(was, parse_float=Decimal)["observations"]
    published = [
        row for row in own_press.read("/1")["observations"] if row["period"] == "month" and row["slice"] in {"all", "site", "subcontract"}
    ]
    assert published == rows
    whys = {cause["kind"] for each in own_press.differences(2) for cause in each["why"]}
    assert {"revised", "contract"} <= whys
