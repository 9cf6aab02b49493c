"""The shapes of statements and disputes on the wire, and answers as plain values of them."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, StringConstraints

from app.kernel.lines import Line, no_patient
from app.kernel.moments import moment_text
from app.settlement.domain import Element
from app.settlement.runs import DisputedLine, StatementSummary

Reason = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(no_patient)]
PartyName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^(integrator|(subcontract|commissioner)\.[A-Za-z0-9][A-Za-z0-9._-]{0,63})$")
]


class DisputeBody(Line):
    """The line in dispute, by its party and element, and why."""

    party: PartyName
    element: Element
    reason: Reason


class AnswerBody(Line):
    """The line in dispute, by its party and element, and what is answered."""

    party: PartyName
    element: Element
    answer: Reason


class OwnDisputeBody(Line):
    """The element of the caller's own line that it disputes, and why."""

    element: Element
    reason: Reason


class DisputedLineView(BaseModel):
    """A dispute of a line, by its number among those of the line: open until it has a resolution. `by_party`: the party opened it itself, and not the integrator for it."""

    contract_year: int
    run: int
    party: str
    element: str
    number: int
    reason: str
    by_party: bool
    opened_at: str
    opened_by: str
    opened_on_behalf_of: str | None
    answer: str | None
    answered_at: str | None
    answered_by: str | None
    answered_on_behalf_of: str | None
    resolution: str | None
    resolved_at: str | None
    resolved_by: str | None
    resolved_on_behalf_of: str | None


class DisputedLinesView(BaseModel):
    """A page of the disputes that were open or had been resolved at `as_of`: the integrator's all, a party's its own."""

    programme: str
    as_of: str
    disputes: list[DisputedLineView]
    next: str | None


class StatementView(BaseModel):
    """A party's statement. `notice` in `statement` says whether anything is payable by it; the public's has no figure, and none in its explanation.

    `states` are the settlement itself (`true_up` 0) and each true-up, with what each was computed on; summary, measures, tax and figures say of which they are.
    """

    statement: dict[str, Any]
    states: list[dict[str, Any]]
    summary: dict[str, Any]
    lines: list[dict[str, Any]]
    totals: list[dict[str, Any]] | None
    disputes: list[dict[str, Any]]
    measures: list[dict[str, Any]]
    vat: list[dict[str, Any]]
    figures: list[dict[str, Any]]
    true_ups: list[dict[str, Any]]
    explanation: dict[str, Any]


class StatementSummaryView(BaseModel):
    """One statement's latest version; of what was inherited from a predecessor, `party` is the predecessor."""

    contract_year: int
    run: int
    party: str
    version: int
    sha256: str
    issued_at: str


class StatementSummariesView(BaseModel):
    """A page of the statements that the caller may read as they stood at `as_of`, the latest version of each run's."""

    programme: str
    as_of: str
    statements: list[StatementSummaryView]
    next: str | None


def dispute_view(line: DisputedLine) -> dict[str, Any]:
    opened_at, opened_by = line.opened
    names = ("contract_year", "run", "party", "element", "number", "reason", "by_party", "answer", "answered_by", "resolution")
    return {
        **{name: getattr(line, name) for name in names},
        "opened_at": moment_text(opened_at),
        "opened_by": opened_by,
        "answered_at": None if line.answered_at is None else moment_text(line.answered_at),
        "resolved_at": None if line.is_open else moment_text(line.recorded_at),
        "resolved_by": None if line.is_open else line.recorded_by,
    }


def statement_view(each: StatementSummary) -> dict[str, Any]:
    said = {"contract_year": each.contract_year, "run": each.run, "party": each.party, "version": each.version}
    return {**said, "sha256": each.content_sha256, "issued_at": moment_text(each.issued_at)}
