"""What a report says of itself on the wire, as it was asked for."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, WithJsonSchema

Number = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Status = Literal["provisional", "final"]


class ReportHeadView(BaseModel):
    """What a report says of itself; sequence, supersedes and previous_sha256 are a publication's."""

    programme: str
    month: str
    phase: int | None
    status: Status
    as_of: str
    sequence: int | None
    supersedes: int | None
    returns_expected: int
    returns_included: int
    coverage: Number | None
    method_version: str
    inputs_sha256: str
    previous_sha256: str | None


class RestatedHeadView(ReportHeadView):
    """The same of a restated report, which says so."""

    succession: Literal["restated"]


class SubmittedHeadView(ReportHeadView):
    """The same of a report that counts what nobody has accepted yet, which says so."""

    include: Literal["submitted"]


class RestatedSubmittedHeadView(RestatedHeadView):
    """Both."""

    include: Literal["submitted"]


class PublicHeadView(ReportHeadView):
    """What a report says of itself whose rows are shown as the public would be shown them."""

    rendition: Literal["public"]


class RestatedPublicHeadView(RestatedHeadView, PublicHeadView):
    """The same, restated."""


class SubmittedPublicHeadView(SubmittedHeadView, PublicHeadView):
    """The same, counting what nobody has accepted yet."""


class RestatedSubmittedPublicHeadView(RestatedSubmittedHeadView, PublicHeadView):
    """All three."""


HeadView = (
    ReportHeadView
    | RestatedHeadView
    | SubmittedHeadView
    | RestatedSubmittedHeadView
    | PublicHeadView
    | RestatedPublicHeadView
    | SubmittedPublicHeadView
    | RestatedSubmittedPublicHeadView
)


class TrendHeadView(BaseModel):
    """What a trend says of itself."""

    programme: str
    from_month: str
    month: str
    as_of: str
    method_version: str
    inputs_sha256: str
    succession: Literal["as_reported", "restated"]
    include: Literal["accepted", "submitted"]
