"""The shapes in which versions of measures are proposed, approved and shown, with an example of each."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from app.configuration.nouns_schemas import EXAMPLES
from app.configuration.proposal_actions import NewProposal
from app.kernel.lines import Line, no_patient
from app.kernel.moments import moment_text
from app.measures.domain import Measure, MeasureProposal

NEW: Final[dict[str, Any]] = {"line": EXAMPLES["measures"], "reason": "The national guidance counts from the referral on."}
PROPOSAL: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "measure": "CWT-62",
    "version": 1,
    "number": 1,
    "state": "proposed",
    **NEW,
    "replaces_sha256": None,
    "proposed_at": "2027-03-18T09:00:00.000000Z",
    "proposed_by": "k3v9",
    "approved_at": None,
    "approved_by": None,
}
APPROVED: Final[dict[str, Any]] = {**PROPOSAL, "state": "approved", "approved_at": "2027-03-19T10:00:00.000000Z", "approved_by": "p7x2"}
PROPOSALS: Final[dict[str, Any]] = {"proposals": [PROPOSAL], "next": None}

Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(no_patient)]


class MeasureProposalBody(Line):
    """What the version is to say, null where it is to be withdrawn; and why."""

    line: Measure | None
    reason: Text

    def new(self) -> NewProposal:
        return NewProposal(self.line, self.reason)


class MeasureApprovalBody(Line):
    """The number of the proposal that is approved: the one that was read, and no other that took its place."""

    number: Annotated[int, Field(ge=1, le=2**31 - 1)]


class MeasureProposalView(BaseModel):
    """What is proposed that a version of a measure says, null where it is withdrawn, and who approved it (null while it waits).

    `replaces_sha256` is the ETag of what it said when that was proposed, null where it was not there.
    """

    programme: str
    measure: str
    version: int
    number: int
    state: Literal["proposed", "approved"]
    line: Measure | None
    reason: str
    replaces_sha256: str | None
    proposed_at: datetime
    proposed_by: str
    approved_at: datetime | None
    approved_by: str | None


class MeasureProposalsView(BaseModel):
    """A page of proposals, by measure, version and number."""

    proposals: list[MeasureProposalView]
    next: str | None


def proposal_view(programme: str, made: MeasureProposal) -> dict[str, Any]:
    approved = made.state == "approved"
    return {
        "programme": programme,
        "measure": made.measure,
        "version": made.version,
        "number": made.number,
        "state": made.state,
        "line": None if made.line is None else made.line.model_dump(mode="json", by_alias=True),
        "reason": made.reason,
        "replaces_sha256": made.replaces_sha256,
        "proposed_at": moment_text(made.proposed_at),
        "proposed_by": made.proposed_by,
        "approved_at": moment_text(made.recorded_at) if approved else None,
        "approved_by": made.recorded_by if approved else None,
    }
