"""The report as bytes: a head, the rows, and notes; written piece by piece, so that stored rows are never read again."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, carried_weights, delivering_unsigned, duties_of_month
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.reports.results import METHOD_VERSION, MonthReturns
from app.reports.rows import NOTES

SCHEMA_VERSION: Final = "1.0"


def head(contract: Contract, month: Month, returns: MonthReturns, *, as_of: datetime, inputs_sha256: str) -> dict[str, Any]:
    """What a live report says of itself; what only a publication has is null."""
    return {
        "programme": contract.programme.code,
        "month": month,
        "phase": contract.phase_in(month),
        "status": "final" if returns.final else "provisional",
        "as_of": as_of,
        "sequence": None,
        "supersedes": None,
        "returns_expected": returns.expected,
        "returns_included": returns.included,
        "coverage": returns.coverage,
        "method_version": METHOD_VERSION,
        "inputs_sha256": inputs_sha256,
        "previous_sha256": None,
    }


def notes_of(contract: Contract, months: Iterable[Month], *, subcontract: str | None = None) -> list[dict[str, Any]]:
    """What every report notes, how the programme has it judged, what is counted in halves, what carries no weight in its months, and who
    delivered in them without a signature. Of one `subcontract` only what is about itself and the measures that it returns.
    """
    months = sorted(months)
    measures = [each for each in contract.measures if subcontract is None or each.code in _returned_by(contract, subcontract, months)]
    graded = [line for line in contract.requirements if line.collectability]
    carried = [carried_weights(contract, line, month) for line in graded for month in months]
    reasons = [
        weight.reason
        for held in carried
        for reference, weight in held.items()
        if weight.reason is not None and subcontract in {None, reference}
    ]
    halves = sorted({each.code for each in measures if each.proportion and each.numeric_kind == "half_unit"})
    notes = [
        *NOTES,
        *_of_judging(contract, {each.code for each in measures}),
        *([_of_halves(halves)] if halves else []),
        *([{"code": "carries_no_weight", "detail": " ".join(reasons), "members": "value"}] if reasons else []),
    ]
    unsigned: dict[str, list[str]] = defaultdict(list)
    for month in months:
        unsigned_then = contract.worked_out.kept("unsigned", month, partial(delivering_unsigned, contract, month))
        for reference in sorted(unsigned_then):
            if subcontract in {None, reference}:
                unsigned[reference].append(str(month))
    if not unsigned:
        return notes
    told = "; ".join(f"{reference} ({', '.join(found)})" for reference, found in sorted(unsigned.items()))
    detail = f"Delivered without a signed subcontract: {told}."
    return [*notes, {"code": "unsigned", "detail": detail, "members": "numerator denominator value"}]


def _returned_by(contract: Contract, subcontract: str, months: Iterable[Month]) -> set[str]:
    return {duty.measure.code for month in months for duty in duties_of_month(contract, subcontract, month)}


def _of_judging(contract: Contract, measures: Collection[str]) -> Iterator[dict[str, Any]]:
    """The coverage that a figure needs, and the rules of colours of these measures, where the programme has any."""
    programme = contract.programme
    if programme.publish_threshold is not None:
        detail = (
            f"Rows whose coverage is under {programme.publish_threshold} are marked incomplete, or unknown where somebody is missing and a volume"
            " is not known: their figures are shown and judged neither by the contract test nor against chance."
        )
        yield {"code": "publish_threshold", "detail": detail, "members": "coverage_test contract_test against_target rag"}
    ruled = {line.measure: line.rag for line in contract.requirements if line.rag is not None and line.measure in measures}
    if programme.rag is None and not ruled:
        return
    rules = {**({} if programme.rag is None else {"all other measures": programme.rag}), **ruled}
    detail = "A colour stands beside the verdicts and takes the place of none: " + "; ".join(
        f"{measure}: amber up to {rule.tolerance} short of the target"
        + (", and where it cannot be told from the target by chance" if rule.chance else "")
        + (", and where a miss improves beyond chance" if rule.improving else "")
        for measure, rule in sorted(rules.items())
    )
    yield {"code": "rag", "detail": f"{detail}.", "members": "rag rag_reason"}


def _of_halves(measures: Sequence[str]) -> dict[str, Any]:
    """Wilson's limits are those of whole patients."""
    detail = f"Counted in halves, so that their limits are an approximation: {', '.join(measures)}."
    return {"code": "approximate_intervals", "detail": detail, "members": "lower upper against_target"}


def note_of_submitted(revisions: Iterable[tuple[ReturnKey, int | None]]) -> dict[str, Any]:
    """Which figures count that nobody has accepted."""
    named = [f"{key.collection} of {key.subcontract} for {key.month}, revision {number}" for key, number in revisions]
    detail = f"Counts what was submitted and nobody has accepted yet: {'; '.join(named) or 'nothing at present'}."
    return {"code": "includes_submitted", "detail": detail, "members": "numerator denominator value"}


def document(
    head: dict[str, Any],
    observations: Iterable[bytes],
    notes: Sequence[dict[str, Any]] = NOTES,
    *,
    links: Mapping[str, str],
    named: str = "report",
) -> bytes:
    """The whole answer; `observations` are JSON arrays that become one."""
    pieces: list[bytes | memoryview] = [json_bytes({"schema_version": SCHEMA_VERSION, named: head})[:-1], b',"observations":[']
    # Rows by the megabyte are copied once.
    for part in observations:
        if part != b"[]":
            pieces += [memoryview(part)[1:-1], b","]
    if len(pieces) > 2:
        pieces.pop()
    return b"".join([*pieces, b'],"notes":', json_bytes(notes), b',"links":', json_bytes(links), b"}"])
