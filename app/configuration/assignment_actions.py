"""Reading assignments as lines, and changing one: each change edits the document and keeps all its rules."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.assignments.domain import LINE_ID_DIGITS, Assignment, AssignmentLine, line_of, named
from app.assignments.moves import Ending, Move, Split, ended, moved, split
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.store import load_contract
from app.configuration.actions import Applied, ConfigurationInvalid, bring_into_force
from app.configuration.document import Document, document_of
from app.configuration.history import LineVersion, line_versions
from app.configuration.store import reported_figures
from app.configuration.volumes import YEAR, PlaceKey, Proposal, patients, proposals
from app.db.ledger import last_recorded
from app.kernel.actors import Actor
from app.kernel.months import YEARS, Month
from app.kernel.ranges import Ranges, common, span, united
from app.kernel.refusals import Fault, Invalid, NotFound
from app.subcontracts.domain import unsigned_spans

ListKey = tuple[str, str, str, int, str]

_PLACE: Final = re.compile(r"/assignments/(\d+)")


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A line with its name, and the months in which its subcontract delivers without being signed."""

    name: str
    line: AssignmentLine
    unsigned: Ranges

    @property
    def key(self) -> ListKey:
        line = self.line
        return (line.subcontract, line.pathway, line.segment, (line.from_month or Month(0)).ordinal, self.name)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which assignments are asked for; what is None is every one."""

    subcontract: str | None = None
    pathway: str | None = None
    segment: str | None = None
    site: str | None = None
    commissioner: str | None = None
    month: Month | None = None

    def holds(self, fact: Assignment) -> bool:
        members = ("subcontract", "pathway", "segment", "site", "commissioner")
        return (self.month is None or fact.in_month(self.month)) and all(
            getattr(self, member) in {None, getattr(fact, member)} for member in members
        )


def list_assignments(
    session: Session,
    programme: str,
    wanted: Wanted,
    *,
    after: ListKey | None,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> list[NamedLine]:
    """The lines of which some place is wanted, in the order of their keys, from after a key on."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    contract = load_contract(session, programme, as_of=resolve(session, programme, asked=as_of, now=now))
    lines = [facts for facts in contract.lines.values() if any(wanted.holds(fact) for fact in facts)]
    found = sorted((_named(contract, facts) for facts in lines), key=lambda each: each.key)
    return [each for each in found if after is None or each.key > after][:limit]


def read_assignment(session: Session, programme: str, name: str, *, actor: Actor, as_of: datetime | None, now: datetime) -> NamedLine:
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    contract = load_contract(session, programme, as_of=resolve(session, programme, asked=as_of, now=now))
    return _named(contract, _facts(contract, name))


