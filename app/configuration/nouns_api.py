"""Each noun of the document over HTTP: list, read, add, change, withdraw and history, one set of endpoints for every noun."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from app.calendar.actions import DeadlinePassed
from app.calendar.as_of import AsOfInFuture
from app.calendar.domain import Frequency
from app.configuration import nouns_actions as actions
from app.configuration.actions import ApprovalNeeded, ConfigurationInvalid, InUse
from app.configuration.differences import Key
from app.configuration.nouns import NOUNS, PROGRAMME, Noun
from app.configuration.nouns_schemas import DIFFERENCE, EXAMPLES, either_model, history_view, page_examples, page_models
from app.configuration.schemas import difference
from app.kernel.codes import Code
from app.kernel.months import Month
from app.measures.domain import Aggregation, MeasureKind
from app.pathways.domain import Sector
from app.programmes.domain import JudgedOn, PaymentMode
from app.subcontracts.domain import SubcontractStatus
from app.web.etags import PreconditionRequired, Stale, tag_of
from app.web.moments import AsOf
from app.web.pages import BadCursor, PageOf
from app.web.reference import PUTTING, dry_run_answer, json_answer, json_body, refusals
from app.web.work import OutcomeUnknown, Unit

router = APIRouter(prefix="/v1/programmes", tags=["nouns"])
_IN: Final = "/{programme}"

ProgrammeCode = Annotated[str, Path(description="The programme's code.", examples=["staffs-cancer"])]
DryRun = Annotated[bool, Query(description="Answer with what would change and what that would do, and change nothing.")]


def _only(description: str, example: str) -> Any:
    return Query(description=description, examples=[example])


@dataclass(frozen=True, slots=True)
class _ByParent:
    parent: Annotated[Code | None, _only("Only those right below this one.", "QNC")] = None
    month: Annotated[Month | None, _only("Only those in force in this month.", "2026-10")] = None


@dataclass(frozen=True, slots=True)
class _OfPhases:
    payment: Annotated[PaymentMode | None, _only("Only those with this payment mode.", "shadow")] = None
    month: Annotated[Month | None, _only("Only those planned for this month.", "2026-10")] = None


@dataclass(frozen=True, slots=True)
class _OfMeasures:
    measure: Annotated[Code | None, _only("Only versions of the measure of this code.", "CWT-62")] = None
    kind: Annotated[MeasureKind | None, _only("Only measures of this kind.", "service_standard")] = None
    aggregation: Annotated[Aggregation | None, _only("Only measures that are added up in this way.", "ratio_sum")] = None
    month: Annotated[Month | None, _only("Only the versions in force in this month.", "2026-10")] = None


@dataclass(frozen=True, slots=True)
class _OfPathways:
    site: Annotated[Code | None, _only("Only pathways that are for this site.", "lung")] = None
    month: Annotated[Month | None, _only("Only pathways that somebody is assigned to in this month.", "2026-10")] = None


@dataclass(frozen=True, slots=True)
class _OfCollections:
    measure: Annotated[Code | None, _only("Only collections of this measure.", "CWT-62")] = None
    every: Annotated[Frequency | None, _only("Only collections this often.", "month")] = None
    month: Annotated[Month | None, _only("Only collections that have a return of this month.", "2026-10")] = None


@dataclass(frozen=True, slots=True)
class _OfRequirements:
    judged_on: Annotated[JudgedOn | None, _only("Only those judged on this period.", "month")] = None
    month: Annotated[Month | None, _only("Only those with a target in this month.", "2026-10")] = None


@dataclass(frozen=True, slots=True)
class _OfSubcontracts:
    organisation: Annotated[Code | None, _only("Only those with this organisation.", "RJE")] = None
    sector: Annotated[Sector | None, _only("Only those of this sector.", "acute")] = None
    status: Annotated[SubcontractStatus | None, _only("Only those in this status on the day of `as_of`, or today.", "live")] = None
    month: Annotated[Month | None, _only("Only those that deliver in this month.", "2026-10")] = None


@dataclass(frozen=True, slots=True)
class _OfHandovers:
    measure: Annotated[Code | None, _only("Only those that this measure counts.", "R-OUT")] = None


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "commissioners": _ByParent,
    "phases": _OfPhases,
    "sites": _ByParent,
    "measures": _OfMeasures,
    "pathways": _OfPathways,
    "collections": _OfCollections,
    "requirements": _OfRequirements,
    "subcontracts": _OfSubcontracts,
    "handovers": _OfHandovers,
}


def _keys(noun: Noun) -> tuple[str, Callable[..., Key]]:
    """The part of an address that names a line, and the dependency that reads it."""
    if noun.section == "measures":

        def of_version(
            measure: Annotated[str, Path(description="The measure's code.", examples=["CWT-62"])],
            version: Annotated[int, Path(description="The version's number.", ge=1, le=2**31 - 1, examples=[1])],
        ) -> Key:
            return (measure, version)

        return "/measures/{measure}/versions/{version}", of_version
    if noun.section == "programme":

        def of_programme(programme: ProgrammeCode) -> Key:
            return (programme,)

        return "", of_programme
    example = EXAMPLES[noun.section][noun.key[0]]
    kind: type[Any] = type(example)
    bounds: dict[str, Any] = {"ge": 1, "le": 2**31 - 1} if kind is int else {}
    named = Path(alias=noun.singular, description=f"What names the {noun.singular}: its {noun.key[0]}.", examples=[example], **bounds)

    def of_line(named: Annotated[kind, named]) -> Key:  # type: ignore[valid-type]  # the type is a value: a number for phases, a code for all others
        return (named,)

    return f"/{noun.section}/{{{noun.singular}}}", of_line


def _lists(noun: Noun) -> None:
    page_model, _ = page_models(noun)
    page_example, _ = page_examples(noun)
    filters = _FILTERS[noun.section]

    def list_lines(unit: Unit, programme: ProgrammeCode, page: PageOf, as_of: AsOf, asked: Annotated[Any, Depends(filters)]) -> Response:
        after = page.after_as(*(type(EXAMPLES[noun.section][member]) for member in noun.key))
        wanted = {each.name: value for each in fields(asked) if (value := getattr(asked, each.name)) is not None}
        found = actions.read_lines(unit.session, programme, noun, wanted, actor=unit.actor, as_of=as_of, now=unit.now)
        rest = [(key, line) for key, line in found.items() if after is None or key > after]
        rows, following, link = page.cut(rest[: page.limit + 1], key=lambda row: row[0])
        lines = [line.model_dump(mode="json", by_alias=True) for _, line in rows]
        return unit.read({noun.section: lines, "next": following}, headers=link)

    router.get(
        f"{_IN}/{noun.section}",
        name=f"list_{noun.section}",
        description=f"List the {noun.section} of the contract, in the order of their keys, as it stands or stood.",
        responses=refusals(BadCursor, AsOfInFuture) | json_answer(page_model, page_example, description="A page"),
    )(list_lines)


@router.get(
    "",
    responses=refusals(BadCursor, AsOfInFuture)
    | json_answer(page_models(PROGRAMME)[0], page_examples(PROGRAMME)[0], description="A page of programmes"),
)
def list_programmes(
    unit: Unit,
    page: PageOf,
    as_of: AsOf,
    *,
    prime: Annotated[Code | None, _only("Only those of this prime.", "X9901")] = None,
    month: Annotated[Month | None, _only("Only those whose term holds this month.", "2026-10")] = None,
) -> Response:
    """List the programmes that the caller reads: what each says of itself, in the order of their codes, as it stands or stood."""
    after = page.after_as(str)
    limit = page.limit + 1
    code = None if after is None else after[0]
    found = actions.read_programmes(unit.session, code, limit=limit, prime=prime, month=month, actor=unit.actor, as_of=as_of, now=unit.now)
    rows, following, link = page.cut(found, key=lambda row: (row.code,))
    return unit.read({"programmes": [line.model_dump(mode="json") for line in rows], "next": following}, headers=link)


def _reads(noun: Noun) -> None:
    address, key_of = _keys(noun)
    _, history_model = page_models(noun)
    _, history_example = page_examples(noun)

    def get_line(unit: Unit, programme: ProgrammeCode, key: Annotated[Key, Depends(key_of)], as_of: AsOf) -> Response:
        return unit.read(actions.read_line(unit.session, programme, noun, key, actor=unit.actor, as_of=as_of, now=unit.now))

    def list_history(unit: Unit, programme: ProgrammeCode, key: Annotated[Key, Depends(key_of)], page: PageOf) -> Response:
        found = list(enumerate(actions.read_history(unit.session, programme, noun, key, actor=unit.actor)))
        last = page.after[0] if page.after else -1
        first = last + 1 if isinstance(last, int) and last >= 0 else 0
        rows, following, link = page.cut(found[first : first + page.limit + 1], key=lambda row: (row[0],))
        return unit.read({"versions": [history_view(version) for _, version in rows], "next": following}, headers=link)

    router.get(
        f"{_IN}{address}",
        name=f"get_{noun.singular}",
        description=f"Read one {noun.singular} as it stands or stood, in the form in which the document states it.",
        responses=refusals(AsOfInFuture) | json_answer(noun.line, EXAMPLES[noun.section], description="The line"),
    )(get_line)
    router.get(
        f"{_IN}{address}/history",
        name=f"list_{noun.singular}_history",
        description=f"Read every version of a {noun.singular}: what it said, when that was recorded and closed, and by which client.",
        responses=refusals(BadCursor) | json_answer(history_model, history_example, description="A page of versions, the first one first"),
    )(list_history)


_PUT: Final = """Add one {singular} to the contract, or change it.

