"""The shapes in which backfills are asked for and answered."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.kernel.months import Month
from app.returns.backfill import Outcome
from app.returns.domain import Status
from app.returns.schemas import SubmissionBody


class BackfillEntryBody(SubmissionBody):
    """A return as it is submitted, and which one it is."""

    collection: str
    subcontract: str
    month: Month


class BackfillBody(BaseModel):
    """Many returns, each received or refused by itself."""

    model_config = ConfigDict(extra="forbid")

    returns: list[BackfillEntryBody]


class BackfillView(BaseModel):
    """How far a backfill has come: `entries` were sent, `done` are done, and these became what they say."""

    backfill: str
    programme: str
    entries: int
    done: int
    received: int
    received_with_warnings: int
    duplicate: int
    refused: int
    sha256: str
    media_type: str
    begun_at: datetime
    begun_by: str
    links: dict[str, str]


class BackfillsView(BaseModel):
    """The caller's last backfills, the last one first."""

    backfills: list[BackfillView]


class FaultView(BaseModel):
    """One thing that is wrong with an entry: in JSON by a pointer into the entry, in CSV by line and column of the whole text."""

    code: str
    detail: str
    fix: str
    pointer: str | None
    line: int | None
    column: int | None


class ResultView(BaseModel):
    """What became of an entry. `position` counts from 0; `code`, `detail` and `errors` are those of a refusal, null and empty of any other."""

    position: int
    collection: str | None
    subcontract: str | None
    month: Month | None
    outcome: Outcome
    status: Status | None
    revision: int | None
    code: str | None
    detail: str | None
    errors: list[FaultView] = Field()


class ResultsView(BaseModel):
    """A page of results, in the order of the entries."""

    results: list[ResultView]
    next: str | None
