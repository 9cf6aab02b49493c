"""What makes a document one that can be brought into force, rule by rule."""

from collections.abc import Callable
from typing import Any

import pytest

from app.assignments.domain import line_of
from app.configuration.assigned import placed
from app.configuration.document import Document, completed, document_of, written
from app.configuration.domain import faults_of
from app.configuration.effects import contract_of
from app.configuration.nesting import parent_with_child
from app.web.intake import parse
from tests.make import START, contract, document, exact

Mutation = Callable[[dict[str, Any]], object]


def stated(value: dict[str, Any]) -> Document:
    return completed(Document.model_validate(exact(value)))


def found(value: dict[str, Any]) -> set[tuple[str, str | None]]:
    read = stated(value)
    return {(fault.code, fault.pointer) for fault in faults_of(read, registered=frozenset())}


def test_the_document_of_the_tests_has_no_fault() -> None:
    assert found(document()) == set()
    assert list(parent_with_child(contract())) == []


FAULTS: list[tuple[str, Mutation, tuple[str, str]]] = [
    ("term", lambda d: d["programme"].update(ends_on="2026-06-30"), ("reversed", "/programme/ends_on")),
    ("agreement", lambda d: d["subcontracts"][1].update(ends_on="2020-01-01"), ("reversed", "/subcontracts/1/ends_on")),
    ("months", lambda d: d["sites"][0].update(from_month="2027-02", to_month="2027-01"), ("reversed", "/sites/0/to_month")),
    ("target months", lambda d: d["requirements"][0]["targets"][1].update(to_month="2020-01"), ("reversed", "/requirements/0/targets/1/to_month")),
    ("organisation twice", lambda d: d["organisations"].append(d["organisations"][1]), ("duplicate", "/organisations/4")),
    ("segment twice", lambda d: d["pathways"][0]["segments"].append(d["pathways"][0]["segments"][0]), ("duplicate", "/pathways/0/segments/3")),
    ("band twice", lambda d: d["measures"][2]["breakdown"]["categories"].append({"code": "0-1"}), ("duplicate", "/measures/2/breakdown/categories/3")),
    ("parent", lambda d: d["sites"][0].update(parent="nowhere"), ("unknown_parent", "/sites/0/parent")),
    ("circle", lambda d: d["sites"][1].update(parent="bladder"), ("circular", "/sites/1/parent")),
    ("site map", lambda d: d["measures"][3].update(site_map={"bladder": "lung"}), ("site_map", "/measures/3/site_map/bladder")),
    ("bands fall", lambda d: d["measures"][2]["breakdown"]["categories"][1].update(upper=1), ("bands", "/measures/2/breakdown")),
    ("statistic", lambda d: d["measures"][3].update(statistic="median"), ("statistic", "/measures/3/statistic")),
    ("unknown place", lambda d: d["measures"][3].update(unknown=["site"]), ("unknown_place", "/measures/3/unknown")),
    ("prime", lambda d: d["programme"].update(prime="X0"), ("unknown_organisation", "/programme/prime")),
    ("organisation", lambda d: d["subcontracts"][0].update(organisation="X0"), ("unknown_organisation", "/subcontracts/0/organisation")),
    ("collected measure", lambda d: d["collections"][0]["measures"].append("NONE"), ("unknown_measure", "/collections/0/measures/2")),
    ("used measure", lambda d: d["pathways"][0]["segments"][0]["measures"].append("NONE"), ("unknown_measure", "/pathways/0/segments/0/measures/1")),
    ("required measure", lambda d: d["requirements"][0].update(measure="NONE"), ("unknown_measure", "/requirements/0/measure")),
    ("target for", lambda d: d["requirements"][0]["targets"][1]["for"].update(site="no"), ("unknown_site", "/requirements/0/targets/1/for/site")),
    ("subcontract", lambda d: d["assignments"][0].update(subcontract="SC-0"), ("unknown_subcontract", "/assignments/0/subcontract")),
    ("pathway", lambda d: d["assignments"][0].update(pathway="no"), ("unknown_pathway", "/assignments/0/pathway")),
    ("segment", lambda d: d["assignments"][0].update(segment="no"), ("unknown_segment", "/assignments/0/segment")),
    ("site", lambda d: d["assignments"][0].update(sites=["lung", "no"]), ("unknown_site", "/assignments/0/sites/1")),
    ("commissioner", lambda d: d["assignments"][0].update(commissioners=["no"]), ("unknown_commissioner", "/assignments/0/commissioners/0")),
    ("collected twice", lambda d: d["collections"][0]["measures"].append("CWT-62"), ("collected_twice", "/collections/1/measures/0")),
    ("phases at once", lambda d: d["phases"].append({"number": 2, "name": "Two", "from_month": "2028-06"}), ("phases_overlap", "/phases/1")),
    ("a target twice", lambda d: d["requirements"][0]["targets"].append({"from_month": "2030-01", "floor": 0.6}), ("target_twice", "/requirements/0/targets/2")),
    ("85 percent", lambda d: d["requirements"][0]["targets"][0].update(standard=85), ("proportion_target", "/requirements/0/targets/0/standard")),
    ("a parent", lambda d: d["assignments"][0].update(commissioners=["QNC"]), ("not_lowest_level", "/assignments/0/commissioners/0")),
    ("weights", lambda d: d["requirements"][0].update(weight="0.9"), ("weights", "/requirements")),
    ("assigned twice", lambda d: d["assignments"].append({**d["assignments"][0], "sites": ["lung"]}), ("assigned_twice", "/assignments/5")),
    ("no day of a year", lambda d: d["programme"].update(contract_year_starts="02-31"), ("no_such_day", "/programme/contract_year_starts")),
    ("no day of every year", lambda d: d["programme"].update(contract_year_starts="02-29"), ("no_such_day", "/programme/contract_year_starts")),
    ("closes before due", lambda d: d["collections"][0].update(close={"working_day": 9}), ("deadline_order", "/collections/0/close")),
    ("closes an hour before", lambda d: d["collections"][0].update(close={"working_day": 10, "at": "16:00"}), ("deadline_order", "/collections/0/close")),
    ("frozen before closed", lambda d: d["collections"][0].update(close={"working_day": 30}, freeze={"working_day": 2, "months_later": 1}), ("deadline_order", "/collections/0/freeze")),
    ("split twice", lambda d: d["measures"][3].update(split_by=["site", "commissioner", "site"]), ("repeated", "/measures/3/split_by")),
    ("unknown twice", lambda d: d["measures"][3].update(unknown=["site", "site"]), ("repeated", "/measures/3/unknown")),
    ("negative band", lambda d: d["measures"][2]["breakdown"]["categories"][0].update(upper=-1), ("negative", "/measures/2/breakdown/categories/0/upper")),
    ("proportion of a count", lambda d: d["measures"][3].update(aggregation="count_sum", proportion=True), ("proportion", "/measures/3/proportion")),
    (
        "negative volume",
        lambda d: d["assignments"][0].update(expected_volume=[{"site": "lung", "commissioner": "05W", "volume": -3}]),
        ("negative", "/assignments/0/expected_volume/0/volume"),
    ),
    (
        "volume elsewhere",
        lambda d: d["assignments"][0].update(expected_volume=[{"site": "bladder", "commissioner": "05W", "volume": 3}]),
        ("volume_elsewhere", "/assignments/0/expected_volume/0"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("mutate", "fault"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_each_rule_names_its_fault_and_place(mutate: Mutation, fault: tuple[str, str]) -> None:
    value = document()
    mutate(value)
    assert fault in found(value)


CANARY = "zqxcanary"
NAMED: list[Mutation] = [
    lambda d: d["sites"][0].update(parent=CANARY),
    lambda d: d["sites"].append({"code": CANARY, "name": "X", "parent": CANARY}),
    lambda d: d["measures"][3].update(site_map={"bladder": CANARY}),
    lambda d: d["measures"][3].update(supersedes=[{"code": CANARY, "version": 1}]),
    lambda d: d["measures"].append({**d["measures"][3], "code": CANARY, "unknown": ["site"]}),
    lambda d: d["measures"].extend([{"code": CANARY, "name": "X", "version": 4711}, {"code": CANARY, "name": "X", "version": 4712}]),
    lambda d: d["programme"].update(prime=CANARY),
    lambda d: d["subcontracts"][0].update(organisation=CANARY),
    lambda d: [collection["measures"].append(CANARY) for collection in d["collections"]],
    lambda d: d["assignments"][0].update(subcontract=CANARY, pathway=CANARY, segment=CANARY, sites=[CANARY], commissioners=[CANARY]),
]


@pytest.mark.parametrize("mutate", NAMED)
def test_a_fault_names_the_place_and_never_what_was_sent(mutate: Mutation) -> None:
    value = document()
    mutate(value)
    faults = faults_of(stated(value), registered=frozenset())
    assert faults
    said = [f"{fault.detail} {fault.fix}" for fault in faults]
    assert not [text for text in said if any(word in text for word in (CANARY, "4711", "4712", "SC-RJE"))]


def test_everything_wrong_is_named_at_once() -> None:
    value = document()
    for _, mutate, _ in FAULTS[:5]:
        mutate(value)
    assert {fault for _, _, fault in FAULTS[:5]} <= found(value)


@pytest.mark.parametrize(
    ("due", "close"),
    [
        ({"working_day": 10}, {"working_day": 10}),
        ({"working_day": 27}, {"working_day": 10, "months_later": 1}),
        ({"working_day": 10, "months_later": 1}, {"working_day": 40}),
    ],
)
def test_deadlines_are_in_order_as_they_fall_not_as_they_are_written(due: dict[str, Any], close: dict[str, Any]) -> None:
    value = document()
    value["collections"][0].update(due=due, close=close)
    assert found(value) == set()


def test_a_site_and_the_one_above_it_are_not_returned_together() -> None:
    lines = document()["assignments"]
    lines[1]["sites"] = ["urological", "prostate"]
    (fault,) = parent_with_child(contract(assignments=lines))
    assert (fault.code, fault.pointer) == ("parent_with_child", "/assignments")
    lines[1]["sites"] = ["prostate"]
    lines.append({**lines[1], "sites": ["urological"], "from_month": "2027-01"})
    assert len(list(parent_with_child(contract(assignments=lines)))) == 1
    lines[1]["to_month"] = "2026-12"
    assert list(parent_with_child(contract(assignments=lines))) == []


def test_a_site_and_the_one_above_it_are_not_returned_together_in_one_quarter() -> None:
    lines = document()["assignments"]
    lines[1] |= {"sites": ["prostate"], "to_month": "2026-10"}
    lines.append({**lines[1], "sites": ["urological"], "from_month": "2026-12", "to_month": None})
    for every, count in (("month", 0), ("quarter", 1), ("year", 1)):
        collections = document()["collections"]
        collections[1]["every"] = every
        assert len(list(parent_with_child(contract(assignments=lines, collections=collections)))) == count
    lines[-1]["from_month"] = "2027-01"
    assert list(parent_with_child(contract(assignments=lines, collections=[{**collections[1], "every": "quarter"}]))) == []


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ([{"weight": 1.5}, {"weight": -0.5}], {("weight", "/requirements/0/weight"), ("weight", "/requirements/1/weight")}),
        (
            [{"weight": [{"contract_year": 1, "weight": 2}]}, {}],
            {("weight", "/requirements/0/weight/0/weight"), ("weights", "/requirements")},
        ),
        ([{"targets": [{"standard": 0.85}, {"for": {}, "standard": 0.5}]}], {("target_twice", "/requirements/0/targets/1")}),
        ([{"applies_to": ["all", "comissioner"]}], {("unknown_slice", "/requirements/0/applies_to/1")}),
        ([{"applies_to": ["all", "commissioner"]}, {"applies_to": "all"}], set()),
    ],
)
def test_what_a_requirement_may_not_say(changes: list[dict[str, Any]], faults: set[tuple[str, str]]) -> None:
    value = document(requirements=[{"measure": code, **each} for code, each in zip(("CWT-62", "CWT-FDS"), changes, strict=False)])
    assert found(value) == faults


def test_the_normal_form_is_its_own_normal_form() -> None:
    once = written(document_of(contract()))
    again = Document.model_validate(parse(once))
    assert written(document_of(contract_of(again, organisations=(), recorded_at=START))) == once


def test_all_stands_for_the_lowest_places() -> None:
    read = stated(document())
    facts = placed(read)[-1].facts()
    assert {(fact.site, fact.commissioner) for fact in facts} == {(s, c) for s in ("lung", "prostate", "bladder") for c in ("05W", "05G")}
    line = line_of(facts)
    assert (line.sites, line.commissioners) == (None, None)


def test_a_programme_without_sites_or_commissioners_has_one_place() -> None:
    lines = [{"subcontract": "SC-H9901", "pathway": "cancer", "segment": "palliative"}]
    stood = contract(sites=[], commissioners=[], assignments=lines, requirements=[])
    assert [(fact.site, fact.commissioner) for fact in stood.assignments] == [("all", "all")]


def test_catalogue_measures_are_copied_when_they_are_only_used() -> None:
    value = document(measures=document()["measures"][2:])
    assert {measure.code for measure in stated(value).measures} == {"CWT-FDS", "CWT-62", "HOSP-WAIT", "E-BEDOCC"}
