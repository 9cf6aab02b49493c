"""What a settlement comes to as it is stored and answered: plain values, from every party's pence to the explanation of each."""

from typing import Any

from app.settlement.bands import Band, bands_of
from app.settlement.computation import Settlement
from app.settlement.domain import METHOD_VERSION, SettlementRules
from app.settlement.explanation import tree_of, written
from app.settlement.inputs import Inputs
from app.settlement.returned import down_to_returns
from app.settlement.scoring import Scored


def result_of(rules: SettlementRules, inputs: Inputs, settlement: Settlement, *, final: bool) -> dict[str, Any]:
    """A computed contract year. Exact values are texts, money whole pence; `payable` is said of all of it at once: by live rules, and of what is final."""
    bands = {band.measure: band for band in bands_of(rules, inputs, settlement)}
    return {
        "method_version": METHOD_VERSION,
        "contract_year": rules.contract_year,
        "mode": rules.mode,
        "payable": final and rules.mode == "live",
        "total_pence": settlement.total_pence,
        # What is paid and what is withheld of it, as these were rounded: the three are never a penny apart.
        "at_risk_pence": int(settlement.elements["outcome"].pence.value) + settlement.withheld_pence,
        "withheld_pence": settlement.withheld_pence,
        "quality": written(settlement.quality.value.value),
        "gate_passed": None if settlement.gate is None else bool(settlement.gate.value),
        "lines": [
            {"party_kind": line.party.kind, "party": line.party.code, "element": element, "pence": pence}
            for line in settlement.lines
            for element, pence in line.pence.items()
        ],
        "measures": [_measure(each, bands.get(each.rule.measure)) for each in settlement.quality.measures],
        "vat": [
            {
                "party_kind": line.party.kind,
                "party": line.party.code,
                "recoverable": None if line.recoverable is None else written(line.recoverable),
                "irrecoverable_pence": line.irrecoverable_pence,
            }
            for line in settlement.vat
        ],
        "explanation": down_to_returns(tree_of(settlement.explanation), inputs),
    }


def _measure(scored: Scored, band: Band | None) -> dict[str, Any]:
    """What a measure comes to, and the band that its interval implies; `set_aside` says why it carries no weight."""
    (figure, value), *others = scored.figures
    return {
        "measure": scored.rule.measure,
        "weight": f"{scored.rule.weight:f}",
        "figure": None if value is None or others else written(value.value),
        "status": None if figure is None else figure.status,
        "score": None if scored.score is None else written(scored.score.value),
        "set_aside": scored.set_aside,
        "pence": None if band is None else band.pence,
        "lower_pence": None if band is None else band.lower_pence,
        "upper_pence": None if band is None else band.upper_pence,
        "total_lower_pence": None if band is None else band.total_lower_pence,
        "total_upper_pence": None if band is None else band.total_upper_pence,
    }
