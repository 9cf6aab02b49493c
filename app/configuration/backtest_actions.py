"""Rules tried on what was received, before anybody is judged by them: allow, load, judge."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_returns
from app.calendar.store import load_contract
from app.configuration.rules import astray, repeated
from app.kernel.actors import Actor
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid
from app.measures.domain import Measure
from app.measures.rules import AnyRule, CollectionRule, MeasureRule
from app.returns.expectation import ExpectedReturn, expected_return
from app.returns.history import stated_before
from app.returns.looking_back import Stated, needed_of
from app.returns.rules import judge
from app.returns.submission import Cell, CellWarning

MOST_MONTHS: Final = 36


@dataclass(frozen=True, slots=True)
class Tried:
    """Rules to try: of a measure, in every version of it, or of a collection."""

    measure: str | None
    collection: str | None
    rules: tuple[AnyRule, ...]

    @property
    def of_measure(self) -> tuple[MeasureRule, ...]:
        return tuple(rule for rule in self.rules if not isinstance(rule, CollectionRule))

    @property
    def of_collection(self) -> tuple[CollectionRule, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, CollectionRule))


@dataclass(frozen=True, slots=True)
class Backtest:
    """How many received returns were looked at, and what the rules would have found, in the order of months."""

    returns: int
    found: tuple[tuple[ReturnKey, CellWarning], ...]


def backtest(session: Session, programme: str, tried: Tried, *, first: Month, last: Month, actor: Actor) -> Backtest:
    """What rules would have found in the returns of some months, by the figures that these state now. Invalid where the rules are."""
    require(actor, Permission.CONFIGURATION_READ, programme=programme)
    contract = load_contract(session, programme)
    faults = [*_astray(contract, tried), *_months_astray(first, last)]
    if faults:
        raise Invalid("These rules cannot be tried; see errors.", faults=faults)
    trial = _with_only(contract, tried)
    by_owner: dict[tuple[str, str], list[ExpectedReturn]] = defaultdict(list)
    for month in first.through(last):
        for key in expected_returns(trial, month):
            expected = expected_return(trial, key)
            if expected is not None and expected.has_rules:
                by_owner[key.collection, key.subcontract].append(expected)
    returns, found = 0, []
    for owed in by_owner.values():
        for expected, warnings in _judged(session, programme, owed):
            returns += 1
            found += [(expected.key, warning) for warning in warnings]
    found.sort(key=lambda each: (each[0].month, each[0], each[1].cell))
    return Backtest(returns, tuple(found))


def _judged(session: Session, programme: str, owed: Sequence[ExpectedReturn]) -> Iterator[tuple[ExpectedReturn, tuple[CellWarning, ...]]]:
    """The received returns of one collection and subcontract, each with what is found in it."""
    own, all_needed = owed[0].key.collection, [needed_of(expected) for expected in owed]
    months: dict[str, set[Month]] = defaultdict(set, {own: {expected.key.month for expected in owed}})
    for needed in all_needed:
        for collection, of_collection in needed.items():
            months[collection] |= of_collection.months
    stated = {
        collection: stated_before(session, programme, owed[0].key._replace(collection=collection), months=asked)
        for collection, asked in months.items()
    }
    for expected, needed in zip(owed, all_needed, strict=True):
        cells = stated[own].get(expected.key.month)
        if cells is None:
            continue
        earlier = {
            collection: {month: stated[collection][month] for month in of_collection.months if month in stated[collection]}
            for collection, of_collection in needed.items()
        }
        by_place: dict[tuple[str, ...], Cell] = {cell[:6]: cell for cell in cells.values()}
        listed = {place: number for number, (place, cell) in enumerate(by_place.items()) if not cell.by_rest}
        stands = Stated(expected, by_place, listed, unplaced=frozenset(), earlier=earlier)
        yield expected, judge(stands, refusing_only=False).warnings


def _with_only(contract: Contract, tried: Tried) -> Contract:
    """The contract with these rules and no other; what they would refuse, they warn of, so that it is named with its rule."""
    rules = tuple(rule.model_copy(update={"severity": "warn"}) for rule in tried.of_measure)
    return replace(
        contract,
        measures=tuple(line.model_copy(update={"rules": rules if line.code == tried.measure else ()}) for line in contract.measures),
        collections=tuple(
            line.model_copy(update={"rules": tried.of_collection if line.code == tried.collection else ()}) for line in contract.collections
        ),
    )


def _astray(contract: Contract, tried: Tried) -> Iterator[Fault]:
    versions: dict[str, list[Measure]] = defaultdict(list)
    for measure in contract.measures:
        versions[measure.code].append(measure)
    if (tried.measure is None) is (tried.collection is None):
        detail = "Rules are of one measure, or of one collection."
        yield Fault("whose_rules", detail, "Name the measure, or the collection.", pointer="/measure")
        return
    for number, rule in enumerate(tried.rules):
        if isinstance(rule, CollectionRule) is (tried.collection is None):
            detail = f"A rule of the kind {rule.kind} is not named by a {'measure' if tried.collection is None else 'collection'}."
            yield Fault("not_one_of", detail, "See the kinds of rules (GET /v1/rules).", pointer=f"/rules/{number}/kind")
    if tried.collection is not None:
        if tried.collection not in contract.collection:
            yield Fault("unknown_collection", "There is no such collection here.", "Correct the code.", pointer="/collection")
        yield from repeated(tried.of_collection, "/rules")
    elif tried.measure not in versions:
        yield Fault("unknown_measure", "There is no such measure here.", "Correct the code.", pointer="/measure")
    else:
        yield from astray(tried.of_measure, versions[tried.measure][-1], versions, "/rules")


def _months_astray(first: Month, last: Month) -> Iterator[Fault]:
    if not 0 <= last.ordinal - first.ordinal < MOST_MONTHS:
        detail = f"The months must be in order, and at most {MOST_MONTHS}."
        yield Fault("months", detail, "Name the first and the last month to look at.", pointer="/to_month")
