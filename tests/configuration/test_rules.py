"""What a document may say of rules."""

from typing import Any

import pytest

from app.configuration.document import Document, completed, written
from app.configuration.domain import faults_of
from app.kernel.refusals import Invalid
from app.web.shapes import read_as
from tests.make import document, exact

CHANGE = {"code": "usual", "kind": "change", "minimum_count": 10}


def with_rules(of_measure: list[Any], of_collection: list[Any] = [], *, measure: int = 2) -> dict[str, Any]:  # noqa: B006 - never changed
    """The small programme in which HOSP-WAIT (or E-BEDOCC, at 3) and the first collection name rules."""
    base = document()
    base["measures"][measure]["rules"] = of_measure
    base["collections"][0]["rules"] = of_collection
    return base


def found(stated: dict[str, Any]) -> list[tuple[str, str | None]]:
    try:
        read = completed(read_as(Document, exact(stated)))
    except Invalid as refusal:
        return [(fault.code, fault.pointer) for fault in refusal.faults]
    return [(fault.code, fault.pointer) for fault in faults_of(read, registered=frozenset())]


def test_rules_have_one_normal_form() -> None:
    read = read_as(Document, exact(with_rules([CHANGE], [{"code": "again", "kind": "stale"}])))
    assert found(with_rules([CHANGE], [{"code": "again", "kind": "stale"}])) == []
    (rule,) = read.measures[2].rules
    assert rule.model_dump(mode="json") == {
        "code": "usual",
        "why": None,
        "kind": "change",
        "severity": "warn",
        "of": "numerator",
        "by": [],
        "months": 12,
        "minimum_points": 6,
        "minimum_count": 10,
    }
    assert read_as(Document, exact(read.model_dump(mode="json", by_alias=True))) == read
    assert written(read_as(Document, exact(document()))).count(b'"rules":[]') == 6


AT = "/measures/2/rules/0"
IN_BEDS = "/measures/3/rules/0"


@pytest.mark.parametrize(
    ("rule", "faults"),
    [
        ({"code": "x"}, [("missing", AT)]),
        ({"code": "x", "kind": "stale"}, [("not_one_of", AT)]),
        ({**CHANGE, "severity": "reject"}, [("not_one_of", f"{AT}/severity")]),
        ({**CHANGE, "limit": 3}, [("unknown_member", f"{AT}/limit")]),
        ({**CHANGE, "minimum_count": -1}, [("out_of_range", f"{AT}/minimum_count")]),
        ({**CHANGE, "months": 5}, [("too_few_months", f"{AT}/minimum_points")]),
        ({**CHANGE, "of": "value"}, [("no_denominator", f"{AT}/of")]),
        ({**CHANGE, "by": ["category"]}, []),
        ({**CHANGE, "by": ["site"]}, [("not_split_by", f"{AT}/by/0")]),
        ({**CHANGE, "by": ["category", "category"]}, [("repeated", f"{AT}/by/1")]),
        ({"code": "x", "kind": "zero_after_activity", "above": 0, "part": "denominator"}, [("no_denominator", f"{AT}/part")]),
        ({"code": "x", "kind": "at_most", "sum_of": []}, [("too_short", f"{AT}/sum_of")]),
        ({"code": "x", "kind": "at_most", "sum_of": [{"measure": "M-NONE"}]}, [("unknown_measure", f"{AT}/sum_of/0/measure")]),
        ({"code": "x", "kind": "at_most", "sum_of": [{"measure": "E-BEDOCC", "part": "denominator"}]}, []),
        (
            {"code": "x", "kind": "equals", "part": "denominator", "categories": ["0-1", "9"], "sum_of": [{"measure": "CWT-62"}]},
            [("no_denominator", f"{AT}/part"), ("unknown_category", f"{AT}/categories/1")],
        ),
        (
            {"code": "x", "kind": "equals", "by": ["category"], "sum_of": [{"measure": "E-BEDOCC", "categories": ["0-1"]}]},
            [("unknown_category", f"{AT}/sum_of/0/categories/0"), ("not_split_by", f"{AT}/by/0")],
        ),
        (
            {
                "code": "x",
                "kind": "roll_forward",
                "opening": {"measure": "M-NONE"},
                "removed": [{"measure": "HOSP-WAIT", "part": "denominator"}],
            },
            [("unknown_measure", f"{AT}/opening/measure"), ("no_denominator", f"{AT}/removed/0/part")],
        ),
        ({"code": "x", "kind": "plan", "tolerance": "0.25"}, []),
    ],
)
def test_what_a_rule_names_is_there(rule: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert found(with_rules([rule])) == faults


def test_two_rules_of_a_line_have_two_codes() -> None:
    stale = {"code": "again", "kind": "stale"}
    assert found(with_rules([CHANGE, {**CHANGE, "by": ["category"]}], [stale, stale])) == [
        ("duplicate", "/measures/2/rules/1/code"),
        ("duplicate", "/collections/0/rules/1/code"),
    ]
