"""Published months as one flat table: which renditions it is read from, which rows are asked for, and where a page goes on.

Rows are told apart by the bytes in which they are kept: in a flat canonical row a member and its value stand as they do nowhere inside a text,
where quotes are escaped.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from app.kernel.canonical import digest, json_bytes
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.publications.domain import Audience, Part
from app.reports.absence import note_of_nothing

PLACES: Final = ("measure", "commissioner", "site", "subcontract", "category")


@dataclass(frozen=True, slots=True)
class ObservationQuery:
    """Which rows are asked for; what names nothing asks for all. `public`: as the public reads them."""

    first: Month | None = None
    last: Month | None = None
    slices: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    measure: frozenset[str] = frozenset()
    commissioner: frozenset[str] = frozenset()
    site: frozenset[str] = frozenset()
    subcontract: frozenset[str] = frozenset()
    category: frozenset[str] = frozenset()
    public: bool = False

    @property
    def is_filtered(self) -> bool:
        return bool(self.slices or self.periods or any(getattr(self, name) for name in PLACES))

    @property
    def note_of_nothing(self) -> dict[str, Any]:
        """What is said where no row is what was asked for."""
        return note_of_nothing(self.slices, self.periods, {name: getattr(self, name) for name in PLACES})

    def wants(self, part: Part) -> bool:
        """Whether any row of a part can be asked for."""
        return part.rows > 0 and part.slice in (self.slices or (part.slice,)) and part.period in (self.periods or (part.period,))


@dataclass(frozen=True, slots=True)
class Source:
    """A rendition that rows are read from. `totals` are read from one rendition of a month only: every commissioner's has them."""

    month: Month
    audience: Audience
    sequence: int
    status: str
    published_at: datetime
    sha256: str
    totals: bool = True


class Position(NamedTuple):
    """Where a page goes on: in the table as it stood when publication `pinned` was the last; its month, source, part and row."""

    pinned: int
    month: int = 0
    source: int = 0
    part: int = 0
    row: int = 0


def sources_of(
    found: Iterable[Source], audiences: Sequence[Audience], *, held: Mapping[Month, Collection[str]]
) -> dict[Month, list[Source]]:
    """The sources of each month, in the order of months, its own rendition first.

    What a reader inherited is read beside its own rendition, unless that holds the predecessor's rows too (`held`, by month).
    """
    by_month: dict[Month, list[Source]] = {}
    for source in sorted(found, key=lambda source: (source.month, audiences.index(source.audience))):
        of_month = by_month.setdefault(source.month, [])
        if not of_month:
            of_month.append(source)
        elif not (of_month[0].audience == audiences[0] and source.audience.code in held.get(source.month, ())):
            of_month.append(replace(source, totals=source.audience.kind != "commissioner"))
    return by_month


class Filter:
    """Tells the rows that are asked for, by their bytes."""

    def __init__(self, query: ObservationQuery) -> None:
        asked = [("slice", query.slices), ("period", query.periods), *((name, sorted(getattr(query, name))) for name in PLACES)]
        self._any_of: Final = [[_member(name, code) for code in codes] for name, codes in asked if codes]

    def takes(self, row: bytes, source: Source) -> bool:
        return all(any(each in row for each in members) for members in self._any_of) and (source.totals or _TOTAL not in row)


def _member(name: str, value: Any) -> bytes:
    return json_bytes({name: value})[1:-1]


_TOTAL: Final = _member("commissioner", ALL)


def rows_of(content: bytes) -> list[bytes]:
    """The rows of a part: all begin with the same member, and no text can hold its quotes as they are."""
    if content == b"[]":
        return []
    opening = content[1 : content.index(b'":') + 2]
    return [b"%s%s}" % (opening, rest) for rest in content[len(opening) + 1 : -2].split(b"}," + opening)]


def row_of(row: bytes, source: Source, lacking: bytes) -> bytes:
    """A row of the table: as it was published, with the members that rows have had since, its report's month and its publication."""
    return b'%s%s,"report_month":"%s","sequence":%d}' % (row[:-1], lacking, str(source.month).encode(), source.sequence)


def lacking(row: bytes, members: Iterable[str]) -> bytes:
    """The members that rows have today and that this rendition's did not have yet, as nulls."""
    return b"".join(b',"%s":null' % name.encode() for name in members if b'"%s":' % name.encode() not in row)


def tag_of(query: ObservationQuery, sources: Iterable[Source], *how: Any) -> str:
    """The ETag of an answer: which rows of which renditions, from where, in which format."""
    asked = [query.first, query.last, query.slices, query.periods, *(sorted(getattr(query, name)) for name in PLACES)]
    return digest([asked, [[source.sha256, source.audience, source.sequence, source.totals] for source in sources], how])
