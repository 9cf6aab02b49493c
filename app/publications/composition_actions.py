"""What would be published of a month: its report in every slice and period, for every audience, beside what was published of it before."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_cells
from app.calendar.store import load_contract
from app.kernel.canonical import canonical_bytes, canonical_text, digest
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.publications import store
from app.publications.domain import OF_PROGRAMME, Audience, Part, Standing
from app.publications.manifests import Made, ReturnRead, audience_named, made_of, returns_of
from app.publications.notices import Causes, ChangedReturn, Moved, because, entries, moved_between
from app.publications.public_actions import PublicHistory, write_public
from app.publications.renditions import (
    Prepared,
    Readership,
    Rendition,
    Sign,
    Writer,
    notice_of,
    packed,
    readerships,
    rendition_of,
)
from app.reports.domain import ReportQuery
from app.reports.envelope import SCHEMA_VERSION, notes_of
from app.reports.imported import import_rows, notes_of_provisional
from app.reports.month_actions import cells_without_value
from app.reports.periods import PERIODS
from app.reports.results import METHOD_VERSION, month_returns
from app.reports.row_actions import ReportRows
from app.reports.sentences import CauseKind
from app.reports.slices import SLICES
from app.reports.store import recorded_revision
from app.returns.store import cells
from app.returns.submission import changed_cells

LOOKING_BACK: Final = 24
"""Earlier published months that are published again where their figures moved; later ones are whatever their number."""

Rows = list[tuple[Mapping[str, Any], str]]


@dataclass
class Composition:
    """A month as it would be published, judged at a moment; `before` is what was published of it last."""

    session: Session
    contract: Contract
    month: Month
    as_of: datetime
    report: ReportRows
    before: Standing | None
    parts_before: dict[tuple[str, str], Part] = field(default_factory=dict)

    @property
    def programme(self) -> str:
        return self.contract.programme.code

    @property
    def inputs_sha256(self) -> str:
        return self.report.sha256

    @property
    def made(self) -> Made:
        """What its figures are made of."""
        months = self.report.figures.values()
        returns = returns_of(status for held in months for status in held.inputs.statuses)
        own = self.report.figures[self.month].inputs
        return Made(returns, self.report.history, moment_text(self.contract.recorded_at), own.imports.sha256, METHOD_VERSION)

    def readerships(self) -> list[Readership]:
        shown = self.contract.programme.publishing.subcontracts_to_commissioners
        return readerships(self.contract, self.report.months, subcontracts_shown=shown)

    def parts(self) -> Iterator[tuple[str, str, Rows]]:
        """Its rows by slice and period, each with its canonical text. Of one slice at a time: all of them are large."""
        for slice_ in SLICES:
            stored, _ = self.report.rows(slice_)
            for period in PERIODS:
                rows = json.loads(stored.pop((self.month, slice_, period)), parse_float=Decimal, parse_int=Decimal)
                yield slice_, period, [(row, canonical_text(row)) for row in rows]

    def rows_before(self, slice_: str, period: str) -> bytes:
        """The same part of what was published before, a JSON array."""
        part = self.parts_before.get((slice_, period))
        return b"[]" if part is None or self.before is None else self._read(part)

    def _read(self, part: Part) -> bytes:
        assert self.before is not None, "there are parts of what was published only"
        return store.rows_of(self.session, self.programme, OF_PROGRAMME, self.before.sequence, part)


def compose(session: Session, contract: Contract, month: Month, *, as_of: datetime, before: Standing | None) -> Composition:
    """A month of a programme as it would be published."""
    query = ReportQuery(month, as_of, tuple(SLICES), PERIODS)
    report = ReportRows(session, contract, query, as_of)
    found = store.parts(session, contract.programme.code, OF_PROGRAMME, before.sequence) if before is not None else ()
    return Composition(session, contract, month, as_of, report, before, {(part.slice, part.period): part for part in found})


def related(published: Mapping[Month, Standing], month: Month) -> list[Standing]:
    """What stands published of the months that are looked at with a month: those before it that a trend shows, and all later ones."""
    return [each for each in published.values() if each.month != month and each.month >= month.plus(-LOOKING_BACK)]


def inputs_of(session: Session, programme: str, months: Sequence[Month], *, as_of: datetime) -> dict[Month, str]:
    """By month, the digest of all that would be published of it."""
    contract = load_contract(session, programme, as_of=as_of)
    return {month: compose(session, contract, month, as_of=as_of, before=None).inputs_sha256 for month in months}


def together(inputs: Mapping[Month, str]) -> str:
    """One digest of several months' inputs."""
    return digest({str(month): of_month for month, of_month in inputs.items()})


