"""What would be if, on what is published and approved today: worked out and answered, and nothing of it kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.refusals import Fault, Invalid
from app.settlement import store
from app.settlement.actions import known_of
from app.settlement.changes import Changes
from app.settlement.computation import Settlement
from app.settlement.domain import SettlementRules
from app.settlement.faults import faults_of, lacking
from app.settlement.input_actions import read_year
from app.settlement.inputs import Inputs
from app.settlement.runs import CannotSettle, NoRules, latest_approved
from app.settlement.what_if import Sweep, WhatIf, sweep, what_if


@dataclass(frozen=True, slots=True)
class Simulated:
    """What would be, beside what is; and the settlement at each value of the parameter that is swept."""

    rules: SettlementRules
    inputs: Inputs
    what_if: WhatIf
    asked: Sweep | None
    swept: tuple[Settlement, ...]


def simulate(
    session: Session,
    programme: str,
    contract_year: int,
    *,
    rules: SettlementRules | None,
    inputs: Inputs | None,
    changes: Changes,
    asked: Sweep | None,
    actor: Actor,
    now: datetime,
) -> Simulated:
    """Compute a contract year with changes beside the one without: by these rules, or its approved or proposed ones; on these inputs, or its own."""
    require(actor, Permission.SETTLEMENT_READ, programme=programme)
    contract = load_contract(session, programme)
    if rules is None:
        versions = store.rules_versions(session, programme, contract_year)
        found = latest_approved(versions) or next(iter(reversed(versions)), None)
        if found is None:
            raise NoRules(f"There are no rules for contract year {contract_year}: send some.")
        rules = found.rules
    faults = faults_of(rules, known_of(contract))
    if rules.contract_year != contract_year:
        faults.append(Fault("another_year", "These rules are of another contract year.", "Name one year.", pointer="/rules/contract_year"))
    if faults:
        raise Invalid("These rules cannot be settled by; see errors.", faults=faults)
    if inputs is None:
        inputs = read_year(
            session, contract, rules, store.stated_inputs(session, programme, contract_year), final=False, actor=actor, now=now
        ).inputs
    lack = lacking(rules, inputs)
    if lack and (changes == Changes() or any(fault.code in {"factor_missing", "repeated", "cost_zero"} for fault in lack)):
        raise CannotSettle("Something is lacking that a settlement needs; see errors.", faults=lack)
    answer = what_if(rules, inputs, changes)
    if isinstance(answer, list):
        raise Invalid("These changes cannot be made; see errors.", faults=answer)
    swept = sweep(rules, inputs, changes, asked) if asked is not None else []
    wrong = [each for each in swept if not isinstance(each, Settlement)]
    if wrong:
        raise Invalid("This parameter cannot be swept like this; see errors.", faults=wrong)
    return Simulated(rules, inputs, answer, asked, tuple(each for each in swept if isinstance(each, Settlement)))
