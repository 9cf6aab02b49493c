"""Rules of a contract year and what it is settled on, each stated by one person and approved by another: allow, load, decide, save, audit."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, Final, Literal

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, SamePerson, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.db import audit, facts
from app.db.ledger import begin_recording, hold_ledger
from app.kernel.actors import Actor
from app.kernel.canonical import digest
from app.kernel.codes import ALL
from app.kernel.refusals import Fault, Invalid, NotFound
from app.settlement import store
from app.settlement.domain import SettlementRules
from app.settlement.faults import Known, KnownMeasure, faults_of, notes_of
from app.settlement.runs import (
    CannotSettle,
    InputKey,
    NotWaiting,
    RulesVersion,
    SettledAlready,
    StatedInput,
    latest_approved,
    latest_stated,
)
from app.settlement.year import judged, payments_of_year

_MADE_OF: Final[dict[str, Literal["ratio", "count", "neither"]]] = {
    "ratio_sum": "ratio",
    "mean_weighted": "ratio",
    "count_sum": "count",
    "stock_last": "count",
    "banded": "neither",
    "import_only": "neither",
}
"""What a figure comes to be of, by how its measure is aggregated; left open where either may be (`distinct_risk`)."""


def known_of(contract: Contract) -> Known:
    """What a programme has that rules may name."""
    term = contract.programme
    latest = sorted(contract.measures, key=lambda measure: measure.version)
    measures = {
        each.code: KnownMeasure(
            each.proportion,
            each.direction,
            contract.requirement[each.code].judged_on if each.code in contract.requirement else "month",
            _MADE_OF.get(each.aggregation),
        )
        for each in latest
    }
    last_year = term.contract_year_of(term.last_month)
    return Known(
        measures,
        set(contract.subcontract),
        set(contract.commissioner),
        last_year,
        cache(partial(judged, contract)),
        partial(payments_of_year, contract),
    )


def read_rules(
    session: Session,
    programme: str,
    *,
    contract_year: int | None,
    after: Any = None,
    limit: int | None = None,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[datetime, tuple[RulesVersion, ...]]:
    """The moment, and every version of the rules of one contract year, or of all, as they stood at it: superseded proposals too."""
    require(actor, Permission.SETTLEMENT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    known = known_of(load_contract(session, programme, as_of=moment))
    found = store.rules_versions(session, programme, contract_year, as_of=moment, after=after, limit=limit)
    years = {each.contract_year for each in found}
    last = [latest_approved(store.rules_versions(session, programme, year, as_of=moment)) for year in sorted(years)]
    numbers = {(each.contract_year, each.version) for each in last if each is not None}
    return moment, tuple(_noted(each, known, in_force=(each.contract_year, each.version) in numbers) for each in found)


def propose_rules(session: Session, programme: str, rules: SettlementRules, *, reason: str, actor: Actor, now: datetime) -> RulesVersion:
    """Propose the rules of a contract year; another client approves them. They take the place of a proposal that waits. Invalid, SettledAlready."""
    require(actor, Permission.SETTLEMENT_PROPOSE, programme=programme)
    hold_ledger(session, programme)
    known = known_of(load_contract(session, programme))
    faults = faults_of(rules, known)
    if faults:
        raise Invalid("These rules cannot be settled by; see errors.", faults=within("/rules", faults))
    _refuse_settled(session, programme, rules.contract_year)
    recording = begin_recording(session, programme, actor=actor, now=now)
    before = store.rules_versions(session, programme, rules.contract_year)
    waiting = [(each.contract_year, each.version) for each in before if each.state == "proposed"]
    facts.close(session, store.RULES, recording, waiting, programme=programme)
    said = rules.model_dump()
    made = RulesVersion(
        contract_year=rules.contract_year,
        version=max((each.version for each in before), default=0) + 1,
        state="proposed",
        rules=rules,
        rules_sha256=digest(facts.stored(said)),
        reason=reason,
        proposed_at=recording.at,
        proposed_by=recording.by,
        recorded_at=recording.at,
        recorded_by=recording.by,
    )
    facts.add(session, store.RULES, recording, [_rules_row(made)], programme=programme)
    audit.record(session, recording, "settlement.rules_proposed", subject=_rules_subject(made), details={"rules_sha256": made.rules_sha256})
    return _noted(made, known)


def approve_rules(session: Session, programme: str, contract_year: int, version: int, *, actor: Actor, now: datetime) -> RulesVersion:
    """Approve what another client proposed: from now on the year is settled by it. NotWaiting, SamePerson, SettledAlready, CannotSettle."""
    require(actor, Permission.SETTLEMENT_APPROVE, programme=programme)
    hold_ledger(session, programme)
    versions = store.rules_versions(session, programme, contract_year)
    made = next((each for each in versions if (each.version, each.state) == (version, "proposed")), None)
    if made is None:
        raise NotWaiting(f"No version {version} of the rules of contract year {contract_year} waits for approval.")
    if is_one_person(session, programme, made.proposed_by, made.proposed_at, actor=actor):
        raise SamePerson("These rules were proposed by whoever would approve them: another person approves them.")
    known = known_of(load_contract(session, programme))
    faults = faults_of(made.rules, known)
    if faults:
        raise CannotSettle("The programme has changed since these rules were proposed; see errors.", faults=within("/rules", faults))
    _refuse_settled(session, programme, contract_year)
    recording = begin_recording(session, programme, actor=actor, now=now)
    facts.close(session, store.RULES, recording, [(contract_year, version)], programme=programme)
    approved = replace(made, state="approved", recorded_at=recording.at, recorded_by=recording.by)
    facts.add(session, store.RULES, recording, [_rules_row(approved)], programme=programme)
    audit.record(session, recording, "settlement.rules_approved", subject=_rules_subject(made), details={"rules_sha256": made.rules_sha256})
    # A newer proposal supersedes one that waits, so that what is approved is the newest.
    return _noted(approved, known, in_force=True)


def read_stated(
    session: Session,
    programme: str,
    *,
    contract_year: int | None,
    after: Any = None,
    limit: int | None = None,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[datetime, tuple[StatedInput, ...]]:
    """The moment, and every cost and factor that was stated up to it, and who approved it."""
    require(actor, Permission.SETTLEMENT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    found = store.stated_inputs(session, programme, contract_year, as_of=moment, after=after, limit=limit)
    years = {each.contract_year for each in found}
    last = [latest_stated(store.stated_inputs(session, programme, year, as_of=moment), final=True) for year in sorted(years)]
    numbers = {(key, each.number) for of_year in last for key, each in of_year.items()}
    return moment, tuple(replace(each, in_force=(each.key, each.number) in numbers) for each in found)


def state_input(
    session: Session, programme: str, key: InputKey, value: Decimal, *, source: str, actor: Actor, now: datetime
) -> StatedInput:
    """State a cost in pence, or a factor; the one stated last counts, once another client has approved it."""
    require(actor, Permission.SETTLEMENT_PROPOSE, programme=programme)
    hold_ledger(session, programme)
    known = known_of(load_contract(session, programme))
    faults = list(_misstated(key, value, known, store.rules_versions(session, programme, key.contract_year)))
    if faults:
        raise Invalid("The input cannot be stated; see errors.", faults=faults)
    recording = begin_recording(session, programme, actor=actor, now=now)
    before = store.stated_inputs(session, programme, key.contract_year)
    numbers = [each.number for each in before if each.key == key]
    made = StatedInput(
        **key._asdict(),
        number=max(numbers, default=0) + 1,
        state="proposed",
        value=value,
        source=source,
        stated_at=recording.at,
        stated_by=recording.by,
        recorded_at=recording.at,
        recorded_by=recording.by,
    )
    facts.add(session, store.INPUTS, recording, [_input_row(made)], programme=programme)
    audit.record(session, recording, "settlement.input_stated", subject=_input_subject(made), details={"input_sha256": digest(_said(made))})
    return made


def approve_input(session: Session, programme: str, key: InputKey, number: int, *, actor: Actor, now: datetime) -> StatedInput:
    """Approve what another client stated; where one stated after it is approved already, that still counts. NotWaiting, SamePerson."""
    require(actor, Permission.SETTLEMENT_APPROVE, programme=programme)
    hold_ledger(session, programme)
    stated = store.stated_inputs(session, programme, key.contract_year)
    made = next((each for each in stated if (each.key, each.number, each.state) == (key, number, "proposed")), None)
    if made is None:
        raise NotWaiting(f"No {key.kind} {number} of contract year {key.contract_year} waits for approval.")
    if is_one_person(session, programme, made.stated_by, made.stated_at, actor=actor):
        raise SamePerson("This was stated by whoever would approve it: another person approves it.")
    recording = begin_recording(session, programme, actor=actor, now=now)
    facts.close(session, store.INPUTS, recording, [(*key, number)], programme=programme)
    approved = replace(made, state="approved", recorded_at=recording.at, recorded_by=recording.by)
    facts.add(session, store.INPUTS, recording, [_input_row(approved)], programme=programme)
    audit.record(
        session, recording, "settlement.input_approved", subject=_input_subject(made), details={"input_sha256": digest(_said(made))}
    )
    last = latest_stated(stated, final=True).get(key)
    return replace(approved, in_force=last is None or last.number < number)


def one_version(
    session: Session, programme: str, contract_year: int, version: int, *, actor: Actor, as_of: datetime | None, now: datetime
) -> RulesVersion:
    """One version of a contract year's rules as it stood; NotFound where there is none."""
    _, found = read_rules(
        session, programme, contract_year=contract_year, after=(contract_year, version - 1), limit=1, actor=actor, as_of=as_of, now=now
    )
    if not found or found[0].version != version:
        raise NotFound("There are no such rules here, or they are not yours.")
    return found[0]


