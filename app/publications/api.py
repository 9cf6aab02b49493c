"""Publications over HTTP: the list, each caller's own renditions as they were made, change notices, manifests and public keys."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from app.access.domain import SamePerson
from app.db.session import open_session
from app.db.tenancy import NOBODY
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.publications import actions, key_actions, publish_actions
from app.publications.actions import read_bytes
from app.publications.domain import DraftOutdated, Found, NotChecked, NotDrafted, NothingToPublish
from app.publications.drawn_actions import NOTICE_COLUMNS, draw, draw_notice, source_of
from app.publications.example_schemas import CHANGES, KEYS, MANIFEST, NOTICE, PUBLICATIONS, PUBLISHED, RENDITION
from app.publications.key_actions import SigningKeyMissing
from app.publications.keys import Keyring
from app.publications.observation_schemas import PublicOf, RenditionOf, RowsAsked, Subcontracts, observation_query
from app.publications.observations import ObservationQuery
from app.publications.observations import tag_of as tag_of_rows
from app.publications.renditions import inflated
from app.publications.row_query_actions import is_told_of_queries, lines_beside
from app.publications.row_query_schemas import queries_link
from app.publications.schemas import (
    ChangesView,
    KeySetView,
    ManifestView,
    NoticeView,
    PublicationsView,
    PublishBody,
    PublishedView,
    changes_view,
    publications_view,
    published_view,
)
from app.reports.api import FILES, FORMATS, FormatOf
from app.reports.export_actions import TooManyRows
from app.reports.export_csv import CSV_TYPE
from app.reports.json_schema import described_by
from app.reports.rendition_schemas import RenditionView
from app.web.etags import strong, tag_of
from app.web.kept import takes_gzip
from app.web.negotiation import NotAcceptable, also_as, format_of
from app.web.pages import BadCursor, PageOf
from app.web.reference import WRITING, json_answer, json_body, open_refusals, refusals
from app.web.work import Unit, UnitOfWork

router = APIRouter(prefix="/v1/programmes/{programme}/publications", tags=["publications"])
keys = APIRouter(tags=["publications"])

KEY_SET: Final = "/.well-known/mainstem-signing-keys.json"
_FOR_EVER: Final = "private, max-age=31536000, immutable"

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
Sequence = Annotated[int, Path(description="The publication's number in its programme.", ge=1, le=2**31 - 1, examples=[3])]
MonthAsked = Annotated[Month | None, Query(description="Of this month only.", examples=["2026-10"])]
Encodings = Annotated[str | None, Header(alias="Accept-Encoding", include_in_schema=False)]


_RENDITION: Final = also_as(refusals(NotAcceptable, TooManyRows) | json_answer(RenditionView, RENDITION), FILES)
NoticeFormatOf = Annotated[str, Depends(format_of({"json": "application/json", "csv": CSV_TYPE}))]
_NOTICE: Final = also_as(
    refusals(NotAcceptable) | json_answer(NoticeView, NOTICE),
    {CSV_TYPE: {"schema": {"type": "string"}, "example": ",".join(NOTICE_COLUMNS)}},
)


def _as_kept(unit: UnitOfWork, compressed: bytes, etag: str, encodings: str | None, headers: dict[str, str]) -> Response:
    """Bytes that were compressed when they were made, sent as they are to whoever takes them so."""
    said = {"Vary": "Accept, Accept-Encoding, Authorization", **headers}
    if takes_gzip(encodings):
        return unit.read(compressed, etag=etag, headers={**said, "Content-Encoding": "gzip"})
    return unit.read(inflated(compressed), etag=etag, headers=said)


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses=refusals(*WRITING, NotDrafted, NotChecked, SamePerson, DraftOutdated, NothingToPublish, SigningKeyMissing)
    | json_answer(PublishedView, PUBLISHED, status=201),
    openapi_extra=json_body(PublishBody, {"month": "2026-10", "reason": "One return was corrected after the first publication."}),
)
def publish_month(unit: Unit, programme: ProgrammeCode) -> Response:
    """Publish a month's checked draft, by another person than its last editor.

    Every earlier published month of the last 24, and every later one, whose figures have moved since is published again in the same act.
    """
    body = unit.json_as(PublishBody)
    published = publish_actions.publish(
        unit.session, programme, body.month, reason=body.reason, keyring=Keyring(unit.signing_keys), actor=unit.actor, now=unit.now
    )
    location = f"/v1/programmes/{programme}/publications/{published[-1].sequence}"
    return unit.answer(published_view(programme, published), status=201, location=location)


@router.get("", response_class=Response, responses=refusals(BadCursor) | json_answer(PublicationsView, PUBLICATIONS))
def list_publications(unit: Unit, programme: ProgrammeCode, page: PageOf, public: PublicOf, *, month: MonthAsked = None) -> Response:
    """List what was published for the caller, or for the public, each with what took its place and whether a later revision waits to be published."""
    after = int(page.after[0]) if page.after else 0
    listed = actions.list_publications(
        unit.session, programme, month=month, after=after, limit=page.limit + 1, actor=unit.actor, public=public
    )
    shown, following, link = page.cut(listed, key=lambda each: (each.standing.sequence,))
    return unit.read(publications_view(programme, shown, following), headers=link)


@router.get("/changes", response_class=Response, responses=refusals() | json_answer(ChangesView, CHANGES))
def list_publication_changes(
    unit: Unit,
    programme: ProgrammeCode,
    public: PublicOf,
    *,
    since: Annotated[int, Query(description="The sequence after which to begin; 0 from the first on.", ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(description="At most so many.", ge=1, le=200)] = 50,
) -> Response:
    """Follow what is published: ask again with `next` as `since`, and nothing is missed and nothing comes twice."""
    found = actions.changes(unit.session, programme, since=since, limit=limit, actor=unit.actor, public=public)
    return unit.read(changes_view(found, since=since))


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is asked of a rendition: which of its rows, in which format and coding."""

    query: ObservationQuery
    format: str
    encodings: str | None


