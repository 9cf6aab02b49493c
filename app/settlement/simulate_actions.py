"""What would be if, on what is published and approved today: worked out and answered, and nothing of it kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.expected import duties_of_month
from app.calendar.store import load_contract
from app.kernel.actors import Actor
from app.kernel.refusals import Fault, Invalid
from app.reports.periods import months_of
from app.settlement import store
from app.settlement.actions import known_of, refuse_unknown_year, within
from app.settlement.changed import astray, placed
from app.settlement.changes import Changes, figure_of
from app.settlement.computation import Settlement
from app.settlement.domain import SettlementRules
from app.settlement.faults import Known, faults_of, notes_of
from app.settlement.input_actions import read_year
from app.settlement.input_faults import input_faults, input_notes, lacking
from app.settlement.inputs import Inputs
from app.settlement.runs import CannotSettle, NoRules, latest_approved
from app.settlement.what_if import Sweep, WhatIf, sweep, sweep_faults, what_if
from app.settlement.year import months_of_year


@dataclass(frozen=True, slots=True)
class Simulated:
    """What would be, beside what is; and the settlement at each value of the parameter that is swept.

    `rules_version` is the year's own that was taken; None of rules that were sent.
    """

    rules: SettlementRules
    inputs: Inputs
    what_if: WhatIf
    asked: Sweep | None
    swept: tuple[Settlement, ...]
    notes: tuple[Fault, ...]
    rules_version: int | None = None


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
    known, months = known_of(contract), months_of_year(contract, contract_year)
    sent, version = inputs is not None, None
    if rules is None:
        refuse_unknown_year(contract_year, known)
        rules, version = _own_rules(session, programme, contract_year)
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
        faults += astray(rules, inputs, changes, measures=known.measures) if inputs is not None else []
        raise Invalid("This cannot be settled; see errors.", faults=faults)
    lack = _of_year(within("/inputs", lacking(rules, inputs)), sent=sent)
    if lack and (changes == Changes() or any(fault.code in {"factor_missing", "cost_zero"} for fault in lack)):
        refused = Invalid if sent else CannotSettle
        raise refused("Something is lacking that a settlement needs; see errors.", faults=lack)
    found = _simulated(rules, inputs, changes, asked, contract=contract, known=known, sent=sent)
    return replace(found, rules_version=version)


def _own_rules(session: Session, programme: str, contract_year: int) -> tuple[SettlementRules, int]:
    """The rules in force of a contract year, or where none are approved those proposed, and their version."""
    versions = store.rules_versions(session, programme, contract_year)
    found = latest_approved(versions) or next(iter(reversed(versions)), None)
    if found is None:
        raise NoRules(f"There are no rules for contract year {contract_year}: send some.")
    return found.rules, found.version


def _of_year(faults: Iterable[Fault], *, sent: bool) -> list[Fault]:
    """Faults of inputs that nobody sent are of the year that has them."""
    if sent:
        return list(faults)
    return [replace(fault, pointer="/contract_year") if (fault.pointer or "").startswith("/inputs") else fault for fault in faults]


def _simulated(
    rules: SettlementRules, inputs: Inputs, changes: Changes, asked: Sweep | None, *, contract: Contract, known: Known, sent: bool
) -> Simulated:
    answer = what_if(rules, inputs, changes, measures=known.measures)
    if isinstance(answer, list):
        raise Invalid("These changes cannot be made; see errors.", faults=_of_year(answer, sent=sent))
    swept = sweep(rules, inputs, changes, asked, measures=known.measures) if asked is not None else []
    wrong = [each for each in swept if isinstance(each, Fault)]
    if wrong:
        raise Invalid("This parameter cannot be swept like this; see errors.", faults=wrong)
    notes = [
        *placed(notes_of(answer.rules, known), rules, changes),
        *within("/inputs", input_notes(rules, inputs, known)),
        *notes_of_changes(contract, inputs, changes, known),
    ]
    return Simulated(rules, inputs, answer, asked, tuple(each for each in swept if isinstance(each, Settlement)), tuple(notes))


def notes_of_changes(contract: Contract, inputs: Inputs, changes: Changes, known: Known) -> list[Fault]:
    """What of changes can be made and looks like a mistake, or does less than it says."""
    return [*_of_nobody(contract, inputs, changes), *_kept_whole(inputs, changes, known)]


def _of_nobody(contract: Contract, inputs: Inputs, changes: Changes) -> Iterator[Fault]:
    """Late returns of subcontracts that by the contract report nothing of the measure in the months of the figure."""
    for at, late in enumerate(changes.late_returns):
        figure = figure_of(inputs, late)
        if figure is None or late.subcontract in {each.subcontract for each in figure.by_subcontract}:
            continue
        months = months_of(figure.period, figure.month, contract)
        if not any(duty.measure.code == late.measure for month in months for duty in duties_of_month(contract, late.subcontract, month)):
            detail = f"By the contract {late.subcontract} reports nothing of {late.measure} in {months[0]} to {months[-1]}."
            fix = "Correct the subcontract or the measure, unless it is meant to be tried."
            yield Fault("reports_nothing", detail, fix, pointer=f"/changes/late_returns/{at}/subcontract")


def _kept_whole(inputs: Inputs, changes: Changes, known: Known) -> Iterator[Fault]:
    """Figures that a missing subcontract cannot be taken out of, as they are no sum of what each reports."""
    neither = {each.measure for each in inputs.figures if each.exact is not None and known.measures[each.measure].made_of == "neither"}
    for at, code in enumerate(changes.missing_subcontracts if neither else ()):
        detail = (
            f"{code} cannot be taken out of {', '.join(sorted(neither))}, which are no sum of what each reports: they stay as they are."
        )
        yield Fault("kept_whole", detail, "State in `figures` what they would be.", pointer=f"/changes/missing_subcontracts/{at}")
