"""Each scheme that has been used, as the example document that ships with the product, and what it pays."""

from pathlib import Path
from typing import Any, Final

import pytest

import app.settlement
from app.settlement.computation import Settlement, settle
from app.settlement.domain import SettlementRules
from app.settlement.explanation import tree_of
from app.settlement.faults import faults_of
from app.settlement.input_faults import lacking
from app.settlement.inputs import Inputs
from app.web.intake import parse
from tests.settlement.made import cost, figure
from tests.settlement.recomputation import recompute

FOLDER: Final = Path(app.settlement.__file__).parent / "schemes"
CWT_62: Final = {"numerator": 412, "denominator": 531}
WORKED: Final = {"CWT-62": CWT_62, "CWT-FDS": "0.784", "EARLY-STAGE": "0.56", "CPES-OVERALL": "8.9", "DQ-COMPLETE": "0.972"}
MENTAL: Final = {"MH-RECOVERY": "0.50", "MH-CRISIS-RESPONSE": "0.95", "MH-OUT-OF-AREA-DAYS": "250"}
DOMAINS: Final = (
    "PATIENT-EXPERIENCE",
    "SAFE-CARE",
    "AVOIDABLE-ADMISSIONS",
    "LONG-TERM-CONDITIONS",
    "RECOVERY",
    "END-OF-LIFE",
    "ORGANISATIONAL-CULTURE",
)
CQUIN: Final = {f"CQUIN-{at}": value for at, value in enumerate(("0.5", "0.9", "0.25", "0.55", "0.8"), start=1)}
COVERED: Final = {"completeness": "0.96"}
RISK: Final = {"factors": [{"code": "risk-score", "factor": "1.05", "source": "Actuary"}]}


def document(name: str) -> SettlementRules:
    return SettlementRules.model_validate(parse((FOLDER / f"{name}.json").read_bytes()))


def read(figures: dict[str, Any], costs: tuple[int, int] | None, said: dict[str, Any]) -> Inputs:
    stated = [figure(code, **(value if isinstance(value, dict) else {"value": value})) for code, value in figures.items()]
    money = {} if costs is None else {"expected_cost": cost(costs[0]), "actual_cost": cost(costs[1])}
    return Inputs.model_validate({"figures": stated, **money, **said})


def settled(name: str, figures: dict[str, Any], costs: tuple[int, int] | None = None, **said: Any) -> Settlement:
    rules, inputs = document(name), read(figures, costs, said)
    assert not faults_of(rules)
    assert not lacking(rules, inputs)
    return settle(rules, inputs)