def _noted(made: RulesVersion, known: Known, *, in_force: bool = False) -> RulesVersion:
    return replace(made, notes=tuple(within("/rules", notes_of(made.rules, known))), in_force=in_force)


def year_faults(contract_year: int, known: Known) -> Iterator[Fault]:
    """A contract year that the programme does not have."""
    if contract_year > known.contract_years:
        yield Fault("unknown_year", "The programme ends before this contract year.", "Correct the year.", pointer="/contract_year")


def refuse_unknown_year(contract_year: int, known: Known) -> None:
    if faults := list(year_faults(contract_year, known)):
        raise Invalid("The programme has no such contract year; see errors.", faults=faults)


def _misstated(key: InputKey, value: Decimal, known: Known, versions: Iterable[RulesVersion]) -> Iterator[Fault]:
    """What is wrong with a cost or factor: its year, pence that are not whole, and a code that no rules know."""
    yield from year_faults(key.contract_year, known)
    if key.kind != "factor":
        if value != int(value):
            yield Fault("whole_pence", "A cost is whole pence.", "Round it to the penny, in pence.", pointer="/value")
        if key.code != ALL:
            yield Fault("code", "A cost has no code: only factors have one.", "Leave the code out.", pointer="/code")
    elif key.code not in {
        each.code for version in versions if version.state != "superseded" for each in version.rules.indexation if each.factor is None
    }:
        detail = "No rules of this contract year leave such a factor to its inputs."
        yield Fault("unknown_factor", detail, "Propose rules that name it first, or correct the code.", pointer="/code")


