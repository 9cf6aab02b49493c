"""A contract year settled: from rules and inputs to every party's pence, with the explanation of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.programmes.domain import PaymentMode
from app.settlement.allocation import PartyLine, Pool, Shared, in_pence, share_out
from app.settlement.domain import Element, Indexation, Indexed, Party, SettlementRules
from app.settlement.explanation import Node, constant, given, worked_out
from app.settlement.gain_and_loss import cost_node, gain_or_loss
from app.settlement.inputs import Inputs, MeasureFigure, cited
from app.settlement.scoring import NOT_COLLECTABLE, Quality, collectable, quality_of, ruled

_NOTHING, _ONE = constant(0), constant(1)


@dataclass(frozen=True, slots=True)
class VatLine:
    """The tax on what a provider's party is paid or pays that it cannot recover; None where it is not known."""

    party: Party
    recoverable: Fraction | None
    irrecoverable_pence: int | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a contract year comes to. `lines` hold every party's pence, and sum to nothing; `withheld_pence` stays with the commissioners.

    `mode` says whether any of it is payable: nothing is unless it is `live`. `gate` is None where no gain is shared.
    """

    mode: PaymentMode
    lines: tuple[PartyLine, ...]
    elements: dict[Element, Pool]
    at_risk: Node
    withheld_pence: int
    quality: Quality
    gate: Node | None
    explanation: Node
    providers: Node
    vat: tuple[VatLine, ...]

    @property
    def total_pence(self) -> int:
        """What the provider's side is paid in all."""
        return int(self.providers.value)


def settle(rules: SettlementRules, inputs: Inputs) -> Settlement:
    """Compute a contract year. The rules and inputs are without `faults`."""
    quality = quality_of(rules, inputs.figures)
    factors = _factors(rules, inputs)
    value = _indexed("annual_value", ruled("annual_value.stated", "pence", rules.annual_value_pence, "/annual_value_pence"), factors)
    at_risk = worked_out("at_risk", "pence", "product", _at_risk_share(rules), value)
    fee = worked_out("fixed_fee.exact", "pence", "difference", value, at_risk)
    paid = worked_out("outcome.exact", "pence", "product", at_risk, quality.value)
    withheld = worked_out("withheld.exact", "pence", "difference", at_risk, paid)
    names = ["fixed_fee", "outcome", "withheld"]
    whole = in_pence(names, worked_out("annual_value.pence", "pence", "rounded", value), [fee, paid, withheld])
    elements: dict[Element, Pool] = {"fixed_fee": Pool(fee, whole[0]), "outcome": Pool(paid, whole[1])}
    gate = None
    if rules.gain_share is not None and inputs.expected_cost is not None and inputs.actual_cost is not None:
        expected = _indexed("expected_cost", cost_node("expected_cost.stated", inputs.expected_cost), factors)
        actual = cost_node("actual_cost", inputs.actual_cost)
        both = gain_or_loss(rules, rules.gain_share, inputs, quality, expected=expected, actual=actual)
        elements |= {"gain": _rounded("gain", both.gain), "loss": _rounded("loss", both.loss)}
        gate = both.gate
    if rules.consequences.applies:
        elements["consequences"] = _rounded("consequences", consequences_of(rules, inputs.figures, value))
    shared = share_out(rules, elements)
    return Settlement(
        mode=rules.mode,
        lines=shared.lines,
        elements=elements,
        at_risk=at_risk,
        withheld_pence=int(whole[2].value),
        quality=quality,
        gate=gate,
        explanation=shared.node,
        providers=shared.providers,
        vat=_vat(rules, shared),
    )


def at_risk_share(rules: SettlementRules) -> tuple[Fraction, str] | None:
    """The share at risk in the rules' own contract year, and its place in them; None where they have none for it."""
    if not isinstance(rules.at_risk_share, tuple):
        return Fraction(rules.at_risk_share), "/at_risk_share"
    found = (
        (Fraction(each.share), f"/at_risk_share/{at}/share")
        for at, each in enumerate(rules.at_risk_share)
        if each.contract_year == rules.contract_year
    )
    return next(found, None)


def _at_risk_share(rules: SettlementRules) -> Node:
    share = at_risk_share(rules)
    if share is None:
        raise ValueError("rules with a share at risk in their own contract year")
    return ruled("at_risk_share", "share", *share)


