"""A room of the tests' own, as `app/web/__init__.py` says one is written: boats, in a table behind its wall."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.kernel.actors import Actor
from app.kernel.canonical import json_bytes
from app.kernel.lines import Line, Name, NewCode
from app.kernel.refusals import NotFound
from app.web.etags import tag_of
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import PUTTING, WRITING, json_answer, json_body, refusals
from app.web.stepwise import Stepwise
from app.web.work import Unit
from tests.support.databases import Database

TABLE = """
CREATE TABLE boats (programme text NOT NULL, code text NOT NULL, name text NOT NULL, PRIMARY KEY (programme, code));
ALTER TABLE boats ENABLE ROW LEVEL SECURITY;
ALTER TABLE boats FORCE ROW LEVEL SECURITY;
CREATE POLICY boats_wall ON boats USING (programme = (SELECT nullif(current_setting('mainstem.programme', true), '')));
GRANT SELECT, INSERT, UPDATE ON boats TO mainstem_application;
CREATE FUNCTION sink() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.name = 'Titanic' THEN RAISE EXCEPTION 'an iceberg'; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER sinks AFTER INSERT OR UPDATE ON boats DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sink();
"""
"""A boat called Titanic sinks at the commit, not before."""


def create_boats(database: Database) -> None:
    """Give a test's database the table, as a migration would, and have it count as an extension's: the start refuses what no migration built."""
    with database.superuser_engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE mainstem_owner"))
        connection.exec_driver_sql(TABLE)
        connection.execute(text("RESET ROLE"))
        connection.execute(text("ALTER EXTENSION plpgsql ADD TABLE boats"))


EXAMPLE = {"code": "swift", "name": "The Swift"}

Programme = Annotated[str, Path(description="The programme's code.")]
Code = Annotated[str, Path(description="The boat's code.")]

router = APIRouter(prefix="/v1/programmes/{programme}/boats", tags=["boats"])


class Boat(Line):
    """A boat as it comes in."""

    code: NewCode
    name: Name


class BoatView(BaseModel):
    """A boat as it goes out."""

    code: str
    name: str


def find(session: Session, programme: str, code: str, *, actor: Actor) -> dict[str, Any]:
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    query = text("SELECT code, name FROM boats WHERE programme = :programme AND code = :code")
    row = session.execute(query, {"programme": programme, "code": code}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such boat here.")
    return dict(row)


def save(session: Session, programme: str, boat: Boat, *, actor: Actor) -> None:
    require(actor, Permission.CONFIGURATION_WRITE, programme=programme)
    statement = text("INSERT INTO boats VALUES (:programme, :code, :name) ON CONFLICT (programme, code) DO UPDATE SET name = excluded.name")
    session.execute(statement, {"programme": programme, "code": boat.code, "name": boat.name})


@router.get("/{boat}", response_class=Response, responses=json_answer(BoatView, EXAMPLE) | refusals())
def get_boat(programme: Programme, boat: Code, unit: Unit) -> Response:
    """Read a boat."""
    return unit.read(find(unit.session, programme, boat, actor=unit.actor))


@router.get("", response_class=Response, responses=refusals(BadCursor))
def list_boats(programme: Programme, unit: Unit, page: PageOf, as_of: AsOf) -> Response:
    """List the boats."""
    require(unit.actor, Permission.CONFIGURATION_READ, programme=programme)
    query = text("SELECT code, name FROM boats WHERE programme = :programme AND code > :after ORDER BY code LIMIT :limit")
    after = "" if page.after is None else page.after[0]
    rows = unit.session.execute(query, {"programme": programme, "after": after, "limit": page.limit + 1}).mappings().all()
    rows, following, link = page.cut(rows, key=lambda row: (row["code"],))
    return unit.read({"boats": [dict(row) for row in rows], "next": following}, headers=link)


@router.post("", status_code=201, response_class=Response, responses=refusals(*WRITING), openapi_extra=json_body(Boat, EXAMPLE))
def add_boat(programme: Programme, unit: Unit, *, dry_run: Annotated[bool, Query()] = False) -> Response:
    """Add a boat."""
    boat = unit.json_as(Boat)
    save(unit.session, programme, boat, actor=unit.actor)
    if dry_run:
        return unit.read(boat.model_dump())
    return unit.answer(boat.model_dump(), status=201, location=f"/v1/programmes/{programme}/boats/{boat.code}")


@router.put("/{boat}", response_class=Response, responses=refusals(*PUTTING), openapi_extra=json_body(Boat, EXAMPLE))
def put_boat(programme: Programme, boat: Code, unit: Unit) -> Response:
    """Put a boat in its place."""
    wanted = unit.json_as(Boat)
    try:
        current = tag_of(json_bytes(find(unit.session, programme, boat, actor=unit.actor)))
    except NotFound:
        current = None
    unit.precondition.check(current)
    save(unit.session, programme, wanted, actor=unit.actor)
    return unit.answer(wanted.model_dump(), status=201 if current is None else 200, etag=tag_of(json_bytes(wanted.model_dump())))


@router.post("/{boat}/defects", response_class=Response, responses=refusals())
def meet_a_defect(programme: Programme, boat: Code, unit: Unit) -> Response:
    """Fail half-way through."""
    save(unit.session, programme, Boat(code=boat, name="Half"), actor=unit.actor)
    raise RuntimeError(f"secret: {unit.body!r}")


@router.post("/{boat}/forgotten", response_class=Response, responses=refusals())
def forget_to_end(programme: Programme, boat: Code, unit: Unit) -> Response:
    """Answer without ending the unit of work."""
    save(unit.session, programme, Boat(code=boat, name="Forgotten"), actor=unit.actor)
    return Response(b"{}")


@router.post("/{boat}/fleet", response_class=Response, responses=refusals())
def build_a_fleet(programme: Programme, boat: Code, work: Stepwise) -> Response:
    """Build one after the other for as long as anybody asks for it, and not for ever."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        work.step(lambda session, _now: save(session, programme, Boat(code=boat, name="One more"), actor=work.actor))
    return work.answer({}, location="")
