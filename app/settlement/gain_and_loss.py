"""The gain or loss between expected and actual cost, and what of it the provider's side has or bears.

Source: the general formula of risk and gain share. With B expected, C actual and d = (B - C) / B: beyond the deadband E = (|d| - deadband)·B where it
counts from the threshold, |d|·B where it counts from zero; a gain is min(λ·Q·E, capG·B) where the gate is passed; a loss is
min((1 - λ·Q within the bounds of the loss rate)·E, capL·B).
"""

from dataclasses import dataclass

from app.settlement.domain import GainShare, Mandatory, SettlementRules
from app.settlement.explanation import Node, constant, given, worked_out
from app.settlement.inputs import Cost, Inputs
from app.settlement.scoring import NOT_COLLECTABLE, Quality, Scored, ruled

_NONE, _ONE = constant(0), constant(1)


@dataclass(frozen=True, slots=True)
class GainOrLoss:
    """What the provider's side gains and what it loses, one of which is nothing; and the gate of the gain."""

    gain: Node
    loss: Node
    gate: Node


def cost_node(name: str, cost: Cost) -> Node:
    return given(name, "pence", cost.pence, kind="cost", stated_by=cost.source, approved_by=cost.approved_by)


def gain_or_loss(rules: SettlementRules, share: GainShare, inputs: Inputs, quality: Quality, *, expected: Node, actual: Node) -> GainOrLoss:
    """Both sides of the share, whichever it is: each is worked out, and the one that does not apply comes to nothing."""
    saved = worked_out("saved", "pence", "difference", expected, actual)
    relative = worked_out("difference", "share", "quotient", saved, expected)
    beyond = _beyond_the_deadband(share, expected, relative)
    of_quality = worked_out("gain_rate", "share", "product", _rule(share, "share"), *([quality.value] if share.by_quality else []))
    gate = gate_of(rules, inputs, quality)
    is_gain = worked_out("is_gain", "yes_no", "above", saved, _NONE)
    is_loss = worked_out("is_loss", "yes_no", "above", actual, expected)
    gain = worked_out(
        "gain.capped",
        "pence",
        "least_of",
        worked_out("gain.shared", "pence", "product", of_quality, beyond),
        worked_out("gain.cap", "pence", "product", _rule(share, "gain_cap"), expected),
    )
    rest = worked_out("loss_rate.rest", "share", "difference", _ONE, of_quality)
    rate = worked_out("loss_rate", "share", "within", rest, _rule(share, "least_loss_rate"), _rule(share, "most_loss_rate"))
    loss = worked_out(
        "loss.capped",
        "pence",
        "least_of",
        worked_out("loss.shared", "pence", "product", rate, beyond),
        worked_out("loss.cap", "pence", "product", _rule(share, "loss_cap"), expected),
    )
    paid = worked_out("gain.is_paid", "yes_no", "every", is_gain, gate)
    return GainOrLoss(
        worked_out("gain", "pence", "choice", paid, gain, _NONE), worked_out("loss", "pence", "choice", is_loss, loss, _NONE), gate
    )


def _rule(share: GainShare, member: str) -> Node:
    return ruled(f"gain_share.{member}", "share", getattr(share, member), f"/gain_share/{member}")


def _beyond_the_deadband(share: GainShare, expected: Node, relative: Node) -> Node:
    size, deadband = worked_out("difference.size", "share", "magnitude", relative), _rule(share, "deadband")
    if share.first_pound == "threshold":
        over = worked_out("difference.over", "share", "difference", size, deadband)
        counted = worked_out("difference.counted", "share", "most_of", over, _NONE)
    else:
        passed = worked_out("deadband.passed", "yes_no", "above", size, deadband)
        counted = worked_out("difference.counted", "share", "choice", passed, size, _NONE)
    return worked_out("beyond_deadband", "pence", "product", counted, expected)


def gate_of(rules: SettlementRules, inputs: Inputs, quality: Quality) -> Node:
    """Whether everything is reached without which no gain is paid. Completeness that is not known is not reached."""
    gate, asked = rules.gate, []
    if gate.quality is not None:
        asked.append(
            worked_out(
                "gate.quality", "yes_no", "at_least", quality.value, ruled("gate.quality.least", "share", gate.quality, "/gate/quality")
            )
        )
    if gate.completeness is not None:
        least = ruled("gate.completeness.least", "share", gate.completeness, "/gate/completeness")
        if inputs.completeness is None:
            asked.append(given("gate.completeness", "yes_no", 0, kind="missing", reason="completeness_unknown"))
        else:
            known = given("completeness", "share", inputs.completeness, kind="completeness")
            asked.append(worked_out("gate.completeness", "yes_no", "at_least", known, least))
    scored = {each.rule.measure: each for each in quality.measures}
    for at, mandatory in enumerate(gate.mandatory):
        asked.append(_passes(mandatory, scored.get(mandatory.measure), f"/gate/mandatory/{at}/threshold"))
    return (
        worked_out("gate", "yes_no", "every", *sorted(asked, key=lambda node: node.name))
        if asked
        else given("gate", "yes_no", 1, kind="no_gate")
    )


def _passes(mandatory: Mandatory, scored: Scored | None, pointer: str) -> Node:
    """Whether a measure is good enough in every period that it is judged on; one that is missing is not, of one that cannot be collected nobody asks."""
    name = f"gate.mandatory.{mandatory.measure}"
    if scored is not None and scored.set_aside == NOT_COLLECTABLE:
        return given(name, "yes_no", 1, kind=NOT_COLLECTABLE)
    if scored is None or any(value is None for _, value in scored.figures):
        return given(name, "yes_no", 0, kind="missing", reason="no_figure")
    wanted, stated_at = (
        (mandatory.threshold, pointer) if mandatory.threshold is not None else (scored.rule.target, f"{scored.pointer}/target")
    )
    least = ruled(f"gate.mandatory_threshold.{mandatory.measure}", "figure", wanted, stated_at)
    formula = "at_least" if scored.rule.direction == "higher" else "at_most"
    tests = [
        worked_out(f"gate.mandatory_{value.name}", "yes_no", formula, value, least) for _, value in scored.figures if value is not None
    ]
    return worked_out(name, "yes_no", "every", *tests)