def _drawing(
    asked: RowsAsked,
    *,
    subcontract: Subcontracts = None,
    rendition: RenditionOf = None,
    format_: FormatOf,
    accept_encoding: Encodings = None,
) -> Drawing:
    return Drawing(observation_query(asked, subcontract=subcontract, rendition=rendition), format_, accept_encoding)


DrawingOf = Annotated[Drawing, Depends(_drawing)]


@router.get("/latest", response_class=Response, responses=_RENDITION)
def get_latest_publication(
    unit: Unit,
    programme: ProgrammeCode,
    asked: DrawingOf,
    *,
    month: MonthAsked = None,
) -> Response:
    """Read what stands published of a month; of the last month of which anything is, where none is named.

    `Content-Location` is the address under which exactly these bytes stay.
    """
    found = actions.read_latest(unit.session, programme, month=month, actor=unit.actor, public=asked.query.public)
    location = f"/v1/programmes/{programme}/publications/{found.standing.sequence}{_asked(unit)}"
    headers = {"Content-Location": location, "Cache-Control": "private, no-cache"}
    return _read(unit, programme, found, asked, headers)


@router.get("/{sequence}", response_class=Response, responses=_RENDITION)
def get_publication(
    unit: Unit,
    programme: ProgrammeCode,
    sequence: Sequence,
    asked: DrawingOf,
) -> Response:
    """Read a publication as it was made for the caller's audience: the same bytes for ever; the ETag is their SHA-256.

    Some of its rows, a table and a workbook are drawn from these bytes and name their digest in `X-Publication-SHA256`; they are not signed.
    """
    found = actions.read_publication(unit.session, programme, sequence, actor=unit.actor, public=asked.query.public)
    return _read(unit, programme, found, asked, {"Cache-Control": _FOR_EVER})


def _asked(unit: UnitOfWork) -> str:
    """The parameters of the request but the month, which the publication's number says."""
    kept = [(name, value) for name, value in unit.query if name != "month"]
    return f"?{urlencode(kept)}" if kept else ""


def _attached(programme: str, found: Found, kind: str, *, public: bool) -> str:
    of_public = " public" if public else ""
    return f'attachment; filename="{programme} {found.standing.month} {found.standing.sequence}{of_public}{kind}"'


