"""The shapes of drafts and publications, and answers as plain values of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, StringConstraints
from pydantic_core import PydanticCustomError

from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, no_patient
from app.kernel.moments import parse_as_of
from app.kernel.months import Month
from app.publications.actions import Listed
from app.publications.domain import PublicationKind, PublicationStatus, Standing
from app.publications.draft_actions import DraftRead, Preparing, WouldPublish
from app.publications.manifests import audience_named
from app.publications.notices import Change
from app.reports.rendition_schemas import SignatureView
from app.reports.sentences import CauseKind

Commentary = Annotated[str, StringConstraints(strict=True, max_length=20_000), AfterValidator(no_patient)]
Reason = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(no_patient)]
Digest = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]
AudienceName = Literal["programme", "commissioner", "subcontract", "public"]


def _moment(value: str) -> str:
    try:
        parse_as_of(value)
    except ValueError:
        raise PydanticCustomError("moment", "a moment is written YYYY-MM-DDTHH:MM:SSZ, a day YYYY-MM-DD") from None
    return value


class DraftBody(Line):
    """What the integrator says of the month, and the moment at which it is seen (a day: its end in Europe/London); null is as for reads."""

    commentary: Commentary = ""
    as_of: Annotated[str, StringConstraints(strict=True, max_length=40), AfterValidator(_moment)] | None = None


class CheckBody(Line):
    """What was looked at: the digest of all that the draft would publish, its words and its month with it."""

    inputs_sha256: Digest


class PublishBody(Line):
    """The month whose checked draft is published, and why."""

    month: Month
    reason: Reason


class MovedView(BaseModel):
    """Something that stands otherwise than when the draft was edited."""

    code: str
    detail: str


class WouldPublishView(BaseModel):
    """A month that would be published, what it would take the place of, and how many of its rows read otherwise."""

    month: str
    supersedes: int | None
    rows_changed: int


class PreviewedView(BaseModel):
    """A rendition as the draft has it: the digest of its preview."""

    audience: AudienceName
    audience_code: str | None
    sha256: str


class DraftView(BaseModel):
    """A month's draft: who edited and checked it, exactly what it would publish, and what has moved since. `outdated`: edit it anew.

    `publishes` is empty where nothing has moved since the month was published; `renditions` are worked out where it is read, and null where it is
    edited or checked.
    """

    programme: str
    month: str
    version: int
    commentary: str
    as_of: str
    inputs_sha256: str
    edited_at: str
    edited_by: str
    edited_on_behalf_of: str | None
    checked_at: str | None
    checked_by: str | None
    checked_on_behalf_of: str | None
    outdated: bool
    moved: list[MovedView]
    publishes: list[WouldPublishView]
    renditions: list[PreviewedView] | None


class PreparationsView(BaseModel):
    """What is prepared of a publication to come, and the months that are still to be looked at: ask again until none remains."""

    programme: str
    month: str
    prepared: list[WouldPublishView]
    remaining: list[str]


class PublicationView(BaseModel):
    """A publication: `sha256` is that of the caller's rendition. `reason` is the publisher's, or what moved the caller's own figures; null of a first one
    that the caller is not told why.
    """

    sequence: int
    month: str
    kind: PublicationKind
    status: PublicationStatus
    supersedes: int | None
    superseded_by: int | None
    revision_pending: bool
    rows_changed: int
    reason: str | None
    as_of: str
    published_at: str
    sha256: str
    length_bytes: int


class PublicationsView(BaseModel):
    """A caller's publications by their sequence."""

    programme: str
    publications: list[PublicationView]
    next: str | None


class PublishedView(BaseModel):
    """What one act published: the month that was asked for, and after it the months around it whose figures had moved."""

    programme: str
    publication: PublicationView
    also: list[PublicationView]


class ChangeView(BaseModel):
    sequence: int
    month: str
    supersedes: int | None
    published_at: str
    kind: PublicationKind
    rows_changed: int
    reason: str | None


class ChangesView(BaseModel):
    """What was published after a sequence, in the order of the commits; `next` is what to ask for `since` the next time."""

    changes: list[ChangeView]
    next: int


class CauseView(BaseModel):
    """Why a row reads otherwise. `revised` and the like name a return as far as the caller may know it; null where it may not, or it is no return."""

    kind: CauseKind
    collection: str | None
    subcontract: str | None
    organisation_name: str | None
    month: str | None
    revision_before: int | None
    revision: int | None


