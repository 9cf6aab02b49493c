"""The shape of the flat table, and the reading of what is asked of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import BaseModel

from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.publications.observation_actions import Table
from app.publications.observations import ObservationQuery
from app.publications.row_query_schemas import RowQueryView
from app.reports.envelope import SCHEMA_VERSION
from app.reports.periods import PERIODS
from app.reports.schemas import Commissioners, Measures, NoteView, ObservationView, Reader, Sites, codes
from app.reports.slices import SLICES


class PublishedRowView(ObservationView):
    """A row of a published month: the month of its report (an imported row's own may be earlier), and the publication it is read from."""

    report_month: str
    sequence: int


class ReadPublicationView(BaseModel):
    """A rendition that rows are read from."""

    month: str
    sequence: int
    audience_code: str | None
    status: Literal["provisional", "final"]
    published_at: str
    sha256: str


class ObservationsView(BaseModel):
    """Published months as one flat table: the latest publication of each, as it was when `sequence` was the last one.

    `queries` are what is asked about rows of the page, each with its answer: it names the row by its keys.
    """

    schema_version: str
    programme: str
    audience: Literal["programme", "commissioner", "subcontract", "public"]
    audience_code: str | None
    sequence: int
    publications: list[ReadPublicationView]
    observations: list[PublishedRowView]
    queries: list[RowQueryView]
    notes: list[NoteView]
    links: dict[str, str]
    next: str | None


def _many(description: str, *, alias: str | None = None) -> Any:
    return Query(description=f"{description}; repeated, or several with commas.", max_length=100, alias=alias)


FirstMonth = Annotated[
    Month | None, Query(alias="from", description="The first month; left out, the first published.", examples=["2026-07"])
]
LastMonth = Annotated[Month | None, Query(alias="to", description="The last month; left out, the last published.", examples=["2026-10"])]
SlicesOf = Annotated[list[str] | None, _many(f"Slices, of {', '.join(SLICES)}; left out: every one", alias="slice")]
PeriodsOf = Annotated[list[str] | None, _many(f"Periods, of {', '.join(PERIODS)}; left out: every one", alias="period")]
Subcontracts = Annotated[list[str] | None, _many("Only rows of these subcontracts (or all)")]
Categories = Annotated[list[str] | None, _many("Only rows of these categories (or all)")]
RenditionOf = Annotated[
    str | None, Query(alias="rendition", description="`public`: as the public is shown what was published.", max_length=64)
]


def _is_public(rendition: RenditionOf = None) -> bool:
    reader = Reader()
    found = rendition is not None and reader.one("rendition", rendition, ("public",)) == "public"
    reader.end()
    return found


PublicOf = Annotated[bool, Depends(_is_public)]
"""Whether what is asked for is asked for as the public is shown it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What every reader of published rows may ask for."""

    slices: Sequence[str] | None
    periods: Sequence[str] | None
    places: Mapping[str, Sequence[str] | None]


def _asked(
    *,
    slice_: SlicesOf = None,
    period: PeriodsOf = None,
    measure: Measures = None,
    commissioner: Commissioners = None,
    site: Sites = None,
    category: Categories = None,
) -> Asked:
    return Asked(slice_, period, {"measure": measure, "commissioner": commissioner, "site": site, "category": category})


RowsAsked = Annotated[Asked, Depends(_asked)]


def observation_query(
    asked: Asked,
    *,
    first: Month | None = None,
    last: Month | None = None,
    subcontract: Sequence[str] | None = None,
    rendition: str | None = None,
) -> ObservationQuery:
    """What the parameters ask of the table, or every fault of them."""
    reader = Reader()
    query = ObservationQuery(
        first=first,
        last=last,
        slices=reader.closed("slice", asked.slices, tuple(SLICES), ()),
        periods=reader.closed("period", asked.periods, PERIODS, ()),
        public=rendition is not None and reader.one("rendition", rendition, ("public",)) == "public",
        **{name: codes(given) for name, given in {**asked.places, "subcontract": subcontract}.items()},
    )
    reader.end()
    return query


def table_answer(
    table: Table, rows: Sequence[bytes], queries: Sequence[Mapping[str, Any]], *, following: str | None, is_first: bool
) -> bytes:
    """A page of the table; its rows are put in as they are kept. A table without rows says why."""
    kind, code = table.audience
    publications = [
        {
            "month": source.month,
            "sequence": source.sequence,
            "audience_code": None if source.audience.code == "*" else source.audience.code,
            "status": source.status,
            "published_at": source.published_at,
            "sha256": source.sha256,
        }
        for source in table.renditions
    ]
    head = {
        "schema_version": SCHEMA_VERSION,
        "programme": table.programme,
        "audience": kind,
        "audience_code": None if code == "*" else code,
        "sequence": table.pinned,
        "publications": publications,
    }
    notes = [_note_of_nothing(table)] if is_first and not rows else []
    ending = json_bytes({"queries": queries, "notes": notes, "links": {}, "next": following})
    return b'%s,"observations":[%s],%s' % (json_bytes(head)[:-1], b",".join(rows), ending[1:])


def _note_of_nothing(table: Table) -> dict[str, Any]:
    if table.sources:
        return table.query.note_of_nothing
    detail = "Nothing is published for this reader of any month that was asked for."
    return {"code": "nothing_published", "detail": detail, "members": "report_month"}
