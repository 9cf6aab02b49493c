"""Computing a gate, deciding on a phase by two people, recording baselines: allow, load, decide, save, audit."""

from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from app.access.delegation_actions import is_one_person
from app.access.domain import Permission, SamePerson, require
from app.calendar.contract import Contract
from app.calendar.expected import CellKey
from app.calendar.store import load_contract
from app.db import audit, facts
from app.db.ledger import begin_recording, hold_ledger
from app.kernel.actors import Actor
from app.kernel.canonical import digest
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid, Kind, NotFound, Refusal
from app.phases import store
from app.phases.domain import Baseline, Result, due_of, result_of, window
from app.phases.store import BASELINES
from app.programmes.domain import DecisionKind, Phase, PhaseDecision, next_phase, phase_in, undecided_month
from app.programmes.store import PHASE_DECISIONS, phase_decisions
from app.reports.month_actions import cells_without_value, month_inputs
from app.returns.quality import OwedReturn
from app.returns.quality_store import first_revisions
from app.returns.read_actions import judged_at


class EvidenceDiffers(Invalid):
    """The digest is not that of what the gate answered at the moment that is named with it."""

    code = "evidence_differs"
    title = "This is not what the gate answered"


class WrongPhase(Refusal):
    """The programme is not in the phase that would be left, or there is none to move on to."""

    code: ClassVar[str] = "wrong_phase"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The phase cannot be left like this"


class NothingProposed(Refusal):
    """There is no such proposal to approve: it was approved already, or another took its place."""

    code: ClassVar[str] = "nothing_proposed"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Nothing of this number waits for approval"


@dataclass(frozen=True, slots=True)
class GateRead:
    """A gate as it stood at a moment; `undecided` is the planned month that has passed without a decision."""

    contract: Contract
    phase: Phase
    as_of: datetime
    results: tuple[Result, ...]
    undecided: Month | None

    @property
    def following(self) -> Phase | None:
        return next_phase(self.contract.phases, self.phase.number)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is decided and proposed of a phase as it stood, by number."""

    contract: Contract
    phase: Phase
    as_of: datetime
    decisions: tuple[PhaseDecision, ...]
    undecided: Month | None

    @property
    def planned(self) -> Month | None:
        following = next_phase(self.contract.phases, self.phase.number)
        return None if following is None else following.from_month


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed of a phase, and the evidence that it cites: the digest of the gate's answer as of a moment."""

    decision: DecisionKind
    from_month: Month
    reason: str
    conditions: tuple[str, ...]
    evidence_as_of: datetime
    evidence_sha256: str


def read_gate(session: Session, programme: str, number: int, *, actor: Actor, as_of: datetime | None, now: datetime) -> GateRead:
    """Each criterion of a phase's gate, computed from what was in the database at a moment."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = judged_at(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    phase = _phase(contract, number)
    criteria = phase.gate.criteria if phase.gate else ()
    windows = {each.key: window(contract, each, as_of=moment) for each in criteria}
    owed = _owed(session, contract, sorted({month for months in windows.values() for month in months}), as_of=moment)
    agreed = {line.measure for line in store.baselines(session, programme, number, as_of=moment)}
    results = tuple(
        result_of(contract, each, [held for month in windows[each.key] for held in owed[month]], months=windows[each.key], agreed=agreed)
        for each in criteria
    )
    return GateRead(contract, phase, moment, results, _undecided(contract, number, moment))


def _owed(session: Session, contract: Contract, months: Sequence[Month], *, as_of: datetime) -> dict[Month, list[OwedReturn]]:
    """The returns of some months that had fallen due, each with what it states and when it first came."""
    first = first_revisions(session, contract.programme.code, months, as_of=as_of) if months else {}
    found: dict[Month, list[OwedReturn]] = {}
    for inputs in month_inputs(session, contract, months, as_of=as_of):
        without: dict[str, dict[CellKey, str]] = defaultdict(dict)
        for lack in cells_without_value(session, inputs):
            without[lack.subcontract][lack.cell] = lack.reason
        found[inputs.month] = [
            OwedReturn(
                key=status.key,
                due=due_of(contract, status.key),
                accepted=status.state == "accepted",
                first=first.get(status.key),
                lacking=frozenset(without[status.key.subcontract]),
                not_applicable=frozenset(cell for cell, reason in without[status.key.subcontract].items() if reason == "not_applicable"),
            )
            for status in inputs.statuses
            if status.expected and status.overdue
        ]
    return found


def read_decisions(session: Session, programme: str, number: int, *, actor: Actor, as_of: datetime | None, now: datetime) -> Decisions:
    """What is decided and proposed of a phase, and whether it was planned to be left in a month that passed undecided."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = judged_at(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    phase = _phase(contract, number)
    decisions = [each for each in phase_decisions(session, programme, as_of=moment) if each.phase == number]
    in_order = tuple(sorted(decisions, key=lambda each: each.number))
    return Decisions(contract, phase, moment, in_order, _undecided(contract, number, moment))


