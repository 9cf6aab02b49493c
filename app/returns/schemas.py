"""The shapes in which returns are answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.kernel.figures import ExactDecimal
from app.kernel.months import Month
from app.measures.rules import Severity
from app.returns.cells import LONGEST_EXPLANATION
from app.returns.domain import Status, Timeliness
from app.returns.faults import EXPLANATION_CODES
from app.returns.intake import LONGEST_NOTE
from app.returns.members import LONGEST_CODE
from app.returns.plain_words import DenominatorCarried
from app.returns.rest import Rest
from app.returns.submission import State


class CellBody(BaseModel):
    """A cell as it is sent. Places and category may be left out where they can only be one thing; `state` left out is `value`."""

    model_config = ConfigDict(extra="forbid")

    measure: str
    pathway: str | None = None
    segment: str | None = None
    site: str | None = None
    commissioner: str | None = None
    category: str | None = None
    state: State | None = None
    numerator: ExactDecimal | None = None
    denominator: ExactDecimal | None = None
    reason: str | None = None
    explanation_code: (
        Annotated[
            str,
            Field(
                max_length=LONGEST_CODE,
                description=f"Why a warned figure is right, as a code: {', '.join(EXPLANATION_CODES)}, or one of your own.",
                examples=list(EXPLANATION_CODES),
            ),
        ]
        | None
    ) = None
    explanation: Annotated[str, Field(max_length=LONGEST_EXPLANATION)] | None = None


class AcceptanceBody(BaseModel):
    """What an acceptance may say: which revision was looked at. Without it, the latest is meant whatever it says."""

    model_config = ConfigDict(extra="forbid")

    revision: Annotated[int, Field(ge=1, strict=True)] | None = None


class SubmissionBody(BaseModel):
    """A return as it is sent: every expected cell, or a rest that states those not listed; or a nil return, alone."""

    model_config = ConfigDict(extra="forbid")

    cells: list[CellBody] | None = None
    rest: Rest | None = None
    rest_reason: str | None = None
    note: Annotated[str, Field(max_length=LONGEST_NOTE)] | None = None
    nil: bool | None = None
    reason: str | None = None


class DeadlineView(BaseModel):
    """A deadline as the contract words it and as the instant that it falls on."""

    rule: str
    instant: datetime


class ContactView(BaseModel):
    """A person to ring at a subcontract."""

    role: str
    name: str | None
    email: str | None
    phone: str | None


class ReturnView(BaseModel):
    """Where an owed return stands. `timeliness` is the latest revision's, `timeliness_first` the first one's.

    `signed_off`: whether somebody signed the latest revision.

    `part_month`: the subcontract delivers on part of the return's days; `final`: no later return follows; `unsigned`: some of it is
    delivered without a signed subcontract. `contacts`: whom to ring, of a return that is overdue.
    """

    programme: str
    collection: str
    collection_name: str
    subcontract: str
    organisation: str
    organisation_name: str
    month: Month
    status: Status
    due: DeadlineView
    close: DeadlineView | None
    freeze: DeadlineView | None
    overdue: bool
    late: bool
    closed: bool
    frozen: bool
    latest_revision: int | None
    accepted_revision: int | None
    timeliness: Timeliness | None
    timeliness_first: Timeliness | None
    working_days_late: int | None
    working_days_late_first: int | None
    signed_off: bool | None
    part_month: bool
    final: bool
    unsigned: bool
    contacts: list[ContactView]
    links: dict[str, str]


class ReturnsView(BaseModel):
    """A page of returns."""

    as_of: datetime | None
    returns: list[ReturnView]
    next: str | None


class PlaceView(BaseModel):
    """Where a figure stands in a return; a place that its measure is not split by is `all`."""

    pathway: str
    segment: str
    measure: str
    site: str
    commissioner: str
    category: str


class ExpectedCellView(PlaceView):
    """A cell that the return must state, in words."""

    pathway_name: str
    segment_name: str
    measure_name: str
    site_name: str
    commissioner_name: str
    category_name: str
    aggregation: str
    denominator_carried: DenominatorCarried
    numeric_kind: str


class StatedView(BaseModel):
    """What a cell states."""

    state: State
    numerator: ExactDecimal | None
    denominator: ExactDecimal | None
    by_rest: bool
    outside_assignment: bool
    reason: str | None
    explanation_code: str | None
    explanation: str | None


class CellView(PlaceView, StatedView):
    """A cell of a revision."""


class ChangeView(PlaceView):
    """A cell that two revisions state differently; null where one of them does not have it."""

    before: StatedView | None
    after: StatedView | None


class ChangesView(BaseModel):
    """What a revision states differently from the one before it."""

    since: int
    added: int
    changed: int
    removed: int
    cells: list[ChangeView]


class WarningView(PlaceView):
    """What is odd about a cell; explained, it passes. `rule` is the code of the contract's rule that asks; `info` asks for nothing."""

    code: str
    rule: str | None
    severity: Severity
    detail: str
    fix: str
    explained: bool


