"""The shapes in which returns are signed, reopened, accepted together, and their revisions compared."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.calendar.expected import ReturnKey
from app.kernel.codes import Code
from app.kernel.lines import Line, Many, MomentText, no_patient
from app.kernel.moments import parse_moment
from app.kernel.months import Month
from app.returns.read_actions import Differences
from app.returns.review_actions import Named, Verdict, Waiting
from app.returns.schemas import ChangeView
from app.returns.views import address, changed_view

LONGEST_TEXT = 500
MOST_RETURNS = 200

Text = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT), AfterValidator(no_patient)
]


class SignOffBody(Line):
    """Which revision is signed, the one that was looked at; and in which words, if any."""

    revision: Annotated[int, Field(ge=1)]
    statement: Text | None = None


class ReopeningBody(Line):
    """Why a frozen return is reopened, and until when."""

    reason: Text
    expires_at: MomentText

    @property
    def expiry(self) -> datetime:
        return parse_moment(self.expires_at)


class NamedBody(Line):
    """A return to be accepted; `revision`, if given, is the one that was looked at."""

    # The answer names them again, whatever they are.
    collection: Annotated[Code, AfterValidator(no_patient)]
    subcontract: Annotated[Code, AfterValidator(no_patient)]
    month: Month
    revision: Annotated[int, Field(ge=1)] | None = None


class WaitingBody(Line):
    """The returns of a month that wait for acceptance; of one collection or subcontract where it is named."""

    month: Month
    collection: Code | None = None
    subcontract: Code | None = None


class AcceptancesBody(Line):
    """Which returns are accepted if they are clean: those of a list, or those that wait; one of the two is named."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["returns"], "properties": {"returns": {"type": "array"}, "waiting": {"type": "null"}}},
                {"required": ["waiting"], "properties": {"returns": {"type": "null"}, "waiting": {"type": "object"}}},
            ]
        }
    )

    returns: Annotated[Many[NamedBody], Field(min_length=1, max_length=MOST_RETURNS)] | None = None
    waiting: WaitingBody | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "AcceptancesBody":
        if (self.returns is None) == (self.waiting is None):
            raise PydanticCustomError("one_of_two", "name either the returns, or those that wait")
        keys = [(each.collection, each.subcontract, each.month) for each in self.returns or ()]
        if len(set(keys)) < len(keys):
            raise PydanticCustomError("repeated", "a return stands twice in this list")
        return self

    def asked(self) -> list[Named] | Waiting:
        if self.waiting is not None:
            return Waiting(self.waiting.month, self.waiting.collection, self.waiting.subcontract)
        return [Named(ReturnKey(each.collection, each.subcontract, each.month), each.revision) for each in self.returns or ()]


class VerdictView(BaseModel):
    """What became of one return: accepted, or the code and sentence of why not."""

    collection: str
    subcontract: str
    month: Month
    accepted: bool
    revision: int | None
    code: str | None
    detail: str | None
    links: dict[str, str]


class AcceptancesView(BaseModel):
    """What became of each return, in the order of their keys."""

    programme: str
    accepted: int
    refused: int
    returns: list[VerdictView]


class DifferencesView(BaseModel):
    """What a revision states differently from another; `against` is null where it is compared with nothing, as the first one is."""

    programme: str
    collection: str
    subcontract: str
    month: Month
    revision: int
    against: int | None
    added: int
    changed: int
    removed: int
    unchanged: int
    cells: list[ChangeView]


def acceptances_view(programme: str, verdicts: tuple[Verdict, ...]) -> dict[str, Any]:
    accepted = sum(each.refusal is None for each in verdicts)
    rows = [
        {
            **each.key._asdict(),
            "accepted": each.refusal is None,
            "revision": each.revision,
            "code": each.refusal.code if each.refusal else None,
            "detail": each.refusal.detail if each.refusal else None,
            "links": {"return": address(programme, *each.key)},
        }
        for each in verdicts
    ]
    return {"programme": programme, "accepted": accepted, "refused": len(verdicts) - accepted, "returns": rows}


def differences_view(found: Differences) -> dict[str, Any]:
    changed = changed_view(found.changes)
    there = found.cells - changed["added"] - changed["changed"]
    about = {"programme": found.programme, **found.key._asdict(), "revision": found.revision, "against": found.against}
    cells = changed.pop("cells")
    return {**about, **changed, "unchanged": there, "cells": cells}
