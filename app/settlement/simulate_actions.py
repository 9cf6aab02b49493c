"""What would be if, on what is published and approved today: worked out and answered, and nothing of it kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.refusals import Fault, Invalid
from app.settlement import store
from app.settlement.actions import known_of, within
from app.settlement.changed import astray, placed
from app.settlement.changes import Changes
from app.settlement.computation import Settlement
from app.settlement.domain import SettlementRules
from app.settlement.faults import Known, faults_of, input_faults, lacking, notes_of
from app.settlement.input_actions import read_year
from app.settlement.inputs import Inputs
from app.settlement.runs import CannotSettle, NoRules, latest_approved
from app.settlement.what_if import Sweep, WhatIf, sweep, sweep_faults, what_if
from app.settlement.year import months_of_year


@dataclass(frozen=True, slots=True)
class Simulated:
    """What would be, beside what is; and the settlement at each value of the parameter that is swept."""

    rules: SettlementRules
    inputs: Inputs
    what_if: WhatIf
    asked: Sweep | None
    swept: tuple[Settlement, ...]
    notes: tuple[Fault, ...]


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
    known, months = known_of(contract), months_of_year(contract, contract_year)
    shares = frozenset(code for code, measure in known.measures.items() if measure.is_share)
    faults = within("/rules", faults_of(rules, known))
    if rules.contract_year != contract_year:
        faults.append(Fault("another_year", "These rules are of another contract year.", "Name one year.", pointer="/rules/contract_year"))
    if inputs is not None:
        faults += within("/inputs", input_faults(rules, inputs, known, months))
    elif months and rules.contract_year == contract_year:
        inputs = read_year(
            session, contract, rules, store.stated_inputs(session, programme, contract_year), final=False, actor=actor, now=now
        ).inputs
    faults += [] if asked is None else sweep_faults(asked)
    if faults or inputs is None:
        faults += astray(rules, inputs, changes, shares=shares) if inputs is not None else []
        raise Invalid("This cannot be settled; see errors.", faults=faults)
    lack = within("/inputs", lacking(rules, inputs))
    if lack and (changes == Changes() or any(fault.code in {"factor_missing", "cost_zero"} for fault in lack)):
        raise CannotSettle("Something is lacking that a settlement needs; see errors.", faults=lack)
    return _simulated(rules, inputs, changes, asked, known=known, shares=shares)


def _simulated(
    rules: SettlementRules, inputs: Inputs, changes: Changes, asked: Sweep | None, *, known: Known, shares: frozenset[str]
) -> Simulated:
    answer = what_if(rules, inputs, changes, shares=shares)
    if isinstance(answer, list):
        raise Invalid("These changes cannot be made; see errors.", faults=answer)
    swept = sweep(rules, inputs, changes, asked, shares=shares) if asked is not None else []
    wrong = [each for each in swept if isinstance(each, Fault)]
    if wrong:
        raise Invalid("This parameter cannot be swept like this; see errors.", faults=wrong)
    notes = placed(notes_of(answer.rules, known), rules, changes)
    return Simulated(rules, inputs, answer, asked, tuple(each for each in swept if isinstance(each, Settlement)), tuple(notes))