def read_line_history(session: Session, programme: str, name: str, *, actor: Actor) -> list[LineVersion]:
    """When a line stood, and which lines stood at its places just before and just after. NotFound where there never was one."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    last_recorded(session, programme)
    found = line_versions(session, programme, name)
    if not found:
        raise _not_there()
    return found


def end_assignment(session: Session, programme: str, name: str, ending: Ending, *, actor: Actor, now: datetime) -> list[NamedLine]:
    """Let an assignment end earlier; the line as it stands then."""
    return _change(session, programme, name, lambda line: (ended(line, ending), []), actor=actor, now=now).lines


def move_assignment(session: Session, programme: str, name: str, move: Move, *, actor: Actor, now: datetime) -> list[NamedLine]:
    """Hand an assignment over to another subcontract from a month on; the lines in its place, by month."""
    return _change(session, programme, name, lambda line: moved(line, move), actor=actor, now=now).lines


def split_assignment(session: Session, programme: str, name: str, into: Split, *, actor: Actor, now: datetime) -> list[NamedLine]:
    """Hand an assignment over to several subcontracts, by shares; the lines in its place, by month."""
    parts = "/parts/{}".format
    return _change(session, programme, name, lambda line: split(line, into), actor=actor, now=now, of_part=parts).lines


Expect = Callable[[NamedLine], None]
"""Given the line in force, refuses where the caller had another one in mind."""


@dataclass(frozen=True, slots=True)
class LinesChanged:
    """What a change made of the document, and the lines that stand in the place of the one that was changed, by month.

    `before` is that line; None where one was added.
    """

    applied: Applied
    before: NamedLine | None
    lines: list[NamedLine]


def add_assignment(session: Session, programme: str, line: AssignmentLine, *, actor: Actor, now: datetime, dry_run: bool) -> LinesChanged:
    """Add a line of assignments to the document in force."""
    return _change(session, programme, None, lambda _: (None, [line]), actor=actor, now=now, dry_run=dry_run)


def put_assignment(
    session: Session, programme: str, name: str, line: AssignmentLine, *, actor: Actor, now: datetime, expect: Expect, dry_run: bool
) -> LinesChanged:
    """Put a line in the place of another, which loses its name to it."""
    return _change(session, programme, name, lambda _: (None, [line]), actor=actor, now=now, expect=expect, dry_run=dry_run)


def withdraw_assignment(
    session: Session, programme: str, name: str, *, actor: Actor, now: datetime, expect: Expect, dry_run: bool
) -> LinesChanged:
    """Take a line out of the document in force. Refused where a revision depends on it."""
    return _change(session, programme, name, lambda _: (None, []), actor=actor, now=now, expect=expect, dry_run=dry_run)


def _change(
    session: Session,
    programme: str,
    name: str | None,
    change: Callable[[Any], tuple[AssignmentLine | None, list[AssignmentLine]]],
    *,
    actor: Actor,
    now: datetime,
    expect: Expect = lambda _: None,
    dry_run: bool = False,
    of_part: Callable[[int], str] = lambda part: "",
) -> LinesChanged:
    """Bring the document with this change into force; `change` is given the line of this name (None where none is named)."""
    require(actor, Permission.CONFIGURATION_WRITE, programme=programme)
    changed: list[AssignmentLine] = []
    others: list[str] = []
    first_added = 0
    current: NamedLine | None = None

    def edited(contract: Contract | None) -> Document:
        nonlocal first_added, current
        if contract is None:
            raise NotFound("There is no programme of that code here, or it is not yours.")
        facts = None if name is None else _facts(contract, name)
        if facts is not None:
            current = _named(contract, facts)
            expect(current)
        before, following = change(None if facts is None else line_of(facts))
        others.extend(line for line in contract.lines if facts is None or line != facts[0].line)
        changed.extend([*([before] if before else []), *following])
        first_added = len(others) + (before is not None)
        return document_of(contract).model_copy(update={"assignments": (*map(contract.line, others), *changed)})

    try:
        applied = bring_into_force(session, programme, edited, actor=actor, now=now, dry_run=dry_run)
    except ConfigurationInvalid as refusal:
        known = [line[:LINE_ID_DIGITS] for line in others]
        faults = [
            replace(fault, detail=_by_names(fault.detail, known), pointer=_pointer(fault, first=first_added, of_part=of_part))
            for fault in refusal.faults
        ]
        raise type(refusal)(refusal.detail, faults=faults) from None
    after = applied.after
    names = (named(line, first_month=after.programme.first_month)[1] for line in changed)
    return LinesChanged(applied, current, [_named(after, after.lines[line]) for line in names])


def propose_volumes(
    session: Session, programme: str, code: str, first: Month, *, subcontract: str | None, actor: Actor, now: datetime
) -> list[Proposal]:
    """What was accepted of a measure a year before, as the volumes of each line that collects it. Stores nothing."""
    for permission in (Permission.CONFIGURATION_READ, Permission.RETURN_READ):
        require(actor, permission, programme=programme)
    moment = resolve(session, programme, asked=None, now=now)
    contract = load_contract(session, programme, as_of=moment)
    versions = {measure.version: measure for measure in contract.measures if measure.code == code}
    if not versions or all(measure.aggregation == "import_only" for measure in versions.values()):
        detail = "The programme has no measure of this code that is returned."
        raise Invalid(detail, faults=[Fault("unknown_measure", detail, "Name a measure that a segment collects.", pointer="/measure")])
    before = first.plus(-YEAR)
    if before.year not in YEARS or first.plus(YEAR - 1).year not in YEARS:
        detail = "The twelve months from there on, or those a year before, are beyond what is kept."
        fix = f"Name a month from {YEARS[0] + 1} to January {YEARS[-1]}."
        raise Invalid(detail, faults=[Fault("out_of_range", detail, fix, pointer="/from_month")])
    reported: dict[tuple[str, Month, PlaceKey], Decimal] = {}
    # The period that the last of the twelve months lies in may end up to a year after it.
    for row in reported_figures(session, programme, code, (before.ordinal, before.plus(2 * YEAR - 1).ordinal), as_of=moment):
        measure = contract.measure(code, row.month)
        if measure is not None:
            place = (row.pathway, row.segment, row.site, row.commissioner)
            reported[row.subcontract, row.month, place] = patients(measure, row.numerator, row.denominator)
    found = (each for each in proposals(contract, code, first, reported) if subcontract in {None, each.facts[0].subcontract})
    return sorted(found, key=lambda each: each.facts[0])


def _pointer(fault: Fault, *, first: int, of_part: Callable[[int], str]) -> str:
    """Where in the request a fault of the edited document lies: in one of the lines that the request adds, or in the whole."""
    _, section, number, *rest = [*(fault.pointer or "").split("/"), "", "", ""]
    if section == "assignments" and number.isdecimal() and int(number) >= first:
        return of_part(int(number) - first) + "".join(f"/{part}" for part in rest if part)
    return ""


def _by_names(detail: str, names: Sequence[str]) -> str:
    """What is said of lines of the edited document, whose numbers whoever sent a single line never saw, by their names."""

    def name(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"assignment {names[number]}" if number < len(names) else "another line of this request"

    return _PLACE.sub(name, detail)


def _facts(contract: Contract | None, name: str) -> Sequence[Assignment]:
    """The facts of the one line of this name."""
    lines = [facts for line, facts in contract.lines.items() if line[:LINE_ID_DIGITS] == name] if contract else []
    if len(lines) != 1:
        raise _not_there()
    return lines[0]


def _not_there() -> NotFound:
    return NotFound("There is no assignment of that name here, or it is not yours.")


def _named(contract: Contract, facts: Sequence[Assignment]) -> NamedLine:
    first = facts[0]
    unsigned = united(span(Month.of(days.first), Month.of(days.last)) for days in unsigned_spans(contract.subcontract[first.subcontract]))
    return NamedLine(
        first.line[:LINE_ID_DIGITS], contract.line(first.line), common(united([span(first.from_month, first.to_month)]), unsigned)
    )