# scheme, figures, expected and actual cost, other inputs, pence of each element, pence of each party (those not named are the whole of the rest)
Row = tuple[str, dict[str, Any], tuple[int, int] | None, dict[str, Any], dict[str, int], dict[str, int]]
TABLE: list[Row] = [
    (
        "outcomes-and-gain-share",
        WORKED,
        (6_870_000_000, 6_620_000_000),
        COVERED,
        {"outcome": 218_152_473, "gain": 57_570_660, "loss": 0},
        {"subcontract.SC-ACUTE-A": 31_663_863, "subcontract.SC-HOSPICE": 4_605_653},
    ),
    (
        "outcomes-and-gain-share",
        WORKED,
        (6_870_000_000, 7_190_000_000),
        COVERED,
        {"gain": 0, "loss": 171_501_286},
        {"subcontract.SC-ACUTE-A": -94_325_707, "subcontract.SC-HOSPICE": 0, "integrator": 6_526_500_000 + 218_152_473 - 13_720_103},
    ),
    ("outcomes-and-gain-share", WORKED, (6_870_000_000, 6_620_000_000), {}, {"gain": 0, "loss": 0}, {}),
    (
        "multilateral-gain-loss",
        {},
        (20_000_000_000, 19_100_000_000),
        {},
        {"fixed_fee": 20_000_000_000, "gain": 450_000_000},
        {"subcontract.SC-COMMUNITY": 90_000_000, "commissioner.05W": -11_000_000_000 - 247_500_000, "integrator": 20_000_000_000},
    ),
    (
        "multilateral-gain-loss",
        {},
        (20_000_000_000, 20_900_000_000),
        {},
        {"loss": 450_000_000},
        {"subcontract.SC-ACUTE": -270_000_000, "commissioner.04Y": -4_000_000_000 + 90_000_000},
    ),
    (
        "mental-health-components",
        MENTAL,
        (1_000_000_000, 950_000_000),
        {},
        {"fixed_fee": 3_680_000_000, "outcome": 208_000_000, "gain": 12_000_000},
        {},
    ),
    ("mental-health-components", MENTAL, (1_000_000_000, 1_050_000_000), {}, {"gain": 0, "loss": 9_000_000}, {}),
    ("at-risk-by-year", dict.fromkeys(DOMAINS, "0.65"), None, {}, {"fixed_fee": 14_400_000_000, "outcome": 800_000_000}, {}),
    (
        "outcomes-withheld",
        {"STABLE-HOUSING": "0.75", "EMPLOYMENT": "0.115", "PHYSICAL-HEALTH-CHECK": {}, "SATISFACTION": "0.85"},
        None,
        {},
        {"outcome": 276_000_000},
        {},
    ),
    (
        "game-changing-outcomes",
        {"SURGERY-CONVERSION": "0.70", "SHARED-DECISION": "0.8499", "RETURN-TO-WORK": "0.61"},
        None,
        {},
        {"outcome": 67_200_000},
        {},
    ),
    ("aligned-payment", CQUIN, (5_200_000_000, 5_000_000_000), {}, {"outcome": 78_000_000, "gain": 150_000_000}, {}),
    ("aligned-payment", CQUIN, (4_800_000_000, 5_000_000_000), {}, {"gain": 0, "loss": 150_000_000}, {}),
    (
        "cap-and-collar",
        {"CWT-62": CWT_62, "CWT-31": "0.93"},
        (2_000_000_000, 1_900_000_000),
        {},
        {"outcome": 50_357_815, "gain": 10_000_000, "consequences": 3_935_000},
        {},
    ),
    ("cap-and-collar", {"CWT-62": CWT_62, "CWT-31": "0.93"}, (2_000_000_000, 2_300_000_000), {}, {"loss": 10_000_000}, {}),
    ("shared-savings-enhanced", {"QUALITY-COMPOSITE": "0.55"}, (1_000_000_000, 1_000_000_000), RISK, {"gain": 26_700_000, "loss": 0}, {}),
    ("shared-savings-enhanced", {"QUALITY-COMPOSITE": "0.55"}, (1_000_000_000, 1_142_400_000), RISK, {"loss": 44_500_000}, {}),
    ("shared-savings-enhanced", {"QUALITY-COMPOSITE": "0.55"}, (1_000_000_000, 1_060_000_000), RISK, {"gain": 0, "loss": 0}, {}),
    ("shared-savings-enhanced", {"QUALITY-COMPOSITE": "0.39"}, (1_000_000_000, 1_000_000_000), RISK, {"gain": 0}, {}),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_what_a_scheme_pays(row: Row) -> None:
    name, figures, costs, said, elements, parties = row
    found = settled(name, figures, costs, **said)
    assert {element: found.elements[element].pence.value for element in elements} == elements  # type: ignore[index]  # the keys of `elements` are names of elements
    assert {line.party.name: line.total_pence for line in found.lines if line.party.name in parties} == parties
    assert sum(line.total_pence for line in found.lines) == 0
    assert recompute(tree_of(found.explanation))


@pytest.mark.parametrize(
    ("year", "outcome"), [(1, 0), (2, 800_000_000), (3, 800_000_000), (4, 1_200_000_000), (5, 1_200_000_000), (6, None)]
)
def test_what_is_at_risk_grows_by_year(year: int, outcome: int | None) -> None:
    rules = document("at-risk-by-year").model_copy(update={"contract_year": year})
    if outcome is None:
        assert [fault.code for fault in faults_of(rules)] == ["no_share"]
    else:
        assert settle(rules, read(dict.fromkeys(DOMAINS, "0.65"), None, {})).elements["outcome"].pence.value == outcome


def test_tax_that_cannot_be_recovered_is_stated() -> None:
    (line,) = settled("at-risk-by-year", dict.fromkeys(DOMAINS, "0.65")).vat
    assert (line.party.name, line.irrecoverable_pence) == ("integrator", 15_200_000_000 // 5)


def test_every_document_that_ships_has_a_test() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {row[0] for row in TABLE}
