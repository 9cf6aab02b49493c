"""Queries: a question about a return's revision, what each word in its thread leads to, and when its answer is due."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from app.calendar.expected import CellKey, ReturnKey
from app.calendar.working_days import WorkingDays
from app.kernel.moments import LONDON
from app.kernel.months import YEARS, Month
from app.kernel.refusals import Fault, Kind, Refusal

LONGEST_TEXT: Final = 500
MOST_CELLS: Final = 100
ANSWER_WORKING_DAYS: Final = 5
"""How long an answer may take where nobody says: what commissioners give each other to ask about waiting times."""
LONGEST_ANSWER: Final = timedelta(days=366)


class QueryState(StrEnum):
    """Where a query stands: it waits for its answer, for whoever asked, or for nobody."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class QueryAct(StrEnum):
    """What a message of the thread does."""

    ASKED = "asked"
    ANSWERED = "answered"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"


QUERY_MOVES: Final[Mapping[QueryState, Mapping[QueryAct, QueryState]]] = {
    QueryState.OPEN: {
        QueryAct.ASKED: QueryState.OPEN,
        QueryAct.ANSWERED: QueryState.ANSWERED,
        QueryAct.SETTLED: QueryState.CLOSED,
        QueryAct.WITHDRAWN: QueryState.CLOSED,
    },
    QueryState.ANSWERED: {
        QueryAct.ASKED: QueryState.OPEN,
        QueryAct.ANSWERED: QueryState.ANSWERED,
        QueryAct.SETTLED: QueryState.CLOSED,
        QueryAct.WITHDRAWN: QueryState.CLOSED,
    },
    QueryState.CLOSED: {},
}
"""Which state an act leads to; an act that is not there is refused."""


class Origin(StrEnum):
    """Who asks: somebody who reviews returns, or the service itself, which compared what two providers say of each other."""

    REVIEW = "review"
    COMPARISON = "comparison"


class Party(StrEnum):
    """On whose behalf something is said in a thread."""

    INTEGRATOR = "integrator"
    SUBCONTRACT = "subcontract"
    SERVICE = "service"


class QueryClosed(Refusal):
    """Nothing more is said in the thread of a query that was settled or withdrawn."""

    code: ClassVar[str] = "query_closed"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The query is closed"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. Each of `cells` names one or more cells by some of their parts; none of them means the whole return.

    Without `revision` the latest is meant; without `due_on` the answer has five working days. Of `cells`, an empty one could not be read.
    """

    text: str
    revision: int | None = None
    cells: tuple[Mapping[str, str], ...] = ()
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it stands; `text` is what was asked first, no cells mean the whole return."""

    key: ReturnKey
    number: int
    state: QueryState
    origin: Origin
    revision: int
    cells: tuple[CellKey, ...]
    due_on: date
    asked_at: datetime
    asked_by: str
    text: str

    def is_overdue(self, moment: datetime) -> bool:
        return self.state is QueryState.OPEN and moment >= overdue_from(self.due_on)


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said in a query's thread."""

    number: int
    act: QueryAct
    party: Party
    text: str
    recorded_at: datetime
    recorded_by: str


Place = tuple[str, str, str, int, int]
"""Where a query comes in a list: the day its answer is due, collection, subcontract, month's ordinal, number."""


@dataclass(frozen=True, slots=True)
class WantedQueries:
    """Which queries a list is asked for, `among` which subcontracts'; None asks for any."""

    state: QueryState | None = None
    is_open: bool | None = None
    overdue: bool | None = None
    collection: str | None = None
    subcontract: str | None = None
    month: Month | None = None
    among: tuple[str, ...] | None = None


def place_of(query: Query) -> Place:
    return query.due_on.isoformat(), query.key.collection, query.key.subcontract, query.key.month.ordinal, query.number


def is_place(day: str, month: int, number: int) -> bool:
    """Whether these can be parts of a place: a cursor is no secret, and may have been made up."""
    with suppress(ValueError):
        return date.fromisoformat(day).year in YEARS and 0 <= month < 2**31 and 0 <= number < 2**31
    return False


def overdue_from(due_on: date) -> datetime:
    """The first instant at which an answer that was due on a day is overdue: London's next midnight."""
    return datetime.combine(due_on + timedelta(days=1), time(), tzinfo=LONDON)


def day_of(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()


def due_after(moment: datetime, days: WorkingDays) -> date:
    """The day by which a question is answered where nobody says."""
    return days.after(day_of(moment), ANSWER_WORKING_DAYS)


def moved(query: Query, act: QueryAct) -> QueryState:
    """The state that an act leads to. QueryClosed where none does."""
    state = QUERY_MOVES[query.state].get(act)
    if state is None:
        raise QueryClosed(f"Query {query.number} of this return is {query.state}: ask another.")
    return state


def named_cells(named: Sequence[Mapping[str, str]], stated: Iterable[CellKey]) -> tuple[CellKey, ...]:
    """The cells that are meant, in the order of their keys: of those stated, each that has the parts given."""
    return tuple(sorted({cell for cell in stated for parts in named if parts and _has(cell, parts)}))


def _has(cell: CellKey, parts: Mapping[str, str]) -> bool:
    return all(getattr(cell, name) == code for name, code in parts.items())


def question_faults(question: Question, *, latest_revision: int, stated: Sequence[CellKey], at: datetime) -> Iterator[Fault]:
    """Everything that keeps a question from being asked; `stated` are the cells of the revision that it is about, or of the latest."""
    if question.revision is not None and question.revision > latest_revision:
        fix = f"Name one of its revisions, 1 to {latest_revision}, or leave it out: the latest is meant."
        yield Fault("unknown_revision", "The return has no revision of this number.", fix, pointer="/revision")
    for number, parts in enumerate(question.cells):
        if parts and not any(_has(cell, parts) for cell in stated):
            fix = "Name a cell by codes that stand in the revision; parts that you leave out may be anything."
            yield Fault("unknown_cell", "The revision states no such cell.", fix, pointer=f"/cells/{number}")
    if len(named_cells(question.cells, stated)) > MOST_CELLS:
        fix = "Name fewer, or leave cells out: then the query is about the whole return."
        yield Fault("too_many_cells", f"A query names at most {MOST_CELLS} cells.", fix, pointer="/cells")
    yield from due_faults(question.due_on, at=at)


def due_faults(due_on: date | None, *, at: datetime) -> Iterator[Fault]:
    if due_on is not None and not day_of(at) <= due_on <= day_of(at) + LONGEST_ANSWER:
        fix = "Name a day from today on and within a year, or leave it out: then it is five working days from now."
        yield Fault("due_on", "An answer cannot be due on this day.", fix, pointer="/due_on")
