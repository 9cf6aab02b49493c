"""The shapes in which queries are asked, answered and read."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from app.kernel.codes import Code
from app.kernel.lines import Day, Line, Many, no_patient
from app.kernel.months import Month
from app.returns.queries import LONGEST_TEXT, Origin, Party, Query, QueryAct, QueryState, Question
from app.returns.query_actions import QueriesRead, QueryRead, Said
from app.returns.schemas import PlaceView
from app.returns.views import address

Text = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT), AfterValidator(no_patient)
]
"""What people write to each other: a few lines, and no patient in them."""


class CellsBody(Line):
    """Names a cell by its codes, or several: parts that are left out may be anything."""

    measure: Code
    pathway: Code | None = None
    segment: Code | None = None
    site: Code | None = None
    commissioner: Code | None = None
    category: Code | None = None


UNREAD: Final = CellsBody.model_construct()  # type: ignore[call-arg]  # made without pydantic's check, which would ask for what it does not name
"""Stands for an item of `cells` that could not be read."""


class QueryBody(Line):
    """A question about cells of a revision (left out: the latest), or without cells about the whole return."""

    text: Text
    revision: Annotated[int, Field(ge=1)] | None = None
    cells: Annotated[Many[CellsBody], Field(max_length=100)] = ()
    due_on: Day | None = None

    def question(self) -> Question:
        named = tuple(cells.model_dump(exclude_none=True) for cells in self.cells)
        return Question(self.text, self.revision, named, self.due_on)


class AnswerBody(Line):
    """What is answered."""

    text: Text


class FollowUpBody(Line):
    """What is asked further, and by when."""

    text: Text
    due_on: Day | None = None


class ClosingBody(Line):
    """That the answer is taken (`settled`), or that nothing is asked any more (`withdrawn`), and why."""

    outcome: Literal["settled", "withdrawn"]
    text: Text

    def said(self) -> Said:
        return Said(QueryAct(self.outcome), self.text)


class QueryView(BaseModel):
    """A query. No `cells` mean the whole return; `asked_by` is null where the service itself asks."""

    programme: str
    collection: str
    subcontract: str
    month: Month
    query: int
    state: QueryState
    origin: Origin
    revision: int
    cells: list[PlaceView]
    text: str
    due_on: date
    overdue: bool
    asked_at: datetime
    asked_by: str | None
    asked_on_behalf_of: str | None
    links: dict[str, str]


class MessageView(BaseModel):
    """Something that was said; `by` is null where the service itself speaks."""

    act: QueryAct
    party: Party
    text: str
    at: datetime
    by: str | None
    on_behalf_of: str | None


class QueryDetailView(QueryView):
    """A query with its thread."""

    as_of: datetime | None
    thread: list[MessageView]


class QueriesView(BaseModel):
    """A page of queries."""

    as_of: datetime | None
    queries: list[QueryView]
    next: str | None


def query_view(programme: str, query: Query, moment: datetime) -> dict[str, Any]:
    of_return = address(programme, *query.key)
    return {
        "programme": programme,
        **query.key._asdict(),
        "query": query.number,
        "state": query.state,
        "origin": query.origin,
        "revision": query.revision,
        "cells": [cell._asdict() for cell in query.cells],
        "text": query.text,
        "due_on": query.due_on.isoformat(),
        "overdue": query.is_overdue(moment),
        "asked_at": query.asked_at,
        # Whose submission made the service ask is nothing that the other party is told.
        "asked_by": None if query.origin is Origin.COMPARISON else query.asked_by,
        "links": {
            "self": f"{of_return}/queries/{query.number}",
            "return": of_return,
            "revision": f"{of_return}/revisions/{query.revision}",
        },
    }


def query_detail_view(read: QueryRead) -> dict[str, Any]:
    thread = [
        {
            "act": message.act,
            "party": message.party,
            "text": message.text,
            "at": message.recorded_at,
            "by": None if message.party is Party.SERVICE else message.recorded_by,
        }
        for message in read.thread
    ]
    return {**query_view(read.programme, read.query, read.moment), "as_of": read.as_of, "thread": thread}


def query_rows(read: QueriesRead) -> list[dict[str, Any]]:
    return [query_view(read.programme, query, read.moment) for query in read.queries]