class CategoryView(BaseModel):
    """A part of a measure's breakdown; `upper` is a band's inclusive upper bound."""

    code: str
    name: str | None
    upper: ExactDecimal | None


class MeasureView(BaseModel):
    """What a measure of this return counts, in words."""

    code: str
    version: int
    name: str
    numerator: str | None
    denominator: str | None
    kind: str | None
    direction: str | None
    numeric_kind: str
    aggregation: str
    proportion: bool
    unit: str | None
    breakdown: str | None
    categories: list[CategoryView]


class RevisionView(BaseModel):
    """A revision without its cells. `sha256` is of the bytes as they were sent."""

    revision: int
    nil: bool
    nil_reason: str | None
    note: str
    cell_count: int
    warnings: list[WarningView]
    explained: bool
    sha256: str
    content_sha256: str
    media_type: str
    contract_recorded_at: datetime
    received_at: datetime
    submitted_by: str
    submitted_on_behalf_of: str | None
    submitted_as: Literal["subcontract", "integrator"]


class RevisionDetailView(RevisionView):
    """A revision with its cells: the same for ever."""

    programme: str
    collection: str
    subcontract: str
    month: Month
    cells: list[CellView]


class CurrentView(BaseModel):
    """The figures that count: the last accepted revision's."""

    revision: int
    cells: list[CellView]


class SignOffView(BaseModel):
    """That somebody stands behind a revision: whose word it is, and when it was given; `on_behalf_of` is who lent the signature, if anybody did."""

    revision: int
    statement: str | None
    signed_as: Literal["subcontract", "integrator"]
    signed_at: datetime
    signed_by: str
    on_behalf_of: str | None


class SignedRevisionView(RevisionView):
    """A revision as its return lists it, with the sign-off that it has by now."""

    sign_off: SignOffView | None


class ReopeningView(BaseModel):
    """Leave to submit after the freeze. `ended_at` is null where it expired by itself, or has not."""

    reason: str
    expires_at: datetime
    approved_at: datetime
    approved_by: str
    approved_on_behalf_of: str | None
    ended_at: datetime | None
    ended_by: str | None
    ended_on_behalf_of: str | None


class QueriesCountView(BaseModel):
    """How many queries of a return there are in each state."""

    open: int
    answered: int
    closed: int


class StoodView(BaseModel):
    """Where a return stood at an instant: the latest revision then is the last good one of that deadline."""

    status: Status
    latest_revision: int | None
    accepted_revision: int | None


class StoodAtView(BaseModel):
    """Where a return stood at each of its deadlines; null where one has not passed or never comes."""

    due: StoodView | None
    close: StoodView | None
    freeze: StoodView | None


class ReturnDetailView(ReturnView):
    """Where a return stands, what it expects, its current figures, and its revisions.

    `sign_off` is the latest revision's; `reopening` the one in force, `reopenings` all there were.
    """

    as_of: datetime | None
    measures: list[MeasureView]
    expected_cells: list[ExpectedCellView]
    current: CurrentView | None
    revisions: list[SignedRevisionView]
    sign_off: SignOffView | None
    reopening: ReopeningView | None
    reopenings: list[ReopeningView]
    queries: QueriesCountView
    stood: StoodAtView


class ReturnKeyView(BaseModel):
    """Which return."""

    programme: str
    collection: str
    subcontract: str
    month: Month


class ReceiptView(BaseModel):
    """What became of a submission. `revision` and `received_at` are null for a dry run, `changes` for a first revision.

    `sha256` is of the bytes that are kept. Of a duplicate those of the revision that it repeats are: `sent_sha256`, of the bytes that were
    sent now, is another where these said the same in another way.
    """

    return_: ReturnKeyView = Field(alias="return")
    revision: int | None
    duplicate_of: int | None
    outcome: Literal["received", "received_with_warnings"]
    status: Status
    accepted_revision: int | None
    warnings: list[WarningView]
    changes: ChangesView | None
    by_rest: list[PlaceView]
    timeliness: Timeliness
    timeliness_first: Timeliness
    sha256: str
    received_at: datetime | None
    submitted_by: str
    submitted_on_behalf_of: str | None
    submitted_as: Literal["subcontract", "integrator"]
    links: dict[str, str]
    sent_sha256: str
