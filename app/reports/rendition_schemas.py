"""The shape of a published report: a rendition is a report with the head of its publication, and a signature."""

from typing import Literal

from pydantic import BaseModel

from app.reports.head_schemas import ReportHeadView
from app.reports.schemas import NoteView, ObservationView


class PublishedHeadView(ReportHeadView):
    """What a published report says of itself besides: for whom it is, when it was published and what was said with it.

    `event_sha256` is the digest of the last event that the programme's record held when it was written: whoever keeps it is a witness of that.
    """

    audience: Literal["programme", "commissioner", "subcontract", "public"]
    audience_code: str | None
    published_at: str
    commentary: str | None
    event_sha256: str | None


class SignatureView(BaseModel):
    """Who vouches for a rendition: the signature is over its canonical JSON (RFC 8785) without this member."""

    algorithm: Literal["Ed25519"]
    key_id: str
    value: str


class RenditionView(BaseModel):
    """A month's report as it was published for one audience."""

    schema_version: str
    report: PublishedHeadView
    observations: list[ObservationView]
    notes: list[NoteView]
    links: dict[str, str]
    signature: SignatureView


class PreviewHeadView(ReportHeadView):
    """The same of what has not been published."""

    audience: Literal["programme", "commissioner", "subcontract", "public"]
    audience_code: str | None
    published_at: str | None
    commentary: str | None
    event_sha256: str | None


class PreviewView(BaseModel):
    """A month's report as a draft would publish it for one audience: unsigned."""

    schema_version: str
    report: PreviewHeadView
    observations: list[ObservationView]
    notes: list[NoteView]
    links: dict[str, str]