def propose(
    session: Session,
    programme: str,
    number: int,
    proposal: Proposal,
    *,
    digests: Callable[[GateRead], Container[str]],
    actor: Actor,
    now: datetime,
) -> PhaseDecision:
    """Propose whether a phase is left; another client approves it. A proposal takes the place of one that waits.

    `digests` are those by which a gate's answer may be cited: one of them at `evidence_as_of` must be. EvidenceDiffers; WrongPhase.
    """
    require(actor, Permission.PHASE_DECIDE, programme=programme)
    gate = read_gate(session, programme, number, actor=actor, as_of=proposal.evidence_as_of, now=now)
    if proposal.evidence_sha256 not in digests(gate):
        fix = "Read the gate with `as_of`, and cite that moment and the `evidence_sha256` of the answer."
        fault = Fault("evidence_differs", "The gate's answer as of this moment has another digest.", fix, pointer="/evidence_sha256")
        raise EvidenceDiffers("The evidence is not what the gate answered as of that moment.", faults=[fault])
    hold_ledger(session, programme)
    contract = load_contract(session, programme)
    to_phase = _destination(contract, number, proposal, now=now)
    recording = begin_recording(session, programme, actor=actor, now=now)
    waiting = [each for each in phase_decisions(session, programme, as_of=None) if each.phase == number and each.state == "proposed"]
    facts.close(session, PHASE_DECISIONS, recording, [(each.phase, each.number) for each in waiting], programme=programme)
    made = PhaseDecision(
        phase=number,
        number=store.last_number(session, programme, number) + 1,
        state="proposed",
        to_phase=to_phase,
        decision=proposal.decision,
        from_month=proposal.from_month,
        reason=proposal.reason,
        conditions=proposal.conditions,
        evidence_as_of=proposal.evidence_as_of,
        evidence_sha256=proposal.evidence_sha256,
        proposed_at=recording.at,
        proposed_by=recording.by,
        recorded_at=recording.at,
        recorded_by=recording.by,
    )
    facts.add(session, PHASE_DECISIONS, recording, [_row(made)], programme=programme)
    audit.record(session, recording, "phase.decision_proposed", subject=_subject(made), details=_details(made), after=made)
    return made


def approve(session: Session, programme: str, phase: int, number: int, *, actor: Actor, now: datetime) -> PhaseDecision:
    """Approve what another client proposed: the months from then on are in the phase that it says. NothingProposed; SamePerson; WrongPhase."""
    require(actor, Permission.PHASE_DECIDE, programme=programme)
    hold_ledger(session, programme)
    contract = load_contract(session, programme)
    _phase(contract, phase)
    decisions = phase_decisions(session, programme, as_of=None)
    made = next((each for each in decisions if (each.phase, each.number, each.state) == (phase, number, "proposed")), None)
    if made is None:
        raise NothingProposed(f"No decision {number} on phase {phase} waits for approval.")
    if is_one_person(session, programme, made.proposed_by, made.proposed_at, actor=actor):
        raise SamePerson(f"Decision {number} on phase {phase} was proposed by whoever would approve it: another person approves it.")
    if _destination(contract, phase, made, now=now) != made.to_phase:
        raise WrongPhase(f"Phase {phase} is now followed by another phase than {made.to_phase}: propose again what was proposed.")
    recording = begin_recording(session, programme, actor=actor, now=now, contract=True)
    facts.close(session, PHASE_DECISIONS, recording, [(phase, number)], programme=programme)
    approved = replace(made, state="approved", recorded_at=recording.at, recorded_by=recording.by)
    facts.add(session, PHASE_DECISIONS, recording, [_row(approved)], programme=programme)
    audit.record(session, recording, "phase.decision_approved", subject=_subject(made), details=_details(made), before=made, after=approved)
    return approved


def agree_baselines(
    session: Session,
    programme: str,
    number: int,
    *,
    measures: Sequence[str],
    commissioner: str,
    agreed_on: date,
    document_sha256: str,
    actor: Actor,
    now: datetime,
) -> tuple[Baseline, ...]:
    """Record that the programme and a commissioner agreed the baselines of some measures; all that are agreed for the phase now."""
    require(actor, Permission.PHASE_DECIDE, programme=programme)
    hold_ledger(session, programme)
    contract = load_contract(session, programme)
    _phase(contract, number)
    faults = _baseline_faults(contract, measures, commissioner, agreed_on, now=now)
    if faults:
        raise Invalid("The baselines cannot be recorded; see errors.", faults=faults)
    wanted = [
        Baseline(phase=number, measure=code, commissioner=commissioner, agreed_on=agreed_on, document_sha256=document_sha256)
        for code in measures
    ]
    held = {line.measure: line for line in store.baselines(session, programme, number, as_of=None)}
    new = [line for line in wanted if held.get(line.measure) != line]
    if new:
        recording = begin_recording(session, programme, actor=actor, now=now)
        replaced = [(number, line.measure) for line in new if line.measure in held]
        facts.close(session, BASELINES, recording, replaced, programme=programme)
        facts.add(session, BASELINES, recording, facts.rows_of(BASELINES, new), programme=programme)
        details = {"measures": [line.measure for line in new], "commissioner": commissioner, "document_sha256": document_sha256}
        audit.record(
            session, recording, "phase.baselines_agreed", subject={"phase": number}, details=details, before=list(held.values()), after=new
        )
    return store.baselines(session, programme, number, as_of=None)