def _read(unit: UnitOfWork, programme: str, found: Found, asked: Drawing, headers: dict[str, str]) -> Response:
    """The rendition as it is, or what is drawn from it."""
    standing, query, format_ = found.standing, asked.query, asked.format
    said = {"Vary": "Accept, Accept-Encoding, Authorization", **headers, "X-Publication-SHA256": standing.sha256}
    whole = format_ == "json" and not query.is_filtered
    # A workbook says what has taken its publication's place, and what is asked about it.
    since = standing.superseded_by if format_ == "xlsx" else None
    told = is_told_of_queries(unit.actor, public=query.public)
    queries = lines_beside(unit.session, programme, standing.month, actor=unit.actor) if told and format_ == "xlsx" else None
    tag = strong(standing.sha256 if whole else tag_of_rows(query, [source_of(found)], format_, since, queries))
    if format_ == "xlsx":
        said["Cache-Control"] = "private, no-cache"
    elif told and format_ == "csv":
        said["Link"] = queries_link(programme, standing.sequence)
    elif format_ == "json":
        said["Link"] = described_by("report")
    content = read_bytes(unit.session, programme, found) if whole else b""
    if whole and said["Cache-Control"] == _FOR_EVER:
        unit.keep_for_ever(content, inflated, etag=tag, headers=said, length_bytes=standing.length_bytes)
    unchanged = unit.unchanged(tag)
    if unchanged is not None:
        unchanged.headers.update(said)
        return unchanged
    if whole:
        return _as_kept(unit, content, tag, asked.encodings, said)
    if format_ != "json":
        said["Content-Disposition"] = _attached(programme, found, f".{format_}", public=query.public)
    drawn = draw(unit.session, programme, found, query, format_, queries=queries)
    return unit.read(drawn, etag=tag, headers=said, media_type=FORMATS[format_])


@router.get("/{sequence}/differences", response_class=Response, responses=_NOTICE)
def get_publication_differences(
    unit: Unit,
    programme: ProgrammeCode,
    sequence: Sequence,
    public: PublicOf,
    *,
    format_: NoticeFormatOf,
    accept_encoding: Encodings = None,
) -> Response:
    """Read a publication's change notice: which rows read otherwise than in the one it took the place of, and why.

    The public's says what its own two renditions say, and nothing of why. As CSV, a line for each such row.
    """
    found = actions.read_publication(unit.session, programme, sequence, actor=unit.actor, public=public)
    said = {"Cache-Control": _FOR_EVER}
    if format_ == "csv":
        content = draw_notice(unit.session, programme, found)
        said |= {"Vary": "Accept, Authorization", "Content-Disposition": _attached(programme, found, " changes.csv", public=public)}
        return unit.read(content, etag=tag_of(content), headers=said, media_type=CSV_TYPE)
    compressed = actions.read_notice(unit.session, programme, found)
    return _as_kept(unit, compressed, tag_of(inflated(compressed)), accept_encoding, {**said, "Link": described_by("change-notice")})


@router.get("/{sequence}/manifest", response_class=Response, responses=refusals() | json_answer(ManifestView, MANIFEST))
def get_publication_manifest(unit: Unit, programme: ProgrammeCode, sequence: Sequence) -> Response:
    """Read what a publication was made of: every return with its revision, each rendition's digest, and the chain; signed as it is."""
    manifest, digest = actions.read_manifest(unit.session, programme, sequence, actor=unit.actor)
    return unit.read(manifest, etag=digest, headers={"Cache-Control": _FOR_EVER, "Link": described_by("manifest")})


@keys.get(KEY_SET, response_class=Response, responses=open_refusals() | json_answer(KeySetView, KEYS))
def list_signing_keys(request: Request) -> Response:
    """Give every public key that anything was ever signed with, as a JSON Web Key Set."""
    with open_session(request.app.state.service.engine, NOBODY) as session:
        content = json_bytes(key_actions.key_set(session))
    return Response(content, headers={"Cache-Control": "public, max-age=300", "ETag": tag_of(content)}, media_type="application/json")