The document in force with this one line in it is brought into force, under the document's own rules and in one act. A new line takes
`If-None-Match: *`, one that is there `If-Match`; a dry run takes neither, and answers with the difference and its effects."""
_PREVIEW: Final = """ For a new version of a
measure that is its preview: which obligations and which months with accepted figures it would touch, before it takes effect."""
_NEW: Final = """ A new programme takes nothing
but this line, with a prime that the register knows (`PUT /v1/organisations/{organisation}`); the other nouns are added to it one by one."""
_MORE: Final = {"programme": _NEW, "measures": _PREVIEW}
_APPROVED: Final = {"measures": (ApprovalNeeded,)}
_DELETE: Final = """Withdraw one {singular} from the contract.

It stays in the history, and in answers as of then. Refused where something refers to it, or where a revision depends on it (`in_use`):
end it by its months instead. Answers with the line that was withdrawn."""


def _answers(noun: Noun) -> dict[int | str, dict[str, Any]]:
    """The line itself, or what a dry run answers."""
    return dry_run_answer(either_model(noun), EXAMPLES[noun.section], DIFFERENCE)


def _puts(noun: Noun) -> None:
    address, key_of = _keys(noun)

    def put_line(unit: Unit, programme: ProgrammeCode, key: Annotated[Key, Depends(key_of)], *, dry_run: DryRun = False) -> Response:
        line = unit.json_as(noun.line)

        def expect(current: bytes | None) -> None:
            if not dry_run:
                unit.precondition.check(None if current is None else tag_of(current))

        put = actions.put_line(unit.session, programme, noun, key, line, actor=unit.actor, now=unit.now, expect=expect, dry_run=dry_run)
        if dry_run:
            return unit.read(difference(programme, put.applied))
        path = address.format(**{noun.singular: key[0], "version": key[-1]})
        location = f"/v1/programmes/{programme}{path}" if put.created else None
        return unit.answer(put.content, status=201 if put.created else 200, etag=tag_of(put.content), location=location)

    example = EXAMPLES[noun.section]
    created = json_answer(noun.line, example, status=201, description="Created")
    router.put(
        f"{_IN}{address}",
        name=f"put_{noun.singular}",
        description=_PUT.format(singular=noun.singular) + _MORE.get(noun.section, ""),
        responses=refusals(ConfigurationInvalid, InUse, DeadlinePassed, *_APPROVED.get(noun.section, ()), *PUTTING)
        | _answers(noun)
        | created,
        openapi_extra=json_body(noun.line, example),
    )(put_line)


def _deletes(noun: Noun) -> None:
    address, key_of = _keys(noun)

    def delete_line(unit: Unit, programme: ProgrammeCode, key: Annotated[Key, Depends(key_of)], *, dry_run: DryRun = False) -> Response:
        def expect(current: bytes | None) -> None:
            if not dry_run:
                unit.precondition.check(None if current is None else tag_of(current))

        gone = actions.withdraw_line(unit.session, programme, noun, key, actor=unit.actor, now=unit.now, expect=expect, dry_run=dry_run)
        return unit.read(difference(programme, gone.applied)) if dry_run else unit.answer(gone.content)

    router.delete(
        f"{_IN}{address}",
        name=f"delete_{noun.singular}",
        description=_DELETE.format(singular=noun.singular),
        responses=refusals(ConfigurationInvalid, InUse, *_APPROVED.get(noun.section, ()), PreconditionRequired, Stale, OutcomeUnknown)
        | _answers(noun),
    )(delete_line)


_reads(PROGRAMME)
_puts(PROGRAMME)
for _noun in NOUNS:
    _lists(_noun)
    _reads(_noun)
    _puts(_noun)
    _deletes(_noun)
