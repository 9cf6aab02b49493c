"""Whatever changes something says so in the record: the watch that every test runs under notices an act that does not."""

from fastapi import APIRouter, Response
from sqlalchemy import text

from app.web.work import Unit
from tests.house.schema import tables_of
from tests.support.acts import NO_ACT
from tests.support.databases import Database
from tests.support.http import serving

PLANTED = APIRouter()


@PLANTED.post("/v1/planted/{kind}")
def plant(unit: Unit, kind: str) -> Response:
    """Change something, and say nothing of it."""
    changes = {
        "untold": "INSERT INTO calendar_days (day, worked, name, recorded_at, recorded_by) SELECT '2027-01-01', false, 'x', now(), 'x'",
        "nothing": "SELECT 1",
    }
    unit.session.execute(text(changes[kind]))
    return unit.answer({})


def test_a_change_without_an_event_is_noticed(database: Database) -> None:
    with serving(database, routers=(PLANTED,)) as web:
        key = web.key("administrator")
        assert web.post("/v1/planted/nothing", key=key).status_code == 200
        assert web.post("/v1/planted/untold", key=key).status_code == 500
    with database.superuser_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM calendar_days")).scalar_one() == 0


def test_the_tables_that_need_no_event_are_still_there(database: Database) -> None:
    of_tests_alone = {"boats"}
    with database.owner_engine.connect() as connection:
        assert {table.name for table in tables_of(connection)} >= NO_ACT.keys() - of_tests_alone