def withdraw_baselines(
    session: Session, programme: str, number: int, *, measures: Sequence[str], reason: str, actor: Actor, now: datetime
) -> tuple[Baseline, ...]:
    """Record that baselines are agreed no more, and why; those that still are."""
    require(actor, Permission.PHASE_DECIDE, programme=programme)
    hold_ledger(session, programme)
    _phase(load_contract(session, programme), number)
    held = {line.measure: line for line in store.baselines(session, programme, number, as_of=None)}
    faults = [
        Fault("not_agreed", "No baseline of this measure is agreed.", "Leave it out, or correct the code.", pointer=f"/measures/{at}")
        for at, code in enumerate(measures)
        if code not in held
    ]
    if faults:
        raise Invalid("The baselines cannot be withdrawn; see errors.", faults=faults)
    recording = begin_recording(session, programme, actor=actor, now=now)
    facts.close(session, BASELINES, recording, [(number, code) for code in measures], programme=programme)
    ended = [held[code] for code in measures]
    details = {"measures": list(measures)}
    audit.record(session, recording, "phase.baselines_withdrawn", subject={"phase": number}, details=details, before=ended, why=reason)
    return store.baselines(session, programme, number, as_of=None)


def read_baselines(
    session: Session, programme: str, number: int, *, actor: Actor, as_of: datetime | None, now: datetime
) -> tuple[Baseline, ...]:
    """The baselines agreed for leaving a phase, as they stood."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    moment = judged_at(session, programme, asked=as_of, now=now)
    _phase(load_contract(session, programme, as_of=moment), number)
    return store.baselines(session, programme, number, as_of=moment)


def _baseline_faults(contract: Contract, measures: Sequence[str], commissioner: str, agreed_on: date, *, now: datetime) -> list[Fault]:
    known = {measure.code for measure in contract.measures}
    faults = [
        Fault("unknown_measure", "The programme has no such measure.", "Correct the code.", pointer=f"/measures/{number}")
        for number, code in enumerate(measures)
        if code not in known
    ]
    if commissioner not in contract.commissioner:
        faults.append(
            Fault("unknown_commissioner", "The programme has no such commissioner.", "Correct the code.", pointer="/commissioner")
        )
    if agreed_on > now.astimezone(LONDON).date():
        faults.append(Fault("not_yet", "The day has not come.", "Record the agreement once it is made.", pointer="/agreed_on"))
    return faults


def _phase(contract: Contract, number: int) -> Phase:
    found = next((phase for phase in contract.phases if phase.number == number), None)
    if found is None:
        raise NotFound("The programme has no phase of that number here, or it is not yours.")
    return found


def _undecided(contract: Contract, number: int, moment: datetime) -> Month | None:
    today = Month.of(moment.astimezone(LONDON).date())
    return undecided_month(contract.phases, contract.decisions, number, today=today)


def _destination(contract: Contract, number: int, proposal: Proposal | PhaseDecision, *, now: datetime) -> int:
    """The phase that months from the decision's on would be in.

    WrongPhase where the month before is not in the phase it is about, or it would take back a move that has begun.
    """
    _phase(contract, number)
    term, first = contract.programme, proposal.from_month
    if not term.first_month <= first <= term.last_month:
        fault = Fault("outside_term", "The programme does not run in this month.", "Name a month of its term.", pointer="/from_month")
        raise Invalid("The month is not one of the programme's.", faults=[fault])
    before = phase_in(contract.phases, contract.decisions, max(first.plus(-1), term.first_month))
    if before != number:
        raise WrongPhase(f"The month before {first} is in phase {before}, not in phase {number}.")
    if proposal.decision == "stay":
        begun = first.through(Month.of(now.astimezone(LONDON).date()))
        left = next((month for month in begun if phase_in(contract.phases, contract.decisions, month) != number), None)
        if left is not None:
            raise WrongPhase(f"{left} has begun and is not in phase {number}: only a move that has not begun is taken back.")
        return number
    following = next_phase(contract.phases, number)
    if following is None:
        raise WrongPhase(f"Phase {number} is the last: there is none to move on to.")
    return following.number


def _row(made: PhaseDecision) -> dict[str, Any]:
    return facts.row_of(PHASE_DECISIONS, {name: getattr(made, name) for name in PhaseDecision.__slots__})


def _subject(made: PhaseDecision) -> dict[str, str | int]:
    return {"phase": made.phase, "decision": made.number}


def _details(made: PhaseDecision) -> dict[str, object]:
    said = {"reason": made.reason, "conditions": list(made.conditions)}
    return {
        "decision": made.decision,
        "from_month": str(made.from_month),
        "evidence_sha256": made.evidence_sha256,
        "said_sha256": digest(said),
    }
