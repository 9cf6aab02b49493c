"""Reopening a frozen return: who gave leave, why and until when; judged to the microsecond."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from app.calendar.expected import ReturnKey
from app.kernel.refusals import Fault, Kind, Refusal
from app.returns.domain import Deadlines, words

LONGEST: Final = timedelta(days=90)


class NotFrozen(Refusal):
    """A return that is not frozen takes revisions as it is: there is nothing to reopen."""

    code: ClassVar[str] = "not_frozen"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The return is not frozen"


class NotReopened(Refusal):
    """No reopening of the return is in force that could be ended."""

    code: ClassVar[str] = "not_reopened"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "No reopening is in force"


@dataclass(frozen=True, slots=True)
class Reopening:
    """Leave to submit after the freeze. `ended_at` and `ended_by`: it was ended, or another took its place, before it expired."""

    reason: str
    expires_at: datetime
    approved_at: datetime
    approved_by: str
    ended_at: datetime | None
    ended_by: str | None

    def is_in_force(self, moment: datetime) -> bool:
        return self.approved_at <= moment <= self.expires_at and (self.ended_at is None or moment < self.ended_at)


def in_force(reopenings: Sequence[Reopening], moment: datetime) -> Reopening | None:
    return next((each for each in reopenings if each.is_in_force(moment)), None)


def check_frozen(key: ReturnKey, deadlines: Deadlines, *, at: datetime) -> None:
    """Pass where a return is frozen, so that it can be reopened."""
    if not deadlines.is_frozen(at):
        raise NotFrozen(f"The return {words(key)} is not frozen: it takes revisions as it is.")


def expiry_faults(expires_at: datetime, *, at: datetime) -> Iterator[Fault]:
    if not at < expires_at <= at + LONGEST:
        fix = f"Name a moment after now and within {LONGEST.days} days."
        yield Fault("expires_at", "A reopening cannot expire at this moment.", fix, pointer="/expires_at")
