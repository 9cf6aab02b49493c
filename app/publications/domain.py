"""What a publication is: its number, for whom it is, what it takes the place of, and who made it final."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal, NamedTuple, get_args

from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import digest
from app.kernel.months import Month
from app.kernel.refusals import Kind, Refusal

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


def audiences_of(actor: Actor, *, public: bool = False) -> tuple[Audience, ...]:
    """As whom a caller reads what is published, its own first and then what it inherited."""
    if public:
        return (OF_PUBLIC,)
    if actor.subcontract == EVERY:
        return (OF_PROGRAMME,)
    if actor.commissioner is not None:
        return tuple(Audience("commissioner", code) for code in (actor.commissioner, *actor.inherited_commissioners))
    return tuple(Audience("subcontract", code) for code in (actor.subcontract or "", *actor.inherited_subcontracts))


class Part(NamedTuple):
    """The rows of one slice and period in a rendition: how many, and the bytes of its compressed stream that hold them."""

    slice: str
    period: str
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the list of an audience's publications says of one. `reason` is None of a first one whose audience is not told."""

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


class Found(NamedTuple):
    """A publication with the audience whose rendition a caller reads of it."""

    audience: Audience
    standing: Standing


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

    @property
    def sha256(self) -> str:
        """The digest of all that it would publish: of which month, in which words, computed from what."""
        return digest([str(self.month), self.commentary, self.inputs_sha256])


class NotDrafted(Refusal):
    """There is no draft of the month: somebody edits one, another person checks it, and it is published by anyone but its editor."""

    code: ClassVar[str] = "not_drafted"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The month has no draft"


class NotChecked(Refusal):
    """The draft as it stands was not checked by another person than its editor."""

    code: ClassVar[str] = "not_checked"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The draft has not been checked"


class DraftOutdated(Refusal):
    """What the draft would publish is no longer what was looked at: it was edited, or returns, the contract, imports or deadlines moved since."""

    code: ClassVar[str] = "draft_outdated"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The draft is out of date"


class NothingToPublish(Refusal):
    """The month is published already, and reads as it did."""

    code: ClassVar[str] = "nothing_to_publish"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Nothing has moved since the last publication"
