"""What an organisation is, when it is open, and which organisations go on from which."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.kernel.codes import Code
from app.kernel.lines import Day, Line, Many, Name, NewCode, Number, Words
from app.kernel.months import Month
from app.kernel.refusals import Fault, Kind, Refusal

OrganisationKind = Literal[
    "acute_trust",
    "community_trust",
    "mental_health_trust",
    "hospice",
    "independent_provider",
    "charity",
    "primary_care",
    "icb",
    "sub_icb_location",
    "ccg",
    "council",
    "other",
]


class SuccessionCircle(Refusal):
    """The link would make an organisation go on from itself, at once or by way of others."""

    code: ClassVar[str] = "succession_circle"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "An organisation cannot succeed itself"


class Identifier(Line):
    """What another register knows an organisation by: its company, charity or CQC number."""

    scheme: NewCode
    value: Number


class Span(Line):
    """The days from which and to which an organisation is open, both included; None is open-ended."""

    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None

    @model_validator(mode="after")
    def _forwards(self) -> "Span":
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise PydanticCustomError("reversed", "it closes before it opens")
        return self

    def holds(self, first: date, last: date) -> bool:
        """Whether any day from `first` to `last` lies in it."""
        return (self.from_ is None or self.from_ <= last) and (self.to is None or self.to >= first)


def _once_each(value: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    if len({identifier.scheme for identifier in value}) < len(value):
        raise PydanticCustomError("repeated", "a scheme stands twice in this list")
    return tuple(sorted(value, key=lambda identifier: identifier.scheme))


def _stated(value: Span | None) -> Span | None:
    return None if value == Span() else value


StatedSpan = Annotated[Span | None, AfterValidator(_stated)]
"""A span; one that says nothing is none."""


class Organisation(Line):
    """An NHS trust, community provider, hospice, independent provider or commissioner, by its ODS code.

    Shared by all programmes: a programme's document may add one or repeat what the register says (or said at some time) of it, never change it. A code is never
    reused, only closed: `legal` is when the organisation exists in law, `operational` when it works under this code.
    """

    ods_code: NewCode
    name: Name
    kind: OrganisationKind
    identifiers: Annotated[Many[Identifier], Field(max_length=50), AfterValidator(_once_each)] = ()
    legal: StatedSpan = None
    operational: StatedSpan = None


class Succession(Line):
    """One organisation goes on from another: in law from one day, in its work from another (the same, where it is left out).

    Several may go on as one (a merger) and one as several (a split). Nothing is moved: a closed code keeps its history.
    """

    predecessor: Code
    successor: Code
    legal_on: Day
    operational_on: Day
    note: Words | None = None

    @model_validator(mode="before")
    @classmethod
    def _both_days(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("operational_on") is None and "legal_on" in value:
            return {**value, "operational_on": value["legal_on"]}
        return value


L = TypeVar("L", Organisation, Succession)


@dataclass(frozen=True, slots=True)
class Act:
    """Who did something to the register, when and why (name and reason are None where a programme's document brought it)."""

    at: datetime
    by: str
    name: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Version(Generic[L]):
    """What the register said for a while, and the acts that began and ended it; None while it is in force."""

    line: L
    recorded: Act
    closed: Act | None


def open_days(organisation: Organisation) -> tuple[date, date]:
    """The first and the last day on which an organisation works under its code, as far as dates reach where it is not said.

    By its operational days, or its legal ones where those are not stated; open where neither is.
    """
    span = organisation.operational or organisation.legal or Span()
    return span.from_ or date.min, span.to or date.max


def is_open(organisation: Organisation, day: date, *, to: date | None = None) -> bool:
    """Whether an organisation works under its code on a day (or on any day from it to `to`)."""
    first, last = open_days(organisation)
    return first <= (day if to is None else to) and day <= last


def closed_in(organisation: Organisation, month: Month) -> Fault | None:
    """The fault of stating figures for a month on no day of which the organisation worked under its code."""
    if is_open(organisation, month.first_day, to=month.last_day):
        return None
    return Fault(
        "organisation_closed",
        f"The organisation {organisation.ods_code} was open on no day of {month}.",
        "Check the month. If the work went on under another code, its successor's subcontract returns it; if the register's days"
        " are wrong, ask whoever keeps it to correct them.",
    )


def lineage(code: str, successions: Iterable[Succession]) -> frozenset[str]:
    """Every organisation that this one goes on from, at once or by way of others."""
    predecessors: dict[str, list[str]] = {}
    for link in successions:
        predecessors.setdefault(link.successor, []).append(link.predecessor)
    found: set[str] = set()
    waiting = [code]
    while waiting:
        new = set(predecessors.get(waiting.pop(), ())) - found
        found |= new
        waiting.extend(new)
    return frozenset(found)


def codes_readable_by(code: str, successions: Iterable[Succession], *, on: date) -> frozenset[str]:
    """Under which codes an organisation may read on a day: its own, and those of all that it has succeeded in law by then."""
    return lineage(code, [link for link in successions if link.legal_on <= on]) | {code}


def current_of(code: str, successions: Iterable[Succession], month: Month) -> str:
    """The organisation that carries a code's work on in a month; the code itself where nobody does yet.

    One that went on as several keeps its own name: nothing says which part of its figures would be whose. A succession
    counts from the month that holds its operational day.
    """
    return restated([code], successions, month)[code]


def restated(codes: Collection[str], successions: Iterable[Succession], month: Month) -> dict[str, str]:
    """What `current_of` says of each code: the map by which earlier figures are read as today's organisations."""
    successors: dict[str, list[str]] = {}
    for link in successions:
        if link.operational_on <= month.last_day:
            successors.setdefault(link.predecessor, []).append(link.successor)
    found = {}
    for code in codes:
        current, passed = code, {code}
        while len(following := successors.get(current, [])) == 1 and following[0] not in passed:
            current = following[0]
            passed.add(current)
        found[code] = current
    return found


def refuse_circle(link: Succession, successions: Sequence[Succession]) -> None:
    """Pass where the link, beside those there are, lets nobody succeed itself; SuccessionCircle otherwise."""
    if link.successor == link.predecessor:
        raise SuccessionCircle("An organisation does not go on from itself.")
    if link.successor in lineage(link.predecessor, successions):
        raise SuccessionCircle(f"{link.predecessor} goes on from {link.successor} already, so {link.successor} cannot go on from it.")
