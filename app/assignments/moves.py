"""Ending an assignment mid-term, and handing it over to one subcontract or to several: lines in, lines out."""

from typing import Annotated

from pydantic import Field

from app.assignments.domain import AssignmentLine, ExpectedVolume, Share, Waiver
from app.kernel.codes import Code
from app.kernel.lines import Line, Many
from app.kernel.months import Month, covers
from app.kernel.refusals import Fault, Invalid


class NotWithinAssignment(Invalid):
    """An assignment is ended or handed over in one of its own months."""

    code = "not_within_assignment"
    title = "That month is none of the assignment's"


class Ending(Line):
    """The last month in which the assignment holds."""

    to_month: Month


class Move(Line):
    """From a month on another subcontract delivers, with the share and volume of before."""

    from_month: Month
    subcontract: Code
    reported_by: Code | None = None
    waiver: Waiver | None = None


class Part(Line):
    """What one subcontract takes over."""

    subcontract: Code
    share: Share
    expected_volume: ExpectedVolume | None = None
    reported_by: Code | None = None
    waiver: Waiver | None = None


class Split(Line):
    """From a month on several subcontracts deliver, each its share."""

    from_month: Month
    parts: Annotated[Many[Part], Field(min_length=1, max_length=100)]


def ended(line: AssignmentLine, ending: Ending) -> AssignmentLine:
    """The line with an earlier last month."""
    if not covers(line.from_month, line.to_month, ending.to_month) or ending.to_month == line.to_month:
        fix = "Name a month from its first on, before its last."
        raise _refusal("The assignment cannot end in that month.", fix, "/to_month")
    return line.model_copy(update={"to_month": ending.to_month})


def moved(line: AssignmentLine, move: Move) -> tuple[AssignmentLine | None, list[AssignmentLine]]:
    """What is left of the line before the move (nothing, where it moves from its first month on), and the line that follows."""
    part = {"subcontract": move.subcontract, "reported_by": move.reported_by, "waiver": move.waiver}
    if all(getattr(line, member) == value for member, value in part.items()):
        detail = f"{line.subcontract} delivers and reports it already, so nothing would be handed over."
        raise Invalid(detail, faults=[Fault("same_subcontract", detail, "Name another subcontract.", pointer="/subcontract")])
    return _before(line, move.from_month), [line.model_copy(update={**part, "from_month": move.from_month})]


def split(line: AssignmentLine, into: Split) -> tuple[AssignmentLine | None, list[AssignmentLine]]:
    """What is left of the line before the split, and the lines that follow, in the order of the parts."""
    return _before(line, into.from_month), [_part(line, part, into.from_month) for part in into.parts]


def _part(line: AssignmentLine, part: Part, first: Month) -> AssignmentLine:
    members = {name: getattr(part, name) for name in Part.model_fields}
    return line.model_copy(update={**members, "from_month": first})


def _before(line: AssignmentLine, first: Month) -> AssignmentLine | None:
    if not covers(line.from_month, line.to_month, first):
        raise _refusal("The assignment does not hold in that month.", "Name one of its months.", "/from_month")
    return None if first == line.from_month else line.model_copy(update={"to_month": first.plus(-1)})


def _refusal(detail: str, fix: str, pointer: str) -> NotWithinAssignment:
    return NotWithinAssignment(detail, faults=[Fault("not_within_assignment", detail, fix, pointer=pointer)])