def _refuse_settled(session: Session, programme: str, contract_year: int) -> None:
    if any(run.kind == "final" and run.stands for run in store.run_summaries(session, programme, contract_year)):
        raise SettledAlready(f"Contract year {contract_year} is settled: its rules are what they were.")


def within(pointer: str, faults: Iterable[Fault]) -> list[Fault]:
    """Faults of a part as faults of the whole that it stands in."""
    return [replace(fault, pointer=f"{pointer}{fault.pointer or ''}") for fault in faults]


def _rules_row(made: RulesVersion) -> dict[str, Any]:
    members = {name: getattr(made, name) for name in RulesVersion.__slots__}
    return facts.row_of(store.RULES, {**members, "rules": made.rules.model_dump()})


def _input_row(made: StatedInput) -> dict[str, Any]:
    return facts.row_of(store.INPUTS, {name: getattr(made, name) for name in StatedInput.__slots__})


def _rules_subject(made: RulesVersion) -> dict[str, str | int]:
    return {"contract_year": made.contract_year, "version": made.version}


def _input_subject(made: StatedInput) -> dict[str, str | int]:
    return {"contract_year": made.contract_year, "kind": made.kind, "code": made.code, "number": made.number}


def _said(made: StatedInput) -> dict[str, Any]:
    return {"value": made.value, "source": made.source}
