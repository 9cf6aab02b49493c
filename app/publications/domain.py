"""What a publication is: its number, for whom it is, what it takes the place of, and who made it final."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

from app.kernel.months import Month

AudienceKind = Literal["programme", "commissioner", "subcontract", "public"]
AUDIENCE_KINDS: Final[tuple[str, ...]] = get_args(AudienceKind)
WHOLE: Final = "*"
"""The code of an audience that is the only one of its kind."""

PublicationKind = Literal["first", "correction", "final", "trend"]
"""`trend`: published because another month was, and its own figures had moved."""

PublicationStatus = Literal["provisional", "final"]


class Audience(NamedTuple):
    """For whom a rendition is: the programme, the public, or one commissioner or subcontract by its code."""

    kind: AudienceKind
    code: str = WHOLE


OF_PROGRAMME: Final = Audience("programme")
OF_PUBLIC: Final = Audience("public")


class Part(NamedTuple):
    """The rows of one slice and period in a rendition: how many, and the bytes of its compressed stream that hold them."""

    slice: str
    period: str
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the list of an audience's publications says of one. `reason` is None where the audience is not told."""

    sequence: int
    month: Month
    kind: PublicationKind
    status: PublicationStatus
    supersedes: int | None
    superseded_by: int | None
    reason: str | None
    rows_changed: int
    as_of: datetime
    published_at: datetime
    sha256: str
    length_bytes: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A month's draft as it stands: who edited it last, exactly what it would publish, and who checked that."""

    month: Month
    version: int
    commentary: str
    as_of: datetime
    inputs_sha256: str
    edited_at: datetime
    edited_by: str
    checked_at: datetime | None = None
    checked_by: str | None = None
