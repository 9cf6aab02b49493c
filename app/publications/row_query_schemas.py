"""The shapes in which rows of a publication are asked about, answered and listed."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel
from pydantic_core import PydanticCustomError

from app.kernel.codes import ALL, UNKNOWN, is_code
from app.kernel.lines import Day, Line
from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.publications.row_queries import RowKeys, RowParty
from app.publications.row_query_actions import Asked, RowQueryRead
from app.reports.schemas import PeriodCode, SliceCode
from app.returns.queries import QueryAct, QueryState
from app.returns.query_schemas import Text


def _row_code(value: str) -> str:
    if not is_code(value) and value not in {ALL, UNKNOWN}:
        raise PydanticCustomError("code", "a code, or all, or UNKNOWN")
    return value


RowCode = Annotated[str, AfterValidator(_row_code)]


class RowBody(Line):
    """A row named by its own keys; what is left out is `all`, and the period is the month."""

    slice: SliceCode = "all"
    measure: RowCode
    period: PeriodCode = "month"
    commissioner: RowCode = ALL
    site: RowCode = ALL
    pathway: RowCode = ALL
    segment: RowCode = ALL
    subcontract: RowCode = ALL
    category: RowCode = ALL


class RowQueryBody(Line):
    """A question about a row of a publication."""

    row: RowBody
    text: Text
    due_on: Day | None = None

    def asked(self, faults: Iterable[Fault]) -> Asked:
        return Asked(RowKeys(**self.row.model_dump()), self.text, self.due_on, tuple(faults))


class RowMessageView(BaseModel):
    """Something that was said."""

    act: QueryAct
    party: RowParty
    text: str
    at: datetime
    by: str
    on_behalf_of: str | None


class RowQueryView(BaseModel):
    """A query about a row, with its thread. The row is asked about by its keys: later publications of the month show the query too."""

    programme: str
    query: str
    commissioner: str
    sequence: int
    month: Month
    state: QueryState
    row: RowBody
    text: str
    due_on: date
    asked_at: datetime
    asked_by: str
    asked_on_behalf_of: str | None
    thread: list[RowMessageView]
    links: dict[str, str]


class RowMessageLine(BaseModel):
    """Something that was said, as a line of a table: under the keys of the row and the month of its report, to join on the rows."""

    report_month: str
    sequence: int
    query: str
    state: QueryState
    due_on: date
    slice: str
    measure: str
    period: str
    commissioner: str
    site: str
    pathway: str
    segment: str
    subcontract: str
    category: str
    message: int
    act: QueryAct
    party: RowParty
    text: str
    at: str
    by: str
    on_behalf_of: str | None


class RowQueriesView(BaseModel):
    """A page of queries about rows."""

    queries: list[RowQueryView]
    next: str | None


def queries_link(programme: str, sequence: int | None = None) -> str:
    """What a table of rows, which has no place for it, names in `Link`: what is asked about them, as a table of its own."""
    path = "row-queries" if sequence is None else f"publications/{sequence}/queries"
    return f'</v1/programmes/{programme}/{path}?format=csv>; rel="related"; title="queries"'


def row_query_view(programme: str, read: RowQueryRead) -> dict[str, Any]:
    query = read.query
    publication = f"/v1/programmes/{programme}/publications/{query.name.sequence}"
    return {
        "programme": programme,
        "query": query.name.text,
        "commissioner": query.name.commissioner,
        "sequence": query.name.sequence,
        "month": query.month,
        "state": query.state,
        "row": query.row._asdict(),
        "text": query.text,
        "due_on": query.due_on.isoformat(),
        "asked_at": query.asked_at,
        "asked_by": query.asked_by,
        "thread": [
            {"act": each.act, "party": each.party, "text": each.text, "at": each.recorded_at, "by": each.recorded_by}
            for each in read.thread
        ],
        "links": {"self": f"{publication}/queries/{query.name.text}", "publication": publication},
    }
