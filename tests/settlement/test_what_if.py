"""What would be: bands of chance, changes and their difference, sweeps, true-ups and suspense."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from app.kernel.refusals import Fault
from app.settlement.bands import bands_of
from app.settlement.changed import changed_by
from app.settlement.changes import Changes
from app.settlement.computation import Settlement, settle
from app.settlement.domain import SettlementRules
from app.settlement.explanation import tree_of
from app.settlement.faults import Known, KnownMeasure
from app.settlement.inputs import Inputs
from app.settlement.simulate_actions import notes_of_changes
from app.settlement.true_up import Dispute, amounts_of, causes, dues, true_up
from app.settlement.what_if import Sweep, WhatIf, sweep, what_if
from tests.settlement.made import MEASURES, SAVED, figures, inputs, rules, settled
from tests.settlement.recomputation import recompute
from tests.settlement.test_properties import enough
from tests.settlement.test_year import APRIL


def changed(changes: dict[str, Any], made: SettlementRules | None = None, read: Inputs | None = None) -> WhatIf:
    found = what_if(made or rules(), read or inputs(), Changes.model_validate(changes))
    assert isinstance(found, WhatIf), found
    assert sum(found.difference_pence.values()) == 0
    assert recompute(tree_of(found.after.explanation))
    return found


def million(pence: int | None) -> str:
    return f"{Decimal(pence or 0).scaleb(-8):.3f}"


def test_the_band_of_the_worked_example() -> None:
    """62-day: 73.85 to 80.93 % by chance, so £0.309m to £0.876m around £0.608m. What has no interval has no band."""
    made, read = rules(), inputs()
    first, second, *_ = bands_of(made, read, settle(made, read))
    assert [million(each) for each in (first.lower_pence, first.pence, first.upper_pence)] == ["0.309", "0.608", "0.876"]
    assert first.total_lower_pence is not None
    assert first.total_upper_pence is not None
    # The gain is shared by quality too, so all that is paid moves by more than the measure's own part.
    assert first.total_lower_pence < 6_802_223_133 - (first.pence - (first.lower_pence or 0))
    assert first.total_upper_pence > 6_802_223_133
    assert (second.pence, second.lower_pence, second.total_upper_pence) == (round(343_500_000 * Fraction("0.168")), None, None)


def test_a_band_counts_the_breaches_that_its_end_would_mean() -> None:
    """A measure that has consequences too keeps them at either end of its interval: by its denominator, as many breaches as the end would be."""
    lines = [{"measure": "CWT-62", "threshold": "0.8", "pence_each": 100_000}]
    made, read = rules(consequences={"applies": True, "lines": lines}), inputs()
    band = bands_of(made, read, settle(made, read))[0]
    for end, total in (("0.738518", band.total_lower_pence), ("0.809308", band.total_upper_pence)):
        there = read.model_copy(
            update={"figures": inputs(figures=figures(cwt_62={"numerator": Decimal(end) * 531, "denominator": 531})).figures}
        )
        assert total == settle(made, there).total_pence


def test_the_bands_of_all_measures_are_the_outcome_element() -> None:
    made, read = rules(), inputs()
    found = settle(made, read)
    assert abs(sum(band.pence for band in bands_of(made, read, found)) - int(found.elements["outcome"].pence.value)) <= 3


# changes, what the provider's side would be paid more or less
CHANGES: list[tuple[dict[str, Any], int]] = [
    ({}, 0),
    ({"at_risk_share": 0}, 125_347_527),
    ({"gain_share": {"share": 0}}, -57_570_660),
    ({"gain_share": {"share": 1}}, 57_570_660),
    ({"gain_share": {"gain_cap": 0}}, -57_570_660),
    ({"actual_cost_pence": 6_870_000_000}, -57_570_660),
    ({"quality_minimum": "0.7"}, -57_570_660),
    ({"completeness_minimum": "0.7"}, -57_570_660),
    ({"completeness_minimum": "0.7", "completeness": "0.8"}, 0),
    ({"measures": [{"measure": "CWT-FDS", "floor": "0.704", "target": "0.784"}]}, 343_500_000 * 32 // 1000 + 90_650_000 * 32 // 1000),
    ({"figures": [{"measure": "CWT-FDS", "value": "0.80"}]}, 343_500_000 * 32 // 1000 + 90_650_000 * 32 // 1000),
    ({"subcontracts": [{"subcontract": "SC-A", "gain": 0}]}, 0),
]


@pytest.mark.parametrize(("changes", "more"), CHANGES)
def test_changes(changes: dict[str, Any], more: int) -> None:
    found = changed(changes)
    assert found.after.total_pence - found.before.total_pence == more
    assert bool(found.moved) is bool(changes)


def test_what_moved_is_named_from_the_pounds_down() -> None:
    found = changed({"gain_share": {"share": "0.6"}})
    names = [each.name for each in found.moved]
    assert names[:2] == ["providers", "commissioners"]
    assert names.index("subcontract.SC-A:gain") < names.index("gain_share.share")
    (rate,) = [each for each in found.moved if each.name == "gain_share.share"]
    assert (rate.before, rate.after, rate.unit) == ("0.5", "0.6", "share")


def test_a_weight_alone_leaves_the_others_their_proportions() -> None:
    found = changed({"measures": [{"measure": "CWT-62", "weight": "0.5"}]})
    score = Fraction(403, 10) / Fraction("79.65")
    rest = Fraction("0.2") * Fraction("0.84") + Fraction("0.1") + Fraction("0.1") + Fraction("0.09")
    assert found.after.quality.value.value == score / 2 + rest / Fraction("0.65") / 2
    named = [{"measure": code, "weight": weight} for code, weight in (("CWT-62", "0.45"), ("CWT-FDS", "0.10"))]
    assert [each.weight for each in changed({"measures": named}).rules.measures[:2]] == [Fraction("0.45"), Fraction("0.1")]


CONTRIBUTIONS = [
    {"subcontract": "SC-A", "numerator": 300, "denominator": 400},
    {"subcontract": "SC-B", "numerator": 112, "denominator": 131},
]


def pooled() -> Inputs:
    own = {"numerator": 412, "denominator": 531, "interval": "wilson_95", "lower": "0.738518", "upper": "0.809308"}
    covered = [
        {"subcontract": "SC-A", "share": "0.7"},
        {"subcontract": "SC-B", "share": "0.2"},
        {"subcontract": "SC-C", "share": "0.1", "included": False},
    ]
    return inputs(figures=figures(cwt_62=own | {"by_subcontract": CONTRIBUTIONS}), completeness="0.9", covered=covered)


def test_a_missing_trust_takes_its_patients_and_its_coverage_with_it() -> None:
    found = changed({"missing_subcontracts": ["SC-A"]}, read=pooled())
    figure = found.inputs.figures[0]
    assert figure.exact == Fraction(112, 131)
    assert (figure.lower, figure.upper) != (pooled().figures[0].lower, pooled().figures[0].upper)
    assert found.inputs.completeness == Fraction("0.2")
    none_left = changed({"missing_subcontracts": ["SC-A", "SC-B"]}, read=pooled())
    assert none_left.inputs.figures[0].exact is None
    assert none_left.after.total_pence < found.before.total_pence


def test_a_late_return_adds_its_patients_and_its_coverage() -> None:
    late = {"subcontract": "SC-C", "measure": "CWT-62", "numerator": 88, "denominator": 100}
    found = changed({"late_returns": [late]}, read=pooled())
    assert found.inputs.figures[0].exact == Fraction(500, 631)
    assert found.inputs.completeness == 1
    again = changed({"late_returns": [late | {"subcontract": "SC-B"}]}, read=pooled())
    assert again.inputs.figures[0].exact == Fraction(388, 500)


def test_everything_wrong_with_changes_is_named() -> None:
    wrong = Changes.model_validate(
        {
            "measures": [{"measure": "NO", "weight": 1}, {"measure": "CWT-62", "weight": "0.5"}],
            "subcontracts": [{"subcontract": "NO"}],
            "figures": [{"measure": "NO", "value": 1}],
            "late_returns": [{"subcontract": "SC-A", "measure": "NO", "numerator": 1}],
            "missing_subcontracts": ["NO"],
        }
    )
    _, faults = changed_by(rules(), inputs(), wrong)
    assert [(fault.code, fault.pointer) for fault in faults] == [
        ("unknown_measure", "/changes/measures/0/measure"),
        ("unknown_subcontract", "/changes/subcontracts/0/subcontract"),
        ("unknown_measure", "/changes/figures/0/measure"),
        ("unknown_measure", "/changes/late_returns/0/measure"),
        ("unknown_subcontract", "/changes/missing_subcontracts/0"),
        ("weights", "/changes/measures"),
    ]
    both = {"measures": [{"measure": "NO"}, {"measure": "CWT-62", "floor": "0.9"}], "expected_cost_pence": 0}
    _, faults = changed_by(rules(), inputs(), Changes.model_validate(both))
    assert [fault.code for fault in faults] == ["unknown_measure", "ramp", "cost_zero"]


@enough
@given(settled())
def test_no_change_moves_nothing(case: tuple[SettlementRules, Inputs]) -> None:
    found = what_if(*case, Changes())
    assert isinstance(found, WhatIf)
    assert not found.moved


# parameter, values, what the provider's side is paid beyond the first value
SWEEPS: list[tuple[dict[str, Any], list[Any]]] = [
    ({"member": "at_risk_share"}, ["0", "0.05", "0.1"]),
    ({"member": "actual_cost_pence"}, [6_600_000_000, 6_700_000_000, 7_100_000_000]),
    ({"of": "gain_share", "member": "share"}, ["0.6", "0.5", "0"]),
    ({"of": "measures", "code": "CWT-62", "member": "target"}, ["0.78", "0.80", "0.85", "0.90"]),
    ({"of": "figures", "code": "CWT-FDS", "member": "value"}, ["0.80", "0.75", "0.6"]),
]


@pytest.mark.parametrize(("asked", "values"), SWEEPS)
def test_a_parameter_is_swept(asked: dict[str, Any], values: list[Any]) -> None:
    found = sweep(rules(), inputs(), Changes(), Sweep.model_validate({**asked, "values": values}))
    totals = [each.total_pence for each in found if isinstance(each, Settlement)]
    assert len(totals) == len(values)
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) > 1


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"member": "nothing"}, "unknown_member", "/sweep/member"),
        ({"of": "measures", "code": "CWT-62", "member": "target_"}, "unknown_member", "/sweep/member"),
        ({"of": "measures", "code": "NO", "member": "target", "values": ["0.8", "0.9"]}, "unknown_measure", "/sweep/code"),
        ({"of": "measures", "member": "target"}, "code_missing", "/sweep/code"),
        ({"member": "at_risk_share", "values": [1, 2]}, "sweep", "/sweep/values/1"),
        ({"member": "missing"}, "unknown_member", "/sweep/member"),
        ({"of": "figures", "code": "CWT-62", "member": "month"}, "unknown_member", "/sweep/member"),
        ({"of": "gain_share", "code": "CWT-62", "member": "share"}, "code_unused", "/sweep/code"),
    ],
)
def test_a_parameter_that_is_not_there_is_named(asked: dict[str, Any], code: str, pointer: str) -> None:
    found = sweep(rules(), inputs(), Changes(), Sweep.model_validate({"values": [1], **asked}))
    assert [(each.code, each.pointer) for each in found if isinstance(each, Fault)] == [(code, pointer)]


def test_a_true_up_is_what_is_left_and_says_why() -> None:
    before, after = inputs(), inputs(figures=figures(cwt_62={"numerator": 420, "denominator": 531}))
    settled_amounts, anew = (amounts_of(settle(rules(), each)) for each in (before, after))
    first = true_up([settled_amounts], anew)
    assert sum(pence for of in first.values() for pence in of.values()) == 0
    assert set(first) == {"integrator", *(f"subcontract.SC-{letter}" for letter in "ABCD"), "commissioner.all"}
    assert true_up([settled_amounts, first], anew) == {}
    back = true_up([settled_amounts, first], settled_amounts)
    assert back == {party: {element: -pence for element, pence in of.items()} for party, of in first.items()}
    (cause,) = causes(before, after, methods=("4", "4"))
    assert cause.sentence == "The figure of CWT-62 for 2029-06 was 412/531 and is 420/531."
    assert [each.kind for each in causes(before, inputs(SAVED + 1, completeness="0.9"), methods=("4", "4"))] == [
        "actual_cost",
        "completeness",
    ]
    (method,) = causes(before, before, methods=("3", "4"))
    assert (method.sentence, method.told) == (
        "The method of settlement was version 3 and is version 4.",
        "The method of settlement is another.",
    )


def test_what_is_disputed_is_held_in_suspense() -> None:
    standing = [amounts_of(settle(rules(), inputs()))]
    found = {
        due.party: due for due in dues(standing, [Dispute("subcontract.SC-A", "gain"), Dispute("subcontract.SC-D", "gain")], mode="live")
    }
    assert (found["subcontract.SC-A"].payable_pence, found["subcontract.SC-A"].suspense_pence) == (0, 31_663_863)
    assert found["subcontract.SC-D"].suspense_pence == 4_605_653
    assert found["subcontract.SC-B"].payable_pence == found["subcontract.SC-B"].total_pence == 14_392_665
    assert found["commissioner.all"].suspense_pence == -(31_663_863 + 4_605_653)
    assert sum(due.suspense_pence for due in found.values()) == sum(due.payable_pence for due in found.values()) == 0


def test_a_dispute_of_who_pays_holds_back_who_is_paid() -> None:
    """Lines of both sides in dispute are held once, and the rest of the larger is shared out between those that nobody disputes."""
    lines = {"integrator": {"gain": 30}, "subcontract.A": {"gain": 20}, "subcontract.B": {"gain": 11}}
    payers = {"commissioner.X": {"gain": -40}, "commissioner.Y": {"gain": -21}}
    found = dues([lines | payers], [Dispute("commissioner.X", "gain"), Dispute("subcontract.A", "gain")], mode="live")
    held = {due.party: due.suspense_pence for due in found}
    assert held == {"integrator": 15, "subcontract.A": 20, "subcontract.B": 5, "commissioner.X": -40, "commissioner.Y": 0}
    assert sum(due.payable_pence for due in found) == 0


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_nothing_is_payable_unless_it_is_live(mode: Any) -> None:
    assert {due.payable_pence for due in dues([amounts_of(settle(rules(), inputs()))], [], mode=mode)} == {0}


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"figures": [{"measure": "CWT-62", "month": "2020-01", "value": "0.8"}]}, "unknown_month", "/changes/figures/0/month"),
        ({"figures": [{"measure": "CWT-62", "numerator": 1, "denominator": 0}]}, "denominator", "/changes/figures/0/denominator"),
        ({"figures": [{"measure": "CWT-62", "value": 85}]}, "outside_unit", "/changes/figures/0"),
        ({"measures": [{"measure": "CWT-62", "target": "0.8"}] * 2}, "repeated", "/changes/measures/1"),
        (
            {"late_returns": [{"measure": "CWT-62", "subcontract": "NO", "numerator": 1, "denominator": 2}]},
            "unknown_subcontract",
            "/changes/late_returns/0/subcontract",
        ),
    ],
)
def test_changes_that_cannot_be(changes: dict[str, Any], code: str, pointer: str) -> None:
    _, faults = changed_by(rules(), inputs(), Changes.model_validate(changes), measures={"CWT-FDS": KnownMeasure(is_share=True)})
    assert (code, pointer) in [(each.code, each.pointer) for each in faults]


@pytest.mark.parametrize(
    ("change", "made_of", "code", "pointer"),
    [
        ({"figures": [{"numerator": 5}]}, None, "denominator", "/changes/figures/0/denominator"),
        ({"figures": [{"denominator": 5}]}, None, "numerator", "/changes/figures/0/numerator"),
        ({"figures": [{"numerator": 5}]}, "count", "numerator", "/changes/figures/0/numerator"),
        ({"figures": [{"numerator": 5, "denominator": 6}]}, "neither", "denominator", "/changes/figures/0/denominator"),
        ({"late_returns": [{"subcontract": "SC-A", "numerator": 5}]}, "ratio", "denominator", "/changes/late_returns/0/denominator"),
        (
            {"late_returns": [{"subcontract": "SC-A", "numerator": 5, "denominator": 6}]},
            "count",
            "denominator",
            "/changes/late_returns/0/denominator",
        ),
        ({"late_returns": [{"subcontract": "SC-A", "numerator": 5}]}, "neither", "not_additive", "/changes/late_returns/0/measure"),
    ],
)
def test_what_leaves_a_missing_figure_missing_is_refused(change: dict[str, Any], made_of: Any, code: str, pointer: str) -> None:
    of_62 = {member: [{"measure": "CWT-62", **each} for each in lines] for member, lines in change.items()}
    read = inputs(figures=figures(cwt_62={}))
    _, faults = changed_by(rules(), read, Changes.model_validate(of_62), measures={"CWT-62": KnownMeasure(made_of=made_of)})
    assert (code, pointer) in [(each.code, each.pointer) for each in faults]


def test_a_count_grows_and_shrinks_by_what_each_reports() -> None:
    parts = [{"subcontract": "SC-A", "numerator": 7}, {"subcontract": "SC-B", "numerator": 5}]
    read = inputs(figures=figures(cpes_overall={"value": 12, "by_subcontract": parts}))
    late = changed({"late_returns": [{"subcontract": "SC-C", "measure": "CPES-OVERALL", "numerator": 3}]}, read=read)
    missing = changed({"missing_subcontracts": ["SC-A"]}, read=read)
    assert [found.inputs.figures[3].exact for found in (late, missing)] == [15, 5]


def test_what_a_change_does_not_do_is_noted() -> None:
    """A late return of somebody who by the contract reports nothing, and a median that nobody can be taken out of."""
    late = [{"subcontract": code, "measure": "CWT-62", "numerator": 1, "denominator": 2} for code in ("SC-A", "SC-C")]
    changes = Changes.model_validate({"late_returns": late, "missing_subcontracts": ["SC-B"]})
    known = Known({code: KnownMeasure(made_of="neither" if code == "CPES-OVERALL" else "ratio") for code, *_ in MEASURES}, (), (), 10)
    notes = notes_of_changes(APRIL, pooled(), changes, known)
    assert [(note.code, note.pointer) for note in notes] == [
        ("reports_nothing", "/changes/late_returns/1/subcontract"),
        ("kept_whole", "/changes/missing_subcontracts/0"),
    ]
    assert "CPES-OVERALL" in notes[1].detail
