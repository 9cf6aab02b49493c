"""Alive, ready, documented with no internet; every operation has its lock; what the start refuses."""

import asyncio
import re
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import event, text

from app.db.engine import make_engine
from app.db.schema import Check, Finding
from app.main import OPEN, ROOMS, Fitness, create_app
from app.settings import CannotStart
from app.web.stepwise import stepped_work
from app.web.work import unit_of_work
from tests.support.databases import Database, Server
from tests.support.http import Web, serving


@pytest.fixture
def fresh(database: Database) -> Iterator[Web]:
    with serving(database) as web:
        yield web


def addresses(web: Web) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(web.app.routes):
        for method in context.methods or ():
            yield method, context.path or ""


def take_away(server: Server, database: Database) -> None:
    """As if the database had gone down: no connection is left, none can be made."""
    server.run(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS false')
    server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'")


def failed(answer: httpx.Response) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def not_ready(web: Web, *checks: str) -> httpx.Response:
    """The answer that names these checks: what was found stands for half a second."""
    give_up = time.monotonic() + 30
    while (answer := web.get("/readyz")).status_code == 200 or failed(answer) != [*checks]:
        assert time.monotonic() < give_up, answer.text
        time.sleep(0.02)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    return answer


def test_the_database_is_looked_at_once_for_all_who_ask(fresh: Web) -> None:
    engine, looked = fresh.app.state.service.engine, list[str]()
    event.listen(engine, "before_cursor_execute", lambda _connection, _cursor, statement, *_: looked.append(statement))

    async def ask_all() -> set[int]:
        return {answer.status_code for answer in await asyncio.gather(*(fresh.client.get("/readyz") for _ in range(20)))}

    assert fresh.portal.call(ask_all) == {200}
    assert 1 <= looked.count("SHOW fsync") <= 2


def test_all_who_ask_while_every_connection_is_in_use_wait_no_longer_than_one(web: Web) -> None:
    settings = web.database.settings.model_copy(update={"pool_size": 1, "pool_wait_seconds": 1})
    engine = make_engine(web.database.urls.application, settings)

    async def ask_all() -> tuple[float, list[list[Finding]]]:
        began, fitness = time.monotonic(), Fitness(engine)
        found = await asyncio.gather(*(fitness.findings() for _ in range(4)))
        return time.monotonic() - began, found

    with engine.connect():
        seconds, found = web.portal.call(ask_all)
    engine.dispose()
    assert [[finding.check for finding in each] for each in found] == 4 * [[Check.DATABASE]]
    assert seconds < 2 * settings.pool_wait_seconds


def test_alive_and_ready(web: Web) -> None:
    assert web.get("/livez").json() == {"status": "alive"}
    assert web.get("/readyz").json() == {"status": "ready"}


def test_not_ready_while_draining(fresh: Web) -> None:
    fresh.app.state.in_flight.draining = True
    answer = fresh.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"]
    assert answer.headers["connection"] == "close"
    assert failed(answer) == ["draining"]
    assert fresh.get("/livez").status_code == 200


def test_not_ready_when_the_schema_is_not_at_head_nor_the_database_there(server: Server, fresh: Web) -> None:
    with fresh.database.superuser_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    behind = not_ready(fresh, "schema")
    with fresh.database.superuser_engine.begin() as connection:
        connection.execute(text("ALTER TABLE ledger OWNER TO mainstem_application_login"))
    not_ready(fresh, "schema", "role")
    take_away(server, fresh.database)
    gone = not_ready(fresh, "database")
    for answer in (behind, gone):
        said = re.sub(r'"instance":"[^"]+"', "", answer.text)
        assert not re.search(rf"mainstem_|socket|/postgres|{fresh.database.name}|0000|localhost|\d+\.\d+", said), said
    assert fresh.get("/livez").status_code == 200
    refused = fresh.get("/metrics", key="ms_live_0123456789abcdef_" + "a" * 40 + "00000000")
    assert refused.status_code == 401  # A mistyped key is seen without asking.


def test_a_database_that_is_gone_is_503_and_not_a_defect(server: Server, fresh: Web) -> None:
    key = fresh.key("auditor")
    take_away(server, fresh.database)
    answer = fresh.get("/metrics", key=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]


def test_the_start_refuses_what_is_not_at_head(empty_database: Database) -> None:
    with pytest.raises(CannotStart, match="mainstem migrate"), serving(empty_database):
        pass


def test_everything_but_the_listed_addresses_needs_a_key(web: Web) -> None:
    asked = 0
    for method, path in addresses(web):
        answer = web.request(method, re.sub(r"{\w+}", "x", path))
        if path in OPEN:
            assert answer.status_code in {200, 404} or (method, answer.status_code) == ("POST", 415), path
        else:
            asked += 1
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, path)
    assert asked > 3


def test_every_operation_of_a_room_asks_who_is_calling_and_is_documented() -> None:
    for router in ROOMS:
        for context in iter_route_contexts(router.routes):
            assert any(dependant.call in {unit_of_work, stepped_work} for dependant in context.dependant.dependencies), context.path
            assert context.include_in_schema, context.path


def test_the_contract_is_whole(web: Web) -> None:
    contract = web.get("/openapi.json").json()
    assert contract["openapi"].startswith("3.1")
    ids = [operation["operationId"] for path in contract["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    text_of = web.get("/openapi.json").text
    for name in set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', text_of)):
        assert name in contract["components"]["schemas"]
    operation = contract["paths"]["/v1/programmes/{programme}/boats"]["post"]
    assert operation["summary"] == "Add a boat."
    assert operation["security"] == [{"bearer": []}]
    assert contract["paths"]["/livez"]["get"]["security"] == []
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Boat"}
    assert {"400", "401", "403", "404", "413", "415", "422", "500", "503"} <= operation["responses"].keys()


def test_the_reference_pages_need_no_internet(web: Web) -> None:
    waiting, seen = ["/docs", "/docs/problems", "/docs/method", "/docs/settlement"], set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = web.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            assert "//" not in answer.text.replace("<!doctype html>", "")
            waiting += [link for link in re.findall(r'(?:src|href)="([^"#]+)"', answer.text) if link not in seen]
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "'unsafe-inline'" not in answer.headers["content-security-policy"].split("script-src")[1].split(";")[0]
            assert "<script>" not in answer.text
    assert {"/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.css", "/docs/assets/start.js"} <= seen


def test_making_an_application_opens_nothing(database: Database) -> None:
    create_app(database.settings)
    with database.superuser_engine.connect() as connection:
        query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        assert connection.execute(query).scalar_one() == 0
