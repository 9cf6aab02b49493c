"""What holds of any rules and any inputs: money is conserved, a better figure never pays less, caps hold, order does not matter."""

from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from app.settlement.computation import Settlement, settle
from app.settlement.domain import SettlementRules
from app.settlement.explanation import nodes_of, shared_out, tree_of
from app.settlement.faults import faults_of
from app.settlement.input_faults import lacking
from app.settlement.inputs import Inputs
from tests.settlement.made import settled
from tests.settlement.recomputation import recompute

Case = tuple[SettlementRules, Inputs]

# A modest number in the suite; `make settlement` asks for ten thousand of each.
asked = settings.get_current_profile_name()
enough = settings(max_examples=10_000 if asked == "ten_thousand" else 30)


@enough
@given(settled())
def test_nothing_is_lost_and_nothing_made(case: Case) -> None:
    made, read = case
    assert not faults_of(made)
    assert not lacking(made, read)
    found = settle(made, read)
    assert sum(line.total_pence for line in found.lines) == 0
    for element, pool in found.elements.items():
        of = {line.party.kind == "commissioner": 0 for line in found.lines}
        for line in found.lines:
            of[line.party.kind == "commissioner"] += line.pence.get(element, 0)
        assert abs(of[True]) == abs(of[False]) == pool.pence.value
        assert of[True] + of[False] == 0
        assert abs(pool.exact.value - pool.pence.value) < 1
    whole = int(found.elements["fixed_fee"].pence.value + found.elements["outcome"].pence.value) + found.withheld_pence
    assert whole == round(value_of(found, "annual_value"))
    assert recompute(tree_of(found.explanation))


def value_of(settlement: Settlement, name: str) -> Fraction:
    return nodes_of(settlement.explanation)[name].value


@enough
@given(settled())
def test_every_line_is_within_a_penny_of_its_exact_share(case: Case) -> None:
    for line in settle(*case).lines:
        for part in line.node.parts:
            owed = part.parts[0] if part.formula == "negative" else part
            if owed.formula == "largest_remainder":
                exact = owed.parts[2 + int(owed.parts[1].value)]
                assert abs(exact.value - owed.value) < 1


@enough
@given(settled(), st.integers(0, 10), st.integers(1, 50))
def test_a_better_figure_never_pays_less(case: Case, which: int, better: int) -> None:
    made, read = case
    if not read.figures:
        return
    at = which % len(read.figures)
    figure = read.figures[at]
    direction = next(each.direction for each in made.measures if each.measure == figure.measure)
    moved = (figure.numerator or Decimal(0)) + (better if direction == "higher" else -better)
    moved = min(max(moved, Decimal(0)), figure.denominator or Decimal(0))
    # Consequences count breaches whichever way a measure is better, so they are judged by themselves.
    made = made.model_copy(update={"consequences": made.consequences.model_copy(update={"applies": False})})
    improved = (*read.figures[:at], figure.model_copy(update={"numerator": moved}), *read.figures[at + 1 :])
    before, after = settle(made, read), settle(made, read.model_copy(update={"figures": improved}))
    assert after.total_pence >= before.total_pence
    assert exact_of(after) >= exact_of(before)
    for old, new in zip(before.lines, after.lines, strict=True):
        if old.party.kind != "commissioner":
            # Each by its exact share; of whole pence, one may lie with another party.
            assert new.total_pence >= old.total_pence - len(new.pence)


def exact_of(settlement: Settlement) -> Fraction:
    signs = {"loss": -1, "consequences": -1}
    return sum((pool.exact.value * signs.get(element, 1) for element, pool in settlement.elements.items()), Fraction(0))


@enough
@given(settled())
def test_caps_and_collars_are_never_crossed(case: Case) -> None:
    made, read = case
    found = settle(made, read)
    at_risk = found.at_risk.value
    annual = value_of(found, "annual_value")
    assert 0 <= found.elements["outcome"].exact.value <= at_risk <= annual
    assert 0 <= found.quality.value.value <= 1
    if made.gain_share is None or read.expected_cost is None or read.actual_cost is None:
        assert "gain" not in found.elements
        return
    expected, actual = value_of(found, "expected_cost"), read.actual_cost.pence
    gain, loss = found.elements["gain"].exact.value, found.elements["loss"].exact.value
    assert 0 <= gain <= Fraction(made.gain_share.gain_cap) * expected
    assert 0 <= loss <= Fraction(made.gain_share.loss_cap) * expected
    assert gain <= Fraction(made.gain_share.share) * max(expected - actual, Fraction(0))
    assert loss <= Fraction(made.gain_share.most_loss_rate) * max(actual - expected, Fraction(0))
    assert not gain or (found.gate is not None and found.gate.value == 1)
    if "consequences" in found.elements and made.consequences.cap is not None:
        assert 0 <= found.elements["consequences"].exact.value <= Fraction(made.consequences.cap) * annual
    protected = {each.subcontract for each in made.allocation.subcontracts if each.protected}
    assert all(line.total_pence >= 0 for line in found.lines if line.party.kind == "subcontract" and line.party.code in protected)


@enough
@given(settled(), st.randoms(use_true_random=False))
def test_order_does_not_matter(case: Case, chance: Random) -> None:
    made, read = case
    said = made.model_dump()
    lists = [said["measures"], said["allocation"]["subcontracts"], said["allocation"]["commissioners"]]
    said["measures"], said["allocation"]["subcontracts"], said["allocation"]["commissioners"] = (
        chance.sample(lines, len(lines)) for lines in lists
    )
    shuffled = SettlementRules.model_validate(said)
    before, after = (
        settle(made, read),
        settle(shuffled, read.model_copy(update={"figures": tuple(chance.sample(read.figures, len(read.figures)))})),
    )
    assert [(line.party, line.pence) for line in before.lines] == [(line.party, line.pence) for line in after.lines]


@enough
@given(st.lists(st.fractions(0, 10**6, max_denominator=10**4), min_size=1, max_size=8))
def test_pennies_are_shared_out_whole(exact: list[Fraction]) -> None:
    pool = round(sum(exact))
    whole = shared_out(Fraction(pool), exact)
    assert sum(whole) == pool
    assert all(abs(amount - pence) < 1 for amount, pence in zip(exact, whole, strict=True))
    assert all(pence == 0 for amount, pence in zip(exact, whole, strict=True) if amount == 0)
