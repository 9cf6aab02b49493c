"""The shapes in which the register is answered and changed."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, PlainSerializer, StringConstraints, WithJsonSchema

from app.kernel.lines import Day, Line, Words, no_patient
from app.kernel.moments import moment_text
from app.organisations.actions import Registered
from app.organisations.domain import Act, Organisation, Succession, Version

Why = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(no_patient)]
"""The reason for a change of what all programmes share; kept in the record."""

Moment = Annotated[
    datetime, PlainSerializer(moment_text, return_type=str, when_used="json"), WithJsonSchema({"type": "string", "format": "date-time"})
]


class OrganisationBody(Line):
    """An organisation as the register shall have it, in the shape of a document's line, and why."""

    organisation: Organisation
    why: Why


class SuccessionBody(Line):
    """From which days on one organisation goes on from another, and why this is stated now."""

    legal_on: Day
    operational_on: Day | None = None
    note: Words | None = None
    why: Why


class OrganisationsView(BaseModel):
    organisations: list[Organisation]
    next: str | None


class OrganisationView(BaseModel):
    """An organisation, since when the register says this, from whom it goes on and who goes on from it."""

    organisation: Organisation
    recorded_at: Moment
    predecessors: list[Succession]
    successors: list[Succession]


class ActView(BaseModel):
    """Who did something, when and why. Name and reason are null where a programme's document brought it."""

    at: Moment
    client: str
    client_name: str | None
    why: str | None


class VersionView(BaseModel):
    """What the register said for a while, as one of the two, and the acts that began and ended it."""

    organisation: Organisation | None
    succession: Succession | None
    recorded: ActView
    closed: ActView | None


class HistoryView(BaseModel):
    versions: list[VersionView]
    next: str | None


def shown(view: BaseModel) -> dict[str, Any]:
    """A view as the wire carries it."""
    return view.model_dump(mode="json", by_alias=True)


def organisation_view(found: Registered) -> dict[str, Any]:
    return shown(
        OrganisationView(
            organisation=found.organisation,
            recorded_at=found.recorded_at,
            predecessors=list(found.predecessors),
            successors=list(found.successors),
        )
    )


def version_view(version: Version[Organisation] | Version[Succession]) -> VersionView:
    line = version.line
    return VersionView(
        organisation=line if isinstance(line, Organisation) else None,
        succession=line if isinstance(line, Succession) else None,
        recorded=_act(version.recorded),
        closed=None if version.closed is None else _act(version.closed),
    )


def _act(act: Act) -> ActView:
    return ActView(at=act.at, client=act.by, client_name=act.name, why=act.why)