class FiguresView(BaseModel):
    """What a row said: its figures, what was asked of them, and what was missing."""

    measure_version: int
    numerator: ExactDecimal | None
    denominator: ExactDecimal | None
    value: ExactDecimal | None
    lower: ExactDecimal | None
    upper: ExactDecimal | None
    standard: ExactDecimal | None
    target: ExactDecimal | None
    target_kind: str | None
    floor: ExactDecimal | None
    stretch: ExactDecimal | None
    contract_test: str | None
    against_target: str | None
    spc_mean: ExactDecimal | None
    spc_lower: ExactDecimal | None
    spc_upper: ExactDecimal | None
    spc_from: str | None
    spc_points: int | None
    spc_variation: str | None
    spc_signal: str | None
    spc_assurance: str | None
    coverage: ExactDecimal | None
    returns_expected: int
    returns_included: int
    excludes: str | None
    missing_reason: str | None
    suppression: str | None
    status: PublicationStatus


class ChangedRowView(BaseModel):
    """A row that reads otherwise; a side without such a row is null."""

    slice: str
    period: str
    measure: str
    commissioner: str
    site: str
    pathway: str
    segment: str
    subcontract: str
    category: str
    change: Change
    before: FiguresView | None
    after: FiguresView | None
    why: list[CauseView]
    sentence: str


class NoticeView(BaseModel):
    """The change notice of a publication, for the caller's audience; empty where it is the month's first."""

    schema_version: str
    programme: str
    month: str
    sequence: int
    supersedes: int | None
    audience: AudienceName
    audience_code: str | None
    published_at: str
    rows_changed: int
    differences: list[ChangedRowView]


class ReturnReadView(BaseModel):
    collection: str
    subcontract: str
    month: str
    revision: int | None
    content_sha256: str | None
    state: Literal["accepted", "not_accepted", "late", "not_due"]


class EventView(BaseModel):
    """The head of the programme's audit chain just before: whoever keeps a manifest is a witness of it."""

    sequence: int
    sha256: str


class ManifestView(BaseModel):
    """What a publication was made of and what it is made of; `previous_sha256` is the digest of the manifest before."""

    schema_version: str
    programme: str
    sequence: int
    month: str
    kind: PublicationKind
    status: PublicationStatus
    supersedes: int | None
    as_of: str
    published_at: str
    method_version: str
    contract_recorded_at: str
    inputs_sha256: str
    imports_sha256: str
    returns: list[ReturnReadView]
    history: dict[str, str]
    renditions: list[PreviewedView]
    previous_sha256: str
    event: EventView
    key_id: str
    signature: SignatureView


class KeyView(BaseModel):
    """A public key as a JSON Web Key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class KeySetView(BaseModel):
    """Every key that anything was ever signed with, retired ones included."""

    keys: list[KeyView]


def draft_view(programme: str, read: DraftRead) -> dict[str, Any]:
    draft = read.draft
    return {
        "programme": programme,
        "month": draft.month,
        "version": draft.version,
        "commentary": draft.commentary,
        "as_of": draft.as_of,
        "inputs_sha256": draft.sha256,
        "edited_at": draft.edited_at,
        "edited_by": draft.edited_by,
        "checked_at": draft.checked_at,
        "checked_by": draft.checked_by,
        "outdated": bool(read.moved),
        "moved": [{"code": fault.code, "detail": fault.detail} for fault in read.moved],
        "publishes": [_would_publish(each) for each in read.publishes],
        "renditions": None
        if read.renditions is None
        else [{**audience_named(each.audience), "sha256": each.sha256} for each in read.renditions],
    }


def preparations_view(programme: str, month: Month, made: Preparing) -> dict[str, Any]:
    prepared = [_would_publish(each) for each in made.prepared]
    return {"programme": programme, "month": month, "prepared": prepared, "remaining": made.remaining}


def _would_publish(each: WouldPublish) -> dict[str, Any]:
    return {"month": each.month, "supersedes": each.supersedes, "rows_changed": each.rows_changed}


def publication_view(standing: Standing, *, revision_pending: bool) -> dict[str, Any]:
    members = {name: getattr(standing, name) for name in PublicationView.model_fields if name != "revision_pending"}
    return {name: members.get(name, revision_pending) for name in PublicationView.model_fields}


def publications_view(programme: str, listed: Sequence[Listed], following: str | None) -> dict[str, Any]:
    shown = [publication_view(each.standing, revision_pending=each.revision_pending) for each in listed]
    return {"programme": programme, "publications": shown, "next": following}


def published_view(programme: str, published: Sequence[Standing]) -> dict[str, Any]:
    *also, own = [publication_view(each, revision_pending=False) for each in published]
    return {"programme": programme, "publication": own, "also": also}


def changes_view(standings: Sequence[Standing], *, since: int) -> Mapping[str, Any]:
    changed = [{name: getattr(each, name) for name in ChangeView.model_fields} for each in standings]
    return {"changes": changed, "next": standings[-1].sequence if standings else since}
