"""What is wrong between the lines of a head contract: shares beyond the whole, gates on measures that are not there, decided phases taken away."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal

from app.kernel.months import Month, covers
from app.kernel.refusals import Fault
from app.programmes.domain import Commissioner, Phase, PhaseDecision

_WHOLE = Decimal(100)


def above_the_contract(commissioners: Sequence[Commissioner]) -> Iterator[Fault]:
    """Months in which the commissioners' shares pass 100: a sum is largest in a month in which a share begins."""
    begins = {line.from_month or Month(0) for line in commissioners if line.share is not None}
    for month in sorted(begins):
        held = [
            (number, line.share)
            for number, line in enumerate(commissioners)
            if line.share is not None and covers(line.from_month, line.to_month, month)
        ]
        total = sum((share for _, share in held), Decimal(0))
        if total > _WHOLE:
            when = "from the beginning" if month == Month(0) else f"in {month}"
            detail = f"The commissioners' shares of the contract are more than 100 together {when}."
            yield Fault("shares", detail, "Let the shares of any one month be at most 100.", pointer=f"/commissioners/{held[-1][0]}/share")
            return


def gates_astray(phases: Sequence[Phase], measures: Collection[str]) -> Iterator[Fault]:
    """Criteria of measures that the programme does not have."""
    for at, phase in enumerate(phases):
        for number, criterion in enumerate(phase.gate.criteria if phase.gate else ()):
            for each, code in enumerate(criterion.measures or ()):
                if code not in measures:
                    detail = f"There is no measure {code} in this document."
                    pointer = f"/phases/{at}/gate/criteria/{number}/measures/{each}"
                    yield Fault("unknown_measure", detail, "Add the measure, or correct the code.", pointer=pointer)


def decided_and_gone(phases: Iterable[Phase], decisions: Iterable[PhaseDecision]) -> Iterator[Fault]:
    """Phases that were decided on, or that a waiting proposal leads to, and that are no longer there."""
    decisions, known = tuple(decisions), {phase.number for phase in phases}
    decided = {number for made in decisions if made.state == "approved" for number in (made.phase, made.to_phase)}
    for number in sorted(decided - known):
        detail = f"Phase {number} was decided on, and this document no longer has it."
        yield Fault("phase_decided", detail, "Keep the phase.", pointer="/phases")
    for number in sorted({made.to_phase for made in decisions} - decided - known):
        detail = f"A proposal that waits for approval leads to phase {number}, and this document no longer has it."
        yield Fault("phase_decided", detail, "Keep the phase, or propose something else first.", pointer="/phases")
