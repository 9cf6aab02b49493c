"""Reading the quality of returns, and who has not submitted: allow, load, decide."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.calendar.deadlines import deadline
from app.calendar.expected import CellKey, ReturnKey, expected_cells, expected_returns
from app.calendar.store import load_contract
from app.kernel.actors import EVERY, Actor
from app.kernel.codes import ALL
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.returns import quality_store as store
from app.returns.expectation import expected_return
from app.returns.quality import (
    FirstRevision,
    OwedReturn,
    Quality,
    pathways_of,
    quality_of,
    quality_of_pathway,
    revision_size,
    together,
)
from app.returns.quality_store import Figures, Judged
from app.returns.read_actions import Standing, Wanted, list_returns, told

FIRST: Final = ""
"""Stands where a month's row of all subcontracts comes in the order: before those of each."""


MOST: Final = 10**6
"""More returns than any programme owes: a table is not read in pages."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows are asked for; None asks for any."""

    first: Month | None = None
    last: Month | None = None
    subcontract: str | None = None
    pathway: str | None = None


PathwayRow = tuple[str, Quality]
"""A pathway, and what the returns of a subcontract (or of all) come to for it."""


@dataclass(frozen=True, slots=True)
class PathwaysRead:
    """Rows of quality by pathway as they stood, the contract that they are judged by, and the moment to name."""

    contract: Contract
    rows: tuple[PathwayRow, ...]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class QualityRead:
    """Rows of quality as they stood, the contract that they are judged by, and the moment to name."""

    contract: Contract
    rows: tuple[Quality, ...]
    as_of: datetime | None


def position(row: Quality) -> tuple[int, str]:
    """Where a row comes in the order: by month, all subcontracts before each."""
    return row.month.ordinal, FIRST if row.subcontract == ALL else row.subcontract


