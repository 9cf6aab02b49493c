"""What assignments look like on the wire, and what a proposal of volumes asks and answers."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from app.assignments.domain import LINE_ID_DIGITS, AssignmentLine, Waiver
from app.configuration.actions import Applied
from app.configuration.assignment_actions import NamedLine
from app.configuration.history import LineVersion
from app.configuration.schemas import Difference, difference
from app.configuration.volumes import Proposal
from app.kernel.codes import Code
from app.kernel.figures import plain
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.ranges import Range

Number = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Selected = Annotated[str | list[str], WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}]})]


class MonthsView(BaseModel):
    """Months from the first to the last; no last where they go on."""

    from_month: str
    to_month: str | None


class PlaceVolumeView(BaseModel):
    """Patients a month at one place of a line."""

    site: str
    commissioner: str
    volume: Number


class AssignmentView(BaseModel):
    """A line of the contract; its name is a part of its digest, so a line that changes gets another."""

    assignment: str
    subcontract: str
    pathway: str
    segment: str
    sites: Selected
    commissioners: Selected
    from_month: str
    to_month: str | None
    share: Number | None
    expected_volume: Number | list[PlaceVolumeView] | None
    reported_by: str | None
    waiver: Waiver | None
    unsigned: list[MonthsView]


class LineDifference(Difference):
    """What a dry run of one line answers; `assignment` is the name by which the line would stand, null where none would."""

    assignment: str | None


class AssignmentsView(BaseModel):
    """A page of assignments."""

    programme: str
    assignments: list[AssignmentView]
    next: str | None


class ChangedAssignmentView(BaseModel):
    """The lines that stand in the place of one, by month."""

    programme: str
    replaced: str
    assignments: list[AssignmentView]


class AssignmentVersionView(BaseModel):
    """When a line stood, by which client it was recorded and closed, and which lines stood at its places just before and just after.

    A line that changes gets another name: `followed_by` names the one that took its place.
    """

    line: AssignmentLine
    recorded_at: str
    recorded_by: str
    closed_at: str | None
    closed_by: str | None
    preceded_by: list[str]
    followed_by: list[str]


class AssignmentHistoryView(BaseModel):
    """The times in which a line stood, the first one first."""

    versions: list[AssignmentVersionView]
    next: str | None


class VolumesWanted(BaseModel):
    """The measure whose figures are offered, and the first of the twelve months that they are offered for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    measure: Code
    from_month: Month
    subcontract: Code | None = None


class MonthVolumeView(BaseModel):
    """The patients of the same month a year before."""

    month: str
    of_month: str
    volume: Number | None


class ProposalView(BaseModel):
    """A line and what a year before suggests for it: month by month, and as the mean of those known, to one decimal."""

    assignment: str
    subcontract: str
    reported_by: str | None
    pathway: str
    segment: str
    sites: Selected
    commissioners: Selected
    expected_volume: Number | list[PlaceVolumeView] | None
    proposed_volume: Number | None
    months: list[MonthVolumeView]
    reason: Literal["nothing_reported", "shared_cells"] | None


class ProposalsView(BaseModel):
    """Volumes for each line whose segment collects the measure; nothing is stored."""

    programme: str
    measure: str
    from_month: str
    to_month: str
    assignments: list[ProposalView]


def assignment_view(named: NamedLine) -> dict[str, Any]:
    return {"assignment": named.name, **written(named.line), "unsigned": [_months(months) for months in named.unsigned]}


def line_difference(programme: str, applied: Applied, named: NamedLine | None) -> dict[str, Any]:
    return {**difference(programme, applied), "assignment": named.name if named else None}


def changed_view(programme: str, replaced: str, lines: Iterable[NamedLine]) -> dict[str, Any]:
    return {"programme": programme, "replaced": replaced, "assignments": [assignment_view(named) for named in lines]}


def version_view(version: LineVersion) -> dict[str, Any]:
    return {
        "line": written(version.line),
        "recorded_at": moment_text(version.recorded_at),
        "recorded_by": version.recorded_by,
        "closed_at": None if version.closed_at is None else moment_text(version.closed_at),
        "closed_by": version.closed_by,
        "preceded_by": list(version.preceded_by),
        "followed_by": list(version.followed_by),
    }


def written(line: AssignmentLine) -> dict[str, Any]:
    """A line as the document writes it."""
    return line.model_dump(mode="json")


def proposal_view(proposal: Proposal, line: AssignmentLine) -> dict[str, Any]:
    members = ("subcontract", "reported_by", "pathway", "segment", "sites", "commissioners", "expected_volume")
    stated = written(line)
    return {
        "assignment": proposal.facts[0].line[:LINE_ID_DIGITS],
        **{member: stated[member] for member in members},
        "proposed_volume": _number(proposal.volume),
        "months": [{"month": str(each.month), "of_month": str(each.of_month), "volume": _number(each.volume)} for each in proposal.months],
        "reason": proposal.reason,
    }


def _number(volume: Decimal | None) -> Decimal | None:
    return None if volume is None else plain(volume)


def _months(months: Range) -> dict[str, str]:
    return {"from_month": str(Month(months[0])), "to_month": str(Month(months[1]))}
