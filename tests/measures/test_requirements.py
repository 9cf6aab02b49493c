"""What a requirement weighs: by contract year, and only where its measure is collected as routine."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from app.configuration.document import Document, completed
from app.configuration.domain import faults_of
from app.kernel.months import Month
from app.kernel.refusals import Invalid
from app.programmes.domain import CarriedWeight, Programme, Requirement
from app.web.intake import parse
from app.web.shapes import read_as
from tests.make import document, exact

MONTH = Month.parse("2026-10")


def requirement(**members: Any) -> Requirement:
    return Requirement.model_validate({"measure": "CWT-62", **members})


def years(*pairs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"contract_year": year, "weight": weight} for year, weight in pairs]


def found(*requirements: dict[str, Any]) -> set[tuple[str, str | None]]:
    value = document(requirements=list(requirements))
    return {(fault.code, fault.pointer) for fault in faults_of(completed(Document.model_validate(exact(value))), registered=frozenset())}


@pytest.mark.parametrize(
    ("starts_on", "year_starts", "month", "year"),
    [
        ("2026-07-01", None, "2026-07", 1),
        ("2026-07-01", None, "2027-06", 1),
        ("2026-07-01", None, "2027-07", 2),
        ("2026-07-01", "04-01", "2027-03", 1),
        ("2026-07-01", "04-01", "2027-04", 2),
        ("2026-01-15", None, "2026-12", 1),
        ("2026-07-01", None, "2036-06", 10),
    ],
)
def test_contract_years_are_counted_from_the_one_that_the_programme_starts_in(
    starts_on: str, year_starts: str | None, month: str, year: int
) -> None:
    programme = Programme.model_validate(
        {"code": "p", "name": "P", "prime": "X", "starts_on": starts_on, "ends_on": "2036-06-30", "contract_year_starts": year_starts}
    )
    assert programme.contract_year_of(Month.parse(month)) == year


def test_a_weight_is_for_every_year_or_by_year() -> None:
    assert [requirement(weight="0.3").weight_in(year) for year in (1, 9)] == [Decimal("0.3")] * 2
    by_year = requirement(weight=years((3, "0.5"), (1, "0.3")))
    assert [by_year.weight_in(year) for year in (1, 2, 3)] == [Decimal("0.3"), None, Decimal("0.5")]
    assert requirement().weight_in(1) is None


def test_the_normal_form_of_a_weight_is_its_own() -> None:
    written = requirement(weight=years((3, "0.50"), (1, "0.3"))).model_dump(mode="json")
    assert written["weight"] == [{"contract_year": 1, "weight": 0.3}, {"contract_year": 3, "weight": 0.5}]
    assert Requirement.model_validate(exact(written)).model_dump(mode="json") == written
    assert requirement(weight="0.30").model_dump(mode="json")["weight"] == 0.3


@pytest.mark.parametrize(
    ("weight", "pointers"),
    [
        ('"heavy"', {"/weight"}),
        ("[]", {"/weight"}),
        ('[{"contract_year": 1, "weight": 1}, {"contract_year": 1, "weight": 0}]', {"/weight"}),
        ('[{"contract_year": 0, "weight": 1}, {"contract_year": 2, "weight": true}]', {"/weight/0/contract_year", "/weight/1/weight"}),
        ("{}", {"/weight"}),
    ],
)
def test_a_weight_that_is_none_is_named_in_its_place(weight: str, pointers: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_as(Requirement, parse(f'{{"measure": "M", "weight": {weight}}}'.encode()))
    assert {fault.pointer for fault in refused.value.faults} == pointers


WEIGHED: list[tuple[str, Any, Any, set[tuple[str, str | None]]]] = [
    ("one for all years", "0.4", "0.6", set()),
    ("too little in all years", "0.4", "0.5", {("weights", "/requirements")}),
    ("each year for itself", years((1, "0.4"), (2, "1")), years((1, "0.6")), set()),
    ("one year short", years((1, "0.4"), (2, "0.9")), years((1, "0.6")), {("weights", "/requirements")}),
    ("all years beside one", "0.4", years((1, "0.6")), {("weights", "/requirements")}),
    ("no weights", None, None, set()),
    ("a year after the last", years((11, "1")), None, {("no_contract_year", "/requirements/0/weight/0/contract_year")}),
]


@pytest.mark.parametrize(("one", "other", "faults"), [case[1:] for case in WEIGHED], ids=[case[0] for case in WEIGHED])
def test_the_weights_of_each_contract_year_sum_to_one(one: Any, other: Any, faults: set[tuple[str, str | None]]) -> None:
    assert found({"measure": "CWT-62", "weight": one}, {"measure": "CWT-FDS", "weight": other}) == faults


def test_only_what_is_collected_as_routine_carries_weight() -> None:
    graded = requirement(
        weight="0.3",
        collectability=[
            {"grade": "B", "to_month": "2026-12"},
            {"subcontract": "SC-RL4", "grade": "A"},
            {"subcontract": "SC-H9901", "grade": "C", "from_month": "2026-10"},
        ],
    )
    assert graded.carried_weight("SC-RL4", MONTH, contract_year=1) == CarriedWeight(Decimal("0.3"), "A")
    hospice = graded.carried_weight("SC-H9901", MONTH, contract_year=1)
    assert (hospice.weight, hospice.grade) == (None, "C")
    assert hospice.reason == "CWT-62 is graded C (not collectable) for SC-H9901 in 2026-10: it carries no weight."
    assert graded.carried_weight("SC-RJE", MONTH, contract_year=1).grade == "B"
    assert graded.carried_weight("SC-RJE", Month.parse("2027-01"), contract_year=1) == CarriedWeight(Decimal("0.3"), "A")
    assert requirement(collectability=[{"grade": "C"}]).carried_weight("SC-RJE", MONTH, contract_year=1) == CarriedWeight(None, "C")


def test_grades_name_subcontracts_and_do_not_overlap() -> None:
    lines = [
        {"subcontract": "SC-RJE", "grade": "B", "from_month": "2027-02", "to_month": "2027-01"},
        {"subcontract": "SC-RL4", "grade": "B", "to_month": "2027-01"},
        {"subcontract": "SC-RL4", "grade": "A", "from_month": "2027-01"},
        {"subcontract": "SC-0", "grade": "C"},
    ]
    at = "/requirements/0/collectability"
    assert found({"measure": "CWT-62", "collectability": lines}) == {
        ("reversed", f"{at}/0/to_month"),
        ("graded_twice", f"{at}/2"),
        ("unknown_subcontract", f"{at}/3/subcontract"),
    }


def test_rebases_are_in_order_and_named_once() -> None:
    later, earlier = {"from_month": "2027-04", "reason": "Merged."}, {"from_month": "2026-12", "reason": "A second clinic opened."}
    control = requirement(process_control={"rebases": [later, earlier]}).process_control
    assert control is not None
    assert [str(each.from_month) for each in control.rebases] == ["2026-12", "2027-04"]
    assert (control.fixed_after, control.screened, requirement().process_control) == (24, True, None)
    for wrong in ({"rebases": [later, later]}, {"rebases": [{"from_month": "2027-04"}]}, {"fixed_after": 11}):
        with pytest.raises(ValidationError):
            requirement(process_control=wrong)


def test_rebases_are_for_places_of_the_programme() -> None:
    rebases = [{"from_month": "2027-04", "reason": "Merged.", "for": {"subcontract": "SC-0"}}]
    assert found({"measure": "CWT-62", "process_control": {"rebases": rebases}}) == {
        ("unknown_subcontract", "/requirements/0/process_control/rebases/0/for/subcontract")
    }


def test_versions_follow_each_other_and_supersede_what_there_is() -> None:
    own = {"code": "OWN", "name": "Own"}
    measures = [
        {**own, "version": 2, "from_month": "2027-01"},
        {**own, "version": 1, "from_month": "2027-01"},
        {
            **own,
            "version": 3,
            "from_month": "2028-01",
            "to_month": "2027-12",
            "supersedes": [{"code": "OWN", "version": 3}, {"code": "NONE"}],
        },
    ]
    value = document(measures=[*document()["measures"], *measures])
    faults = faults_of(completed(Document.model_validate(exact(value))), registered=frozenset())
    assert {(fault.code, fault.pointer) for fault in faults} == {
        ("version_order", "/measures/4/from_month"),
        ("reversed", "/measures/6/to_month"),
        ("circular", "/measures/6/supersedes/0"),
        ("unknown_measure", "/measures/6/supersedes/1"),
    }
