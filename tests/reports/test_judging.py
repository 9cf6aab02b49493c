"""How a programme has its rows judged: the coverage that a figure needs, and colours beside the verdicts."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.reports.conftest import PROGRAMME, Programme, document, running, send_october
from tests.support.databases import Database

OCTOBER = "2026-10"
JUDGED = ("value", "lower", "upper", "coverage", "contract_test", "against_target", "rag", "rag_reason", "coverage_test")


@pytest.fixture(scope="module")
def october(module_database: Database) -> Iterator[Programme]:
    """October of which 60 percent are covered: one acute trust is missing, and one has a gap."""
    with running(module_database) as programme:
        yield send_october(programme)


def judged(programme: Programme, **members: Any) -> dict[str, dict[str, Any]]:
    """Rows of the 62 days by slice, as the programme has them judged from now on."""
    programme.configure(programme={**document()["programme"], **members})
    found = {}
    for slice_, keys in (("all", {}), ("subcontract", {"subcontract": "SC-RNA"}), ("category", {"category": "urgent"})):
        row = programme.row(OCTOBER, "CWT-62", slice_=slice_, **keys)
        assert list(row)[-4:] == ["months_held", "rag", "rag_reason", "coverage_test"]
        found[slice_] = {name: row[name] for name in JUDGED}
    return found


def notes(programme: Programme) -> dict[str, str]:
    return {note["code"]: note["detail"] for note in programme.ask(OCTOBER)["notes"]}


def test_a_figure_under_the_threshold_is_shown_and_not_judged(october: Programme) -> None:
    usual = judged(october)
    assert (usual["all"]["coverage"], usual["all"]["contract_test"], usual["all"]["against_target"]) == (Decimal("0.6"), "met", "similar")
    assert {row["coverage_test"] for row in usual.values()} == {None}
    assert "publish_threshold" not in notes(october)
    # At the threshold is enough; the share is compared unrounded.
    reached = judged(october, publish_threshold=0.6)
    assert reached["all"] == {**usual["all"], "coverage_test": "complete"}
    short = judged(october, publish_threshold="0.600001")
    assert short["all"] == {**usual["all"], "contract_test": "not_judged", "against_target": None, "coverage_test": "incomplete"}
    assert (short["subcontract"]["value"], short["subcontract"]["coverage_test"]) == (None, "incomplete")
    # Within one category no volume is known, and somebody is missing.
    assert (short["category"]["coverage"], short["category"]["coverage_test"]) == (None, "unknown")
    assert "0.600001" in notes(october)["publish_threshold"]
    hospice = october.row(OCTOBER, "BEDS")
    assert (hospice["returns_expected"], hospice["returns_included"], hospice["coverage_test"]) == (2, 2, "complete")
    imported = october.row(OCTOBER, "SURVIVAL")
    assert (imported["coverage_test"], imported["rag"], imported["rag_reason"]) == (None, None, None)


def test_a_colour_stands_beside_the_verdicts_where_a_rule_is_configured(october: Programme) -> None:
    usual = judged(october)
    assert {(row["rag"], row["rag_reason"]) for row in usual.values()} == {(None, None)}
    ruled = judged(october, rag={})
    assert ruled["all"] == {**usual["all"], "rag": "amber", "rag_reason": "cannot_be_told"}
    assert (ruled["subcontract"]["rag"], ruled["subcontract"]["rag_reason"]) == (None, "no_value")
    assert (ruled["category"]["rag"], ruled["category"]["rag_reason"]) == (None, "not_judged")
    blind = judged(october, rag={"chance": False})
    assert blind["all"] == {**usual["all"], "rag": "green", "rag_reason": "target_met"}
    unjudged = judged(october, rag={}, publish_threshold=0.9)
    assert (unjudged["all"]["rag"], unjudged["all"]["rag_reason"]) == (None, "not_judged")
    # A measure in another unit has a rule of its own, with or without one for all.
    of_its_own = [{**document()["requirements"][0], "rag": {"tolerance": 0.05, "chance": False}}]
    october.configure(requirements=of_its_own)
    row = october.row(OCTOBER, "CWT-62", slice_="subcontract", subcontract="SC-RJE")
    assert (row["rag"], row["rag_reason"]) == ("green", "target_met")
    assert october.row(OCTOBER, "BEDS")["rag_reason"] is None
    assert "CWT-62: amber up to 0.05" in notes(october)["rag"]


def test_its_normal_form_says_each_rule_whole_and_leaves_out_nothing(october: Programme) -> None:
    judged(october, publish_threshold="0.90", rag={"tolerance": "0.030"}, publication={"funnel_to_subcontracts": False})
    line = json.loads(
        october.web.get(f"/v1/programmes/{PROGRAMME}/configuration", key=october.key("administrator")).content, parse_float=Decimal
    )["programme"]
    assert line["publish_threshold"] == Decimal("0.9")
    assert line["rag"] == {"tolerance": Decimal("0.03"), "chance": True, "improving": False}
    assert line["publication"] == {
        "subcontracts_to_commissioners": True,
        "funnel_to_subcontracts": False,
        "subcontracts_to_public": False,
    }


def test_what_is_no_rule_is_named_in_its_place(october: Programme) -> None:
    wrong = {"publish_threshold": 90, "rag": {"tolerance": -1, "chance": "yes"}, "publication": {"public": True}}
    path = f"/v1/programmes/{PROGRAMME}/configuration?dry_run=true"
    body = document(programme={**document()["programme"], **wrong})
    body["requirements"][0]["rag"] = {"tolerance": "wide"}
    refused = october.web.put(path, body, key=october.key("administrator"))
    assert refused.status_code == 422
    assert {fault["pointer"] for fault in refused.json()["errors"]} == {
        "/programme/publish_threshold",
        "/programme/rag/tolerance",
        "/programme/rag/chance",
        "/programme/publication/public",
        "/requirements/0/rag/tolerance",
    }
