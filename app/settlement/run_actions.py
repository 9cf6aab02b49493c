"""Settling a contract year: three acts of three people, true-ups of what was corrected later, and the statements that these give."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.db import audit
from app.db.ledger import Recording, begin_recording, hold_ledger
from app.kernel.actors import Actor
from app.kernel.canonical import canonical_bytes, digest, sha256
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.kernel.refusals import Fault, NotFound
from app.publications import store as publications
from app.publications.domain import OF_PROGRAMME, Standing
from app.settlement import store
from app.settlement.actions import known_of, refuse_unknown_year, within
from app.settlement.computation import settle
from app.settlement.domain import METHOD_VERSION, SettlementRules
from app.settlement.faults import outside_year
from app.settlement.input_actions import has_moved, read_year
from app.settlement.input_faults import lacking
from app.settlement.inputs import Inputs
from app.settlement.results import result_of
from app.settlement.runs import (
    Act,
    CannotSettle,
    NoRules,
    NothingToTrueUp,
    NotLive,
    NotSettled,
    Overtaken,
    Run,
    RunKey,
    RunKind,
    RunSummary,
    Settled,
    SettledAlready,
    WrongStep,
    latest_approved,
    next_act,
)
from app.settlement.statement_actions import issue
from app.settlement.true_up import amounts_of, causes, true_up
from app.settlement.year import months_of_year, payments_of_year

_NEEDS: Final[dict[Act, Permission]] = {
    "declared": Permission.SETTLEMENT_PROPOSE,
    "approved": Permission.SETTLEMENT_APPROVE,
    "finance_approved": Permission.SETTLEMENT_FINANCE,
}


def list_runs(
    session: Session,
    programme: str,
    *,
    contract_year: int | None,
    after: Any,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> tuple[datetime, tuple[RunSummary, ...]]:
    """The moment, and the runs of one contract year, or of all, with their true-ups, as they stood at it."""
    require(actor, Permission.SETTLEMENT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    return moment, store.run_summaries(session, programme, contract_year, as_of=moment, after=after, limit=limit)


def read_run(session: Session, programme: str, key: RunKey, *, actor: Actor, as_of: datetime | None, now: datetime) -> Settled:
    """One run whole, as it stood. NotFound."""
    require(actor, Permission.SETTLEMENT_READ, programme=programme)
    return settled(session, programme, key, as_of=resolve(session, programme, asked=as_of, now=now))


def read_true_up(
    session: Session, programme: str, key: RunKey, number: int, *, actor: Actor, as_of: datetime | None, now: datetime
) -> Settled:
    """One true-up whole, as it stood. NotFound."""
    found = read_run(session, programme, key, actor=actor, as_of=as_of, now=now)
    return Settled(_numbered(found, number), (), found.disputes)


def declare(session: Session, programme: str, contract_year: int, kind: RunKind, *, reason: str, actor: Actor, now: datetime) -> Settled:
    """Compute a contract year by its approved rules on what is published, and declare it. NoRules, NotLive, SettledAlready, CannotSettle."""
    require(actor, Permission.SETTLEMENT_PROPOSE, programme=programme)
    made = _held(
        session, programme, contract_year, lambda: _run(session, programme, contract_year, kind, reason=reason, actor=actor, now=now)
    )
    recording = begin_recording(session, programme, actor=actor, now=now)
    _add(session, programme, made, recording)
    return settled(session, programme, made.key)


def _held(session: Session, programme: str, contract_year: int, compute: Callable[[], Run]) -> Run:
    """A computed year, and the ledger held. It is computed before, so that nobody waits for that, and again only where something it reads moved meanwhile."""
    read = _basis(session, programme, contract_year)
    made = compute()
    hold_ledger(session, programme)
    return made if _basis(session, programme, contract_year) == read else compute()


def _basis(session: Session, programme: str, contract_year: int) -> tuple[Any, ...]:
    """All that a year is computed by and on, and what was declared of it before, by what tells one state from another."""
    return (
        load_contract(session, programme).recorded_at,
        store.rules_versions(session, programme, contract_year),
        store.stated_inputs(session, programme, contract_year),
        {month: each.sequence for month, each in publications.current(session, programme, OF_PROGRAMME).items()},
        store.run_summaries(session, programme, contract_year),
    )


def _run(session: Session, programme: str, contract_year: int, kind: RunKind, *, reason: str, actor: Actor, now: datetime) -> Run:
    contract = load_contract(session, programme)
    known = known_of(contract)
    refuse_unknown_year(contract_year, known)
    approved = latest_approved(store.rules_versions(session, programme, contract_year))
    if approved is None:
        raise NoRules(f"No rules are approved for contract year {contract_year}.")
    if approved.rules.mode == "off":
        fault = Fault("switched_off", "By its rules this contract year is not settled.", "Have others approved.", pointer="/contract_year")
        raise CannotSettle(f"Contract year {contract_year} is switched off; see errors.", faults=[fault])
    before = store.run_summaries(session, programme, contract_year)
    _refuse_settled(contract_year, before, waiting=kind == "final")
    if astray := outside_year(approved.rules, known):
        # What was approved when contract years began elsewhere, or before this was refused.
        raise CannotSettle("These rules judge on months of another contract year; see errors.", faults=within("/rules", astray))
    if kind == "final":
        _refuse_not_live(contract, approved.rules)
    inputs, read = _read(session, contract, approved.rules, final=kind == "final", actor=actor, now=now)
    settlement = settle(approved.rules, inputs)
    result = result_of(approved.rules, inputs, settlement, final=kind == "final")
    content = {"rules": approved.rules.model_dump(), "inputs": inputs.model_dump(), "result": result}
    return Run(
        contract_year=contract_year,
        run=max((each.run for each in before), default=0) + 1,
        number=0,
        kind=kind,
        mode=approved.rules.mode,
        rules_version=approved.version,
        method_version=METHOD_VERSION,
        reason=reason,
        causes=(),
        publications=read,
        amounts=amounts_of(settlement),
        content_sha256=sha256(canonical_bytes(content)),
        content=content,
    )


def pass_on(session: Session, programme: str, key: RunKey, number: int, act: Act, *, actor: Actor, now: datetime) -> Settled:
    """Approve a run or true-up, or approve it for finance: the last of its three acts makes it stand. WrongStep, SameHand."""
    require(actor, _NEEDS[act], programme=programme)
    hold_ledger(session, programme)
    found = settled(session, programme, key)
    made = _numbered(found, number)
    next_act(made, act, did=lambda each: is_one_person(session, programme, each.recorded_by, each.recorded_at, actor=actor))
    _refuse_settled(key.contract_year, [each for each in store.run_summaries(session, programme, key.contract_year) if each.run != key.run])
    _refuse_overtaken(session, load_contract(session, programme), made)
    recording = begin_recording(session, programme, actor=actor, now=now)
    store.add_act(session, programme, made, act, recording)
    audit.record(session, recording, f"settlement.{act}", subject=_subject(made), details={"content_sha256": made.content_sha256})
    after = settled(session, programme, key)
    if act == "finance_approved":
        issue(session, load_contract(session, programme), after, recording)
    return after


def withdraw(session: Session, programme: str, key: RunKey, number: int, *, reason: str, actor: Actor, now: datetime) -> Settled:
    """Withdraw a run or true-up that not all three have passed: it counts for nothing, and another may be declared. WrongStep."""
    require(actor, Permission.SETTLEMENT_PROPOSE, programme=programme)
    hold_ledger(session, programme)
    made = _numbered(settled(session, programme, key), number)
    next_act(made, "withdrawn", did=lambda _: False)
    recording = begin_recording(session, programme, actor=actor, now=now)
    store.add_act(session, programme, made, "withdrawn", recording, reason=reason)
    audit.record(session, recording, "settlement.withdrawn", subject=_subject(made), details={"reason_sha256": digest(reason)})
    return settled(session, programme, key)


def declare_true_up(session: Session, programme: str, key: RunKey, *, reason: str, actor: Actor, now: datetime) -> Settled:
    """Compute a settled year again by the rules it was settled by, and declare what that adds. NotSettled, WrongStep, NothingToTrueUp."""
    require(actor, Permission.SETTLEMENT_PROPOSE, programme=programme)
    made = _held(session, programme, key.contract_year, lambda: _true_up(session, programme, key, reason=reason, actor=actor, now=now))
    recording = begin_recording(session, programme, actor=actor, now=now)
    _add(session, programme, made, recording)
    return settled(session, programme, key)


def _true_up(session: Session, programme: str, key: RunKey, *, reason: str, actor: Actor, now: datetime) -> Run:
    found = settled(session, programme, key)
    refuse_unsettled(found)
    waiting = [each.number for each in found.true_ups if each.waits]
    if waiting:
        raise WrongStep(f"True-up {waiting[0]} has not been passed by all three: pass it first, or withdraw it.")
    rules = SettlementRules.model_validate(found.run.content["rules"])
    inputs, read = _read(session, load_contract(session, programme), rules, final=True, actor=actor, now=now)
    settlement = settle(rules, inputs)
    moved = true_up([each.amounts for each in found.standing], amounts_of(settlement))
    if not moved:
        raise NothingToTrueUp("What is published and approved now comes to what stands already.")
    last = found.standing[-1]
    because = causes(Inputs.model_validate(last.content["inputs"]), inputs, methods=(last.method_version, METHOD_VERSION))
    content = {**last.content, "inputs": inputs.model_dump(), "result": result_of(rules, inputs, settlement, final=True)}
    return replace(
        found.run,
        number=max((each.number for each in found.true_ups), default=0) + 1,
        method_version=METHOD_VERSION,
        reason=reason,
        causes=tuple(each.sentence for each in because),
        publications=read,
        amounts=moved,
        content_sha256=sha256(canonical_bytes(content)),
        content=content,
        acts=(),
    )


def _read(
    session: Session, contract: Contract, rules: SettlementRules, *, final: bool, actor: Actor, now: datetime
) -> tuple[Inputs, tuple[int, ...]]:
    """What a year is settled on; CannotSettle with everything that is lacking."""
    stated = store.stated_inputs(session, contract.programme.code, rules.contract_year)
    read = read_year(session, contract, rules, stated, final=final, actor=actor, now=now)
    lack = lacking(rules, read.inputs, live=final and rules.mode == "live")
    # What is lacking was not sent: its place is the year that it is of.
    faults = [replace(fault, pointer="/contract_year") for fault in lack]
    if final:
        standing = publications.current(session, contract.programme.code, OF_PROGRAMME)
        faults += _unfinished(months_of_year(contract, rules.contract_year), standing, live=rules.mode == "live", now=now)
    if faults:
        raise CannotSettle(f"Contract year {rules.contract_year} cannot be settled like this; see errors.", faults=faults)
    return read.inputs, read.publications


def _unfinished(months: Iterable[Month], standing: Mapping[Month, Standing], *, live: bool, now: datetime) -> Iterator[Fault]:
    """What keeps a year from being settled finally: months that are not over or not published, and, where it pays, not published as final."""
    for month in months:
        published = standing.get(month)
        if now.astimezone(LONDON).date() <= month.last_day:
            yield Fault("not_ended", f"{month} is not over.", "Settle the year provisionally until it is.", pointer="/contract_year")
        elif published is None:
            yield Fault("not_published", f"Nothing is published of {month}.", "Publish it first.", pointer="/contract_year")
        elif live and published.status != "final":
            detail = f"What is published of {month} is provisional."
            yield Fault("not_final", detail, "Publish the month when everything in it is final.", pointer="/contract_year")


def _refuse_settled(contract_year: int, others: Iterable[RunSummary], *, waiting: bool = False) -> None:
    """Refuse where a final run of the year stands; with `waiting` also where one may still come to."""
    final = [each for each in others if each.is_final]
    if any(each.stands for each in final):
        raise SettledAlready(f"Contract year {contract_year} is settled: what is corrected later is trued up.")
    if waiting and any(each.waits for each in final):
        raise SettledAlready(f"A final settlement of contract year {contract_year} waits: pass it, or withdraw it.")


def _refuse_overtaken(session: Session, contract: Contract, made: Run) -> None:
    """Refuse to pass what was computed by other rules, on superseded publications, or on costs and factors that were stated anew."""
    programme, year = contract.programme.code, made.contract_year
    rules = SettlementRules.model_validate(made.content["rules"])
    approved = latest_approved(store.rules_versions(session, programme, year))
    if approved is None or approved.version != made.rules_version:
        raise Overtaken("Other rules were approved since this was declared: withdraw it, and declare it again.")
    if made.is_final:
        try:
            _refuse_not_live(contract, rules)
        except NotLive as refused:
            raise Overtaken(f"{refused.detail} Withdraw this settlement.") from None
    current = {each.sequence for each in publications.current(session, programme, OF_PROGRAMME).values()}
    if not current.issuperset(made.publications):
        raise Overtaken("A month that this was computed on was published anew: withdraw it, and declare it again.")
    if has_moved(
        year, Inputs.model_validate(made.content["inputs"]), store.stated_inputs(session, programme, year), final=made.kind == "final"
    ):
        raise Overtaken("A cost or factor was stated anew since this was declared: withdraw it, and declare it again.")


def _numbered(found: Settled, number: int) -> Run:
    for each in found.each:
        if each.number == number:
            return each
    raise NotFound("There is no such true-up here, or it is not yours.")


def _refuse_not_live(contract: Contract, rules: SettlementRules) -> None:
    if rules.mode != "live":
        return
    for month, payment in payments_of_year(contract, rules.contract_year):
        if payment != "live":
            raise NotLive(f"{month} is in no phase that pays live: decide on the phase first, or settle in the shadow.")


def refuse_unsettled(found: Settled) -> None:
    """NotSettled where a run is not final, or does not stand."""
    if found.run.kind != "final" or not found.run.stands:
        raise NotSettled(f"Run {found.run.run} of contract year {found.run.contract_year} is not final, or not all three have passed it.")


def settled(session: Session, programme: str, key: RunKey, *, as_of: datetime | None = None) -> Settled:
    """A run as it stands or stood, with its true-ups and disputes. NotFound."""
    found = store.runs(session, programme, key, as_of=as_of)
    if not found:
        raise NotFound("There is no such settlement here, or it is not yours.")
    return Settled(found[0], found[1:], store.disputes(session, programme, key, as_of=as_of))


def _add(session: Session, programme: str, made: Run, recording: Recording) -> None:
    store.add_run(session, programme, made)
    store.add_act(session, programme, made, "declared", recording)
    details = {"content_sha256": made.content_sha256, "rules_version": made.rules_version, "publications": list(made.publications)}
    audit.record(session, recording, "settlement.declared", subject=_subject(made), details=details)


def _subject(made: Run) -> dict[str, str | int]:
    return {"contract_year": made.contract_year, "run": made.run, "number": made.number}
