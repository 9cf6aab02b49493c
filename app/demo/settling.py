"""The first contract year of the demonstration settled in the shadow: terms that two people agree, a run that three pass, and a true-up for a late cost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.demo.document import PROGRAMME, SHADOW_MONTHS
from app.demo.story import Act, Deed
from app.kernel.actors import Actor
from app.kernel.codes import ALL
from app.settlement.actions import approve_input, approve_rules, propose_rules, state_input
from app.settlement.domain import SettlementRules
from app.settlement.run_actions import declare, declare_true_up, pass_on
from app.settlement.runs import InputKey, InputKind, RunKey

_YEAR: Final = 1
_COSTS: Final[Mapping[InputKind, Decimal]] = {"expected_cost": Decimal(1_120_000_000), "actual_cost": Decimal(1_082_500_000)}
"""What the year was to cost by its contracts, and did, in pence: invented like everything else."""
_LATE_COSTS: Final[Mapping[InputKind, Decimal]] = {"actual_cost": Decimal(1_085_000_000)}

_SHARES: Final = {"SC-RJE": "0.50", "SC-RL4": "0.12", "SC-RTG": "0.08", "SC-RRE": "0.06", "SC-RLY": "0.04"}
_HOSPICES: Final = {"SC-H9901": "0.03", "SC-H9902": "0.02", "SC-H9903": "0.02", "SC-H9904": "0.01", "SC-H9905": "0.01"}
_POPULATIONS: Final = {"04Y": "0.20", "05G": "0.25", "05V": "0.20", "05W": "0.35"}


def rules(contract: Contract) -> dict[str, Any]:
    """A part by outcome, and a part of what is saved or overspent; hospices share gains and bear no loss."""
    a_year = (contract.programme.value_pence or 0) // 10
    to_date = {"period": "contract_year_to_date"}
    return {
        "contract_year": _YEAR,
        "title": "Outcomes, gain and loss share",
        "mode": "shadow",
        "annual_value_pence": a_year * SHADOW_MONTHS // 12,
        "at_risk_share": "0.05",
        "measures": [
            {"measure": "CWT-62", "weight": "0.4", "floor": "0.60", "target": "0.85", **to_date},
            {"measure": "CWT-FDS", "weight": "0.3", "floor": "0.70", "target": "0.80", **to_date},
            {"measure": "E-PPDR", "weight": "0.3", "floor": "0.70", "target": "0.90", **to_date},
        ],
        "gain_share": {
            "share": "0.5",
            "deadband": "0.01",
            "least_loss_rate": "0.4",
            "most_loss_rate": "0.75",
            "gain_cap": "0.05",
            "loss_cap": "0.03",
        },
        "gate": {"completeness": "0.95"},
        "allocation": {
            "subcontracts": [
                *({"subcontract": code, "outcome": share, "gain": share, "loss": share} for code, share in _SHARES.items()),
                *({"subcontract": code, "outcome": share, "gain": share, "protected": True} for code, share in _HOSPICES.items()),
            ],
            "commissioners": [{"commissioner": code, "share": share} for code, share in _POPULATIONS.items()],
        },
        "note": "A short first year in which nothing is payable: the rules are tried on what was returned.",
    }


def settle(session: Session, contract: Contract, act: Act, *, actor: Actor) -> None:
    """Do one act of agreeing on the year, of settling it or, where it says why, of truing it up."""
    now, run = act.at, RunKey(_YEAR, 1)
    costs, number = (_LATE_COSTS, 1) if act.why else (_COSTS, 0)
    if act.deed is Deed.PROPOSE_TERMS:
        proposed = SettlementRules.model_validate(rules(contract))
        propose_rules(session, PROGRAMME, proposed, reason="As negotiated.", actor=actor, now=now)
    elif act.deed is Deed.AGREE_TERMS:
        approve_rules(session, PROGRAMME, _YEAR, 1, actor=actor, now=now)
    elif act.deed is Deed.STATE_COSTS:
        for kind, pence in costs.items():
            state_input(session, PROGRAMME, InputKey(_YEAR, kind, ALL), pence, source="Ledger, invented", actor=actor, now=now)
    elif act.deed is Deed.AGREE_COSTS:
        for kind in costs:
            approve_input(session, PROGRAMME, InputKey(_YEAR, kind, ALL), number + 1, actor=actor, now=now)
    elif act.deed is Deed.DECLARE and act.why:
        declare_true_up(session, PROGRAMME, run, reason=act.why, actor=actor, now=now)
    elif act.deed is Deed.DECLARE:
        declare(session, PROGRAMME, _YEAR, "final", reason="The year is over and frozen.", actor=actor, now=now)
    else:
        pass_on(session, PROGRAMME, run, number, "approved" if act.deed is Deed.APPROVE else "finance_approved", actor=actor, now=now)
