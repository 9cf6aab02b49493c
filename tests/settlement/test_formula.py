"""Each part of the formula as a table: what goes in, what comes out."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.kernel.months import Month
from app.settlement.computation import Settlement, settle
from app.settlement.explanation import Node, nodes_of, tree_of
from app.settlement.faults import Known, KnownMeasure, faults_of, notes_of
from app.settlement.input_faults import input_faults, lacking
from app.settlement.inputs import Inputs
from tests.settlement.made import EXPECTED, GAIN_SHARE, MEASURES, OVERSPENT, SPLIT, cost, figure, figures, inputs, rules
from tests.settlement.recomputation import recompute


def alone(ramp: dict[str, Any], value: Any, **said: Any) -> Settlement:
    """A year that depends on one measure only."""
    stated = [] if value is None else [figure("M", value=value)]
    made = rules(
        measures=[{"measure": "M", "weight": 1, **ramp}], gain_share=None, allocation={}, annual_value_pence=100, at_risk_share=1, **said
    )
    assert not faults_of(made)
    found = settle(made, Inputs.model_validate({"figures": stated}))
    recompute(tree_of(found.explanation))
    return found


RAMP = {"floor": "0.70", "target": "0.85"}
LOWER = {"floor": 28, "target": 14, "direction": "lower"}
STRETCH = {"floor": "0.70", "target": "0.85", "stretch": "0.90"}
TWO = STRETCH | {"score_at_target": "0.8"}
STEP = {"target": "0.85"}

# ramp, figure, score in hundredths
SCORES: list[tuple[dict[str, Any], str, str]] = [
    (RAMP, "0.69", "0"),
    (RAMP, "0.70", "0"),
    (RAMP, "0.775", "50"),
    (RAMP, "0.85", "100"),
    (RAMP, "0.99", "100"),
    (LOWER, "30", "0"),
    (LOWER, "28", "0"),
    (LOWER, "21", "50"),
    (LOWER, "14", "100"),
    (LOWER, "3", "100"),
    (STRETCH, "0.85", "75"),
    (STRETCH, "0.90", "100"),
    (TWO, "0.775", "40"),
    (TWO, "0.85", "80"),
    (TWO, "0.875", "90"),
    (TWO, "0.95", "100"),
    (STEP, "0.8499", "0"),
    (STEP, "0.85", "100"),
    ({"target": 14, "direction": "lower"}, "14", "100"),
    ({"target": 14, "direction": "lower"}, "14.01", "0"),
]


@pytest.mark.parametrize(("ramp", "value", "score"), SCORES)
def test_scores(ramp: dict[str, Any], value: str, score: str) -> None:
    assert alone(ramp, value).quality.value.value * 100 == Fraction(score)


# treatment, last final figure, quality in hundredths with the other half of the weight at its target
MISSING: list[tuple[str, str | None, int]] = [
    ("zero", None, 50),
    ("zero", "0.775", 50),
    ("reweight", None, 100),
    ("last_final", "0.775", 75),
    ("last_final", None, 50),
]


@pytest.mark.parametrize(("treatment", "last", "quality"), MISSING)
def test_a_missing_measure(treatment: str, last: str | None, quality: int) -> None:
    measures = [{"measure": code, "weight": "0.5", **RAMP} for code in ("M", "N")]
    made = rules(measures=measures, missing=treatment, gain_share=None, allocation={})
    read = Inputs.model_validate({"figures": [figure("M", value="0.85"), figure("N", missing_reason="late", last_final=last)]})
    assert settle(made, read).quality.value.value * 100 == quality


@pytest.mark.parametrize(("treatment", "quality"), [("zero", 0), ("reweight", 0), ("last_final", 0)])
def test_nothing_reported_earns_nothing(treatment: str, quality: int) -> None:
    assert alone(RAMP, None, missing=treatment).quality.value.value == quality


def test_no_money_hangs_on_what_cannot_be_collected() -> None:
    """A measure graded B or C carries no weight; the others keep their proportions, and with none left nothing is paid for quality."""
    graded = {"cwt_62": {"value": "0.10", "grade": "C"}}
    found = settle(rules(), inputs(figures=figures(**graded)))
    others = Fraction("0.2") * Fraction("0.84") + Fraction("0.2") / 2 + Fraction("0.15") * Fraction(2, 3) + Fraction("0.09")
    assert found.quality.value.value == others / Fraction("0.65")
    made = rules(measures=[{"measure": "CWT-62", "weight": 1, **RAMP}])
    assert settle(made, inputs(figures=[figure("CWT-62", value="0.10", grade="B")])).quality.value.value == 0
    assert settle(rules(measures=[]), inputs(figures=[])).quality.value.value == 1


def test_a_measure_that_is_judged_by_month_has_the_mean_of_its_scores() -> None:
    made = rules(measures=[{"measure": "M", "weight": 1, "period": "month", **RAMP}], gain_share=None, allocation={})
    values = {"2029-01": "0.70", "2029-02": "0.775", "2029-03": "0.90", "2029-04": None}
    stated = [figure("M", month=month, value=value, period="month") for month, value in values.items()]
    found = settle(made, Inputs.model_validate({"figures": stated}))
    assert found.quality.value.value == (Fraction(0) + Fraction(1, 2) + 1 + 0) / 4
    assert recompute(tree_of(found.explanation))
    reweighted = settle(made.model_copy(update={"missing": "reweight"}), Inputs.model_validate({"figures": stated}))
    assert reweighted.quality.value.value == Fraction(1, 2)


# actual cost of 1,000,000 expected, first pound, what is counted beyond the deadband of 2 %
DEADBAND: list[tuple[int, str, int]] = [
    (980_000, "threshold", 0),
    (980_000, "from_zero", 0),
    (979_999, "threshold", 1),
    (979_999, "from_zero", 20_001),
    (1_020_000, "threshold", 0),
    (1_020_000, "from_zero", 0),
    (1_050_000, "threshold", 30_000),
    (1_050_000, "from_zero", 50_000),
    (1_000_000, "threshold", 0),
]


@pytest.mark.parametrize(("actual", "first_pound", "counted"), DEADBAND)
def test_the_deadband(actual: int, first_pound: str, counted: int) -> None:
    whole = {
        "share": 1,
        "deadband": "0.02",
        "first_pound": first_pound,
        "least_loss_rate": 1,
        "most_loss_rate": 1,
        "gain_cap": 1,
        "loss_cap": 1,
    }
    found = settle(rules(gain_share=whole, measures=[]), inputs(expected_cost=cost(1_000_000), actual_cost=cost(actual)))
    assert found.elements["gain" if actual < 1_000_000 else "loss"].pence.value == counted


# gate, completeness, whether a gain is paid (quality is 0.6351)
GATES: list[tuple[dict[str, Any], str | None, bool]] = [
    ({}, None, True),
    ({"quality": "0.63"}, None, True),
    ({"quality": "0.64"}, None, False),
    ({"completeness": "0.95"}, "0.95", True),
    ({"completeness": "0.95"}, "0.9499", False),
    ({"completeness": "0.95"}, None, False),
    ({"mandatory": [{"measure": "CWT-FDS", "threshold": "0.75"}]}, None, True),
    ({"mandatory": [{"measure": "CWT-FDS"}]}, None, False),
    ({"mandatory": [{"measure": "CWT-FDS", "threshold": "0.75"}, {"measure": "CWT-62"}]}, None, False),
]


@pytest.mark.parametrize(("gate", "completeness", "paid"), GATES)
def test_the_gate_keeps_gains_back_and_no_losses(gate: dict[str, Any], completeness: str | None, paid: bool) -> None:
    found = settle(rules(gate=gate), inputs(completeness=completeness))
    assert (found.elements["gain"].pence.value > 0) is paid
    assert found.gate is not None
    assert found.gate.value == paid
    assert recompute(tree_of(found.explanation))
    assert settle(rules(gate=gate), inputs(OVERSPENT, completeness=completeness)).elements["loss"].pence.value == 171_501_286


def test_nothing_hangs_on_what_cannot_be_collected() -> None:
    """As no weight: no gain is kept back for it, and no consequence follows from it."""
    made = rules(
        gate={"mandatory": [{"measure": "CWT-62"}]},
        consequences={"applies": True, "lines": [{"measure": "CWT-62", "threshold": "0.85", "pence_each": 100_000}]},
    )
    for grade, passed, consequences in (("A", False, 3_935_000), ("B", True, 0), ("C", True, 0)):
        found = settle(made, inputs(figures=figures(cwt_62={"numerator": 412, "denominator": 531, "grade": grade})))
        assert found.gate is not None
        assert (bool(found.gate.value), int(found.elements["consequences"].pence.value)) == (passed, consequences), grade
        assert recompute(tree_of(found.explanation))


def test_what_was_final_last_says_where_it_was_published() -> None:
    source = {"publication": 7, "row": "/row-of-may", "cells": "/cells-of-may"}
    late = {"missing_reason": "late", "last_final": "0.8", "last_final_month": "2029-05", "last_final_source": source}
    found = nodes_of(settle(rules(missing="last_final"), inputs(figures=figures(cwt_62=late))).explanation)["figure.CWT-62"]
    assert found.source is not None
    assert {name: found.source[name] for name in ("kind", "month", "publication", "row")} == {
        "kind": "last_final",
        "month": "2029-05",
        "publication": 7,
        "row": "/row-of-may",
    }


def test_a_mandatory_measure_that_is_missing_is_not_reached() -> None:
    made = rules(gate={"mandatory": [{"measure": "CWT-62", "threshold": 0}]})
    assert settle(made, inputs(figures=figures(cwt_62={}))).elements["gain"].pence.value == 0


# quality's part of the loss rate: share, bounds, rate at Q = 0.6351 (1 - 0.5 x 0.6351 = 0.6825)
RATES: list[tuple[dict[str, Any], str]] = [
    ({}, "0.6825"),
    ({"most_loss_rate": "0.60"}, "0.6000"),
    ({"least_loss_rate": "0.70"}, "0.7000"),
    ({"by_quality": False}, "0.5000"),
]


@pytest.mark.parametrize(("said", "rate"), RATES)
def test_the_loss_rate_and_its_bounds(said: dict[str, Any], rate: str) -> None:
    found = settle(rules(gain_share=GAIN_SHARE | said), inputs(OVERSPENT))
    exact = found.elements["loss"].exact.value / (Fraction(OVERSPENT - EXPECTED) - Fraction(EXPECTED, 100))
    assert round(exact, 4) == Fraction(rate)


def test_caps() -> None:
    found = settle(rules(gain_share=GAIN_SHARE | {"gain_cap": "0.002", "loss_cap": "0.001"}), inputs())
    assert found.elements["gain"].pence.value == EXPECTED * 2 // 1000
    assert settle(rules(gain_share=GAIN_SHARE | {"loss_cap": "0.001"}), inputs(OVERSPENT)).elements["loss"].pence.value == EXPECTED // 1000


def test_indexation_is_within_its_bounds() -> None:
    factors = [
        {"code": "inflation", "applies_to": ["annual_value", "expected_cost"], "factor": "1.02"},
        {"code": "risk", "applies_to": ["expected_cost"], "least": "0.97", "most": "1.03"},
    ]
    said: dict[str, Any] = {"factors": [{"code": "risk", "factor": "1.05", "source": "Actuary"}]}
    found = settle(rules(indexation=factors), inputs(**said))
    assert found.elements["fixed_fee"].exact.value == Fraction(EXPECTED) * Fraction("1.02") * Fraction("0.95")
    assert found.elements["gain"].exact.value > settle(rules(), inputs()).elements["gain"].exact.value
    assert recompute(tree_of(found.explanation))
    assert [fault.code for fault in lacking(rules(indexation=factors), inputs())] == ["factor_missing"]


def test_a_factor_within_bounds_applies_to_both() -> None:
    bounded = {"code": "pay", "applies_to": ["annual_value", "expected_cost"], "factor": "1.2", "least": "1", "most": "1.1"}
    found = settle(rules(indexation=[bounded]), inputs())
    assert recompute(tree_of(found.explanation))
    assert {nodes_of(found.explanation)[name].value for name in ("annual_value", "expected_cost")} == {Fraction(EXPECTED) * Fraction("1.1")}


def test_consequences_are_off_unless_they_apply() -> None:
    """531 treated, 412 in time: 119 breaches, 79.65 allowed, 39.35 in excess at £1,000 each."""
    lines = [{"measure": "CWT-62", "threshold": "0.85", "pence_each": 100_000}]
    assert "consequences" not in settle(rules(consequences={"lines": lines}), inputs()).elements
    found = settle(rules(consequences={"applies": True, "lines": lines}), inputs())
    assert found.elements["consequences"].pence.value == 3_935_000
    lacking_counts = inputs(figures=figures(cwt_62={"denominator": 531}))
    assert settle(rules(consequences={"applies": True, "lines": lines}), lacking_counts).elements["consequences"].pence.value == 0
    capped = settle(rules(consequences={"applies": True, "cap": "0.0001", "lines": lines}), inputs())
    assert capped.elements["consequences"].pence.value == EXPECTED // 10_000
    assert sum(line.total_pence for line in capped.lines) == 0


# basis, rate, recoverable, of 1,000 pence what cannot be recovered
TAX: list[tuple[str, str, str | None, int | None]] = [
    ("net", "0.2", "0", 200),
    ("net", "0.2", "0.75", 50),
    ("gross", "0.25", "0", 200),
    ("net", "0.2", "1", 0),
    ("net", "0.2", None, None),
]


@pytest.mark.parametrize(("basis", "rate", "recoverable", "lost"), TAX)
def test_tax_that_is_not_recoverable(basis: str, rate: str, recoverable: str | None, lost: int | None) -> None:
    vat = {"basis": basis, "rate": rate, "integrator": recoverable}
    made = rules(annual_value_pence=1000, at_risk_share=0, measures=[], gain_share=None, allocation={}, vat=vat)
    (line,) = settle(made, inputs(figures=[])).vat
    assert line.irrecoverable_pence == lost


def test_pennies_go_to_the_largest_remainder_then_the_larger_amount_then_the_first() -> None:
    subcontracts = [{"subcontract": code, "outcome": "0.25"} for code in ("SC-C", "SC-A", "SC-B")]
    made = rules(annual_value_pence=6, at_risk_share=1, measures=[], gain_share=None, allocation={"subcontracts": subcontracts})
    found = settle(made, inputs(figures=[]))
    assert {line.party.name: line.total_pence for line in found.lines} == {
        "integrator": 2,
        "subcontract.SC-A": 2,
        "subcontract.SC-B": 1,
        "subcontract.SC-C": 1,
        "commissioner.all": -6,
    }


def test_every_fault_is_named_at_once() -> None:
    measures = [
        {"measure": "A", "weight": "0.5", "floor": "0.9", "target": "0.8"},
        {"measure": "A", "weight": "0.4", "target": "0.8", "stretch": "0.7"},
        {"measure": "B", "weight": "0.2", "target": "0.8", "score_at_target": "0.5"},
        {"measure": "C", "weight": "0", "floor": 10, "target": 20, "direction": "lower"},
    ]
    made = rules(
        contract_year=11,
        at_risk_share=[{"contract_year": 1, "share": 0}],
        measures=measures,
        gain_share=GAIN_SHARE | {"least_loss_rate": "0.8"},
        gate={"mandatory": [{"measure": "Z"}]},
        indexation=[{"code": "x", "applies_to": ["annual_value", "annual_value"], "least": "1.1", "most": "1.0"}],
        allocation={
            "subcontracts": [{"subcontract": "SC-A", "gain": "0.9"}, {"subcontract": "SC-X", "gain": "0.2"}],
            "commissioners": [{"commissioner": "05W", "share": "0.9"}],
        },
    )
    found = [
        (fault.code, fault.pointer) for fault in faults_of(made, Known({"A": KnownMeasure(), "B": KnownMeasure()}, set(SPLIT), {"04Y"}, 10))
    ]
    assert sorted(found, key=str) == sorted(
        [
            ("repeated", "/measures/1"),
            ("weights", "/measures"),
            ("shares", "/allocation/subcontracts"),
            ("shares", "/allocation/commissioners"),
            ("no_share", "/at_risk_share"),
            ("ramp", "/measures/0/target"),
            ("ramp", "/measures/1/stretch"),
            ("no_floor", "/measures/1/floor"),
            ("no_stretch", "/measures/2/score_at_target"),
            ("ramp", "/measures/3/target"),
            ("reversed", "/gain_share/most_loss_rate"),
            ("reversed", "/indexation/0/most"),
            ("repeated", "/indexation/0/applies_to"),
            ("unknown_measure", "/gate/mandatory/0/measure"),
            ("unknown_year", "/contract_year"),
            ("unknown_measure", "/measures/3/measure"),
            ("unknown_subcontract", "/allocation/subcontracts/1/subcontract"),
            ("unknown_commissioner", "/allocation/commissioners/0/commissioner"),
        ],
        key=str,
    )
    assert all(fault.detail.endswith(".") and fault.fix.endswith(".") for fault in faults_of(made))


def test_what_a_live_settlement_lacks() -> None:
    provisional = figures(cwt_62={"numerator": 412, "denominator": 531, "status": "provisional"})
    read = inputs(figures=provisional, actual_cost=None, expected_cost=cost(0, approved_by=None))
    assert [(fault.code, fault.pointer) for fault in lacking(rules(), read, live=True)] == [
        ("cost_not_approved", "/expected_cost/approved_by"),
        ("cost_missing", "/actual_cost"),
        ("cost_zero", "/expected_cost/pence"),
        ("not_final", "/figures/0/status"),
    ]
    assert not lacking(rules(), inputs(figures=provisional))


def test_codes_may_hold_dots_and_names_stay_apart() -> None:
    """Subcontracts and measures whose codes look like parts of other names are explained without confusion."""
    codes = ["M", "M.to_target", "M.reached"]
    measures = [
        {"measure": code, "weight": weight, "floor": "0.7", "target": "0.8", "stretch": "0.9", "score_at_target": "0.5"}
        for code, weight in zip(codes, ("0.5", "0.3", "0.2"), strict=True)
    ]
    subcontracts = [{"subcontract": code, "gain": "0.3", "loss": "0.3"} for code in ("SC-A", "SC-A.gain", "SC-A.exact")]
    made = rules(measures=measures, allocation={"subcontracts": subcontracts}, gate={"mandatory": [{"measure": code} for code in codes]})
    stated = [figure(code, month=month, numerator=17, denominator=20) for code in codes for month in ("2029-05", "2029-06")]
    found = settle(made, inputs(figures=stated))
    assert recompute(tree_of(found.explanation))
    twice = inputs(figures=[figure("M", value=1), figure("M", value=2)], actual_cost=cost(1))
    assert [(fault.code, fault.pointer) for fault in lacking(rules(), twice)] == [("repeated", "/figures/1")]


def test_a_source_leads_to_the_publication_and_the_cells() -> None:
    source = {"publication": 7, "row": "/v1/programmes/p/observations?measure=CWT-62", "cells": "/v1/programmes/p/reports/2029-06/sources"}
    stated = figures(cwt_62={"numerator": 412, "denominator": 531, "source": source})
    found = settle(rules(), inputs(figures=stated))
    (numerator,) = [node for node in _given(found.explanation) if node.name == "numerator.CWT-62"]
    assert numerator.source is not None
    assert {**source, "kind": "publication", "month": "2029-06", "status": "final"}.items() <= numerator.source.items()
    assert numerator.value == Decimal(412)


def _given(node: Node) -> set[Node]:
    return {node} if not node.parts else set().union(*(_given(part) for part in node.parts))


def test_what_pays_live_is_final_be_it_scored_or_counted() -> None:
    """A consequence of a provisional figure would be paid on it as a score would."""
    line = {"measure": "CWT-31", "threshold": "0.96", "pence_each": 100}
    read = inputs(figures=[*figures(), figure("CWT-31", numerator=9, denominator=10, status="provisional")])
    for applies, codes in ((True, ["not_final"]), (False, [])):
        made = rules(consequences={"applies": applies, "lines": [line]})
        assert [each.code for each in lacking(made, read, live=True)] == codes


MONTHS = [Month.parse(f"2029-{number:02d}") for number in range(1, 5)]


def factor(**said: str) -> dict[str, Any]:
    return {"indexation": [{"code": "prices", "applies_to": ["annual_value"], **said}]}


@pytest.mark.parametrize(
    ("said", "payments", "noted"),
    [
        ({}, ["live"] * 4, []),
        ({"measures": []}, ["live"] * 4, [("nothing_scored", "/measures")]),
        ({"measures": [], "at_risk_share": 0}, ["live"] * 4, []),
        ({"consequences": {"applies": True}}, ["live"] * 4, [("no_consequences", "/consequences/lines")]),
        ({"missing": "last_final", "gate": {"mandatory": [{"measure": "CWT-62"}]}}, [], [("gate_asks_own", "/gate/mandatory/0/measure")]),
        ({"missing": "reweight", "gate": {"mandatory": [{"measure": "CWT-62"}]}}, [], []),
        (factor(factor="1.05", most="1.03"), [], [("beyond_bounds", "/indexation/0/factor")]),
        (factor(factor="0.9", least="1"), [], [("beyond_bounds", "/indexation/0/factor")]),
        (factor(factor="1.03", least="1", most="1.03"), [], []),
        (factor(most="1.03"), [], []),
        ({}, ["shadow", "shadow", "live", "live"], [("phase_payment", "/mode")]),
        ({"mode": "shadow"}, ["off", "shadow", "live", "live"], [("phase_payment", "/mode")] * 2),
        ({"mode": "shadow"}, ["shadow"] * 4, []),
        ({"mode": "off"}, ["live"] * 4, []),
        ({}, [None] * 4, [("phase_payment", "/mode")]),
    ],
)
def test_what_decides_nothing_or_is_not_paid_is_noted(said: dict[str, Any], payments: list[Any], noted: list[tuple[str, str]]) -> None:
    known = Known(
        {code: KnownMeasure() for code, *_ in MEASURES}, set(SPLIT), (), 10, payments=lambda _: list(zip(MONTHS, payments, strict=False))
    )
    made = rules(**said)
    notes = notes_of(made, known)
    assert [(note.code, note.pointer) for note in notes] == noted
    assert not faults_of(made, known)
    assert all(note.detail.endswith(".") and note.fix.endswith(".") for note in notes)


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ({"value": "0.5", "lower": "0.6", "upper": "0.7"}, ["lower"]),
        ({"numerator": 1, "denominator": 3, "lower": "0.2", "upper": "0.3"}, ["upper"]),
        # Limits are published to six places: a figure of all its denominator, or of a third of it, is not outside them.
        ({"numerator": 1, "denominator": 3, "lower": "0.2", "upper": "0.333333"}, []),
        ({"numerator": 3, "denominator": 3, "lower": "0.9", "upper": "1"}, []),
        ({"lower": "0.6", "upper": "0.7"}, []),
    ],
)
def test_a_figure_that_is_sent_lies_within_its_own_limits(said: dict[str, Any], places: list[str]) -> None:
    """Else the band around its payment would not hold the payment."""
    read = inputs(figures=[figure("CWT-62", **said)])
    found = input_faults(rules(), read, Known({}, (), (), 10), ())
    assert [fault.pointer for fault in found if fault.code == "outside_limits"] == [f"/figures/0/{place}" for place in places]


def test_the_gate_asks_for_the_year_s_own_figure() -> None:
    """A mandatory measure that is missing is not reached, though its score is that of its last final figure."""
    read = inputs(figures=figures(cwt_62={"last_final": "0.9"}))
    made = rules(missing="last_final", gate={"mandatory": [{"measure": "CWT-62"}]})
    found = settle(made, read)
    assert found.quality.measures[0].score is not None
    assert found.quality.measures[0].score.value == 1
    assert found.gate is not None
    assert found.gate.value == 0
