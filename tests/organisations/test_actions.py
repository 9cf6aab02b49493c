"""Changes of the register at the same time as each other, and as what programmes do."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from app.kernel.moments import moment_text
from tests.make import document
from tests.support.databases import Database
from tests.support.http import serving

NEW = {"If-None-Match": "*"}
CODES = ("A1", "B1", "C1", "D1")


def test_links_made_at_once_never_close_a_circle(database: Database) -> None:
    with serving(database) as web:
        key = web.key("administrator")
        for code in CODES:
            line = {"ods_code": code, "name": f"Invented {code}", "kind": "icb"}
            assert web.put(f"/v1/organisations/{code}", {"organisation": line, "why": "A test."}, key=key, headers=NEW).status_code == 201
        pairs = list(zip(CODES, (*CODES[1:], CODES[0]), strict=True))

        def link(pair: tuple[str, str]) -> int:
            body = {"legal_on": "2027-04-01", "why": "All at once."}
            return web.put("/v1/organisations/{}/successors/{}".format(*pair), body, key=key, headers=NEW).status_code

        with ThreadPoolExecutor(len(pairs)) as pool:
            assert sorted(pool.map(link, pairs)) == [201, 201, 201, 409]


def test_programmes_are_set_up_while_the_register_changes(database: Database) -> None:
    """Nobody waits for each other in a circle, and each programme's contract reads what the register said when it was applied."""
    programmes = [f"programme-{number}" for number in range(4)]
    with serving(database) as web:
        key = web.key("administrator")
        whole = document()
        for line in whole["organisations"]:
            body = {"organisation": line, "why": "A test."}
            assert web.put(f"/v1/organisations/{line['ods_code']}", body, key=key, headers=NEW).status_code == 201

        def apply(code: str) -> int:
            own = document(programme={**whole["programme"], "code": code}, organisations=[])
            return web.put(f"/v1/programmes/{code}/configuration", own, key=key, headers=NEW).status_code

        def rename(number: int) -> int:
            line: dict[str, Any] = {**whole["organisations"][1], "name": f"Renamed {number}"}
            return web.put(
                "/v1/organisations/RJE", {"organisation": line, "why": "A test."}, key=key, headers={"If-Match": "*"}
            ).status_code

        with ThreadPoolExecutor(8) as pool:
            applied, renamed = pool.map(apply, programmes), pool.map(rename, range(4))
            assert [*applied, *renamed] == [201] * 4 + [200] * 4
        last = web.get("/v1/organisations/RJE", key=key).json()["organisation"]
        for code in programmes:
            organisations = web.get(f"/v1/programmes/{code}/configuration", key=key).json()["organisations"]
            assert last in organisations
    with database.superuser_engine.connect() as connection:
        query = "SELECT programme, count(*) = count(DISTINCT recorded_at) AND bool_and(recorded_at <= last_recorded_at) AS risen"
        changes = connection.execute(text(f"{query} FROM contract_changes JOIN ledger USING (programme) GROUP BY programme")).all()
    assert [row.risen for row in changes] == [True] * 4


def test_what_a_document_adds_is_dated_after_all_that_the_register_has_answered_for(database: Database) -> None:
    """Or a moment for which the register has answered already would have a second answer."""
    with serving(database) as web:
        key = web.key("administrator")
        with database.superuser_engine.begin() as connection:
            ahead = connection.execute(
                text(
                    "UPDATE ledger SET last_recorded_at = last_recorded_at + interval '1 hour' WHERE programme = '*' RETURNING last_recorded_at"
                )
            ).scalar_one()
        before = f"/v1/organisations?as_of={moment_text(ahead)}"
        assert web.get(before, key=key).json()["organisations"] == []
        assert web.put("/v1/programmes/test-cancer/configuration", document(), key=key, headers=NEW).status_code == 201
        assert web.get(before, key=key).json()["organisations"] == []
        added = web.get("/v1/organisations/RJE", key=key).json()["recorded_at"]
        assert added > moment_text(ahead)
        assert web.get(f"/v1/organisations/RJE?as_of={added}", key=key).status_code == 200
