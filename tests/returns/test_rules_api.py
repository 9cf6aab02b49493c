"""A hospice whose figures are judged by its measures' rules, over HTTP."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from tests.make import exact
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import HOSPICE, MONTH, PROGRAMME, address, hospice_body, whole_document
from tests.support.databases import Database

WAITS: Final = (14, 15, 16)
BEDS: Final = ((214, 300), (201, 310), (220, 310))
WHY: Final = "A clinic sees about fifteen."


def ruled() -> dict[str, Any]:
    base = whole_document()
    waits = {"code": "usual-waits", "kind": "change", "minimum_points": 3, "minimum_count": 10, "why": WHY}
    beds = {"code": "more-beds-than-waits", "kind": "at_most", "sum_of": [{"measure": "E-BEDOCC", "part": "denominator"}]}
    plan = {"code": "planned", "kind": "plan", "tolerance": "0.5"}
    for measure in base["measures"]:
        if isinstance(measure, dict) and measure["code"] == "HOSP-WAIT":
            measure["rules"] = [waits, beds, plan]
    for collection in base["collections"]:
        if collection["code"] == "hospice":
            collection |= {"auto_accept": True, "rules": [{"code": "sent-again", "kind": "stale"}]}
    for line in base["assignments"]:
        if line["subcontract"] == "SC-H9901":
            line["expected_volume"] = 16
    return base


def month(waits: int, beds: tuple[int, int], **more: str) -> dict[str, Any]:
    body = hospice_body()
    body["cells"][0] |= {"numerator": waits, **more}
    body["cells"][1] |= {"numerator": beds[0], "denominator": beds[1]}
    return body


@pytest.fixture(scope="module")
def programme(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        assert programme.apply(ruled()).status_code == 200
        for back, (waits, beds) in enumerate(zip(WAITS, BEDS, strict=True)):
            key = HOSPICE._replace(month=MONTH.plus(back - 3))
            receipt = programme.submit(key, month(waits, beds)).json()
            assert (receipt["outcome"], receipt["status"]) == ("received", "accepted"), receipt
        yield programme


EXPLAINED: Final = {"explanation_code": "large_change", "explanation": "second clinic opened"}


def test_a_hospice_that_types_150_for_15_is_asked_and_may_explain(programme: Programme) -> None:
    asked = programme.submit(HOSPICE, month(150, (210, 300))).json()
    assert (asked["outcome"], asked["status"]) == ("received_with_warnings", "submitted")
    warned = {warning["code"]: warning for warning in asked["warnings"]}
    assert set(warned) == {"change", "plan"}
    assert warned["change"]["detail"] == (
        "The numerator of HOSP-WAIT is 150. In 3 earlier months the mean was 15; their process-control limits are 12.3 and 17.7. " + WHY
    )
    assert warned["change"]["fix"] == (
        "Correct the figure if it is wrong; otherwise send the cell (measure HOSP-WAIT, category 0-1) with explanation_code and explanation."
    )
    assert (warned["change"]["rule"], warned["change"]["category"], warned["change"]["explained"]) == ("usual-waits", "0-1", False)
    assert (warned["plan"]["severity"], warned["plan"]["explained"]) == ("info", True)
    assert warned["plan"]["detail"] == "The numerator of HOSP-WAIT is 150; the subcontract's assignments expect 16, give or take 8."

    explained = programme.submit(HOSPICE, month(150, (210, 300), **EXPLAINED)).json()
    assert (explained["outcome"], explained["status"]) == ("received_with_warnings", "accepted")
    read = programme.web.get(f"{address(HOSPICE)}/revisions/{explained['revision']}", key=programme.manager()).json()
    assert read["warnings"] == explained["warnings"]
    assert [cell["explanation"] for cell in read["cells"] if cell["category"] == "0-1"] == ["second clinic opened"]
    # Typed right, nothing is asked.
    assert programme.submit(HOSPICE, month(15, (210, 300))).json()["outcome"] == "received"


def test_a_month_sent_again_is_asked_about(programme: Programme) -> None:
    receipt = programme.submit(HOSPICE, month(WAITS[-1], BEDS[-1]), query="?dry_run=true").json()
    assert [(warning["code"], warning["measure"]) for warning in receipt["warnings"]] == [("stale", "E-BEDOCC")]


def test_what_is_refused_by_a_rule_is_named_beside_everything_else(programme: Programme) -> None:
    body = month(301, (210, 300))
    body["cells"].append({"measure": "M-NONE", "numerator": 1})
    before = programme.rows()
    answer = programme.submit(HOSPICE, body)
    assert answer.status_code == 422
    assert {(error["code"], error["pointer"]) for error in answer.json()["errors"]} == {
        ("rule_not_judged", "/cells"),
        ("unknown_measure", "/cells/2/measure"),
    }, "with a line that cannot be placed, what the rest states is not known"
    body["rest"] = None
    body["cells"] += [{"measure": "HOSP-WAIT", "category": code, "numerator": 0} for code in ("2-3", "4-up")]
    errors = programme.submit(HOSPICE, body).json()["errors"]
    assert {(error["code"], error["pointer"]) for error in errors} == {
        ("unknown_measure", "/cells/2/measure"),
        ("at_most", "/cells/0/numerator"),
    }
    assert "301" not in str(errors)
    del body["cells"][2]
    body["cells"][0]["numerator"] = 300
    assert programme.submit(HOSPICE, body, query="?dry_run=true").status_code == 200
    assert programme.rows() == before


def test_a_new_version_of_the_rules_judges_what_is_sent_after_it_and_nothing_before(programme: Programme) -> None:
    key = ReturnKey(HOSPICE.collection, HOSPICE.subcontract, Month.parse("2026-09"))
    before = programme.read(key).json()
    stricter = ruled()
    for measure in stricter["measures"]:
        if isinstance(measure, dict) and measure["code"] == "HOSP-WAIT":
            measure["rules"] = [{"code": "few", "kind": "at_most", "sum_of": [{"measure": "E-BEDOCC"}], "severity": "warn"}]
    assert programme.apply(stricter).status_code == 200
    assert programme.read(key).json()["current"] == before["current"]
    assert programme.read(key).json()["revisions"] == before["revisions"]
    warned = programme.submit(key, month(250, (210, 300)), query="?dry_run=true").json()["warnings"]
    assert [(warning["code"], warning["rule"]) for warning in warned] == [("at_most", "few")]


def test_the_kinds_of_rules_are_listed_for_whoever_has_a_key(programme: Programme) -> None:
    assert programme.web.get("/v1/rules", key=None).status_code == 401
    kinds = {kind["kind"]: kind for kind in programme.web.get("/v1/rules", key=programme.preparer("SC-H9901")).json()["rules"]}
    assert {kind: (about["named_by"], about["severities"]) for kind, about in kinds.items()} == {
        "at_most": ("measure", ["reject", "warn"]),
        "change": ("measure", ["warn"]),
        "equals": ("measure", ["reject", "warn"]),
        "plan": ("measure", ["warn", "info"]),
        "roll_forward": ("measure", ["reject", "warn"]),
        "stale": ("collection", ["warn"]),
        "zero_after_activity": ("measure", ["warn"]),
    }
    assert "minimum_count" in kinds["change"]["members"]["required"]
    assert kinds["change"]["fault"] is None
    assert kinds["at_most"]["fault"]["detail"] == "{what} is more than {others} (rule {rule}).{why}"


def test_what_a_rule_refuses_in_a_file_is_told_by_line_and_column(programme: Programme) -> None:
    rows = ["measure,category,numerator,denominator", "E-BEDOCC,,210,300", "HOSP-WAIT,0-1,301,", "HOSP-WAIT,2-3,0,", "HOSP-WAIT,4-up,0,"]
    assert programme.apply(ruled()).status_code == 200
    answer = programme.web.request(
        "POST",
        f"{address(HOSPICE)}/revisions",
        key=programme.preparer("SC-H9901"),
        content="\r\n".join(rows).encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 422
    assert [(error["code"], error["line"], error["column"]) for error in answer.json()["errors"]] == [("at_most", 3, 3)]


def backtested(programme: Programme, body: dict[str, Any], *, by: str | None = None) -> Any:
    asked = {"from_month": "2026-07", "to_month": "2026-09", **body}
    return programme.web.post(f"/v1/programmes/{PROGRAMME}/rules:backtest", exact(asked), key=by or programme.manager())


def test_rules_are_tried_before_anybody_is_judged_by_them(programme: Programme) -> None:
    few = {"code": "few", "kind": "at_most", "sum_of": [{"measure": "E-BEDOCC", "part": "denominator"}]}
    more = {"code": "more", "kind": "change", "months": 3, "minimum_points": 3, "minimum_count": 0}
    rises = {"code": "not-less", "kind": "roll_forward", "added": []}
    before = programme.rows()
    answer = backtested(programme, {"measure": "HOSP-WAIT", "rules": [few, more, rises]}).json()
    assert (answer["returns"], answer["returns_found"], answer["truncated"]) == (3, 2, False)
    assert answer["by_rule"] == {"few": 0, "more": 0, "not-less": 2}
    assert [(each["month"], each["detail"]) for each in answer["found"]] == [
        (
            "2026-08",
            "The numerator of HOSP-WAIT (category 0-1) is 15, and not the numerator of HOSP-WAIT of the month before, which is 14.",
        ),
        (
            "2026-09",
            "The numerator of HOSP-WAIT (category 0-1) is 16, and not the numerator of HOSP-WAIT of the month before, which is 15.",
        ),
    ]
    stale = backtested(programme, {"collection": "hospice", "rules": [{"code": "again", "kind": "stale", "minimum_figures": 1}]}).json()
    assert (stale["returns"], stale["returns_found"]) == (3, 0)
    assert programme.rows() == before


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"rules": [{"code": "a", "kind": "stale"}]}, [("whose_rules", "/measure")]),
        ({"measure": "HOSP-WAIT", "rules": [{"code": "a", "kind": "stale"}]}, [("not_one_of", "/rules/0/kind")]),
        ({"collection": "hospice", "rules": [{"code": "a", "kind": "plan", "tolerance": 1}]}, [("not_one_of", "/rules/0/kind")]),
        ({"measure": "M-NONE", "rules": [{"code": "a", "kind": "plan", "tolerance": 1}]}, [("unknown_measure", "/measure")]),
        ({"collection": "none", "rules": [{"code": "a", "kind": "stale"}]}, [("unknown_collection", "/collection")]),
        (
            {"measure": "HOSP-WAIT", "rules": [{"code": "a", "kind": "equals", "sum_of": [{"measure": "M-NONE"}]}], "to_month": "2029-07"},
            [("unknown_measure", "/rules/0/sum_of/0/measure"), ("months", "/to_month")],
        ),
    ],
)
def test_rules_that_cannot_be_tried_are_refused(programme: Programme, body: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    answer = backtested(programme, body)
    assert answer.status_code == 422
    assert [(error["code"], error["pointer"]) for error in answer.json()["errors"]] == faults


def test_what_everybody_sent_is_looked_at_by_the_integrator_only(programme: Programme) -> None:
    body = {"collection": "hospice", "rules": [{"code": "again", "kind": "stale"}]}
    assert backtested(programme, body, by=programme.preparer("SC-H9901")).status_code == 403
    assert programme.web.post(f"/v1/programmes/{PROGRAMME}/rules:backtest", body).status_code == 401