def comparison(composition: Composition) -> Causes:
    """Why rows of a month may read otherwise than in what was published of it before."""
    published, contract = _published(composition), composition.contract
    if published is None:
        return Causes(contract, composition.month, (), (), ())
    was, now = made_of(published.manifest), composition.made
    others: list[CauseKind] = []
    if was.contract_recorded_at != now.contract_recorded_at:
        others.append("contract")
    if was.imports_sha256 != now.imports_sha256:
        others.append("imported")
    if was.method_version != now.method_version:
        others.append("method")
    changed = [
        _changed(composition, key, was.returns.get(key), now.returns.get(key))
        for key in sorted(was.returns.keys() | now.returns.keys())
        if was.returns.get(key) != now.returns.get(key)
    ]
    history = [month for month in sorted(was.history.keys() | now.history.keys()) if was.history.get(month) != now.history.get(month)]
    return Causes(contract, composition.month, changed, others, history)


_NOTHING: Final = ReturnRead(None, None, "not_due")


def _changed(composition: Composition, key: ReturnKey, was: ReturnRead | None, now: ReturnRead | None) -> ChangedReturn:
    """A return that stood otherwise, with the cells in which its accepted revisions differ; all of its own where they do not say."""
    was, now = was or _NOTHING, now or _NOTHING
    if was.revision == now.revision:
        return ChangedReturn(key, "deadline", was.revision, now.revision, expected_cells(composition.contract, key))
    sides = [_cells(composition, key, read.revision) for read in (was, now)]
    differing = [change.key for change in changed_cells(*sides)]
    if was.revision is not None and now.revision is not None:
        return ChangedReturn(key, "revised", was.revision, now.revision, differing)
    # A return that comes or goes changes who is missing wherever it is owed.
    everywhere = {*differing, *expected_cells(composition.contract, key)}
    return ChangedReturn(key, "first_reported" if was.revision is None else "withdrawn", was.revision, now.revision, everywhere)


def _cells(composition: Composition, key: ReturnKey, number: int | None) -> Sequence[Any]:
    if number is None:
        return ()
    revision_id = recorded_revision(composition.session, composition.programme, key, number).revision_id
    assert revision_id is not None, "a revision that was read is there for ever"
    return cells(composition.session, composition.programme, revision_id)


def moved_in(composition: Composition, causes: Causes, slice_: str, period: str, rows: Rows) -> Iterator[Moved]:
    """The rows of a part that read otherwise than in what was published before."""
    published = composition.rows_before(slice_, period)
    if composition.before is None or published == f"[{','.join(text for _, text in rows)}]".encode():
        return
    yield from moved_between(json.loads(published, parse_float=Decimal, parse_int=Decimal), [row for row, _ in rows], causes.of)


def reads_as_published(composition: Composition) -> bool:
    """Whether a month was published, and all that its rows are made of is the same."""
    before = _published(composition)
    return before is not None and (before.inputs_sha256, before.method_version) == (composition.inputs_sha256, METHOD_VERSION)


def moved_rows(composition: Composition) -> Iterator[Moved]:
    """The rows of a month that read otherwise than in what was published of it before; nothing is read where they cannot."""
    if composition.before is None or reads_as_published(composition):
        return
    causes = comparison(composition)
    for slice_, period, rows in composition.parts():
        yield from moved_in(composition, causes, slice_, period, rows)


def says_otherwise(composition: Composition, commentary: str) -> bool:
    """Whether a month was never published, or was with another status or commentary."""
    before = _published(composition)
    return before is None or (before.status, before.commentary) != (composition.report.head()["status"], commentary)


def _published(composition: Composition) -> store.Publication | None:
    """What was published of a month last."""
    if composition.before is None:
        return None
    found = store.publication(composition.session, composition.programme, composition.before.sequence)
    assert found is not None, "whoever publishes sees the programme's publications"
    return found