def read_quality(
    session: Session,
    programme: str,
    asked: Asked,
    *,
    after: tuple[int, str] | None,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> QualityRead:
    """At most `limit` rows that come after a position: of each month all subcontracts together (to whoever reads them all), then each.

    Without months: from the programme's first to the one in which the moment lies. A subcontract reads its own.
    """
    require(actor, Permission.RETURN_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    rows = islice(_rows(session, contract, asked, actor=actor, after=after or (0, FIRST), moment=moment), limit)
    return QualityRead(contract, tuple(rows), told(actor, as_of, moment))


def _rows(
    session: Session, contract: Contract, asked: Asked, *, actor: Actor, after: tuple[int, str], moment: datetime
) -> Iterator[Quality]:
    for month, mine in _months(contract, asked, actor=actor, first=Month(after[0]), moment=moment):
        with_all = actor.subcontract == EVERY and asked.subcontract is None and (month.ordinal, FIRST) > after
        wanted = mine if with_all else [key for key in mine if (month.ordinal, key.subcontract) > after]
        rows = _of_month(session, contract, month, wanted, moment)
        if with_all and rows:
            yield together(rows, month=month)
        yield from rows


def _months(contract: Contract, asked: Asked, *, actor: Actor, first: Month, moment: datetime) -> Iterator[tuple[Month, list[ReturnKey]]]:
    """The months that are asked for, from one on, each with the returns that the actor may read of."""
    term = contract.programme
    first = max(asked.first or term.first_month, term.first_month, first)
    last = min(asked.last or Month.of(moment.astimezone(LONDON).date()), term.last_month)
    own = {actor.subcontract, *actor.inherited_subcontracts}
    for month in first.through(last):
        keys = expected_returns(contract, month, subcontract=asked.subcontract)
        yield month, [key for key in keys if EVERY in own or key.subcontract in own]


def _of_month(session: Session, contract: Contract, month: Month, keys: Sequence[ReturnKey], moment: datetime) -> list[Quality]:
    """Each subcontract's row of a month, by reference."""
    parts: dict[str, list[Quality]] = defaultdict(list)
    for key, owed in _fallen_due(session, contract, month, keys, moment):
        quality = Quality(month, key.subcontract, returns_expected=1) if owed is None else quality_of(contract, owed)
        parts[key.subcontract].append(quality)
    return [together(own, month=month, subcontract=reference) for reference, own in sorted(parts.items())]


def _fallen_due(
    session: Session, contract: Contract, month: Month, keys: Sequence[ReturnKey], moment: datetime
) -> Iterator[tuple[ReturnKey, OwedReturn | None]]:
    """Each return of a month as it stood if it had fallen due, else None."""
    due = {key: deadline(contract.collection[key.collection].deadlines_in(month).due, month, contract.days) for key in keys}
    yield from ((key, None) for key in keys if moment <= due[key])
    for owed in owed_returns(session, contract, {key: instant for key, instant in due.items() if moment > instant}, as_of=moment):
        yield owed.key, owed


def read_pathways(
    session: Session,
    programme: str,
    asked: Asked,
    *,
    after: tuple[int, str, str] | None,
    limit: int,
    actor: Actor,
    as_of: datetime | None,
    now: datetime,
) -> PathwaysRead:
    """The same by pathway: of each month and pathway all subcontracts together (to whoever reads them all), then each."""
    require(actor, Permission.RETURN_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    contract = load_contract(session, programme, as_of=moment)
    rows = _pathway_rows(session, contract, asked, actor=actor, first=Month(after[0] if after else 0), moment=moment)
    wanted = (row for row in rows if asked.pathway in {None, row[0]} and (after is None or pathway_position(row) > after))
    return PathwaysRead(contract, tuple(islice(wanted, limit)), told(actor, as_of, moment))


def pathway_position(row: PathwayRow) -> tuple[int, str, str]:
    month, subcontract = position(row[1])
    return month, row[0], subcontract


def _pathway_rows(
    session: Session, contract: Contract, asked: Asked, *, actor: Actor, first: Month, moment: datetime
) -> Iterator[PathwayRow]:
    with_all = actor.subcontract == EVERY and asked.subcontract is None
    for month, keys in _months(contract, asked, actor=actor, first=first, moment=moment):
        parts: dict[str, dict[str, list[Quality]]] = defaultdict(lambda: defaultdict(list))
        for key, owed in _fallen_due(session, contract, month, keys, moment):
            for pathway in pathways_of(contract, key):
                quality = (
                    Quality(month, key.subcontract, returns_expected=1) if owed is None else quality_of_pathway(contract, owed, pathway)
                )
                parts[pathway][key.subcontract].append(quality)
        for pathway, own in sorted(parts.items()):
            rows = [together(of, month=month, subcontract=reference) for reference, of in sorted(own.items())]
            yield from ((pathway, row) for row in ([together(rows, month=month)] if with_all else []) + rows)


def owed_returns(session: Session, contract: Contract, due: dict[ReturnKey, datetime], *, as_of: datetime) -> list[OwedReturn]:
    """Returns that have fallen due, each at its instant, as the record held them at a moment."""
    if not due:
        return []
    programme, months = contract.programme.code, sorted({key.month for key in due})
    of = sorted({key.subcontract for key in due})
    first = store.first_revisions(session, programme, months, subcontracts=of, as_of=as_of)
    judged = {
        key: held for key, held in store.judged_revisions(session, programme, months, subcontracts=of, as_of=as_of).items() if key in due
    }
    states = _states_without_value(session, contract, judged)
    other = [revision for held in judged.values() if held.first_id is not None for revision in (held.first_id, held.revision_id)]
    figures = store.figures_of(session, programme, other) if other else {}
    found = []
    for key, instant in due.items():
        held = judged.get(key)
        if held is None:
            found.append(OwedReturn(key, instant, accepted=False, lacking=frozenset(expected_cells(contract, key))))
            continue
        without = states[key]
        found.append(
            OwedReturn(
                key,
                instant,
                accepted=held.accepted,
                first=first[key],
                lacking=frozenset(without),
                not_applicable=frozenset(cell for cell, state in without.items() if state == "not_applicable"),
                revised=_revised(held, first[key], figures),
            )
        )
    return found


def _states_without_value(session: Session, contract: Contract, judged: dict[ReturnKey, Judged]) -> dict[ReturnKey, dict[CellKey, str]]:
    """The cells owed now that each judged revision has no value for, and what it says of them.

    A revision that was validated against other cells than are owed now is compared cell by cell: what it does not state is `missing`.
    """
    programme = contract.programme.code
    without = store.cells_without_value(session, programme, [held.revision_id for held in judged.values()])
    changed = []
    for key, held in judged.items():
        expectation = expected_return(contract, key)
        if expectation is not None and expectation.sha256 != held.expected_sha256:
            changed.append(held.revision_id)
    stated = store.stated_cells(session, programme, changed) if changed else {}
    found: dict[ReturnKey, dict[CellKey, str]] = {}
    for key, held in judged.items():
        owed = expected_cells(contract, key)
        absent = (cell for cell in owed if held.revision_id in stated and cell not in stated[held.revision_id])
        said = without.get(held.revision_id, {})
        found[key] = {cell: said[cell] for cell in owed if cell in said} | dict.fromkeys(absent, "missing")
    return found


def _revised(held: Judged, first: FirstRevision, figures: dict[int, Figures]) -> dict[str, Fraction]:
    """How far the figures of each measure went since the first revision."""
    if held.first_id is None:
        return dict.fromkeys(first.populated, Fraction(0))
    before, after = figures[held.first_id], figures[held.revision_id]
    return {measure: revision_size(before.get(measure, {}), after.get(measure, {})) for measure in before.keys() | after.keys()}


def overdue_returns(
    session: Session, programme: str, *, month: Month | None, collection: str | None, actor: Actor, as_of: datetime | None, now: datetime
) -> list[Standing]:
    """The returns that are due and of which nothing was received, by month, collection and subcontract."""
    wanted = Wanted(month=month, collection=collection, overdue=True)
    found, _ = list_returns(session, programme, wanted, after=None, limit=MOST, actor=actor, as_of=as_of, now=now)
    return found
