"""Where a subcontract stands among peers who are not named: what is told of them, and what is not."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.db.session import open_session
from app.db.tenancy import Tenant
from app.publications.peers import standing_of
from tests.make import document, subcontract
from tests.publications.published import of_subcontract, parts, publish
from tests.reports.made_rows import row
from tests.support.databases import Database
from tests.support.http import Web, serving

PROGRAMME = "test-cancer"
PATH = f"/v1/programmes/{PROGRAMME}"
FIGURES = {
    "SC-RJE": (142, 200),
    "SC-RL4": (33, 41),
    "SC-C": (52, 61),
    "SC-D": (9, 12),
    "SC-E": (88, 93),
    "SC-F": (120, 158),
    "SC-G": (3, 5),
}


def place(code: str, numerator: int, denominator: int) -> dict[str, Any]:
    value = f"={round(Decimal(numerator) / denominator, 6)}"
    return {"subcontract": code, "numerator": f"={numerator}", "denominator": f"={denominator}", "value": value}


def rows(**figures: tuple[int, int]) -> list[dict[str, Any]]:
    return [row(slice="subcontract", **place(code.replace("_", "-"), *each)) for code, each in figures.items()]


def test_of_fewer_than_six_places_nothing_is_told_of_the_others() -> None:
    five = rows(SC_A=(10, 20), SC_B=(30, 40), SC_C=(30, 50), SC_D=(20, 40), SC_E=(12, 20))
    found = standing_of(five, "SC-A")
    assert (found.funnel.judged, found.peers, found.withheld) == (False, (), 0)
    assert found.point is not None
    assert (found.point.numerator, found.point.position) == (Decimal(10), None)


def test_peers_are_rounded_without_names_and_in_no_order_but_that_of_what_is_shown() -> None:
    six = rows(SC_A=(10, 20), SC_B=(33, 41), SC_C=(52, 61), SC_D=(33, 42), SC_E=(3, 60), SC_F=(57, 60))
    found = standing_of(six, "SC-A")
    shown = [f"{peer.value} of {peer.denominator}" for peer in found.peers]
    assert shown == ["0.875 of 40", "0.875 of 40", "0.833333 of 60"]
    # A numerator of 3, and 3 of 60 that are not in it.
    assert found.withheld == 2
    again = standing_of(six[::-1], "SC-A")
    assert again == found


def test_a_place_without_a_figure_sees_the_others_and_has_no_point() -> None:
    six = rows(**{f"SC_{letter}": (10, 20) for letter in "ABCDEF"})
    found = standing_of([*six, row(slice="subcontract", subcontract="SC-G", numerator=None, denominator=None, value=None)], "SC-G")
    assert (found.point, len(found.peers)) == (None, 6)


@pytest.fixture
def web(database: Database) -> Any:
    with serving(database) as web:
        organisations = [{"ods_code": f"RX{code[-1]}", "name": f"Trust {code}", "kind": "other"} for code in FIGURES if len(code) == 4]
        body = document()
        body["organisations"] += organisations
        body["subcontracts"] += [subcontract(code, f"RX{code[-1]}", "acute") for code in FIGURES if len(code) == 4]
        made = web.put(f"{PATH}/configuration", body, key=web.key("administrator"), headers={"If-None-Match": "*"})
        assert made.status_code == 201, made.text
        yield web


def publish_october(database: Database, sequence: int, *, supersedes: int | None = None, **changes: tuple[int, int]) -> None:
    figures = {**FIGURES, **{code.replace("_", "-"): each for code, each in changes.items()}}
    published = parts("2026-10", *(place(code, *each) for code, each in figures.items()), slice_="subcontract")
    with open_session(database.engine, Tenant(PROGRAMME, "*", "*", "c")) as session:
        readers = [of_subcontract(code) for code in figures]
        publish(session, sequence, "2026-10", published, readers, programme=PROGRAMME, supersedes=supersedes)
        session.commit()


def ask(web: Web, reference: str = "SC-RJE", query: str = "measure=CWT-62&month=2026-10", *, key: str) -> Any:
    return web.get(f"{PATH}/subcontracts/{reference}/funnel?{query}", key=key)


def test_a_subcontract_reads_its_own_point_of_the_last_publication_and_its_peers_without_names(web: Web, database: Database) -> None:
    own = web.key("preparer", programme=PROGRAMME, subcontract="SC-RJE")
    assert ask(web, key=own).status_code == 404
    publish_october(database, 1, SC_RJE=(100, 200))
    publish_october(database, 2, supersedes=1)
    answer = ask(web, key=own)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["sequence"], found["own"]["numerator"], found["own"]["value"], found["judgement"]) == (2, 142, 0.71, "judged")
    assert found["own"]["position"] == "below_95"
    assert [(peer["denominator"], peer["value"]) for peer in found["peers"]] == [(40, 0.875), (60, 0.833333), (160, 0.75)]
    assert found["peers_withheld"] == 3
    named = {code for code in FIGURES if code != "SC-RJE"} | {f"RX{code[-1]}" for code in FIGURES}
    assert not [code for code in named if code in answer.text]
    assert ask(web, key=web.key("analyst", programme=PROGRAMME)).json() == found
    assert ask(web, key=own).headers["ETag"] == answer.headers["ETag"]
    # Another is as none, and what is no proportion is named.
    refused = [ask(web, code, key=own) for code in ("SC-RL4", "SC-NONE")]
    assert {answer.status_code for answer in refused} == {404}
    assert len({json.dumps({**answer.json(), "instance": ""}) for answer in refused}) == 1
    assert ask(web, key=web.key("commissioner", programme=PROGRAMME, commissioner="05W")).status_code == 404
    assert ask(web, "SC-NONE", key=web.key("analyst", programme=PROGRAMME)).status_code == 404
    wrong = ask(web, query="measure=HOSP-WAIT&month=2026-10", key=own)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/query/measure")
    assert ask(web, query="measure=CWT-62&month=2026-10&period=decade", key=own).status_code == 422
    # A programme may keep the peers to itself.
    key = web.key("administrator")
    held = web.get(f"{PATH}/configuration", key=key)
    body = held.json()
    body["programme"]["publication"] = {"funnel_to_subcontracts": False}
    assert web.put(f"{PATH}/configuration", body, key=key, headers={"If-Match": held.headers["ETag"]}).status_code == 200
    assert ask(web, key=web.key("preparer", programme=PROGRAMME, subcontract="SC-RJE")).status_code == 403
    assert ask(web, key=web.key("analyst", programme=PROGRAMME)).status_code == 200
