"""Queries about rows of a publication: which row is asked about, by whom, and where the question stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from app.kernel.canonical import json_bytes
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.returns.queries import QUERY_MOVES, QueryAct, QueryClosed, QueryState


class RowKeys(NamedTuple):
    """A row of a published month, named by its own keys."""

    slice: str
    measure: str
    period: str = "month"
    commissioner: str = ALL
    site: str = ALL
    pathway: str = ALL
    segment: str = ALL
    subcontract: str = ALL
    category: str = ALL

    def is_of(self, row: Mapping[str, Any]) -> bool:
        return all(row[name] == code for name, code in self._asdict().items())

    @property
    def members(self) -> list[bytes]:
        """The keys as they stand in a row's bytes, and nowhere inside a text."""
        return [json_bytes({name: code})[1:-1] for name, code in self._asdict().items()]


class RowParty(StrEnum):
    """On whose behalf something is said about a row."""

    COMMISSIONER = "commissioner"
    INTEGRATOR = "integrator"


class QueryName(NamedTuple):
    """What identifies a query: who asks, about which publication, its number. Numbers are each commissioner's own, so that they say nothing of others'."""

    commissioner: str
    sequence: int
    number: int

    @property
    def text(self) -> str:
        return f"{self.commissioner}-{self.number}"

    @classmethod
    def parse(cls, sequence: int, text: str) -> "QueryName | None":
        commissioner, _, number = text.rpartition("-")
        return (
            cls(commissioner, sequence, int(number)) if commissioner and number.isascii() and number.isdigit() and len(number) < 7 else None
        )


@dataclass(frozen=True, slots=True)
class RowQuery:
    """A query as it stands; `text` is what was asked first."""

    name: QueryName
    month: Month
    state: QueryState
    row: RowKeys
    due_on: date
    asked_at: datetime
    asked_by: str
    text: str

    def is_about(self, rows: Iterable[bytes]) -> bool:
        """Whether any row of the flat table is the one that is asked about."""
        members = [json_bytes({"report_month": self.month})[1:-1], *self.row.members]
        return any(all(member in row for member in members) for row in rows)


@dataclass(frozen=True, slots=True)
class RowMessage:
    """Something that was said in a query's thread."""

    number: int
    act: QueryAct
    party: RowParty
    text: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class WantedRowQueries:
    """Which queries a list is asked for; None asks for any, and of the row's keys only those that are given count."""

    months: tuple[Month, ...] | None = None
    is_open: bool | None = None
    row: Mapping[str, str] | None = None


PARTIES: Final[Mapping[QueryAct, RowParty]] = {
    QueryAct.ASKED: RowParty.COMMISSIONER,
    QueryAct.ANSWERED: RowParty.INTEGRATOR,
    QueryAct.SETTLED: RowParty.COMMISSIONER,
    QueryAct.WITHDRAWN: RowParty.COMMISSIONER,
}
"""Whose each act is: who asks closes."""


def moved(query: RowQuery, act: QueryAct) -> QueryState:
    """The state that an act leads to. QueryClosed where none does."""
    state = QUERY_MOVES[query.state].get(act)
    if state is None:
        raise QueryClosed(f"Query {query.name.text} of this publication is {query.state}: ask another.")
    return state