def _factors(rules: SettlementRules, inputs: Inputs) -> list[tuple[Indexation, Node]]:
    """Every factor within its bounds, by code. One that applies to two values is one node."""
    said = {each.code: each for each in inputs.factors}
    factors = []
    for at, each in sorted(enumerate(rules.indexation), key=lambda found: found[1].code):
        pointer = f"/indexation/{at}"
        if each.factor is not None:
            node = ruled(f"factor_stated.{each.code}", "figure", each.factor, f"{pointer}/factor")
        else:
            node = given(f"factor_stated.{each.code}", "figure", said[each.code].factor, kind="factor", stated_by=said[each.code].source)
        if each.least is not None:
            least = ruled(f"factor_least.{each.code}", "figure", each.least, f"{pointer}/least")
            node = worked_out(f"factor_from.{each.code}", "figure", "most_of", node, least)
        if each.most is not None:
            most = ruled(f"factor_most.{each.code}", "figure", each.most, f"{pointer}/most")
            node = worked_out(f"factor_to.{each.code}", "figure", "least_of", node, most)
        factors.append((each, node))
    return factors


def _indexed(what: Indexed, stated: Node, factors: Sequence[tuple[Indexation, Node]]) -> Node:
    """What is stated, times every factor that applies to it."""
    return worked_out(what, "pence", "product", stated, *(node for each, node in factors if what in each.applies_to))


def _rounded(name: str, exact: Node) -> Pool:
    return Pool(exact, worked_out(f"{name}.pence", "pence", "rounded", exact))


def consequences_of(rules: SettlementRules, figures: Sequence[MeasureFigure], value: Node) -> Node:
    """So much for each breach beyond what the threshold allows: breaches - (1 - threshold) x denominator, never below none; then the cap."""
    amounts = []
    for at, line in sorted(enumerate(rules.consequences.lines), key=lambda found: found[1].measure):
        pointer, counted = (
            f"/consequences/lines/{at}",
            [each for each in figures if each.measure == line.measure and each.denominator and each.numerator is not None],
        )
        if not collectable([each for each in figures if each.measure == line.measure]):
            amounts.append(given(f"consequence.{line.measure}", "pence", 0, kind=NOT_COLLECTABLE))
            continue
        each_pence = ruled(f"consequence_each.{line.measure}", "pence", line.pence_each, f"{pointer}/pence_each")
        threshold = ruled(f"consequence_threshold.{line.measure}", "share", line.threshold, f"{pointer}/threshold")
        leave = worked_out(f"consequence_allowed_share.{line.measure}", "share", "difference", _ONE, threshold)
        for figure in sorted(counted, key=lambda each: each.month):
            name = f"{line.measure}@{figure.month}"
            met = given(f"consequence_met.{name}", "figure", figure.numerator, kind="publication", **cited(figure))
            everyone = given(f"consequence_of.{name}", "figure", figure.denominator, kind="publication", **cited(figure))
            breaches = worked_out(f"consequence_breaches.{name}", "figure", "difference", everyone, met)
            allowed = worked_out(f"consequence_allowed.{name}", "figure", "product", leave, everyone)
            over = worked_out(f"consequence_over.{name}", "figure", "difference", breaches, allowed)
            amounts.append(
                worked_out(
                    f"consequence.{name}",
                    "pence",
                    "product",
                    worked_out(f"consequence_excess.{name}", "figure", "most_of", over, _NOTHING),
                    each_pence,
                )
            )
    total = worked_out("consequences.sum", "pence", "sum", *amounts)
    if rules.consequences.cap is None:
        return total
    cap = worked_out(
        "consequences.cap", "pence", "product", ruled("consequences.cap.share", "share", rules.consequences.cap, "/consequences/cap"), value
    )
    return worked_out("consequences.exact", "pence", "least_of", total, cap)


def _vat(rules: SettlementRules, shared: Shared) -> tuple[VatLine, ...]:
    if rules.vat is None:
        return ()
    rate = Fraction(rules.vat.rate)
    on_top = rate if rules.vat.basis == "net" else rate / (1 + rate)
    stated = {each.subcontract: each.share for each in rules.vat.subcontracts}
    lines = []
    for line in shared.lines:
        if line.party.kind != "commissioner":
            share = stated.get(line.party.code) if line.party.kind == "subcontract" else rules.vat.integrator
            lost = None if share is None else round(line.total_pence * on_top * (1 - Fraction(share)))
            lines.append(VatLine(line.party, None if share is None else Fraction(share), lost))
    return tuple(lines)