@dataclass(frozen=True, slots=True)
class Numbered:
    """What only a publication says of itself: its number, when, what its integrator says in words, and where the record stood."""

    sequence: int | None
    published_at: datetime | None
    commentary: str
    event_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A rendition, why its rows read otherwise as far as its audience may know, how many do, and its change notice as gzip."""

    rendition: Rendition
    reason: str | None
    rows_changed: int
    notice: bytes


def work_out(composition: Composition, history: PublicHistory) -> list[Prepared]:
    """What takes long of a month's renditions, for each of its audiences, the whole programme first: all that is known before they are published.

    `history` is what the public ever had.
    """
    causes, notes = comparison(composition), notes_of(composition.contract, composition.report.months)
    imports = _imports_of_final(composition)
    writers = [Writer(each, _notes_for(each, composition, notes, imports)) for each in composition.readerships()]
    moved: list[Moved] = []
    whole: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for slice_, period, rows in composition.parts():
        moved += moved_in(composition, causes, slice_, period, rows)
        whole[slice_, period] = [(row["measure"], text) for row, text in rows]
        of_subcontract: dict[str, Rows] = defaultdict(list)
        for row, text in rows:
            of_subcontract[row["subcontract"]].append((row, text))
        for writer in writers:
            audience = writer.readership.audience
            writer.add(slice_, period, of_subcontract.get(audience.code, []) if audience.kind == "subcontract" else rows)
    public, moved_of_public = write_public(
        composition.contract,
        composition.month,
        whole,
        history=history,
        before=composition.before,
        notes=[*notes, *notes_of_provisional(imports)],
    )
    whole.clear()
    prepared = []
    for writer in [*writers, public]:
        body, told = writer.body(), entries(moved_of_public if writer is public else moved, writer.readership)
        if body.audience.kind != "subcontract" or body.rows:
            reason = because(told, body.audience) if composition.before else None
            prepared.append(Prepared(body, reason, len(told), packed(canonical_bytes(told))))
    return prepared


def written(
    composition: Composition, prepared: Iterable[Prepared], numbered: Numbered, *, previous: Mapping[Audience, str], sign: Sign | None
) -> Iterator[Written]:
    """A month's renditions with what only their publication knows, signed; `previous` is each audience's last digest."""
    head, own = composition.report.head(), _own_returns(composition)
    for each in prepared:
        audience = each.body.audience
        about = {**head, **(own.get(audience.code, {}) if audience.kind == "subcontract" else {})}
        about |= {**_numbered(composition, numbered, audience), "previous_sha256": previous.get(audience)}
        rendition = rendition_of(each.body, _links(composition, numbered, audience), about, schema_version=SCHEMA_VERSION, sign=sign)
        named = ("programme", "month", "sequence", "supersedes", "audience", "audience_code", "published_at")
        notice = {"schema_version": SCHEMA_VERSION, **{name: about[name] for name in named}, "rows_changed": each.rows_changed}
        yield Written(rendition, each.reason, each.rows_changed, notice_of(notice, each.differences))


def _numbered(composition: Composition, numbered: Numbered, audience: Audience) -> dict[str, Any]:
    """What a publication's head says to an audience that a live report's does not."""
    return {
        "sequence": numbered.sequence,
        "supersedes": composition.before.sequence if composition.before else None,
        **audience_named(audience),
        "published_at": numbered.published_at,
        "commentary": numbered.commentary if audience.kind in {"programme", "commissioner"} else None,
        # A digest alone: it makes every reader a witness of the record, and lets none count what is in it.
        "event_sha256": numbered.event_sha256,
    }


def _imports_of_final(composition: Composition) -> list[dict[str, Any]]:
    """The imported rows of a month whose returns are final; none of any other, where nothing is."""
    if composition.report.head()["status"] != "final":
        return []
    inputs = composition.report.figures[composition.month].inputs
    return [row for slice_ in SLICES for row in import_rows(inputs, slice_, "month")]


def _notes_for(
    readership: Readership, composition: Composition, notes: list[dict[str, Any]], imports: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What an audience's rendition notes: the report's, a subcontract's its own and nothing of others; and which imports it reads are not final."""
    if readership.audience.kind == "subcontract":
        notes = notes_of(composition.contract, composition.report.months, subcontract=readership.audience.code)
    return [*notes, *notes_of_provisional(filter(readership.reads, imports))]


def _links(composition: Composition, numbered: Numbered, audience: Audience) -> dict[str, str]:
    """Where what is asked about its rows is read with the answers, by those who may."""
    if numbered.sequence is None or audience.kind in {"subcontract", "public"}:
        return {}
    return {"queries": f"/v1/programmes/{composition.programme}/publications/{numbered.sequence}/queries"}


def _own_returns(composition: Composition) -> dict[str, dict[str, Any]]:
    """By subcontract, what its head says of returns: its own only."""
    inputs = composition.report.figures[composition.month].inputs
    without = cells_without_value(composition.session, inputs)
    found = {}
    for subcontract in {status.key.subcontract for status in inputs.statuses}:
        own = type(inputs)(inputs.contract, inputs.month, [each for each in inputs.statuses if each.key.subcontract == subcontract])
        returns = month_returns(own, [each for each in without if each.subcontract == subcontract])
        found[subcontract] = {"returns_expected": returns.expected, "returns_included": returns.included, "coverage": returns.coverage}
    return found
